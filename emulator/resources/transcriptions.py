"""The noun Transcriptions: batch transcription and its result files."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from uuid import uuid4

from aiohttp import web

from emulator.app import Call, answer
from emulator.clock import Clock
from emulator.errors import ApiError, invalid_argument, invalid_request, not_found
from emulator.faults import Faults
from emulator.filters import Value
from emulator.jobs import NOUN, Jobs
from emulator.links import Links
from emulator.locales import TRANSCRIPTION_LOCALES
from emulator.notifications import Notifications
from emulator.paging import page, select
from emulator.payloads import EntityReference, TranscriptionCreate, TranscriptionUpdate, merged_custom_properties
from emulator.records import Content, ResultFile, Transcription
from emulator.results import Json, iso_duration, iso_timestamp
from emulator.signatures import grants
from emulator.store import Store

SAS_SECONDS = 12 * 3600
"""How long the URL of a result file is good, and the longest that can be asked for."""

FILTER: Mapping[str, type[str | datetime]] = {
    "displayName": str,
    "description": str,
    "createdDateTime": datetime,
    "lastActionDateTime": datetime,
    "status": str,
    "locale": str,
}
FILES_FILTER: Mapping[str, type[str | datetime]] = {"name": str, "createdDateTime": datetime, "kind": str}


class Transcriptions:
    """Operations Transcriptions_*; `locales` are those that the engine recognizes."""

    def __init__(
        self,
        *,
        store: Store,
        links: Links,
        clock: Clock,
        jobs: Jobs,
        notifications: Notifications,
        locales: Sequence[str],
    ) -> None:
        self._store = store
        self._links = links
        self._clock = clock
        self._jobs = jobs
        self._notifications = notifications
        self._locales = locales

    async def list_supported_locales(self, _: Call) -> web.Response:
        """Operation Transcriptions_ListSupportedLocales: those of the engine."""
        return answer(list(self._locales))

    async def list(self, call: Call) -> web.Response:
        """Operation Transcriptions_List, in order of creation."""
        every = self._store.all(Transcription, call.subscription)
        shown, body = page(call, self._links, select(call, every, FILTER, _values), self._shown)
        waits = [self._jobs.retry_after(one) for one in shown if not one.finished]
        return answer(body, headers={"Retry-After": str(min(waits)) if waits else None})

    async def create(self, call: Call) -> web.Response:
        """Operation Transcriptions_Create."""
        payload = await call.payload(TranscriptionCreate)
        self._check_locales(payload)
        self._check_references(payload)
        if payload.properties.destination_container_url:
            raise invalid_request(
                "InvalidParameterValue",
                "The emulator does not write results to a destinationContainerUrl.",
                target="properties.destinationContainerUrl",
            )
        now = self._clock.now()
        transcription = Transcription(
            id=str(uuid4()),
            subscription=call.subscription,
            display_name=payload.display_name,
            description=payload.description,
            custom_properties=payload.custom_properties,
            created=now,
            last_action=now,
            locale=payload.locale,
            properties=payload.properties,
        )
        self._store.put_content(
            transcription.id, Content(urls=payload.content_urls or [], container=payload.content_container_url)
        )
        self._store.put(transcription)
        self._notifications.publish(transcription, NOUN, "Creation")
        self._jobs.start(transcription)
        location = self._links.entity(NOUN, transcription.id)
        return answer(self._shown(transcription), status=201, headers={"Location": location})

    async def get(self, call: Call) -> web.Response:
        """Operation Transcriptions_Get."""
        return self._one(self._found(call))

    async def update(self, call: Call) -> web.Response:
        """Operation Transcriptions_Update: a merge patch (RFC 7396) of what can be changed."""
        payload = await call.patch(TranscriptionUpdate, TranscriptionCreate)
        transcription = self._found(call)
        given = payload.model_fields_set
        if payload.project:
            raise _no_project()
        if "display_name" in given:
            if payload.display_name is None:
                raise invalid_request("InvalidPayload", "displayName cannot be removed.", target="displayName")
            transcription.display_name = payload.display_name
        if "description" in given:
            transcription.description = payload.description
        if "custom_properties" in given:
            transcription.custom_properties = merged_custom_properties(
                transcription.custom_properties, payload.custom_properties
            )
        self._store.put(transcription)
        return self._one(transcription)

    async def delete(self, call: Call) -> web.Response:
        """Operation Transcriptions_Delete: 204 also for one that is not there; an unfinished one is refused."""
        transcription = self._store.get(Transcription, call.id)
        if transcription and transcription.subscription == call.subscription:
            if not transcription.finished:
                message = f"The transcription is {transcription.status}; it can be deleted when it has finished."
                raise ApiError(409, "Conflict", message, inner="DeleteNotAllowed")
            self._jobs.delete(transcription)
        return answer(status=204)

    async def list_files(self, call: Call) -> web.Response:
        """Operation Transcriptions_ListFiles: unsorted, as the service's list is."""
        transcription = self._found(call)
        expires = self._expiry(call)
        files = select(call, self._store.files(transcription.id), FILES_FILTER, _file_values)
        _, body = page(call, self._links, files, lambda file: self._shown_file(file, expires))
        return answer(body, headers={"Retry-After": self._retry_after(transcription)})

    async def get_file(self, call: Call) -> web.Response:
        """Operation Transcriptions_GetFile."""
        transcription = self._found(call)
        expires = self._expiry(call)
        file = self._store.file(call.file_id)
        if not file or file.transcription != transcription.id:
            raise not_found("The transcription has no file with this id.")
        return answer(self._shown_file(file, expires))

    def _found(self, call: Call) -> Transcription:
        transcription = self._store.get(Transcription, call.id)
        if not transcription or transcription.subscription != call.subscription:
            raise not_found("There is no transcription with this id.")
        return transcription

    def _one(self, transcription: Transcription) -> web.Response:
        return answer(self._shown(transcription), headers={"Retry-After": self._retry_after(transcription)})

    def _retry_after(self, transcription: Transcription) -> str | None:
        return None if transcription.finished else str(self._jobs.retry_after(transcription))

    def _shown(self, transcription: Transcription) -> Json:
        """A transcription as definition Transcription has it."""
        here = self._links.entity(NOUN, transcription.id)
        properties = transcription.properties.model_dump(by_alias=True, exclude_none=True)
        if transcription.finished:
            properties.pop("email", None)
        if transcription.duration_ticks is not None:
            properties["duration"] = iso_duration(transcription.duration_ticks)
        if transcription.error:
            properties["error"] = transcription.error.model_dump()
        body: Json = {
            "self": here,
            "model": {"self": self._links.base_model(transcription.locale)},
            "links": {"files": f"{here}/files"},
            "properties": properties,
            "lastActionDateTime": iso_timestamp(transcription.last_action),
            "status": transcription.status,
            "createdDateTime": iso_timestamp(transcription.created),
            "locale": transcription.locale,
            "displayName": transcription.display_name,
        }
        if transcription.description is not None:
            body["description"] = transcription.description
        if transcription.custom_properties is not None:
            body["customProperties"] = transcription.custom_properties
        return body

    def _shown_file(self, file: ResultFile, expires: datetime) -> Json:
        """A file as definition File has it."""
        return {
            "self": f"{self._links.entity(NOUN, file.transcription)}/files/{file.id}",
            "name": file.name,
            "kind": file.kind,
            "properties": {"size": file.size},
            "createdDateTime": iso_timestamp(file.created),
            "links": {"contentUrl": self._links.content(file.id, expires)},
        }

    def _expiry(self, call: Call) -> datetime:
        seconds = call.integer("sasValidityInSeconds")
        if seconds is not None and not 1 <= seconds <= SAS_SECONDS:
            raise invalid_argument(
                "InvalidSasValidityDuration",
                f"sasValidityInSeconds must be between 1 and {SAS_SECONDS}; 0 is for storage of one's own.",
                target="sasValidityInSeconds",
            )
        return self._clock.now() + timedelta(seconds=seconds or SAS_SECONDS)

    def _check_locales(self, payload: TranscriptionCreate) -> None:
        if payload.locale not in self._locales:
            message = (
                f"The locale {payload.locale!r} is not supported; see operation Transcriptions_ListSupportedLocales."
            )
            raise invalid_request("InvalidLocale", message, target="locale")
        identification = payload.properties.language_identification
        for locale in identification.candidate_locales if identification else ():
            if locale not in TRANSCRIPTION_LOCALES:
                target = "properties.languageIdentification.candidateLocales"
                raise invalid_request(
                    "InvalidLocale", f"The candidate locale {locale!r} is not supported.", target=target
                )

    def _check_references(self, payload: TranscriptionCreate) -> None:
        """What an entity reference may name: of models only base models are there, of datasets and projects none."""
        if payload.dataset:
            raise invalid_request("InvalidDataset", "There is no such dataset.", target="dataset")
        if payload.project:
            raise _no_project()
        identification = payload.properties.language_identification
        mapping = (identification and identification.speech_model_mapping) or {}
        for locale, model in [(payload.locale, payload.model), *mapping.items()]:
            self._check_model(locale, model)

    def _check_model(self, locale: str, model: EntityReference | None) -> None:
        if model and model.url != self._links.base_model(locale):
            raise invalid_request("InvalidModel", f"There is no such model for the locale {locale!r}.", target="model")


