"""Written English to spoken words: "It costs $25.50." to "it costs twenty five dollars and fifty cents"; pure.

For the sentences that a model is adapted with. Small rules, each for what is common; what has no reading is an error.
"""

import re
import unicodedata
from collections.abc import Container, Iterator

from emulator.engines.inverse_text_normalization import ONES, ORDINALS, SCALES, TENS

_SYMBOLS = {
    "%": "percent",
    "&": "and",
    "+": "plus",
    "@": "at",
    "=": "equals",
    "°": "degrees",
    "$": "dollars",
    "€": "euros",
}
_SILENT = frozenset(".,;:!?\"'()[]{}-\u2010\u2011\u2012\u2013\u2014\u2026\u201c\u201d/_*#")
_ORDINAL = re.compile(r"(\d+)(?:st|nd|rd|th)")
_AMOUNT = re.compile(r"([$€£])(\d[\d,]*)(?:\.(\d\d))?")
_CURRENCIES = {"$": ("dollar", "cent"), "€": ("euro", "cent"), "£": ("pound", "penny")}
_PIECE = re.compile(r"\d[\d,]*(?:\.\d+)?|[^\W\d_]+(?:'[^\W\d_]+)*|.")
_UNITS = {
    "mg": "milligrams",
    "kg": "kilograms",
    "ml": "milliliters",
    "mm": "millimeters",
    "cm": "centimeters",
    "km": "kilometers",
}
_LONGEST_NUMBER = 6
"""Longer figures without commas are read digit by digit."""
_LONGEST_ACRONYM = 5

_SMALL = {value: word for word, value in (ONES | TENS).items()}
_ORDINAL_OF = {_SMALL[value]: word for word, value in ORDINALS.items() if value in _SMALL}


def spoken_words(line: str, known: Container[str]) -> list[str]:
    """The words of a line in lower case; words in `known` are taken as they are, "a.m." and "3cpo" too.

    Raises:
        ValueError: where the line has no words, or a symbol or letter that has no reading in English.
    """
    plain = unicodedata.normalize("NFKC", line).replace("\u2019", "'")
    words = [word for token in plain.split() for word in _spoken(token, known, shouted=plain.isupper())]
    if not words:
        raise ValueError("The line has no words.")
    return words


def cardinal(number: int) -> list[str]:
    """A number below a thousand trillions in words."""
    for word, value in reversed(SCALES.items()):
        if number >= value:
            return [*cardinal(number // value), word, *_rest(number % value)]
    if number >= 100:
        return [_SMALL[number // 100], "hundred", *_rest(number % 100)]
    if number in _SMALL:
        return [_SMALL[number]]
    return [_SMALL[number // 10 * 10], _SMALL[number % 10]]


def _rest(number: int) -> list[str]:
    return cardinal(number) if number else []


def _spoken(token: str, known: Container[str], *, shouted: bool) -> Iterator[str]:
    lower = token.lower()
    bare = lower.strip("".join(_SILENT - {"'"}))
    if "." in lower[:-1] and lower in known:
        yield lower
    elif bare in _UNITS:
        yield _UNITS[bare]
    elif len(bare) > 1 and (word := next((form for form in (bare, bare.strip("'")) if form in known), None)):
        yield word
    elif match := _AMOUNT.fullmatch(bare):
        yield from _amount(*match.groups())
    elif match := _ORDINAL.fullmatch(bare):
        *words, last = _figure(match[1])
        yield from (*words, _ORDINAL_OF.get(last, f"{last}th"))
    else:
        for piece in _PIECE.findall(token):
            yield from _piece(piece, known, shouted=shouted)


def _piece(piece: str, known: Container[str], *, shouted: bool) -> Iterator[str]:
    if piece[0].isdigit():
        yield from _figure(piece)
    elif piece[0].isalpha():
        yield from _word(piece, known, shouted=shouted)
    elif piece in _SYMBOLS:
        yield _SYMBOLS[piece]
    elif piece not in _SILENT:
        raise ValueError(f"The symbol {piece!r} has no reading.")


def _word(text: str, known: Container[str], *, shouted: bool) -> Iterator[str]:
    """A word, or the letters of an acronym and a letter that stands alone; those are known as "b."."""
    folded = "".join(each for each in unicodedata.normalize("NFKD", text) if not unicodedata.combining(each))
    if not folded.isascii():
        raise ValueError(f"The word {text!r} has letters that are not English.")
    word = _UNITS.get(folded.lower(), folded.lower())
    if word in {"a", "i"} or (len(word) > 1 and word in known):
        yield word
    elif len(word) == 1 or (folded.isupper() and not shouted and len(word) <= _LONGEST_ACRONYM):
        yield from (f"{letter}." for letter in word if letter != "'")
    else:
        yield word


def _figure(text: str) -> list[str]:
    """A number as people read it: with a decimal point, as a year, by its digits, or simply."""
    whole, _, fraction = text.rstrip(",").partition(".")
    digits = whole.replace(",", "")
    if fraction:
        return [*_figure(whole), "point", *(_SMALL[int(digit)] for digit in fraction)]
    if len(digits) == 4 and digits == whole and _is_year(int(digits)):
        return [*cardinal(int(digits[:2])), *(["oh"] if digits[2] == "0" else []), *cardinal(int(digits[2:]))]
    if (len(digits) > 1 and digits[0] == "0") or len(digits) > (_LONGEST_NUMBER if digits == whole else 15):
        return [_SMALL[int(digit)] for digit in digits]
    return cardinal(int(digits))


def _is_year(number: int) -> bool:
    return number % 100 > 0 and (1100 < number < 2000 or 2010 <= number < 2100)


def _amount(symbol: str, whole: str, fraction: str | None) -> Iterator[str]:
    unit, part = _CURRENCIES[symbol]
    number = int(whole.replace(",", ""))
    yield from cardinal(number)
    yield unit if number == 1 else f"{unit}s"
    if fraction and int(fraction):
        yield from ("and", *cardinal(int(fraction)))
        yield part if int(fraction) == 1 else "pence" if part == "penny" else f"{part}s"
