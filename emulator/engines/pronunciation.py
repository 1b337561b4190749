"""From words and phonemes aligned with a text to pronunciation scores; pure.

How the scores lie between 0 and 100 was set by hand on synthetic and real readings: they order readings, and are not
the service's numbers.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from emulator.engines.protocol import TICKS_PER_SECOND, AssessedWord, Phoneme

MISPRONOUNCED = 30
"""A word of the text scored lower is mispronounced even if it was understood."""
MISHEARD_AS_READ = 50
"""A word that was understood as another one counts as read from this score on."""

_GOOD_LIKELIHOOD = -4.2
_LONGEST_PAUSE_SECONDS = 0.3
_SLOWEST, _FASTEST = 6, 20
_TEXT_SHARE = 0.8


@dataclass(frozen=True, slots=True)
class Scores:
    """Scores of a whole text, 0 to 100."""

    accuracy: float
    fluency: float
    completeness: float
    overall: float


def phoneme_accuracy(log_likelihood: float) -> float:
    """0 to 100 from the acoustic score of a forced phoneme in nats a frame: a logistic curve around -4.2."""
    return 100 / (1 + math.exp(-(log_likelihood - _GOOD_LIKELIHOOD)))


def word_accuracy(phonemes: Sequence[Phoneme]) -> float:
    """Halfway between the mean and the worst of the phonemes: one wrong sound makes another word."""
    scores = [phoneme.accuracy for phoneme in phonemes]
    return (sum(scores) / len(scores) + min(scores)) / 2 if scores else 0.0


def overall_scores(words: Sequence[AssessedWord]) -> Scores:
    """The scores of the whole text from its words, with those that were left out and put in.

    Accuracy is the mean of the words that were read for the text's. Completeness is the share of the text's words that
    were read as such. The overall score gives the lowest of the three 0.6 and the others 0.2 each, as Microsoft's
    samples do.
    """
    text = [word for word in words if word.error != "Insertion"]
    read = [word for word in text if word.error != "Omission"]
    accuracy = sum(word.accuracy for word in read) / len(read) if read else 0.0
    completeness = 100 * sum(word.understood for word in read) / len(text) if text else 0.0
    fluency = _fluency(words)
    low, middle, high = sorted((accuracy, fluency, completeness))
    return Scores(accuracy, fluency, completeness, 0.6 * low + 0.2 * middle + 0.2 * high)


def _fluency(words: Sequence[AssessedWord]) -> float:
    """100 less what pauses, haste and slowness take; and only as far as what was spoken was the text."""
    spoken = [word for word in words if word.duration_ticks]
    if not spoken:
        return 0.0
    gaps = (after.offset_ticks - before.offset_ticks - before.duration_ticks for before, after in pairwise(spoken))
    pauses = sum(max(0.0, gap / TICKS_PER_SECOND - _LONGEST_PAUSE_SECONDS) for gap in gaps)
    seconds = sum(word.duration_ticks for word in spoken) / TICKS_PER_SECOND
    rate = sum(len(word.phonemes) for word in spoken) / seconds
    hurry = 8 * max(0.0, rate - _FASTEST) + (10 * max(0.0, _SLOWEST - rate) if rate else 0.0)
    flow = max(0.0, 100 - min(60.0, 25 * pauses) - hurry)
    share = sum(word.understood for word in spoken) / len(spoken)
    return flow * min(1.0, share / _TEXT_SHARE)
