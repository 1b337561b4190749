"""From what vosk's recognizer answers, with alternatives and words switched on, to phrases; pure.

An answer is JSON: `{"alternatives": [{"confidence", "text", "result": [{"word", "start", "end"}]}]}`, times in seconds
from the beginning of the audio. Its `confidence` is a log-likelihood without bounds, so confidences between 0 and 1 are
made here: the readings' likelihoods, made to sum to 1, are their probabilities, and a word is as sure as the readings
that have it at its place are together. This is what the lattice says of each word, seen through its best paths.
"""

import math
from collections.abc import Iterator, Sequence

from pydantic import BaseModel

from emulator.engines.display import WrittenForms, write
from emulator.engines.inverse_text_normalization import Token, text_of
from emulator.engines.profanity import mask
from emulator.engines.protocol import TICKS_PER_SECOND, Alternative, Phrase, RecognitionRequest, Word
from emulator.engines.readings import alternative, display_words

PATHS = 20
"""How many readings to ask for: confidences come from all of them."""
MAX_ALTERNATIVES = 5
"""How many readings a phrase has at most."""
_MARKS = ("[", "<")  # such as [unk], which are no words


class _Word(BaseModel):
    word: str
    start: float
    end: float


class _Reading(BaseModel):
    text: str
    confidence: float
    result: list[_Word] = []


class _Answer(BaseModel):
    alternatives: list[_Reading]


def phrase_of(answer: str, *, channel: int, request: RecognitionRequest) -> Phrase | None:
    """The phrase that an answer of the recognizer holds; None where no words were heard."""
    heard = _Answer.model_validate_json(answer).alternatives
    probabilities = _probabilities([reading.confidence for reading in heard])
    readings = [[word for word in reading.result if not word.word.startswith(_MARKS)] for reading in heard]
    if not readings or not readings[0]:
        return None
    best = readings[0]
    distinct = {tuple(word.word for word in words): words for words in reversed(readings) if words}
    ranked = [words for words in readings if distinct.get(tuple(word.word for word in words)) is words]
    placed = [
        [_placed(word, _support(word, readings, probabilities)) for word in words]
        for words in ranked[:MAX_ALTERNATIVES]
    ]
    start = _ticks(best[0].start)
    return Phrase(
        channel=channel,
        offset_ticks=start,
        duration_ticks=_ticks(best[-1].end) - start,
        alternatives=tuple(_alternatives(placed, request)),
        locale=request.locale if request.candidate_locales else None,
    )


def _alternatives(readings: Sequence[Sequence[Word]], request: RecognitionRequest) -> Iterator[Alternative]:
    """As sure as their words are on average, and never surer than the one before; places for the best alone."""
    confidence = 1.0
    for rank, words in enumerate(readings):
        confidence = min(confidence, sum(word.confidence or 0 for word in words) / len(words))
        forms = _write([word.text for word in words], request)
        wants_words = rank == 0 and request.word_timestamps
        wants_display_words = rank == 0 and request.display_word_timestamps
        yield alternative(
            forms,
            confidence,
            words=tuple(words) if wants_words else (),
            display_words=tuple(display_words(forms.display, words)) if wants_display_words else (),
        )


def _write(words: Sequence[str], request: RecognitionRequest) -> WrittenForms:
    """The written forms; figures, capitals and marks are known for English alone."""
    if request.locale.lower().startswith("en-"):
        return write(words, profanity=request.profanity, punctuation=request.punctuation)
    text = " ".join(words)
    masked = mask([Token(word, i, i + 1) for i, word in enumerate(words)], request.profanity)
    return WrittenForms(text, text, text_of(masked), tuple(masked))


def _probabilities(log_likelihoods: Sequence[float]) -> list[float]:
    best = max(log_likelihoods, default=0.0)
    weights = [math.exp(one - best) for one in log_likelihoods]
    return [weight / sum(weights) for weight in weights]


def _support(word: _Word, readings: Sequence[Sequence[_Word]], probabilities: Sequence[float]) -> float:
    """How probable the readings are together that have this word where it is."""
    middle = (word.start + word.end) / 2
    return sum(
        probability
        for reading, probability in zip(readings, probabilities, strict=True)
        if any(other.word == word.word and other.start <= middle <= other.end for other in reading)
    )


def _placed(word: _Word, confidence: float) -> Word:
    start = _ticks(word.start)
    return Word(word.word, start, _ticks(word.end) - start, min(confidence, 1.0))


def _ticks(seconds: float) -> int:
    return round(seconds * TICKS_PER_SECOND)
