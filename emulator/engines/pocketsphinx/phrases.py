"""Stretches of speech in a stream of samples, found by voice activity."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from pocketsphinx import Endpointer

from emulator.engines.audio import SAMPLE_RATE, Samples

MAX_PHRASE_SECONDS = 20

_VAD_MODE = 3  # 0 to 3; the strictest tells utterances apart best
_WINDOW_SECONDS = 0.3  # the pause that ends a phrase
_WINDOW_SHARE = 0.9
_MARGIN = SAMPLE_RATE // 10  # audio kept on both sides: the strict detector clips soft sounds
_HISTORY = int(_WINDOW_SECONDS * SAMPLE_RATE) + 2 * _MARGIN  # how far back a phrase found now can begin, and more
_SILENT_PEAK = 32  # of 32768: -60 dBFS; the model hears words in less
_MAX_SAMPLES = MAX_PHRASE_SECONDS * SAMPLE_RATE


@dataclass(frozen=True, slots=True)
class Speech:
    """Samples of one phrase, the first of them `start` samples after the channel's beginning."""

    start: int
    samples: Samples


class SpeechFinder:
    """Cuts one channel, fed block by block, into phrases of about MAX_PHRASE_SECONDS at most."""

    def __init__(self) -> None:
        self._endpointer = Endpointer(
            window=_WINDOW_SECONDS, ratio=_WINDOW_SHARE, vad_mode=_VAD_MODE, sample_rate=SAMPLE_RATE
        )
        self._frame = self._endpointer.frame_bytes // 2
        self._kept = np.zeros(0, np.int16)
        self._kept_from = 0  # position in the channel of the first sample kept; phrases never begin before it
        self._heard = 0  # how far the endpointer has read
        self._phrase_start: int | None = None

    def feed(self, samples: Samples) -> Iterator[Speech]:
        """Take the next samples and yield the phrases that end in them."""
        self._kept = np.concatenate([self._kept, samples])
        end = self._kept_from + len(self._kept)
        while self._heard + self._frame < end:  # the last frame waits for `finish`, which must have one
            self._endpointer.process(self._between(self._heard, self._heard + self._frame).tobytes())
            self._heard += self._frame
            yield from self._ended_phrases()

    def finish(self) -> Iterator[Speech]:
        """Yield the phrase that the end of the audio ends, if any."""
        if self._phrase_start is not None:
            yield from self._take(self._kept_from + len(self._kept))

    def _ended_phrases(self) -> Iterator[Speech]:
        if self._endpointer.in_speech and self._phrase_start is None:
            start = round(self._endpointer.speech_start * SAMPLE_RATE) - _MARGIN
            self._phrase_start = max(start, self._kept_from)
        elif self._phrase_start is None:
            self._forget_before(self._heard - _HISTORY)
        elif not self._endpointer.in_speech:
            yield from self._take(round(self._endpointer.speech_end * SAMPLE_RATE) + _MARGIN)
            self._phrase_start = None
        elif self._heard - self._phrase_start >= _MAX_SAMPLES:
            yield from self._take(self._quietest_place(self._phrase_start))

    def _take(self, end: int) -> Iterator[Speech]:
        """Yield the phrase up to `end`, unless it is silent, and go on from there."""
        start = self._kept_from if self._phrase_start is None else self._phrase_start
        samples = self._between(start, end).copy()
        self._forget_before(end)
        self._phrase_start = end
        if np.abs(samples.astype(np.int32)).max(initial=0) >= _SILENT_PEAK:
            yield Speech(start, samples)

    def _quietest_place(self, start: int) -> int:
        """Where to cut speech that has no pause: the quietest frame of its last quarter."""
        first = start + _MAX_SAMPLES * 3 // 4
        places = range(first, self._heard - self._frame, self._frame)
        return min(places, key=lambda place: np.abs(self._between(place, place + self._frame).astype(np.int32)).sum())

    def _between(self, start: int, end: int) -> Samples:
        return self._kept[start - self._kept_from : end - self._kept_from]

    def _forget_before(self, position: int) -> None:
        if position > self._kept_from:
            self._kept = self._kept[position - self._kept_from :]
            self._kept_from = position
