"""Collection: the results of a finished transcription become transcripts, retries and failed records.

One collector a job, by the lease of its record. Every step is idempotent: a file that this job has ended already is
skipped, so a collection that was killed is simply begun again.
"""

import logging
import re
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from urllib.parse import unquote, urlsplit

from azure.core.exceptions import AzureError

from shared.errors import BlobMissingError, LeaseHeldError, LeaseLostError, ResourceNotConfiguredError
from shared.pipeline.closing import JobCloser
from shared.pipeline.ledger import AudioFile, Job, Ledger
from shared.pipeline.messages import CollectMessage
from shared.pipeline.settling import RESULT_MISSING, TRANSCRIPTION_GONE, End, FileSettler
from shared.pipeline.speech_resources import SpeechResource, SpeechResources
from shared.speech.client import SpeechClient
from shared.speech.errors import MalformedResponse, NotFound, SpeechError
from shared.speech.types.common import Status
from shared.speech.types.files import File, FileKind
from shared.speech.types.transcriptions import Transcription, TranscriptionReport, TranscriptionReportEntry
from shared.storage import Lease
from shared.transcripts.normalize import ResultFileError, source_of

_log = logging.getLogger("dropscribe.collection")

TRIES_TO_READ = 3
"""How often a result that cannot be read is fetched before its file fails; it was paid for, and is not resubmitted."""

_LARGE_BYTES = 4_000_000  # results over this are read one at a time, so that memory stays bounded

_JOB_ID = re.compile(r"\d{8}T\d{12}Z-[0-9a-f]{12}")
_RESULT_NAME = re.compile(r"contenturl_(\d+)\.json")


@dataclass
class _Results:
    """What the service says of a finished transcription, and what has become of the job's files so far."""

    job: Job
    client: SpeechClient
    """Of the Speech resource that the job lives at."""
    files: list[File] = field(default_factory=list)
    report: dict[str, TranscriptionReportEntry] = field(default_factory=dict)
    error: tuple[str, str] | None = None
    """Why all files fail that have no result and no entry in the report: code and message."""
    model: str | None = None
    ends: dict[str, End] = field(default_factory=dict)
    """By the file's key."""
    skipped: list[File] = field(default_factory=list)
    unreached: int = 0
    """Results that network or storage kept back this time."""
    faulty: int = 0
    """Results, or a report, that came but cannot be read."""
    out_of_time: bool = False

    def __post_init__(self) -> None:
        """Index the job's files by where they lie in the storage account."""
        self._by_address = {f"{file.container}/{file.path}": file for file in self.job.files}
        if self.job.whole_container:
            self._by_address |= {file.path: file for file in self.job.files}

    @property
    def last_try(self) -> bool:
        """Whether what cannot be read now is given up."""
        return self.job.collection_tries + 1 >= TRIES_TO_READ

    def guess(self, result: File) -> AudioFile | None:
        """The file that a result's name points to: `contenturl_<n>.json` for the n-th URL of the request."""
        match = _RESULT_NAME.fullmatch(result.name or "")
        index = int(match[1]) if match and not self.job.whole_container else len(self.job.files)
        return self.job.files[index] if index < len(self.job.files) else None

    def find(self, source: str) -> AudioFile | None:
        """The file behind an audio URL, whatever its SAS.

        Its path is `/<container>/<blob>`, or with the account before it where storage is addressed by path. Of a
        container that was submitted whole, the service may also name the blob alone.
        """
        path = unquote(urlsplit(source).path).removeprefix("/")
        return self._by_address.get(path) or self._by_address.get(path.partition("/")[2])


@dataclass(frozen=True, slots=True)
class _Found:
    """A transcription and where it was found."""

    resource: SpeechResource
    transcription: Transcription


