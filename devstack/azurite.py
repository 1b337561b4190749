"""Azurite, Microsoft's storage emulator, as one process with blob and queue service."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from devstack.processes import ManagedProcess, answers, free_port

ROOT = Path(__file__).resolve().parent.parent
ACCOUNT = "devstoreaccount1"
ACCOUNT_KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
"""The well-known development account that every Azurite serves (documented, no secret)."""


class Azurite(ManagedProcess):
    """Azurite on free loopback ports; in memory, or with its data under `location`.

    `accounts` maps further account names to their Base64 keys; the well-known account is always there. `more` are
    further options of its command line.
    """

    def __init__(
        self,
        *,
        log: Path,
        location: Path | None = None,
        accounts: Mapping[str, str] | None = None,
        blob_port: int | None = None,
        queue_port: int | None = None,
        more: Sequence[str] = (),
    ) -> None:
        self.blob_port = blob_port or free_port()
        self.queue_port = queue_port or free_port()
        every = {ACCOUNT: ACCOUNT_KEY, **(accounts or {})}
        where = ["--location", str(location)] if location else ["--inMemoryPersistence"]
        command = [
            "node",
            str(ROOT / "node_modules/azurite/dist/src/azurite.js"),
            *where,
            "--silent",
            "--skipApiVersionCheck",
            "--disableTelemetry",
            "--blobPort",
            str(self.blob_port),
            "--queuePort",
            str(self.queue_port),
            "--tablePort",
            str(free_port()),
            *more,
        ]
        env = {"AZURITE_ACCOUNTS": ";".join(f"{name}:{key}" for name, key in every.items())}
        self._keys = every
        super().__init__("Azurite", command, log=log, env=env)

    def wait_until_ready(self) -> None:
        """Wait until both services answer; StackError otherwise."""
        self.wait_until(lambda: answers(self.blob_port) and answers(self.queue_port), seconds=30)

    def connection_string(self, account: str = ACCOUNT) -> str:
        """The connection string of one of the accounts."""
        base = "http://127.0.0.1"
        return (
            f"DefaultEndpointsProtocol=http;AccountName={account};AccountKey={self._keys[account]};"
            f"BlobEndpoint={base}:{self.blob_port}/{account};"
            f"QueueEndpoint={base}:{self.queue_port}/{account};"
        )
