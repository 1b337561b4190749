"""What a run leaves on disk: a folder of logs, and while its stack is up, a record of where that is."""

import contextlib
import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

from devstack.azurite import ROOT
from devstack.processes import StackError, answers

LOCAL = Path(os.environ.get("DROPSCRIBE_LOCAL") or ROOT / ".local").absolute()
"""Where logs, kept data and records of running stacks lie."""

KEPT_RUNS = 10


@dataclass(frozen=True)
class RunningStack:
    """Where a stack that is up can be reached; what `drop` needs to know."""

    pid: int
    connection_string: str
    emulator: str
    host: str
    logs: str

    @property
    def alive(self) -> bool:
        """Whether it is still there, judged by its process and its host."""
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return False
        except PermissionError:
            pass  # somebody else's process: the port tells
        return answers(int(self.host.rsplit(":", 1)[1]))


def new_log_folder(command: str, *, now: datetime, local: Path = LOCAL) -> Path:
    """Make the folder of this run's logs; the oldest runs beyond the last ten go, unless they are still up."""
    runs = local / "logs"
    folder = runs / f"{now:%Y-%m-%dT%H-%M-%S}-{command}-{os.getpid()}"
    folder.mkdir(parents=True)
    in_use = {Path(stack.logs) for stack in running_stacks(local)}
    older = sorted(path for path in runs.iterdir() if path.is_dir() and path not in in_use)
    for path in older[:-KEPT_RUNS]:
        shutil.rmtree(path, ignore_errors=True)
    return folder


@contextlib.contextmanager
def recorded(stack: RunningStack, *, local: Path = LOCAL) -> Iterator[None]:
    """Keep a record of the stack for as long as it is up."""
    folder = local / "running"
    folder.mkdir(parents=True, exist_ok=True)
    record = folder / f"{stack.pid}.json"
    unfinished = record.with_suffix(".new")
    unfinished.write_text(json.dumps(asdict(stack), indent=1))
    unfinished.replace(record)
    try:
        yield
    finally:
        record.unlink(missing_ok=True)


def running_stacks(local: Path = LOCAL) -> list[RunningStack]:
    """The stacks that are up, oldest first; records of those that were killed are cleared away."""
    found: list[tuple[float, RunningStack]] = []
    for record in (local / "running").glob("*.json"):
        with contextlib.suppress(FileNotFoundError):  # it has just ended
            stack = RunningStack(**json.loads(record.read_text()))
            if stack.alive:
                found.append((record.stat().st_mtime, stack))
            else:
                record.unlink()
    return [stack for _, stack in sorted(found, key=lambda one: one[0])]


def newest_stack(local: Path = LOCAL) -> RunningStack:
    """The stack that was started last; StackError where none is up."""
    stacks = running_stacks(local)
    if not stacks:
        raise StackError("No stack is running. Start one with `dev.py up` or `dev.py demo --keep`.")
    return stacks[-1]
