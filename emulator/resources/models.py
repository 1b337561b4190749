"""The noun Models: base models, and the custom models that are made from them."""

from collections.abc import Mapping
from uuid import uuid4

from aiohttp import web

from emulator import model_copies
from emulator.app import Call, answer, subscription_of
from emulator.datasets.references import referenced_dataset
from emulator.errors import ApiError, invalid_request, not_found
from emulator.filters import Value
from emulator.links import base_model_id
from emulator.model_files import BaseModelFiles
from emulator.models import BaseModel
from emulator.paging import page, select
from emulator.payloads.datasets import DatasetKind
from emulator.payloads.models import (
    CustomModelCreate,
    DatedCustomModelCreate,
    ModelCopy,
    ModelCopyAuthorization,
    ModelCopyAuthorizationDefinition,
    ModelUpdate,
)
from emulator.quotas import MODEL_TEXT_LIMIT
from emulator.records import CustomModel, Endpoint, EntityFile, Evaluation, Transcription
from emulator.resources.entities import EntitiesWithFiles, Parts
from emulator.resources.operations import operation_url, show_operation
from emulator.results import Json, iso_timestamp

ADAPTS_WITH: list[DatasetKind] = ["Language", "LanguageMarkdown", "Pronunciation", "Acoustic"]
"""Kinds of datasets that a model can be made from; of acoustic ones, the transcripts are what is learned."""


