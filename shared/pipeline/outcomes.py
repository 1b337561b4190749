"""Where a file ends: a transcript in `transcripts`, or a failed record in `failed`.

Every outcome's metadata names the version of the audio (ETag, time of upload) and the job it comes from. A later
version or job replaces an earlier one, never the other way round, whatever the order in which they are written.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict

from shared.errors import StorageConditionError
from shared.pipeline.ledger import AudioFile
from shared.storage import BlobContainer, BlobInfo

_CONTENT_TYPES = {"json": "application/json", "vtt": "text/vtt", "srt": "application/x-subrip", "txt": "text/plain"}

type Written = Literal["written", "superseded"]


class FailureSource(BaseModel):
    """The version of the audio blob that failed."""

    container: str
    blob: str
    etag: str


class FailureRecord(BaseModel):
    """Why a file has no transcript: what stands in `failed/<audio path>.json`."""

    model_config = ConfigDict(frozen=True)

    schema_version: Literal["1.0"] = "1.0"
    source: FailureSource
    reason: str
    """A code, such as `EmptyFile`, or the service's error kind, such as `InvalidData`."""
    message: str
    attempts: int
    """How often the file was submitted to the service."""
    failed_at: datetime
    job_id: str | None = None
    transcription_id: str | None = None


class Outcomes:
    """Reads and writes the ends of files."""

    def __init__(self, *, transcripts: BlobContainer, failed: BlobContainer) -> None:
        self._transcripts = transcripts
        self._failed = failed

    def settled(self, file: AudioFile) -> bool:
        """Whether this version of the audio has found its end already."""
        return any(
            (found := container.info(f"{file.output}.json")) and found.metadata.get("audio_etag") == file.etag
            for container in (self._transcripts, self._failed)
        )

    def standing(self, file: AudioFile, job_id: str) -> Literal["open", "transcribed", "failed", "superseded"]:
        """Where a file of a job stands: still open, ended by this job, or overtaken by a later version or job."""
        for container, end in ((self._transcripts, "transcribed"), (self._failed, "failed")):
            found = container.info(f"{file.output}.json")
            if found and found.metadata.get("job") == job_id:
                return "transcribed" if end == "transcribed" else "failed"
            if found and _is_later(found, file, job_id):
                return "superseded"
        return "open"

    def write_transcript(
        self, file: AudioFile, job_id: str, document: bytes, exports: Mapping[str, str]
    ) -> Literal["transcribed", "superseded"]:
        """Write the exports, then the document, whose presence says that all is there; clear an older failure."""
        for ending, text in exports.items():
            self._put(self._transcripts, file, job_id, ending, text.encode())
        if self._put(self._transcripts, file, job_id, "json", document) == "superseded":
            return "superseded"
        failure = self._failed.info(f"{file.output}.json")
        if failure and not _is_later(failure, file, job_id):
            self._clear(failure)
        return "transcribed"

    def write_failure(
        self, file: AudioFile, reason: str, message: str, *, now: datetime, job_id: str = "", transcription_id: str = ""
    ) -> Literal["failed", "superseded"]:
        """Write the failed record of a file."""
        record = FailureRecord(
            source=FailureSource(container=file.container, blob=file.path, etag=file.etag),
            reason=reason,
            message=message,
            attempts=file.attempt if job_id else file.attempt - 1,
            failed_at=now,
            job_id=job_id or None,
            transcription_id=transcription_id or None,
        )
        body = record.model_dump_json(indent=1, exclude_none=True).encode()
        written = self._put(self._failed, file, job_id, "json", body, reason=reason)
        return "failed" if written == "written" else "superseded"

    def count_failed(self, *, limit: int) -> int:
        """Number of failed records, counted up to `limit`."""
        return sum(1 for _, _ in zip(range(limit), self._failed.list(), strict=False))

    def _put(
        self, container: BlobContainer, file: AudioFile, job_id: str, ending: str, body: bytes, *, reason: str = ""
    ) -> Written:
        name = f"{file.output}.{ending}"
        metadata = {"audio_etag": file.etag, "audio_modified": _stamp(file.modified), "job": job_id}
        if reason:
            metadata["reason"] = reason
        current: BlobInfo | None = None
        while True:
            try:
                container.write(
                    name,
                    body,
                    metadata=metadata,
                    content_type=_CONTENT_TYPES[ending],
                    only_if_absent=current is None,
                    only_if_etag=current.etag if current else None,
                )
            except StorageConditionError:
                current = container.info(name)
                if current and _is_later(current, file, job_id):
                    return "superseded"
            else:
                return "written"

    def _clear(self, failure: BlobInfo) -> None:
        try:
            self._failed.delete(failure.name, only_if_etag=failure.etag)
        except StorageConditionError:
            return  # a later failure was written meanwhile, and stays


def _is_later(found: BlobInfo, file: AudioFile, job_id: str) -> bool:
    """Whether an outcome belongs to a later version of the audio, or to a later job of the same version."""
    theirs = (found.metadata.get("audio_modified", ""), found.metadata.get("job", ""))
    return theirs > (_stamp(file.modified), job_id)


def _stamp(moment: datetime) -> str:
    """A time in a form that sorts as text; storage keeps whole seconds."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
