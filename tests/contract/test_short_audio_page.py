"""The page docs/short-audio.md: its Python runs as it stands."""

import io
import re
import wave
from pathlib import Path

import pytest
import soundfile
import soxr

from emulator import SpeechEmulator

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "short-audio.md"
RECORDINGS = ROOT / "tests" / "data" / "short_audio"


def samples() -> bytes:
    """A recording as 16-bit samples of 16 kHz."""
    spoken, rate = soundfile.read(RECORDINGS / "unrelated.ogg", dtype="float32")
    return bytes((soxr.resample(spoken, rate, 16_000) * 32767).astype("<i2").tobytes())


def eight_kilohertz() -> bytes:
    """A second of telephone silence."""
    file = io.BytesIO()
    with wave.open(file, "wb") as audio:
        audio.setparams((1, 2, 8_000, 0, "NONE", ""))
        audio.writeframes(bytes(16_000))
    return file.getvalue()


def test_the_page_runs(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Every block runs after the ones before it, and prints what the page says of it."""
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    monkeypatch.chdir(RECORDINGS)
    with SpeechEmulator(engine="pocketsphinx", workers=1) as emulator:
        spoken = samples()
        names = {
            "region_or_endpoint": emulator.endpoint,
            "key": emulator.key,
            "eight_kilohertz": eight_kilohertz(),
            "pieces_of_samples": [spoken[at : at + 3_200] for at in range(0, len(spoken), 3_200)],
        }
        for block in blocks:
            exec(compile(block, PAGE.name, "exec"), names)  # noqa: S102 - the project's own page
    printed = capsys.readouterr().out
    for expected in (
        "Success The quick brown fox jumps over the lazy dog near the river.",
        "8000 Hz and 16 bits; needed is PCM",
        "Please call me tomorrow about the payment",
        "brown Omission 0.0 []",
        "('f', 9",
        "The quick fox jumps over the dog near the river. 8",
    ):
        assert expected in printed
