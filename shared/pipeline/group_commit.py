"""Group commit, as databases do it: many waiting files become few requests, each submitted effectively once.

Whoever gets the lease of the group's head lingers a moment, gathers the tickets that came meanwhile and commits them as
a job; whoever does not get it has nothing to do. The committer looks for tickets once more after it let go, so one that
was written while it held the lease is never left behind.
"""

import logging
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime, timedelta
from itertools import groupby, islice

from shared.errors import BlobMissingError, LeaseHeldError, ManifestError, StorageConditionError
from shared.pipeline.intake import Intake
from shared.pipeline.ledger import AUDIO_CONTAINER, Head, Job, Ledger, ManifestReference, Ticket, new_job
from shared.pipeline.manifest import container_files, is_manifest
from shared.pipeline.outcomes import Outcomes
from shared.pipeline.short_route import ShortRoute
from shared.pipeline.submission import Submission
from shared.storage import BlobContainer, Lease

_log = logging.getLogger("dropscribe.commit")

FILES_PER_JOB = 1_000
"""The service takes at most 1,000 `contentUrls` in a request (Transcriptions_Create)."""

_LINGERS = 15
"""While files keep coming, the committer goes on lingering, up to this many times."""

_THREADS = 16

_LOCK_POLL_SECONDS = 0.25


