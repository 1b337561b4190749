"""The pipeline's state: tickets, group heads and job records, all blobs with conditions and leases.

```
intake/<group>/<hash>-<attempt>     ticket: a file that waits to be submitted (empty; metadata says which)
heads/<group>.json                  head: the group's options and the batch being committed; leased by the committer
heads/lock                          leased while a committer screens tickets and creates records
jobs/open/<job>.json                job: a batch on its way through the service; leased by its collector
jobs/closed/<date>/<job>.json       the same with a summary, once each of its files has found its end
manifests/<path>.json               receipt of a manifest
search.json                         how far the search for audio without an event has come; only saves time
```

A job's id is made when its batch is committed and stands in the head, so whoever finishes a crashed commit makes the
same job. It begins with the time, so ids sort by age.
"""

import contextlib
import hashlib
import json
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from shared.errors import StorageConditionError
from shared.pipeline.options import TranscriptionOptions
from shared.storage import BlobContainer, BlobInfo, Lease

AUDIO_CONTAINER = "audio"
"""The container whose blobs are transcribed; a whole-container manifest may name others."""


_LOCK = "heads/lock"
_SEARCH = "search.json"
_TICKETS_LISTED = 1_100  # a request: a job takes 1,000 files, of which some may have two tickets


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class AudioFile(_Record):
    """One version of one audio blob on its way through the pipeline."""

    container: str
    path: str
    etag: str
    size: int
    """Bytes."""
    modified: datetime
    output: str
    """Where its outcome is written: the blob name in `transcripts` and `failed`, less the ending."""
    attempt: int = 1
    again: bool = False
    """Transcribe although an outcome of this version is there already."""
    warnings: tuple[str, ...] = ()
    received_at: datetime | None = None
    """When the app took it in."""
    queued_at: datetime | None = None
    """When the ticket of this attempt was written."""

    @property
    def key(self) -> str:
        """Identity of this version of the blob."""
        return f"{self.container}/{self.path}@{self.etag}"

    @classmethod
    def of(cls, container: str, blob: BlobInfo, *, folder: str = "") -> "AudioFile":
        """The file that a blob is; its outcome is named after it, below `folder`."""
        return cls(
            container=container,
            path=blob.name,
            etag=blob.etag,
            size=blob.size,
            modified=blob.last_modified,
            output=f"{folder}{blob.name}",
        )

    def with_warning(self, code: str) -> "AudioFile":
        """The same file, with a warning for its transcript."""
        return self.model_copy(update={"warnings": (*self.warnings, code)})

    def next_attempt(self, *, now: datetime) -> "AudioFile":
        """The same file, to be tried once more."""
        return self.model_copy(update={"attempt": self.attempt + 1, "queued_at": now})


class Ticket(_Record):
    """A file that waits to be submitted, not before `due`."""

    group: str
    file: AudioFile
    due: datetime

    @property
    def name(self) -> str:
        """Blob name; the same file and attempt always have the same ticket, so duplicate events make no second one."""
        digest = hashlib.sha256(self.file.key.encode()).hexdigest()[:32]
        return f"intake/{self.group}/{digest}-{self.file.attempt:02}"

    def to_metadata(self) -> dict[str, str]:
        """The ticket as blob metadata; what can be told from the rest is left out, for metadata is small."""
        fields = self.file.model_dump(mode="json", exclude_defaults=True) | {"due": self.due.isoformat()}
        if fields["output"] == fields["path"]:
            del fields["output"]
        if self.file.warnings:
            fields["warnings"] = ",".join(self.file.warnings)
        return {name: str(value) for name, value in fields.items()}

    @classmethod
    def of(cls, blob: BlobInfo) -> "Ticket":
        """Read a ticket from its blob's name and metadata."""
        fields: dict[str, Any] = {"output": blob.metadata["path"], **blob.metadata}
        fields["warnings"] = tuple(filter(None, fields.pop("warnings", "").split(",")))
        due = datetime.fromisoformat(fields.pop("due"))
        return cls(group=blob.name.split("/")[1], file=AudioFile.model_validate(fields), due=due)


