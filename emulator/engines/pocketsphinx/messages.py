"""What the engine and its worker processes send each other through a socket: pickled, with the length before it."""

import pickle
import struct
from dataclasses import dataclass

from emulator.engines.protocol import (
    AdaptationReport,
    AdaptationRequest,
    AssessedAudio,
    AssessmentRequest,
    RecognitionRequest,
    RecognizedAudio,
)

LENGTH = struct.Struct(">Q")
"""What goes before each message: the number of its bytes."""


@dataclass(frozen=True, slots=True)
class Rejected:
    """An AudioRejectedError on its way to the engine."""

    kind: str
    message: str


@dataclass(frozen=True, slots=True)
class Unadaptable:
    """An AdaptationError on its way to the engine."""

    message: str


Request = RecognitionRequest | AssessmentRequest | AdaptationRequest
Answer = RecognizedAudio | AssessedAudio | AdaptationReport | None | Rejected | Unadaptable


def pack(message: Request | Answer) -> bytes:
    """A message as it is sent."""
    body = pickle.dumps(message)
    return LENGTH.pack(len(body)) + body
