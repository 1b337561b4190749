"""What the Speech client costs: `python -m benchmarks.client`.

Overhead: the median time of `client.transcriptions.get` over that of `session.get(...).json()` with bare requests,
taking turns, against a server of canned answers in a process of its own (goal: at most 1.3). Lists: pages per second
of 10,000 transcriptions, 100 to a page, parsed. Memory: growth of the peak resident size (`ru_maxrss`) of a fresh
process that uploads a sparse file of 2 GB as a form, or in blocks (goal: at most 64 MiB). Exits 1 if a goal is missed.
"""

import argparse
import asyncio
import json
import multiprocessing
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import override

import requests

from shared.speech import DatasetKind, KeyCredential, NewDataset, SpeechClient

OVERHEAD_GOAL = 1.3
MEMORY_GOAL_BYTES = 64 * 2**20
UPLOAD_BYTES = 2 * 10**9
CALLS = 2000
ENTRIES, PAGE = 10_000, 100
ID = "ba7ea6f5-3065-40b7-b49a-a90f48584683"
KEY = "0123456789abcdef0123456789abcdef"
PATH = f"/speechtotext/v3.1/transcriptions/{ID}"


def transcription(endpoint: str) -> dict[str, object]:
    """A transcription as the service sends it."""
    url = f"{endpoint}{PATH}"
    return {
        "self": url,
        "model": {"self": f"{endpoint}/speechtotext/v3.1/models/base/{ID}"},
        "links": {"files": f"{url}/files"},
        "properties": {
            "diarizationEnabled": False,
            "wordLevelTimestampsEnabled": True,
            "channels": [0, 1],
            "punctuationMode": "DictatedAndAutomatic",
            "profanityFilterMode": "Masked",
            "timeToLive": "P1D",
            "duration": "PT1M2.5S",
        },
        "lastActionDateTime": "2026-01-02T03:05:05Z",
        "status": "Succeeded",
        "createdDateTime": "2026-01-02T03:04:05Z",
        "locale": "en-US",
        "displayName": "a call",
        "customProperties": {"job": "1"},
    }


class Canned(asyncio.Protocol):
    """Answers every request once it is whole: a transcription, a page of them, or a dataset; keeps nothing."""

    received = 0
    """Bytes of bodies over all connections."""

    def __init__(self, endpoint: str) -> None:
        self._endpoint = endpoint
        one = transcription(endpoint)
        self._one = _response(one)
        self._dataset = _response({**one, "kind": "Acoustic"})
        self._values = [one] * PAGE
        self._head = bytearray()
        self._body_left = 0
        self._answer = b""

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - what a server gets
        self._transport = transport

    @override
    def data_received(self, data: bytes) -> None:
        if self._body_left:
            self._body_left -= len(data)
        else:
            self._head += data
            head, end, body = bytes(self._head).partition(b"\r\n\r\n")
            if not end:
                return
            self._head.clear()
            lines = head.lower().split(b"\r\n")
            length = next((int(line[15:]) for line in lines if line.startswith(b"content-length:")), 0)
            Canned.received += length
            self._body_left = length - len(body)
            self._answer = self._answer_to(head.split(b" ", 2)[1].decode())
        if not self._body_left:
            self._transport.write(self._answer)

    def _answer_to(self, target: str) -> bytes:
        if target == "/received":
            return _response(Canned.received)
        if "/datasets" in target:
            return self._dataset
        path, _, query = target.partition("?")
        if not path.endswith("/transcriptions"):
            return self._one
        skip = int(query.partition("skip=")[2].partition("&")[0] or 0) + PAGE
        link = f"{self._endpoint}{path}?skip={skip}&top={PAGE}" if skip < ENTRIES else None
        return _response({"values": self._values, "@nextLink": link})


def _response(body: object) -> bytes:
    content = json.dumps(body).encode()
    head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(content)}\r\n\r\n"
    return head.encode() + content


def _serve(connection: "multiprocessing.connection.Connection") -> None:
    async def run() -> None:
        endpoint = ""
        server = await asyncio.get_running_loop().create_server(lambda: Canned(endpoint), "127.0.0.1", 0)
        endpoint = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        connection.send(endpoint)
        await server.serve_forever()

    asyncio.run(run())


