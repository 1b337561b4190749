"""The files of a model: the package's own, and those of a custom model in its folder."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pocketsphinx

Phonemes = tuple[str, ...]


@dataclass(frozen=True)
class Model:
    """A model in a folder, or with None the package's."""

    folder: Path | None = None

    @property
    def language_model(self) -> Path:
        """Trigrams, in pocketsphinx's binary format."""
        return self._file("language_model.bin", "en-us.lm.bin")

    @property
    def dictionary(self) -> Path:
        """All words with their pronunciations."""
        return self._file("dictionary.txt", "cmudict-en-us.dict")

    @property
    def sentences(self) -> Path:
        """What a custom model was made from: spoken words, a sentence in each line."""
        return self._file("sentences.txt")

    @property
    def written_forms(self) -> Path:
        """The words of a custom model's pronunciation data in lower case, and how they are written: JSON."""
        return self._file("written_forms.json")

    @cached_property
    def written(self) -> Mapping[str, str]:
        """The content of `written_forms`; nothing in the package's model."""
        return dict(json.loads(self.written_forms.read_text(encoding="utf-8"))) if self.folder else {}

    def read_sentences(self) -> Iterator[str]:
        """The lines of `sentences`; none in the package's model."""
        if self.folder:
            with self.sentences.open(encoding="utf-8") as file:
                yield from file

    @property
    def is_there(self) -> bool:
        """Whether the folder still holds a model."""
        return self.language_model.is_file()

    def _file(self, custom: str, packaged: str = "") -> Path:
        return self.folder / custom if self.folder else Path(pocketsphinx.get_model_path(f"en-us/{packaged}"))


def read_dictionary(path: Path) -> dict[str, list[Phonemes]]:
    """A dictionary's words, each with its pronunciations, the first the most usual."""
    words: dict[str, list[Phonemes]] = {}
    with path.open(encoding="utf-8") as file:
        for line in file:
            word, *phonemes = line.split()
            words.setdefault(re.sub(r"\(\d+\)$", "", word), []).append(tuple(phonemes))
    return words


def write_dictionary(words: Mapping[str, list[Phonemes]], path: Path) -> None:
    """Write a dictionary as pocketsphinx reads it."""
    with path.open("w", encoding="utf-8") as file:
        file.writelines(_lines(words))


def _lines(words: Mapping[str, list[Phonemes]]) -> Iterator[str]:
    for word, pronunciations in words.items():
        for number, phonemes in enumerate(pronunciations, 1):
            yield f"{word if number == 1 else f'{word}({number})'} {' '.join(phonemes)}\n"
