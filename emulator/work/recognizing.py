"""What all jobs that recognize files share."""

import logging

from emulator.engines.protocol import AudioRejectedError
from emulator.errors import where

LOG = logging.getLogger(__name__)


def rejection(error: Exception, job: str) -> AudioRejectedError:
    """Why a file has no result: it is at fault, or else the emulator, whose defect must not stop the other files."""
    if isinstance(error, AudioRejectedError):
        return error
    LOG.error("A file of %s could not be recognized: %s", job, where(error))
    return AudioRejectedError("Internal", f"The recording could not be processed ({type(error).__name__}).")
