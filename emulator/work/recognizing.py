"""What all jobs that recognize files share."""

import asyncio
import logging
from collections.abc import Coroutine, Sequence

from emulator.engines.protocol import AudioRejectedError
from emulator.errors import where
from emulator.jobs import Progress
from emulator.records import EntityError

LOG = logging.getLogger(__name__)


def rejection(error: Exception, job: str) -> AudioRejectedError:
    """Why a file has no result: it is at fault, or else the emulator, whose defect must not stop the other files."""
    if isinstance(error, AudioRejectedError):
        return error
    LOG.error("A file of %s could not be recognized: %s", job, where(error))
    return AudioRejectedError("Internal", f"The recording could not be processed ({type(error).__name__}).")


async def all_of[R](recognitions: Sequence[Coroutine[object, object, R]], progress: Progress) -> list[R]:
    """The results of all recognitions of a job, in their order; progress is told as each ends."""
    done = 0
    progress(done, len(recognitions))

    async def counted(recognition: Coroutine[object, object, R]) -> R:
        nonlocal done
        result = await recognition
        done += 1
        progress(done, len(recognitions))
        return result

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(counted(recognition)) for recognition in recognitions]
    return [task.result() for task in tasks]


def nothing_recognized(kind: str, message: str) -> EntityError:
    """Why a job failed whose files all did; `kind` and `message` are those of its first file."""
    return EntityError(code=kind, message=f"No recording succeeded. The first: {message}")
