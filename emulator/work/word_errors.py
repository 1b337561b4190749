"""Word and token error rates: what was recognized against what was said; pure.

Words are compared as the service's evaluations do: in lower case, without punctuation, in English with numbers as
words. Tokens are what stands between spaces in the display form (Microsoft's page "Test accuracy of a custom speech
model").
"""

import contextlib
import re
import unicodedata
from collections import Counter
from collections.abc import Container, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, repeat, zip_longest
from typing import Literal, get_args

from emulator.engines.text_normalization import spoken_words
from emulator.results import Json

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


EditKind = Literal["punctuation", "capitalization", "inverseTextNormalization", "lexical", "others"]
"""Definition TokenErrorDetails; `others` are in punctuation and capitalization both."""


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


def tokens(text: str) -> list[str]:
    """The tokens of a text that are compared."""
    return unicodedata.normalize("NFKC", text).replace("\u2019", "'").split()


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


def word_results(sentences: Sequence[Sequence[AlignedWord]]) -> Json:
    """What definition EvaluationProperties says of one model's words, but for the number at the end of each name."""
    wrong = sum(any(word.error != "None" for word in sentence) for sentence in sentences)
    return {
        **_counts("word", sentences),
        "sentenceErrorRate": _share(wrong, len(sentences)),
        "sentenceCount": len(sentences),
    }


def token_results(sentences: Sequence[Sequence[AlignedWord]], locale: str) -> Json:
    """What it says of one model's tokens, since API version 3.2."""
    kinds = Counter(kind for sentence in sentences for kind in _edit_kinds(sentence, locale))
    shown = {
        kind: {"numberOfEdits": kinds[kind], "percentageOfAllEdits": round(100 * kinds[kind] / kinds.total(), 2)}
        for kind in get_args(EditKind)
        if kinds[kind]
    }
    return {**_counts("token", sentences), "tokenErrors": shown}


def _counts(unit: Literal["word", "token"], sentences: Iterable[Sequence[AlignedWord]]) -> Json:
    errors = Counter(one.error for sentence in sentences for one in sentence)
    wrong = errors.total() - errors["None"]
    units = errors.total() - errors["Insertion"]
    return {
        f"{unit}ErrorRate": _share(wrong, units),
        f"{unit}Count": units,
        f"correct{unit.capitalize()}Count": errors["None"],
        f"{unit}SubstitutionCount": errors["Substitution"],
        f"{unit}DeletionCount": errors["Deletion"],
        f"{unit}InsertionCount": errors["Insertion"],
    }


def _edit_kinds(tokens: Sequence[AlignedWord], locale: str) -> Iterator[EditKind]:
    """What each error is about; errors in a row may together be one number written in another way."""
    for is_error, run in groupby(tokens, key=lambda token: token.error != "None"):
        rest = []
        for token in run if is_error else ():
            kind = _form_kind(token)
            if kind:
                yield kind
            else:
                rest.append(token)
        said = normalized(" ".join(token.reference or "" for token in rest), locale)
        heard = normalized(" ".join(token.hypothesis or "" for token in rest), locale)
        yield from repeat("inverseTextNormalization" if said == heard else "lexical", len(rest))


def _form_kind(token: AlignedWord) -> EditKind | None:
    """What a substitution is about that changes the form of a word alone; None for all else."""
    said, heard = token.reference or "", token.hypothesis or ""
    if _bare(said) == _bare(heard):
        return "punctuation"
    if said.lower() == heard.lower():
        return "capitalization"
    return "others" if _bare(said).lower() == _bare(heard).lower() else None


def _bare(token: str) -> str:
    return "".join(_WORD.findall(token))


def _share(part: int, whole: int) -> float:
    """A rate; where nothing was said, anything that was recognized is wrong altogether."""
    return round(part / whole, 6) if whole else float(part > 0)
