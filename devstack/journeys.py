"""Following uploaded files until each has found its end."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from devstack.processes import StackError
from devstack.stages import Observation, Stage, Version, stage_of

LOOK_SECONDS = 0.25
QUIET_SECONDS = 600.0
"""How long nothing may change before waiting is given up; the longest pause before a retry is shorter."""


@dataclass
class Journey:
    """An uploaded file on its way."""

    version: Version
    began: float
    """When it was uploaded, in seconds of the clock."""
    speech_seconds: float
    """How much there is to recognize, which takes no longer than to say it."""
    stage: Stage = Stage.UPLOADED
    moved: float = 0.0
    """When its stage last changed."""

    def elapsed(self, now: float) -> float:
        """Seconds since the upload, or from there to the end."""
        return (self.moved if self.stage.final else now) - self.began


class Display(Protocol):
    """Shows journeys."""

    def changed(self, journey: Journey) -> None:
        """A journey has reached another stage."""


def follow(
    journeys: Sequence[Journey],
    observe: Callable[[Iterable[Version]], Observation],
    display: Display,
    *,
    check: Callable[[], None],
    clock: Callable[[], float],
    sleep: Callable[[float], None],
) -> None:
    """Look until every journey has ended; StackError where nothing changes for long. `check` raises for a dead part."""
    moved = clock()
    while pending := [journey for journey in journeys if not journey.stage.final]:
        check()
        seen = observe([journey.version for journey in pending])
        now = clock()
        for journey in pending:
            stage = stage_of(journey.version, seen)
            if stage and stage is not journey.stage:
                journey.stage, journey.moved = stage, now
                moved = now
                display.changed(journey)
        if now - moved > patience(pending):
            raise StackError(_stuck(pending, now - moved))
        sleep(LOOK_SECONDS)


def patience(pending: Iterable[Journey]) -> float:
    """Seconds that nothing may change: some, and while audio is recognized, as long as that may take."""
    return QUIET_SECONDS + sum(each.speech_seconds for each in pending if each.stage is Stage.RECOGNIZING)


def _stuck(pending: Sequence[Journey], seconds: float) -> str:
    named = ", ".join(f"{journey.version.blob} ({journey.stage})" for journey in pending[:5])
    more = f" and {len(pending) - 5} more" if len(pending) > 5 else ""
    return f"Nothing has changed for {seconds / 60:.0f} minutes. Not finished: {named}{more}."
