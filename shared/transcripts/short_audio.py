"""An answer of short-audio recognition becomes the same normalized transcript as a batch result does.

The answer (simple or detailed, with or without pronunciation scores) is put into the form of a batch result of one
phrase on channel 0, and normalized as such; the scores come to it in `pronunciation`.
"""

import datetime as dt
import math
from typing import Any, Literal

import msgspec
from msgspec import Struct, field

from shared.transcripts.document import AssessedPhoneme, AssessedWord, Pronunciation, Transcript
from shared.transcripts.normalize import Context, ResultFileError, normalize

API_VERSION = "short audio v1"
"""What a context's `api_version` is to say: the last segment of this API's path is its version."""

_TICKS_PER_MS = 10_000
_HIGHEST_SCORE = 100.0


class _Placed(Struct, rename="pascal"):
    offset: float | None = None
    duration: float | None = None
    accuracy_score: float | None = None


class _Phoneme(_Placed, rename="pascal"):
    phoneme: str = ""


class _Word(_Placed, rename="pascal"):
    word: str = ""
    confidence: float | None = None
    error_type: str | None = None
    phonemes: list[_Phoneme] | None = None


class _Reading(Struct, rename="pascal"):
    confidence: float | None = None
    lexical: str | None = None
    itn: str | None = field(default=None, name="ITN")
    masked_itn: str | None = field(default=None, name="MaskedITN")
    display: str | None = None
    accuracy_score: float | None = None
    fluency_score: float | None = None
    completeness_score: float | None = None
    prosody_score: float | None = None
    pron_score: float | None = None
    words: list[_Word] | None = None


class _Answer(Struct, rename="pascal"):
    recognition_status: str
    display_text: str | None = None
    offset: float | None = None
    duration: float | None = None
    n_best: list[_Reading] | None = None


_ANSWER = msgspec.json.Decoder(_Answer, strict=False)


def normalize_short_audio(
    answer: bytes,
    context: Context,
    *,
    duration_ms: int,
    answered_at: dt.datetime | None = None,
    reference_text: str | None = None,
    scale: Literal[5, 100] = 100,
) -> Transcript:
    """The normalized transcript of the answer to a clip of `duration_ms`.

    `reference_text` and `scale` are those of the pronunciation assessment, if one was asked for. Audio without words is
    a transcript without phrases, with a warning that says why. Raises `ResultFileError` for what is no such answer, and
    for the status `Error`, with which the service gives none.
    """
    found = _decoded(answer)
    if found.recognition_status == "Error":
        raise ResultFileError("the service could not recognize the audio: its answer has the status Error")
    readings = found.n_best or ([_Reading(display=found.display_text)] if found.display_text else [])
    result = {
        "recognizedPhrases": [_phrase(found, readings)],
        "durationMilliseconds": duration_ms,
        "timestamp": answered_at and answered_at.isoformat(),
    }
    document = normalize(msgspec.json.encode(result), context)
    if readings and readings[0].accuracy_score is not None:
        document.pronunciation = _pronunciation(readings[0], reference_text, scale)
    return document


def _decoded(answer: bytes) -> _Answer:
    try:
        return _ANSWER.decode(answer)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        problem = "values nested too deeply" if isinstance(error, RecursionError) else str(error)
    raise ResultFileError(f"the answer to short audio cannot be read: {problem}")


def _phrase(answer: _Answer, readings: list[_Reading]) -> dict[str, Any]:
    """The answer as a phrase of a batch result; word times belong to the first reading."""
    return {
        "recognitionStatus": answer.recognition_status,
        "channel": 0,
        "offsetInTicks": answer.offset or 0,
        "durationInTicks": answer.duration or 0,
        "nBest": [_alternative(reading) for reading in readings],
    }


def _alternative(reading: _Reading) -> dict[str, Any]:
    return {
        "confidence": reading.confidence,
        "lexical": reading.lexical,
        "itn": reading.itn,
        "maskedITN": reading.masked_itn,
        "display": reading.display,
        "words": [
            {
                "word": word.word,
                "offsetInTicks": word.offset,
                "durationInTicks": word.duration or 0,
                "confidence": word.confidence,
            }
            for word in reading.words or ()
            if word.offset is not None  # else it was left out by the speaker
        ],
    }


def _pronunciation(reading: _Reading, reference_text: str | None, scale: Literal[5, 100]) -> Pronunciation:
    return Pronunciation(
        reference_text=reference_text,
        scale=scale,
        accuracy=_score(reading.accuracy_score),
        fluency=_score(reading.fluency_score),
        completeness=_score(reading.completeness_score),
        prosody=_score(reading.prosody_score),
        overall=_score(reading.pron_score),
        words=[
            AssessedWord(
                word.word,
                *_span(word),
                _score(word.accuracy_score),
                word.error_type,
                [
                    AssessedPhoneme(phoneme.phoneme, *_span(phoneme), _score(phoneme.accuracy_score))
                    for phoneme in word.phonemes or ()
                ],
            )
            for word in reading.words or ()
        ],
    )


def _score(score: float | None) -> float | None:
    """The score within its limits; None for NaN."""
    return None if score is None or math.isnan(score) else min(max(score, 0.0), _HIGHEST_SCORE)


def _span(placed: _Placed) -> tuple[int | None, int | None]:
    """Start and end in milliseconds, rounded half up as all times of the document are; None where there is no place."""
    if placed.offset is None or not math.isfinite(placed.offset + (placed.duration or 0)):
        return None, None
    start = max(0.0, placed.offset)
    end = max(start, placed.offset + (placed.duration or 0))
    return int(start / _TICKS_PER_MS + 0.5), int(end / _TICKS_PER_MS + 0.5)
