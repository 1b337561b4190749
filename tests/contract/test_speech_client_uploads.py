"""Uploads against a server that keeps blocks as the service does: whole, parallel, resumed, and lean."""

import io
import json
import threading
import tracemalloc
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import BinaryIO
from urllib.parse import parse_qs, urlsplit

import pytest

from shared.speech import (
    DatasetKind,
    DatasetProperties,
    NewDataset,
    ServerError,
    SpeechClient,
    TranscribeDefinition,
)
from shared.speech.uploads import BlockBody, MultipartBody
from tests.contract.test_speech_client import form_fields
from tests.unit.test_speech_transport import LoopbackServer, Reply, ScriptedServer, Time, connect

ID = "ba7ea6f5-3065-40b7-b49a-a90f48584683"
DATASET = NewDataset(display_name="d\u00e9j\u00e0 vu", locale="en-US", kind=DatasetKind.ACOUSTIC)
CREATED = {"self": f"http://host/speechtotext/v3.1/datasets/{ID}", **DATASET.model_dump(mode="json")}
BLOCK = 1000


@dataclass
class BlockStore:
    """What the service has of a dataset that is uploaded in blocks."""

    endpoint: str = ""
    uncommitted: dict[str, bytes] = field(default_factory=dict)
    committed: list[tuple[str, bytes]] = field(default_factory=list)
    puts: list[str] = field(default_factory=list)
    commits: int = 0
    fails_after: int = 1_000_000
    gate: threading.Barrier | None = None
    """Where so many uploads of blocks must meet before any is answered."""

    def content(self) -> bytes:
        """The finished content."""
        return b"".join(content for _, content in self.committed)

    def put(self, name: str, content: bytes) -> int:
        """Keep a block, if it is not one too many."""
        if self.gate:
            self.gate.wait(10)
        self.puts.append(name)
        if len(self.puts) > self.fails_after:
            return 500
        self.uncommitted[name] = content
        return 201

    def commit(self, entries: list[dict[str, str]]) -> int:
        """Make blocks the content."""
        known = {**dict(self.committed), **self.uncommitted}
        self.committed = [(entry["id"], known[entry["id"]]) for entry in entries]
        self.uncommitted = {}
        self.commits += 1
        return 200

    def listed(self) -> dict[str, object]:
        """The definition UploadedBlocks."""
        return {
            "committedBlocks": [{"name": name, "size": len(content)} for name, content in self.committed],
            "uncommittedBlocks": [{"name": name, "size": len(content)} for name, content in self.uncommitted.items()],
        }


@pytest.fixture
def store() -> Iterator[BlockStore]:
    """A service with one dataset."""
    state = BlockStore()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            self._answer(200, state.listed() if self.path.endswith("/blocks") else CREATED)

        def do_PUT(self) -> None:
            (name,) = parse_qs(urlsplit(self.path).query)["blockid"]
            self._answer(state.put(name, self._body()))

        def do_POST(self) -> None:
            self._answer(state.commit(json.loads(self._body())))

        def _body(self) -> bytes:
            return self.rfile.read(int(self.headers["Content-Length"]))

        def _answer(self, status: int, body: object = None) -> None:
            content = b"" if body is None else json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            """Keep the test's output clean."""

    server = LoopbackServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    state.endpoint = f"http://127.0.0.1:{server.server_port}"
    yield state
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def client(store: BlockStore) -> Iterator[SpeechClient]:
    """A client of the block store that does not repeat what failed."""
    with connect(store.endpoint, Time(), max_retries=0) as one:
        yield one


