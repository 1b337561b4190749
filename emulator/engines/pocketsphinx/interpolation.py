"""A general language model interpolated with the n-grams of a domain's sentences; pure.

Maximum a posteriori estimation: the more the domain has to say of what follows a word, the more its own shares count
there. What it says nothing of stays as it is.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np

from emulator.engines.pocketsphinx.trigrams import Floats, Integers, Trigrams

START, END = "<s>", "</s>"

# How many words of the domain weigh as much as the general model: in all, after a word, after two words.
_WEIGHT1, _WEIGHT2, _WEIGHT3 = 20_000.0, 5.0, 2.0
_MIN_SHARE = 0.05
"""How much of the single words is the domain's at least, so that a few sentences count too."""
_UNSEEN = 1e-5
"""The probability of a new word that is in no sentence: a rare word's."""
_LEAST = 1e-6


def interpolate(
    general: Trigrams, sentences: Iterable[Sequence[str]], words: Iterable[str] = (), *, general_weight: float = 1
) -> Trigrams:
    """The general model with the sentences worked in; it knows their words, and `words` besides.

    `general_weight`, above 0, is how much the general model counts, 1 being as much as is found suitable.
    """
    ids = {word: number for number, word in enumerate(general.words)}
    for word in words:
        ids.setdefault(word, len(ids))
    words_in_order = (word for sentence in sentences for word in (START, *sentence, END))
    tokens = np.fromiter((ids.setdefault(word, len(ids)) for word in words_in_order), np.int64)
    model = _with_words(general, list(ids))
    if not len(tokens):
        return model
    model = _with_unigrams(model, tokens[tokens != ids[START]], general_weight)
    model = _with_bigrams(model, *_ngrams(tokens, 2, len(ids), ids[START]), general_weight)
    return _with_trigrams(model, *_ngrams(tokens, 3, len(ids), ids[START]), general_weight)


def _ngrams(tokens: Integers, order: int, size: int, start: int) -> tuple[Integers, Floats]:
    """The keys of the n-grams within sentences, and how often each occurs."""
    windows = np.lib.stride_tricks.sliding_window_view(tokens, order)
    windows = windows[(windows[:, 1:] != start).all(axis=1)]
    keys, counts = np.unique(windows @ size ** np.arange(order), return_counts=True)
    return keys, counts.astype(np.float64)


def _with_words(model: Trigrams, words: list[str]) -> Trigrams:
    """The model with new words at the end, and keys for the new size."""
    old, new = len(model.words), len(words)
    keys2 = _resized(model.keys2, old, new)
    return replace(
        model,
        words=words,
        prob1=np.append(model.prob1, np.full(new - old, _UNSEEN)),
        backoff1=np.append(model.backoff1, np.ones(new - old)),
        keys2=keys2,
        keys3=_resized(model.keys3 // old, old, new) * new + model.keys3 % old,
    )


def _resized(keys2: Integers, old: int, new: int) -> Integers:
    return keys2 // old * new + keys2 % old


def _with_unigrams(model: Trigrams, tokens: Integers, weight: float) -> Trigrams:
    share = max(len(tokens) / (len(tokens) + _WEIGHT1 * weight), _MIN_SHARE / max(weight, 1))
    counts = np.bincount(tokens, minlength=len(model.words))
    prob1 = (1 - share) * model.prob1 + share * counts / len(tokens)
    start = model.words.index(START)
    prob1[start] = model.prob1[start]  # it follows nothing
    return replace(model, prob1=prob1)


def _with_bigrams(model: Trigrams, keys: Integers, counts: Floats, weight: float) -> Trigrams:
    size = len(model.words)
    new = keys[~np.isin(keys, model.keys2, assume_unique=True)]
    places = np.searchsorted(model.keys2, new)
    keys2 = np.insert(model.keys2, places, new)
    prob2 = np.insert(model.prob2, places, model.backoff1[new % size] * model.prob1[new // size])
    backoff2 = np.insert(model.backoff2, places, 1.0)

    before = keys2 % size
    prob2 = _mixed(prob2, before, np.searchsorted(keys2, keys), counts, _WEIGHT2 * weight)
    backoff1 = _backoffs(model.backoff1, before, prob2, model.prob1[keys2 // size])
    return replace(model, keys2=keys2, prob2=prob2, backoff2=backoff2, backoff1=backoff1)


def _with_trigrams(model: Trigrams, keys: Integers, counts: Floats, weight: float) -> Trigrams:
    size = len(model.words)
    new = keys[~np.isin(keys, model.keys3, assume_unique=True)]
    places = np.searchsorted(model.keys3, new)
    keys3 = np.insert(model.keys3, places, new)
    # By construction of the keys, the first two words' bigram is the rest of a division, the last two's the quotient.
    shorter = model.prob2[np.searchsorted(model.keys2, new // size)]
    prob3 = np.insert(model.prob3, places, model.backoff2[np.searchsorted(model.keys2, new % size**2)] * shorter)

    before = np.searchsorted(model.keys2, keys3 % size**2)
    prob3 = _mixed(prob3, before, np.searchsorted(keys3, keys), counts, _WEIGHT3 * weight)
    shorter = model.prob2[np.searchsorted(model.keys2, keys3 // size)]
    backoff2 = _backoffs(model.backoff2, before, prob3, shorter)
    return replace(model, keys3=keys3, prob3=prob3, backoff2=backoff2)


def _mixed(general: Floats, before: Integers, places: Integers, counts: Floats, weight: float) -> Floats:
    """The n-grams' probabilities, those at `places` raised by the domain's counts and their siblings lowered."""
    seen = np.bincount(before[places], counts, before.max() + 1)
    mixed: Floats = general * (weight / (seen + weight))[before]
    mixed[places] += counts / (seen[before[places]] + weight)
    return mixed


def _backoffs(old: Floats, before: Integers, longer: Floats, shorter: Floats) -> Floats:
    """What each history leaves for the words that it has no n-gram of; histories without any keep what they had."""
    left = 1 - np.bincount(before, longer, len(old))
    left_shorter = 1 - np.bincount(before, shorter, len(old))
    has_any = np.bincount(before, minlength=len(old)) > 0
    return np.where(has_any, np.maximum(left, _LEAST) / np.maximum(left_shorter, _LEAST), old)
