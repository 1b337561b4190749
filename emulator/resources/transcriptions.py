"""The noun Transcriptions: batch transcription and its result files."""

import math
from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

from aiohttp import web

from emulator.app import Call, answer
from emulator.datasets.references import referenced_dataset
from emulator.errors import invalid_request
from emulator.links import API_VERSIONS, ApiVersion, base_model_id
from emulator.locales import TRANSCRIPTION_LOCALES
from emulator.payloads.common import parse_duration
from emulator.payloads.datasets import DatasetKind
from emulator.payloads.transcriptions import (
    TranscriptionCreate,
    TranscriptionProperties,
    TranscriptionSubmit,
    TranscriptionUpdate,
)
from emulator.records import Content, ModelPath, Transcription
from emulator.resources.entities import EntitiesWithFiles
from emulator.results import TICKS_PER_MILLISECOND, Json, iso_duration
from emulator.work.transcribing import BASIC_DIARIZATION_SPEAKERS


class Transcriptions(EntitiesWithFiles[Transcription]):
    """Operations Transcriptions_*."""

    kind = Transcription
    noun = "transcriptions"
    title = "transcription"
    create_payload = TranscriptionCreate
    update_payload = TranscriptionUpdate

    async def list_supported_locales(self, call: Call) -> web.Response:
        """Operation Transcriptions_ListSupportedLocales: those of the engine."""
        locales = list(self._locales)
        return answer({"Submit": locales, "Transcribe": locales} if call.links.dated else locales)

    async def create(self, call: Call) -> web.Response:
        """Operation Transcriptions_Create."""
        payload = await call.payload(TranscriptionCreate)
        return self._create(call, payload, payload.properties)

    async def submit(self, call: Call) -> web.Response:
        """Operation Transcriptions_Submit, which is Transcriptions_Create in the versions named by their date."""
        payload = await call.payload(TranscriptionSubmit)
        identification = payload.properties.language_identification
        mode = identification.mode if identification else "Continuous"
        return self._create(call, payload, payload.properties.in_v3_1(), language_identification_mode=mode)

    def versions(self, call: Call) -> Sequence[ApiVersion]:
        """A transcription cannot be read through an older version than its own (documented for v3.0 to v3.2)."""
        return API_VERSIONS[: API_VERSIONS.index(call.links.version) + 1]

    def show(self, call: Call, entity: Transcription) -> Json:
        """A transcription as definition Transcription has it."""
        properties = _dated_properties(entity) if call.links.dated else _properties(entity)
        if entity.models_by_locale:
            properties["languageIdentification"]["speechModelMapping"] = {
                locale: {"self": call.links.url("models", model)} for locale, model in entity.models_by_locale.items()
            }
        if entity.error:
            properties["error"] = entity.error.model_dump()
        body = super().show(call, entity)
        if entity.dataset is not None:
            body["dataset"] = {"self": call.links.url("datasets", entity.dataset)}
        return body | {
            "model": {"self": call.links.url("models", entity.model or f"base/{base_model_id(entity.locale)}")},
            "links": {"files": call.links.url(self.noun, entity.id, "files")},
            "properties": properties,
            "locale": entity.locale,
        }

    def _create(
        self, call: Call, payload: TranscriptionCreate, properties: TranscriptionProperties, **more: object
    ) -> web.Response:
        self.check_locale(payload.locale)
        self._check_candidate_locales(properties)
        destination = properties.destination_container_url
        if destination:
            _check_destination(destination)
            properties = properties.model_copy(update={"destination_container_url": destination.partition("?")[0]})
        transcription = Transcription.model_validate(
            self.common_fields(call, payload)
            | {
                "project": self.project_of(call, payload.project),
                "locale": payload.locale,
                "properties": properties,
                "dataset": self._dataset(call, payload),
                "model": self._model(call, payload),
                "models_by_locale": self._models_by_locale(call, properties),
                **more,
            }
        )
        content = Content(
            urls=payload.content_urls or [], container=payload.content_container_url, destination=destination
        )
        return self.begin(call, transcription, content)

    def _check_candidate_locales(self, properties: TranscriptionProperties) -> None:
        identification = properties.language_identification
        for locale in identification.candidate_locales if identification else ():
            if locale not in TRANSCRIPTION_LOCALES:
                target = "properties.languageIdentification.candidateLocales"
                raise invalid_request(
                    "InvalidLocale", f"The candidate locale {locale!r} is not supported.", target=target
                )

    def _dataset(self, call: Call, payload: TranscriptionCreate) -> str | None:
        if payload.dataset is None:
            return None
        kinds: tuple[DatasetKind, ...] = ("AudioFiles", "Acoustic")
        return referenced_dataset(
            call, self._store, payload.dataset, kinds=kinds, locale=payload.locale, target="dataset"
        ).id

    def _model(self, call: Call, payload: TranscriptionCreate) -> ModelPath | None:
        if payload.model is None:
            return None
        return self._models.referenced(call, payload.model, locale=payload.locale, target="model")

    def _models_by_locale(self, call: Call, properties: TranscriptionProperties) -> dict[str, ModelPath]:
        identification = properties.language_identification
        mapping = (identification and identification.speech_model_mapping) or {}
        target = "properties.languageIdentification.speechModelMapping"
        return {
            locale: self._models.referenced(call, model, locale=locale, target=target)
            for locale, model in mapping.items()
        }


def _check_destination(url: str) -> None:
    """Raise ApiError where results cannot be written to a URL: an ad hoc SAS of a container is needed (documented)."""
    query = parse_qs(urlsplit(url).query)
    if "sig" not in query or query.get("sr") != ["c"]:
        target = "properties.destinationContainerUrl"
        raise invalid_request("InvalidParameterValue", "The URL is not a SAS URL for a container.", target=target)


def _properties(entity: Transcription) -> dict[str, Any]:
    properties = entity.properties.model_dump(by_alias=True, exclude_none=True)
    if entity.finished:
        properties.pop("email", None)
    if entity.duration_ticks is not None:
        properties["duration"] = iso_duration(entity.duration_ticks)
    return properties


def _dated_properties(entity: Transcription) -> dict[str, Any]:
    """The properties as the versions named by their date have them."""
    given = entity.properties
    left_out = {"time_to_live", "diarization_enabled", "diarization", "email"}
    properties = given.model_dump(by_alias=True, exclude_none=True, exclude=left_out)
    properties["timeToLiveHours"] = math.ceil(parse_duration(given.time_to_live or "PT0S") / timedelta(hours=1))
    if given.diarization_enabled:
        most = given.diarization.speakers.max_count if given.diarization else BASIC_DIARIZATION_SPEAKERS
        properties["diarization"] = {"enabled": True, "maxSpeakers": max(2, most)}
    if given.language_identification:
        properties["languageIdentification"]["mode"] = entity.language_identification_mode
    if entity.duration_ticks is not None:
        properties["durationMilliseconds"] = entity.duration_ticks // TICKS_PER_MILLISECOND
    return properties
