"""What contract tests share: an emulator on a standing clock, audio in Azurite, a receiver of web hooks."""

import io
import threading
import wave
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, quote, urlsplit
from uuid import uuid4

import pytest
from azure.storage.blob import (
    BlobServiceClient,
    ContainerClient,
    ContainerSasPermissions,
    generate_blob_sas,
    generate_container_sas,
)

from devstack.azurite import ACCOUNT, ACCOUNT_KEY, Azurite
from emulator import Clock, JobSeconds, SpeechEmulator
from tests.contract.specification import Api

START = datetime(2026, 1, 1, tzinfo=UTC)
OTHER_KEY = "another-subscription"


@pytest.fixture
def emulator() -> Iterator[SpeechEmulator]:
    """The scripted engine on a clock that only the test moves; jobs wait one second and run two."""
    clock = Clock(at=START)
    with SpeechEmulator(clock=clock, other_keys=(OTHER_KEY,), job_seconds=JobSeconds(1, 2)) as running:
        yield running


@pytest.fixture
def api(emulator: SpeechEmulator) -> Iterator[Api]:
    """The emulator's first subscription."""
    with Api(emulator.base_url, emulator.key) as client:
        yield client


@dataclass(frozen=True)
class Audio:
    """A container of audio in Azurite."""

    container: ContainerClient

    def url(self, name: str, *, content: bytes | None = None, metadata: Mapping[str, str] | None = None) -> str:
        """Put a blob (two seconds of mono silence unless `content` is given) and return its URL with a SAS."""
        data = wav() if content is None else content
        self.container.upload_blob(name, data, metadata=dict(metadata or {}), overwrite=True)
        sas = generate_blob_sas(
            ACCOUNT,
            self.container.container_name,
            name,
            account_key=ACCOUNT_KEY,
            permission="r",
            expiry=datetime.now(UTC) + timedelta(hours=1),
        )
        return f"{self.container.url}/{quote(name)}?{sas}"

    def container_url(self, permission: str = "rl") -> str:
        """The container's URL with a SAS."""
        sas = generate_container_sas(
            ACCOUNT,
            self.container.container_name,
            account_key=ACCOUNT_KEY,
            permission=ContainerSasPermissions.from_string(permission),
            expiry=datetime.now(UTC) + timedelta(hours=1),
        )
        return f"{self.container.url}?{sas}"


def wav(*, seconds: float = 2, channels: int = 1) -> bytes:
    """Digital silence as 16-bit PCM of 8 kHz."""
    file = io.BytesIO()
    with wave.open(file, "wb") as audio:
        audio.setnchannels(channels)
        audio.setsampwidth(2)
        audio.setframerate(8000)
        audio.writeframes(bytes(int(seconds * 8000) * 2 * channels))
    return file.getvalue()


@pytest.fixture
def audio(azurite: Azurite) -> Iterator[Audio]:
    """A new container."""
    with (
        BlobServiceClient.from_connection_string(azurite.connection_string()) as service,
        service.create_container(f"audio-{uuid4()}") as container,
    ):
        yield Audio(container)


@dataclass(frozen=True)
class Received:
    """A request that the receiver got."""

    event: str
    signature: str | None
    query: dict[str, list[str]]
    body: bytes


@dataclass
class Receiver:
    """A web hook's receiving end; `statuses` are answered first, 200 afterwards; `echoes` answers challenges."""

    url: str = ""
    received: list[Received] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)
    echoes: bool = True

    def events(self) -> list[str]:
        """The events that came, challenges left out."""
        return [one.event for one in self.received if one.event != "Challenge"]

    def answer(self, one: Received) -> tuple[int, bytes]:
        """Note a request and decide on its answer."""
        self.received.append(one)
        status = self.statuses.pop(0) if self.statuses else 200
        return status, one.query.get("validationToken", [""])[0].encode() if self.echoes else b"no"


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """A receiver on loopback."""
    state = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            event = self.headers["X-MicrosoftSpeechServices-Event"]
            signature = self.headers.get("X-MicrosoftSpeechServices-Signature")
            status, text = state.answer(Received(event, signature, parse_qs(urlsplit(self.path).query), body))
            self.send_response(status)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it so
            """Keep the test's output clean."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    state.url = f"http://127.0.0.1:{server.server_port}/events"
    yield state
    server.shutdown()
    thread.join()
    server.server_close()
