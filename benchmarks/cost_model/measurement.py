"""Measures what the pipeline costs: its own parts, on Azurite and the Speech emulator, with every request counted.

Azurite and the emulator answer faster than Azure does, so each answer of storage is held back by `STORAGE_SECONDS`, and
each of the service by `SPEECH_SECONDS`; both are assumptions.
"""

import gzip
import io
import os
import struct
import tempfile
import threading
import time
import tracemalloc
import uuid
import wave
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cached_property
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import requests
from azure.core.pipeline.transport import RequestsTransport
from azure.storage.blob import BlobServiceClient, ContainerClient
from opentelemetry.trace import get_tracer_provider

from benchmarks.cost_model.work import Linear, Rates, Work
from devstack.azurite import Azurite
from devstack.emulator import SPEECH_KEY, EmulatorProcess
from shared.pipeline.ledger import AudioFile, Head, Ticket, new_job
from shared.pipeline.messages import CollectMessage
from shared.settings_model import Settings
from shared.speech.transport import pooled_session
from shared.telemetry.export import start_export
from shared.telemetry.open_telemetry import OpenTelemetry
from shared.wiring import App

STORAGE_SECONDS = 0.005
SPEECH_SECONDS = 0.05
FILE_SECONDS = 360
WORDS = 900
"""Of one file: 150 a minute."""
SIZES = (1, 1_000)
"""Files in a job, where it is measured; between them it is taken to be linear."""
OPEN_JOBS = 100
LISTED = 5_000
"""Blobs that a request lists."""
_NOT_COUNTED = {"Files_GetContent"}


@dataclass
class Meter:
    """Counts what passes a session, and times it."""

    counted: Counter[str] = field(default_factory=Counter)
    locked_seconds: float = 0.0
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _locked_at: float = 0.0

    def see(self, response: requests.Response, *_: Any, **__: Any) -> None:  # noqa: ANN401 - requests' own signature
        """A hook of requests: called with each answer."""
        time.sleep(STORAGE_SECONDS)
        request = response.request
        url = urlsplit(str(request.url))
        with self._lock:
            self.counted[billed_as(str(request.method), parse_qs(url.query, keep_blank_values=True))] += 1
            action = request.headers.get("x-ms-lease-action") if url.path.endswith("/heads/lock") else None
            if action == "acquire":
                self._locked_at = time.perf_counter()
            elif action == "release":
                self.locked_seconds += time.perf_counter() - self._locked_at


def billed_as(method: str, query: dict[str, list[str]]) -> str:
    """How a request of the Blob service is billed on a general-purpose v2 account, as a field of `Work`.

    https://learn.microsoft.com/azure/storage/blobs/map-rest-apis-transaction-categories
    """
    what = query.get("comp", [""])[0]
    if what == "list" or (method == "PUT" and "restype" in query):
        return "lists"
    if what in {"lease", "batch"} or method == "HEAD" or "restype" in query:
        return "others"
    return {"GET": "reads", "PUT": "writes", "DELETE": "deletes"}[method]


@dataclass(frozen=True, kw_only=True)
class MeteredApp(App):
    """The app, its storage requests counted."""

    connection: str
    meter: Meter

    @cached_property
    def storage(self) -> BlobServiceClient:
        """The data storage account."""
        session = pooled_session()
        session.hooks["response"].append(self.meter.see)
        transport = RequestsTransport(session=session, session_owner=False)
        return BlobServiceClient.from_connection_string(self.connection, transport=transport)


@dataclass
class Bench:
    """The app under measurement and what is around it."""

    app: MeteredApp
    storage: BlobServiceClient
    """The same account, not counted."""
    emulator: EmulatorProcess
    sent: Counter[str]
    """`bytes` that went to Application Insights."""
    shift: timedelta = timedelta()
    """How far the app's clock is ahead."""

    @property
    def audio(self) -> ContainerClient:
        """The container that audio is uploaded to."""
        return self.storage.get_container_client("audio")

    @contextmanager
    def measure(self) -> Iterator[list[Work]]:
        """Measure what is done within; the list holds it afterwards."""
        result: list[Work] = []
        meter, before, calls = self.app.meter, Counter(self.app.meter.counted), self._speech_calls()
        wall, cpu = time.perf_counter(), time.process_time()
        yield result
        seconds, cpu_seconds = time.perf_counter() - wall, time.process_time() - cpu
        counted: dict[str, float] = dict(meter.counted - before)
        speech = self._speech_calls() - calls
        result.append(Work(seconds=seconds, cpu_seconds=cpu_seconds, speech_calls=speech, **counted))

    def _speech_calls(self) -> int:
        seen = requests.get(f"{self.emulator.endpoint}/emulator/requests", timeout=30).json()
        return sum(1 for one in _entries(seen) if one["operation"] not in _NOT_COUNTED)

    def upload(self, count: int) -> list[str]:
        """Put audio there whose header claims FILE_SECONDS, with a text of WORDS words; returns the names."""
        text = " ".join(["word"] * WORDS)
        names = [f"{uuid.uuid4().hex}.wav" for _ in range(count)]
        with ThreadPoolExecutor(8) as threads:
            list(threads.map(lambda name: self.audio.upload_blob(name, _wav(), metadata={"transcript": text}), names))
        return names

    def finished(self) -> list[str]:
        """Ids of the transcriptions at the service, once all of them have ended."""
        while True:
            seen = requests.get(f"{self.emulator.endpoint}/emulator/transcriptions", timeout=30).json()
            there = [one for one in _entries(seen) if not one["deleted"]]
            if all(one["status"] in {"Succeeded", "Failed"} for one in there):
                return [one["id"] for one in there]
            time.sleep(0.2)


