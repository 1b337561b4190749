"""From the samples of one phrase to words with times, a calibrated confidence, and alternatives."""

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import islice

import pocketsphinx

from emulator.engines.audio import SAMPLE_RATE, Samples
from emulator.engines.pocketsphinx.model import Model

MAX_ALTERNATIVES = 5

_FRAME_SAMPLES = SAMPLE_RATE // 100
_PATHS = 60  # n-best paths looked at; most differ in pronunciation or fillers only


@dataclass(frozen=True, slots=True)
class HeardWord:
    """A word with its place in the phrase's samples; `confidence` is 0 to 1."""

    text: str
    start: int
    length: int
    confidence: float


@dataclass(frozen=True, slots=True)
class Reading:
    """One way to read a phrase; `confidence` is the mean of its words'."""

    words: tuple[str, ...]
    confidence: float


@dataclass(frozen=True, slots=True)
class Heard:
    """What was heard in a phrase: the words of the best reading, and all readings, the best first."""

    words: tuple[HeardWord, ...]
    readings: tuple[Reading, ...]


class SpeechDecoder:
    """A model, loaded once (half a second, 95 MB) and used for one phrase after another."""

    def __init__(self, model: Model) -> None:
        self._decoder = pocketsphinx.Decoder(
            samprate=SAMPLE_RATE, loglevel="FATAL", lm=str(model.language_model), dict=str(model.dictionary)
        )

    def decode(self, samples: Samples) -> Heard | None:
        """Recognize a phrase; None where it holds no words. Does not release the GIL."""
        if not len(samples):  # process_raw raises IndexError
            return None
        self._decoder.reinit_feat()  # forgets earlier phrases, so that a file's result never depends on another's
        self._decoder.start_utt()
        self._decoder.process_raw(samples.tobytes(), full_utt=True)
        self._decoder.end_utt()
        words = tuple(self._words(len(samples)))
        if not words:
            return None
        return Heard(words, tuple(self._readings(words)))

    def _words(self, samples: int) -> Iterator[HeardWord]:
        for segment in self._decoder.seg() or ():
            if _is_filler(segment.word):
                continue
            frames = segment.end_frame - segment.start_frame + 1
            start = segment.start_frame * _FRAME_SAMPLES
            yield HeardWord(
                text=_plain(segment.word),
                start=start,
                length=min(frames * _FRAME_SAMPLES, samples - start),
                confidence=word_confidence(segment.prob, segment.ascore, frames),
            )

    def _readings(self, best: tuple[HeardWord, ...]) -> Iterator[Reading]:
        seen = {tuple(word.text for word in best)}
        confidence = sum(word.confidence for word in best) / len(best)
        yield Reading(next(iter(seen)), confidence)
        for path in islice(self._decoder.nbest() or (), _PATHS):
            words = tuple(_plain(word) for word in path.hypstr.split()) if path and path.hypstr else ()
            if not words or words in seen:
                continue
            seen.add(words)
            confidence = min(confidence, alternative_confidence(words, best))
            yield Reading(words, confidence)
            if len(seen) == MAX_ALTERNATIVES:
                return


def word_confidence(posterior: float, acoustic_likelihood: float, frames: int) -> float:
    """How likely a word is right, from 0 to 1.

    A logistic regression on what the decoder says of a word, fitted on held-out speech: its calibration error is
    0.011, that of the bare posterior (which can exceed 1) is 0.096.
    """
    p = min(max(posterior, 1e-6), 1.0)
    acoustic_score = math.log(max(acoustic_likelihood, 1e-300)) / frames
    z = (
        3.256
        + 0.646 * math.log(p)
        - 0.323 * math.log(max(1 - p, 1e-4))
        - 0.347 * math.log(frames)
        + 0.28 * acoustic_score
    )
    return 1 / (1 + math.exp(-z))


def alternative_confidence(words: tuple[str, ...], best: tuple[HeardWord, ...]) -> float:
    """Mean confidence of another reading's words: the best reading's where they agree, its doubt where they differ."""
    confidences = []
    for _, i, j, k, m in SequenceMatcher(None, [word.text for word in best], words, autojunk=False).get_opcodes():
        replaced = [word.confidence for word in best[i:j]]
        if words[k:m] == tuple(word.text for word in best[i:j]):
            confidences += replaced
        else:
            doubt = 1 - sum(replaced) / len(replaced) if replaced else 1 - min(word.confidence for word in best)
            confidences += [doubt] * max(m - k, 1)
    return sum(confidences) / len(confidences)


def _is_filler(word: str) -> bool:
    return word.startswith(("<", "["))


def _plain(word: str) -> str:
    """A word without the number of its pronunciation; a spelled letter ("p.") without its full stop."""
    word = re.sub(r"\(\d+\)$", "", word)
    return word.removesuffix(".") if re.fullmatch(r"[a-z]\.", word) else word