@pytest.fixture
def scripted() -> Iterator[ScriptedServer]:
    """A server that answers from a script."""
    running = ScriptedServer()
    yield running
    running.close()


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A file of ten and a half blocks."""
    path = tmp_path / "data.zip"
    path.write_bytes(b"".join(bytes([number]) * BLOCK for number in range(10)) + bytes(BLOCK // 2))
    return path


class TestBlocks:
    """upload_in_blocks."""

    def test_a_file_arrives_whole(self, store: BlockStore, client: SpeechClient, data: Path) -> None:
        """The committed blocks are the file, in order, with ids as the specification wants them; progress is told."""
        told: list[tuple[int, int]] = []
        done = client.datasets.upload_in_blocks(
            ID, data, block_bytes=BLOCK, on_progress=lambda *sizes: told.append(sizes)
        )
        assert done.id == ID
        assert store.content() == data.read_bytes()
        assert len({len(name) for name in store.puts}) == 1
        assert [total for _, total in told] == [10_500] * 11
        assert [sent for sent, _ in told] == sorted(sent for sent, _ in told)
        assert told[-1][0] == 10_500

    def test_blocks_go_in_parallel(self, store: BlockStore, client: SpeechClient, tmp_path: Path) -> None:
        """As many at once as there are threads: the server lets none go before four have come."""
        store.gate = threading.Barrier(4)
        path = tmp_path / "data"
        path.write_bytes(bytes(range(8)) * BLOCK)
        client.datasets.upload_in_blocks(ID, path, block_bytes=BLOCK, threads=4)
        assert store.content() == path.read_bytes()

    @pytest.mark.parametrize("threads", [1, 3])
    def test_an_upload_goes_on_where_it_failed(
        self, store: BlockStore, client: SpeechClient, data: Path, threads: int
    ) -> None:
        """After an error only what is missing is sent; after the end nothing is sent again."""
        store.fails_after = 4
        with pytest.raises(ServerError):
            client.datasets.upload_in_blocks(ID, data, block_bytes=BLOCK, threads=threads)
        assert store.commits == 0
        assert len(store.puts) <= 4 + threads, "a block was begun after the first error"
        store.puts.clear()
        store.fails_after = 100
        client.datasets.upload_in_blocks(ID, data, block_bytes=BLOCK, threads=threads)
        assert store.content() == data.read_bytes()
        assert len(store.puts) == 11 - 4
        store.puts.clear()
        client.datasets.upload_in_blocks(ID, data, block_bytes=BLOCK, threads=threads)
        assert (store.puts, store.commits) == ([], 1)

    def test_a_file_that_was_changed_is_not_mixed(self, store: BlockStore, client: SpeechClient, data: Path) -> None:
        """Of an earlier upload only blocks of the same content in the same place are taken over."""
        client.datasets.upload_in_blocks(ID, data, block_bytes=BLOCK)
        content = bytearray(data.read_bytes())
        content[3 * BLOCK] ^= 1
        data.write_bytes(content)
        store.puts.clear()
        client.datasets.upload_in_blocks(ID, data, block_bytes=BLOCK)
        assert store.content() == content
        assert len(store.puts) == 1

    def test_file_objects(self, store: BlockStore, client: SpeechClient) -> None:
        """One is read from its present position, and stays open."""
        file = io.BytesIO(b"before" + b"x" * 2500)
        file.seek(6)
        client.datasets.upload_in_blocks(ID, file, block_bytes=BLOCK)
        assert store.content() == b"x" * 2500
        assert not file.closed

    def test_what_cannot_be_uploaded(self, store: BlockStore, client: SpeechClient, data: Path) -> None:
        """An empty file, blocks over 8 MiB, too many blocks, and a pipe are refused with what to do."""
        for file, size, message in (
            (io.BytesIO(), BLOCK, "0 bytes"),
            (data, 8 * 2**20 + 1, "8,388,608"),
            (Sized(50_001), 1, "50,000 blocks"),
            (Pipe(), BLOCK, "seekable"),
        ):
            with pytest.raises(ValueError, match=message):
                client.datasets.upload_in_blocks(ID, file, block_bytes=size)
        assert store.puts == []


class Sized(io.BytesIO):
    """A file of so many bytes."""

    def __init__(self, size: int) -> None:
        super().__init__(bytes(size))


class Pipe(io.BytesIO):
    """What cannot be read twice."""

    def seekable(self) -> bool:
        """No."""
        return False


class TestForms:
    """Direct uploads: a form with the file in it."""

    def test_the_form(self, scripted: ScriptedServer, data: Path) -> None:
        """Fields as the specification names them, the file under its name, of announced length."""
        scripted.answers(Reply(201, CREATED))
        dataset = DATASET.model_copy(
            update={
                "custom_properties": {"k": "\u00fc"},
                "properties": DatasetProperties(email="a@host"),
                "description": 'with "quotes"\nand lines',
            }
        )
        told: list[tuple[int, int]] = []
        with connect(scripted.endpoint, Time()) as client:
            made = client.datasets.upload(dataset, data, on_progress=lambda *sizes: told.append(sizes))
        assert made.display_name == "d\u00e9j\u00e0 vu"
        (request,) = scripted.received
        assert int(request.headers["Content-Length"]) == len(request.body)
        assert "Transfer-Encoding" not in request.headers
        assert data.read_bytes() in request.body
        assert b'name="data"; filename="data.zip"' in request.body
        fields = form_fields(request.headers["Content-Type"], request.body.replace(data.read_bytes(), b""))
        assert fields == {
            "displayName": "d\u00e9j\u00e0 vu",
            "locale": "en-US",
            "kind": "Acoustic",
            "description": 'with "quotes"\nand lines',
            "customProperties": '{"k": "\u00fc"}',
            "email": "a@host",
            "data": "",
        }
        assert told == [(10_500, 10_500)]

    def test_a_throttled_upload_is_sent_again_whole(self, scripted: ScriptedServer) -> None:
        """From where the file stood, with the progress from its beginning; after 500 it is not sent again."""
        scripted.answers(Reply(429), Reply(201, CREATED), Reply(500))
        file = io.BytesIO(b"before" + b"x" * 300_000)
        file.seek(6)
        told: list[int] = []
        with connect(scripted.endpoint, Time()) as client:
            client.datasets.upload(DATASET, file, filename="other.zip", on_progress=lambda sent, _: told.append(sent))
            first, second = [one.body for one in scripted.received]
            assert first == second
            assert b"before" not in first
            assert first.count(b"x" * 300_000) == 1
            assert told == [65_536, 131_072, 196_608, 262_144, 300_000] * 2
            file.seek(0)
            with pytest.raises(ServerError) as caught:
                client.datasets.upload(DATASET, file)
        assert caught.value.may_have_taken_effect
        assert len(scripted.received) == 3

    def test_what_cannot_be_uploaded(self, scripted: ScriptedServer) -> None:
        """A dataset with a URL, fields that the form lacks, and a pipe are refused before anything is sent."""
        counted = DatasetProperties(accepted_line_count=1)
        with connect(scripted.endpoint, Time()) as client:
            for dataset, file, message in (
                (DATASET.model_copy(update={"content_url": "https://host/d.zip"}), io.BytesIO(), "contentUrl"),
                (DATASET.model_copy(update={"properties": counted}), io.BytesIO(), "LineCount"),
                (DATASET, Pipe(), "seekable"),
            ):
                with pytest.raises(ValueError, match=message):
                    client.datasets.upload(dataset, file)
        assert scripted.received == []

    def test_a_file_that_shrinks(self, scripted: ScriptedServer) -> None:
        """It is told at once, instead of leaving the service to wait for the rest."""

        class Shrinking(io.BytesIO):
            def read(self, size: int | None = -1) -> bytes:
                content = super().read(size)
                self.truncate(self.tell())
                return content

        scripted.answers(Reply(201, CREATED))
        with connect(scripted.endpoint, Time()) as client, pytest.raises(ValueError, match="changed meanwhile"):
            client.datasets.upload(DATASET, Shrinking(b"x" * 600_000))

    def test_transcription_at_once(self, scripted: ScriptedServer) -> None:
        """The audio goes with its options as JSON, and the answer is typed."""
        phrase = {"text": "Hello.", "offsetMilliseconds": 40, "durationMilliseconds": 900, "confidence": 1}
        answer = {"durationMilliseconds": 1500, "combinedPhrases": [{"text": "Hello."}], "phrases": [phrase]}
        scripted.answers(Reply(200, answer))
        with connect(scripted.endpoint, Time(), api_version="2025-10-15") as client:
            result = client.transcriptions.transcribe(
                io.BytesIO(b"RIFF"), definition=TranscribeDefinition(locales=["en-US"])
            )
        assert result.duration.total_seconds() == 1.5
        assert result.phrases[0].confidence == 1.0
        (request,) = scripted.received
        assert request.path == "/speechtotext/transcriptions:transcribe?api-version=2025-10-15"
        fields = form_fields(request.headers["Content-Type"], request.body)
        assert fields == {"definition": '{"locales": ["en-US"]}', "audio": "RIFF"}


def test_a_slow_line_gets_its_time() -> None:
    """Nothing is handed to the network in pieces over 64 KiB, each of which has the time limit to itself."""
    file = io.BytesIO(bytes(8 * 2**20))
    form = MultipartBody({"kind": "Acoustic"}, file_field="data", filename="d", file=file)
    for body in (form, BlockBody(file.getvalue())):
        for _ in range(2):  # for another attempt
            pieces = list(body)
            assert max(map(len, pieces)) == 65_536
            assert sum(map(len, pieces)) == len(body)


class Generated(io.RawIOBase, BinaryIO):
    """A large file of zeros that stands nowhere."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._at = 0

    def seekable(self) -> bool:
        """Yes."""
        return True

    def tell(self) -> int:
        """Where it is."""
        return self._at

    def seek(self, offset: int, whence: int = 0) -> int:
        """Go elsewhere."""
        self._at = offset + (self._size if whence == io.SEEK_END else 0)
        return self._at

    def read(self, size: int = -1) -> bytes:
        """Zeros."""
        given = min(size, self._size - self._at)
        self._at += given
        return bytes(given)


