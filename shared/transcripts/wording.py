"""How words are joined, counted and measured, in scripts with spaces between words and in scripts without."""

import re
import unicodedata
from collections.abc import Iterable
from itertools import pairwise

# Chinese and Japanese: ideographs, kana and their full-width punctuation.
_IDEOGRAPHIC = "\u3000-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uff00-\uffef\U00020000-\U0003ffff"
# Thai, Lao, Myanmar and Khmer put spaces between phrases only.
_UNSPACED = f"{_IDEOGRAPHIC}\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff"
_IS_IDEOGRAPHIC = re.compile(f"[{_IDEOGRAPHIC}]")
_IS_UNSPACED = re.compile(f"[{_UNSPACED}]")
_COUNTED = re.compile(rf"(?![\u3000-\u303f\uff00-\uff0f])[{_IDEOGRAPHIC}]|\w[^\s{_IDEOGRAPHIC}]*")
_LEADING_VOWELS = set("\u0e40\u0e41\u0e42\u0e43\u0e44\u0ec0\u0ec1\u0ec2\u0ec3\u0ec4")
_FOLLOWING_VOWELS = set("\u0e30\u0e32\u0e33\u0e45\u0eb0\u0eb2\u0eb3")
_STACKERS = set("\u1039\u17d2")
_OPENING = {"Ps", "Pi"}
_CLINGING = {"Pe", "Pf", "Po", "Mn", "Mc", "Me", "Lm"}


def join(texts: Iterable[str]) -> str:
    """The texts with one space between, or none between ideographs; empty texts leave no trace."""
    parts: list[str] = []
    for text in texts:
        if text and parts and spaced_apart(parts[-1], text):
            parts.append(" ")
        if text:
            parts.append(text)
    return "".join(parts)


def spaced_apart(before: str, after: str) -> bool:
    """Whether a space stands between two texts, neither of them empty: none between ideographs."""
    return not (_IS_IDEOGRAPHIC.match(before[-1]) and _IS_IDEOGRAPHIC.match(after))


def count_words(text: str) -> int:
    """The words between spaces; each Chinese or Japanese character counts as one, punctuation alone as none."""
    return len(_COUNTED.findall(text))


def columns(text: str) -> int:
    """The room that `text` takes on screen: one for each character, two for East Asian wide ones (Unicode UAX 11)."""
    if text.isascii():
        return len(text)
    return len(text) + sum(unicodedata.east_asian_width(character) in "WF" for character in text)


def pieces(text: str) -> list[str]:
    """What a line may be broken between in `text`, which holds no space.

    A word of a script with spaces is one piece. Of a script without, each character is, together with the marks and
    vowels written around it and with the punctuation that must not begin, or end, a line.
    """
    if not _IS_UNSPACED.search(text):
        return [text]
    breaks = [at for at in range(1, len(text)) if not clings(text[at - 1], text[at])]
    return [text[begin:end] for begin, end in pairwise([0, *breaks, len(text)])]


def clings(before: str, character: str) -> bool:
    """Whether no line break may stand between two characters."""
    if before in _LEADING_VOWELS or before in _STACKERS or unicodedata.category(before) in _OPENING:
        return True
    if character in _FOLLOWING_VOWELS or unicodedata.category(character) in _CLINGING:
        return True
    return not _IS_UNSPACED.match(before) and not _IS_UNSPACED.match(character)
