"""The Functions host as a process of the stack: our dev host, or Core Tools where they are installed.

The way with Core Tools is written to their documentation and has not been run.
"""

import json
import os
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import requests

from devstack.azurite import ROOT
from devstack.processes import ManagedProcess, StackError, answers, free_port

HostKind = Literal["devhost", "func"]

MASTER_KEY = "local-master-key"
"""Key of the admin endpoints on this machine; Core Tools ask for none."""

BLOBS_EXTENSION_KEY = "local-blobs-key"
"""Key with which Event Grid's blob events are sent to the dev host."""

_KEYS = {"master": MASTER_KEY, "function": "local-function-key", "blobs_extension": BLOBS_EXTENSION_KEY}
"""Well-known ones, so that the dev host makes none up and shows it in its log."""


class FunctionsHost(ManagedProcess):
    """The app on a loopback port, with the given settings as its environment."""

    def __init__(
        self,
        *,
        log: Path,
        settings: Mapping[str, str],
        kind: HostKind = "devhost",
        port: int | None = None,
        scan_seconds: float = 1,
        message_lease_seconds: int = 15,
    ) -> None:
        self.port = port or free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        log.parent.mkdir(parents=True, exist_ok=True)
        if kind == "func":
            command = [core_tools(), "start", "--port", str(self.port)]
        else:
            keys = log.parent / "host-keys.json"
            keys.write_text(json.dumps(_KEYS))
            command = [sys.executable, "-m", "devhost", "--app", str(ROOT), "--port", str(self.port)]
            command += ["--keys", str(keys), "--scan-interval", str(scan_seconds)]
            command += ["--message-lease", str(message_lease_seconds)]
        env = {
            "FUNCTIONS_WORKER_RUNTIME": "python",
            "PYTHON_THREADPOOL_THREAD_COUNT": "32",
            "WEBHOOK_URL": self.events_url,
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",  # whose python Core Tools take
            "VIRTUAL_ENV": sys.prefix,
            **settings,
        }
        super().__init__("the Functions host", command, log=log, cwd=ROOT, env=env)

    @property
    def events_url(self) -> str:
        """Where the Speech service sends its notifications."""
        return f"{self.url}/api/speech/events"

    def wait_until_ready(self) -> None:
        """Wait until the app runs; StackError otherwise."""
        self.wait_until(lambda: answers(self.port) and self._running(), seconds=120)

    def run_function(self, name: str) -> None:
        """Run a timer function by hand, as the portal does (`POST /admin/functions/<name>`)."""
        answer = requests.post(
            f"{self.url}/admin/functions/{name}",
            json={"input": ""},
            headers={"x-functions-key": MASTER_KEY},
            timeout=30,
        )
        if answer.status_code != 202:
            raise StackError(f"The function {name} could not be started: HTTP {answer.status_code}.\n{self.tail()}")

    def _running(self) -> bool:
        try:
            answer = requests.get(f"{self.url}/admin/host/status", headers={"x-functions-key": MASTER_KEY}, timeout=5)
            return answer.status_code == 200 and answer.json().get("state") == "Running"
        except requests.RequestException:
            return False


def core_tools() -> str:
    """The path of Core Tools' `func`; StackError where it is not installed."""
    func = shutil.which("func")
    if func is None:
        raise StackError("`func` is not on PATH. Install Azure Functions Core Tools 4, or leave out --host func.")
    return func
