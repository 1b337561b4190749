"""Faults on demand: what goes wrong, when, and how often; repeatable from a seed."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from random import Random
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

SECONDS_LIMIT = 100_000_000
"""The longest wait that can be asked for: three years."""
Seconds = Annotated[float, Field(ge=0, le=SECONDS_LIMIT)]


class FaultBase(BaseModel):
    """When a fault strikes: `after` matches are spared, then each with `probability`, at most `count` times."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    probability: float = Field(default=1, ge=0, le=1)
    count: int | None = Field(default=None, ge=1)
    after: int = Field(default=0, ge=0)


class RequestFault(FaultBase):
    """A fault of requests: `operation` is a pattern of operation ids, such as `Transcriptions_*`.

    With `after_effect` the operation is carried out first and only its answer is replaced, lost or late.
    Reading a result file's content, which is no operation of the specification, is `Files_GetContent`.
    """

    operation: str = "*"
    after_effect: bool = False


class Throttle(RequestFault):
    """429, with a Retry-After header where `retry_after` (seconds) is given."""

    kind: Literal["throttle"] = "throttle"
    retry_after: int | None = Field(default=None, ge=0)


class ServerError(RequestFault):
    """An answer of 5xx."""

    kind: Literal["error"] = "error"
    status: int = Field(default=503, ge=500, le=599)


class Delay(RequestFault):
    """An answer `seconds` late, by the service's clock: longer than a client's time limit, it is a time-out."""

    kind: Literal["delay"] = "delay"
    seconds: Seconds = 5


class Cut(RequestFault):
    """The connection is closed without an answer."""

    kind: Literal["cut"] = "cut"


class DeliveryFault(FaultBase):
    """A fault of web hook deliveries: challenges apart; `event` is a pattern such as `transcription*`."""

    event: str = "*"


class Duplicate(DeliveryFault):
    """The notification is delivered twice."""

    kind: Literal["duplicate"] = "duplicate"


class Late(DeliveryFault):
    """The notification is delivered `seconds` late."""

    kind: Literal["late"] = "late"
    seconds: Seconds = 5


class Lost(DeliveryFault):
    """The notification is never delivered."""

    kind: Literal["lost"] = "lost"


class Reorder(DeliveryFault):
    """The notification is delivered late by a random part of `seconds`, so that notifications overtake each other."""

    kind: Literal["reorder"] = "reorder"
    seconds: Seconds = 2


class FailFile(FaultBase):
    """Audio whose URL (without query) matches `source` fails with `error_kind`; only its first `tries`, if given."""

    kind: Literal["fail-file"] = "fail-file"
    source: str = "*"
    error_kind: str = "InvalidData"
    message: str = "The recording could not be processed."
    tries: int | None = Field(default=None, ge=1)


class CorruptResult(FaultBase):
    """The content of result files whose name matches is no JSON when read; `count=1` spoils only the first read."""

    kind: Literal["corrupt-result"] = "corrupt-result"
    name: str = "*"


class TruncateResult(FaultBase):
    """The content of result files whose name matches ends half-way when read."""

    kind: Literal["truncate-result"] = "truncate-result"
    name: str = "*"


def spoiled(content: bytes, fault: CorruptResult | TruncateResult) -> bytes:
    """The content as the fault has it."""
    half = len(content) // 2
    return content[:half] + (b"" if isinstance(fault, TruncateResult) else b"\x00\xff{" + content[half:])


class FailJob(FaultBase):
    """Transcriptions whose displayName matches end as Failed with this error."""

    kind: Literal["fail-job"] = "fail-job"
    display_name: str = "*"
    code: str = "Internal"
    message: str = "The transcription failed because of an internal error."


AnyRequestFault = Throttle | ServerError | Delay | Cut
Fault = Annotated[
    AnyRequestFault | Duplicate | Late | Lost | Reorder | FailFile | CorruptResult | TruncateResult | FailJob,
    Field(discriminator="kind"),
]
FAULT_LIST: TypeAdapter[list[Fault]] = TypeAdapter(list[Fault])