class ResultContent:
    """Content of result files behind signed URLs."""

    def __init__(self, *, store: Store, clock: Clock, faults: Faults) -> None:
        self._store = store
        self._clock = clock
        self._faults = faults
        self._key = store.url_key()

    async def get(self, request: web.Request) -> web.Response:
        """The bytes of a file; 403 where the signature is not genuine or has expired."""
        file_id = request.match_info["fileId"]
        stamp, signature = request.query.get("se", ""), request.query.get("sig", "")
        if not grants(self._key, file_id, stamp, signature, self._clock.now()):
            raise ApiError(403, "Forbidden", "The signature of the URL is not valid or has expired.")
        file = self._store.file(file_id)
        if not file:
            raise not_found("The file does not exist any more.")
        content = self._faults.on_result(file.name, self._store.result_path(file_id).read_bytes())
        return web.Response(body=content, content_type="application/json")


def _no_project() -> ApiError:
    return invalid_request("InvalidProject", "There is no such project.", target="project")


def _values(transcription: Transcription) -> Mapping[str, Value]:
    return {
        "displayName": transcription.display_name,
        "description": transcription.description,
        "createdDateTime": transcription.created.replace(microsecond=0),
        "lastActionDateTime": transcription.last_action.replace(microsecond=0),
        "status": transcription.status,
        "locale": transcription.locale,
    }


def _file_values(file: ResultFile) -> Mapping[str, Value]:
    return {"name": file.name, "kind": file.kind, "createdDateTime": file.created.replace(microsecond=0)}
