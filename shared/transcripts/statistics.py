"""Who spoke how much, and when nobody or several spoke, from the times of the phrases."""

from collections.abc import Iterable

from shared.transcripts.document import Phrase, Speaker, SpeakerStatistics, Statistics
from shared.transcripts.wording import count_words

type Interval = tuple[int, int]


def measure(phrases: list[Phrase], speakers: list[Speaker], duration_ms: int) -> Statistics:
    """The statistics of `phrases`, which are in time order, of an audio file of `duration_ms`.

    A speaker speaks during their phrases: where two of those overlap, that time counts once. Phrases of two speakers at
    the same time are overlap, whether they are on one channel or on two.
    """
    words = {speaker.label: 0 for speaker in speakers}
    spoken: dict[str, list[Interval]] = {speaker.label: [] for speaker in speakers}
    for phrase in phrases:
        words[phrase.speaker] += _words(phrase)
        spoken[phrase.speaker].append((phrase.start_ms, phrase.end_ms))
    merged = {label: _merged(intervals) for label, intervals in spoken.items()}
    speech_ms = {label: sum(end - start for start, end in intervals) for label, intervals in merged.items()}
    total_ms = sum(speech_ms.values())
    some_ms, several_ms = _some_and_several(interval for intervals in merged.values() for interval in intervals)
    return Statistics(
        speech_ms=some_ms,
        silence_ms=max(0, duration_ms - some_ms),
        overlap_ms=several_ms,
        speakers=[
            SpeakerStatistics(
                speaker=label,
                speech_ms=own_ms,
                talk_share=round(own_ms / total_ms, 4) if total_ms else 0.0,
                words=words[label],
                words_per_minute=round(words[label] * 60_000 / own_ms, 1) if own_ms else None,
            )
            for label, own_ms in speech_ms.items()
        ],
    )


def _words(phrase: Phrase) -> int:
    """The words of the lexical form, or of the display form where there is no other."""
    if phrase.lexical and phrase.lexical.isascii():
        return len(phrase.lexical.split())  # the same, several times faster: this form has no punctuation
    return count_words(phrase.lexical or phrase.display)


def _merged(intervals: list[Interval]) -> list[Interval]:
    """The union of intervals that are sorted by their starts."""
    union: list[Interval] = []
    for start, end in intervals:
        if union and start <= union[-1][1]:
            union[-1] = (union[-1][0], max(union[-1][1], end))
        else:
            union.append((start, end))
    return union


def _some_and_several(intervals: Iterable[Interval]) -> tuple[int, int]:
    """For how long at least one, and at least two, of the intervals last."""
    changes = sorted(change for start, end in intervals for change in ((start, 1), (end, -1)))
    some = several = speaking = since = 0
    for at, change in changes:
        some += at - since if speaking else 0
        several += at - since if speaking > 1 else 0
        speaking, since = speaking + change, at
    return some, several
