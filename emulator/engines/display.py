"""The service's four forms of a phrase from its words: lexical, ITN, masked ITN, display.

As in the service's result files, ITN is lower case with figures, masked ITN has capitals and the profanity filter, and
display has punctuation besides.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from types import MappingProxyType

from emulator.engines.inverse_text_normalization import MONTHS, Token, normalize, text_of
from emulator.engines.profanity import mask
from emulator.engines.protocol import ProfanityMode, PunctuationMode

_I = frozenset({"i", "i'm", "i'll", "i've", "i'd"})
_TITLES = {"mister": "Mr.", "missus": "Mrs.", "miz": "Ms."}

_SPOKEN_MARKS = {
    ("comma",): ",",
    ("semicolon",): ";",
    ("question", "mark"): "?",
    ("exclamation", "mark"): "!",
    ("exclamation", "point"): "!",
    ("full", "stop"): ".",
}

_OPENERS = frozenset({"so", "and", "but", "well", "okay", "ok", "now", "yes", "yeah", "no", "hi", "hello", "sorry"})
_AUXILIARIES = frozenset(
    [
        *("is", "are", "am", "was", "were", "do", "does", "did", "can", "could", "will", "would", "should", "shall"),
        *("may", "have", "has", "had", "isn't", "aren't", "wasn't", "weren't", "don't", "doesn't", "didn't", "can't"),
        *("couldn't", "won't", "wouldn't", "shouldn't", "haven't", "hasn't"),
    ]
)
_SUBJECTS = frozenset(
    [
        *("i", "you", "he", "she", "it", "we", "they", "there", "this", "that", "these", "those", "my", "your"),
        *("his", "her", "our", "their", "the", "anyone", "anybody", "somebody", "someone", "everything", "anything"),
    ]
)
_QUESTION_WORDS = frozenset({"what", "who", "whom", "whose", "which", "why", "how"})
_CLAUSE_WORDS = frozenset({"when", "where"})
_QUESTION_CONTRACTIONS = frozenset({"what's", "who's", "where's", "when's", "why's", "how's", "what're", "where're"})
_QUESTION_ENDINGS = (("isn't", "it"), ("is", "it"), ("aren't", "you"), ("don't", "you"), ("won't", "you"))

_COMMA_AFTER: dict[str, frozenset[str] | None] = {
    "yes": None,
    "yeah": None,
    "hello": None,
    "okay": None,
    "ok": None,
    "no": frozenset({"i", "i'm", "it", "it's", "that", "that's", "thank", "thanks", "we", "you", "not", "sorry", "he"}),
    "well": frozenset({"i", "i'm", "we", "you", "it", "it's", "that", "that's", "the", "let's", "he", "she"}),
    "sorry": frozenset({"i", "what", "could", "can", "that", "the", "we", "but"}),
    "sure": frozenset({"i", "i'm", "we", "no", "it", "it's", "that", "that's", "let", "one", "what"}),
    "hi": frozenset({"i", "i'm", "this", "my", "how", "can", "thank", "thanks", "is"}),
}
"""An opening word, and the words before which a comma follows it; None for any."""


@dataclass(frozen=True, slots=True)
class WrittenForms:
    """A phrase in the service's forms; `display` as tokens, which know the words that they were spoken as."""

    lexical: str
    itn: str
    masked_itn: str
    display: tuple[Token, ...]


def write(
    words: Sequence[str],
    *,
    profanity: ProfanityMode,
    punctuation: PunctuationMode,
    written: Mapping[str, str] = MappingProxyType({}),
) -> WrittenForms:
    """Write down recognized words, which are in lower case; `written` has those with capitals of their own.

    Punctuation mode `None` leaves the marks off and keeps the capitals; `Dictated` writes the marks that were spoken
    ("comma", "question mark", "period" at the end), `Automatic` sets them by rule.
    """
    itn = normalize(words)
    masked_itn = capitalize(mask(itn, profanity), written)
    display = masked_itn
    if punctuation in {"Dictated", "DictatedAndAutomatic"}:
        display = write_spoken_marks(display)
    if punctuation in {"Automatic", "DictatedAndAutomatic"}:
        display = punctuate(display, words)
    return WrittenForms(" ".join(words), text_of(itn), text_of(masked_itn), tuple(display))


