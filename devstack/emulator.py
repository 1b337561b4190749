"""The Speech emulator as a process of the stack."""

import sys
from collections.abc import Sequence
from pathlib import Path

from devstack.azurite import ROOT
from devstack.processes import ManagedProcess, answers, free_port

SPEECH_KEY = "c3BlZWNoLWVtdWxhdG9yLWtleS0wMA"
"""The emulator's well-known key (documented, no secret)."""


class EmulatorProcess(ManagedProcess):
    """The emulator on a loopback port; in memory, or with its state under `location`."""

    def __init__(
        self,
        *,
        log: Path,
        engine: str,
        location: Path | None = None,
        port: int | None = None,
        options: Sequence[str] = (),
    ) -> None:
        self.port = port or free_port()
        command = [sys.executable, "-m", "emulator", "--port", str(self.port), "--engine", engine, *options]
        if location:
            command += ["--location", str(location)]
        super().__init__("the Speech emulator", command, log=log, cwd=ROOT)

    @property
    def endpoint(self) -> str:
        """What SPEECH_ENDPOINT is set to."""
        return f"http://127.0.0.1:{self.port}"

    def wait_until_ready(self) -> None:
        """Wait until it answers; StackError otherwise."""
        self.wait_until(lambda: answers(self.port), seconds=60)
