"""Where an uploaded file is on its way, read from the app's records, the emulator and the containers of outcomes."""

import json
import os.path
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import requests
from azure.storage.blob import BlobServiceClient

from shared.pipeline.ledger import Ledger
from shared.storage import BlobContainer

_SECONDS = 10


class Stage(StrEnum):
    """The stages of a file."""

    UPLOADED = "uploaded"
    WAITING = "waiting"
    SUBMITTED = "submitted"
    RECOGNIZING = "recognizing"
    COLLECTING = "collecting"
    TRANSCRIBED = "transcribed"
    FAILED = "failed"

    @property
    def final(self) -> bool:
        """Whether the file has found its end."""
        return self in {Stage.TRANSCRIBED, Stage.FAILED}


_STAGE_OF_STATUS = {
    "NotStarted": Stage.SUBMITTED,
    "Running": Stage.RECOGNIZING,
    "Succeeded": Stage.COLLECTING,
    "Failed": Stage.COLLECTING,
}


@dataclass(frozen=True)
class Version:
    """One version of a blob in `audio`."""

    blob: str
    etag: str


@dataclass(frozen=True)
class Observation:
    """What was seen at one moment."""

    waiting: frozenset[Version]
    """Files with a ticket."""
    jobs: Mapping[Version, str]
    """Files of open jobs, with the job's id."""
    statuses: Mapping[str, str]
    """The service's status of each transcription, by job id."""
    ends: Mapping[Version, Stage]
    """Files with a transcript or a failed record."""


def stage_of(version: Version, seen: Observation) -> Stage | None:
    """The stage of a file; None where nothing is known of it: it has only just arrived, or is between two records."""
    if version in seen.ends:
        return seen.ends[version]
    if version in seen.jobs:
        return _STAGE_OF_STATUS.get(seen.statuses.get(seen.jobs[version], ""), Stage.SUBMITTED)
    return Stage.WAITING if version in seen.waiting else None


class Observer:
    """Looks at a running stack."""

    def __init__(self, storage: BlobServiceClient, emulator: str) -> None:
        self._ledger = Ledger(_container(storage, "pipeline"), lease_seconds=60)
        self._transcripts = _container(storage, "transcripts")
        self._failed = _container(storage, "failed")
        self._emulator = emulator
        self._files: dict[str, list[Version]] = {}

    def observe(self, wanted: Iterable[Version]) -> Observation:
        """Look at everything in the order in which files move on, so that none is overlooked between two looks."""
        waiting = frozenset(Version(ticket.file.path, ticket.file.etag) for ticket in self._ledger.all_tickets())
        jobs = {version: job for job in self._open_jobs() for version in self._files[job]}
        statuses = self._statuses() if jobs else {}
        return Observation(waiting, jobs, statuses, self._ends(wanted))

    def failure(self, version: Version) -> str:
        """Reason and message of a file's failed record."""
        found = self._failed.read(f"{version.blob}.json")
        record: dict[str, Any] = json.loads(found[0]) if found else {}
        return f"{record.get('reason', 'its failed record is gone')}: {record.get('message', '')}"

    def _open_jobs(self) -> list[str]:
        """Ids of the open jobs, oldest first, their files known; a job's files never change, so it is read once."""
        ids = [job.id for job in self._ledger.open_jobs()]
        for job_id in ids:
            if job_id not in self._files:
                found = self._ledger.job(job_id)
                files = found[0].files if found else ()
                self._files[job_id] = [Version(file.path, file.etag) for file in files]
        return ids

    def _statuses(self) -> dict[str, str]:
        try:
            answer = requests.get(f"{self._emulator}/emulator/transcriptions", timeout=_SECONDS)
            answer.raise_for_status()
        except requests.RequestException:
            return {}  # the stages say less; whether the emulator is alive is looked at elsewhere
        return {seen["display_name"]: seen["status"] for seen in answer.json()}

    def _ends(self, wanted: Iterable[Version]) -> dict[Version, Stage]:
        """Outcomes among those whose names begin as the wanted files' do."""
        names = [version.blob for version in wanted]
        prefix = os.path.commonprefix(names)  # noqa: RUF071 - a prefix of blob names, not a folder
        return {
            Version(outcome.name.removesuffix(".json"), outcome.metadata.get("audio_etag", "")): stage
            for container, stage in ((self._failed, Stage.FAILED), (self._transcripts, Stage.TRANSCRIBED))
            for outcome in container.list(prefix)
            if outcome.name.endswith(".json")
        }


def _container(storage: BlobServiceClient, name: str) -> BlobContainer:
    return BlobContainer(storage.get_container_client(name))
