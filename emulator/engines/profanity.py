"""The profanity filter: a list of words (profanity.txt, edit it at will) and the service's four modes."""

import re
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path

from emulator.engines.inverse_text_normalization import Token
from emulator.engines.protocol import ProfanityMode

_WORD = re.compile(r"\w+(?:['-]\w+)*")


def mask(tokens: Sequence[Token], mode: ProfanityMode) -> list[Token]:
    """Apply a mode: stars for the letters, the word left out, the word in tags, or nothing."""
    if mode == "None":
        return list(tokens)
    masked = [replace(token, text=_masked(token.text, mode)) if is_profane(token.text) else token for token in tokens]
    return [token for token in masked if token.text]


def mask_text(text: str, mode: ProfanityMode) -> str:
    """Apply a mode to written text, whose marks stay; the empty text where nothing but marks would be left."""
    if mode == "None":
        return text
    masked = _WORD.sub(lambda word: _masked(word[0], mode) if is_profane(word[0]) else word[0], text)
    if masked == text or mode != "Removed":
        return masked
    return re.sub(r"\s+(?=[\s.,;:!?]|$)", "", masked).strip() if re.search(r"\w", masked) else ""


def is_profane(word: str) -> bool:
    """Whether a word, or a part of it between hyphens, is on the list."""
    return any(part in _profane_words() for part in word.lower().split("-"))


def _masked(word: str, mode: ProfanityMode) -> str:
    match mode:
        case "Removed":
            return ""
        case "Tags":
            return f"<profanity>{word}</profanity>"
        case _:
            return re.sub(r"\w", "*", word)


@cache
def _profane_words() -> frozenset[str]:
    lines = Path(__file__).with_name("profanity.txt").read_text(encoding="utf-8").splitlines()
    return frozenset(line.strip().lower() for line in lines if not line.startswith("#"))
