"""Audio of every format becomes the same 16 kHz samples, and what is no audio is refused with its reason."""

import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import soundfile

from emulator import engines
from emulator.engines.audio import SAMPLE_RATE, Samples, open_audio
from emulator.engines.protocol import AudioRejectedError

CLIP = Path(__file__).parents[1] / "data" / "audio" / "clip.flac"
CLIP_SECONDS = 9.62

needs_av = pytest.mark.skipif(find_spec("av") is None, reason="PyAV is not installed")


def read(path: Path) -> Samples:
    """All samples of a file."""
    with open_audio(path) as audio:
        return np.concatenate(list(audio.blocks))


def reason(path: Path) -> str:
    """Why a file is refused, which must be as InvalidData."""
    with pytest.raises(AudioRejectedError) as refusal:
        read(path)
    assert refusal.value.kind == "InvalidData"
    return str(refusal.value)


def tones(rate: int, *frequencies: int, seconds: float = 3) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    """A tone for each channel."""
    time = np.arange(int(rate * seconds)) / rate
    return np.stack([0.5 * np.sin(2 * np.pi * frequency * time) for frequency in frequencies], axis=1)


def loudest_frequency(samples: Samples) -> int:
    """The frequency, in Hz, that a channel sounds at."""
    spectrum = np.abs(np.fft.rfft(samples[:SAMPLE_RATE].astype(np.float64)))
    return int(spectrum.argmax())


@pytest.mark.parametrize(
    ("suffix", "subtype", "rate"),
    [
        ("wav", "PCM_U8", 8000),
        ("wav", "PCM_16", 16000),
        ("wav", "PCM_24", 44100),
        ("wav", "PCM_32", 48000),
        ("wav", "FLOAT", 22050),
        ("wav", "ALAW", 8000),
        ("wav", "ULAW", 8000),
        ("flac", "PCM_16", 44100),
        ("mp3", "MPEG_LAYER_III", 44100),
        ("ogg", "OPUS", 48000),
        ("ogg", "VORBIS", 44100),
    ],
)
def test_channels_and_length_survive_decoding(tmp_path: Path, suffix: str, subtype: str, rate: int) -> None:
    """Each channel keeps its own sound, at its loudness, and the whole its length, whatever the rate and encoding."""
    path = tmp_path / f"tones.{suffix}"
    soundfile.write(path, tones(rate, 440, 1000), rate, subtype=subtype)

    samples = read(path)

    assert samples.shape == (pytest.approx(3 * SAMPLE_RATE, abs=SAMPLE_RATE // 10), 2)
    assert [loudest_frequency(samples[8000:, channel]) for channel in (0, 1)] == [440, 1000]
    assert np.abs(samples[8000:40000].astype(np.int32)).max(axis=0) == pytest.approx([16384, 16384], rel=0.05)


def test_sixteen_bit_samples_at_the_target_rate_come_unchanged(tmp_path: Path) -> None:
    """Nothing is lost where nothing needs converting."""
    original = np.random.default_rng(1).integers(-32768, 32767, (20_000, 1), dtype=np.int16)
    soundfile.write(tmp_path / "noise.wav", original, SAMPLE_RATE)

    assert np.array_equal(read(tmp_path / "noise.wav"), original)


def cut(share: float) -> Callable[[bytes], bytes]:
    """Keep the first part of a file."""
    return lambda content: content[: int(len(content) * share)]


@pytest.mark.parametrize(
    ("suffix", "damage", "message"),
    [
        ("wav", lambda _: b"", "The file is empty"),
        ("wav", lambda _: b"this is no audio", "Format not recognised"),
        ("wav", lambda content: content[:30], "No 'data' chunk marker"),
        ("wav", cut(0.5), "cut short: only 50% of it is there"),
        ("flac", cut(0.5), "flac decoder lost sync"),
        ("flac", lambda content: content[:20000] + bytes(20000) + content[40000:], "cannot be read|cut short"),
    ],
)
def test_broken_files_are_refused(tmp_path: Path, suffix: str, damage: Callable[[bytes], bytes], message: str) -> None:
    """An empty, foreign, damaged or truncated file says what is wrong with it."""
    whole = tmp_path / f"whole.{suffix}"
    soundfile.write(whole, np.random.default_rng(1).normal(0, 0.1, 3 * SAMPLE_RATE), SAMPLE_RATE)
    broken = tmp_path / f"broken.{suffix}"
    broken.write_bytes(damage(whole.read_bytes()))

    refusal = reason(broken)

    assert any(part in refusal for part in message.split("|")), refusal


def test_a_file_without_samples_is_refused(tmp_path: Path) -> None:
    """A header alone is no audio."""
    soundfile.write(tmp_path / "none.wav", np.zeros((0, 1)), SAMPLE_RATE)

    assert reason(tmp_path / "none.wav") == "The file holds no audio."


def test_a_header_written_to_a_pipe_is_accepted(tmp_path: Path) -> None:
    """A WAV header that could not know its length, as streaming programs write it, is not a truncated file."""
    path = tmp_path / "streamed.wav"
    soundfile.write(path, tones(SAMPLE_RATE, 440), SAMPLE_RATE)
    content = bytearray(path.read_bytes())
    place = content.index(b"data") + 4
    content[place : place + 4] = b"\xff\xff\xff\xff"
    path.write_bytes(content)

    assert len(read(path)) == 3 * SAMPLE_RATE


@needs_av
@pytest.mark.parametrize("suffix", ["m4a", "wma", "webm", "amr"])
def test_ffmpeg_formats_are_read_with_pyav(suffix: str) -> None:
    """What libsndfile does not read has the same length and loudness over time as the lossless original."""
    original, samples = read(CLIP)[:, 0], read(CLIP.with_suffix(f".{suffix}"))[:, 0]

    assert len(samples) / SAMPLE_RATE == pytest.approx(CLIP_SECONDS, abs=0.1)
    length = min(len(samples), len(original)) // 1600 * 1600
    loudness = [np.abs(x[:length].reshape(-1, 1600).astype(np.int32)).mean(1) for x in (original, samples)]
    assert np.corrcoef(loudness[0], loudness[1])[0, 1] > 0.9


@needs_av
@pytest.mark.parametrize("suffix", ["m4a", "wma", "webm"])
def test_truncated_ffmpeg_formats_are_refused(tmp_path: Path, suffix: str) -> None:
    """Half a file is told apart from a short one."""
    content = CLIP.with_suffix(f".{suffix}").read_bytes()
    path = tmp_path / f"half.{suffix}"
    path.write_bytes(content[: len(content) // 2])

    assert "cut short" in (refusal := reason(path)) or "cannot be read" in refusal


@pytest.mark.parametrize(
    ("suffix", "name"), [("m4a", "M4A/MP4 (AAC)"), ("wma", "WMA"), ("webm", "WebM/Matroska"), ("amr", "AMR")]
)
def test_without_pyav_the_refusal_says_what_to_install(monkeypatch: pytest.MonkeyPatch, suffix: str, name: str) -> None:
    """A format that needs the optional package is named, with the remedy."""
    monkeypatch.setitem(sys.modules, "av", None)
    monkeypatch.delitem(sys.modules, "emulator.engines.audio_ffmpeg", raising=False)
    monkeypatch.delattr(engines, "audio_ffmpeg", raising=False)

    message = reason(CLIP.with_suffix(f".{suffix}"))

    assert message == f"{name} audio needs PyAV, which is not installed here: run `pip install av`."