class ManifestReference(_Record):
    """The manifest that a group or job stems from."""

    path: str
    etag: str
    container: str | None = None
    """The container to submit whole, where the manifest names one."""


def manifest_file(manifest: ManifestReference, *, size: int = 0, modified: datetime | None = None) -> AudioFile:
    """A manifest as a file of the pipeline: it waits on a ticket and can fail like audio."""
    return AudioFile(
        container=AUDIO_CONTAINER,
        path=manifest.path,
        etag=manifest.etag,
        size=size,
        modified=modified or datetime.min.replace(tzinfo=UTC),
        output=manifest.path,
    )


class Job(_Record):
    """A batch of files that share one transcription at the service."""

    id: str
    group: str
    state: Literal["submitting", "submitted"] = "submitting"
    created_at: datetime
    options: TranscriptionOptions
    files: tuple[AudioFile, ...]
    manifest: ManifestReference | None = None
    whole_container: str | None = None
    """The container that this job submits whole, if it does."""
    endpoint: str | None = None
    """The Speech resource that it is sent to and lives at; None, in older records, is that of SPEECH_ENDPOINT."""
    transcription_id: str | None = None
    sent_at: datetime | None = None
    """When recovery last began to send it."""
    submitted_at: datetime | None = None
    finished_at: datetime | None = None
    """When the service ended its transcription, once a collector has read that."""
    collection_tries: int = 0
    """How often some of its results could not be read."""

    def submitted_as(self, transcription_id: str, *, now: datetime) -> "Job":
        """The job once its transcription is known."""
        return self.model_copy(update={"state": "submitted", "transcription_id": transcription_id, "submitted_at": now})


@dataclass(frozen=True, slots=True)
class OpenJob:
    """What the listing of open jobs tells of one."""

    id: str
    state: str
    endpoint: str | None
    """The Speech resource that it lives at, as in its record."""

    @property
    def created_at(self) -> datetime:
        """When its batch was committed, as its id says."""
        return datetime.strptime(self.id.split("-")[0], "%Y%m%dT%H%M%S%fZ").replace(tzinfo=UTC)


class JobSummary(_Record):
    """How a job ended: number of files by outcome, and when."""

    closed_at: datetime
    outcomes: dict[str, int]
    note: str | None = None


class ClosedJob(Job):
    """A job with its summary."""

    summary: JobSummary


class Head(_Record):
    """What a group is: its options, the manifest it stems from, and the batch being committed."""

    group: str
    options: TranscriptionOptions
    manifest: ManifestReference | None = None
    batch: Job | None = None


class AudioSearch(_Record):
    """How far the search for audio without an event has come, which goes round and round the audio container."""

    since: datetime
    """All audio that was uploaded until then was looked at in earlier rounds."""
    until: datetime
    """What `since` becomes at the end of this round."""
    hours: int
    """How far back it looks where no earlier round did."""
    place: str | None = None
    """Where this round goes on, as storage marks it; None where the next one begins."""

    def moved(self, place: str | None, *, left: Sequence[BlobInfo]) -> "AudioSearch":
        """After one more page, of which those `left` must be looked at again in the next round."""
        before = (blob.last_modified - timedelta(seconds=1) for blob in left)
        until = min(self.until, *before) if left else self.until
        return self.model_copy(update={"place": place, "until": until, "since": self.since if place else until})


def new_job(head: Head, files: Iterable[AudioFile], *, now: datetime, whole_container: str | None = None) -> Job:
    """A job for a batch of files; its id is made from the time and the files."""
    batch = tuple(files)
    digest = hashlib.sha256("\n".join([head.group, *(f"{file.key}#{file.attempt}" for file in batch)]).encode())
    return Job(
        id=f"{now.astimezone(UTC):%Y%m%dT%H%M%S%f}Z-{digest.hexdigest()[:12]}",
        group=head.group,
        created_at=now,
        options=head.options,
        files=batch,
        manifest=head.manifest,
        whole_container=whole_container,
    )


