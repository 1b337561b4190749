"""The Speech resources over which the app spreads its work, for more quota than one of them has.

Each job lives at one of them, which its record names before anything is sent. One that answers 429, or that cannot be
reached at all, did nothing, so the next one can be asked; every other failure leaves open what has happened there.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zlib import crc32

from shared.errors import OptionsError, ResourceNotConfiguredError
from shared.speech.client import SpeechClient
from shared.speech.errors import SpeechConnectionError, SpeechError, SpeechTimeout, Throttled
from shared.speech.recognition import SpeechRecognizer
from shared.speech.transport import origin

_FIRST_PAUSE_SECONDS = 1.0


@dataclass(frozen=True)
class SpeechResource:
    """One Speech resource, and what speaks to it."""

    endpoint: str
    client: SpeechClient
    """For everything but creates."""
    creator: SpeechClient
    """For creates: it repeats nothing by itself, and a call ends within the time limit."""
    recognizer: SpeechRecognizer
    """For short audio; it repeats nothing by itself."""

    def is_behind(self, url: str) -> bool:
        """Whether a URL leads to this resource."""
        try:
            return origin(url) == origin(self.endpoint)
        except ValueError:
            return False


class SpeechResources:
    """The configured resources, in the order of the settings; at least one."""

    def __init__(self, resources: Sequence[SpeechResource]) -> None:
        self._resources = tuple(resources)

    def __iter__(self) -> Iterator[SpeechResource]:
        """All of them, the first one first."""
        return iter(self._resources)

    @property
    def first(self) -> SpeechResource:
        """The one of SPEECH_ENDPOINT."""
        return self._resources[0]

    def at(self, endpoint: str | None) -> SpeechResource:
        """The resource that a job's record names; the first one for a record from before there were several.

        ResourceNotConfiguredError where it is none of the app's any more.
        """
        if endpoint is None:
            return self.first
        for resource in self._resources:
            if resource.is_behind(endpoint):
                return resource
        raise ResourceNotConfiguredError(endpoint)

    def behind(self, url: str | None) -> Sequence[SpeechResource]:
        """Where something may be that is said to be at `url`: the one resource there, or any of them."""
        return [resource for resource in self._resources if url and resource.is_behind(url)] or self._resources

    def suitable(self, model: str | None) -> Sequence[SpeechResource]:
        """The resources that can work with a model, which lives in one of them; all of them without one.

        OptionsError where the model is in none of them. A single resource is left to judge by itself.
        """
        if model is None or len(self._resources) == 1:
            return self._resources
        owners = [resource for resource in self._resources if resource.is_behind(model)]
        if not owners:
            known = ", ".join(resource.endpoint for resource in self._resources)
            raise OptionsError(f"option model is {model!r}: must be the URL of a model at one of {known}")
        return owners

    def in_turn(self, model: str | None, *, key: str) -> list[SpeechResource]:
        """The resources to ask, one after the other; `key`, such as a job's id, spreads the work evenly.

        OptionsError as `suitable`.
        """
        suitable = list(self.suitable(model))
        start = crc32(key.encode()) % len(suitable)
        return suitable[start:] + suitable[:start]


class Turns:
    """Whose turn it is: each resource in order, and one that did nothing again after a pause that doubles.

    Waits only when none is ready, never for a turn that would begin after `until`. A Retry-After is waited out.
    """

    def __init__(
        self,
        resources: Sequence[SpeechResource],
        *,
        until: datetime,
        now: Callable[[], datetime],
        sleep: Callable[[float], None],
    ) -> None:
        self._resources = resources
        self._until = until
        self._now = now
        self._sleep = sleep
        self._refusals: Counter[str] = Counter()
        self._ready_at = dict.fromkeys((resource.endpoint for resource in resources), now())

    def __iter__(self) -> Iterator[SpeechResource]:
        """The resources to ask, until one is taken; `pass_over` says that it was not."""
        while True:
            resource = min(self._resources, key=lambda one: self._ready_at[one.endpoint])
            ready_at = max(self._now(), self._ready_at[resource.endpoint])
            if ready_at >= self._until:
                return
            pause = (ready_at - self._now()).total_seconds()
            if pause > 0:
                self._sleep(pause)
            yield resource

    def pass_over(self, resource: SpeechResource, error: SpeechError) -> None:
        """The resource did nothing for this reason."""
        pause = _FIRST_PAUSE_SECONDS * 2 ** self._refusals[resource.endpoint]
        asked = error.retry_after_seconds if isinstance(error, Throttled) else None
        self._refusals[resource.endpoint] += 1
        self._ready_at[resource.endpoint] = self._now() + timedelta(seconds=max(pause, asked or 0))


def did_nothing(error: SpeechError) -> bool:
    """Whether it is certain that a request had no effect, for a reason that is the resource's and not the request's."""
    passing = isinstance(error, Throttled | SpeechConnectionError | SpeechTimeout)
    return passing and not error.may_have_taken_effect
