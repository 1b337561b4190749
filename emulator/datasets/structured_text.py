"""Structured text (kind LanguageMarkdown): lists, sentences that refer to them, and pronunciations of words.

The format, as Microsoft's page "Training and testing datasets" for Custom Speech describes it:

    // a comment
    @ list pet =
    - cat
    - dog
    @ speech:phoneticlexicon
    - cat/k ae t
    #TrainingSentences
    - what {@pet} do you have
"""

import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import count, product

from emulator.datasets.findings import Findings
from emulator.datasets.text import sentence_of
from emulator.engines.training_data import parse_pronunciation

LISTS_LIMIT = 20
ITEMS_LIMIT = 35_000
LEXICON_LIMIT = 15_000
PRONUNCIATIONS_LIMIT = 2
"""Lists; items of a list; entries of the lexicon; pronunciations of a word."""
COMBINATIONS_LIMIT = 1_000
"""Sentences of which every combination of items is made; of more, so many that every item occurs."""
SENTENCES_LIMIT = 500_000
"""Sentences that are made of all."""

_LIST = re.compile(r"@\s*list\s+(\w+)\s*=")
_LEXICON = re.compile(r"@\s*speech:phoneticlexicon\s*=?")
_SECTION = re.compile(r"#\s*\w+")
_ITEM = re.compile(r"[-*+]\s+(.*)")
_REFERENCE = re.compile(r"\{@\s*(\w+)\s*\}")


@dataclass(slots=True)
class StructuredText:
    """What was read: sentences with references still in them, with their lines."""

    lists: dict[str, list[str]] = field(default_factory=dict)
    pronunciations: list[str] = field(default_factory=list)
    """Lines of pronunciation data."""
    templates: list[tuple[int, str]] = field(default_factory=list)


def parse(lines: Iterable[tuple[int, str]], findings: Findings) -> StructuredText:
    """Read structured text; what is wrong is rejected, as are sentences that refer to a list that is not there."""
    reader = _Reader(findings)
    for number, line in lines:
        if not line.startswith("//"):
            reader.read(number, line)
    return reader.finished()


def sentences(text: StructuredText) -> Iterator[str]:
    """Every sentence with items in place of its references."""
    for _, template in text.templates:
        yield from _expanded(template, text.lists)


class _Reader:
    """Reads line by line; `_take` is what an item of the present part is for."""

    def __init__(self, findings: Findings) -> None:
        self._findings = findings
        self._text = StructuredText()
        self._spoken: Counter[str] = Counter()
        self._items: list[str] | None = None
        self._part = "nothing"

    def read(self, number: int, line: str) -> None:
        try:
            if item := _ITEM.fullmatch(line):
                self._take(number, item[1].strip())
            else:
                self._begin(line)
        except ValueError as error:
            self._findings.reject_line(number, str(error))

    def finished(self) -> StructuredText:
        """The text, once all sentences are known to refer to lists that are there and have items."""
        kept, room = [], SENTENCES_LIMIT
        for number, template in self._text.templates:
            lists = _REFERENCE.findall(template)
            missing = [name for name in lists if not self._text.lists.get(name)]
            made = _count([self._text.lists[name] for name in lists]) if not missing else 0
            if missing:
                self._findings.reject_line(number, f"There is no list {missing[0]!r} with items in it.")
            elif made > room:
                self._findings.reject_line(number, f"More than {SENTENCES_LIMIT:,} sentences would come of the text.")
            else:
                room -= made
                self._findings.accept_line(number)
                kept.append((number, template))
        self._text.templates = kept
        return self._text

    def _begin(self, line: str) -> None:
        self._part = "nothing"
        if found := _LIST.fullmatch(line):
            if len(self._text.lists) == LISTS_LIMIT and found[1] not in self._text.lists:
                raise ValueError(f"There are more than {LISTS_LIMIT} lists.")
            self._items = self._text.lists.setdefault(found[1], [])
            self._part = "list"
        elif _LEXICON.fullmatch(line):
            self._part = "lexicon"
        elif _SECTION.fullmatch(line):
            self._part = "sentences"
        else:
            raise ValueError("The line begins neither a list, the lexicon, nor a section of sentences, and is no item.")

    def _take(self, number: int, item: str) -> None:
        match self._part:
            case "list":
                self._take_item(item)
            case "lexicon":
                self._take_pronunciation(item)
            case "sentences":
                self._take_sentence(number, item)
                return
            case _:
                raise ValueError("The item belongs to no list or section.")
        self._findings.accept_line(number)

    def _take_item(self, item: str) -> None:
        items = self._items if self._items is not None else []
        if "{" in item or "}" in item:
            raise ValueError("An item of a list cannot refer to a list.")
        if len(items) == ITEMS_LIMIT:
            raise ValueError(f"The list has more than {ITEMS_LIMIT:,} items.")
        items.append(sentence_of(item))

    def _take_pronunciation(self, item: str) -> None:
        word, _, phonemes = map(str.strip, item.partition("/"))
        if not phonemes:
            raise ValueError("The entry is not a word, a slash, and its phonemes.")
        if len(self._text.pronunciations) == LEXICON_LIMIT:
            raise ValueError(f"The lexicon has more than {LEXICON_LIMIT:,} entries.")
        parse_pronunciation(line := f"{word}\t/{' '.join(phonemes.split())}/")
        if self._spoken[word] == PRONUNCIATIONS_LIMIT:
            raise ValueError(f"The word has more than {PRONUNCIATIONS_LIMIT} pronunciations.")
        self._spoken[word] += 1
        self._text.pronunciations.append(line)

    def _take_sentence(self, number: int, item: str) -> None:
        places = count()
        plain = _REFERENCE.sub(lambda _: f"item{next(places)}", item)
        if "{" in plain or "}" in plain:
            raise ValueError("A reference to a list is written {@name}.")
        sentence_of(plain)
        self._text.templates.append((number, " ".join(item.split())))


def _count(choices: list[list[str]]) -> int:
    """How many sentences are made of one."""
    combinations = math.prod(map(len, choices))
    return combinations if combinations <= COMBINATIONS_LIMIT else max(map(len, choices))


def _expanded(template: str, lists: dict[str, list[str]]) -> Iterator[str]:
    parts = _REFERENCE.split(template)
    choices = [lists[name] for name in parts[1::2]]
    if math.prod(map(len, choices)) <= COMBINATIONS_LIMIT:
        combinations: Iterable[tuple[str, ...]] = product(*choices)
    else:
        rounds = range(_count(choices))
        combinations = (tuple(items[number % len(items)] for items in choices) for number in rounds)
    for chosen in combinations:
        yield "".join(part for pair in zip(parts[::2], (*chosen, ""), strict=True) for part in pair)
