"""The end of a job: each of its files has an outcome, the record moves to `jobs/closed`, the service may forget it."""

import logging
from collections import Counter
from collections.abc import Callable, Iterable
from datetime import datetime

from shared.errors import ResourceNotConfiguredError
from shared.pipeline.ledger import AudioFile, Job, JobSummary, Ledger
from shared.pipeline.outcomes import Outcomes
from shared.pipeline.speech_resources import SpeechResources
from shared.speech.errors import SpeechError
from shared.storage import Lease
from shared.telemetry.telemetry import FileEnd, Telemetry

_log = logging.getLogger("dropscribe.closing")


class JobCloser:
    """Ends jobs."""

    def __init__(
        self,
        *,
        resources: SpeechResources,
        ledger: Ledger,
        outcomes: Outcomes,
        delete_transcriptions: bool,
        telemetry: Telemetry,
        now: Callable[[], datetime],
    ) -> None:
        self._resources = resources
        self._ledger = ledger
        self._outcomes = outcomes
        self._delete_transcriptions = delete_transcriptions
        self._telemetry = telemetry
        self._now = now

    def close(self, job: Job, outcomes: Iterable[str], *, lease: Lease | None = None, note: str | None = None) -> None:
        """Record a job's end with the number of files by outcome; called again after a crash, it goes on."""
        summary = JobSummary(closed_at=self._now(), outcomes=dict(Counter(outcomes)), note=note)
        self._ledger.record_end(job, summary)
        self.finish_closing(job, lease=lease)
        _log.info("job %s closed: %s", job.id, summary.outcomes, extra={"job": job.id})

    def finish_closing(self, job: Job, *, lease: Lease | None = None) -> None:
        """What follows once the end is recorded: delete the transcription, then the open record."""
        if self._delete_transcriptions and job.transcription_id:
            self._delete_transcription(job.endpoint, job.transcription_id)
        self._ledger.forget_open(job.id, lease)

    def fail(self, job: Job, reason: str, message: str, *, lease: Lease | None = None) -> None:
        """End a job that the service never took: every file gets a failed record."""
        ends = [self._fail(job, file, reason, message) for file in job.files]
        self.close(job, ends, lease=lease, note=message)

    def _fail(self, job: Job, file: AudioFile, reason: str, message: str) -> str:
        now = self._now()
        end = self._outcomes.write_failure(file, reason, message, now=now, job_id=job.id)
        self._telemetry.file_ended(FileEnd(file, end, now, job=job, reason=reason))
        return end

    def _delete_transcription(self, endpoint: str | None, transcription_id: str) -> None:
        try:
            self._resources.at(endpoint).client.transcriptions.delete(transcription_id)
        except (SpeechError, ResourceNotConfiguredError) as error:
            # Its time to live will delete it; the results are stored.
            _log.warning("transcription %s could not be deleted: %s", transcription_id, error)