class Collector:
    """Collects finished jobs."""

    def __init__(
        self,
        *,
        resources: SpeechResources,
        ledger: Ledger,
        settler: FileSettler,
        closer: JobCloser,
        parallelism: int,
        work_seconds: float,
        now: Callable[[], datetime],
    ) -> None:
        self._resources = resources
        self._ledger = ledger
        self._settler = settler
        self._closer = closer
        self._parallelism = parallelism
        self._work = timedelta(seconds=work_seconds)
        self._now = now

    def carry_out(self, message: CollectMessage) -> CollectMessage | None:
        """Collect what a message names; returns the message for the rest where time ran out."""
        if message.transcription:
            unfinished = self.collect_transcription(message.transcription, endpoint=message.endpoint)
        else:
            unfinished = self.collect(message.job) if message.job else None
        return CollectMessage(job=unfinished) if unfinished else None

    def collect_transcription(self, transcription_id: str, *, endpoint: str | None = None) -> str | None:
        """Collect the job of a transcription that the service says is finished; returns as `collect` does.

        It is looked for at the Speech resource at `endpoint`; where that is not known, at all of them. A transcription
        that is gone, or that is not this app's, is none of its business.
        """
        for resource in self._resources.behind(endpoint):
            try:
                transcription = resource.client.transcriptions.get(transcription_id)
            except NotFound:
                continue
            if _JOB_ID.fullmatch(transcription.display_name):
                return self.collect(transcription.display_name, found=_Found(resource, transcription))
        return None

    def collect(self, job_id: str, *, found: _Found | None = None) -> str | None:
        """Collect a job if it is open, finished and nobody else is at it.

        `found` is a transcription that carries the job's id, for a job that is not yet noted as submitted. Returns the
        job's id where time ran out and the rest is left to another call.
        """
        try:
            with self._ledger.hold_job(job_id) as lease:
                record = self._ledger.job(job_id)
                return self._collect(record[0], found, lease) if record else None
        except (LeaseHeldError, BlobMissingError):
            return None
        except ResourceNotConfiguredError as error:
            _log.error("job %s cannot be collected: %s", job_id, error, extra={"job": job_id})
            return None

    def _collect(self, job: Job, found: _Found | None, lease: Lease) -> str | None:
        if self._ledger.is_closed(job.id):
            self._closer.finish_closing(job, lease=lease)
            return None
        resource = self._resources.at(job.endpoint)
        # Only what is where the job was sent can be its transcription.
        transcription = found.transcription if found and found.resource is resource else None
        if job.transcription_id is None and transcription is not None:
            job = job.submitted_as(transcription.id, now=self._now())
            self._ledger.save_job(job, lease=lease)
        if job.transcription_id is None:
            return None
        results = self._results(job, resource.client, job.transcription_id, transcription)
        return self._settle(results, lease) if results else None

    def _results(
        self, job: Job, client: SpeechClient, transcription_id: str, found: Transcription | None
    ) -> _Results | None:
        """What there is to collect; None while the transcription is not finished."""
        try:
            # What was just read of it is not read again; a finished transcription does not change.
            known = found if found and found.id == transcription_id else None
            transcription = known or client.transcriptions.get(transcription_id)
            if transcription.status is None or not transcription.status.is_terminal:
                return None
            files = list(client.transcriptions.list_files(transcription_id))
        except NotFound:
            message = f"The transcription {transcription_id} is no longer at the service, and its results with it."
            return _Results(job, client, error=(TRANSCRIPTION_GONE, message))
        results = _Results(
            job.model_copy(update={"finished_at": transcription.last_action_date_time}),
            client,
            files=[file for file in files if file.kind == FileKind.TRANSCRIPTION],
            error=_error(transcription),
            model=transcription.model.self_url if transcription.model else None,
        )
        for report in (file for file in files if file.kind == FileKind.TRANSCRIPTION_REPORT):
            self._read_report(results, report)
        return results

    def _read_report(self, results: _Results, report: File) -> None:
        try:
            entries = TranscriptionReport.from_json(results.client.download(report)).details
        except MalformedResponse as error:
            results.faulty += 1
            _log.warning("job %s: the report cannot be read: %s", results.job.id, error, extra={"job": results.job.id})
            return
        for entry in entries:
            if entry.audio_url and (file := results.find(entry.audio_url)):
                results.report[file.key] = entry

    def _settle(self, results: _Results, lease: Lease) -> str | None:
        """Bring every file of the job to its end, and close the job once all are there."""
        deadline = self._now() + self._work
        self._read_all(results, results.files, lease, deadline)
        if len(results.ends) < len(results.job.files) and results.skipped:
            # A result was skipped by its name, yet a file is left: the names do not follow the request.
            self._read_all(results, results.skipped, lease, deadline, by_name=False)
        self._settle_without_result(results, lease, deadline)
        if results.out_of_time:
            return results.job.id
        if len(results.ends) == len(results.job.files):
            self._closer.close(results.job, results.ends.values(), lease=lease)
        elif results.faulty:
            tries = results.job.collection_tries + 1
            self._ledger.save_job(results.job.model_copy(update={"collection_tries": tries}), lease=lease)
        return None

    def _read_all(
        self, results: _Results, files: Sequence[File], lease: Lease, deadline: datetime, *, by_name: bool = True
    ) -> None:
        def read(result: File) -> None:
            lease.check()
            if self._now() >= deadline:
                results.out_of_time = True
            else:
                self._read(results, result, by_name=by_name)

        small = [file for file in files if _size(file) <= _LARGE_BYTES]
        with ThreadPoolExecutor(self._parallelism) as threads:
            list(threads.map(read, small))
        for file in files:
            if _size(file) > _LARGE_BYTES:
                read(file)

    def _read(self, results: _Results, result: File, *, by_name: bool) -> None:
        """Settle the file that a result belongs to; whatever goes wrong with it stops no other."""
        guess = results.guess(result) if by_name else None
        if guess and (end := self._settler.standing(results.job, guess)):
            results.ends[guess.key] = end
            results.skipped.append(result)
            return
        try:
            content = results.client.download(result)
            source = source_of(content)
            file = results.find(source) if source else guess
            if file and file.key not in results.ends:
                results.ends[file.key] = self._settler.transcribe(results.job, file, content, model=results.model)
        except LeaseLostError:
            raise
        except (AzureError, SpeechError) as error:
            results.unreached += 1
            _log.warning(
                "job %s: %s is left for another try: %s",
                results.job.id,
                result.name,
                error,
                extra={"job": results.job.id},
            )
        except ResultFileError as error:
            self._unreadable(results, result, guess, str(error))
        except Exception as error:  # noqa: BLE001 - one bad result never stops the others
            _log.exception("job %s: %s", results.job.id, result.name, extra={"job": results.job.id})
            self._unreadable(results, result, guess, f"{type(error).__name__} while it was read")

    def _unreadable(self, results: _Results, result: File, guess: AudioFile | None, why: str) -> None:
        """A result that is at fault itself: its file fails once it was fetched often enough."""
        if guess and results.last_try:
            message = f"The result {result.name} of transcription {results.job.transcription_id} cannot be read: {why}"
            results.ends[guess.key] = self._settler.fail(results.job, guess, "ResultUnreadable", message)
            return
        results.faulty += 1
        _log.warning("job %s: %s cannot be read: %s", results.job.id, result.name, why, extra={"job": results.job.id})

    def _settle_without_result(self, results: _Results, lease: Lease, deadline: datetime) -> None:
        """Files that the report says failed, and those of which nothing is said."""
        for file in results.job.files:
            if file.key in results.ends:
                continue
            reason = self._reason(results, file)
            if reason is None:
                continue
            lease.check()
            if self._now() >= deadline:
                results.out_of_time = True
                return
            end = self._settler.standing(results.job, file) or self._settler.fail(results.job, file, *reason)
            results.ends[file.key] = end

    def _reason(self, results: _Results, file: AudioFile) -> tuple[str, str] | None:
        """Why a file has no result; None while it may still be among those that could not be read this time."""
        entry = results.report.get(file.key)
        if entry and entry.status == Status.FAILED:
            return entry.error_kind or "Unknown", entry.error_message or ""
        if results.error:
            return results.error
        if results.unreached or (results.faulty and not results.last_try):
            return None
        if results.faulty:
            return "ResultUnreadable", f"Results of transcription {results.job.transcription_id} cannot be read."
        return RESULT_MISSING, f"The transcription {results.job.transcription_id} has no result for this file."


def _error(transcription: Transcription) -> tuple[str, str] | None:
    """Code and message of a transcription that failed as a whole."""
    if transcription.status != Status.FAILED:
        return None
    error = transcription.properties.error if transcription.properties else None
    return (error.code or "Unknown", error.message or "") if error else ("Unknown", "The transcription failed.")


def _size(file: File) -> int:
    return (file.properties.size if file.properties else None) or 0
