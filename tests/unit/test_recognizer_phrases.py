"""Speech is found where it is, cut where it pauses, and told apart by voice."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from emulator.engines.audio import SAMPLE_RATE, Samples, open_audio
from emulator.engines.diarization import hear_voice, tell_apart
from emulator.engines.pocketsphinx.decoder import Heard, HeardWord, Reading, alternative_confidence, word_confidence
from emulator.engines.pocketsphinx.phrases import MAX_PHRASE_SECONDS, Speech, SpeechFinder
from emulator.engines.pocketsphinx.speaker_turns import split_by_speaker

ROOT = Path(__file__).parents[2]
CLIP = ROOT / "tests" / "data" / "audio" / "clip.flac"
CALL = ROOT / "samples" / "call.flac"
CLIP_SPEECH = ((1.19, 3.68), (5.53, 8.49))
"""Where the clip is louder than silence, in seconds."""


def read(path: Path, channel: int = 0) -> Samples:
    """One channel of a file."""
    with open_audio(path) as audio:
        return np.concatenate([block[:, channel] for block in audio.blocks])


def find(samples: Samples, block: int = SAMPLE_RATE) -> list[Speech]:
    """All phrases of a channel that is fed in blocks."""
    finder = SpeechFinder()
    found = [
        speech for start in range(0, len(samples), block) for speech in finder.feed(samples[start : start + block])
    ]
    return [*found, *finder.finish()]


def test_phrases_lie_where_the_speech_is() -> None:
    """Each spoken stretch is one phrase, with its own samples, and little more than the speech."""
    samples = read(CLIP)

    found = find(samples)

    assert len(found) == len(CLIP_SPEECH)
    for speech, (start, end) in zip(found, CLIP_SPEECH, strict=True):
        assert speech.start / SAMPLE_RATE == pytest.approx(start - 0.1, abs=0.12)
        assert (speech.start + len(speech.samples)) / SAMPLE_RATE == pytest.approx(end + 0.2, abs=0.2)
        assert np.array_equal(samples[speech.start : speech.start + len(speech.samples)], speech.samples)


@pytest.mark.parametrize("block", [37, 480, 7001, 10**6])
def test_phrases_do_not_depend_on_the_blocks(block: int) -> None:
    """However the audio is cut into blocks, the same phrases are found."""
    samples = read(CLIP)[: 5 * SAMPLE_RATE]

    found = find(samples, block)

    assert [(speech.start, len(speech.samples)) for speech in found] == [
        (speech.start, len(speech.samples)) for speech in find(samples)
    ]


def test_speech_up_to_the_end_is_a_phrase() -> None:
    """A recording that stops in the middle of a word keeps what was said."""
    samples = read(CLIP)[: 2 * SAMPLE_RATE]

    (speech,) = find(samples)

    assert speech.start + len(speech.samples) == len(samples)


def test_speech_without_pause_is_cut_at_the_maximum() -> None:
    """Nothing is lost or told twice where a long phrase is cut, and no part is longer than the maximum."""
    start, end = (round(seconds * SAMPLE_RATE) for seconds in CLIP_SPEECH[1])
    samples = np.tile(read(CLIP)[start:end], 20)

    found = find(samples)

    assert len(found) > 2
    assert all(len(speech.samples) <= MAX_PHRASE_SECONDS * SAMPLE_RATE + SAMPLE_RATE for speech in found)
    assert sum(len(speech.samples) for speech in found) > 0.97 * len(samples)
    assert all(a.start + len(a.samples) <= b.start for a, b in pairwise(found))


@pytest.mark.parametrize("level", [0, 3, 300])
def test_silence_and_steady_noise_are_no_speech(level: int) -> None:
    """The model hears a word in digital silence; it must never get to hear it."""
    samples = np.random.default_rng(1).normal(0, level, 5 * SAMPLE_RATE).astype(np.int16)

    assert find(samples) == []


def turns_of_the_call() -> list[tuple[int, Samples]]:
    """Who speaks (0 or 1), and what, in the order of the call."""
    found = [(speech, channel) for channel in (0, 1) for speech in find(read(CALL, channel))]
    return [(channel, speech.samples) for speech, channel in sorted(found, key=lambda turn: turn[0].start)]


def test_speakers_are_told_apart_by_voice() -> None:
    """Wherever the call's first voice sounds the one number is given, where the second does the other."""
    turns = turns_of_the_call()

    told = tell_apart([hear_voice(samples) for _, samples in turns], 2)

    numbers = {
        (channel, number) for (channel, _), speakers in zip(turns, told, strict=True) for number in speakers.numbers
    }
    assert sorted(numbers) in ([(0, 0), (1, 1)], [(0, 1), (1, 0)])


