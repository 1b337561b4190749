"""Audio for short-audio recognition: what the service takes is let through, anything else is refused with the way out.

The service takes WAV with 16 kHz mono 16-bit PCM and Ogg Opus (mono), up to 60 seconds, 30 with pronunciation
assessment (documentation "Speech to text REST API for short audio").
"""

import os
import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, TypeIs

LIMIT_SECONDS = 60
ASSESSMENT_LIMIT_SECONDS = 30
SAMPLE_RATE = 16_000
WAV_CONTENT_TYPE = "audio/wav; codecs=audio/pcm; samplerate=16000"
OPUS_CONTENT_TYPE = "audio/ogg; codecs=opus"

_BYTES_PER_SECOND = 2 * SAMPLE_RATE
_CHUNK_BYTES = 32_000
_HEADER_BYTES = 65_536
_MOST_BYTES = 8_000_000  # 60 s of Opus at its highest bit rate are 4 MB
_PCM, _EXTENSIBLE = 1, 0xFFFE
_LENGTH_UNKNOWN = 0x7FFF0000  # programs that write to a pipe leave 0, or a number from here on
_OPUS_RATE = 48_000
_CONVERT = "convert it, for example: ffmpeg -i INPUT -ac 1 -ar 16000 -c:a pcm_s16le OUTPUT.wav"
_USE_BATCH = "use batch transcription (SpeechClient.transcriptions) or send a part of it"

type AudioSource = bytes | str | os.PathLike[str] | BinaryIO | Iterable[bytes]
"""The audio, a path to it, an open binary file, or its bytes in pieces, of which only the first has the header."""


class UnsupportedAudio(ValueError):  # noqa: N818 - named as the package's other errors are
    """The service would not recognize this audio; nothing, or not all of it, was sent. The text says what to do."""


@dataclass(frozen=True, slots=True)
class _Wav:
    """A WAV header: where the samples begin, and how many bytes of them it announces (None: it does not tell)."""

    start: int
    announced: int | None

    content_type = WAV_CONTENT_TYPE

    def seconds(self, content: bytearray) -> float:
        """The length of the audio so far; what follows the samples does not count."""
        there = max(0, len(content) - self.start)
        return (there if self.announced is None else min(there, self.announced)) / _BYTES_PER_SECOND


@dataclass(frozen=True, slots=True)
class _Opus:
    """An Opus header; `pre_skip` is the number of samples (48 kHz) before the audio (RFC 7845, 5.1)."""

    pre_skip: int

    content_type = OPUS_CONTENT_TYPE

    def seconds(self, content: bytearray) -> float:
        """The length up to the last page so far in which a packet ends (RFC 7845, 4)."""
        page = len(content)
        while (page := content.rfind(b"OggS", 0, page)) >= 0:
            if page + 14 <= len(content):
                position: int = struct.unpack_from("<q", content, page + 6)[0]
                if position >= 0:  # -1: no packet ends in this page
                    return max(0, position - self.pre_skip) / _OPUS_RATE
        return 0.0


class AudioClip:
    """Audio to send, in chunks; iterating again begins anew, also where the pieces came from an iterator.

    Bytes, paths and files are checked as a whole before anything is sent. Of an iterator the header is; the length is
    checked as it goes, so that what is spoken now can be sent at once. Raises UnsupportedAudio in both cases.
    """

    def __init__(self, audio: AudioSource, *, limit_seconds: float = LIMIT_SECONDS) -> None:
        self._limit_seconds = limit_seconds
        self._content = bytearray()
        self._format: _Wav | _Opus | None = None
        self._pieces = _pieces(audio)
        while self._format is None:
            self._pull()
        self.content_type: str = self._format.content_type
        if isinstance(audio, bytes | str | os.PathLike) or _is_file(audio):
            while self._pull():
                pass

    @property
    def seconds(self) -> float:
        """The length of what was read so far."""
        return self._format.seconds(self._content) if self._format else 0.0

    def __iter__(self) -> Iterator[bytes]:
        at = 0
        while at < len(self._content) or self._pull():
            chunk = bytes(self._content[at : at + _CHUNK_BYTES])
            at += len(chunk)
            yield chunk

    def _pull(self) -> bool:
        """Read and check the next piece; False at the end."""
        piece = next(self._pieces, None)
        if piece is None:
            if self._format is None:
                raise UnsupportedAudio(f"the audio ends before or in its header, after {len(self._content)} bytes")
            return False
        if not isinstance(piece, bytes | bytearray | memoryview):
            raise TypeError(f"audio is read as bytes, not {type(piece).__name__}: open the file in binary mode")
        if self._format is not None and _is_wav(piece):
            raise UnsupportedAudio(
                "a later piece of the audio has a WAV header; only the first may: leave it out there"
            )
        self._content += piece
        if self._format is None:
            self._format = _format(self._content)
        self._check_length()
        return True

    def _check_length(self) -> None:
        limit = self._limit_seconds
        announced = self._format.announced if isinstance(self._format, _Wav) else None
        if max(self.seconds, (announced or 0) / _BYTES_PER_SECOND) > limit or len(self._content) > _MOST_BYTES:
            raise UnsupportedAudio(f"the audio is longer than {limit:g} s, the most for this request; {_USE_BATCH}")


