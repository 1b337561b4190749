"""What an evaluation does while it is Running: recognize a dataset's audio with both models, and count the errors."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from emulator.clock import Clock
from emulator.content import JobError
from emulator.datasets import contents
from emulator.datasets.contents import DatasetAudio
from emulator.engines.protocol import AudioRejectedError, Engine, RecognitionRequest, RecognizedAudio
from emulator.faults import Faults
from emulator.files import FileWriter
from emulator.jobs import Done, Progress
from emulator.models import KnownModels
from emulator.recognizing import rejection
from emulator.records import Dataset, EntityError, Evaluation, ModelPath
from emulator.results import Json, iso_duration
from emulator.store import Store
from emulator.word_errors import AlignedWord, aligned, normalized, results

DETAILS_NAME = "evaluation_details.json"


@dataclass(frozen=True, slots=True)
class _Heard:
    """What one model recognized in one file, or why it did not; `words` is None where nobody knows what was said."""

    lexical: str = ""
    display: str = ""
    words: Sequence[AlignedWord] | None = None
    rejected: AudioRejectedError | None = None


class Evaluator:
    """Runs evaluations; `slots` are as many files as the engine recognizes at once, whatever job they belong to."""

    def __init__(
        self,
        *,
        store: Store,
        clock: Clock,
        faults: Faults,
        engine: Engine,
        models: KnownModels,
        slots: asyncio.Semaphore,
    ) -> None:
        self._store = store
        self._faults = faults
        self._engine = engine
        self._models = models
        self._slots = slots
        self._writer = FileWriter(store, clock)

    async def run(self, evaluation: Evaluation, progress: Progress) -> Done:
        """Compare both models; raises JobError where dataset or models are not there."""
        recordings = self._recordings(evaluation)
        both = await self._recognize_all(evaluation, recordings, progress)
        details = await asyncio.to_thread(_details, recordings, both)
        file = await self._writer.write(evaluation.id, "EvaluationDetails", DETAILS_NAME, details)
        return Done([file], {"results": _results(both)}, _failure(both))

    def _recordings(self, evaluation: Evaluation) -> Sequence[DatasetAudio]:
        dataset = self._store.get(Dataset, evaluation.dataset)
        recordings = contents.audio(self._store, dataset) if dataset else []
        if not recordings:
            raise JobError("InvalidDataset", "The dataset has no audio.")
        return recordings

    async def _recognize_all(
        self, evaluation: Evaluation, recordings: Sequence[DatasetAudio], progress: Progress
    ) -> tuple[list[_Heard], list[_Heard]]:
        done, total = 0, 2 * len(recordings)
        progress(done, total)

        async def recognize(recording: DatasetAudio, model: ModelPath) -> _Heard:
            nonlocal done
            heard = await self._heard(evaluation, recording, model)
            done += 1
            progress(done, total)
            return heard

        async with asyncio.TaskGroup() as group:
            tasks = [
                [group.create_task(recognize(recording, model)) for recording in recordings]
                for model in (evaluation.model1, evaluation.model2)
            ]
        first, second = ([task.result() for task in each] for each in tasks)
        return first, second

    async def _heard(self, evaluation: Evaluation, recording: DatasetAudio, model: ModelPath) -> _Heard:
        request = RecognitionRequest(
            audio=recording.path,
            source=f"datasets/{evaluation.dataset}/{recording.name}",
            locale=evaluation.locale,
            channels=(0,),
            profanity="None",
            model=self._models.folder(model),
        )
        try:
            recognized = await self._recognized(request)
        except Exception as error:  # noqa: BLE001 - one file's defect in an engine must not stop the others
            return _Heard(rejected=rejection(error, f"evaluation {evaluation.id}"))
        return await asyncio.to_thread(_compared, recognized, recording.transcript, evaluation.locale)

    async def _recognized(self, request: RecognitionRequest) -> RecognizedAudio:
        if fault := self._faults.on_file(request.source):
            raise AudioRejectedError(fault.error_kind, fault.message)
        async with self._slots:
            return await self._engine.recognize(request)


def _compared(recognized: RecognizedAudio, transcript: str | None, locale: str) -> _Heard:
    best = [phrase.alternatives[0] for phrase in recognized.phrases if phrase.alternatives]
    lexical = " ".join(reading.lexical or reading.display for reading in best)
    display = " ".join(reading.display for reading in best)
    if transcript is None:
        return _Heard(lexical, display)
    return _Heard(lexical, display, aligned(normalized(transcript, locale), normalized(lexical, locale)))


def _results(both: Sequence[Sequence[_Heard]]) -> Mapping[str, float | int]:
    """Definition EvaluationProperties; empty where nobody knows what was said."""
    found: dict[str, float | int] = {}
    for number, heard in enumerate(both, start=1):
        sentences = [one.words for one in heard if one.words is not None]
        if sentences:
            found |= {f"{name}{number}": value for name, value in results(sentences).items()}
    return found


def _failure(both: Sequence[Sequence[_Heard]]) -> EntityError | None:
    """An evaluation is Failed where a model recognized no file at all; the error is that of its first file."""
    for heard in both:
        first = heard[0].rejected
        if first and all(one.rejected for one in heard):
            return EntityError(code=first.kind, message=f"No recording succeeded. The first: {first}")
    return None


def _details(recordings: Sequence[DatasetAudio], both: Sequence[Sequence[_Heard]]) -> Json:
    """The details file: for each recording what was said, and what each model made of it."""
    return {
        "utterances": [
            {
                "name": recording.name,
                "duration": iso_duration(recording.duration_ticks),
                **({} if recording.transcript is None else {"reference": recording.transcript}),
                "model1": _detail(first),
                "model2": _detail(second),
            }
            for recording, first, second in zip(recordings, *both, strict=True)
        ]
    }


def _detail(heard: _Heard) -> Json:
    if heard.rejected:
        return {"status": "Failed", "errorKind": heard.rejected.kind, "errorMessage": str(heard.rejected)}
    body: Json = {"status": "Succeeded", "lexical": heard.lexical, "display": heard.display}
    if heard.words is not None:
        counts = results([heard.words])
        body |= {name: value for name, value in counts.items() if not name.startswith("sentence")}
        body["words"] = [
            {"reference": word.reference, "hypothesis": word.hypothesis, "errorType": word.error}
            for word in heard.words
        ]
    return body