def _entries(answer: Any) -> list[dict[str, Any]]:  # noqa: ANN401 - JSON
    return answer if isinstance(answer, list) else answer["values"]


def _wav() -> bytes:
    """A WAV header that claims FILE_SECONDS of 16-bit PCM of 8 kHz, with next to nothing behind it."""
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as audio:
        audio.setnchannels(1)
        audio.setsampwidth(2)
        audio.setframerate(8_000)
        audio.writeframes(bytes(64))
    content = bytearray(buffer.getvalue())
    claimed = FILE_SECONDS * 16_000
    struct.pack_into("<I", content, 4, 36 + claimed)
    struct.pack_into("<I", content, 40, claimed)
    return bytes(content)


def _ingestion() -> Counter[str]:
    """Stands in for Application Insights, and counts the bytes that the app sends there, until the process ends."""
    came: Counter[str] = Counter()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            """Take everything (POST /v2.1/track)."""
            body = self.rfile.read(int(self.headers["Content-Length"]))
            came["bytes"] += len(gzip.decompress(body) if self.headers.get("Content-Encoding") == "gzip" else body)
            self.send_response(200)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it so
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    os.environ["APPLICATIONINSIGHTS_CONNECTION_STRING"] = (
        "InstrumentationKey=00000000-0000-0000-0000-000000000000;"
        f"IngestionEndpoint=http://127.0.0.1:{server.server_port}/"
    )
    os.environ["APPLICATIONINSIGHTS_STATSBEAT_DISABLED_ALL"] = "true"
    os.environ["APPLICATIONINSIGHTS_CONTROLPLANE_DISABLED"] = "true"
    start_export()
    return came


@contextmanager
def _bench() -> Iterator[Bench]:
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        sent = _ingestion()
        azurite = stack.enter_context(Azurite(log=folder / "azurite.log"))
        azurite.wait_until_ready()
        delay = ["--fault", f"delay,operation=*,seconds={SPEECH_SECONDS}"]
        emulator = EmulatorProcess(log=folder / "emulator.log", engine="scripted", options=delay)
        stack.enter_context(emulator)
        emulator.wait_until_ready()
        connection = azurite.connection_string()
        settings = Settings.model_validate(
            {"speech_endpoint": emulator.endpoint, "speech_key": SPEECH_KEY, "data_storage": connection}
        )
        bench: Bench
        app = MeteredApp(
            settings,
            now=lambda: datetime.now(UTC) + bench.shift,
            sleep=lambda _: None,  # lingering is the model's business
            connection=connection,
            meter=Meter(),
            telemetry=OpenTelemetry(hour_prices={"batch": 0.18, "short": 1.0}),
        )
        bench = Bench(app, BlobServiceClient.from_connection_string(connection), emulator, sent)
        app.create_containers()
        yield bench