class Models(EntitiesWithFiles[CustomModel]):
    """Operations Models_*."""

    kind = CustomModel
    noun = "models"
    title = "model"
    needed_by = (CustomModel, Transcription, Evaluation, Endpoint)
    create_payload = CustomModelCreate
    update_payload = ModelUpdate

    def __init__(self, parts: Parts, *, engine: str, adapts: bool, base_files: BaseModelFiles) -> None:
        super().__init__(parts)
        self._engine = engine
        self._adapts = adapts
        self._base_files = base_files

    async def list_supported_locales(self, _: Call) -> web.Response:
        """Operation Models_ListSupportedLocales: those of models that can be adapted."""
        return answer(list(self._locales) if self._adapts else [])

    async def list_custom_models(self, call: Call) -> web.Response:
        """Operation Models_ListCustomModels."""
        return await super().list(call)

    async def get_custom_model(self, call: Call) -> web.Response:
        """Operation Models_GetCustomModel."""
        return await super().get(call)

    async def create(self, call: Call) -> web.Response:
        """Operation Models_Create: training from `datasets` and `text`; without `baseModel` from the current one."""
        payload = await call.payload(DatedCustomModelCreate if call.links.dated else CustomModelCreate)
        self.check_locale(payload.locale)
        given = _given_in_v3_1(call, payload)
        model = CustomModel.model_validate(
            self.common_fields(call, payload)
            | {
                "project": self.project_of(call, payload.project),
                "locale": payload.locale,
                "base": self._base(call, payload),
                "datasets": self._datasets(call, payload),
                "weight_percent": payload.properties.custom_model_weight_percent,
                **given,
            }
        )
        return self.begin(call, model)

    async def list_base_models(self, call: Call) -> web.Response:
        """Operation Models_ListBaseModels, locale by locale."""
        chosen = select(call, self._models.base_models(), self.filters, _base_values)
        _, body = page(call, chosen, lambda model: self._show_base(call, model))
        return answer(body)

    async def get_base_model(self, call: Call) -> web.Response:
        """Operation Models_GetBaseModel."""
        return answer(self._show_base(call, self._found_base(call)))

    async def get_base_model_manifest(self, call: Call) -> web.Response:
        """Operation Models_GetBaseModelManifest: the files of the engine's package."""
        model = self._found_base(call)
        return answer(self._manifest(call, model.path, model, await self._base_files.of(model)))

    async def get_custom_model_manifest(self, call: Call) -> web.Response:
        """Operation Models_GetCustomModelManifest: the files that the engine made, and those of the base model."""
        model = self._succeeded(call)
        root = self._models.root(model.base)
        base_files = await self._base_files.of(root) if root else []
        own_files = [file for file in self._store.files(model.id) if not file.listed]
        return answer(self._manifest(call, model.id, root, [*own_files, *base_files]))

    async def authorize_copy(self, call: Call) -> web.Response:
        """Operation Models_AuthorizeCopy: whatever resource id the source is said to have is taken."""
        payload = await call.payload(ModelCopyAuthorizationDefinition)
        return answer(model_copies.authorize(call, payload.source_resource_id, self._clock.now()))

    async def copy(self, call: Call) -> web.Response:
        """Operation Models_Copy: to the subscription that has authorized it."""
        payload = await call.payload(ModelCopyAuthorization)
        model = self._succeeded(call)
        copy = self._copy(call, model, model_copies.target_of(call, payload, self._clock.now()))
        self.begin(call, copy)
        headers = {"Operation-Location": operation_url(call, copy), "Retry-After": self.retry_after(copy)}
        return answer(show_operation(call, copy), status=202, headers=headers)

    async def copy_to(self, call: Call) -> web.Response:
        """Operation Models_CopyTo: to the subscription of another key."""
        payload = await call.payload(ModelCopy)
        model = self._succeeded(call)
        target = subscription_of(payload.target_subscription_key)
        if target not in self._parts.subscriptions:
            message = "There is no subscription with this key."
            raise invalid_request("SubscriptionNotFound", message, target="targetSubscriptionKey")
        return self.begin(call, self._copy(call, model, target))

    def check_locale(self, locale: str) -> None:
        """Raise ApiError where the engine has no model of a locale that can be adapted."""
        super().check_locale(locale)
        if not self._adapts:
            message = f"Models of the engine {self._engine} cannot be adapted."
            raise invalid_request("InvalidLocale", message, target="locale")

    def show(self, call: Call, entity: CustomModel) -> Json:
        """A custom model as definition CustomModel has it."""
        body = super().show(call, entity) | {
            "locale": entity.locale,
            "baseModel": {"self": call.links.url(self.noun, entity.base)},
            "links": {
                **_copy_link(call, entity),
                "files": call.links.url(self.noun, entity.id, "files"),
                "manifest": call.links.url(self.noun, entity.id, "manifest"),
            },
            "properties": self._properties(call, entity),
        }
        if entity.datasets:
            body["datasets"] = [{"self": call.links.url("datasets", one)} for one in entity.datasets]
        if entity.text is not None and not call.links.dated:
            body["text"] = entity.text
        return body

    def _properties(self, call: Call, entity: CustomModel) -> Json:
        properties: Json = {"features": _features(call, transcribes=call.links.version == "2024-11-15")}
        if root := self._models.root(entity.base):
            properties["deprecationDates"] = {"transcriptionDateTime": iso_timestamp(root.transcription_ends)}
        if entity.weight_percent is not None:
            properties["customModelWeightPercent"] = entity.weight_percent
        if entity.email is not None and not entity.finished and not call.links.dated:
            properties["email"] = entity.email
        if entity.error:
            properties["error"] = entity.error.model_dump()
        return properties

    def _show_base(self, call: Call, model: BaseModel) -> Json:
        """A base model as definition BaseModel has it."""
        charge = {"chargeForAdaptation": False} if call.links.dated else {}
        adaptable = {"supportsAdaptationsWith": ADAPTS_WITH if self._adapts else []}
        return {
            "self": call.links.url(self.noun, model.path),
            "displayName": model.display_name,
            "description": _description(model),
            "locale": model.locale,
            "createdDateTime": iso_timestamp(model.created),
            "lastActionDateTime": iso_timestamp(model.created),
            "status": "Succeeded",
            "links": {"manifest": call.links.url(self.noun, model.path, "manifest")},
            "properties": {
                "deprecationDates": {
                    "adaptationDateTime": iso_timestamp(model.adaptation_ends),
                    "transcriptionDateTime": iso_timestamp(model.transcription_ends),
                },
                "features": {**adaptable, **_features(call, transcribes=True)},
                **charge,
            },
        }

    def _base(self, call: Call, payload: DatedCustomModelCreate) -> str:
        if not payload.base_model:
            return f"base/{base_model_id(payload.locale)}"
        return self._models.referenced(
            call, payload.base_model, locale=payload.locale, target="baseModel", use="adaptation"
        )

    def _datasets(self, call: Call, payload: DatedCustomModelCreate) -> list[str]:
        datasets = [
            referenced_dataset(
                call, self._store, reference, kinds=ADAPTS_WITH, locale=payload.locale, target=f"datasets.{number}"
            )
            for number, reference in enumerate(payload.datasets)
        ]
        return list(dict.fromkeys(dataset.id for dataset in datasets))

    def _found_base(self, call: Call) -> BaseModel:
        model = self._models.base_model(call.id)
        if not model:
            raise not_found("There is no base model with this id.")
        return model

    def _succeeded(self, call: Call) -> CustomModel:
        """The model that the path names; raises ApiError where it is not there, or is no model yet."""
        model = self.found(call)
        if model.status != "Succeeded":
            raise ApiError(409, "Conflict", f"The model is {model.status}.", inner="InvalidPrerequisite")
        return model

    def _copy(self, call: Call, model: CustomModel, target: str) -> CustomModel:
        """What belongs to the subscription of the original, such as its project, stays behind."""
        root = self._models.root(model.base)
        return model.model_copy(
            update={
                "id": str(uuid4()),
                "subscription": target,
                "api_version": call.links.version,
                "created": self._clock.now(),
                "last_action": self._clock.now(),
                "status": "NotStarted",
                "base": root.path if root else model.base,
                "project": None,
                "datasets": [],
                "email": None,
                "copy_of": model.id,
                "copied_by": call.subscription,
            }
        )

    def _manifest(self, call: Call, path: str, base: BaseModel | None, files: list[EntityFile]) -> Json:
        """Definition ModelManifest; its `properties` are the emulator's own."""
        expires = self.expiry(call, required=call.links.dated and call.strict)
        shown = [{"name": file.name, "contentUrl": call.links.content(file.id, expires)} for file in files]
        properties: Json = {"engine": {"name": self._engine}}
        if base:
            properties["baseModel"] = {"self": call.links.url(self.noun, base.path), "locale": base.locale}
        return {"model": {"self": call.links.url(self.noun, path)}, "modelFiles": shown, "properties": properties}


