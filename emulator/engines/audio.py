"""Any supported audio file as blocks of 16 kHz 16-bit samples, in memory that does not grow with its length."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

from emulator.engines.protocol import TICKS_PER_SECOND, AudioRejectedError

SAMPLE_RATE = 16_000
TICKS_PER_SAMPLE = TICKS_PER_SECOND // SAMPLE_RATE

Samples = NDArray[np.int16]

_BLOCK_SECONDS = 2
_SIGNATURES: tuple[tuple[str, re.Pattern[bytes]], ...] = (
    ("M4A/MP4 (AAC)", re.compile(rb"....ftyp", re.DOTALL)),
    ("WMA", re.compile(rb"\x30\x26\xb2\x75\x8e\x66\xcf\x11")),
    ("AMR", re.compile(rb"#!AMR")),
    ("WebM/Matroska", re.compile(rb"\x1a\x45\xdf\xa3")),
    ("AAC", re.compile(rb"\xff[\xf0\xf1\xf8\xf9]")),
)
_WAV_LENGTHS = re.compile(r"^data : (\d+) \(should be (\d+)\)", re.MULTILINE)
_LENGTH_UNKNOWN = 2**62  # libsndfile's answer where a header does not tell
_WAV_LENGTH_UNKNOWN = 0x7FFF0000  # programs that write to a pipe leave the largest number here


@dataclass(frozen=True, slots=True)
class AudioStream:
    """Opened audio; `blocks` can be read once, each of shape (samples, channels) at 16 kHz."""

    channels: int
    blocks: Iterator[Samples]


class _SequentialFile(soundfile.SoundFile):  # type: ignore[misc]  # soundfile has no types
    """Audio read from front to back; SoundFile else seeks after each read, which FLAC of unstated length cannot."""

    def seekable(self) -> bool:
        return False


@contextmanager
def open_audio(path: Path) -> Iterator[AudioStream]:
    """Open WAV, FLAC, MP3, Ogg (Opus, Vorbis), or with PyAV installed M4A/AAC, WMA, AMR and WebM.

    Opening, and reading the blocks too, raises AudioRejectedError of kind `InvalidData` for a file that is empty,
    broken, cut short (as far as its format tells) or of another format.
    """
    if path.stat().st_size == 0:
        raise AudioRejectedError("InvalidData", "The file is empty.")
    if format_name := _needs_ffmpeg(path):
        with _open_with_ffmpeg(path, format_name) as stream:
            yield AudioStream(stream.channels, _not_empty(stream.blocks))
        return
    try:
        with _SequentialFile(path) as sound:
            yield AudioStream(sound.channels, _not_empty(_resampled(sound)))
    except soundfile.LibsndfileError as error:
        raise AudioRejectedError("InvalidData", f"The audio cannot be read: {error.error_string}") from error


def _needs_ffmpeg(path: Path) -> str | None:
    """Name of the file's format where only FFmpeg reads it."""
    with path.open("rb") as file:
        head = file.read(16)
    return next((name for name, signature in _SIGNATURES if signature.match(head)), None)


@contextmanager
def _open_with_ffmpeg(path: Path, format_name: str) -> Iterator[AudioStream]:
    try:
        from emulator.engines import audio_ffmpeg  # noqa: PLC0415 - PyAV is an optional install
    except ImportError as error:
        message = f"{format_name} audio needs PyAV, which is not installed here: run `pip install av`."
        raise AudioRejectedError("InvalidData", message) from error
    with audio_ffmpeg.open_audio(path, format_name) as stream:
        yield stream


def _resampled(sound: soundfile.SoundFile) -> Iterator[Samples]:
    _reject_short_wav(sound)
    resampler = soxr.ResampleStream(sound.samplerate, SAMPLE_RATE, sound.channels, dtype="float32")
    frames = 0
    # As floats: libsndfile does not scale float files that are read as integers.
    while len(block := sound.read(sound.samplerate * _BLOCK_SECONDS, dtype="float32", always_2d=True)):
        frames += len(block)
        yield _as_int16(resampler.resample_chunk(block))
    if frames < sound.frames < _LENGTH_UNKNOWN and not _is_mp3(sound):
        raise truncated(sound.format, frames / sound.frames)
    yield _as_int16(resampler.resample_chunk(np.zeros((0, sound.channels), np.float32), last=True))


def _as_int16(block: NDArray[np.float32]) -> Samples:
    return np.clip(np.rint(np.nan_to_num(block) * 32768), -32768, 32767).astype(np.int16)


def _is_mp3(sound: soundfile.SoundFile) -> bool:
    """Whether the length is an estimate, as it is for MP3, in a WAV file too."""
    return "MPEG" in sound.subtype


def _reject_short_wav(sound: soundfile.SoundFile) -> None:
    """Compare the length in a WAV header with the bytes there are, as libsndfile's log tells them."""
    lengths = _WAV_LENGTHS.search(sound.extra_info)
    if sound.format not in {"WAV", "WAVEX"} or not lengths:
        return
    declared, present = map(int, lengths.groups())
    if present < declared < _WAV_LENGTH_UNKNOWN:
        raise truncated(sound.format, present / declared)


def truncated(format_name: str, share: float) -> AudioRejectedError:
    """The error for a file of which only this share (0 to 1) of what its header states is there."""
    return AudioRejectedError("InvalidData", f"The {format_name} file is cut short: only {share:.0%} of it is there.")


def _not_empty(blocks: Iterator[Samples]) -> Iterator[Samples]:
    samples = 0
    for block in blocks:
        samples += len(block)
        if len(block):
            yield block
    if not samples:
        raise AudioRejectedError("InvalidData", "The file holds no audio.")
