"""What can be told about audio without decoding it."""

import io
import wave
from pathlib import Path

import pytest

from shared.audio import HEADER_BYTES, MAX_AUDIO_BYTES, channel_count, rejection

AUDIO = Path(__file__).resolve().parents[1] / "data/audio"


@pytest.mark.parametrize(
    ("path", "size", "reason"),
    [
        ("a.wav", 0, "EmptyFile"),
        ("a.wav", MAX_AUDIO_BYTES + 1, "FileTooLarge"),
        ("a.txt", 10, "UnknownAudioType"),
        ("a", 10, "UnknownAudioType"),
        (".wav", 10, "UnknownAudioType"),
    ],
)
def test_what_cannot_succeed_is_rejected(path: str, size: int, reason: str) -> None:
    """Each cause has a reason of its own and an explanation."""
    found = rejection(path, size)
    assert found is not None
    assert found[0] == reason
    assert found[1]


@pytest.mark.parametrize("path", ["a.wav", "a/b c/ü.MP3", "x.tar.opus"])
def test_audio_is_accepted(path: str) -> None:
    """Known types pass, whatever their case and folder, up to the limit."""
    assert rejection(path, MAX_AUDIO_BYTES) is None


@pytest.mark.parametrize("channels", [1, 2, 6])
def test_channels_come_from_the_header(channels: int) -> None:
    """The start of a long WAV file tells its channels."""
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(2)
        file.setframerate(16000)
        file.writeframes(bytes(200_000 * channels))
    assert channel_count("a.wav", buffer.getvalue()[:HEADER_BYTES]) == channels


@pytest.mark.parametrize("start", [b"", b"RIFF", b"not audio at all" * 100, bytes(1000)])
@pytest.mark.parametrize("path", ["a.wav", "a.mp3", "a.ogg", "a.flac", "a.m4a", "a.wma", "a.amr"])
def test_a_header_that_does_not_tell_is_no_error(path: str, start: bytes) -> None:
    """Garbage gives None: the service will say what is wrong with it."""
    assert channel_count(path, start) is None
