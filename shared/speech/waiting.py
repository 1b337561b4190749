"""Waiting for an entity that the service works on."""

from collections.abc import Callable
from dataclasses import dataclass

from shared.speech.errors import WaitTimeout
from shared.speech.types.common import Stateful


@dataclass(frozen=True, slots=True)
class Sighting[E: Stateful]:
    """An entity as it was seen once, with what Retry-After asked for."""

    entity: E
    retry_after_seconds: float | None


@dataclass(frozen=True, slots=True)
class Poller:
    """Looks again and again: after `first_seconds`, then half as long again each time, up to `longest_seconds`.

    Retry-After lengthens a pause, the deadline shortens the last one.
    """

    sleep: Callable[[float], None]
    monotonic: Callable[[], float]
    first_seconds: float = 1.0
    longest_seconds: float = 60.0

    def wait[E: Stateful](
        self, look: Callable[[], Sighting[E]], *, timeout_seconds: float, on_progress: Callable[[E], object] | None
    ) -> E:
        """The finished entity. WaitTimeout at the deadline, after a last look."""
        deadline = self.monotonic() + timeout_seconds
        pause = self.first_seconds
        while True:
            remaining = deadline - self.monotonic()
            sighting = look()
            if on_progress:
                on_progress(sighting.entity)
            if sighting.entity.is_finished:
                return sighting.entity
            if remaining <= 0:
                raise WaitTimeout(f"not finished after {timeout_seconds:g} s")
            self.sleep(min(max(pause, sighting.retry_after_seconds or 0.0), remaining))
            pause = min(pause * 1.5, self.longest_seconds)
