"""What contract tests share: an emulator on a standing clock, audio in Azurite, a receiver of web hooks."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import pytest
from azure.storage.blob import BlobServiceClient

from devstack.azurite import Azurite
from emulator import Clock, JobSeconds, SpeechEmulator
from tests.contract.custom_speech import Entities, make_entities
from tests.contract.specification import Api
from tests.contract.surroundings import OTHER_KEY, START, Audio, Received, Receiver

__all__ = [
    "START",
    "Audio",
    "Received",
    "Receiver",
    "api",
    "audio",
    "emulator",
    "entities",
    "lasting_emulator",
    "receiver",
]


@pytest.fixture
def emulator() -> Iterator[SpeechEmulator]:
    """The scripted engine on a clock that only the test moves; jobs wait one second and run two."""
    clock = Clock(at=START)
    with SpeechEmulator(clock=clock, other_keys=(OTHER_KEY,), job_seconds=JobSeconds(1, 2)) as running:
        yield running


@pytest.fixture(scope="module")
def lasting_emulator() -> Iterator[SpeechEmulator]:
    """The scripted engine on the machine's clock, for all tests of a module."""
    with SpeechEmulator() as running:
        yield running


@pytest.fixture(scope="module")
def entities(lasting_emulator: SpeechEmulator) -> Entities:
    """An entity of every noun on the lasting emulator."""
    return make_entities(lasting_emulator)


@pytest.fixture
def api(emulator: SpeechEmulator) -> Iterator[Api]:
    """The emulator's first subscription."""
    with Api(emulator.base_url, emulator.key) as client:
        yield client


@pytest.fixture
def audio(azurite: Azurite) -> Iterator[Audio]:
    """A new container."""
    with (
        BlobServiceClient.from_connection_string(azurite.connection_string()) as service,
        service.create_container(f"audio-{uuid4()}") as container,
    ):
        yield Audio(container)


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
