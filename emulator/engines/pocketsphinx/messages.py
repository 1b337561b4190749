"""What the engine and its worker processes send each other through a socket: pickled, with the length before it."""

import pickle
import struct
from dataclasses import dataclass

from emulator.engines.protocol import AssessedAudio, AssessmentRequest, RecognitionRequest, RecognizedAudio

LENGTH = struct.Struct(">Q")
"""What goes before each message: the number of its bytes."""


@dataclass(frozen=True, slots=True)
class Rejected:
    """An AudioRejectedError on its way to the engine."""

    kind: str
    message: str


Request = RecognitionRequest | AssessmentRequest
Answer = RecognizedAudio | AssessedAudio | None | Rejected


def pack(message: Request | Answer) -> bytes:
    """A message as it is sent."""
    body = pickle.dumps(message)
    return LENGTH.pack(len(body)) + body
