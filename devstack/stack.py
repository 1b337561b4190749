"""All of it together: Azurite, the Speech emulator and the Functions host, wired to each other."""

import contextlib
import secrets
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import requests
from azure.storage.blob import BlobServiceClient

from devstack.azurite import Azurite
from devstack.emulator import SPEECH_KEY, EmulatorProcess
from devstack.functions_host import FunctionsHost, HostKind, core_tools
from devstack.processes import StackError, free_port

CONTAINERS = ("audio", "transcripts", "failed", "pipeline")


@dataclass(frozen=True)
class Stack:
    """The running parts."""

    azurite: Azurite
    emulator: EmulatorProcess
    host: FunctionsHost

    @property
    def storage(self) -> BlobServiceClient:
        """The storage account that the app works on."""
        return BlobServiceClient.from_connection_string(self.azurite.connection_string())

    def check(self) -> None:
        """StackError where a part has died."""
        for process in (self.azurite, self.emulator, self.host):
            if not process.running:
                raise StackError(f"{process.name} ended unexpectedly.\n{process.tail()}")


def app_settings(*, connection_string: str, speech_endpoint: str, webhook_secret: str) -> dict[str, str]:
    """The settings under which the app runs on this machine."""
    return {
        "AzureWebJobsStorage": connection_string,
        "DATA_STORAGE": connection_string,
        "SPEECH_ENDPOINT": speech_endpoint,
        "SPEECH_KEY": SPEECH_KEY,
        "WEBHOOK_SECRET": webhook_secret,
        "BLOB_TRIGGER_SOURCE": "LogsAndContainerScan",
    }


@dataclass(frozen=True)
class Ports:
    """The loopback ports of a stack."""

    blob: int
    queue: int
    speech: int
    functions: int


@dataclass(frozen=True)
class Kept:
    """What a stack keeps from one time to the next: blobs and the emulator's state under `data`, and what those name.

    Kept state holds URLs with the ports in them, and the web hook is signed with the secret.
    """

    data: Path
    ports: Ports
    webhook_secret: str


@contextlib.contextmanager
def running_stack(
    *, logs: Path, engine: str = "pocketsphinx", kind: HostKind = "devhost", kept: Kept | None = None
) -> Iterator[Stack]:
    """The stack with its web hook registered, in memory on free ports or as `kept` says; stopped on the way out."""
    if kind == "func":
        core_tools()  # told before anything starts
    ports = kept.ports if kept else Ports(free_port(), free_port(), free_port(), free_port())
    with ExitStack() as parts:
        azurite = parts.enter_context(
            Azurite(
                log=logs / "azurite.log",
                location=kept.data / "azurite" if kept else None,
                blob_port=ports.blob,
                queue_port=ports.queue,
            )
        )
        emulator = parts.enter_context(
            EmulatorProcess(
                log=logs / "emulator.log",
                engine=engine,
                location=kept.data / "emulator" if kept else None,
                port=ports.speech,
            )
        )
        azurite.wait_until_ready()
        create_containers(azurite.connection_string())
        emulator.wait_until_ready()
        settings = app_settings(
            connection_string=azurite.connection_string(),
            speech_endpoint=emulator.endpoint,
            webhook_secret=kept.webhook_secret if kept else secrets.token_urlsafe(24),
        )
        host = parts.enter_context(
            FunctionsHost(log=logs / "host.log", settings=settings, kind=kind, port=ports.functions)
        )
        host.wait_until_ready()
        remove_stale_webhooks(emulator, host)
        register_webhook(host)
        yield Stack(azurite, emulator, host)


def create_containers(connection_string: str) -> None:
    """Make the app's containers, as a deployment does; the blob trigger needs `audio` to be there."""
    storage = BlobServiceClient.from_connection_string(connection_string)
    existing = {container.name for container in storage.list_containers()}
    for name in CONTAINERS:
        if name not in existing:
            storage.create_container(name)


def register_webhook(host: FunctionsHost, *, seconds: float = 30) -> None:
    """Have the app register its web hook now rather than at its timer's next turn, and wait until it is alive."""
    host.run_function("keep_webhook")
    deadline = time.monotonic() + seconds
    while webhook_status(host) != "ok":
        if time.monotonic() > deadline:
            raise StackError(f"The web hook was not registered: it is {webhook_status(host)!r}.\n{host.tail()}")
        time.sleep(0.1)


def remove_stale_webhooks(emulator: EmulatorProcess, host: FunctionsHost) -> None:
    """Delete the app's web hooks at other URLs: a port was taken, so it moved."""
    hooks = f"{emulator.endpoint}/speechtotext/v3.1/webhooks"
    with requests.Session() as session:
        session.headers["Ocp-Apim-Subscription-Key"] = SPEECH_KEY
        for hook in session.get(hooks, timeout=30).json()["values"]:
            if hook["displayName"] == "Dropscribe" and hook["webUrl"] != host.events_url:
                session.delete(hook["self"], timeout=30)


def webhook_status(host: FunctionsHost) -> str:
    """What the app's health answer says of its web hook."""
    answer = requests.get(f"{host.url}/api/health", timeout=30)
    return str(answer.json().get("webhook"))
