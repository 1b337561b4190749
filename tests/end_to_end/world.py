"""A world for one test: its own storage account, its own Speech emulator, and a Functions host that can be killed."""

import contextlib
import io
import time
import uuid
import wave
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Self

import orjson
import requests
from azure.storage.blob import BlobServiceClient, ContainerClient
from azure.storage.queue import QueueServiceClient

from devstack.azurite import Azurite
from devstack.functions_host import BLOBS_EXTENSION_KEY, FunctionsHost
from devstack.stack import app_settings, create_containers, register_webhook
from emulator import SpeechEmulator

WEBHOOK_SECRET = "a secret for tests"

FAST_SETTINGS = {
    "LINGER_SECONDS": "0.5",
    "LEASE_SECONDS": "15",
    "SUBMISSION_RECOVERY_SECONDS": "15",
    "SPEECH_TIMEOUT_SECONDS": "7",
    "RETRY_DELAY_SECONDS": "0",
}


def tone(*, seconds: float = 1, channels: int = 1, rate: int = 8000) -> bytes:
    """A WAV file of silence: what the scripted engine needs, which makes its text up. `rate` is in Hz."""
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(bytes(int(rate * seconds) * 2 * channels))
    return buffer.getvalue()


class World:
    """What a test sees of the pipeline: uploads in, outcomes out."""

    def __init__(self, azurite: Azurite, account: str, emulator: SpeechEmulator, directory: Path) -> None:
        self.emulator = emulator
        self.connection_string = azurite.connection_string(account)
        self.storage = BlobServiceClient.from_connection_string(self.connection_string)
        self.queues = QueueServiceClient.from_connection_string(self.connection_string)
        self._directory = directory
        self._settings = app_settings(
            connection_string=self.connection_string,
            speech_endpoint=emulator.endpoint,
            webhook_secret=WEBHOOK_SECRET,
        )
        self._hosts: list[FunctionsHost] = []
        create_containers(self.connection_string)

    @property
    def host(self) -> FunctionsHost:
        """The host that was started last."""
        return self._hosts[-1]

    def start_host(self, settings: Mapping[str, str] | None = None, *, webhook: bool = True) -> FunctionsHost:
        """Start a host, or another after one that was killed, and register its web hook unless the test wants none."""
        log = self._directory / f"host-{len(self._hosts)}" / "host.log"
        merged = {**self._settings, **FAST_SETTINGS, **(settings or {})}
        # A restarted host is reached at the same address, as a deployed one is.
        port = self._hosts[0].port if self._hosts else None
        self._hosts.append(
            FunctionsHost(log=log, settings=merged, scan_seconds=0.5, message_lease_seconds=5, port=port)
        )
        self.host.wait_until_ready()
        if webhook:
            register_webhook(self.host)
        return self.host

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for host in self._hosts:
            host.stop()

    def container(self, name: str) -> ContainerClient:
        """A container of the test's storage account."""
        return self.storage.get_container_client(name)

    def upload(self, name: str, content: bytes | None = None, *, container: str = "audio", **metadata: str) -> None:
        """Upload a blob; by default a second of audio."""
        body = tone() if content is None else content
        self.container(container).upload_blob(name, body, metadata=metadata, overwrite=True)

    def names(self, container: str, ending: str = ".json") -> set[str]:
        """Blobs of a container with an ending, less the ending."""
        listed = (blob.name for blob in self.container(container).list_blobs())
        return {name.removesuffix(ending) for name in listed if name.endswith(ending)}

    def json(self, container: str, name: str) -> Any:  # noqa: ANN401 - whatever the document holds
        """A JSON blob."""
        return orjson.loads(self.container(container).download_blob(name).readall())

    def transcript(self, path: str) -> Any:  # noqa: ANN401 - a JSON document
        """The transcript of an audio path."""
        return self.json("transcripts", f"{path}.json")

    def failure(self, path: str) -> Any:  # noqa: ANN401 - a JSON document
        """The failed record of an audio path."""
        return self.json("failed", f"{path}.json")

    def under_way(self) -> set[str]:
        """Tickets and open jobs."""
        names = (blob.name for blob in self.container("pipeline").list_blobs())
        return {name for name in names if name.startswith(("intake/", "jobs/open/"))}

    def wait_for(self, *paths: str, seconds: float = 60) -> None:
        """Wait until each path has an outcome and nothing is under way."""
        self.until(lambda: self.settled(set(paths)), seconds=seconds)

    def settled(self, paths: set[str]) -> bool:
        """Whether each path has an outcome and nothing is under way."""
        return paths <= self.names("transcripts") | self.names("failed") and not self.under_way()

    def until(self, happened: Callable[[], bool], *, seconds: float = 60, timers: tuple[str, ...] = ()) -> None:
        """Wait for something, running the named timer functions by hand now and then."""
        deadline = time.monotonic() + seconds
        turn = 0.0
        while not happened():
            assert time.monotonic() < deadline, self.situation()
            if timers and time.monotonic() > turn:
                for name in timers:
                    with contextlib.suppress(requests.RequestException):  # a host may be killed meanwhile
                        self.host.run_function(name)
                turn = time.monotonic() + 2
            time.sleep(0.2)

    def situation(self) -> str:
        """What there is, for the message of a failed test."""
        transcriptions = [(seen.display_name, str(seen.status), seen.deleted) for seen in self.emulator.transcriptions]
        return (
            f"transcripts {sorted(self.names('transcripts'))}, failed {sorted(self.names('failed'))}, "
            f"under way {sorted(self.under_way())}, at the service {transcriptions}\n{self.host.tail(40)}"
        )

    def times_submitted(self) -> dict[str, int]:
        """How often each audio path was part of a transcription."""
        counts: dict[str, int] = {}
        for seen in self.emulator.transcriptions:
            for url in seen.content_urls:
                path = url.partition("/audio/")[2]
                counts[path] = counts.get(path, 0) + 1
        return counts

    def creates(self) -> int:
        """Number of create requests that the service accepted."""
        return sum(
            1 for seen in self.emulator.requests if seen.operation == "Transcriptions_Create" and seen.status == 201
        )

    def executions(self, function: str) -> int:
        """How often the host that was started last has run a function to its end."""
        return self.host.log.read_text().count(f"Executed 'Functions.{function}' (Succeeded")

    def send_blob_event(self, name: str) -> None:
        """Tell the host of a new blob as Event Grid does, for a blob trigger with this source."""
        event = {
            "id": uuid.uuid4().hex,
            "eventType": "Microsoft.Storage.BlobCreated",
            "subject": f"/blobServices/default/containers/audio/blobs/{name}",
            "eventTime": "2026-01-01T00:00:00Z",
            "dataVersion": "",
            "metadataVersion": "1",
            "topic": "/subscriptions/local",
            "data": {"api": "PutBlob", "url": self.container("audio").get_blob_client(name).url},
        }
        answer = requests.post(
            f"{self.host.url}/runtime/webhooks/blobs",
            params={"functionName": "Host.Functions.intake_audio", "code": BLOBS_EXTENSION_KEY},
            headers={"aeg-event-type": "Notification"},
            json=[event],
            timeout=30,
        )
        assert answer.status_code in {200, 202}, answer.text

    def health(self) -> Any:  # noqa: ANN401 - a JSON document
        """The app's health answer."""
        return requests.get(f"{self.host.url}/api/health", timeout=30).json()
