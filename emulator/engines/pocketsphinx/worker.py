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
from functools import lru_cache
from pathlib import Path
from typing import BinaryIO

from emulator.engines.pocketsphinx.adaptation import adapt
from emulator.engines.pocketsphinx.assessment import ReadingAssessor
from emulator.engines.pocketsphinx.messages import LENGTH, Answer, Rejected, Request, Unadaptable, pack
from emulator.engines.pocketsphinx.model import Model
from emulator.engines.pocketsphinx.recognizer import FileRecognizer
from emulator.engines.protocol import (
    AdaptationError,
    AdaptationRequest,
    AssessmentRequest,
    AudioRejectedError,
    RecognitionRequest,
)

_log = logging.getLogger(__name__)

_KEPT_MODELS = 2
"""How many models stay in memory, 95 MB each: those used last."""
_NICENESS = 5
"""Of a worker, so that whoever asks the API need not wait for the recognizer."""
_NICENESS_OF_ADAPTATION = 5
"""On top: a model is made when recognition leaves time; the process makes nothing but that."""


def answer(request: Request) -> Answer:
    """Recognize or assess a file, or make a model; whatever goes wrong with it concerns this request alone."""
    try:
        match request:
            case RecognitionRequest():
                return _recognizer(request.model).recognize(request)
            case AssessmentRequest():
                return _assessor(request.model).assess(request)
            case AdaptationRequest():
                os.nice(_NICENESS_OF_ADAPTATION)
                return adapt(request)
    except AudioRejectedError as error:
        return Rejected(error.kind, str(error))
    except AdaptationError as error:
        return Unadaptable(str(error))
    except Exception as error:  # noqa: BLE001 - one bad file must not end the worker
        _log.exception("recognition failed")
        return Rejected("Internal", f"The recognizer failed: {type(error).__name__}.")


@lru_cache(maxsize=_KEPT_MODELS)
def _recognizer(folder: Path | None) -> FileRecognizer:
    return FileRecognizer(_model(folder))


@lru_cache(maxsize=_KEPT_MODELS)
def _assessor(folder: Path | None) -> ReadingAssessor:
    return ReadingAssessor(_model(folder))


def _model(folder: Path | None) -> Model:
    model = Model(folder)
    if not model.is_there:
        raise AudioRejectedError("Internal", "The custom model is no longer there.")
    return model


def main() -> None:
    """Answer requests until the parent process closes its end of the socket, or ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C goes to the whole group; the parent decides what ends
    os.nice(_NICENESS)
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # a library's chatter must not get between the answers
    requests: queue.SimpleQueue[Request] = queue.SimpleQueue()
    threading.Thread(target=_read, args=(sys.stdin.buffer, requests), daemon=True).start()
    while True:
        answers.write(pack(answer(requests.get())))
        answers.flush()


def _read(pipe: BinaryIO, requests: queue.SimpleQueue[Request]) -> None:
    """Pass requests on, also during a recognition, and end the process with the pipe."""
    while header := pipe.read(LENGTH.size):
        (length,) = LENGTH.unpack(header)
        requests.put(pickle.loads(pipe.read(length)))  # noqa: S301 - the parent process wrote it
    os._exit(0)


if __name__ == "__main__":
    main()
