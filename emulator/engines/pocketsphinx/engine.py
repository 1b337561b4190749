"""A pool of worker processes, as many files at once; a process because the decoder never releases the GIL."""

import asyncio
import os
import pickle
import socket
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

from emulator.engines.pocketsphinx.messages import LENGTH, Answer, Rejected, Request, Unadaptable, pack
from emulator.engines.protocol import (
    AdaptationError,
    AdaptationReport,
    AdaptationRequest,
    AssessedAudio,
    AssessmentRequest,
    AudioRejectedError,
    RecognitionRequest,
    RecognizedAudio,
)

_ROOT = Path(__file__).resolve().parents[3]
_TRIES = 2


class WorkerDiedError(Exception):
    """A worker process ended without an answer."""


class PocketsphinxEngine:
    """Recognizes up to `workers` files at once, each in a process of its own; more of them wait their turn.

    Workers are started when they are first needed, as fresh interpreters (nothing is forked, so the caller's threads
    and event loop do not matter), and kept. A worker that dies is replaced, and its file tried once more.
    """

    def __init__(self, *, workers: int) -> None:
        if workers < 1:
            raise ValueError(f"workers must be at least 1, not {workers}")
        self._turns = asyncio.Semaphore(workers)
        self._adaptation = asyncio.Lock()
        self._idle: list[Worker] = []
        self._workers: set[Worker] = set()
        self._closed = False

    async def recognize(self, request: RecognitionRequest) -> RecognizedAudio:
        """Recognize one file; cancelling ends the work on it at once.

        Raises:
            AudioRejectedError: `InvalidData` where the file or what is asked of it is at fault, `Internal` where the
                recognizer failed on it, or two workers died of it.
        """
        # Metadata, which may not pickle, and sidecar are not a worker's concern.
        request = replace(
            request, audio=request.audio.resolve(), model=_resolved(request.model), metadata={}, sidecar=None
        )
        answer = await self._answer(request)
        assert isinstance(answer, RecognizedAudio)  # noqa: S101 - a worker answers what it is asked
        return answer

    async def assess(self, request: AssessmentRequest) -> AssessedAudio | None:
        """Assess how a text is read; None where no words were heard. Raises AudioRejectedError as `recognize` does."""
        request = replace(request, audio=request.audio.resolve(), model=_resolved(request.model), metadata={})
        answer = await self._answer(request)
        assert isinstance(answer, AssessedAudio | None)  # noqa: S101 - a worker answers what it is asked
        return answer

    def base_model(self, locale: str) -> Path:  # noqa: ARG002 - there is one only
        """The folder of the package's model."""
        from emulator.engines.pocketsphinx.model import Model  # noqa: PLC0415 - the recognizer is a worker's concern

        return Model().dictionary.parent

    async def adapt(self, request: AdaptationRequest) -> AdaptationReport:
        """Make a custom model in a process of its own, one at a time; cancelling ends it at once.

        Raises:
            AdaptationError: where the data cannot make a model, or making it failed.
        """
        request = replace(
            request,
            to=request.to.resolve(),
            base=_resolved(request.base),
            sentences=_resolved(request.sentences),
            pronunciations=_resolved(request.pronunciations),
        )
        async with self._adaptation:
            if self._closed:
                raise AdaptationError("The recognizer is closed.")
            worker = self._new_worker()
            try:
                answer = await worker.ask(request)
            except WorkerDiedError as error:
                raise AdaptationError("The process that made the model ended before it was done.") from error
            finally:  # its memory is not needed again
                self._workers.discard(worker)
                worker.end()
        if isinstance(answer, Rejected | Unadaptable):
            raise AdaptationError(answer.message)
        assert isinstance(answer, AdaptationReport)  # noqa: S101 - a worker answers what it is asked
        return answer

    async def _answer(self, request: RecognitionRequest | AssessmentRequest) -> Answer:
        async with self._turns:
            for _ in range(_TRIES):
                try:
                    return await self._ask(request)
                except WorkerDiedError:
                    continue
        raise AudioRejectedError("Internal", f"The recognizer's process ended {_TRIES} times during this file.")

    async def close(self) -> None:
        """End all workers, busy ones too; files in work fail as Internal."""
        self._closed = True
        while self._workers:
            self._workers.pop().end()

    async def _ask(self, request: RecognitionRequest | AssessmentRequest) -> Answer:
        worker = self._idle_or_new_worker()
        try:
            answer = await worker.ask(request)
        except BaseException:  # cancellation too: a worker that was not heard out is of no further use
            self._workers.discard(worker)
            worker.end()
            raise
        self._idle.append(worker)
        if isinstance(answer, Rejected):
            raise AudioRejectedError(answer.kind, answer.message)
        return answer

    def _idle_or_new_worker(self) -> "Worker":
        if self._closed:
            raise AudioRejectedError("Internal", "The recognizer is closed.")
        while self._idle:
            worker = self._idle.pop()
            if worker.is_alive:
                return worker
            self._workers.discard(worker)
            worker.end()
        return self._new_worker()

    def _new_worker(self) -> "Worker":
        worker = Worker()
        self._workers.add(worker)
        return worker


def _resolved(path: Path | None) -> Path | None:
    """The whole path: a worker has another working directory."""
    return path.resolve() if path else None


class Worker:
    """A worker process, asked one thing at a time; it loads a model when that is first asked for.

    It is joined by a socket and not started through asyncio, whose subprocesses hang when cancelled while starting.
    """

    def __init__(self) -> None:
        self._socket, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "emulator.engines.pocketsphinx.worker"],
                stdin=theirs.fileno(),
                stdout=theirs.fileno(),
                cwd=_ROOT,
                env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},
            )
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    @property
    def is_alive(self) -> bool:
        """Whether the process has not ended."""
        return self._process.poll() is None

    async def ask(self, request: Request) -> Answer:
        """Send a request and wait for the answer; WorkerDiedError where none comes."""
        try:
            if not self._streams:
                self._streams = await asyncio.open_connection(sock=self._socket)
            reader, writer = self._streams
            writer.write(pack(request))
            (length,) = LENGTH.unpack(await reader.readexactly(LENGTH.size))
            answer: Answer = pickle.loads(await reader.readexactly(length))  # noqa: S301 - our own process wrote it
        except (asyncio.IncompleteReadError, ConnectionError) as error:
            raise WorkerDiedError from error
        return answer

    def end(self) -> None:
        """Kill the process, if it still runs; it is gone afterwards."""
        self._process.kill()
        self._process.wait()
        if self._streams:
            self._streams[1].close()
        else:
            self._socket.close()
