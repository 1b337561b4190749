"""Submission of a committed job to the Speech service, effectively once.

The job's id is the transcription's `displayName`, so a submission whose answer was lost can be found again. A create is
sent by whoever created the job's record, at once or not at all; a record that is still `submitting` after the recovery
time, which is longer than a call can take, is looked up at the service and adopted, or else sent.

The record always names the Speech resource that the create goes to next, so recovery looks at the right one. A job
moves on to another resource only where the one before certainly did nothing, and only once its record says so.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from shared.errors import BlobMissingError, LeaseHeldError, OptionsError, StorageConditionError
from shared.pipeline.closing import JobCloser
from shared.pipeline.ledger import Job, Ledger
from shared.pipeline.options import TranscriptionOptions
from shared.pipeline.speech_resources import SpeechResource, SpeechResources, Turns, did_nothing
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


@dataclass
class _Record:
    """A job's record in the hands of its sender, who knows its ETag or holds its lease."""

    ledger: Ledger
    job: Job
    etag: str | None = None
    lease: Lease | None = None

    def save(self, job: Job) -> None:
        """Write it anew; StorageConditionError where somebody else has gone on with the job."""
        etag = self.ledger.save_job(job, lease=self.lease, etag=self.etag)
        self.job, self.etag = job, etag if self.etag else None


class Submission:
    """Sends jobs, and recovers those whose sending was not confirmed."""

    def __init__(
        self,
        *,
        resources: SpeechResources,
        ledger: Ledger,
        closer: JobCloser,
        links: AudioLinks,
        recovery_seconds: int,
        keep_hours: int,
        now: Callable[[], datetime],
        sleep: Callable[[float], None],
    ) -> None:
        self._resources = resources
        self._ledger = ledger
        self._closer = closer
        self._links = links
        self._recovery = timedelta(seconds=recovery_seconds)
        self._keep = timedelta(hours=keep_hours)
        self._now = now
        self._sleep = sleep

    def assign(self, job: Job) -> Job:
        """A new job with the Speech resource that it is to be sent to, for its record; none if none can take it."""
        try:
            resource = self._resources.in_turn(job.options.model, key=job.id)[0]
        except OptionsError:  # sending it says so
            return job
        return job.model_copy(update={"endpoint": resource.endpoint})

    def send(self, job: Job, etag: str) -> None:
        """Send a job whose record was just created; `etag` is the record's.

        Begun within a third of the recovery time or not at all: later, somebody else may be recovering it.
        """
        record = _Record(self._ledger, job, etag=etag)
        try:
            self._submit(record, until=job.created_at + self._recovery / 3)
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
        """ResourceNotConfiguredError where the job's resource cannot be asked, so nobody knows whether it has it."""
        record = _Record(self._ledger, job, lease=lease)
        transcription = self._find(job)
        if transcription:
            record.save(job.submitted_as(transcription.id, now=self._now()))
            return
        # Noted first, so that the next recovery waits until this create is over.
        record.save(job.model_copy(update={"sent_at": self._now()}))
        self._submit(record, until=self._now() + self._recovery / 3)

    def _submit(self, record: _Record, *, until: datetime) -> None:
        transcription = self._create(record, until=until)
        if transcription:
            job = record.job
            _log.info("job %s of %d files is sent: %s", job.id, len(job.files), transcription.id, extra={"job": job.id})
            record.save(job.submitted_as(transcription.id, now=self._now()))

    def _is_overdue(self, job: Job) -> bool:
        return self._now() - (job.sent_at or job.created_at) > self._recovery

    def _find(self, job: Job) -> Transcription | None:
        """The job's transcription at the service, if a create took effect."""
        client = self._resources.at(job.endpoint).client
        return next(iter(client.transcriptions.list(filter=Filter.display_name == job.id)), None)

    def _create(self, record: _Record, *, until: datetime) -> Transcription | None:
        """Create the transcription; None where it was refused for good (the job is ended) or is left to recovery.

        A create that certainly had no effect, such as a throttled one, is sent to the next resource, and again once
        each has been asked; none is begun after `until`.
        """
        job = record.job
        try:
            turns = self._turns(job, until=until)
            for resource in turns:
                self._move(record, resource)
                try:
                    return resource.creator.transcriptions.create(self._request(job))
                except SpeechError as error:
                    if not did_nothing(error):
                        raise
                    self._tell_passed_over(job, resource, error)
                    turns.pass_over(resource, error)
        except OptionsError as error:
            self._closer.fail(job, "InvalidOptions", str(error), lease=record.lease)
        except BadRequest as error:
            _log.warning("job %s was refused by the service: %s", job.id, error, extra={"job": job.id})
            message = f"The Speech service refused the request: {error}"
            self._closer.fail(record.job, "RefusedByService", message, lease=record.lease)
        except SpeechError as error:
            _log.warning("job %s could not be sent and is left to recovery: %s", job.id, error, extra={"job": job.id})
        else:
            _log.warning("job %s was not sent in time and is left to recovery", job.id, extra={"job": job.id})
        return None

    def _turns(self, job: Job, *, until: datetime) -> Turns:
        """The resources that can take the job, the one that its record names first."""
        resources = self._resources.in_turn(job.options.model, key=job.id)
        resources.sort(key=lambda resource: not self._is_named(resource, job))
        return Turns(resources, until=until, now=self._now, sleep=self._sleep)

    def _move(self, record: _Record, resource: SpeechResource) -> None:
        """Note where the create goes now, unless the record says so."""
        if not self._is_named(resource, record.job):
            record.save(record.job.model_copy(update={"endpoint": resource.endpoint}))

    def _is_named(self, resource: SpeechResource, job: Job) -> bool:
        return resource.is_behind(job.endpoint or self._resources.first.endpoint)

    @staticmethod
    def _tell_passed_over(job: Job, resource: SpeechResource, error: SpeechError) -> None:
        about = {"job": job.id}
        if isinstance(error, Throttled):
            _log.warning("job %s is throttled by the service at %s", job.id, resource.endpoint, extra=about)
        else:
            _log.warning("job %s did not reach %s: %s", job.id, resource.endpoint, error, extra=about)

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
