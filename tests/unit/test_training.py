"""What a training leaves: whose the lines are that the engine did not use, and nothing where it failed."""

import asyncio
from pathlib import Path

import pytest

from emulator.clock import Clock
from emulator.content import JobError
from emulator.datasets.contents import PRONUNCIATIONS, SENTENCES
from emulator.engines.protocol import AdaptationError, AdaptationReport, AdaptationRequest, UnusedLine
from emulator.engines.scripted import ScriptedEngine
from emulator.models import KnownModels
from emulator.records import CustomModel, Dataset
from emulator.store import Store
from emulator.work.training import Trainer

LINES = [UnusedLine("sentences", 3, "no word"), UnusedLine("pronunciations", 2, "no phoneme")]


class PickyEngine(ScriptedEngine):
    """Uses not all lines, and none where the text says so."""

    async def adapt(self, request: AdaptationRequest) -> AdaptationReport:
        """Leave a file, then fail, or tell of lines that were not used."""
        (request.to / "half").touch()
        assert request.sentences
        if "unusable" in request.sentences.read_text():
            raise AdaptationError("Nothing can be used.")
        assert request.pronunciations
        assert request.pronunciations.read_text() == "A\ta\nB\tb\n"
        return AdaptationReport(sentences=2, pronunciations=1, unused=tuple(LINES))


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """State in a directory."""
    return Store(tmp_path)


def train(store: Store, text: str) -> str:
    """Train a model with text and two datasets; its report."""
    clock = Clock()
    common = {
        "subscription": "s", "display_name": "d", "created": clock.now(), "last_action": clock.now(), "locale": "en-US",
    }  # fmt: skip
    for dataset, kind, name, data in (
        ("language", "Language", SENTENCES, "One.\nTwo.\n"),
        ("words", "Pronunciation", PRONUNCIATIONS, "A\ta\nB\tb\n"),
    ):
        store.put(Dataset.model_validate({**common, "id": dataset, "kind": kind}))
        store.folder(dataset).mkdir(exist_ok=True)
        (store.folder(dataset) / name).write_text(data)
    fields = {"id": "model", "base": "base/1", "text": text, "datasets": ["language", "words"]}
    model = CustomModel.model_validate(common | fields)
    trainer = Trainer(store=store, clock=clock, engine=PickyEngine(), models=KnownModels(store, clock, ()))
    done = asyncio.run(trainer.run(model, lambda *_: None))
    report = next(file for file in done.files if file.kind == "ModelReport")
    return store.file_path(report.id).read_text()


def test_unused_lines_are_told_by_their_source(store: Store) -> None:
    """The line of the joined data is that of the dataset which it came from."""
    with store:
        report = train(store, "Zero.\nHalf.")
    assert '{"source":"datasets/language","data":"sentences","line":1,"reason":"no word"}' in report
    assert '{"source":"datasets/words","data":"pronunciations","line":2,"reason":"no phoneme"}' in report


def test_a_training_that_failed_leaves_nothing(store: Store) -> None:
    """Neither a model nor its beginnings."""
    with store:
        with pytest.raises(JobError, match="Nothing can be used"):
            train(store, "unusable")
        assert not store.folder("model").exists()