def _given_in_v3_1(call: Call, payload: DatedCustomModelCreate) -> Json:
    """What the versions named by their date do not have; raises ApiError where the text is too long."""
    if not isinstance(payload, CustomModelCreate):
        return {}
    if call.strict and len((payload.text or "").encode()) > MODEL_TEXT_LIMIT:
        message = f"The text of a model has at most {MODEL_TEXT_LIMIT:,} bytes; use a dataset."
        raise invalid_request("QuotaViolation", message, target="text")
    return {"text": payload.text, "email": payload.properties.email}


def _copy_link(call: Call, model: CustomModel) -> Json:
    name, action = ("copy", "copy") if call.links.dated else ("copyTo", "copyto")
    return {name: call.links.url("models", f"{model.id}:{action}")}


def _features(call: Call, *, transcribes: bool) -> Json:
    """What any model can be used for (definition SharedModelFeatures).

    It `transcribes` if operation Transcriptions_Transcribe can be told to use it, or uses it by itself.
    """
    shared: Json = {"supportsEndpoints": True, "supportsTranscriptionsOnSpeechContainers": False}
    if not call.links.dated:
        return {"supportsTranscriptions": True, **shared}
    return {
        "supportsTranscriptionsSubmit": True,
        "supportsTranscriptionsTranscribe": transcribes,
        **shared,
        "supportedOutputFormats": ["Display", "Lexical"],
    }


def _description(model: BaseModel) -> str:
    return f"{model.locale} base model"


def _base_values(model: BaseModel) -> Mapping[str, Value]:
    return {
        "displayName": model.display_name,
        "description": _description(model),
        "createdDateTime": model.created,
        "lastActionDateTime": model.created,
        "status": "Succeeded",
        "locale": model.locale,
    }