def streaming_wav_header() -> bytes:
    """A WAV header for samples that are still to come, to be sent before 16-bit little-endian samples of 16 kHz."""
    unknown = 0xFFFFFFFF
    samples = struct.pack("<HHIIHH", _PCM, 1, SAMPLE_RATE, _BYTES_PER_SECOND, 2, 16)
    return (
        struct.pack("<4sI4s4sI", b"RIFF", unknown, b"WAVE", b"fmt ", 16)
        + samples
        + struct.pack("<4sI", b"data", unknown)
    )


def _pieces(audio: AudioSource) -> Iterator[bytes]:
    if isinstance(audio, str | os.PathLike):
        with Path(audio).open("rb") as file:
            yield from _read(file)
    elif isinstance(audio, bytes | bytearray | memoryview):
        yield bytes(audio)
    elif _is_file(audio):
        yield from _read(audio)
    else:
        yield from audio


def _is_file(audio: AudioSource) -> TypeIs[BinaryIO]:
    return hasattr(audio, "read")


def _read(file: BinaryIO) -> Iterator[bytes]:
    while piece := file.read(_CHUNK_BYTES):
        yield piece


def _is_wav(content: bytes | bytearray) -> bool:
    return content[:4] == b"RIFF" and content[8:12] == b"WAVE"


def _format(content: bytearray) -> _Wav | _Opus | None:
    """What the header says; None where more of the audio is needed to tell."""
    found: _Wav | _Opus | None = None
    if _is_wav(content):
        found = _wav(content)
    elif content[:4] == b"OggS":
        found = _opus(content)
    elif len(content) >= 12:
        raise UnsupportedAudio(f"the audio is neither WAV nor Ogg Opus; {_CONVERT}")
    if found is None and len(content) > _HEADER_BYTES:
        raise UnsupportedAudio(f"the header of the audio has no end; {_CONVERT}")
    return found


def _wav(content: bytearray) -> _Wav | None:
    at, described = 12, False
    while len(content) >= at + 8:
        name, size = struct.unpack_from("<4sI", content, at)
        if name == b"data" and described:
            return _Wav(at + 8, size if 0 < size < _LENGTH_UNKNOWN else None)
        if name == b"fmt ":
            if len(content) < at + 8 + min(size, 40):
                return None
            _check_samples(content[at + 8 : at + 8 + size])
            described = True
        at += 8 + size + size % 2
    return None


def _check_samples(description: bytearray) -> None:
    if len(description) < 16:
        raise UnsupportedAudio(f"the WAV header is broken; {_CONVERT}")
    kind, channels, rate, _, _, bits = struct.unpack_from("<HHIIHH", description)
    if kind == _EXTENSIBLE and len(description) >= 26:
        (kind,) = struct.unpack_from("<H", description, 24)
    if (kind, channels, rate, bits) != (_PCM, 1, SAMPLE_RATE, 16):
        coding = "PCM" if kind == _PCM else f"coding {kind}"
        shown = f"{coding} of {channels} channel(s), {rate} Hz and {bits} bits"
        raise UnsupportedAudio(
            f"the WAV file has {shown}; needed is PCM of 1 channel, 16000 Hz and 16 bits: {_CONVERT}"
        )


def _opus(content: bytearray) -> _Opus | None:
    if len(content) < 47:  # the first page with the header of one stream
        return None
    if content[28:36] != b"OpusHead":
        raise UnsupportedAudio(f"the Ogg file does not hold Opus; {_CONVERT}")
    channels, pre_skip = struct.unpack_from("<BH", content, 37)
    if channels != 1:
        raise UnsupportedAudio(f"the Opus audio has {channels} channels; needed is one: {_CONVERT}")
    return _Opus(pre_skip)
