"""Work of jobs that would block the event loop."""

import asyncio
import threading
from collections.abc import Callable, Iterator


class StoppedError(Exception):
    """The work is no longer wanted."""


def heed(stop: threading.Event) -> None:
    """Raise StoppedError once `stop` is set."""
    if stop.is_set():
        raise StoppedError


def until[T](stop: threading.Event, things: Iterator[T]) -> Iterator[T]:
    """The things one by one; raises StoppedError once `stop` is set."""
    for thing in things:
        heed(stop)
        yield thing


async def in_thread[R](work: Callable[[threading.Event], R]) -> R:
    """Do work in a thread; when this is cancelled it is told to stop, and waited for, as it uses files."""
    stop = threading.Event()
    running = asyncio.ensure_future(asyncio.to_thread(work, stop))
    try:
        return await asyncio.shield(running)
    except asyncio.CancelledError:
        stop.set()
        await asyncio.wait([running])
        running.exception()
        raise
