"""Failed files are queued again: each as a ticket of its next attempt, marked to be transcribed although it has an end.

Nothing is deleted: the failed record goes when a transcript is written, or is replaced by the next failure. A retry
that is given twice makes one ticket, since the attempt is part of the ticket's name.
"""

from shared.cli.records import Records
from shared.pipeline.ledger import AUDIO_CONTAINER, AudioFile, Head, Job, Ticket
from shared.pipeline.outcomes import FailureRecord
from shared.wiring import App


class CannotRetryError(Exception):
    """A file cannot be tried again; the text says why."""


class NoFailedRecordError(CannotRetryError):
    """There is no failed record of this path."""


class Retrier:
    """Queues failed files again; safe to use from several threads."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._records = Records(app)

    def retry(self, path: str) -> set[str]:
        """Write the ticket of a failed file; the groups that are ready to commit.

        A file of the audio container gets the options that apply to it now, as if it had just come; one that a manifest
        named keeps the manifest's. CannotRetryError where there is nothing to try again, or it cannot be submitted.
        """
        record = self._records.failure(path)
        if record is None:
            raise NoFailedRecordError("it has no failed record")
        if self._app.container(record.source.container).info(record.source.blob) is None:
            raise CannotRetryError("its audio no longer exists")
        job = self._records.job(record.job_id) if record.job_id else None
        if job and job.manifest:
            return self._queue(job, record)
        if record.source.container != AUDIO_CONTAINER:
            raise CannotRetryError("the job that it failed in, which knows its options, is gone")
        return self._admit(record)

    def _queue(self, job: Job, record: FailureRecord) -> set[str]:
        """The ticket of a file that a manifest named, in its job's group."""
        file = next((file for file in job.files if _is_of(record, file)), None)
        current = self._app.container(record.source.container).info(record.source.blob)
        if file is None or current is None or current.etag != file.etag:
            raise CannotRetryError("it was uploaded again since; name it in a new manifest")
        again = file.model_copy(update={"again": True, "attempt": record.attempts + 1})
        self._app.ledger.ensure_head(Head(group=job.group, options=job.options, manifest=job.manifest))
        self._app.ledger.write_ticket(Ticket(group=job.group, file=again, due=self._app.now()))
        return {job.group}

    def _admit(self, record: FailureRecord) -> set[str]:
        current = self._app.container(AUDIO_CONTAINER).info(record.source.blob)
        if current is None:
            raise CannotRetryError("its audio no longer exists")
        is_same = current.etag == record.source.etag
        groups = self._app.intake.admit(current, failed_attempts=record.attempts if is_same else None)
        if groups:
            return groups
        rejected = self._records.failure(record.source.blob)
        if rejected and rejected.failed_at != record.failed_at:
            raise CannotRetryError(f"{rejected.reason}: {rejected.message}")
        raise CannotRetryError("intake queued nothing: with start=manifest, name it in a manifest with again=true")


def _is_of(record: FailureRecord, file: AudioFile) -> bool:
    """Whether a record is of this version of the audio."""
    source = record.source
    return (source.container, source.blob, source.etag) == (file.container, file.path, file.etag)
