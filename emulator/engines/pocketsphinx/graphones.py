"""How a word is pronounced, from its spelling: an n-gram model of graphones, learnt from a dictionary.

A graphone is a letter with the none, one or two phonemes that it stands for. Each word of the dictionary is taken apart
into the likeliest graphones (hard expectation maximization), and six in a row are counted. A new word is read as the
likeliest graphones with its letters. All of it in numpy: the dictionary of 130,000 words takes two to three seconds.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

Integers = NDArray[np.int64]
Floats = NDArray[np.float64]

Phonemes = tuple[str, ...]

LETTERS = "abcdefghijklmnopqrstuvwxyz'"

_ITERATIONS = 4
_FIRST_COSTS = (2.0, 1.0, 3.0)
"""Before anything is learnt: what no, one and two phonemes for a letter cost."""
_ORDER = 6
_RARE = 20
"""Graphones that are not seen more often are errors of alignment."""
_BEAM = 40
_UNKNOWN = 1e-7


@dataclass(frozen=True, slots=True)
class _Counts:
    """How often graphones followed each other, by keys in ascending order; one order of the model."""

    keys: Integers
    counts: Floats
    histories: Integers
    totals: Floats
    distinct: Floats


class Graphones:
    """A model learnt from a dictionary, given as words with their phonemes."""

    def __init__(self, dictionary: Iterable[tuple[str, Phonemes]]) -> None:
        entries = sorted(
            ((word, phonemes) for word, phonemes in dictionary if set(word) <= set(LETTERS)),
            key=lambda entry: (len(entry[0]), entry),
        )
        self._phonemes = sorted({phoneme for _, phonemes in entries for phoneme in phonemes})
        self._per_letter = 1 + len(self._phonemes) + len(self._phonemes) ** 2
        sequences = self._align(entries)
        numbers, counts = np.unique(np.concatenate([rows.ravel() for rows in sequences]), return_counts=True)
        self._graphones: Integers = numbers[counts > _RARE]
        # Compact numbers: 0 is the beginning of a word, the last its end.
        self._size = len(self._graphones) + 2
        self._orders = list(self._count(sequences))
        letters = self._graphones // self._per_letter
        self._of_letter = [np.flatnonzero(letters == letter) + 1 for letter in range(len(LETTERS))]

    def pronounce(self, word: str, limit: int) -> list[Phonemes]:
        """The likeliest pronunciations of a word in lower case, best first; none without letters."""
        scores = np.zeros(1)
        paths = np.zeros((1, _ORDER - 1), np.int64)
        letters = [LETTERS.index(letter) for letter in word if letter in LETTERS]
        if not letters:
            return []
        for choices in (*(self._of_letter[letter] for letter in letters), np.array([self._size - 1])):
            longer = scores[:, None] + np.log(self._shares(paths[:, -_ORDER + 1 :], choices))
            best = np.argsort(-longer, axis=None, kind="stable")[:_BEAM]
            rows, columns = np.unravel_index(best, longer.shape)
            scores = longer[rows, columns]
            paths = np.column_stack([paths[rows], choices[columns]])
        readings = (self._sounds(path[_ORDER - 1 : -1]) for path in paths)
        return list(dict.fromkeys(reading for reading in readings if reading))[:limit]

    def _align(self, entries: Sequence[tuple[str, Phonemes]]) -> list[Integers]:
        """Words as graphones: for each length of words an array with a row for each word that can be aligned."""
        numbers = {phoneme: number for number, phoneme in enumerate(self._phonemes)}
        groups = []
        for _, group in groupby(entries, key=lambda entry: len(entry[0])):
            words = list(group)
            longest = max(len(phonemes) for _, phonemes in words)
            letters = np.array([[LETTERS.index(letter) for letter in word] for word, _ in words])
            sounds = np.array(
                [[numbers[p] for p in phonemes] + [0] * (longest - len(phonemes)) for _, phonemes in words]
            )
            lengths = np.array([len(phonemes) for _, phonemes in words])
            groups.append((letters, sounds, lengths))
        count = len(self._phonemes)
        costs = np.tile(np.repeat(_FIRST_COSTS, (1, count, count**2)), len(LETTERS))
        for _ in range(_ITERATIONS):
            aligned = [self._cheapest(*group, costs) for group in groups]
            seen = np.bincount(np.concatenate([rows.ravel() for rows in aligned]), minlength=len(costs))
            of_letter = seen.reshape(len(LETTERS), -1).sum(axis=1).repeat(self._per_letter)
            costs = -np.log((seen + 0.01) / (of_letter + 1))
        return [self._cheapest(*group, costs) for group in groups]

    def _cheapest(self, letters: Integers, sounds: Integers, lengths: Integers, costs: Floats) -> Integers:
        """The cheapest graphones of words of one length, found letter by letter for all of them at once."""
        known = len(self._phonemes)
        words, places = np.arange(len(letters)), sounds.shape[1] + 1
        so_far = np.full((len(letters), places), np.inf)
        so_far[:, 0] = 0
        steps = []
        for letter in letters.T:
            none = (letter * self._per_letter)[:, None]
            graphones = np.broadcast_to(none[:, :, None], (len(letters), places, 3)).copy()
            graphones[:, 1:, 1] += 1 + sounds
            graphones[:, 2:, 2] += 1 + known + sounds[:, :-1] * known + sounds[:, 1:]
            totals = np.full(graphones.shape, np.inf)
            for count in range(3):
                totals[:, count:, count] = so_far[:, : places - count] + costs[graphones[:, count:, count]]
            taken = totals.argmin(axis=2)
            so_far = np.take_along_axis(totals, taken[:, :, None], axis=2)[:, :, 0]
            steps.append((taken, np.take_along_axis(graphones, taken[:, :, None], axis=2)[:, :, 0]))
        place = lengths
        path = []
        for phonemes, graphones in reversed(steps):
            path.append(graphones[words, place])
            place = place - phonemes[words, place]
        reached = np.isfinite(so_far[words, lengths])
        return np.column_stack(path[::-1])[reached]

    def _count(self, sequences: list[Integers]) -> Iterator[_Counts]:
        """The model's orders from one to six."""
        padded = []
        for rows in sequences:
            compact = np.searchsorted(self._graphones, rows)
            known = (self._graphones[np.minimum(compact, len(self._graphones) - 1)] == rows).all(axis=1)
            compact = compact[known] + 1
            edges = ((0, 0), (_ORDER - 1, 1))
            padded.append(np.pad(compact, edges, constant_values=((0, 0), (0, self._size - 1))).ravel())
        tokens = np.concatenate(padded)
        ends = np.flatnonzero(tokens)
        keys = np.zeros(len(ends), np.int64)
        for order in range(_ORDER):
            keys = keys + tokens[ends - order] * self._size**order
            unique, counts = np.unique(keys, return_counts=True)
            histories, first = np.unique(unique // self._size, return_index=True)
            yield _Counts(
                keys=unique,
                counts=counts.astype(np.float64),
                histories=histories,
                totals=np.add.reduceat(counts, first).astype(np.float64),
                distinct=np.diff(np.append(first, len(unique))).astype(np.float64),
            )

    def _shares(self, paths: Integers, choices: Integers) -> Floats:
        """The probability of each choice (column) after each path (row), interpolated by Witten and Bell."""
        shares = np.full((len(paths), len(choices)), _UNKNOWN)
        history = np.zeros(len(paths), np.int64)
        for order, model in enumerate(self._orders):
            if order:
                history = history + paths[:, -order] * self._size ** (order - 1)
            place, is_known = _found(model.histories, history)
            keys = history[:, None] * self._size + choices
            at, was_seen = _found(model.keys, keys)
            counts = np.where(was_seen, model.counts[at], 0)
            totals, distinct = model.totals[place][:, None], model.distinct[place][:, None]
            shares = np.where(is_known[:, None], (counts + distinct * shares) / (totals + distinct), shares)
        return shares

    def _sounds(self, path: Integers) -> Phonemes:
        count = len(self._phonemes)
        phonemes: list[str] = []
        for graphone in self._graphones[path - 1] % self._per_letter:
            if graphone > count:
                first, second = divmod(int(graphone) - 1 - count, count)
                phonemes += (self._phonemes[first], self._phonemes[second])
            elif graphone:
                phonemes.append(self._phonemes[int(graphone) - 1])
        return tuple(phonemes)


def _found(keys: Integers, wanted: Integers) -> tuple[Integers, NDArray[np.bool_]]:
    """Where wanted keys are among others in ascending order, and whether they are there at all."""
    places = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    return places, keys[places] == wanted
