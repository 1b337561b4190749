"""An engine whose recognizer releases the GIL: files are recognized in threads of this process."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Event

from emulator.engines.protocol import AudioRejectedError, RecognitionRequest, RecognizedAudio
from emulator.threads import StoppedError

Recognize = Callable[[RecognitionRequest, Event], RecognizedAudio]
"""Recognizes one file in the thread that calls it, and raises StoppedError soon after the event is set."""


class ThreadedEngine:
    """Recognizes up to `workers` files at once; more of them wait their turn."""

    def __init__(self, recognize: Recognize, *, workers: int) -> None:
        self._recognize = recognize
        self._threads = ThreadPoolExecutor(workers, thread_name_prefix="recognizer")
        self._running: set[Event] = set()

    async def recognize(self, request: RecognitionRequest) -> RecognizedAudio:
        """Recognize one file; cancelling ends the work on it soon. AudioRejectedError where the file is at fault."""
        stop = Event()
        self._running.add(stop)
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, self._recognize, request, stop)
        except StoppedError:
            raise AudioRejectedError("Internal", "The recognizer was closed during this file.") from None
        finally:
            stop.set()
            self._running.discard(stop)

    async def close(self) -> None:
        """End all work; files in work fail as Internal."""
        for stop in self._running:
            stop.set()
        await asyncio.to_thread(self._threads.shutdown, cancel_futures=True)
