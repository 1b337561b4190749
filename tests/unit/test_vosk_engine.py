"""How the vosk engine feeds its package and collects what that says; the package is played, as there is no model."""

import asyncio
import io
import sys
import threading
import wave
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import ClassVar

import numpy as np
import pytest

from emulator.engines import create
from emulator.engines.protocol import AudioRejectedError, Diarization, Engine, RecognitionRequest

DATA = Path(__file__).parents[1] / "data" / "engines"
ANSWERS = (DATA / "vosk_answers.jsonl").read_text(encoding="utf-8").split("\n")
RATE = 16_000


class PlayedRecognizer:
    """Hears a phrase in every second of sound, and answers as the package does; `gate` holds it up."""

    made: ClassVar[list["PlayedRecognizer"]] = []
    gate = threading.Event()
    fed = threading.Event()

    def __init__(self, _: object, rate: int) -> None:
        self.options = [rate]
        self.heard = np.zeros(0, np.int16)
        self.thread = threading.current_thread()
        self.made.append(self)

    def SetWords(self, wanted: bool) -> None:  # noqa: D102, N802 - the package's
        self.options.append(wanted)

    def SetMaxAlternatives(self, count: int) -> None:  # noqa: D102, N802 - the package's
        self.options.append(count)

    def AcceptWaveform(self, data: bytes) -> int:  # noqa: D102, N802 - the package's
        self.fed.set()
        self.gate.wait(20)
        self.heard = np.append(self.heard, np.frombuffer(data, np.int16))
        return int(len(self.heard) % RATE == 0 and self.heard[-1] > 0)

    def Result(self) -> str:  # noqa: D102, N802 - the package's
        return ANSWERS[0]

    def FinalResult(self) -> str:  # noqa: D102, N802 - the package's
        return ANSWERS[1]


@pytest.fixture
def engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Engine]:
    """The engine on the played package."""
    package = ModuleType("vosk")
    parts = {"Model": Path, "KaldiRecognizer": PlayedRecognizer, "SetLogLevel": int}
    package.__dict__.update(parts)
    monkeypatch.setitem(sys.modules, "vosk", package)
    monkeypatch.delitem(sys.modules, "emulator.engines.vosk", raising=False)
    PlayedRecognizer.made.clear()
    PlayedRecognizer.gate.set()
    PlayedRecognizer.fed.clear()
    (tmp_path / "am").mkdir()
    (tmp_path / "am" / "final.mdl").touch()
    yield create("vosk", workers=2, model=tmp_path)
    sys.modules.pop("emulator.engines.vosk", None)


def request(folder: Path, *channels: int, **options: object) -> RecognitionRequest:
    """Three seconds of a sound of its own in each channel, at 16 kHz."""
    file = folder / "sound.wav"
    content = io.BytesIO()
    with wave.open(content, "wb") as audio:
        audio.setnchannels(len(channels))
        audio.setsampwidth(2)
        audio.setframerate(RATE)
        audio.writeframes(np.tile(np.array(channels, np.int16), (3 * RATE, 1)).tobytes())
    file.write_bytes(content.getvalue())
    return RecognitionRequest(audio=file, source="sound.wav", locale="en-US", **options)  # type: ignore[arg-type] # as named


def test_each_channel_is_heard_for_itself(engine: Engine, tmp_path: Path) -> None:
    """Whole, in order, in a thread; phrases are by channel, and the end without words is none."""
    recognized = asyncio.run(engine.recognize(request(tmp_path, 500, 0)))
    first, second = PlayedRecognizer.made
    assert first.options == second.options == [RATE, True, 20]
    assert [len(one.heard) for one in (first, second)] == [3 * RATE] * 2
    assert [set(one.heard.tolist()) for one in (first, second)] == [{500}, {0}]
    assert threading.current_thread() is not first.thread
    assert (recognized.channels, recognized.duration_ticks) == ((0, 1), 30_000_000)
    assert [phrase.channel for phrase in recognized.phrases] == [0, 0, 0]
    assert recognized.phrases[0].alternatives[0].display == "The meeting is at 3:30 PM."


def test_only_the_wanted_channels_are_heard(engine: Engine, tmp_path: Path) -> None:
    """That there are none of them, or several with diarization, is the file's fault."""
    recognized = asyncio.run(engine.recognize(request(tmp_path, 0, 500, channels=(1,))))
    assert {phrase.channel for phrase in recognized.phrases} == {1}
    with pytest.raises(AudioRejectedError, match="none of the channels"):
        asyncio.run(engine.recognize(request(tmp_path, 1, channels=(1,))))
    with pytest.raises(AudioRejectedError, match="one channel"):
        asyncio.run(engine.recognize(request(tmp_path, 1, 2, diarization=Diarization())))


@pytest.mark.parametrize("how", ["cancel", "close"])
def test_work_ends_when_nobody_waits(engine: Engine, tmp_path: Path, how: str) -> None:
    """A cancelled file, and those in work at the end, are left at the next quarter of a second."""
    PlayedRecognizer.gate.clear()

    async def run() -> None:
        task = asyncio.create_task(engine.recognize(request(tmp_path, 500)))
        await asyncio.to_thread(PlayedRecognizer.fed.wait, 20)
        if how == "cancel":
            task.cancel()
        closing = asyncio.create_task(engine.close())
        await asyncio.sleep(0)
        PlayedRecognizer.gate.set()
        await closing
        with pytest.raises(asyncio.CancelledError if how == "cancel" else AudioRejectedError):
            await task

    asyncio.run(run())
    assert len(PlayedRecognizer.made[0].heard) == RATE // 4
