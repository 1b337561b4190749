"""Upkeep: what timers do so that a crash or a lost event costs time, never a transcript."""

import logging
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from itertools import islice

from azure.core.exceptions import AzureError

from shared.errors import DropscribeError
from shared.pipeline.group_commit import GroupCommit
from shared.pipeline.intake import Intake
from shared.pipeline.ledger import AUDIO_CONTAINER, AudioFile, Ledger, OpenJob
from shared.pipeline.messages import CollectMessage
from shared.pipeline.outcomes import Outcomes
from shared.pipeline.submission import Submission
from shared.speech.client import SpeechClient
from shared.speech.errors import SpeechError
from shared.speech.filters import Filter
from shared.speech.types.transcriptions import Transcription
from shared.storage import BlobContainer, BlobInfo
from shared.telemetry.telemetry import Telemetry

_log = logging.getLogger("dropscribe.upkeep")

_CLOCK_SKEW = timedelta(minutes=10)
_TICKETS_LOOKED_AT = 10_000  # two listings; more tickets are reported as this number
_STUCK = timedelta(hours=26)  # a job may wait half an hour at the service and then run for 24
_EVENT_DELAY = timedelta(minutes=10)  # younger audio may still have its event under way


class Upkeep:
    """Drains, sweeps and looks for what was missed."""

    def __init__(
        self,
        *,
        client: SpeechClient,
        containers: Callable[[str], BlobContainer],
        ledger: Ledger,
        outcomes: Outcomes,
        intake: Intake,
        commit: GroupCommit,
        submission: Submission,
        recovery_seconds: int,
        missed_audio_hours: int,
        telemetry: Telemetry,
        now: Callable[[], datetime],
    ) -> None:
        self._client = client
        self._audio = containers(AUDIO_CONTAINER)
        self._ledger = ledger
        self._outcomes = outcomes
        self._intake = intake
        self._commit = commit
        self._submission = submission
        self._recovery = timedelta(seconds=recovery_seconds)
        self._missed = timedelta(hours=missed_audio_hours)
        self._telemetry = telemetry
        self._now = now

    def drain(self) -> None:
        """Commit every group in which files wait: retries that are due, and what a crash left."""
        self._report_tickets()
        for group in self._ledger.groups_with_tickets():
            try:
                self._commit.commit(group)
            except (DropscribeError, AzureError, SpeechError) as error:
                _log.warning("group %s is left for the next round: %s", group, error)

    def sweep(self) -> list[CollectMessage]:
        """Recover submissions that were not confirmed, and name every finished job, so that it is collected.

        The service is asked for its list once, which costs a request for 100 transcriptions rather than for each.
        """
        jobs = self._ledger.open_jobs()
        self._report_jobs(jobs)
        for job in jobs:
            if job.state == "submitting" and self._now() - job.created_at > self._recovery:
                self._submission.recover(job.id)
        known = self._transcriptions_since(jobs[0].created_at) if jobs else {}
        messages = (self._message(job, known.get(job.id)) for job in jobs)
        return [message for message in messages if message]

    def find_missed_audio(self) -> int:
        """Take in audio whose event never came, as far back as the settings say; return how many were found."""
        now = self._now()
        recent = [
            blob
            for blob in self._audio.list()
            if now - self._missed <= blob.last_modified <= now - _EVENT_DELAY and blob.size
        ]
        known = set(self._ledger.open_files()) | {ticket.file.key for ticket in self._ledger.all_tickets()}
        admitted = [groups for blob in recent if self._is_missed(blob, known) if (groups := self._intake.admit(blob))]
        for group in set().union(*admitted):
            self._commit.commit(group)
        if admitted:
            _log.warning("took in %d blobs whose events never came", len(admitted))
        return len(admitted)

    def _report_tickets(self) -> None:
        now = self._now()
        waits = [now - ticket.due for ticket in islice(self._ledger.all_tickets(), _TICKETS_LOOKED_AT)]
        due = [wait for wait in waits if wait >= timedelta()]
        self._telemetry.tickets_waiting(len(due), oldest_seconds=max(due, default=timedelta()).total_seconds())

    def _report_jobs(self, jobs: Sequence[OpenJob]) -> None:
        age = self._now() - jobs[0].created_at if jobs else timedelta()
        self._telemetry.jobs_open(len(jobs), oldest_seconds=age.total_seconds())
        if age > _STUCK:
            _log.warning(
                "job %s is stuck: it is open for %.0f hours",
                jobs[0].id,
                age / timedelta(hours=1),
                extra={"job": jobs[0].id},
            )

    def _is_missed(self, blob: BlobInfo, known: set[str]) -> bool:
        file = AudioFile.of(AUDIO_CONTAINER, blob)
        return file.key not in known and not self._outcomes.settled(file)

    def _transcriptions_since(self, moment: datetime) -> dict[str, Transcription]:
        since = Filter.created_date_time >= moment - _CLOCK_SKEW
        return {item.display_name: item for item in self._client.transcriptions.list(filter=since)}

    def _message(self, job: OpenJob, transcription: Transcription | None) -> CollectMessage | None:
        """What to collect: a finished transcription, or a job whose transcription is gone."""
        if transcription is None:
            return CollectMessage(job=job.id) if job.state == "submitted" else None
        finished = transcription.status is not None and transcription.status.is_terminal
        return CollectMessage(transcription=transcription.id) if finished else None
