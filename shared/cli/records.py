"""Reading the app's records for people: jobs, open and closed, and failed files."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from shared.pipeline.ledger import ClosedJob, Job
from shared.pipeline.outcomes import FailureRecord
from shared.wiring import App

_THREADS = 16
_CLOSED = "jobs/closed/"


@dataclass(frozen=True)
class Records:
    """What the containers `pipeline` and `failed` hold (shared/pipeline/ledger.py and outcomes.py)."""

    app: App

    def open_jobs(self, *, limit: int) -> list[dict[str, Any]]:
        """A row for each open job, newest first."""
        ids = [job.id for job in reversed(self.app.ledger.open_jobs())][:limit]
        with ThreadPoolExecutor(_THREADS) as threads:
            return [_row(found[0]) for found in threads.map(self.app.ledger.job, ids) if found]

    def closed_jobs(self, *, limit: int) -> list[dict[str, Any]]:
        """A row for each closed job, newest first; a day is listed only when the ones after it are not enough."""
        names: list[str] = []
        for day in sorted(self.app.container("pipeline").folders(_CLOSED), reverse=True):
            listed = [blob.name for blob in self.app.container("pipeline").list(f"{_CLOSED}{day}/")]
            names += sorted(listed, reverse=True)
            if len(names) >= limit:
                break
        with ThreadPoolExecutor(_THREADS) as threads:
            return [_row(job) for job in threads.map(self._closed, names[:limit]) if job]

    def job(self, job_id: str) -> Job | None:
        """A job, open or closed."""
        if found := self.app.ledger.job(job_id):
            return found[0]
        day = f"{job_id[:4]}-{job_id[4:6]}-{job_id[6:8]}"
        return self._closed(f"{_CLOSED}{day}/{job_id}.json")

    def _closed(self, name: str) -> ClosedJob | None:
        found = self.app.container("pipeline").read(name)
        return ClosedJob.model_validate_json(found[0]) if found else None

    def failed(self, *, prefix: str = "", reason: str | None = None) -> Iterator[dict[str, Any]]:
        """A row for each failed file; one listing tells."""
        for blob in self.app.container("failed").list(prefix):
            given = blob.metadata.get("reason", "")
            if reason is None or given.lower() == reason.lower():
                yield {
                    "path": blob.name.removesuffix(".json"),
                    "reason": given,
                    "failed_at": blob.last_modified.isoformat(timespec="seconds"),
                    "job": blob.metadata.get("job", ""),
                }

    def failure(self, path: str) -> FailureRecord | None:
        """Why a file failed; None where it did not."""
        found = self.app.container("failed").read(f"{path}.json")
        return FailureRecord.model_validate_json(found[0]) if found else None

    def outcomes(self, job: Job) -> list[dict[str, Any]]:
        """A row for each file of a job, with what became of it."""
        with ThreadPoolExecutor(_THREADS) as threads:
            standings = list(threads.map(lambda file: self.app.outcomes.standing(file, job.id), job.files))
            failed = [file.output for file, end in zip(job.files, standings, strict=True) if end == "failed"]
            why = dict(zip(failed, threads.map(self.failure, failed), strict=True))
        waiting = self._under_way() if isinstance(job, ClosedJob) and "open" in standings else set()
        rows: list[dict[str, Any]] = []
        for file, end in zip(job.files, standings, strict=True):
            shown: str = end
            if end == "open" and isinstance(job, ClosedJob):
                shown = "retried" if file.key in waiting else "superseded"
            row = {"path": f"{file.container}/{file.path}", "attempt": file.attempt, "outcome": shown}
            record = why.get(file.output)
            rows.append(row | ({"reason": record.reason, "message": record.message} if record else {}))
        return rows

    def _under_way(self) -> set[str]:
        tickets = {ticket.file.key for ticket in self.app.ledger.all_tickets()}
        return tickets | set(self.app.ledger.open_files())


def _row(job: Job) -> dict[str, Any]:
    row: dict[str, Any] = {"job": job.id, "created_at": job.created_at, "files": len(job.files)}
    if isinstance(job, ClosedJob):
        outcomes = ", ".join(f"{number} {end}" for end, number in sorted(job.summary.outcomes.items()))
        return row | {"closed_at": job.summary.closed_at, "outcomes": outcomes, "note": job.summary.note}
    return row | {"state": job.state, "transcription_id": job.transcription_id}
