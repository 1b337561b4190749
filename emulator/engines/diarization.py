"""Whose voice sounds when: voices told apart with numpy alone. Best effort.

Each window of speech is described by the mean and spread of its cepstrum and by its pitch; Ward clustering makes as
many groups of windows as there are speakers.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from emulator.engines.audio import SAMPLE_RATE, Samples

_WINDOW, _STEP = SAMPLE_RATE, SAMPLE_RATE // 2
_FRAME, _HOP, _FFT = 400, 160, 512
_MEL_BANDS, _COEFFICIENTS = 26, 20
_PITCH_LAGS = (40, 267)  # samples: 400 to 60 Hz
_VOICED = 0.35  # share of a frame's energy that returns after one pitch period
_MAX_CLUSTERED = 1500  # windows; clustering takes memory with their square, the rest joins the nearest group

Features = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Voice:
    """The sound of one phrase: the middle of each of its windows, in samples, and a row of features for each."""

    middles: NDArray[np.int64]
    features: Features


@dataclass(frozen=True, slots=True)
class Speakers:
    """Who speaks where in one phrase: the middle of each window, in samples, and its speaker."""

    middles: NDArray[np.int64]
    numbers: NDArray[np.int64]

    def at(self, position: int) -> int | None:
        """The speaker at a sample, whose numbers have no order; None where the phrase is too short to tell."""
        if not len(self.middles):
            return None
        return int(self.numbers[np.abs(self.middles - position).argmin()])


def hear_voice(samples: Samples) -> Voice:
    """Describe the voice in a phrase, in windows of a second that overlap by half."""
    count = max(1, round((len(samples) - _WINDOW) / _STEP) + 1)
    starts = np.linspace(0, max(0, len(samples) - _WINDOW), count).astype(int)
    rows = [_features(samples[start : start + _WINDOW]) for start in starts]
    heard = [(start, row) for start, row in zip(starts, rows, strict=True) if row is not None]
    middles = np.array([start for start, _ in heard], np.int64) + min(_WINDOW, len(samples)) // 2
    return Voice(middles, np.array([row for _, row in heard]).reshape(len(heard), 2 * _COEFFICIENTS - 1))


def tell_apart(voices: Sequence[Voice], count: int) -> list[Speakers]:
    """The speakers in each phrase of a channel, `count` at most in all."""
    if not sum(len(voice.middles) for voice in voices):
        return [Speakers(voice.middles, voice.middles) for voice in voices]
    features = np.concatenate([voice.features for voice in voices])
    features = (features - features.mean(0)) / (features.std(0) + 1e-6)
    ends = np.cumsum([len(voice.middles) for voice in voices])
    numbers = np.split(_clusters(features, count), ends[:-1])
    return [Speakers(voice.middles, number) for voice, number in zip(voices, numbers, strict=True)]


def _clusters(features: Features, count: int) -> NDArray[np.int64]:
    sample = np.linspace(0, len(features) - 1, min(len(features), _MAX_CLUSTERED)).astype(int)
    groups = _ward(features[sample], count)
    centroids = np.array([features[sample][groups == group].mean(0) for group in range(groups.max() + 1)])
    distances = [np.square(features - centroid).sum(1) for centroid in centroids]
    return np.argmin(distances, axis=0)


def _ward(features: Features, count: int) -> NDArray[np.int64]:
    """Hierarchical clustering that keeps the variance within groups least, down to `count` groups."""
    groups = np.arange(len(features))
    size = np.ones(len(features))
    squares = np.square(features).sum(1)
    cost = (squares[:, None] + squares - 2 * features @ features.T) / 2
    np.fill_diagonal(cost, np.inf)
    for _ in range(len(features) - count):
        i, j = divmod(int(cost.argmin()), len(features))
        merged = (size[i] + size) * cost[i] + (size[j] + size) * cost[j] - size * cost[i, j]
        merged /= size[i] + size[j] + size
        size[i] += size[j]
        merged[i] = np.inf
        cost[i, :] = cost[:, i] = merged
        cost[j, :] = cost[:, j] = np.inf
        groups[groups == j] = i
    return np.unique(groups, return_inverse=True)[1]


def _features(samples: Samples) -> Features | None:
    """Mean and spread of the cepstrum of a window's louder frames, and the logarithm of its pitch."""
    signal = samples.astype(np.float64) / 32768
    signal = np.append(signal[:1], signal[1:] - 0.97 * signal[:-1])
    if len(signal) < 10 * _HOP + _FRAME:
        return None
    frames = np.lib.stride_tricks.sliding_window_view(signal, _FRAME)[::_HOP] * np.hamming(_FRAME)
    power = np.square(np.abs(np.fft.rfft(frames, _FFT)))
    energy = power.sum(1)
    loud = energy > np.quantile(energy, 0.3)
    cepstrum = np.log(power[loud] @ _MEL_FILTERS.T + 1e-10) @ _COSINES.T
    return np.concatenate([cepstrum[:, 1:].mean(0), cepstrum[:, 1:].std(0), [_log_pitch(frames[loud])]])


def _log_pitch(frames: Features) -> float:
    """Logarithm of the median pitch in Hz of the voiced frames; of 150 Hz where there are too few."""
    spectrum = np.square(np.abs(np.fft.rfft(frames, 2 * _FFT)))
    correlation = np.fft.irfft(spectrum)[:, : _PITCH_LAGS[1]]
    periodicity = correlation[:, _PITCH_LAGS[0] :] / np.maximum(correlation[:, :1], 1e-9)
    lags = periodicity.argmax(1)[periodicity.max(1) > _VOICED] + _PITCH_LAGS[0]
    return float(np.log(np.median(SAMPLE_RATE / lags))) if len(lags) > 5 else float(np.log(150))


def _mel_filters() -> Features:
    """Triangular filters from 80 to 7600 Hz, equally wide on the mel scale."""
    low, high = 2595 * np.log10(1 + np.array([80, 7600]) / 700)
    edges = 700 * (10 ** (np.linspace(low, high, _MEL_BANDS + 2) / 2595) - 1)
    bins = np.floor((_FFT + 1) * edges / SAMPLE_RATE)
    positions = np.arange(_FFT // 2 + 1)
    return np.array(
        [np.interp(positions, bins[i : i + 3], [0, 1, 0], left=0, right=0) for i in range(_MEL_BANDS)], dtype=np.float64
    )


_MEL_FILTERS = _mel_filters()
_COSINES = np.cos(np.pi / _MEL_BANDS * (np.arange(_MEL_BANDS) + 0.5) * np.arange(_COEFFICIENTS)[:, None])