@contextmanager
def canned_server() -> Iterator[str]:
    """The address of a server in a process of its own."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_serve, args=(theirs,), daemon=True)
    process.start()
    try:
        yield ours.recv()
    finally:
        process.terminate()
        process.join()


def overhead(endpoint: str) -> tuple[float, float]:
    """Median seconds of a GET by bare requests, and by the client."""
    headers = {"Ocp-Apim-Subscription-Key": KEY}
    with requests.Session() as session, SpeechClient(endpoint, KeyCredential(KEY)) as client:

        def bare() -> None:
            response = session.get(endpoint + PATH, headers=headers, timeout=60)
            response.raise_for_status()
            response.json()

        times: dict[Callable[[], object], list[float]] = {bare: [], (lambda: client.transcriptions.get(ID)): []}
        for number in range(CALLS + 100):
            for call, seconds in times.items():
                begin = time.perf_counter()
                call()
                if number >= 100:  # connections are there, code is warm
                    seconds.append(time.perf_counter() - begin)
    theirs, ours = map(statistics.median, times.values())
    return theirs, ours


def listing(endpoint: str) -> float:
    """Pages per second of the whole list, the best of three."""
    with SpeechClient(endpoint, KeyCredential(KEY)) as client:
        best = 0.0
        for _ in range(3):
            begin = time.perf_counter()
            count = sum(1 for _ in client.transcriptions.list(top=PAGE))
            best = max(best, count / PAGE / (time.perf_counter() - begin))
            if count != ENTRIES:
                raise RuntimeError(f"{count} entries came, not {ENTRIES}")
    return best


def upload(endpoint: str, path: Path, way: str) -> int:
    """Bytes by which this process's peak grows while it uploads a file, the connection and the first call left out."""
    dataset = NewDataset(display_name="n", locale="en-US", kind=DatasetKind.ACOUSTIC)
    with SpeechClient(endpoint, KeyCredential(KEY)) as client:
        client.datasets.get(ID)
        before = _peak()
        if way == "form":
            client.datasets.upload(dataset, path)
        else:
            client.datasets.upload_in_blocks(ID, path)
    return _peak() - before


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def main() -> int:
    """Measure, print, and tell whether the goals are met."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--upload", nargs=3, metavar=("ENDPOINT", "PATH", "WAY"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.upload:
        endpoint, path, way = arguments.upload
        print(upload(endpoint, Path(path), way))
        return 0
    with canned_server() as endpoint, tempfile.TemporaryDirectory() as folder:
        # First, while this process is small: on Linux a process starts with the peak of the one that started it.
        memory_met = _uploads(endpoint, Path(folder) / "sparse")
        theirs, ours = overhead(endpoint)
        print(f"GET, bare requests    {theirs * 1e6:8.0f} us")
        print(f"GET, client           {ours * 1e6:8.0f} us   {ours / theirs:.2f} times (goal {OVERHEAD_GOAL})")
        print(f"list of {ENTRIES:,}        {listing(endpoint):8.0f} pages per second, {PAGE} to a page")
    return 0 if memory_met and ours / theirs <= OVERHEAD_GOAL else 1


def _uploads(endpoint: str, path: Path) -> bool:
    with path.open("wb") as file:
        file.truncate(UPLOAD_BYTES)
    met = True
    for way in ("form", "blocks"):
        before = _received(endpoint)
        begin = time.perf_counter()
        command = [sys.executable, "-m", "benchmarks.client", "--upload", endpoint, str(path), way]
        grown = int(subprocess.check_output(command, timeout=300))
        seconds = time.perf_counter() - begin
        met = met and grown <= MEMORY_GOAL_BYTES
        sent = _received(endpoint) - before
        if sent < UPLOAD_BYTES:
            raise RuntimeError(f"{sent:,} bytes came, not {UPLOAD_BYTES:,}")
        size, goal = f"{UPLOAD_BYTES / 1e9:.0f} GB", f"goal {MEMORY_GOAL_BYTES / 2**20:.0f}"
        print(f"upload of {size}, {way:<6} {grown / 2**20:8.1f} MiB  ({goal}), {seconds:.1f} s")
    return met


def _received(endpoint: str) -> int:
    """Bytes of bodies that the server has got so far."""
    return int(requests.get(f"{endpoint}/received", timeout=60).json())


if __name__ == "__main__":
    sys.exit(main())