class GroupCommit:
    """Turns the tickets of a group into jobs."""

    def __init__(
        self,
        *,
        containers: Callable[[str], BlobContainer],
        ledger: Ledger,
        outcomes: Outcomes,
        intake: Intake,
        submission: Submission,
        short_route: ShortRoute,
        linger_seconds: float,
        work_seconds: float,
        now: Callable[[], datetime],
        sleep: Callable[[float], None],
    ) -> None:
        self._containers = containers
        self._ledger = ledger
        self._outcomes = outcomes
        self._intake = intake
        self._submission = submission
        self._short_route = short_route
        self._linger_seconds = linger_seconds
        self._work = timedelta(seconds=work_seconds)
        self._now = now
        self._sleep = sleep

    def commit(self, group: str) -> None:
        """Submit what is due in a group, unless somebody else is at it; ends when nothing is due or time is up."""
        deadline = self._now() + self._work
        try:
            anything_due = True
            while anything_due and self._now() < deadline:
                with self._ledger.lead(group) as lease:
                    self._lead(group, lease, deadline)
                anything_due = any(True for _ in self._due(group))
        except LeaseHeldError:
            return
        except BlobMissingError:
            self._readmit(group)
        except StorageConditionError as error:
            _log.warning("group %s: another committer took over: %s", group, error)

    def _lead(self, group: str, lease: Lease, deadline: datetime) -> None:
        head = self._ledger.head(group)
        if head is None:
            return
        if head.batch:
            self._carry_on(head, head.batch, self._ledger.create_job(head.batch), lease)
        if head.options.route == "short":
            while self._now() < deadline and (clips := self._screen(list(self._due(group)))):
                self._short_route.carry_out(head, clips)
            return
        while self._now() < deadline and (tickets := self._gather(group)):
            for job, etag in self._make_jobs(head, tickets, lease, deadline):
                self._carry_on(head, job, etag, lease)

    def _make_jobs(
        self, head: Head, tickets: Sequence[Ticket], lease: Lease, deadline: datetime
    ) -> list[tuple[Job, str | None]]:
        """Screen tickets and create the records of what is left, with no other group's committer doing so meanwhile.

        A file can wait in two groups, such as when a manifest names what was just uploaded; whoever comes second sees
        the first one's record.
        """
        made: list[tuple[Job, str | None]] = []
        with self._exclusively(deadline):
            for job in map(self._submission.assign, self._jobs(head, self._screen(tickets))):
                self._ledger.write_head(head.model_copy(update={"batch": job}), lease)
                made.append((job, self._ledger.create_job(job)))
        return made

    @contextmanager
    def _exclusively(self, deadline: datetime) -> Iterator[None]:
        """Hold the lock of all committers; LeaseHeldError where it does not come free before the deadline."""
        while True:
            try:
                with self._ledger.lock_commits():
                    yield
                    return
            except LeaseHeldError:
                if self._now() >= deadline:
                    raise
                self._sleep(_LOCK_POLL_SECONDS)

    def _carry_on(self, head: Head, job: Job, etag: str | None, lease: Lease) -> None:
        """What follows a job's record; a leader that crashed may have done each of the steps before.

        `etag` is the record's where it was created just now, and its creator alone sends the job.
        """
        if job.manifest and job.whole_container:
            self._ledger.write_receipt(job.manifest, {"container": job.whole_container, "job": job.id})
        self._ledger.delete_tickets_of(job)
        self._ledger.write_head(head.model_copy(update={"batch": None}), lease)
        if etag:
            self._submission.send(job, etag)

    def _due(self, group: str) -> Iterator[Ticket]:
        """Tickets whose time has come, the latest attempt of each file; an earlier one beside it is outdated."""
        now = self._now()
        for _, attempts in groupby(self._ledger.tickets(group), key=lambda ticket: ticket.file.key):
            *outdated, latest = attempts
            self._ledger.delete_tickets(outdated)
            if latest.due <= now:
                yield latest

    def _gather(self, group: str) -> list[Ticket]:
        """Linger as long as files keep coming, then take as many as fit one request."""
        tickets = list(islice(self._due(group), FILES_PER_JOB))
        for _ in range(_LINGERS):
            if not tickets or len(tickets) == FILES_PER_JOB:
                break
            before = len(tickets)
            self._sleep(self._linger_seconds)
            tickets = list(islice(self._due(group), FILES_PER_JOB))
            if len(tickets) <= before:
                break
        return tickets

    def _screen(self, tickets: Sequence[Ticket]) -> list[Ticket]:
        """Drop the tickets that duplicate events or crashes left: what is on its way, at its end, or replaced.

        Open jobs are looked at first and outcomes second: a job closes only after its outcomes are written, so
        nothing slips between.
        """
        under_way = self._ledger.open_files()
        waiting = [ticket for ticket in tickets if under_way.get(ticket.file.key, 0) < ticket.file.attempt]
        with ThreadPoolExecutor(_THREADS) as threads:
            fresh = [t for t, wanted in zip(waiting, threads.map(self._wanted, waiting), strict=True) if wanted]
        kept = {ticket.name for ticket in fresh}
        self._ledger.delete_tickets(ticket for ticket in tickets if ticket.name not in kept)
        return fresh

    def _wanted(self, ticket: Ticket) -> bool:
        file = ticket.file
        current = self._containers(file.container).info(file.path)
        if current is None or current.etag != file.etag:
            return False
        if is_manifest(file.path):
            return not self._ledger.manifest_received(file.path, file.etag)
        return file.again or not self._outcomes.settled(file)

    def _jobs(self, head: Head, tickets: Sequence[Ticket]) -> Iterator[Job]:
        """A job for the files, and one for a manifest that names a whole container."""
        if files := [ticket.file for ticket in tickets if not is_manifest(ticket.file.path)]:
            yield new_job(head, files, now=self._now())
        for ticket in tickets:
            if is_manifest(ticket.file.path) and head.manifest:
                yield from self._container_job(head, head.manifest, ticket)

    def _container_job(self, head: Head, manifest: ManifestReference, ticket: Ticket) -> Iterator[Job]:
        try:
            files = container_files(self._containers(str(manifest.container)), manifest)
        except ManifestError as error:
            self._intake.reject(ticket.file, "InvalidManifest", str(error))
            self._ledger.delete_tickets([ticket])
        else:
            yield new_job(head, files, now=self._now(), whole_container=manifest.container)

    def _readmit(self, group: str) -> None:
        """Tickets of a group that is not known: admit their files anew."""
        for ticket in list(self._ledger.tickets(group)):
            if ticket.file.container == AUDIO_CONTAINER:
                self._intake.receive(ticket.file.path)
            self._ledger.delete_tickets([ticket])
