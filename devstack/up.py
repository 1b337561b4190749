"""`up`: the stack until Ctrl-C, with its data, ports and web hook secret kept for the next time."""

import argparse
import contextlib
import fcntl
import json
import os
import secrets
from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from pathlib import Path

from rich.console import Console

from devstack.display import say
from devstack.foreground import started, stay_up
from devstack.processes import StackError, answers, free_port
from devstack.runs import LOCAL
from devstack.stack import Kept, Ports

DEFAULT_PORTS = Ports(blob=10000, queue=10001, speech=8300, functions=7071)


def run(given: argparse.Namespace, console: Console) -> int:
    """The command; 0 once it was ended by Ctrl-C."""
    data = LOCAL / "data"
    with _alone(data):
        before = remembered(data)
        kept = replace(before, ports=available(before.ports, taken=answers))
        for name, port in asdict(before.ports).items():
            if (other := getattr(kept.ports, name)) != port:
                say(console, f"Port {port} ({name}) is taken: using {other} from now on.")
        remember(kept)
        with started(given, console, kept=kept) as (stack, record):
            stay_up(stack, record, console)
    return 0


def remembered(data: Path) -> Kept:
    """Ports and secret of the last time; at first the usual ports and a new secret. StackError for a broken file."""
    path = _memory(data)
    try:
        memory = json.loads(path.read_text())
        return Kept(data=data, ports=Ports(**memory["ports"]), webhook_secret=memory["webhook_secret"])
    except FileNotFoundError:
        return Kept(data=data, ports=DEFAULT_PORTS, webhook_secret=secrets.token_urlsafe(24))
    except (ValueError, KeyError, TypeError):
        raise StackError(f"{path} cannot be read. Delete it: ports and secret are then chosen anew.") from None


def remember(kept: Kept) -> None:
    """Write ports and secret down, readable for nobody else."""
    path = _memory(kept.data)
    unfinished = path.with_suffix(".new")
    unfinished.unlink(missing_ok=True)
    memory = {"ports": asdict(kept.ports), "webhook_secret": kept.webhook_secret}
    with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        json.dump(memory, file, indent=1)
    unfinished.replace(path)


def available(ports: Ports, *, taken: Callable[[int], bool], free: Callable[[], int] = free_port) -> Ports:
    """The ports, each that is taken replaced by a free one."""
    return Ports(**{name: free() if taken(port) else port for name, port in asdict(ports).items()})


def _memory(data: Path) -> Path:
    return data / "stack.json"


@contextlib.contextmanager
def _alone(data: Path) -> Iterator[None]:
    """Two stacks must not share the data; StackError where one has it."""
    data.mkdir(parents=True, exist_ok=True)
    with (data / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise StackError(f"`up` is running already, with the data in {data}.") from None
        yield
