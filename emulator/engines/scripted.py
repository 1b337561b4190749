"""An engine that recognizes nothing: it says what it is told to, instantly. For load and fault tests.

The text is the blob's metadata `transcript` (percent-encoding allowed; empty means silence), else the comment that the
audio has in its tags, else the sidecar `<audio URL>.txt` (of a dataset's audio, its transcript, so that it is heard
without error unless a comment says otherwise), else made up from the URL. Metadata `emulator_fail=<error kind>` fails
the file.

A custom model writes what its pronunciation data says: "3CPO" for "three c p o". Its sentences change nothing.
"""

import asyncio
import contextlib
import json
import re
import wave
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import pairwise, zip_longest
from pathlib import Path
from random import Random
from urllib.parse import unquote

from tinytag import TinyTag, TinyTagException

from emulator.engines.profanity import mask_text
from emulator.engines.protocol import (
    TICKS_PER_SECOND,
    AdaptationError,
    AdaptationReport,
    AdaptationRequest,
    Alternative,
    AssessedAudio,
    AssessedWord,
    AssessmentRequest,
    AudioRejectedError,
    Phoneme,
    Phrase,
    PronunciationError,
    RecognitionRequest,
    RecognizedAudio,
    UnusedLine,
    Word,
)
from emulator.engines.training_data import parse_pronunciation, read_lines

BYTES_PER_SECOND = 32_000
"""Mono, 16 bits, 16 kHz: what a file's length means where its header does not tell."""
SPOKEN_SHARE = 0.9
"""The part of a phrase's time slot that is spoken; the rest is the pause after it."""
MODEL_FILE = "written.json"
"""In a custom model's folder: each spoken form in lower case, and how it is written."""
_ASSESSED_CONFIDENCE = 0.95
_SCORES: dict[PronunciationError, tuple[float, float]] = {
    "None": (85, 99),
    "Insertion": (85, 99),
    "Mispronunciation": (5, 25),
}
_VOCABULARY = """
    account agent answer appointment billing call confirm customer delivery email hello help issue morning number
    office order payment please question refund schedule service support thank today tomorrow update week you
""".split()  # noqa: SIM905 - a table reads better than a list of quotes


@dataclass(frozen=True, slots=True)
class _Format:
    duration_ticks: int
    channels: int


class ScriptedEngine:
    """Phrases and words at plausible times; the same file at the same URL always gives the same result."""

    async def recognize(self, request: RecognitionRequest) -> RecognizedAudio:
        """Recognize by script. Empty files and diarization of stereo are rejected, as the service does."""
        if kind := request.metadata.get("emulator_fail"):
            raise AudioRejectedError(kind, "The recording failed as its metadata asks.")
        audio = _format(request.audio)
        if audio.channels > 1 and request.diarization:
            raise AudioRejectedError("InvalidData", "Diarization needs audio with one channel.")
        channels = tuple(channel for channel in request.channels if channel < audio.channels)
        if not channels:
            raise AudioRejectedError("InvalidData", "The recording has none of the requested channels.")
        sentences = _sentences(_as_trained(_text(request), request.model))
        return RecognizedAudio(audio.duration_ticks, channels, _phrases(sentences, channels, audio, request))

    async def assess(self, request: AssessmentRequest) -> AssessedAudio | None:
        """Assess by script: the metadata `transcript` is what was read; without it, the text was read without error.

        The same words always get the same scores; a word's phonemes are its letters.
        """
        text = _spoken_words(request.reference_text)
        told = request.metadata.get("transcript")
        display = _as_trained(request.reference_text if told is None else unquote(told), request.model)
        heard = text if told is None else _spoken_words(display)
        if not heard:
            return None
        length = _format(request.audio).duration_ticks
        lexical = " ".join(heard)
        return AssessedAudio(
            heard=Alternative(_ASSESSED_CONFIDENCE, lexical, lexical, lexical, display),
            offset_ticks=0,
            duration_ticks=length,
            words=tuple(_read_words(text, heard, length)),
        )

    async def adapt(self, request: AdaptationRequest) -> AdaptationReport:
        """Keep what the pronunciation data says, and that of the base."""
        return await asyncio.to_thread(_adapt, request)

    async def close(self) -> None:
        """Nothing is held."""


