"""What a transcription does while it is Running: read its recordings, recognize each, write results and report."""

import asyncio
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import quote, urlsplit
from uuid import uuid4

from emulator.clock import Clock
from emulator.content import ContentReader, JobError, Recording, recordings_of, recordings_of_dataset
from emulator.datasets import contents
from emulator.datasets.contents import DatasetAudio
from emulator.engines.protocol import (
    TICKS_PER_SECOND,
    AudioRejectedError,
    Diarization,
    Engine,
    RecognitionRequest,
    RecognizedAudio,
)
from emulator.faults import Faults
from emulator.files import FileWriter
from emulator.jobs import Done, Progress
from emulator.models import KnownModels
from emulator.records import Dataset, EntityError, EntityFile, ModelPath, Transcription
from emulator.results import FileOutcome, report_document, result_document
from emulator.store import Store
from emulator.work.recognizing import all_of, nothing_recognized, rejection

DIARIZATION_MINUTES = 240
"""How long a file may be that is recognized with diarization (quotas and limits of batch transcription)."""
BASIC_DIARIZATION_SPEAKERS = 2
"""Definition TranscriptionProperties, diarizationEnabled: the basic system tells up to two speakers apart."""


@dataclass(frozen=True, slots=True)
class _Recognized:
    """One file's outcome; `file` and `ticks` are those of its result, where there is one."""

    outcome: FileOutcome
    file: EntityFile | None = None
    ticks: int = 0


class Transcriber:
    """Runs transcriptions; `slots` are as many files as the engine recognizes at once, whatever job they belong to."""

    def __init__(
        self,
        *,
        store: Store,
        clock: Clock,
        faults: Faults,
        reader: ContentReader,
        engine: Engine,
        models: KnownModels,
        reads_sidecars: bool,
        slots: asyncio.Semaphore,
    ) -> None:
        self._store = store
        self._clock = clock
        self._faults = faults
        self._reader = reader
        self._engine = engine
        self._models = models
        self._reads_sidecars = reads_sidecars
        self._slots = slots
        self._writer = FileWriter(store, clock)

    async def run(self, transcription: Transcription, progress: Progress) -> Done:
        """Recognize every recording; raises JobError where there are none to be read."""
        recordings = await self._recordings(transcription)
        recognized = await all_of([self._recognize(transcription, recording) for recording in recordings], progress)
        outcomes = [one.outcome for one in recognized]
        results = [one.file for one in recognized if one.file]
        report = await self._writer.write(
            transcription.id,
            "TranscriptionReport",
            "report.json",
            report_document(outcomes, source_name="source" if transcription.dated else "sourceUrl"),
        )
        failure = _failure(outcomes)
        ticks = None if failure else sum(one.ticks for one in recognized)
        files = await self._delivered(transcription, [*results, report])
        return Done(files, {"duration_ticks": ticks}, failure)

    async def _delivered(self, transcription: Transcription, files: list[EntityFile]) -> list[EntityFile]:
        """The files, written to the destination container and no longer kept here where there is one."""
        destination = self._store.content(transcription.id).destination
        if destination is None:
            return files
        try:
            return [await self._put(transcription, destination, file) for file in files]
        finally:
            for file in files:
                self._store.file_path(file.id).unlink(missing_ok=True)

    async def _put(self, transcription: Transcription, destination: str, file: EntityFile) -> EntityFile:
        container, _, query = destination.partition("?")
        url = f"{container.rstrip('/')}/{transcription.id}/{quote(file.name)}"
        try:
            await self._reader.put(f"{url}?{query}", self._store.file_path(file.id))
        except AudioRejectedError as error:
            message = f"The results cannot be written to the destination container. {error}"
            raise JobError(error.kind, message) from None
        return file.model_copy(update={"url": url})

    async def _recordings(self, transcription: Transcription) -> list[Recording]:
        if transcription.dataset is not None:
            dataset = self._store.get(Dataset, transcription.dataset)
            return recordings_of_dataset(transcription.dataset, contents.audio(self._store, dataset) if dataset else [])
        content = self._store.content(transcription.id)
        if content.container is None:
            return recordings_of(content.urls)
        recordings = await self._reader.container(content.container)
        if not recordings:
            raise JobError("InvalidData", "The container has no blobs.")
        return recordings

    async def _recognize(self, transcription: Transcription, recording: Recording) -> _Recognized:
        suffix = Path(urlsplit(recording.plain_url).path).suffix
        audio = self._store.downloads / f"{uuid4()}{suffix}"
        async with self._slots:
            try:
                recognized = await self._recognized(transcription, recording, audio)
                document = result_document(
                    recognized,
                    source=recording.source,
                    timestamp=self._clock.now(),
                    milliseconds=transcription.dated,
                )
                file = await self._writer.write(transcription.id, "Transcription", recording.result_name, document)
                return _Recognized(FileOutcome(recording.source), file, recognized.duration_ticks)
            except Exception as error:  # noqa: BLE001 - one file's defect in an engine must not stop the others
                rejected = rejection(error, f"transcription {transcription.id}")
                return _Recognized(FileOutcome(recording.source, rejected.kind, str(rejected)))
            finally:
                audio.unlink(missing_ok=True)

    async def _recognized(self, transcription: Transcription, recording: Recording, audio: Path) -> RecognizedAudio:
        if fault := self._faults.on_file(recording.plain_url):
            raise AudioRejectedError(fault.error_kind, fault.message)
        if recording.local:
            return await self._recognized_locally(transcription, recording, recording.local)
        metadata = await self._reader.download(recording.url, audio)
        wants_sidecar = self._reads_sidecars and "transcript" not in metadata
        sidecar = await self._reader.sidecar(recording.url) if wants_sidecar else None
        request = recognition_request(transcription, recording, audio, metadata=metadata, sidecar=sidecar)
        return await self._ask(transcription, request)

    async def _recognized_locally(
        self, transcription: Transcription, recording: Recording, audio: DatasetAudio
    ) -> RecognizedAudio:
        sidecar = audio.transcript if self._reads_sidecars else None
        request = recognition_request(transcription, recording, audio.path, metadata={}, sidecar=sidecar)
        return await self._ask(transcription, request)

    async def _ask(self, transcription: Transcription, request: RecognitionRequest) -> RecognizedAudio:
        recognized = await self._engine.recognize(replace(request, model=self._models.folder(_model(transcription))))
        if request.diarization and recognized.duration_ticks > DIARIZATION_MINUTES * 60 * TICKS_PER_SECOND:
            message = f"Diarization takes recordings of up to {DIARIZATION_MINUTES} minutes; this one is longer."
            raise AudioRejectedError("InvalidData", message)
        return recognized


