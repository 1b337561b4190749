"""Submission of a committed job to the Speech service, effectively once.

The job's id is the transcription's `displayName`, so a submission whose answer was lost can be found again. A create is
sent by whoever created the job's record, at once or not at all; a record that is still `submitting` after the recovery
time, which is longer than a call can take, is looked up at the service and adopted, or else sent.
"""

import logging
from collections.abc import Callable
from datetime import datetime, timedelta

from shared.errors import BlobMissingError, LeaseHeldError, StorageConditionError
from shared.pipeline.closing import JobCloser
from shared.pipeline.ledger import Job, Ledger
from shared.pipeline.options import TranscriptionOptions
from shared.speech.client import SpeechClient
from shared.speech.errors import BadRequest, SpeechError, Throttled
from shared.speech.filters import Filter
from shared.speech.types.common import EntityReference
from shared.speech.types.transcriptions import (
    Diarization,
    DiarizationSpeakers,
    LanguageIdentification,
    NewTranscription,
    ProfanityFilterMode,
    PunctuationMode,
    Transcription,
    TranscriptionProperties,
)
from shared.storage import AudioLinks, Lease

_log = logging.getLogger("dropscribe.submission")


_FIRST_DELAY_SECONDS = 1.0


class Submission:
    """Sends jobs, and recovers those whose sending was not confirmed."""

    def __init__(
        self,
        *,
        client: SpeechClient,
        creator: SpeechClient,
        ledger: Ledger,
        closer: JobCloser,
        links: AudioLinks,
        recovery_seconds: int,
        keep_hours: int,
        now: Callable[[], datetime],
        sleep: Callable[[float], None],
    ) -> None:
        """`creator` is a client that repeats nothing by itself, so that the time a create takes is bounded here."""
        self._client = client
        self._creator = creator
        self._ledger = ledger
        self._closer = closer
        self._links = links
        self._recovery = timedelta(seconds=recovery_seconds)
        self._keep = timedelta(hours=keep_hours)
        self._now = now
        self._sleep = sleep

    def send(self, job: Job, etag: str) -> None:
        """Send a job whose record was just created; `etag` is the record's.

        Begun within a third of the recovery time or not at all: later, somebody else may be recovering it.
        """
        transcription = self._create(job, until=job.created_at + self._recovery / 3)
        if transcription is None:
            return
        try:
            self._ledger.save_job(job.submitted_as(transcription.id, now=self._now()), etag=etag)
        except StorageConditionError:
            _log.info("job %s: its end was quicker than the note of its start", job.id, extra={"job": job.id})

    def recover(self, job_id: str) -> None:
        """Finish a submission that was not confirmed: adopt its transcription, or send it; others are left alone."""
        try:
            with self._ledger.hold_job(job_id) as lease:
                found = self._ledger.job(job_id)
                if found and found[0].state == "submitting" and self._is_overdue(found[0]):
                    self._recover(found[0], lease)
        except (LeaseHeldError, BlobMissingError):
            return

    def _recover(self, job: Job, lease: Lease) -> None:
        transcription = self._find(job)
        if transcription is None:
            job = job.model_copy(update={"sent_at": self._now()})
            self._ledger.save_job(job, lease=lease)  # so that the next recovery waits until this create is over
            transcription = self._create(job, until=self._now() + self._recovery / 3, lease=lease)
        if transcription:
            self._ledger.save_job(job.submitted_as(transcription.id, now=self._now()), lease=lease)

    def _is_overdue(self, job: Job) -> bool:
        return self._now() - (job.sent_at or job.created_at) > self._recovery

    def _find(self, job: Job) -> Transcription | None:
        """The job's transcription at the service, if a create took effect."""
        return next(iter(self._client.transcriptions.list(filter=Filter.display_name == job.id)), None)

    def _create(self, job: Job, *, until: datetime, lease: Lease | None = None) -> Transcription | None:
        """Create the transcription; None where it was refused for good (the job is ended) or is left to recovery.

        A throttled create had no effect, so it is repeated; none is begun after `until`.
        """
        delay = _FIRST_DELAY_SECONDS
        while self._now() < until:
            try:
                return self._creator.transcriptions.create(self._request(job))
            except Throttled as error:
                _log.warning("job %s is throttled by the service", job.id, extra={"job": job.id})
                self._sleep(max(delay, error.retry_after_seconds or 0))
                delay *= 2
            except BadRequest as error:
                _log.warning("job %s was refused by the service: %s", job.id, error, extra={"job": job.id})
                self._closer.fail(
                    job, "RefusedByService", f"The Speech service refused the request: {error}", lease=lease
                )
                return None
            except SpeechError as error:
                _log.warning(
                    "job %s could not be sent and is left to recovery: %s", job.id, error, extra={"job": job.id}
                )
                return None
        _log.warning("job %s was not sent in time and is left to recovery", job.id, extra={"job": job.id})
        return None

    def _request(self, job: Job) -> NewTranscription:
        options = job.options
        content: dict[str, object] = (
            {"content_container_url": self._links.container(job.whole_container)}
            if job.whole_container
            else {"content_urls": [self._links.blob(file.container, file.path) for file in job.files]}
        )
        return NewTranscription(
            display_name=job.id,
            locale=options.locale,
            model=EntityReference(self_url=options.model) if options.model else None,
            custom_properties={"createdBy": "dropscribe", "group": job.group},
            properties=properties(options, keep=self._keep),
            **content,
        )


def properties(options: TranscriptionOptions, *, keep: timedelta) -> TranscriptionProperties:
    """The service's properties for a file's options (definition TranscriptionProperties)."""
    speakers = DiarizationSpeakers(min_count=options.min_speakers, max_count=options.max_speakers)
    candidates = list(options.candidate_locales)
    return TranscriptionProperties(
        diarization_enabled=options.diarization,
        diarization=Diarization(speakers=speakers) if options.diarization else None,
        word_level_timestamps_enabled=options.word_timestamps,
        channels=list(options.channels),
        punctuation_mode=PunctuationMode(options.punctuation),
        profanity_filter_mode=ProfanityFilterMode(options.profanity),
        time_to_live=keep,
        language_identification=LanguageIdentification(candidate_locales=candidates) if candidates else None,
    )