def create(*, workers: int) -> ScriptedEngine:  # noqa: ARG001 - every engine is asked for the same
    """The engine; it needs no workers."""
    return ScriptedEngine()


def _format(path: Path) -> _Format:
    size = path.stat().st_size
    if size == 0:
        raise AudioRejectedError("InvalidData", "The recording is empty.")
    with contextlib.suppress(wave.Error, EOFError), wave.open(str(path), "rb") as audio:
        return _Format(audio.getnframes() * TICKS_PER_SECOND // audio.getframerate(), audio.getnchannels())
    return _Format(size * TICKS_PER_SECOND // BYTES_PER_SECOND, 1)


def _text(request: RecognitionRequest) -> str:
    if (transcript := request.metadata.get("transcript")) is not None:
        return unquote(transcript)
    if (comment := _comment(request.audio)) is not None:
        return comment
    if request.sidecar is not None:
        return request.sidecar
    random = Random(request.source)  # noqa: S311 - repeatable text, no secret
    return " ".join(_sentence(random) for _ in range(4))


def _comment(audio: Path) -> str | None:
    """The comment in an audio file's tags, such as ICMT of WAV."""
    with contextlib.suppress(TinyTagException), audio.open("rb") as file:
        return TinyTag.get(file_obj=file, duration=False).comment
    return None


def _as_trained(text: str, model: Path | None) -> str:
    """The text with what the model has another written form for."""
    try:
        written = _written_forms(model)
    except FileNotFoundError as error:
        raise AudioRejectedError("Internal", "The custom model is no longer there.") from error
    if not written:
        return text
    spoken = "|".join(re.escape(form) for form in sorted(written, key=len, reverse=True))
    return re.sub(
        rf"(?<!\w)({spoken})(?!\w)", lambda match: written.get(match[0].lower(), match[0]), text, flags=re.IGNORECASE
    )


def _written_forms(model: Path | None) -> dict[str, str]:
    """What a model has another written form for; FileNotFoundError where it is gone."""
    forms: dict[str, str] = json.loads((model / MODEL_FILE).read_text(encoding="utf-8")) if model else {}
    return forms


def _sentence(random: Random) -> str:
    words = random.choices(_VOCABULARY, k=random.randint(3, 9))
    return " ".join(words).capitalize() + random.choice(".?")


def _sentences(text: str) -> list[str]:
    return [sentence.strip() for sentence in re.split(r"(?<=[.!?])\s+|\n+", text) if sentence.strip()]


def _phrases(
    sentences: Sequence[str], channels: tuple[int, ...], audio: _Format, request: RecognitionRequest
) -> tuple[Phrase, ...]:
    """Sentences share the duration by their length, and alternate between channels or speakers."""
    phrases = []
    slots = _slots(sentences, 0, audio.duration_ticks)
    for number, (sentence, (start, end)) in enumerate(zip(sentences, slots, strict=True)):
        spoken = int((end - start) * SPOKEN_SHARE)
        phrases.append(
            Phrase(
                channel=channels[number % len(channels)],
                offset_ticks=start,
                duration_ticks=spoken,
                alternatives=_alternatives(sentence, start, start + spoken, request),
                speaker=1 + number % request.diarization.max_speakers if request.diarization else None,
                locale=request.locale if request.candidate_locales else None,
            )
        )
    return tuple(phrases)


def _alternatives(sentence: str, start: int, end: int, request: RecognitionRequest) -> tuple[Alternative, ...]:
    random = Random(f"{request.source}/{start}/{sentence}")  # noqa: S311 - repeatable confidence, no secret
    confidence = round(random.uniform(0.85, 0.98), 7)
    spoken = [word for word in (_lexical(part) for part in sentence.split()) if word]
    first = _alternative(sentence, spoken, confidence, (start, end), request)
    if len(spoken) < 2:
        return (first,)
    return first, _alternative(sentence, spoken[:-1], round(confidence - 0.1, 7), (start, end), request, shown=False)


def _alternative(
    sentence: str,
    spoken: list[str],
    confidence: float,
    span: tuple[int, int],
    request: RecognitionRequest,
    *,
    shown: bool = True,
) -> Alternative:
    lexical = " ".join(spoken)
    display = mask_text(sentence if shown else lexical.capitalize() + ".", request.profanity)
    return Alternative(
        confidence=confidence,
        lexical=lexical,
        itn=lexical,
        masked_itn=mask_text(lexical, request.profanity),
        display=display,
        words=_words(spoken, span, confidence) if request.word_timestamps else (),
        display_words=_words(display.split(), span, None) if request.display_word_timestamps and shown else (),
    )


def _lexical(word: str) -> str:
    return re.sub(r"[^\w']", "", word).lower()


def _words(texts: Sequence[str], span: tuple[int, int], confidence: float | None) -> tuple[Word, ...]:
    slots = _slots(texts, *span)
    return tuple(Word(text, start, end - start, confidence) for text, (start, end) in zip(texts, slots, strict=True))


def _slots(texts: Sequence[str], start: int, end: int) -> list[tuple[int, int]]:
    """Consecutive spans of time that share `start` to `end` by the length of the texts."""
    total = sum(len(text) for text in texts)
    bounds, passed = [start], 0
    for text in texts:
        passed += len(text)
        bounds.append(start + (end - start) * passed // total)
    return list(pairwise(bounds))


def _adapt(request: AdaptationRequest) -> AdaptationReport:
    try:
        written = _written_forms(request.base)
    except FileNotFoundError as error:
        raise AdaptationError("The base model is no longer there.") from error
    unused = []
    pronunciations = 0
    for number, line in read_lines(request.pronunciations):
        try:
            entry = parse_pronunciation(line)
        except ValueError as error:
            unused.append(UnusedLine("pronunciations", number, str(error)))
        else:
            pronunciations += 1
            written[entry.spoken.lower()] = entry.written
    sentences = sum(1 for _ in read_lines(request.sentences))
    if not sentences + pronunciations:
        raise AdaptationError("The data holds no sentence and no pronunciation.")
    (request.to / MODEL_FILE).write_text(json.dumps(written), encoding="utf-8")
    return AdaptationReport(sentences, pronunciations, unused=tuple(unused))


def _spoken_words(text: str) -> list[str]:
    return [word for word in map(_lexical, text.split()) if word]


def _read_words(text: Sequence[str], heard: Sequence[str], length: int) -> Iterator[AssessedWord]:
    """The words of the text, and those put in; the words heard share the audio by their length."""
    slots = iter(_slots(heard, 0, length))
    for _, i, j, k, m in SequenceMatcher(None, text, heard, autojunk=False).get_opcodes():
        for wanted, said in zip_longest(text[i:j], heard[k:m]):
            if said is None:
                yield AssessedWord(wanted, "Omission", 0.0)
            else:
                error: PronunciationError = "None" if wanted == said else "Mispronunciation" if wanted else "Insertion"
                yield _read_word(wanted or said, error, next(slots))


def _read_word(text: str, error: PronunciationError, span: tuple[int, int]) -> AssessedWord:
    random = Random(f"{text}/{error}")  # noqa: S311 - repeatable scores, no secret
    places = zip(text, _slots(text, *span), strict=True)
    phonemes = tuple(
        Phoneme(letter, start, end - start, random.uniform(*_SCORES[error])) for letter, (start, end) in places
    )
    return AssessedWord(
        text=text,
        error=error,
        accuracy=sum(phoneme.accuracy for phoneme in phonemes) / len(phonemes),
        offset_ticks=span[0],
        duration_ticks=span[1] - span[0],
        understood=error == "None",
        phonemes=phonemes,
    )
