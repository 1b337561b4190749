"""Language models: their file format, interpolation with sentences, and pronunciations by spelling."""

from pathlib import Path

import numpy as np
import pocketsphinx
import pytest

from emulator.engines.pocketsphinx.graphones import Graphones
from emulator.engines.pocketsphinx.interpolation import interpolate
from emulator.engines.pocketsphinx.model import Model, read_dictionary
from emulator.engines.pocketsphinx.trigrams import Floats, Trigrams, read_trigrams, write_trigrams

LOG_BASE = 1.0001


def load(path: Path) -> pocketsphinx.NGramModel:
    """A model as pocketsphinx reads it."""
    return pocketsphinx.NGramModel(pocketsphinx.Config(), pocketsphinx.LogMath(), str(path))


def distribution(model: Trigrams, *before: str) -> Floats:
    """The probability of each word after none, one or two others, by the definition of a backoff model."""
    size = len(model.words)
    if not before:
        return model.prob1
    shorter = distribution(model, *before[1:])
    *first, last = (model.words.index(word) for word in before)
    if not first:
        rest: Floats = model.backoff1[last] * shorter
        listed = model.keys2 % size == last
        rest[model.keys2[listed] // size] = model.prob2[listed]
        return rest
    history = last * size + first[0]
    place = np.flatnonzero(model.keys2 == history)
    rest = (model.backoff2[place[0]] if len(place) else 1) * shorter
    listed = model.keys3 % size**2 == history
    rest[model.keys3[listed] // size**2] = model.prob3[listed]
    return rest


@pytest.fixture(scope="module")
def general() -> Trigrams:
    """The package's model."""
    return read_trigrams(Model().language_model)


def test_the_packages_model_is_read_as_pocketsphinx_reads_it(general: Trigrams) -> None:
    """Probabilities of the same trigrams agree."""
    theirs = load(Model().language_model)
    size = len(general.words)
    for place in np.random.default_rng(1).choice(len(general.keys3), 500):
        key = int(general.keys3[place])
        words = [general.words[number] for number in (key // size**2, key // size % size, key % size)]
        assert theirs.prob(words) == pytest.approx(np.log(general.prob3[place]) / np.log(LOG_BASE), abs=2)


def test_sentences_are_worked_in(general: Trigrams, tmp_path: Path) -> None:
    """What the sentences say becomes likely, probabilities add up to one, and the file says the same."""
    sentences = [["the", "patient", "takes", "apixaban"], ["the", "patient", "rests"]]

    adapted = interpolate(general, sentences, ["cntk"])
    write_trigrams(adapted, tmp_path / "model.bin")
    theirs = load(tmp_path / "model.bin")

    assert adapted.words[len(general.words) :] == ["cntk", "apixaban"]
    for before in ((), ("the",), ("patient",), ("apixaban",), ("the", "patient"), ("patient", "takes"), ("of", "the")):
        shares = distribution(adapted, *before)
        assert shares.sum() == pytest.approx(1, abs=1e-3)
        for word in ("takes", "apixaban", "cntk", "day", "</s>"):
            expected = np.log(shares[adapted.words.index(word)]) / np.log(LOG_BASE)
            assert theirs.prob([word, *reversed(before)]) == pytest.approx(expected, abs=3)
    takes = adapted.words.index("takes")
    assert distribution(adapted, "the", "patient")[takes] > 0.2 > distribution(general, "the", "patient")[takes]
    unrelated = general.words.index("states")
    assert distribution(adapted, "the", "united")[unrelated] == pytest.approx(
        distribution(general, "the", "united")[unrelated], rel=0.02
    )


def test_the_weight_of_the_general_model(general: Trigrams) -> None:
    """The less it weighs, the more what the sentences say counts; probabilities add up to one whatever it is."""
    sentences = [["the", "patient", "takes", "apixaban"], ["the", "patient", "rests"]]
    shares = []
    for weight in (99, 1, 0.001):
        adapted = interpolate(general, sentences, general_weight=weight)
        next_words = distribution(adapted, "the", "patient")
        assert next_words.sum() == pytest.approx(1, abs=1e-3)
        assert distribution(adapted).sum() == pytest.approx(1, abs=1e-3)
        shares.append(next_words[adapted.words.index("takes")])
    assert shares[0] < 0.1 < shares[1] < 0.4 < shares[2] <= 0.5


def test_another_file_is_no_model(tmp_path: Path) -> None:
    """It is refused."""
    (tmp_path / "model.bin").write_bytes(b"\\data\\")
    with pytest.raises(ValueError, match="no trigram model"):
        read_trigrams(tmp_path / "model.bin")


def test_spelling_tells_the_pronunciation() -> None:
    """Of words held out from the dictionary, most are among the three likeliest readings."""
    dictionary = read_dictionary(Model().dictionary)
    words = sorted(word for word in dictionary if word.isalpha() and len(word) > 3)
    held_out = set(np.random.default_rng(1).choice(words, 200).tolist())
    graphones = Graphones(
        (word, each) for word, pronunciations in dictionary.items() if word not in held_out for each in pronunciations
    )

    readings = {word: graphones.pronounce(word, 3) for word in held_out}

    assert sum(bool(set(dictionary[word]) & set(readings[word])) for word in held_out) >= 0.8 * len(held_out)
    assert graphones.pronounce("42", 3) == []
