"""A worker process: requests come by standard input, answers go by standard output, pickled.

It ends when its standard input does, so that none outlives the process that started it, however that ended.
"""

import logging
import os
import pickle
import queue
import signal
import sys
import threading
from typing import BinaryIO

from emulator.engines.pocketsphinx.assessment import ReadingAssessor
from emulator.engines.pocketsphinx.messages import LENGTH, Answer, Rejected, Request, pack
from emulator.engines.pocketsphinx.recognizer import FileRecognizer
from emulator.engines.protocol import AssessmentRequest, AudioRejectedError

_log = logging.getLogger(__name__)


def answer(recognizer: FileRecognizer, assessor: ReadingAssessor, request: Request) -> Answer:
    """Recognize or assess a file; whatever goes wrong with it concerns this file alone."""
    try:
        if isinstance(request, AssessmentRequest):
            return assessor.assess(request)
        return recognizer.recognize(request)
    except AudioRejectedError as error:
        return Rejected(error.kind, str(error))
    except Exception as error:  # noqa: BLE001 - one bad file must not end the worker
        _log.exception("recognition failed")
        return Rejected("Internal", f"The recognizer failed: {type(error).__name__}.")


def main() -> None:
    """Answer requests until the parent process closes its end of the socket, or ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C goes to the whole group; the parent decides what ends
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # a library's chatter must not get between the answers
    requests: queue.SimpleQueue[Request] = queue.SimpleQueue()
    threading.Thread(target=_read, args=(sys.stdin.buffer, requests), daemon=True).start()
    recognizer, assessor = FileRecognizer(), ReadingAssessor()
    while True:
        answers.write(pack(answer(recognizer, assessor, requests.get())))
        answers.flush()


def _read(pipe: BinaryIO, requests: queue.SimpleQueue[Request]) -> None:
    """Pass requests on, also during a recognition, and end the process with the pipe."""
    while header := pipe.read(LENGTH.size):
        (length,) = LENGTH.unpack(header)
        requests.put(pickle.loads(pipe.read(length)))  # noqa: S301 - the parent process wrote it
    os._exit(0)


if __name__ == "__main__":
    main()
