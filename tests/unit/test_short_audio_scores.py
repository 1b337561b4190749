"""What a clip sounds like, how a reading is scored, and the language model that expects a text."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator.engines.audio import Samples
from emulator.engines.clip import sound_of
from emulator.engines.pocketsphinx.assessment import language_model
from emulator.engines.pronunciation import overall_scores, phoneme_accuracy, word_accuracy
from emulator.engines.protocol import TICKS_PER_SECOND, AssessedWord, Phoneme, PronunciationError

RATE = 16_000
TIMES = np.arange(3 * RATE) / RATE


def wave(signal: np.ndarray[tuple[int], np.dtype[np.float64]], peak: float = 0.3) -> Samples:
    """A signal scaled to a share of full scale."""
    samples: Samples = (signal / np.abs(signal).max() * peak * 32767).astype(np.int16)
    return samples


WHITE = np.random.default_rng(1).normal(size=len(TIMES))
SYLLABLES = 0.02 + np.sin(2 * np.pi * 2 * TIMES) ** 2
RUMBLE = np.convolve(WHITE, 0.99 ** np.arange(1000), mode="same")
BUZZ = sum(np.sin(2 * np.pi * 120 * n * TIMES) / n for n in range(1, 20)) * SYLLABLES


@pytest.mark.parametrize(
    ("sound", "samples"),
    [
        ("silence", np.zeros(3 * RATE, np.int16)),
        ("silence", np.zeros(0, np.int16)),
        ("silence", wave(WHITE, 0.002)),
        ("noise", wave(WHITE)),
        ("noise", wave(RUMBLE)),
        ("noise", wave(WHITE * SYLLABLES)),
        ("noise", wave(np.sin(2 * np.pi * 440 * TIMES))),
        ("speech", wave(BUZZ)),
        ("speech", wave(BUZZ + 0.03 * WHITE)),
    ],
    ids=["zeros", "nothing", "quiet", "hiss", "rumble", "bursts", "tone", "voice", "voice in noise"],
)
def test_silence_noise_and_speech_are_told_apart(sound: str, samples: Samples) -> None:
    """Speech swings and is voiced; a steady sound is noise whatever its pitch, bursts without pitch are too."""
    assert sound_of(samples) == sound


def word(error: PronunciationError, accuracy: float, at: float = 0, seconds: float = 0.4) -> AssessedWord:
    """A word of four phonemes."""
    start, length = int(at * TICKS_PER_SECOND), int(seconds * TICKS_PER_SECOND)
    if error == "Omission":
        return AssessedWord("word", error, 0)
    phonemes = tuple(Phoneme("ah", start + n * length // 4, length // 4, accuracy) for n in range(4))
    return AssessedWord("word", error, accuracy, start, length, understood=error == "None", phonemes=phonemes)


def test_a_perfect_reading_has_full_marks() -> None:
    """No pause, no error, a common rate."""
    scores = overall_scores([word("None", 100, at=n * 0.4) for n in range(10)])
    assert (scores.accuracy, scores.fluency, scores.completeness, scores.overall) == pytest.approx((100,) * 4)


def test_each_fault_lowers_its_own_score() -> None:
    """Omissions lower completeness, insertions neither it nor accuracy, pauses and haste fluency."""
    left_out = overall_scores([word("None", 90), word("Omission", 0)])
    assert (left_out.accuracy, left_out.completeness) == (90, 50)
    put_in = overall_scores([word("None", 90), word("Insertion", 10, at=0.4)])
    assert (put_in.accuracy, put_in.completeness) == (90, 100)
    misread = overall_scores([word("None", 90), word("Mispronunciation", 10, at=0.4)])
    assert (misread.accuracy, misread.completeness) == (50, 50)
    assert misread.fluency < 70
    paused = overall_scores([word("None", 90), word("None", 90, at=2.4)])
    assert 50 < paused.fluency < 65
    hasty = overall_scores([word("None", 90, at=n * 0.15, seconds=0.15) for n in range(10)])
    assert 30 < hasty.fluency < 60
    assert overall_scores([word("Omission", 0)]).overall == 0


@given(
    st.lists(st.builds(word, st.sampled_from(["None", "Omission", "Insertion", "Mispronunciation"]), st.floats(0, 100)))
)
def test_scores_stay_between_0_and_100(words: list[AssessedWord]) -> None:
    """Whatever the words are; the overall score lies between the lowest and the highest."""
    scores = overall_scores(words)
    parts = (scores.accuracy, scores.fluency, scores.completeness)
    assert all(0 <= score <= 100.000001 for score in parts)
    assert min(parts) - 1e-6 <= scores.overall <= max(parts) + 1e-6


def test_one_wrong_sound_makes_a_wrong_word() -> None:
    """A better fit scores higher, and a word's worst phoneme weighs half."""
    assert 0 < phoneme_accuracy(-10) < 1
    assert 50 < phoneme_accuracy(-3) < phoneme_accuracy(-1) < 100
    good, bad = Phoneme("ah", 0, 1, 100), Phoneme("ah", 0, 1, 0)
    assert word_accuracy([good] * 3 + [bad]) == 37.5
    assert word_accuracy([]) == 0


def test_the_language_model_expects_the_text() -> None:
    """Single words make up one; after a word of the text, the next one has nine tenths; counts are those told."""
    text = ["to", "be", "or", "not", "to", "be"]
    lines = language_model(text, {"be": 0.5, "frequent": 0.5}).splitlines()
    sections = {
        name: lines[lines.index(f"\\{n}-grams:") + 1 :] for n, name in ((1, "single"), (2, "pairs"), (3, "triples"))
    }
    entries = {name: [line.split() for line in part[: part.index("")]] for name, part in sections.items()}
    for n, name in enumerate(sections, 1):
        assert f"ngram {n}={len(entries[name])}" in lines
    assert sum(10 ** float(entry[0]) for entry in entries["single"]) == pytest.approx(1, abs=1e-3)
    pairs = {tuple(entry[1:3]): 10 ** float(entry[0]) for entry in entries["pairs"]}
    assert pairs["to", "be"] == pytest.approx(0.9, abs=1e-3)
    assert pairs["be", "or"] == pytest.approx(0.45, abs=1e-3)
    assert pairs["<s>", "to"] == pytest.approx(0.9, abs=1e-3)
