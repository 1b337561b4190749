"""A pool of worker processes, as many files at once; a process because the decoder never releases the GIL."""

import asyncio
import os
import pickle
import sys
from asyncio.subprocess import PIPE, Process
from dataclasses import replace
from pathlib import Path

from emulator.engines.pocketsphinx.messages import LENGTH, Answer, Rejected, pack
from emulator.engines.protocol import AudioRejectedError, RecognitionRequest, RecognizedAudio

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
        self._idle: list[Worker] = []
        self._workers: set[Worker] = set()
        self._closed = False

    async def recognize(self, request: RecognitionRequest) -> RecognizedAudio:
        """Recognize one file; cancelling ends the work on it at once.

        Raises:
            AudioRejectedError: `InvalidData` where the file or what is asked of it is at fault, `Internal` where the
                recognizer failed on it, or two workers died of it.
        """
        # A worker has another working directory; metadata, which may not pickle, and sidecar are not its concern.
        request = replace(request, audio=request.audio.resolve(), metadata={}, sidecar=None)
        async with self._turns:
            for _ in range(_TRIES):
                try:
                    return await self._ask(request)
                except WorkerDiedError:
                    continue
        raise AudioRejectedError("Internal", f"The recognizer's process ended {_TRIES} times during this file.")

    async def close(self) -> None:
        """End all workers, busy ones too, and wait until they are gone."""
        self._closed = True
        await asyncio.gather(*(worker.end() for worker in self._workers))

    async def _ask(self, request: RecognitionRequest) -> RecognizedAudio:
        worker = await self._worker()
        try:
            if self._closed:
                raise AudioRejectedError("Internal", "The recognizer is closed.")  # noqa: TRY301 - ends the worker too
            answer = await worker.ask(request)
        except BaseException:  # cancellation too: a worker that was not heard out is of no further use
            self._workers.discard(worker)
            await worker.end()
            raise
        self._idle.append(worker)
        if isinstance(answer, Rejected):
            raise AudioRejectedError(answer.kind, answer.message)
        return answer

    async def _worker(self) -> "Worker":
        while self._idle:
            worker = self._idle.pop()
            if worker.is_alive:
                return worker
            self._workers.discard(worker)
        worker = await Worker.start()
        self._workers.add(worker)
        return worker


class Worker:
    """A running worker process, asked one thing at a time."""

    def __init__(self, process: Process) -> None:
        self._process = process

    @classmethod
    async def start(cls) -> "Worker":
        """Start a process that loads the model; it may be asked at once."""
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "emulator.engines.pocketsphinx.worker"),
            stdin=PIPE,
            stdout=PIPE,
            cwd=_ROOT,
            env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},
        )
        return cls(process)

    @property
    def is_alive(self) -> bool:
        """Whether the process has not ended, as far as is known yet."""
        return self._process.returncode is None

    async def ask(self, request: RecognitionRequest) -> Answer:
        """Send a request and wait for the answer; WorkerDiedError where none comes."""
        stdin, stdout = self._process.stdin, self._process.stdout
        if not stdin or not stdout:
            raise RuntimeError("the worker was started without pipes")
        try:
            stdin.write(pack(request))
            await stdin.drain()
            (length,) = LENGTH.unpack(await stdout.readexactly(LENGTH.size))
            answer: Answer = pickle.loads(await stdout.readexactly(length))  # noqa: S301 - our own process wrote it
        except (asyncio.IncompleteReadError, ConnectionError) as error:
            raise WorkerDiedError from error
        return answer

    async def end(self) -> None:
        """Kill the process, if it still runs, and wait for its end."""
        if self.is_alive:
            self._process.kill()
        await self._process.wait()
