"""What steps of the pipeline cost, as measured: seconds, storage requests by how they are billed, calls of Speech."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Self


@dataclass(frozen=True)
class Work:
    """What something costs; adds up, and can be multiplied."""

    seconds: float = 0.0
    """From begin to end, as a function call is billed."""
    cpu_seconds: float = 0.0
    """Of one processor."""
    writes: float = 0.0
    lists: float = 0.0
    reads: float = 0.0
    others: float = 0.0
    """Properties of blobs, leases, batches of deletes."""
    deletes: float = 0.0
    """Free, but they count against the account's request rate."""
    speech_calls: float = 0.0
    """Calls that count against the Speech resource's request rate; reading a result's content does not."""

    @property
    def storage_requests(self) -> float:
        """Requests that count against the storage account's rate."""
        return self.writes + self.lists + self.reads + self.others + self.deletes

    def __add__(self, other: Self) -> Self:
        return type(self)(*(mine + theirs for mine, theirs in zip(self._values(), other._values(), strict=True)))

    def __mul__(self, factor: float) -> Self:
        return type(self)(*(value * factor for value in self._values()))

    def _values(self) -> list[float]:
        return [getattr(self, field.name) for field in fields(self)]


@dataclass(frozen=True)
class Linear:
    """Work that grows with the number of things in it: a job with its files, a sweep with the open jobs."""

    fixed: Work
    each: Work

    def at(self, count: float) -> Work:
        """The work for so many."""
        return self.fixed + self.each * count

    @classmethod
    def through(cls, points: Mapping[int, Work]) -> Self:
        """The line through the smallest and the largest count measured; nothing in it is negative."""
        low, high = min(points), max(points)
        rise = points[high] + points[low] * -1
        each = _floored(rise * (1 / (high - low)))
        return cls(_floored(points[low] + each * -low), each)


def _floored(work: Work) -> Work:
    return Work(*(max(0.0, getattr(work, field.name)) for field in fields(work)))


@dataclass(frozen=True)
class Rates:
    """What the pipeline was measured to cost."""

    intake: Work
    """A file's event until its ticket is written."""
    join: Work
    """What follows in the same call where another call is committing the group already."""
    commit: Linear
    """A job of so many files: listing, screening, its records, the request. Without lingering."""
    lock_seconds: Linear
    """How long a commit of so many files keeps other groups' committers waiting; in `seconds`."""
    listing_seconds: float
    """What each ticket adds that is listed beside those of the job; the simulation has how many a listing has."""
    screening_seconds: float
    """What each file of an open job, of whatever group, adds to a screening."""
    loading_seconds: float
    """What each file of an open job adds to the first screening of a process."""
    open_file_bytes: float
    """Memory that a committer keeps for each file of an open job."""
    collect: Linear
    """A finished job of so many files."""
    sweep: Linear
    """The minutely sweep with so many open jobs."""
    drain: Work
    """The minutely look for tickets where there are none."""
    webhook: Work
    """The look at the web hook, every five minutes."""
    health: Work
    """The health answer, which the availability test asks for."""
    search: Linear
    """The hourly search with so many blobs in the container `audio`, none of them new."""
    search_new: Work
    """The hourly search: what each blob adds that came since the last one and has its outcome."""
    transcript_bytes: float
    """Transcript and exports of a file."""
    telemetry_bytes: float
    """What the app sends of a file to Application Insights: its trace, and its share of logs."""
