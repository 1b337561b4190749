"""From faster-whisper's segments to phrases, and from its language probabilities to a locale; pure.

As the service's own Whisper models do, it writes text for display alone: the lexical form, both ITN forms and lexical
words stay empty.
"""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Protocol

from emulator.engines.profanity import mask_text
from emulator.engines.protocol import (
    TICKS_PER_SECOND,
    Alternative,
    Phrase,
    ProfanityMode,
    PunctuationMode,
    RecognitionRequest,
    Word,
)
from emulator.engines.whisper_languages import language_of

_MARKS = ".,;:!?…。、，！？"  # noqa: RUF001 - the marks of Chinese and Japanese


class WhisperWord(Protocol):
    """What is used of `faster_whisper.transcribe.Word`; times in seconds, `word` with its blank and marks."""

    start: float
    end: float
    word: str
    probability: float


class WhisperSegment(Protocol):
    """What is used of `faster_whisper.transcribe.Segment`; `avg_logprob` is the mean over its tokens."""

    start: float
    end: float
    text: str
    avg_logprob: float

    @property
    def words(self) -> Sequence[WhisperWord] | None: ...  # noqa: D102 - described by the class


def phrases_of(
    segments: Iterable[WhisperSegment], *, channel: int, start_ticks: int, locale: str, request: RecognitionRequest
) -> Iterator[Phrase]:
    """A phrase for each segment that has text, as soon as the segment comes.

    Segments count from where their piece of the audio begins, which is `start_ticks` after the audio's beginning.
    """
    for segment in segments:
        if not segment.text.strip():
            continue
        words = segment.words or ()
        start, end = (words[0].start, words[-1].end) if words else (segment.start, segment.end)
        reading = Alternative(
            confidence=_confidence(segment, words),
            lexical="",
            itn="",
            masked_itn="",
            display=_written(segment.text, request.profanity, request.punctuation),
            display_words=tuple(_display_words(words, start_ticks, request)) if request.display_word_timestamps else (),
        )
        yield Phrase(
            channel=channel,
            offset_ticks=start_ticks + _ticks(start),
            duration_ticks=_ticks(end) - _ticks(start),
            alternatives=(reading,),
            locale=locale if request.candidate_locales else None,
        )


def identified_locale(candidates: Sequence[str], probabilities: Mapping[str, float]) -> str:
    """The candidate whose language is the most probable; of two with the same language, the first."""
    return max(candidates, key=lambda locale: probabilities.get(language_of(locale), 0.0))


def _confidence(segment: WhisperSegment, words: Sequence[WhisperWord]) -> float:
    if words:
        return float(sum(word.probability for word in words) / len(words))  # the package's are numpy's
    return min(1.0, math.exp(segment.avg_logprob))


def _display_words(words: Sequence[WhisperWord], start_ticks: int, request: RecognitionRequest) -> Iterator[Word]:
    for word in words:
        if text := _written(word.word, request.profanity, request.punctuation):
            start = _ticks(word.start)
            yield Word(text, start_ticks + start, _ticks(word.end) - start)


def _written(text: str, profanity: ProfanityMode, punctuation: PunctuationMode) -> str:
    """The text with the profanity mode applied, and without marks where none are wanted.

    Whisper cannot be told to write only spoken marks, so with punctuation mode `Dictated` its own are left out too.
    """
    masked = mask_text(text.strip(), profanity)
    if punctuation in {"None", "Dictated"}:
        masked = " ".join(stripped for word in masked.split() if (stripped := word.strip(_MARKS)))
    return masked


def _ticks(seconds: float) -> int:
    return round(seconds * TICKS_PER_SECOND)
