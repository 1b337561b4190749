"""A trigram language model in memory, read from and written to pocketsphinx's binary file format.

The format ("Trie Language Model") is a tree: words, before each the words that may come before it, before each of
those the words before that. Numbers lie side by side bit by bit, and probabilities are places in tables of 65,536
values. It is written here because pocketsphinx writes it from text only: ten times the time, three times the memory.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Integers = NDArray[np.int64]
Floats = NDArray[np.float64]

_MAGIC = b"Trie Language Model"
_LOG_BASE = np.log(1.0001)
_TABLE_BITS = 16
_TABLE = 1 << _TABLE_BITS
_UNIGRAM = np.dtype([("prob", "<f4"), ("backoff", "<f4"), ("next", "<u4")])
_PADDING = 8  # bytes, after each packed array
_ROWS = 1 << 16  # packed at a time; a multiple of 8, so that each time ends with a whole byte


@dataclass(frozen=True, slots=True)
class Trigrams:
    """Probabilities of words after none, one or two others; a word's id is its place in `words`.

    The n-grams are in the order of their keys. A bigram's key is `word * size + before`, a trigram's `key of the bigram
    of its last two words * size + first word`, where `size` is the number of words; that bigram is always there.
    """

    words: list[str]
    prob1: Floats
    backoff1: Floats
    keys2: Integers
    prob2: Floats
    backoff2: Floats
    keys3: Integers
    prob3: Floats


def read_trigrams(path: Path) -> Trigrams:
    """Read a model; ValueError where the file is none, or not of trigrams."""
    data = np.fromfile(path, np.uint8)
    start = len(_MAGIC) + 1
    if data[:start].tobytes() != _MAGIC + b"\x03":
        raise ValueError(f"{path.name} is no trigram model of pocketsphinx.")
    file = _Reader(data, start)
    counts = [int(count) for count in file.take("<u4", 3)]
    file.take("<u4", 1)
    tables = np.exp(file.take("<f4", 3 * _TABLE).astype(np.float64) * _LOG_BASE).reshape(3, _TABLE)
    unigrams = file.take(_UNIGRAM, counts[0] + 1)
    word_bits, next_bits = counts[0].bit_length(), counts[2].bit_length()
    before, backoff2, prob2, next3 = file.unpack(counts[1], [word_bits, _TABLE_BITS, _TABLE_BITS, next_bits])
    first, prob3 = file.unpack(counts[2], [word_bits, _TABLE_BITS])
    (length,) = file.take("<u4", 1)
    words = file.take("u1", length).tobytes().decode().split("\0")[: counts[0]]

    # The header may count more bigrams than there are, so it sizes the arrays only.
    keys2 = _owners(unigrams["next"]) * counts[0] + before[: unigrams["next"][-1]]
    keys3 = keys2[_owners(next3[: len(keys2) + 1])] * counts[0] + first[:-1]
    order3 = np.argsort(keys3, kind="stable")  # a few are out of order in the package's own model
    return Trigrams(
        words=words,
        prob1=np.exp(unigrams["prob"][:-1] * _LOG_BASE),
        backoff1=np.exp(unigrams["backoff"][:-1] * _LOG_BASE),
        keys2=keys2,
        prob2=tables[0][prob2[: len(keys2)]],
        backoff2=tables[1][backoff2[: len(keys2)]],
        keys3=keys3[order3],
        prob3=tables[2][prob3[order3]],
    )


def write_trigrams(model: Trigrams, path: Path) -> None:
    """Write a model so that pocketsphinx can read it."""
    size = len(model.words)
    table_prob2, prob2 = _tabulated(model.prob2)
    table_backoff2, backoff2 = _tabulated(model.backoff2)
    table_prob3, prob3 = _tabulated(model.prob3)
    unigrams = np.zeros(size + 1, _UNIGRAM)
    unigrams["prob"][:-1] = np.log(model.prob1) / _LOG_BASE
    unigrams["backoff"][:-1] = np.log(model.backoff1) / _LOG_BASE
    unigrams["next"] = np.searchsorted(model.keys2, np.arange(size + 1) * size)
    next3 = np.searchsorted(model.keys3, np.append(model.keys2 * size, np.iinfo(np.int64).max))
    # One bigram more than there are, whose `next` says where the last one's trigrams end.
    before, backoff2, prob2 = (np.append(each, 0) for each in (model.keys2 % size, backoff2, prob2))
    word_bits, next_bits = size.bit_length(), len(model.keys3).bit_length()
    words = "".join(f"{word}\0" for word in model.words).encode()
    with path.open("wb") as file:
        file.write(_MAGIC + b"\x03")
        file.write(np.array([size, len(model.keys2), len(model.keys3), 1], "<u4").tobytes())
        file.write(np.concatenate([table_prob2, table_backoff2, table_prob3]).astype("<f4").tobytes())
        file.write(unigrams.tobytes())
        file.writelines(_pack([(before, word_bits), (backoff2, _TABLE_BITS), (prob2, _TABLE_BITS), (next3, next_bits)]))
        file.write(bytes(_PADDING))
        file.writelines(_pack([(np.append(model.keys3 % size, 0), word_bits), (np.append(prob3, 0), _TABLE_BITS)]))
        file.write(bytes(_PADDING))
        file.write(np.array([len(words)], "<u4").tobytes() + words)


class _Reader:
    """The bytes of a file, taken from front to back."""

    def __init__(self, data: NDArray[np.uint8], position: int) -> None:
        self._data = data
        self._position = position

    def take(self, kind: str | np.dtype[np.void], count: int) -> NDArray[Any]:
        end = self._position + np.dtype(kind).itemsize * count
        values = self._data[self._position : end].view(kind)
        self._position = end
        return values

    def unpack(self, rows: int, widths: list[int]) -> list[NDArray[np.uint32]]:
        """Columns of unsigned numbers of so many bits each, from a packed array of `rows` and one more."""
        packed = self.take("u1", ((rows + 1) * sum(widths) + 7) // 8 + _PADDING)
        windows = np.lib.stride_tricks.sliding_window_view(packed, 8)
        columns = []
        places = np.arange(rows + 1) * sum(widths)
        for width in widths:
            values = windows[places >> 3].view("<u8")[:, 0] >> (places & 7).astype(np.uint64)
            columns.append((values & np.uint64((1 << width) - 1)).astype(np.uint32))
            places += width
        return columns


def _pack(columns: list[tuple[Integers, int]]) -> Iterator[bytes]:
    """Rows of unsigned numbers, given as columns with their width in bits, side by side."""
    for start in range(0, len(columns[0][0]), _ROWS):
        bits = [(values[start : start + _ROWS, None] >> np.arange(width)) & 1 for values, width in columns]
        yield np.packbits(np.concatenate(bits, axis=1, dtype=np.uint8, casting="unsafe"), bitorder="little").tobytes()


def _owners(nexts: NDArray[Any]) -> Integers:
    """Whose child each child is, from where each one's children begin and the last one's end."""
    counts: Integers = nexts[1:].astype(np.int64) - nexts[:-1].astype(np.int64)
    return np.repeat(np.arange(len(counts)), counts)


def _tabulated(probabilities: Floats) -> tuple[Floats, Integers]:
    """A table of logarithms, and for each probability the place in it of the nearest."""
    logs = np.log(probabilities) / _LOG_BASE
    low, high = logs.min(), logs.max()
    table = np.linspace(low, high, _TABLE)
    places = np.rint((logs - low) * ((_TABLE - 1) / max(high - low, 1e-9))).astype(np.int64)
    return table, places