def measure() -> Rates:
    """Measure every rate; takes a minute or two."""
    with _bench() as bench:
        app = bench.app
        _job(bench, 1)  # imports and connections are not what is measured
        with bench.measure() as drain:
            app.upkeep.drain()
        with bench.measure() as sweep:
            app.upkeep.sweep()
        with bench.measure() as webhook:
            list(app.client.webhooks.list())
        with bench.measure() as health:
            app.health.report()
        _search(bench)
        search = _search(bench)  # of one file, which is known
        jobs = {size: _job(bench, size) for size in SIZES}
        largest = jobs[max(SIZES)]
        transcripts = bench.storage.get_container_client("transcripts").list_blobs()
        stored = sum(blob.size for blob in transcripts) / (1 + sum(SIZES))
        with app.ledger.lead(largest.group), bench.measure() as join:
            app.commit.commit(largest.group)
        full_search, new = _search_all(bench)
        loading, screening, memory = _open_files(bench)
        with bench.measure() as full_sweep:
            app.upkeep.sweep()
        return Rates(
            intake=largest.intake,
            join=join[0],
            commit=Linear.through({size: job.commit for size, job in jobs.items()}),
            lock_seconds=Linear.through({size: Work(seconds=job.locked_seconds) for size, job in jobs.items()}),
            listing_seconds=_listing(bench),
            screening_seconds=screening,
            loading_seconds=loading,
            open_file_bytes=memory,
            collect=Linear.through({size: job.collect for size, job in jobs.items()}),
            sweep=Linear.through({0: sweep[0], OPEN_JOBS: full_sweep[0]}),
            drain=drain[0],
            webhook=webhook[0],
            health=health[0],
            search=_listing_more(Linear.through({1: search, 1 + sum(SIZES): full_search})),
            search_new=new,
            transcript_bytes=stored,
            telemetry_bytes=largest.telemetry_bytes,
        )


@dataclass(frozen=True)
class _Job:
    """What one job cost on its way."""

    group: str
    intake: Work
    """Of each file."""
    commit: Work
    locked_seconds: float
    collect: Work
    telemetry_bytes: float
    """Of each file."""


def _job(bench: Bench, size: int) -> _Job:
    app, sent = bench.app, bench.sent["bytes"]
    names = bench.upload(size)
    with bench.measure() as intake:
        groups = set().union(*(app.intake.receive(name) for name in names))
    (group,) = groups
    locked = app.meter.locked_seconds
    with bench.measure() as commit:
        app.commit.commit(group)
    locked = app.meter.locked_seconds - locked
    (transcription,) = bench.finished()
    with bench.measure() as collect:
        app.collector.carry_out(CollectMessage(transcription=transcription))
    get_tracer_provider().force_flush()  # type: ignore[attr-defined]  # the SDK's provider, not the interface
    told = (bench.sent["bytes"] - sent) / size
    return _Job(group, intake[0] * (1 / size), commit[0], locked, collect[0], told)


def _search(bench: Bench) -> Work:
    """The hourly search, an hour later."""
    bench.shift = timedelta(hours=1)
    with bench.measure() as search:
        bench.app.upkeep.find_missed_audio()
    bench.shift = timedelta()
    return search[0]


def _search_all(bench: Bench) -> tuple[Work, Work]:
    """The hourly search: the work for all audio when none of it is new, and what each file adds that is new."""
    names = [blob.name for blob in bench.audio.list_blobs()]
    bench.app.container("pipeline").delete("search.json")  # everything is new again
    new, known = _search(bench), _search(bench)
    for name in names:  # real audio does not carry its text along
        bench.audio.get_blob_client(name).set_blob_metadata({})
    return _search(bench), (new + known * -1) * (1 / len(names))


def _listing_more(search: Linear) -> Linear:
    """The same with the requests that only show with more blobs than were there."""
    return replace(search, each=replace(search.each, lists=1 / LISTED))


def _open_files(bench: Bench) -> tuple[float, float, float]:
    """Seconds to load and to screen by, and bytes to keep, a file of an open job."""
    ledger = bench.app.ledger
    head = Head(group="benchmark", options=bench.app.settings.default)
    for number in range(OPEN_JOBS):
        ledger.create_job(new_job(head, _files(f"calls/2026/11/{number:06}"), now=datetime.now(UTC)))
    count = OPEN_JOBS * max(SIZES)
    begin = time.perf_counter()
    tracemalloc.start()
    ledger.open_files()
    kept = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    loaded = time.perf_counter()
    ledger.open_files()
    screened = time.perf_counter()
    return (loaded - begin) / count, (screened - loaded) / count, kept / count


def _listing(bench: Bench) -> float:
    """Seconds that each ticket adds to a listing of which only the first ones are wanted."""
    ledger = bench.app.ledger
    files = _files("calls/2026/11/waiting")
    ledger.delete_tickets(ledger.all_tickets())
    now = datetime.now(UTC)
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda file: ledger.write_ticket(Ticket(group="benchmark", file=file, due=now)), files))
    begin = time.perf_counter()
    next(ledger.tickets("benchmark"))
    return (time.perf_counter() - begin) / len(files)


def _files(folder: str) -> list[AudioFile]:
    """As many files as the largest job has, with paths as long as they usually are."""
    moment = datetime.now(UTC)
    paths = [f"{folder}/{number:06}-{uuid.uuid4().hex}.wav" for number in range(max(SIZES))]
    return [
        AudioFile(container="audio", path=path, etag="0x8DEADBEEF000000", size=1, modified=moment, output=path)
        for path in paths
    ]