class Ledger:
    """Reads and writes the records, each transition with the condition that keeps it safe."""

    def __init__(self, pipeline: BlobContainer, *, lease_seconds: int) -> None:
        self._blobs = pipeline
        self._lease_seconds = lease_seconds
        self._open_files: dict[str, dict[str, int]] = {}
        self._open_files_lock = threading.Lock()
        self._known_heads: set[str] = set()
        self._lock_is_there = False

    # Tickets

    def write_ticket(self, ticket: Ticket) -> None:
        """Write a ticket; one that is there already stays as it is."""
        with contextlib.suppress(StorageConditionError):
            self._blobs.write(ticket.name, b"", metadata=ticket.to_metadata(), only_if_absent=True)

    def tickets(self, group: str) -> Iterator[Ticket]:
        """A group's tickets; those of one file stand together, its attempts in order."""
        for blob in self._blobs.list(f"intake/{group}/", page_size=_TICKETS_LISTED):
            yield Ticket.of(blob)

    def all_tickets(self) -> Iterator[Ticket]:
        """The tickets of every group."""
        for blob in self._blobs.list("intake/"):
            yield Ticket.of(blob)

    def delete_tickets(self, tickets: Iterable[Ticket]) -> None:
        """Delete tickets; those gone already are fine."""
        self._blobs.delete_all([ticket.name for ticket in tickets])

    def delete_tickets_of(self, job: Job) -> None:
        """Delete the tickets that a job was made from."""
        files = [manifest_file(job.manifest)] if job.manifest and job.whole_container else job.files
        self.delete_tickets(Ticket(group=job.group, file=file, due=job.created_at) for file in files)

    def groups_with_tickets(self) -> list[str]:
        """Groups in which a file waits."""
        return list(self._blobs.folders("intake/"))

    # Heads

    def ensure_head(self, head: Head) -> None:
        """Make a group known; a head that is there already stays as it is."""
        if head.group in self._known_heads:
            return
        with contextlib.suppress(StorageConditionError):
            self._blobs.write(_head_name(head.group), _json(head), only_if_absent=True)
        self._known_heads.add(head.group)

    def lead(self, group: str) -> AbstractContextManager[Lease]:
        """Hold the group's lease; LeaseHeldError where somebody else commits, BlobMissingError without a head."""
        return self._blobs.lease(_head_name(group), seconds=self._lease_seconds)

    def lock_commits(self) -> AbstractContextManager[Lease]:
        """Hold the lock under which batches are screened; LeaseHeldError where another group's committer has it."""
        if not self._lock_is_there:
            with contextlib.suppress(StorageConditionError):
                self._blobs.write(_LOCK, b"", only_if_absent=True)
            self._lock_is_there = True
        return self._blobs.lease(_LOCK, seconds=self._lease_seconds)

    def head(self, group: str) -> Head | None:
        """The head of a group."""
        found = self._blobs.read(_head_name(group))
        return Head.model_validate_json(found[0]) if found else None

    def write_head(self, head: Head, lease: Lease) -> None:
        """Write the head under its lease, the fence: StorageConditionError for a holder that has lost it."""
        lease.check()
        self._blobs.write(_head_name(head.group), _json(head), lease=lease)

    # Jobs

    def create_job(self, job: Job) -> str | None:
        """Create the record of a committed batch and return its ETag; None where that was done before.

        A job that has ended since its batch was committed must not come to life again. Its closed record is written
        before its open one is deleted, so looking after a successful create misses none.
        """
        name = _open_name(job.id)
        try:
            etag = self._blobs.write(name, _json(job), metadata=_metadata(job), only_if_absent=True)
        except StorageConditionError:
            return None
        if self.is_closed(job.id):
            self._blobs.delete(name)
            return None
        return etag

    def job(self, job_id: str) -> tuple[Job, str] | None:
        """An open job and its record's ETag."""
        found = self._blobs.read(_open_name(job_id))
        return (Job.model_validate_json(found[0]), found[1].etag) if found else None

    def open_jobs(self, *, limit: int | None = None) -> list[OpenJob]:
        """All open jobs, or the first `limit` of them, oldest first; one listing tells."""
        return [
            OpenJob(
                id=blob.name.removeprefix("jobs/open/").removesuffix(".json"),
                state=blob.metadata.get("state", ""),
                endpoint=blob.metadata.get("endpoint"),
            )
            for blob in islice(self._blobs.list("jobs/open/"), limit)
        ]

    def hold_job(self, job_id: str) -> AbstractContextManager[Lease]:
        """Hold a job's lease; LeaseHeldError where somebody else has it, BlobMissingError where it is not open."""
        return self._blobs.lease(_open_name(job_id), seconds=self._lease_seconds)

    def save_job(self, job: Job, *, lease: Lease | None = None, etag: str | None = None) -> str:
        """Write a job's record under its lease or ETag, and return its new ETag.

        StorageConditionError where neither holds any more.
        """
        return self._blobs.write(
            _open_name(job.id), _json(job), metadata=_metadata(job), lease=lease, only_if_etag=etag
        )

    def is_closed(self, job_id: str) -> bool:
        """Whether a job has ended."""
        return self._blobs.info(_closed_name(job_id)) is not None

    def record_end(self, job: Job, summary: JobSummary) -> None:
        """Write the closed record; the job ends with `forget_open`."""
        self._blobs.write(_closed_name(job.id), _json(ClosedJob(**dict(job), summary=summary)))

    def forget_open(self, job_id: str, lease: Lease | None = None) -> None:
        """Delete the open record of a job whose end is recorded."""
        self._blobs.delete(_open_name(job_id), lease=lease)

    def open_files(self) -> dict[str, int]:
        """Key of every file in an open job, with its latest attempt. A job's files never change, so they are cached."""
        with self._open_files_lock:
            ids = [job.id for job in self.open_jobs()]
            known = {job_id: files for job_id, files in self._open_files.items() if job_id in set(ids)}
            for job_id in ids:
                if job_id not in known and (found := self.job(job_id)):
                    known[job_id] = _keys(found[0])
            self._open_files = known
            attempts: dict[str, int] = {}
            for files in known.values():
                for key, attempt in files.items():
                    attempts[key] = max(attempt, attempts.get(key, 0))
            return attempts

    # Manifests

    def manifest_received(self, path: str, etag: str) -> bool:
        """Whether this version of a manifest has been carried out."""
        receipt = self._blobs.info(f"manifests/{path}.json")
        return receipt is not None and receipt.metadata.get("etag") == etag

    def write_receipt(self, manifest: ManifestReference, content: dict[str, Any]) -> None:
        """Note that a manifest was carried out, and how."""
        body = json.dumps({"manifest": manifest.path, "etag": manifest.etag, **content}, indent=1).encode()
        self._blobs.write(f"manifests/{manifest.path}.json", body, metadata={"etag": manifest.etag})

    # The search for audio without an event

    def audio_search(self) -> AudioSearch | None:
        """How far the last search came."""
        found = self._blobs.read(_SEARCH)
        return AudioSearch.model_validate_json(found[0]) if found else None

    def write_audio_search(self, search: AudioSearch) -> None:
        """Note how far a search came."""
        self._blobs.write(_SEARCH, _json(search))

    # Counts

    def count(self, prefix: Literal["intake/", "jobs/closed/"], *, limit: int) -> int:
        """Number of records of a kind, counted up to `limit`."""
        return sum(1 for _, _ in zip(range(limit), self._blobs.list(prefix), strict=False))


def _keys(job: Job) -> dict[str, int]:
    files = {file.key: file.attempt for file in job.files}
    if job.whole_container and job.manifest:
        files[manifest_file(job.manifest).key] = 1
    return files


def _metadata(job: Job) -> dict[str, str]:
    """What a listing tells of an open job."""
    return {"state": job.state, "endpoint": job.endpoint or ""}


def _head_name(group: str) -> str:
    return f"heads/{group}.json"


def _open_name(job_id: str) -> str:
    return f"jobs/open/{job_id}.json"


def _closed_name(job_id: str) -> str:
    return f"jobs/closed/{job_id[:4]}-{job_id[4:6]}-{job_id[6:8]}/{job_id}.json"


def _json(record: BaseModel) -> bytes:
    return record.model_dump_json(indent=1).encode()
