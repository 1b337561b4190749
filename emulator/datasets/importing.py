"""What a dataset does while it is Running: get its data, check it line by line and file by file, keep what is good."""

import asyncio
import shutil
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

from emulator.clock import Clock
from emulator.content import ContentReader, JobError
from emulator.datasets import structured_text
from emulator.datasets.audio_files import AUDIO_FOLDER, import_audio
from emulator.datasets.blocks import FOLDER, put_together
from emulator.datasets.contents import PRONUNCIATIONS, SENTENCES, TRANSCRIPTS
from emulator.datasets.findings import Findings
from emulator.datasets.text import checked_sentence, read_lines, sentence_of
from emulator.engines.protocol import AudioRejectedError
from emulator.engines.training_data import parse_pronunciation
from emulator.files import FileWriter
from emulator.jobs import Done, Progress
from emulator.payloads.datasets import DatasetKind
from emulator.records import Dataset, EntityError, EntityFile
from emulator.store import Store
from emulator.threads import in_thread, until

DATA = "data"
"""Name of the data, as it was given, in a dataset's folder."""
IMPORTS_AT_ONCE = 2
"""More would take all threads, which serve files too."""
SIZE_LIMITS: dict[DatasetKind, int] = {
    "Language": 200_000_000,
    "LanguageMarkdown": 200_000_000,
    "Pronunciation": 1_000_000,
    "Acoustic": 2_000_000_000,
    "AudioFiles": 2_000_000_000,
}
"""Bytes of a dataset's data (Microsoft's page "Training and testing datasets" for Custom Speech)."""


