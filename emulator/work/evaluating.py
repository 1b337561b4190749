"""What an evaluation does while it is Running: recognize a dataset's audio with both models, and count the errors.

Of each audio file and model there is a score file, named as in the specification's example of Evaluations_ListFiles.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from emulator.clock import Clock
from emulator.content import JobError
from emulator.datasets import contents
from emulator.datasets.contents import DatasetAudio
from emulator.engines.protocol import AudioRejectedError, Engine, RecognitionRequest, RecognizedAudio
from emulator.faults import Faults
from emulator.files import FileWriter
from emulator.jobs import Done, Progress
from emulator.models import KnownModels
from emulator.records import Dataset, EntityError, EntityFile, Evaluation
from emulator.results import Json, iso_duration
from emulator.store import Store
from emulator.work.recognizing import all_of, nothing_recognized, rejection
from emulator.work.word_errors import AlignedWord, aligned, normalized, token_results, tokens, word_results


@dataclass(frozen=True, slots=True)
class _Compared:
    """What was said, beside what was recognized."""

    words: Sequence[AlignedWord]
    tokens: Sequence[AlignedWord]


@dataclass(frozen=True, slots=True)
class _Score:
    """What one model made of one file; `compared` is None where it was not recognized, or nobody knows what is said."""

    file: EntityFile
    compared: _Compared | None = None
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
        reads_sidecars: bool,
        slots: asyncio.Semaphore,
    ) -> None:
        self._store = store
        self._faults = faults
        self._engine = engine
        self._models = models
        self._reads_sidecars = reads_sidecars
        self._slots = slots
        self._comparing = asyncio.Lock()  # threads that compare would keep the interpreter from the event loop
        self._writer = FileWriter(store, clock)

    async def run(self, evaluation: Evaluation, progress: Progress) -> Done:
        """Compare both models; raises JobError where dataset or models are not there."""
        models = {"model1": evaluation.model1, "model2": evaluation.model2}
        folders = {name: self._models.folder(path) for name, path in models.items()}
        recordings = self._recordings(evaluation)
        scores = await all_of(
            [
                self._scored(evaluation, recording, model, folder)
                for model, folder in folders.items()
                for recording in recordings
            ],
            progress,
        )
        files = [one.file for one in scores]
        both = [scores[: len(recordings)], scores[len(recordings) :]]
        found = await asyncio.to_thread(_results, both, evaluation.locale)
        return Done(files, {"results": found}, _failure(both))

    def _recordings(self, evaluation: Evaluation) -> Sequence[DatasetAudio]:
        dataset = self._store.get(Dataset, evaluation.dataset)
        recordings = contents.audio(self._store, dataset) if dataset else []
        if not recordings:
            raise JobError("InvalidDataset", "The dataset has no audio.")
        return recordings

    async def _scored(self, evaluation: Evaluation, recording: DatasetAudio, model: str, folder: Path | None) -> _Score:
        async with self._slots:
            return await self._score(evaluation, recording, model, folder)

    async def _score(self, evaluation: Evaluation, recording: DatasetAudio, model: str, folder: Path | None) -> _Score:
        body: Json = {"audio": recording.name, "duration": iso_duration(recording.duration_ticks)}
        if recording.transcript is not None:
            body["reference"] = recording.transcript
        compared: _Compared | None = None
        rejected: AudioRejectedError | None = None
        try:
            recognized = await self._recognized(evaluation, recording, folder)
        except Exception as error:  # noqa: BLE001 - one file's defect in an engine must not stop the others
            rejected = rejection(error, f"evaluation {evaluation.id}")
            body |= {"status": "Failed", "errorKind": rejected.kind, "errorMessage": str(rejected)}
        else:
            lexical, display = _texts(recognized)
            body |= {"status": "Succeeded", "lexical": lexical, "display": display}
            if recording.transcript is not None:
                async with self._comparing:
                    compared = await asyncio.to_thread(
                        _compare, recording.transcript, lexical, display, evaluation.locale
                    )
                body |= _counts(compared.words)
        name = f"{recording.name}.{model}_score.json"
        file = await self._writer.write(evaluation.id, "EvaluationDetails", name, body)
        return _Score(file, compared, rejected)

    async def _recognized(self, evaluation: Evaluation, recording: DatasetAudio, model: Path | None) -> RecognizedAudio:
        request = RecognitionRequest(
            audio=recording.path,
            source=f"datasets/{evaluation.dataset}/{recording.name}",
            locale=evaluation.locale,
            sidecar=recording.transcript if self._reads_sidecars else None,
            channels=(0,),
            profanity="None",
            model=model,
        )
        if fault := self._faults.on_file(request.source):
            raise AudioRejectedError(fault.error_kind, fault.message)
        return await self._engine.recognize(request)


def _texts(recognized: RecognizedAudio) -> tuple[str, str]:
    """The lexical and the display form of all that was recognized; some engines have the display form alone."""
    best = [phrase.alternatives[0] for phrase in recognized.phrases if phrase.alternatives]
    lexical = " ".join(reading.lexical or reading.display for reading in best)
    return lexical, " ".join(reading.display for reading in best)


def _compare(transcript: str, lexical: str, display: str, locale: str) -> _Compared:
    return _Compared(
        aligned(normalized(transcript, locale), normalized(lexical, locale)),
        aligned(tokens(transcript), tokens(display)),
    )


def _counts(words: Sequence[AlignedWord]) -> Json:
    """What a score file says of the errors."""
    counts = {name: value for name, value in word_results([words]).items() if not name.startswith("sentence")}
    shown = [{"reference": one.reference, "hypothesis": one.hypothesis, "errorType": one.error} for one in words]
    return {**counts, "words": shown}


def _results(both: Sequence[Sequence[_Score]], locale: str) -> Json:
    """Definition EvaluationProperties; empty where nobody knows what is said."""
    found: Json = {}
    for number, scores in enumerate(both, start=1):
        compared = [score.compared for score in scores if score.compared]
        if compared:
            words = word_results([one.words for one in compared])
            shown = words | token_results([one.tokens for one in compared], locale)
            found |= {f"{name}{number}": value for name, value in shown.items()}
    return found


def _failure(both: Sequence[Sequence[_Score]]) -> EntityError | None:
    """An evaluation is Failed where a model recognized no file at all; the error is that of its first file."""
    for scores in both:
        first = scores[0].rejected
        if first and all(one.rejected for one in scores):
            return nothing_recognized(first.kind, str(first))
    return None
