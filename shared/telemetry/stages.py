"""The way of a file as stages, read from the times in its records; pure."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from shared.telemetry.telemetry import FileEnd


@dataclass(frozen=True, slots=True)
class Stage:
    """A part of a file's way through the pipeline."""

    name: str
    start: datetime
    end: datetime

    @property
    def seconds(self) -> float:
        """How long it took."""
        return (self.end - self.start).total_seconds()


def stages(end: FileEnd) -> list[Stage]:
    """The stages of one attempt, in order and without a gap.

    A stage whose time is not in the records, such as in those of an earlier release, is part of the one after it. The
    service tells times in whole seconds of its own clock, so no stage is let begin before the one ahead of it.
    """
    (_, start), *following = ((name, moment) for name, moment in _moments(end) if moment)
    found = []
    for name, moment in following:
        found.append(Stage(name, start, max(start, moment)))
        start = found[-1].end
    return found


def _moments(end: FileEnd) -> Iterator[tuple[str, datetime | None]]:
    """When the attempt began, and then each of its stages with the time at which it ended."""
    file, job = end.file, end.job
    yield "", file.received_at if file.attempt == 1 else (file.queued_at or file.received_at)
    if job is None:
        yield "intake", end.at
        return
    yield "intake", file.queued_at if file.attempt == 1 else None
    yield "waiting", job.created_at
    if job.options.route == "short":
        yield "recognition", end.at
    elif job.transcription_id is None:
        yield "submission", end.at
    else:
        yield "submission", job.submitted_at
        yield "transcription", job.finished_at
        yield "collection", end.at
