"""Transcriptions at work: from NotStarted to Succeeded or Failed, to the end of their time to live."""

import asyncio
import logging
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit
from uuid import uuid4

import orjson

from emulator.background import Background
from emulator.clock import Clock
from emulator.content import ContentReader, JobError, Recording, recordings_of
from emulator.engines.protocol import AudioRejectedError, Diarization, Engine, RecognitionRequest, RecognizedAudio
from emulator.errors import where
from emulator.faults import Faults
from emulator.notifications import Notifications
from emulator.records import EntityError, ResultFile, Status, Transcription
from emulator.results import FileOutcome, Json, iso_timestamp, report_document, result_document
from emulator.store import Store

LOG = logging.getLogger(__name__)
NOUN = "transcriptions"
BASIC_DIARIZATION_SPEAKERS = 2
"""Definition TranscriptionProperties, diarizationEnabled: the basic system tells up to two speakers apart."""


@dataclass(frozen=True, slots=True)
class JobSeconds:
    """How long a transcription stays in each state at least."""

    not_started: float = 0
    running: float = 0


NO_WAIT = JobSeconds()


@dataclass(frozen=True, slots=True)
class _Recognized:
    """One file's outcome; `file` and `ticks` are those of its result, where there is one."""

    outcome: FileOutcome
    file: ResultFile | None = None
    ticks: int = 0


