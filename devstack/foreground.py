"""A stack in the foreground of a terminal: started with a word on it, described, and up until Ctrl-C."""

import argparse
import os
import shlex
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime
from pathlib import Path

from rich.console import Console

from devstack.azurite import ROOT
from devstack.display import say
from devstack.runs import RunningStack, new_log_folder, recorded
from devstack.stack import Kept, Stack, running_stack


@contextmanager
def started(
    given: argparse.Namespace, console: Console, *, kept: Kept | None = None
) -> Iterator[tuple[Stack, RunningStack]]:
    """The stack that the command line asks for, and the record of it; all of it is stopped on the way out."""
    logs = new_log_folder(given.command, now=datetime.now().astimezone())
    began = time.monotonic()
    with ExitStack() as running:
        with console.status("Starting Azurite, the Speech emulator and the Functions host"):
            stack = running.enter_context(running_stack(logs=logs, engine=given.engine, kind=given.host, kept=kept))
        record = RunningStack(
            pid=os.getpid(),
            connection_string=stack.azurite.connection_string(),
            emulator=stack.emulator.endpoint,
            host=stack.host.url,
            logs=str(logs),
        )
        with recorded(record):
            say(
                console,
                f"Azurite, the Speech emulator and the Functions host are up ({time.monotonic() - began:.1f} s).",
            )
            yield stack, record


def stay_up(stack: Stack, record: RunningStack, console: Console) -> None:
    """Say where everything is, and return at Ctrl-C; StackError where a part dies."""
    say(console, _description(record))
    try:
        while True:
            stack.check()
            time.sleep(0.5)
    except KeyboardInterrupt:
        say(console, "\nStopping.")


def _description(record: RunningStack) -> str:
    drop = shlex.join(["python3", _from_here(ROOT / "dev.py"), "drop", _from_here(ROOT / "samples/call.flac")])
    rows = {
        "Drop more audio": drop,
        "Health": f"{record.host}/api/health",
        "Speech emulator": record.emulator,
        "Functions host": record.host,
        "Logs": record.logs,
        "Storage": record.connection_string,
    }
    lines = [f"  {name:<16} {value}" for name, value in rows.items()]
    containers = (
        "Audio goes into the container audio; what comes of it is in transcripts and failed, state in pipeline."
    )
    return "\n".join(["", *lines, "", containers, "The stack is up until Ctrl-C."])


def _from_here(path: Path) -> str:
    """A path as a command typed here can use it."""
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)
