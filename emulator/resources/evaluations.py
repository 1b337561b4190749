"""The noun Evaluations: two models compared on a dataset of audio and what is said in it."""

from aiohttp import web

from emulator.app import Call
from emulator.datasets.references import referenced_dataset
from emulator.errors import invalid_request
from emulator.payloads.datasets import DatasetKind
from emulator.payloads.evaluations import (
    RESULTS,
    TOKEN_RESULTS,
    DatedEvaluationCreate,
    EvaluationCreate,
    EvaluationUpdate,
)
from emulator.records import Evaluation
from emulator.resources.entities import EntitiesWithFiles
from emulator.results import Json

AUDIO_KINDS: tuple[DatasetKind, ...] = ("Acoustic", "AudioFiles")
"""Kinds of datasets with audio; with AudioFiles, of which nobody knows what is said, there is nothing to count."""
UNKNOWN = -1
"""What the service answers for a result that is not there yet."""


class Evaluations(EntitiesWithFiles[Evaluation]):
    """Operations Evaluations_*."""

    kind = Evaluation
    noun = "evaluations"
    title = "evaluation"
    create_payload = EvaluationCreate
    update_payload = EvaluationUpdate

    async def create(self, call: Call) -> web.Response:
        """Operation Evaluations_Create."""
        payload = await call.payload(DatedEvaluationCreate if call.links.dated else EvaluationCreate)
        self.check_locale(payload.locale)
        if payload.transcription1 or payload.transcription2:
            message = "An evaluation recognizes the dataset's audio itself; it cannot be given transcriptions."
            raise invalid_request("InvalidTranscription", message, target="transcription1")
        dataset = referenced_dataset(
            call, self._store, payload.dataset, kinds=AUDIO_KINDS, locale=payload.locale, target="dataset"
        )
        evaluation = Evaluation.model_validate(
            self.common_fields(call, payload)
            | {
                "project": self.project_of(call, payload.project),
                "locale": payload.locale,
                "model1": self._models.referenced(call, payload.model1, locale=payload.locale, target="model1"),
                "model2": self._models.referenced(call, payload.model2, locale=payload.locale, target="model2"),
                "dataset": dataset.id,
                "email": payload.properties.email if isinstance(payload, EvaluationCreate) else None,
            }
        )
        return self.begin(call, evaluation)

    def show(self, call: Call, entity: Evaluation) -> Json:
        """An evaluation as definition Evaluation has it."""
        names = (*RESULTS, *TOKEN_RESULTS) if call.links.dated else RESULTS
        properties: Json = {f"{name}{model}": UNKNOWN for name in names for model in (1, 2)}
        shown = {name for name in entity.results if call.links.dated or name in properties}
        properties |= {name: entity.results[name] for name in shown}
        if entity.email is not None and not entity.finished and not call.links.dated:
            properties["email"] = entity.email
        if entity.error:
            properties["error"] = entity.error.model_dump()
        return super().show(call, entity) | {
            "model1": {"self": call.links.url("models", entity.model1)},
            "model2": {"self": call.links.url("models", entity.model2)},
            "dataset": {"self": call.links.url("datasets", entity.dataset)},
            "links": {"files": call.links.url(self.noun, entity.id, "files")},
            "properties": properties,
            "locale": entity.locale,
        }