def test_memory_stays_constant(sink: "Sink") -> None:
    """A form of 200 MB and blocks of 40 MB take a few of their pieces, not the file."""
    with connect(sink.endpoint, Time()) as client:
        tracemalloc.start()
        try:
            client.datasets.upload(DATASET, Generated(200_000_000))
            _, form = tracemalloc.get_traced_memory()
            tracemalloc.reset_peak()
            client.datasets.upload_in_blocks(ID, Generated(40_000_000), block_bytes=1_000_000, threads=2)
            _, blocks = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert sink.received > 240_000_000
    assert form < 5_000_000
    assert blocks < 8_000_000


@dataclass
class Sink:
    """Takes what comes, piece by piece."""

    endpoint: str = ""
    received: int = 0


@pytest.fixture
def sink() -> Iterator[Sink]:
    """A server that counts bytes and answers with a dataset."""
    state = Sink()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            left = int(self.headers.get("Content-Length") or 0)
            while left:
                piece = len(self.rfile.read1(min(left, 65_536)))
                left -= piece
                state.received += piece
            content = json.dumps(CREATED).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_PUT = do_POST  # noqa: N815 - as the base class has it

        def log_message(self, *_: object) -> None:
            """Keep the test's output clean."""

    server = LoopbackServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    state.endpoint = f"http://127.0.0.1:{server.server_port}"
    yield state
    server.shutdown()
    server.server_close()
    thread.join()