def parse_fault(text: str) -> Fault:
    """A fault as the command line has it: `throttle,operation=Transcriptions_Create,count=2`; ValueError if wrong."""
    kind, *pairs = text.split(",")
    values = dict(pair.partition("=")[::2] for pair in pairs)
    try:
        return FAULT_LIST.validate_python([{"kind": kind, **values}])[0]
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"][1:])
        raise ValueError(f"{text!r}: {place} {first['msg']}") from None


@dataclass
class _Armed:
    fault: Fault
    random: Random
    matched: int = 0
    fired: int = 0
    tries: Counter[str] = field(default_factory=Counter)

    def strikes(self) -> bool:
        self.matched += 1
        spared = self.matched <= self.fault.after or (self.fault.count is not None and self.fired >= self.fault.count)
        if spared or self.random.random() >= self.fault.probability:
            return False
        self.fired += 1
        return True


class Faults:
    """The faults armed now, with what each has done. The same seed and the same calls give the same faults."""

    def __init__(self, faults: Iterable[Fault] = (), *, seed: int = 0) -> None:
        self._initial = tuple(faults)
        self._seed = seed
        self.arm(self._initial)

    def arm(self, faults: Iterable[Fault]) -> None:
        """Replace all faults by these."""
        self._armed = [_Armed(fault, Random(f"{self._seed}/{n}")) for n, fault in enumerate(faults)]  # noqa: S311 - repeatable faults, no secrets

    def reset(self) -> None:
        """Arm the faults of the start again."""
        self.arm(self._initial)

    def state(self) -> list[Mapping[str, object]]:
        """Every fault, how often it matched and how often it struck."""
        return [
            {**armed.fault.model_dump(exclude_none=True), "matched": armed.matched, "struck": armed.fired}
            for armed in self._armed
        ]

    def on_request(self, operation: str) -> AnyRequestFault | None:
        """What goes wrong with this request: the first fault that strikes."""
        for armed in self._armed:
            fault = armed.fault
            if isinstance(fault, AnyRequestFault) and fnmatchcase(operation, fault.operation) and armed.strikes():
                return fault
        return None

    def on_delivery(self, event: str) -> list[float]:
        """How many seconds late each copy of a notification is sent; none at all where it is lost."""
        copies, delay = 1, 0.0
        for armed in self._armed:
            fault = armed.fault
            if not isinstance(fault, DeliveryFault) or not fnmatchcase(event.lower(), fault.event.lower()):
                continue
            if not armed.strikes():
                continue
            match fault:
                case Duplicate():
                    copies += 1
                case Late():
                    delay += fault.seconds
                case Reorder():
                    delay += armed.random.random() * fault.seconds
                case _:
                    return []
        return [delay] * copies

    def on_file(self, source: str) -> FailFile | None:
        """Why this audio (its URL without query) fails, if it does."""
        for armed in self._armed:
            fault = armed.fault
            if not isinstance(fault, FailFile) or not fnmatchcase(source, fault.source):
                continue
            armed.tries[source] += 1
            spent = fault.tries is not None and armed.tries[source] > fault.tries
            if not spent and armed.strikes():
                return fault
        return None

    def on_result(self, name: str) -> CorruptResult | TruncateResult | None:
        """What goes wrong with the content of a result file as it is served."""
        for armed in self._armed:
            fault = armed.fault
            if isinstance(fault, CorruptResult | TruncateResult) and fnmatchcase(name, fault.name) and armed.strikes():
                return fault
        return None

    def on_job(self, display_name: str) -> FailJob | None:
        """Why this transcription fails as a whole, if it does."""
        for armed in self._armed:
            fault = armed.fault
            if isinstance(fault, FailJob) and fnmatchcase(display_name, fault.display_name) and armed.strikes():
                return fault
        return None