class DatasetImporter:
    """Imports datasets."""

    def __init__(self, *, store: Store, clock: Clock, reader: ContentReader, strict: bool) -> None:
        self._store = store
        self._reader = reader
        self._writer = FileWriter(store, clock)
        self._strict = strict
        self._turns = asyncio.Semaphore(IMPORTS_AT_ONCE)

    async def run(self, dataset: Dataset, progress: Progress) -> Done:
        """Import a dataset; raises JobError where its data cannot be read or is not what its kind says."""
        progress(0, 1)
        data = await self._data(dataset)
        findings = Findings()
        async with self._turns:
            files = await self._import(dataset, data, findings, progress)
        report = await self._writer.write(dataset.id, "DatasetReport", "report.json", findings.document())
        in_files = dataset.kind == "AudioFiles"
        accepted = findings.accepted_files if in_files else findings.accepted_lines
        changes = {
            "accepted_line_count": accepted,
            "rejected_line_count": findings.rejected_files if in_files else findings.rejected_lines,
            "duration_ticks": findings.duration_ticks if findings.accepted_files else None,
        }
        message = f"Nothing in the data can be used. {findings.first_rejection() or 'There are no lines to use.'}"
        failure = None if accepted and files else EntityError(code="InvalidData", message=message)
        return Done([*files, report], changes, failure)

    async def _data(self, dataset: Dataset) -> Path:
        """The data in the dataset's folder; it is there already if it was uploaded or the job begins once more."""
        data = self._store.folder(dataset.id) / DATA
        if data.exists():
            return data
        data.parent.mkdir(parents=True, exist_ok=True)
        part = data.with_suffix(".part")
        if dataset.committed:
            await in_thread(lambda stop: put_together(data.parent, until(stop, iter(dataset.committed)), part))
            part.replace(data)
            await asyncio.to_thread(shutil.rmtree, data.parent / FOLDER)
            return data
        try:
            await self._reader.download(self._store.content(dataset.id).urls[0], part, limit=SIZE_LIMITS[dataset.kind])
        except AudioRejectedError as error:
            raise JobError(error.kind, f"The data cannot be read. {error}") from None
        return part.replace(data)

    async def _import(self, dataset: Dataset, data: Path, findings: Findings, progress: Progress) -> list[EntityFile]:
        match dataset.kind:
            case "Acoustic" | "AudioFiles":
                return await self._import_audio(dataset, data, findings, progress)
            case "Pronunciation":
                return await self._import_pronunciations(dataset, data, findings)
            case "LanguageMarkdown":
                return await self._import_structured_text(dataset, data, findings)
            case _:
                return await self._import_sentences(dataset, data, findings)

    async def _import_audio(
        self, dataset: Dataset, data: Path, findings: Findings, progress: Progress
    ) -> list[EntityFile]:
        transcribed = dataset.kind == "Acoustic"
        try:
            audio = await in_thread(
                lambda stop: import_audio(
                    data, findings, transcribed=transcribed, strict=self._strict, stop=stop, progress=progress
                )
            )
            files = [
                await self._writer.move(dataset.id, "Audio", one.name, one.path, duration_ticks=one.duration_ticks)
                for one in audio
            ]
        finally:
            await asyncio.to_thread(shutil.rmtree, data.with_name(AUDIO_FOLDER), ignore_errors=True)
        files.append(await self._writer.link(dataset.id, "AcousticDataArchive", "acousticdata.zip", data))
        if transcribed:
            transcripts = data.with_name(TRANSCRIPTS)
            name = "trans.txt"
            files.append(await self._writer.link(dataset.id, "AcousticDataTranscriptionV2", name, transcripts))
        return files

    async def _import_sentences(self, dataset: Dataset, data: Path, findings: Findings) -> list[EntityFile]:
        sentences = data.with_name(SENTENCES)
        normalized = sentence_of if dataset.text_normalization == "Default" else checked_sentence
        await in_thread(lambda stop: self._filter(data, sentences, normalized, findings, stop))
        return [
            await self._writer.link(dataset.id, "LanguageData", "languagedata", data),
            await self._writer.link(dataset.id, "LanguageData", "normalized.txt", sentences),
        ]

    async def _import_structured_text(self, dataset: Dataset, data: Path, findings: Findings) -> list[EntityFile]:
        sentences, pronunciations = data.with_name(SENTENCES), data.with_name(PRONUNCIATIONS)

        def convert(stop: threading.Event) -> bool:
            text = structured_text.parse(until(stop, read_lines(data, strict=self._strict)), findings)
            _write(sentences, until(stop, structured_text.sentences(text)))
            if text.pronunciations:
                _write(pronunciations, iter(text.pronunciations))
            return bool(text.templates)

        if not await in_thread(convert):
            return []
        files = [
            await self._writer.link(dataset.id, "LanguageData", "languagedata", data),
            await self._writer.link(dataset.id, "LanguageData", "normalized.txt", sentences),
        ]
        if await asyncio.to_thread(pronunciations.exists):
            files.append(await self._writer.link(dataset.id, "PronunciationData", PRONUNCIATIONS, pronunciations))
        return files

    async def _import_pronunciations(self, dataset: Dataset, data: Path, findings: Findings) -> list[EntityFile]:
        pronunciations = data.with_name(PRONUNCIATIONS)
        await in_thread(lambda stop: self._filter(data, pronunciations, _pronunciation, findings, stop))
        return [
            await self._writer.link(dataset.id, "PronunciationData", "pronunciationdata", data),
            await self._writer.link(dataset.id, "PronunciationData", "normalized.txt", pronunciations),
        ]

    def _filter(
        self, data: Path, to: Path, normalized: Callable[[str], str], findings: Findings, stop: threading.Event
    ) -> None:
        """Write the lines that `normalized` does not refuse with a ValueError."""

        def kept() -> Iterator[str]:
            for number, line in until(stop, read_lines(data, strict=self._strict)):
                try:
                    text = normalized(line)
                except ValueError as error:
                    findings.reject_line(number, str(error))
                else:
                    findings.accept_line(number)
                    yield text

        _write(to, kept())


def _write(path: Path, lines: Iterator[str]) -> None:
    """Write lines to a new file, as the old one may be linked."""
    path.unlink(missing_ok=True)
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.writelines(f"{line}\n" for line in lines)


def _pronunciation(line: str) -> str:
    pronunciation = parse_pronunciation(line)
    return f"{pronunciation.written}\t{' '.join(pronunciation.spoken.split())}"
