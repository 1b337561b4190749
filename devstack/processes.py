"""Child processes of the stack: started with a log file, awaited until ready, and never left behind."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Self

_PARENT_DEATH_SIGNAL = ("setpriv", "--pdeathsig", "TERM")
"""util-linux's way to PR_SET_PDEATHSIG."""


class StackError(Exception):
    """A part of the stack did not start or died; the text shows the telling lines and the log's path."""


def free_port() -> int:
    """A TCP port on loopback that nothing listens on at the moment of asking."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def answers(port: int) -> bool:
    """Whether something accepts connections on a loopback port."""
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False


class ManagedProcess:
    """One process of the stack, in a process group of its own so that its children end with it.

    On Linux it is also asked to end (SIGTERM) when the thread that made it ends, even by SIGKILL.
    """

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        *,
        log: Path,
        cwd: Path | None = None,
        env: Mapping[str, str] | None = None,
    ) -> None:
        self.name = name
        self.log = log
        if shutil.which(command[0]) is None:
            raise StackError(f"{name} needs `{command[0]}`, which is not on PATH.")
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("wb") as output:
            self._process = subprocess.Popen(  # noqa: S603 - the commands are our own
                [*_dying_with_parent(), *command],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=cwd,
                env={**os.environ, **(env or {})},
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        """The process id, which is also its group's id."""
        return self._process.pid

    @property
    def running(self) -> bool:
        """Whether the process is alive."""
        return self._process.poll() is None

    def wait_until(self, ready: Callable[[], bool], *, seconds: float) -> None:
        """Wait for `ready`; StackError with the end of the log where the process dies or takes too long."""
        deadline = time.monotonic() + seconds
        while not ready():
            if not self.running:
                raise StackError(f"{self.name} ended with exit code {self._process.returncode}.\n{self.tail()}")
            if time.monotonic() > deadline:
                raise StackError(f"{self.name} was not ready within {seconds:.0f} s.\n{self.tail()}")
            time.sleep(0.05)

    def tail(self, lines: int = 15) -> str:
        """The last lines of the log and where the rest is."""
        text = self.log.read_text(errors="replace").splitlines()[-lines:]
        return "\n".join([*(f"  | {line}" for line in text), f"  the whole log: {self.log}"])

    def kill(self) -> None:
        """End the process and its children at once (SIGKILL), as a crash would."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        self._process.wait()

    def ask_to_stop(self) -> None:
        """Send SIGTERM to the process and its children, and go on at once."""
        if self.running:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.pid, signal.SIGTERM)

    def stop(self, *, grace_seconds: float = 5) -> None:
        """Ask the process to end, then kill what is left of its group, also where the waiting is interrupted."""
        try:
            self.ask_to_stop()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(grace_seconds)
        finally:
            self.kill()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def _dying_with_parent() -> list[str]:
    """What goes before a command so that it gets SIGTERM when its parent dies; nothing where the system has no such."""
    if not _has_parent_death_signal():
        return []
    # The parent may have died before the signal was asked for: then the shell has another parent and starts nothing.
    return [*_PARENT_DEATH_SIGNAL, "sh", "-c", '[ "$PPID" = "$0" ] && exec "$@"', str(os.getpid())]


@cache
def _has_parent_death_signal() -> bool:
    try:
        subprocess.run([*_PARENT_DEATH_SIGNAL, "true"], check=True, capture_output=True, timeout=5)  # noqa: S603 - fixed
    except (OSError, subprocess.SubprocessError):
        return False
    return True
