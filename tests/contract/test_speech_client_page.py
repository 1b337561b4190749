"""The page docs/speech-client.md: its Python runs as it stands."""

import re
from pathlib import Path

import pytest

from emulator import SpeechEmulator
from tests.contract.conftest import Audio, Receiver

PAGE = Path(__file__).parents[2] / "docs" / "speech-client.md"


def test_the_page_runs(audio: Audio, receiver: Receiver, capsys: pytest.CaptureFixture[str]) -> None:
    """Every block runs after the ones before it, and prints what the page says of it."""
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    with SpeechEmulator() as emulator:
        names = {
            "endpoint": emulator.endpoint,
            "key": emulator.key,
            "audio_url": audio.url("call.wav", metadata={"transcript": "hello"}),
            "hook_url": receiver.url,
            "hook_secret": "a secret",
        }
        for block in blocks:
            exec(compile(block, PAGE.name, "exec"), names)  # noqa: S102 - the project's own page
        emulator.settle()
    printed = capsys.readouterr().out
    for expected in ("Succeeded 0:00:02", "InvalidLocale", "2025-10-15 has no operation", "Healthy"):
        assert expected in printed
    assert b"hello" in names["result"]  # type: ignore[operator] # set by the page
