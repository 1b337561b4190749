"""What a custom model does while it is Running: gather its data, have the engine adapt to it, and keep what it made."""

import asyncio
import shutil
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from emulator.clock import Clock
from emulator.content import JobError
from emulator.datasets.contents import pronunciations, sentences
from emulator.engines.protocol import (
    SUITABLE_WEIGHT_PERCENT,
    AdaptationError,
    AdaptationReport,
    AdaptationRequest,
    AdaptingEngine,
    Engine,
)
from emulator.files import FileWriter
from emulator.jobs import Done, Progress
from emulator.model_files import model_files
from emulator.models import MODEL_FOLDER, KnownModels
from emulator.records import CustomModel, Dataset
from emulator.results import Json
from emulator.store import Store
from emulator.threads import in_thread

_STEPS = 3
"""The parts of the progress: the data, the model, its files."""


@dataclass(frozen=True, slots=True)
class _Source:
    """Data of a model: `name` is what its report calls it, such as `text`."""

    name: str
    sentences: Path | None = None
    """As in AdaptationRequest."""
    pronunciations: Path | None = None
    """As in AdaptationRequest."""


@dataclass(frozen=True, slots=True)
class _Joined:
    """The data of all sources in one file, and how many lines of it each has, in order."""

    path: Path
    lines: list[tuple[str, int]]

    def source(self, line: int) -> tuple[str, int]:
        """Whose a line (from 1) is, and its number there."""
        for name, count in self.lines:
            if line <= count:
                return name, line
            line -= count
        raise IndexError(line)


class Trainer:
    """Makes custom models.

    A model is made aside and moved to its place when it is whole, so that a training that was killed leaves nothing
    that could be taken for a model; it starts afresh.
    """

    def __init__(self, *, store: Store, clock: Clock, engine: Engine, models: KnownModels) -> None:
        self._store = store
        self._engine = engine
        self._models = models
        self._writer = FileWriter(store, clock)

    async def run(self, model: CustomModel, progress: Progress) -> Done:
        """Train or copy a model; raises JobError where it cannot be made."""
        folder = self._store.folder(model.id)
        await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)
        unfinished = folder / "unfinished"
        unfinished.mkdir(parents=True)
        progress(0, _STEPS)
        try:
            make = self._copy(model.copy_of, unfinished) if model.copy_of else self._train(model, unfinished, progress)
            report = await self._writer.write(model.id, "ModelReport", "report.json", await make)
        except Exception:
            await asyncio.to_thread(shutil.rmtree, folder)
            raise
        unfinished.rename(folder / MODEL_FOLDER)
        progress(2, _STEPS)
        files = await model_files(self._writer, model.id, model.id, folder / MODEL_FOLDER)
        return Done([report, *files], {"weight_percent": model.weight_percent or SUITABLE_WEIGHT_PERCENT})

    async def _copy(self, original: str, to: Path) -> bytes:
        """Copy what a model is made of; its report is that of the original."""
        folder = self._models.custom_folder(original)
        await in_thread(lambda _: shutil.copytree(folder, to, dirs_exist_ok=True))
        report = next(file for file in self._store.files(original) if file.kind == "ModelReport")
        return await asyncio.to_thread(self._store.file_path(report.id).read_bytes)

    async def _train(self, model: CustomModel, to: Path, progress: Progress) -> Json:
        if not isinstance(self._engine, AdaptingEngine):
            raise JobError("InvalidBaseModel", "The models of this engine cannot be adapted.")
        data = to.parent / "data"
        data.mkdir()
        sources = self._sources(model, data)
        joined_sentences, joined_pronunciations = await in_thread(lambda stop: _joined(sources, data, stop))
        progress(1, _STEPS)
        request = AdaptationRequest(
            locale=model.locale,
            to=to,
            base=self._models.folder(model.base),
            weight_percent=model.weight_percent or SUITABLE_WEIGHT_PERCENT,
            sentences=joined_sentences.path if joined_sentences else None,
            pronunciations=joined_pronunciations.path if joined_pronunciations else None,
        )
        try:
            report = await self._engine.adapt(request)
        except AdaptationError as error:
            raise JobError("InvalidData", str(error)) from error
        await asyncio.to_thread(shutil.rmtree, data)
        return _report(report, joined_sentences, joined_pronunciations)

    def _sources(self, model: CustomModel, folder: Path) -> list[_Source]:
        sources = []
        if model.text is not None:
            path = folder / "text"
            path.write_text(model.text, encoding="utf-8")
            sources.append(_Source("text", sentences=path))
        for dataset_id in model.datasets:
            dataset = self._store.get(Dataset, dataset_id)
            if not dataset:
                raise JobError("InvalidDataset", "A dataset is no longer there.")
            sources.append(
                _Source(f"datasets/{dataset_id}", sentences(self._store, dataset), pronunciations(self._store, dataset))
            )
        return sources


def _joined(sources: list[_Source], folder: Path, stop: threading.Event) -> tuple[_Joined | None, _Joined | None]:
    """The sentences and the pronunciations of all sources."""
    sentences = [(one.name, one.sentences) for one in sources if one.sentences]
    pronunciations = [(one.name, one.pronunciations) for one in sources if one.pronunciations]
    return _join(sentences, folder / "sentences.txt", stop), _join(pronunciations, folder / "pronunciations.txt", stop)


def _join(parts: list[tuple[str, Path]], to: Path, stop: threading.Event) -> _Joined | None:
    if not parts:
        return None
    lines = []
    with to.open("w", encoding="utf-8", newline="\n") as joined:
        for name, path in parts:
            count = 0
            for line in _lines(path):
                if stop.is_set():
                    return None
                joined.write(f"{line}\n")
                count += 1
            lines.append((name, count))
    return _Joined(to, lines)


def _lines(path: Path) -> Iterator[str]:
    with path.open(encoding="utf-8-sig") as file:
        for line in file:
            yield line.rstrip("\n")


def _report(report: AdaptationReport, sentences: _Joined | None, pronunciations: _Joined | None) -> Json:
    """What the model was made from; the file's form is the emulator's own, as the service's is not documented."""
    joined = {"sentences": sentences, "pronunciations": pronunciations}
    unused = []
    for one in report.unused:
        data = joined[one.data]
        source, line = data.source(one.line) if data else ("", one.line)
        unused.append({"source": source, "data": one.data, "line": line, "reason": one.reason})
    return {
        "sentences": report.sentences,
        "pronunciations": report.pronunciations,
        "newWords": list(report.new_words),
        "derivedWords": list(report.derived_words),
        "sources": [
            {"source": source, "data": name, "lines": count}
            for name, data in joined.items()
            if data
            for source, count in data.lines
        ],
        "unused": unused,
    }
