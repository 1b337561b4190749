"""The noun Transcriptions: batch transcription and its result files."""

from aiohttp import web

from emulator.app import Call
from emulator.errors import invalid_request
from emulator.locales import TRANSCRIPTION_LOCALES
from emulator.payloads.common import EntityReference
from emulator.payloads.transcriptions import TranscriptionCreate, TranscriptionUpdate
from emulator.records import Content, Transcription
from emulator.resources.entities import EntitiesWithFiles
from emulator.results import Json, iso_duration


class Transcriptions(EntitiesWithFiles[Transcription]):
    """Operations Transcriptions_*."""

    kind = Transcription
    noun = "transcriptions"
    title = "transcription"
    create_payload = TranscriptionCreate
    update_payload = TranscriptionUpdate

    async def create(self, call: Call) -> web.Response:
        """Operation Transcriptions_Create."""
        payload = await call.payload(TranscriptionCreate)
        self.check_locale(payload.locale)
        self._check_candidate_locales(payload)
        self._check_references(call, payload)
        if payload.properties.destination_container_url:
            raise invalid_request(
                "InvalidParameterValue",
                "The emulator does not write results to a destinationContainerUrl.",
                target="properties.destinationContainerUrl",
            )
        transcription = Transcription.model_validate(
            self.common_fields(call, payload)
            | {
                "project": self.project_of(call, payload.project),
                "locale": payload.locale,
                "properties": payload.properties,
            }
        )
        content = Content(urls=payload.content_urls or [], container=payload.content_container_url)
        self._store.put_content(transcription.id, content)
        return self.begin(call, transcription)

    def show(self, call: Call, entity: Transcription) -> Json:
        """A transcription as definition Transcription has it."""
        properties = entity.properties.model_dump(by_alias=True, exclude_none=True)
        if entity.finished:
            properties.pop("email", None)
        if entity.duration_ticks is not None:
            properties["duration"] = iso_duration(entity.duration_ticks)
        if entity.error:
            properties["error"] = entity.error.model_dump()
        return super().show(call, entity) | {
            "model": {"self": call.links.base_model(entity.locale)},
            "links": {"files": call.links.url(self.noun, entity.id, "files")},
            "properties": properties,
            "locale": entity.locale,
        }

    def _check_candidate_locales(self, payload: TranscriptionCreate) -> None:
        identification = payload.properties.language_identification
        for locale in identification.candidate_locales if identification else ():
            if locale not in TRANSCRIPTION_LOCALES:
                target = "properties.languageIdentification.candidateLocales"
                raise invalid_request(
                    "InvalidLocale", f"The candidate locale {locale!r} is not supported.", target=target
                )

    def _check_references(self, call: Call, payload: TranscriptionCreate) -> None:
        """What an entity reference may name: of models only base models are there, of datasets none."""
        if payload.dataset:
            raise invalid_request("InvalidDataset", "There is no such dataset.", target="dataset")
        identification = payload.properties.language_identification
        mapping = (identification and identification.speech_model_mapping) or {}
        for locale, model in [(payload.locale, payload.model), *mapping.items()]:
            self._check_model(call, locale, model)

    def _check_model(self, call: Call, locale: str, model: EntityReference | None) -> None:
        if model and model.url != call.links.base_model(locale):
            raise invalid_request("InvalidModel", f"There is no such model for the locale {locale!r}.", target="model")
