"""Training data, and custom models of the scripted engine."""

import asyncio
from pathlib import Path

import pytest

from emulator.engines.protocol import (
    AdaptationError,
    AdaptationReport,
    AdaptationRequest,
    AudioRejectedError,
    RecognitionRequest,
    UnusedLine,
)
from emulator.engines.scripted import ScriptedEngine


def adapt(folder: Path, pronunciations: str, sentences: str = "", base: Path | None = None) -> AdaptationReport:
    """Make a custom model in a new folder."""
    folder.mkdir()
    texts = {"pronunciations": pronunciations, "sentences": sentences}
    files = {name: folder.with_name(f"{folder.name}-{name}.txt") for name in texts}
    for name, file in files.items():
        file.write_text(texts[name], encoding="utf-8")
    request = AdaptationRequest("en-US", folder, base, files["sentences"], files["pronunciations"])
    return asyncio.run(ScriptedEngine().adapt(request))


def display(model: Path | None, tmp_path: Path) -> str:
    """What the engine recognizes with a model where "Meet three c p o at the c n t k booth." is said."""
    audio = tmp_path / "audio.raw"
    audio.write_bytes(bytes(64_000))
    said = {"transcript": "Meet three C p o at the c n t k booth."}
    request = RecognitionRequest(audio, "https://store/audio", "en-US", said, model=model)
    (phrase,) = asyncio.run(ScriptedEngine().recognize(request)).phrases
    return phrase.alternatives[0].display


def test_a_scripted_model_writes_as_its_pronunciation_data_says(tmp_path: Path) -> None:
    """Its own and its base's; the base model writes what was said."""
    adapt(tmp_path / "first", "3CPO\tthree c p o\n")
    adapt(tmp_path / "second", "CNTK\tc n t k\n", base=tmp_path / "first")

    assert display(None, tmp_path) == "Meet three C p o at the c n t k booth."
    assert display(tmp_path / "first", tmp_path) == "Meet 3CPO at the c n t k booth."
    assert display(tmp_path / "second", tmp_path) == "Meet 3CPO at the CNTK booth."


def test_lines_without_a_pronunciation_are_reported(tmp_path: Path) -> None:
    """Each by its number and with a reason; empty lines do not count."""
    report = adapt(
        tmp_path / "model", "CNTK c n t k\n\n\tspoken\nword\t\ntwo words\ttu werds\n3CPO\tthree c p o\n", "Hello.\n\n"
    )

    assert (report.sentences, report.pronunciations) == (1, 1)
    assert report.unused == (
        UnusedLine("pronunciations", 1, "The line is not a word, a tab, and how the word is spoken."),
        UnusedLine("pronunciations", 3, "The written form is missing."),
        UnusedLine("pronunciations", 4, "The spoken form is missing."),
        UnusedLine("pronunciations", 5, "The written form must be one word, not 'two words'."),
    )


def test_no_model_is_made_from_nothing(tmp_path: Path) -> None:
    """Data without a line of use, data that is no text, and a base that is gone are errors."""
    with pytest.raises(AdaptationError, match="no sentence and no pronunciation"):
        adapt(tmp_path / "empty", "nonsense\n")
    with pytest.raises(AdaptationError, match="base model is no longer there"):
        adapt(tmp_path / "orphan", "3CPO\tthree c p o\n", base=tmp_path / "gone")
    (tmp_path / "latin.txt").write_bytes("Café".encode("latin-1"))
    with pytest.raises(AdaptationError, match=r"latin.txt is not UTF-8"):
        asyncio.run(ScriptedEngine().adapt(AdaptationRequest("en-US", tmp_path, sentences=tmp_path / "latin.txt")))
    with pytest.raises(AudioRejectedError, match="no longer there") as refusal:
        display(tmp_path / "gone", tmp_path)
    assert refusal.value.kind == "Internal"
