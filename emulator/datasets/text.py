"""Lines of text data: how they are encoded, and what a sentence must be like.

The rules are those of Microsoft's page "Training and testing datasets" for Custom Speech.
"""

import re
import unicodedata
from collections.abc import Iterator
from pathlib import Path

from emulator.content import JobError

LINE_LIMIT = 64 * 1024
"""Bytes of one line; more is no text."""
REPEATS_LIMIT = 3
"""How often in a row a letter, a word or a group of words may stand."""
GROUP_LIMIT = 8
"""Words of the longest group that is looked at for repeats."""

_BOM = b"\xef\xbb\xbf"
_UTF16_BOMS = (b"\xff\xfe", b"\xfe\xff")
_ADVICE = "Save the data as UTF-8 with a byte order mark."
_URL = re.compile(r"\b(?:https?|ftp)://|\bwww\.\w", re.IGNORECASE)
_LETTERS = re.compile(rf"([^\W\d_])\1{{{REPEATS_LIMIT},}}", re.IGNORECASE)


def read_lines(path: Path, *, strict: bool) -> Iterator[tuple[int, str]]:
    """The lines that have something in them, without space at their ends, and their numbers from 1.

    Strict, text beyond ASCII must have a byte order mark, as the service demands. Raises JobError (`NoUtf8WithBom`) for
    another encoding, and (`InvalidData`) for what is no text.
    """
    with path.open("rb") as file:
        head = file.read(len(_BOM))
        if head.startswith(_UTF16_BOMS):
            raise JobError("NoUtf8WithBom", f"The data is UTF-16. {_ADVICE}")
        has_bom = head == _BOM
        if not has_bom:
            file.seek(0)
        number = 0
        while raw := file.readline(LINE_LIMIT + 1):
            number += 1
            text = _decoded(raw, number, ascii_only=strict and not has_bom)
            if text:
                yield number, text


def _decoded(raw: bytes, number: int, *, ascii_only: bool) -> str:
    if len(raw) > LINE_LIMIT:
        raise JobError("InvalidData", f"Line {number} is longer than {LINE_LIMIT // 1024} KiB: this is no text data.")
    if b"\0" in raw:
        raise JobError("NoUtf8WithBom", f"Line {number} holds zero bytes: this is UTF-16 or no text. {_ADVICE}")
    if ascii_only and not raw.isascii():
        message = f"Line {number} is not ASCII, and the data has no byte order mark. {_ADVICE}"
        raise JobError("NoUtf8WithBom", message)
    try:
        return unicodedata.normalize("NFC", raw.decode()).strip()
    except UnicodeDecodeError:
        raise JobError("NoUtf8WithBom", f"Line {number} is not UTF-8. {_ADVICE}") from None


def sentence_of(line: str) -> str:
    """A line with single spaces between its words; ValueError, with the reason, for what nothing is learnt from."""
    sentence = transcript_of(line)
    if _URL.search(sentence):
        raise ValueError("The line has a URL in it.")
    if _LETTERS.search(sentence) or _repeats_words(sentence.casefold().split()):
        raise ValueError(f"The line repeats a letter or words more than {REPEATS_LIMIT} times in a row.")
    return sentence


def checked_sentence(line: str) -> str:
    """A line as it is; ValueError, with the reason, for what nothing is learnt from."""
    sentence_of(line)
    return line


def transcript_of(line: str) -> str:
    """A line with single spaces between its words; ValueError, with the reason, where nothing can be said in it."""
    text = " ".join(line.split())
    if "\ufffd" in text or (not text.isprintable() and any(map(_is_no_text, text))):
        raise ValueError("The line has characters in it that are no text.")
    if not any(character.isalnum() for character in text):
        raise ValueError("The line has no words.")
    return text


def _is_no_text(character: str) -> bool:
    """Whether it is a control character, or one that Unicode gives no meaning."""
    return unicodedata.category(character) in {"Cc", "Co", "Cn"}


def _repeats_words(words: list[str]) -> bool:
    if len(words) - len(set(words)) < REPEATS_LIMIT:
        return False
    for size in range(1, min(GROUP_LIMIT, len(words) // (REPEATS_LIMIT + 1)) + 1):
        alike = 0
        for word, earlier in zip(words[size:], words, strict=False):
            alike = alike + 1 if word == earlier else 0
            if alike >= size * REPEATS_LIMIT:
                return True
    return False
