"""What happened, for tests: requests seen and web hook deliveries tried. No query of a URL and no key is kept."""

from collections import deque
from dataclasses import dataclass, field
from datetime import datetime

from emulator.records import Status

LIMIT = 100_000
"""How many requests and how many deliveries are remembered; older ones are forgotten."""


@dataclass(frozen=True, slots=True)
class RequestSeen:
    """A request of an operation and its answer; `status` is None where the connection was cut."""

    at: datetime
    operation: str
    method: str
    path: str
    status: int | None
    keyed: bool
    """Whether the request carried a subscription key."""
    fault: str | None = None


@dataclass(slots=True)
class Delivery:
    """A web hook notification: each try's HTTP status, or what kept it from one."""

    at: datetime
    hook: str
    event: str
    url: str
    invocation_id: str | None = None
    entity: str | None = None
    tries: list[int | str] = field(default_factory=list)
    delivered: bool = False
    lost: bool = False
    """Whether a fault swallowed it."""


@dataclass(frozen=True, slots=True)
class TranscriptionSeen:
    """A transcription that is or was there, with its content's URLs without queries."""

    id: str
    subscription: str
    display_name: str
    status: Status
    created: datetime
    last_action: datetime
    deleted: datetime | None
    content_urls: tuple[str, ...]
    content_container_url: str | None
    custom_properties: dict[str, str]


class Journal:
    """The last requests and deliveries."""

    def __init__(self) -> None:
        self.requests: deque[RequestSeen] = deque(maxlen=LIMIT)
        self.deliveries: deque[Delivery] = deque(maxlen=LIMIT)

    def clear(self) -> None:
        """Forget everything."""
        self.requests.clear()
        self.deliveries.clear()