def capitalize(tokens: Sequence[Token], written: Mapping[str, str] = MappingProxyType({})) -> list[Token]:
    """Capitals for the first word, "I", titles with their name, the names in proper_names.txt, and as in `written`."""
    names, longest = _proper_names()
    result = list(tokens)
    for i, token in enumerate(tokens):
        after_title = i > 0 and tokens[i - 1].text in _TITLES
        if token.text in written:
            result[i] = replace(token, text=written[token.text])
        elif token.text in _TITLES:
            result[i] = replace(token, text=_TITLES[token.text])
        elif i == 0 or after_title or token.text in _I or (token.text in MONTHS and _is_date(tokens, i)):
            result[i] = _with_capital(token)
        for length in range(1, longest + 1):
            if tuple(_name(other) for other in tokens[i : i + length]) in names:
                result[i : i + length] = map(_with_capital, tokens[i : i + length])
    return result


def write_spoken_marks(tokens: Sequence[Token]) -> list[Token]:
    """Turn spoken marks into marks at the word before; "period" counts at the end only, where it is no word."""
    result: list[Token] = []
    i = 0
    while i < len(tokens):
        mark, length = _spoken_mark(tokens, i) if result else ("", 0)
        if mark:
            result[-1] = replace(result[-1], text=result[-1].text + mark, end=tokens[i + length - 1].end)
            i += length
            continue
        is_start = (
            bool(result) and result[-1].text.endswith((".", "?", "!")) and result[-1].text not in _TITLES.values()
        )
        result.append(_with_capital(tokens[i]) if is_start else tokens[i])
        i += 1
    return result


def punctuate(tokens: Sequence[Token], words: Sequence[str]) -> list[Token]:
    """A comma after an opening "yes" and its like, and at the end a full stop or question mark."""
    if not tokens:
        return []
    result = list(tokens)
    if len(tokens) > 1 and _opening_comma(tokens[0].text.lower(), tokens[1].text.lower()):
        result[0] = replace(result[0], text=f"{result[0].text},")
    if not result[-1].text.endswith((".", "?", "!", ",", ";")):
        result[-1] = replace(result[-1], text=result[-1].text + ("?" if is_question(words) else "."))
    return result


def is_question(words: Sequence[str]) -> bool:
    """Whether the words are put as a question: by their first words, or a tag such as "isn't it" at the end."""
    if len(words) > 2 and tuple(words[-2:]) in _QUESTION_ENDINGS:
        return True
    start = next((i for i, word in enumerate(words) if word not in _OPENERS), len(words))
    first, second = ([*words[start:], "", ""])[:2]
    if first in _QUESTION_WORDS:
        return second not in {"a", "an"} and second not in _SUBJECTS
    if first in _CLAUSE_WORDS:
        return second in _AUXILIARIES
    return first in _QUESTION_CONTRACTIONS or (first in _AUXILIARIES and second in _SUBJECTS)


def _opening_comma(first: str, second: str) -> bool:
    followers = _COMMA_AFTER.get(first, frozenset())
    return followers is None or second in followers


def _spoken_mark(tokens: Sequence[Token], i: int) -> tuple[str, int]:
    """The mark that is spoken at a position, and in how many words; ("", 0) for none."""
    if tokens[i].text == "period" and i == len(tokens) - 1:
        return ".", 1
    for words, mark in _SPOKEN_MARKS.items():
        if tuple(token.text for token in tokens[i : i + len(words)]) == words:
            return mark, len(words)
    return "", 0


def _is_date(tokens: Sequence[Token], i: int) -> bool:
    """Whether "march" or "may" at a position is the month: a day or year beside it."""
    after = tokens[i + 1].text if i + 1 < len(tokens) else ""
    before = tokens[i - 1].text if i else ""
    return after[:1].isdigit() or before in {"of", "in", "since", "until", "last", "next"}


def _name(token: Token) -> str:
    return token.text.removesuffix("'s")


def _with_capital(token: Token) -> Token:
    is_address = "@" in token.text or token.text.startswith("<")
    return token if is_address else replace(token, text=token.text[:1].upper() + token.text[1:])


@cache
def _proper_names() -> tuple[frozenset[tuple[str, ...]], int]:
    """The names as tuples of words, and the length of the longest."""
    lines = Path(__file__).with_name("proper_names.txt").read_text(encoding="utf-8").splitlines()
    names = frozenset(tuple(line.split()) for line in lines if not line.startswith("#"))
    return names, max(map(len, names))