class Jobs:
    """Runs the transcriptions; `workers` files are recognized at once, whatever transcription they belong to."""

    def __init__(
        self,
        *,
        store: Store,
        clock: Clock,
        background: Background,
        faults: Faults,
        notifications: Notifications,
        reader: ContentReader,
        engine: Engine,
        reads_sidecars: bool,
        workers: int,
        seconds: JobSeconds,
    ) -> None:
        self._store = store
        self._clock = clock
        self._background = background
        self._faults = faults
        self._notifications = notifications
        self._reader = reader
        self._engine = engine
        self._reads_sidecars = reads_sidecars
        self._slots = asyncio.Semaphore(workers)
        self._seconds = seconds
        self._progress: dict[str, tuple[int, int]] = {}

    def start(self, transcription: Transcription) -> None:
        """Take up a transcription, new or left unfinished when the service ended, or wait for its expiry."""
        self._background.start(self._live(transcription.id), f"transcription {transcription.id}")

    def resume(self) -> None:
        """Take up every transcription of the store."""
        for transcription in self._store.all(Transcription):
            if not transcription.finished or transcription.expires():
                self.start(transcription)

    def progress(self, transcription: str) -> tuple[int, int] | None:
        """Files done and files in all of a running transcription."""
        return self._progress.get(transcription)

    def retry_after(self, transcription: Transcription) -> int:
        """Whole seconds, at least one, that an unfinished transcription will still take if files take no time."""
        left = self._seconds.not_started + self._seconds.running
        spent = (self._clock.now() - transcription.created).total_seconds()
        return max(1, round(left - spent))

    def delete(self, transcription: Transcription) -> None:
        """Delete a transcription with its files, and tell."""
        self._store.delete(transcription, iso_timestamp(self._clock.now()))
        self._notifications.publish(transcription, NOUN, "Deletion")

    async def _live(self, transcription_id: str) -> None:
        transcription = self._store.get(Transcription, transcription_id)
        if transcription and not transcription.finished:
            await self._clock.sleep_until(transcription.created + timedelta(seconds=self._seconds.not_started))
            await self._run(transcription_id)
        transcription = self._store.get(Transcription, transcription_id)
        if transcription and (expires := transcription.expires()):
            await self._clock.sleep_until(expires)
            if transcription := self._store.get(Transcription, transcription_id):
                self.delete(transcription)

    async def _run(self, transcription_id: str) -> None:
        transcription = self._enter(transcription_id, "Running", "Processing")
        if not transcription:
            return
        end = self._clock.now() + timedelta(seconds=self._seconds.running)
        recognized: list[_Recognized] = []
        try:
            recognized = await self._recognize_all(transcription, await self._recordings(transcription))
            failure = _failure([one.outcome for one in recognized])
        except JobError as error:
            failure = EntityError(code=error.code, message=str(error))
        await self._clock.sleep_until(end)
        await self._finish(transcription_id, recognized, failure)

    async def _finish(self, transcription_id: str, recognized: list[_Recognized], failure: EntityError | None) -> None:
        files = [one.file for one in recognized if one.file]
        if recognized:
            report = report_document([one.outcome for one in recognized])
            files.append(await self._write(transcription_id, "TranscriptionReport", "report.json", report))
        self._store.put_files(transcription_id, files)
        self._store.put_content(transcription_id, self._store.content(transcription_id).without_queries())
        ticks = sum(one.ticks for one in recognized)
        self._enter(transcription_id, "Failed" if failure else "Succeeded", "Completion", error=failure, ticks=ticks)

    def _enter(
        self,
        transcription_id: str,
        status: Status,
        stage: str,
        *,
        error: EntityError | None = None,
        ticks: int | None = None,
    ) -> Transcription | None:
        """Bring a transcription into a status and tell; it is read anew, as it may have been patched meanwhile."""
        transcription = self._store.get(Transcription, transcription_id)
        if transcription:
            transcription.status = status
            transcription.error = error
            transcription.duration_ticks = ticks if status == "Succeeded" else None
            transcription.last_action = self._clock.now()
            self._store.put(transcription)
            self._notifications.publish(transcription, NOUN, stage)
        return transcription

    async def _recordings(self, transcription: Transcription) -> list[Recording]:
        if fault := self._faults.on_job(transcription.display_name):
            raise JobError(fault.code, fault.message)
        content = self._store.content(transcription.id)
        if content.container is None:
            return recordings_of(content.urls)
        recordings = await self._reader.container(content.container)
        if not recordings:
            raise JobError("InvalidData", "The container has no blobs.")
        return recordings

    async def _recognize_all(self, transcription: Transcription, recordings: list[Recording]) -> list[_Recognized]:
        self._progress[transcription.id] = 0, len(recordings)
        try:
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(self._recognize(transcription, recording)) for recording in recordings]
        finally:
            del self._progress[transcription.id]
        return [task.result() for task in tasks]

    async def _recognize(self, transcription: Transcription, recording: Recording) -> _Recognized:
        suffix = Path(urlsplit(recording.plain_url).path).suffix
        audio = self._store.downloads / f"{uuid4()}{suffix}"
        async with self._slots:
            try:
                recognized = await self._recognized(transcription, recording, audio)
                document = result_document(recognized, source=recording.source, timestamp=self._clock.now())
                file = await self._write(transcription.id, "Transcription", recording.result_name, document)
                return _Recognized(FileOutcome(recording.source), file, recognized.duration_ticks)
            except AudioRejectedError as error:
                return _Recognized(FileOutcome(recording.source, error.kind, str(error)))
            except Exception as error:  # noqa: BLE001 - one file's defect in an engine must not stop the others
                LOG.error("The engine failed on a file of transcription %s: %s", transcription.id, where(error))  # noqa: TRY400 - without its text
                message = f"The recording could not be processed ({type(error).__name__})."
                return _Recognized(FileOutcome(recording.source, "Internal", message))
            finally:
                audio.unlink(missing_ok=True)
                done, total = self._progress[transcription.id]
                self._progress[transcription.id] = done + 1, total

    async def _recognized(self, transcription: Transcription, recording: Recording, audio: Path) -> RecognizedAudio:
        if fault := self._faults.on_file(recording.plain_url):
            raise AudioRejectedError(fault.error_kind, fault.message)
        metadata = await self._reader.download(recording.url, audio)
        wants_sidecar = self._reads_sidecars and "transcript" not in metadata
        sidecar = await self._reader.sidecar(recording.url) if wants_sidecar else None
        request = recognition_request(transcription, recording, audio, metadata=metadata, sidecar=sidecar)
        return await self._engine.recognize(request)

    async def _write(self, transcription: str, kind: str, name: str, document: Json) -> ResultFile:
        """Write a result file; large ones take time, so not on the loop."""
        file_id = str(uuid4())
        size = await asyncio.to_thread(lambda: self._store.result_path(file_id).write_bytes(orjson.dumps(document)))
        return ResultFile.model_validate(
            {
                "id": file_id,
                "transcription": transcription,
                "kind": kind,
                "name": name,
                "created": self._clock.now(),
                "size": size,
            }
        )


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
    return EntityError(code=first.error_kind or "", message=f"No recording succeeded. The first: {first.error_message}")
