"""Word error rate: what was recognized against what was said; pure.

Both are compared as the service's evaluations do: in lower case, without punctuation, in English with numbers as words.
"""

import contextlib
import re
import unicodedata
from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Literal

from emulator.engines.text_normalization import spoken_words

ErrorType = Literal["None", "Insertion", "Deletion", "Substitution"]

_ERRORS: dict[str, ErrorType] = {
    "equal": "None",
    "insert": "Insertion",
    "delete": "Deletion",
    "substitute": "Substitution",
}
_WORD = re.compile(r"[^\W_]+(?:'[^\W_]+)*")


@dataclass(frozen=True, slots=True)
class AlignedWord:
    """A word of the reference, beside what was recognized in its place; one of both is None where it has no match."""

    reference: str | None
    hypothesis: str | None
    error: ErrorType


class _Letters(Container[str]):
    """Every word that has letters alone, so that only what has others is spelled out."""

    def __contains__(self, word: object) -> bool:
        return isinstance(word, str) and word.replace("'", "").isalpha()


def normalized(text: str, locale: str) -> list[str]:
    """The words of a text that are compared."""
    plain = unicodedata.normalize("NFKC", text).lower().replace("\u2019", "'")
    if locale.startswith("en-"):
        with contextlib.suppress(ValueError):  # what has no reading in English is taken as it is
            plain = " ".join(spoken_words(plain, _Letters()))
    return _WORD.findall(plain)


def aligned(reference: Sequence[str], hypothesis: Sequence[str]) -> list[AlignedWord]:
    """The alignment of two texts with the fewest errors."""
    import jiwer  # noqa: PLC0415 - evaluations alone need it

    if not reference:
        return [AlignedWord(None, word, "Insertion") for word in hypothesis]
    output = jiwer.process_words(" ".join(reference), " ".join(hypothesis))
    return [
        AlignedWord(said, heard, _ERRORS[chunk.type])
        for chunk in output.alignments[0]
        for said, heard in zip_longest(
            reference[chunk.ref_start_idx : chunk.ref_end_idx], hypothesis[chunk.hyp_start_idx : chunk.hyp_end_idx]
        )
    ]


def results(sentences: Iterable[Sequence[AlignedWord]]) -> dict[str, float | int]:
    """What definition EvaluationProperties says of one model, but for the number at the end of each name."""
    every = list(sentences)
    errors = [word.error for sentence in every for word in sentence]
    wrong = {kind: errors.count(kind) for kind in ("Substitution", "Deletion", "Insertion")}
    words = len(errors) - wrong["Insertion"]
    wrong_sentences = sum(any(word.error != "None" for word in sentence) for sentence in every)
    return {
        "wordErrorRate": _share(sum(wrong.values()), words),
        "sentenceErrorRate": _share(wrong_sentences, len(every)),
        "sentenceCount": len(every),
        "wordCount": words,
        "correctWordCount": errors.count("None"),
        "wordSubstitutionCount": wrong["Substitution"],
        "wordDeletionCount": wrong["Deletion"],
        "wordInsertionCount": wrong["Insertion"],
    }


def _share(part: int, whole: int) -> float:
    """A rate; where nothing was said, anything that was recognized is wrong altogether."""
    return round(part / whole, 6) if whole else float(part > 0)
