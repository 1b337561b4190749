"""`jobs`: what the pipeline has in hand, what came of it, and another try for what failed."""

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import Any

import click

from shared.cli.exits import ExitCode, Failure, code_of_many
from shared.cli.output import OutputFormat, counted, output_option, remark, show, show_tables
from shared.cli.records import Records
from shared.cli.retrying import CannotRetryError, NoFailedRecordError, Retrier
from shared.cli.session import Session
from shared.wiring import App

_THREADS = 16


@click.group("jobs")
def command() -> None:
    """Jobs of the pipeline, and files that failed."""


@command.command("list")
@click.option("--open", "kinds", flag_value="open", multiple=True, help="Jobs under way.")
@click.option("--closed", "kinds", flag_value="closed", multiple=True, help="Jobs that have ended.")
@click.option("--failed", "kinds", flag_value="failed", multiple=True, help="Files that failed.")
@click.option("--reason", help="Failed files with this reason only.")
@click.option("--prefix", default="", help="Failed files whose path starts so only.")
@click.option("--limit", type=click.IntRange(min=1), default=100, help="At most so many of each kind.")
@output_option
@click.pass_obj
def list_jobs(
    session: Session,
    /,
    *,
    kinds: Sequence[str],
    reason: str | None,
    prefix: str,
    limit: int,
    output: OutputFormat | None,
) -> None:
    """List open jobs, closed jobs and failed files, newest first (files by path); all three unless one is named."""
    records = Records(session.app)
    wanted = set(kinds) or {"open", "closed", "failed"}
    lists: dict[str, Callable[[], list[dict[str, Any]]]] = {
        "open": lambda: records.open_jobs(limit=limit),
        "closed": lambda: records.closed_jobs(limit=limit),
        "failed": lambda: list(islice(records.failed(prefix=prefix, reason=reason), limit)),
    }
    show_tables({kind: make() for kind, make in lists.items() if kind in wanted}, output)


@command.command("show")
@click.argument("job_id")
@output_option
@click.pass_obj
def show_job(session: Session, job_id: str, output: OutputFormat | None) -> None:
    """Show a job's record, and what became of each of its files.

    A file is `transcribed`, `failed`, `open`, `retried` (waiting for another attempt) or `superseded` (by a later
    upload or job).
    """
    records = Records(session.app)
    job = records.job(job_id)
    if job is None:
        raise Failure(f"there is no job {job_id}, open or closed", ExitCode.NOT_FOUND)
    record = job.model_dump(mode="json", exclude={"files"}, exclude_none=True)
    show({**record, "files": records.outcomes(job)}, output)


@command.command()
@click.argument("paths", metavar="[PATH]...", nargs=-1)
@click.option("--all", "everything", is_flag=True, help="Every failed file.")
@click.option("--reason", help="Every file that failed for this reason, such as InvalidUri.")
@click.option("--prefix", default="", help="With --all or --reason: files whose path starts so only.")
@click.option("--no-commit", is_flag=True, help="Only queue the files; the app's timer submits them within a minute.")
@click.pass_obj
def retry(
    session: Session,
    /,
    *,
    paths: tuple[str, ...],
    everything: bool,
    reason: str | None,
    prefix: str,
    no_commit: bool,
) -> None:
    """Try failed files again: those at PATH in the audio container, those that failed for a reason, or all.

    Each is submitted once more with the options that apply to it now. Its failed record stays until the new outcome is
    written. Exit code 1 if some could not be queued, 4 if no PATH has a failed record.
    """
    if sum((bool(paths), everything, reason is not None)) != 1:
        raise click.UsageError("give either PATH..., --all or --reason")
    app = session.app
    wanted = paths or [row["path"] for row in Records(app).failed(prefix=prefix, reason=reason)]
    refused, groups = _queue(Retrier(app), wanted)
    for path, error in refused.items():
        remark(f"{path}: {error}")
    remark(f"{len(wanted) - len(refused)} of {len(wanted)} files queued again")
    if not no_commit:
        commit(app, groups)
    if wanted and all(isinstance(refused.get(path), NoFailedRecordError) for path in wanted):
        raise click.exceptions.Exit(ExitCode.NOT_FOUND)
    raise click.exceptions.Exit(code_of_many(refused))


def _queue(retrier: Retrier, paths: Sequence[str]) -> tuple[dict[str, CannotRetryError], set[str]]:
    """Queue the files; those that cannot be, and the groups of the others."""

    def attempt(path: str) -> set[str] | CannotRetryError:
        try:
            return retrier.retry(path)
        except CannotRetryError as error:
            return error

    refused: dict[str, CannotRetryError] = {}
    groups: set[str] = set()
    with ThreadPoolExecutor(_THREADS) as threads:
        ends = counted(threads.map(attempt, paths), "queueing", total=len(paths))
        for path, end in zip(paths, ends, strict=True):
            if isinstance(end, CannotRetryError):
                refused[path] = end
            else:
                groups |= end
    return refused, groups


def commit(app: App, groups: Iterable[str]) -> None:
    """Submit what waits in groups; what is left, as after an outage, is the business of the app's timer."""
    groups = sorted(groups)
    for group in counted(groups, "submitting", total=len(groups)):
        app.commit.commit(group)
    left = sum(ticket.due <= app.now() for group in groups for ticket in app.ledger.tickets(group))
    if left:
        remark(f"{left} files wait; the app's timer submits them")
