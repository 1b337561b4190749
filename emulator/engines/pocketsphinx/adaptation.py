"""A custom model from sentences and pronunciations; runs in a worker process of its own.

The sentences' n-grams are worked into the general language model, and words that the dictionary lacks get a
pronunciation: from the pronunciation data, else from their spelling.
"""

import json
import re
from dataclasses import replace
from functools import cached_property
from itertools import chain
from pathlib import Path
from typing import TextIO

from emulator.engines.pocketsphinx.graphones import Graphones
from emulator.engines.pocketsphinx.interpolation import interpolate
from emulator.engines.pocketsphinx.model import Model, Phonemes, read_dictionary, write_dictionary
from emulator.engines.pocketsphinx.recognizer import LOCALE
from emulator.engines.pocketsphinx.trigrams import read_trigrams, write_trigrams
from emulator.engines.protocol import AdaptationError, AdaptationReport, AdaptationRequest, UnusedLine
from emulator.engines.text_normalization import spoken_words
from emulator.engines.training_data import parse_pronunciation, read_lines

_DERIVED = 3
"""Pronunciations that a word gets by its spelling."""
_WORD = re.compile(r"\w[\w'.&+/-]*")
_SAPI = {"AX": "AH", "H": "HH"}
"""Phonemes of the service's English set that the dictionary has another name for."""


def adapt(request: AdaptationRequest) -> AdaptationReport:
    """Make a custom model in the request's folder.

    Raises:
        AdaptationError: for another locale than en-US, a base that is gone, files that are not UTF-8, and data without
            a line that can be used.
    """
    if request.locale.lower() != LOCALE.lower():
        raise AdaptationError(f"The pocketsphinx engine adapts models for {LOCALE} only, not {request.locale}.")
    base, model = Model(request.base), Model(request.to)
    if not base.is_there:
        raise AdaptationError("The base model is no longer there.")
    report = _learn(request, base, model)
    return replace(report, new_words=_make_language_model(base, model, request.weight_percent))


def _learn(request: AdaptationRequest, base: Model, model: Model) -> AdaptationReport:
    """Make all of the model but its language model; the report, as yet without new words."""
    written = dict(base.written)
    vocabulary = Vocabulary(read_dictionary(base.dictionary))
    unused: list[UnusedLine] = []
    pronunciations = _take_pronunciations(request.pronunciations, vocabulary, written, unused)
    with model.sentences.open("w", encoding="utf-8") as file:
        file.writelines(base.read_sentences())
        sentences = _take_sentences(request.sentences, vocabulary, file, unused)
    if not pronunciations + sentences:
        raise AdaptationError(_why_nothing(unused))
    write_dictionary(vocabulary.words, model.dictionary)
    model.written_forms.write_text(json.dumps(written), encoding="utf-8")
    derived = tuple(vocabulary.derived)
    return AdaptationReport(sentences, pronunciations, derived_words=derived, unused=tuple(unused))


class Vocabulary:
    """The dictionary as it grows; `derived` are the new words whose pronunciation is from their spelling."""

    def __init__(self, words: dict[str, list[Phonemes]]) -> None:
        self.words = words
        self.derived: list[str] = []
        self._phonemes = {phoneme for pronunciations in words.values() for each in pronunciations for phoneme in each}

    def add(self, word: str, spoken: str) -> None:
        """Know a word, or another pronunciation of it; ValueError where the spoken form has none."""
        pronunciation = self._pronunciation(spoken)
        pronunciations = self.words.setdefault(word, [])
        if pronunciation not in pronunciations:
            pronunciations.append(pronunciation)

    def require(self, word: str) -> None:
        """Know a word, if need be by its spelling; ValueError where that has no letters."""
        if word not in self.words:
            self.words[word] = self._derive(word)[:_DERIVED]
            self.derived.append(word)

    def _pronunciation(self, spoken: str) -> Phonemes:
        """How words, single letters or syllables, or phonemes between slashes, are pronounced one after the other."""
        if match := re.fullmatch(r"/(.+)/", spoken.strip()):
            phonemes = [_SAPI.get(phoneme, phoneme) for phoneme in match[1].upper().split()]
            if unknown := [phoneme for phoneme in phonemes if phoneme not in self._phonemes]:
                raise ValueError(f"The recognizer has no phoneme {', '.join(unknown)}.")
            return tuple(phonemes)
        parts = " ".join(f"{part}." if re.fullmatch("[a-z]", part) else part for part in spoken.lower().split())
        words = spoken_words(parts, self.words)
        return tuple(chain.from_iterable((self.words.get(word) or self._derive(word))[0] for word in words))

    def _derive(self, word: str) -> list[Phonemes]:
        readings = self._graphones.pronounce(word, _DERIVED)
        if not readings:
            raise ValueError(f"The word {word!r} cannot be pronounced.")
        return readings

    @cached_property
    def _graphones(self) -> Graphones:
        return Graphones((word, each) for word, pronunciations in self.words.items() for each in pronunciations)


def _take_pronunciations(
    path: Path | None, vocabulary: Vocabulary, written: dict[str, str], unused: list[UnusedLine]
) -> int:
    """Learn the words of the pronunciation data; the number of lines used."""
    used = 0
    for number, line in read_lines(path):
        try:
            entry = parse_pronunciation(line)
            if not _WORD.fullmatch(entry.written):
                raise ValueError(f"The written form {entry.written!r} has symbols that a word cannot have.")  # noqa: TRY301 - reported like the others
            vocabulary.add(entry.written.lower(), entry.spoken)
        except ValueError as error:
            unused.append(UnusedLine("pronunciations", number, str(error)))
        else:
            written[entry.written.lower()] = entry.written
            used += 1
    return used


def _take_sentences(path: Path | None, vocabulary: Vocabulary, file: TextIO, unused: list[UnusedLine]) -> int:
    """Learn the words of the sentences and write those as spoken; the number of lines used."""
    used = 0
    for number, line in read_lines(path):
        try:
            words = spoken_words(line, vocabulary.words)
            for word in words:
                vocabulary.require(word)
        except ValueError as error:
            unused.append(UnusedLine("sentences", number, str(error)))
        else:
            file.write(f"{' '.join(words)}\n")
            used += 1
    return used


def _make_language_model(base: Model, model: Model, weight_percent: int) -> tuple[str, ...]:
    """Work all that a custom model was made from into the general language model; the words that its base lacks."""
    general = read_trigrams(Model().language_model)
    known = set(general.words).union(base.written, *(line.split() for line in base.read_sentences()))
    sentences = (line.split() for line in model.read_sentences())
    general_weight = max(100 - weight_percent, 0.1) / weight_percent
    adapted = interpolate(general, sentences, model.written, general_weight=general_weight)
    del general  # 120 MB that the writing can use
    write_trigrams(adapted, model.language_model)
    return tuple(word for word in adapted.words if word not in known)


def _why_nothing(unused: list[UnusedLine]) -> str:
    if not unused:
        return "The data holds no sentence and no pronunciation."
    first = unused[0]
    return f"None of the {len(unused)} lines can be used; line {first.line} of the {first.data}: {first.reason}"
