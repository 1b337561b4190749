"""Short audio: which formats the service takes, and what a clip holds in which no words were recognized."""

import io
from pathlib import Path
from typing import Literal

import numpy as np
import soundfile
from numpy.typing import NDArray

from emulator.engines.audio import SAMPLE_RATE, Samples, open_audio

Sound = Literal["silence", "noise", "speech"]
_Floats = NDArray[np.float64]

_FORMATS = {("WAV", "PCM_16"): "audio/wav", ("WAVEX", "PCM_16"): "audio/wav", ("OGG", "OPUS"): "audio/ogg"}
_FRAME, _STEP = 480, 160  # samples
# Of the differences between samples: speech peaks at -15 to -30 dB, swings by 4.5 to 8 dB, is voiced for 0.35 to 0.9.
_SILENCE_DB = -60.0
_STEADY_DB = 3.0
_VOICED_SHARE = 0.3
_PERIODICITY = 0.6
_PITCH_PERIODS = slice(SAMPLE_RATE // 400, SAMPLE_RATE // 60)


class ClipRefusedError(Exception):
    """The service refuses this clip with status 400; the text says why."""


def read_clip(path: Path, *, content_type: str, limit_seconds: int) -> Samples:
    """The samples of a clip of the documented formats: 16 kHz mono 16-bit PCM WAV, or mono Ogg Opus.

    ClipRefusedError for another format, one that is not that of the `content_type`, or audio longer than the limit;
    AudioRejectedError where the header is right and the audio behind it cannot be read.
    """
    try:
        header = soundfile.info(str(path))
    except soundfile.LibsndfileError:
        raise ClipRefusedError("The body is neither WAV nor Ogg Opus audio.") from None
    media_type = _FORMATS.get((header.format, header.subtype))
    if media_type is None or header.channels != 1 or (media_type == "audio/wav" and header.samplerate != SAMPLE_RATE):
        shown = f"{header.format} {header.subtype}, {header.channels} channel(s), {header.samplerate} Hz"
        raise ClipRefusedError(f"The audio must be 16 kHz mono 16-bit PCM WAV or mono Ogg Opus, not {shown}.")
    if media_type != content_type:
        raise ClipRefusedError(f"The body is {media_type}, but the content type says {content_type}.")
    with open_audio(path) as audio:
        samples = np.concatenate([block[:, 0] for block in audio.blocks])
    if len(samples) > limit_seconds * SAMPLE_RATE:
        raise ClipRefusedError(f"The audio is longer than {limit_seconds} seconds.")
    return samples


def wav_of(samples: Samples) -> bytes:
    """A clip as a WAV file, whatever its format was."""
    file = io.BytesIO()
    soundfile.write(file, samples, SAMPLE_RATE, format="WAV", subtype="PCM_16")
    return file.getvalue()


def sound_of(samples: Samples) -> Sound:
    """What a clip sounds like: noise is steady, or has too few voiced sounds for speech."""
    if len(samples) < _FRAME:
        return "silence"
    frames = np.lib.stride_tricks.sliding_window_view(samples, _FRAME)[::_STEP] / 32768
    frames = np.diff(frames)  # rumble that drifts below hearing is no level and no pitch
    levels = 10 * np.log10(np.mean(frames**2, axis=1) + 1e-12)
    heard = levels > max(_SILENCE_DB, levels.max() - 30)
    if not heard.any():
        return "silence"
    is_speech = levels[heard].std() > _STEADY_DB and np.mean(_periodicity(frames[heard]) > _PERIODICITY) > _VOICED_SHARE
    return "speech" if is_speech else "noise"


def _periodicity(frames: _Floats) -> _Floats:
    """How alike each frame is to itself a pitch period later, 0 to 1: the peak of its normalized autocorrelation."""
    window = np.hanning(_FRAME - 1)
    correlations, bias = (_autocorrelation(each * window) for each in (frames, np.ones((1, _FRAME - 1))))
    normalized = correlations / np.maximum(correlations[:, :1], 1e-12) / (bias / bias[:, :1])
    return normalized[:, _PITCH_PERIODS].max(axis=1)


def _autocorrelation(frames: _Floats) -> _Floats:
    spectrum = np.abs(np.fft.rfft(frames, 2 * _FRAME)) ** 2
    return np.fft.irfft(spectrum)[:, : _PITCH_PERIODS.stop]
