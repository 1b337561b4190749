"""Phrases cut where the speaker changes within them, and speakers numbered."""

from collections.abc import Iterator, Sequence
from itertools import groupby

from emulator.engines.audio import SAMPLE_RATE
from emulator.engines.diarization import Speakers, Voice, tell_apart
from emulator.engines.pocketsphinx.decoder import Heard, HeardWord, Reading

_MIN_TURN = SAMPLE_RATE // 2  # a shorter one within a phrase is more likely a mistake than an interjection

Turn = tuple[int | None, tuple[HeardWord, ...]]
"""A speaker, unnumbered as yet (None: not known), and the words said."""


def split_by_speaker(
    phrases: Sequence[tuple[int, Heard]], voices: Sequence[Voice], count: int
) -> Iterator[tuple[int, Heard, int]]:
    """Yield start, what was heard, and speaker of each part of the phrases of a channel.

    Speakers are numbered from 1 in order of appearance, `count` of them at most. A part of a phrase has one reading; a
    phrase too short to tell has the speaker of the one before.
    """
    numbers: dict[int, int] = {}
    number = 1
    for (start, heard), speakers in zip(phrases, tell_apart(voices, count), strict=True):
        turns = speaker_turns(heard.words, speakers)
        for speaker, words in turns:
            if speaker is not None:
                number = numbers.setdefault(speaker, len(numbers) + 1)
            yield start, heard if len(turns) == 1 else _part(words), number


def speaker_turns(words: Sequence[HeardWord], speakers: Speakers) -> list[Turn]:
    """The words of a phrase by speaker; a very short turn is joined to the one before, or after the first."""
    turns: list[Turn] = []
    for speaker, group in groupby(words, key=lambda word: speakers.at(word.start + word.length // 2)):
        turn = tuple(group)
        if turns and (turns[-1][0] == speaker or _length(turn) < _MIN_TURN):
            turns[-1] = (turns[-1][0], turns[-1][1] + turn)
        elif turns and len(turns) == 1 and _length(turns[0][1]) < _MIN_TURN:
            turns[0] = (speaker, turns[0][1] + turn)
        else:
            turns.append((speaker, turn))
    return turns


def _length(words: Sequence[HeardWord]) -> int:
    return words[-1].start + words[-1].length - words[0].start


def _part(words: tuple[HeardWord, ...]) -> Heard:
    confidence = sum(word.confidence for word in words) / len(words)
    return Heard(words, (Reading(tuple(word.text for word in words), confidence),))