def word(text: str, start: float, end: float) -> HeardWord:
    """A word at a place in seconds."""
    return HeardWord(text, int(start * SAMPLE_RATE), int((end - start) * SAMPLE_RATE), 0.8)


def test_a_phrase_is_cut_where_the_speaker_changes() -> None:
    """Two speakers without a pause between them get a phrase each, numbered in order of appearance."""
    (_, first), (_, second) = turns_of_the_call()[:2]
    change, end = len(first) / SAMPLE_RATE, (len(first) + len(second)) / SAMPLE_RATE
    words = (
        word("one", 0.2, 1),
        word("two", 1, change - 0.2),
        word("three", change + 0.2, end - 1),
        word("four", end - 1, end),
    )
    heard = Heard(words, (Reading(("one", "two", "three", "four"), 0.8), Reading(("another",), 0.4)))
    again = Heard((word("five", 0.5, 1.5),), (Reading(("five",), 0.8), Reading(("fife",), 0.2)))

    parts = list(
        split_by_speaker(
            [(0, heard), (10**6, again)], [hear_voice(np.concatenate([first, second])), hear_voice(second)], 2
        )
    )

    assert [(start, [reading.words for reading in part.readings], speaker) for start, part, speaker in parts] == [
        (0, [("one", "two")], 1),
        (0, [("three", "four")], 2),
        (10**6, [("five",), ("fife",)], 2),
    ]


def test_a_phrase_too_short_to_tell_has_the_speaker_before() -> None:
    """However many speakers are asked for, there are no more than voices."""
    samples = find(read(CLIP))[0].samples
    heard = Heard((word("yes", 0, 0.02),), (Reading(("yes",), 0.8),))

    parts = split_by_speaker(
        [(0, heard), (50_000, heard)], [hear_voice(samples[:16_000]), hear_voice(samples[:300])], 4
    )

    assert [speaker for _, _, speaker in parts] == [1, 1]
    assert [speaker for _, _, speaker in split_by_speaker([(0, heard)], [hear_voice(samples[:300])], 2)] == [1]
    assert list(split_by_speaker([], [], 2)) == []


@pytest.mark.parametrize("posterior", [0.0, 1e-9, 0.5, 1.0, 1.3])
@pytest.mark.parametrize("likelihood", [0.0, 1e-200, 1.0])
def test_word_confidence_is_a_probability(posterior: float, likelihood: float) -> None:
    """It lies between 0 and 1 also where the decoder's numbers leave their range."""
    assert 0 < word_confidence(posterior, likelihood, 20) < 1


def test_word_confidence_grows_with_the_posterior() -> None:
    """What the decoder thinks likelier is likelier."""
    confidences = [word_confidence(posterior, 1e-30, 30) for posterior in (0.01, 0.1, 0.5, 0.9, 1.0)]

    assert confidences == sorted(confidences)


def test_an_alternative_has_the_doubt_where_it_differs() -> None:
    """Replacing a sure word costs more confidence than replacing a doubtful one."""
    best = (HeardWord("four", 0, 1, 0.9), HeardWord("to", 1, 1, 0.4))

    assert alternative_confidence(("four", "two"), best) == pytest.approx((0.9 + 0.6) / 2)
    assert alternative_confidence(("for", "to"), best) == pytest.approx((0.1 + 0.4) / 2)
