"""The files that a custom model is made from, line by line; see protocol.AdaptationRequest."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from emulator.engines.protocol import AdaptationError


@dataclass(frozen=True, slots=True)
class Pronunciation:
    """A word as it is written, and how it is spoken: other words, or phonemes between slashes."""

    written: str
    spoken: str


def read_lines(path: Path | None) -> Iterator[tuple[int, str]]:
    """The lines with something in them, and their numbers from 1; none without a file.

    Raises:
        AdaptationError: where the file is not UTF-8.
    """
    if path is None:
        return
    try:
        with path.open(encoding="utf-8-sig") as file:
            yield from ((number, line.rstrip("\n")) for number, line in enumerate(file, 1) if line.strip())
    except UnicodeDecodeError as error:
        raise AdaptationError(f"The file {path.name} is not UTF-8 text.") from error


def parse_pronunciation(line: str) -> Pronunciation:
    """A line of pronunciation data; ValueError with the reason where it is none."""
    written, _, spoken = map(str.strip, line.partition("\t"))
    if "\t" not in line or "\t" in spoken:
        raise ValueError("The line is not a word, a tab, and how the word is spoken.")
    if not written or not spoken:
        raise ValueError(f"The {'spoken' if written else 'written'} form is missing.")
    if len(written.split()) > 1:
        raise ValueError(f"The written form must be one word, not {written!r}.")
    return Pronunciation(written, spoken)