def _model(transcription: Transcription) -> ModelPath | None:
    """The model of the transcription's locale, which is that of every phrase: the language is not detected."""
    return transcription.models_by_locale.get(transcription.locale, transcription.model)


def recognition_request(
    transcription: Transcription, recording: Recording, audio: Path, *, metadata: dict[str, str], sidecar: str | None
) -> RecognitionRequest:
    """What the engine is asked for one file of a transcription."""
    properties = transcription.properties
    identification = properties.language_identification
    return RecognitionRequest(
        audio=audio,
        source=recording.plain_url,
        locale=transcription.locale,
        metadata=metadata,
        sidecar=sidecar,
        channels=tuple(properties.channels),
        word_timestamps=properties.word_level_timestamps_enabled,
        display_word_timestamps=properties.display_form_word_level_timestamps_enabled,
        diarization=_diarization(transcription),
        candidate_locales=tuple(identification.candidate_locales) if identification else (),
        profanity=properties.profanity_filter_mode,
        punctuation=properties.punctuation_mode,
    )


def _diarization(transcription: Transcription) -> Diarization | None:
    properties = transcription.properties
    if not properties.diarization_enabled:
        return None
    if not properties.diarization:
        return Diarization(1, BASIC_DIARIZATION_SPEAKERS)
    speakers = properties.diarization.speakers
    return Diarization(speakers.min_count, speakers.max_count)


def _failure(outcomes: list[FileOutcome]) -> EntityError | None:
    """A transcription whose files all failed is Failed; the error is that of its first file."""
    if not all(outcome.error_kind for outcome in outcomes):
        return None
    first = outcomes[0]
    return nothing_recognized(first.error_kind or "", first.error_message)
