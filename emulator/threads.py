"""Work of jobs that would block the event loop."""

import asyncio
import threading
from collections.abc import Callable


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
