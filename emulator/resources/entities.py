"""What the operations of the nouns have in common: lists, reading, patches, deletion, and files.

An operation is documented by its noun's class where it does more than is said here.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar
from uuid import uuid4

from aiohttp import web

from emulator.app import Call, answer
from emulator.clock import Clock
from emulator.errors import ApiError, invalid_argument, invalid_request, not_found
from emulator.filters import Value
from emulator.jobs import Jobs
from emulator.links import API_VERSIONS, ApiVersion, id_in
from emulator.models import KnownModels
from emulator.notifications import Notifications
from emulator.paging import page, select
from emulator.payloads.common import (
    EntityCreate,
    EntityReference,
    EntityUpdate,
    ProjectEntityUpdate,
    merged_custom_properties,
)
from emulator.records import Content, Entity, EntityFile, Project
from emulator.results import Json, iso_timestamp, shown_duration
from emulator.store import Store

SAS_SECONDS = 12 * 3600
"""How long the URL of a file is good, and the longest that can be asked for."""

type Filters = Mapping[str, type[str | datetime]]

FILTERS: Filters = {
    "displayName": str,
    "description": str,
    "createdDateTime": datetime,
    "lastActionDateTime": datetime,
    "status": str,
    "locale": str,
}
FILE_FILTERS: Filters = {"name": str, "createdDateTime": datetime, "kind": str}


@dataclass(frozen=True, slots=True)
class Parts:
    """The parts of the service that the nouns work with."""

    store: Store
    clock: Clock
    jobs: Jobs
    notifications: Notifications
    locales: tuple[str, ...]
    """Those that the engine recognizes."""
    models: KnownModels
    subscriptions: frozenset[str]
    """What stands for each key."""


class Entities[E: Entity]:
    """Operations of one noun on the entities of one kind."""

    kind: type[E]
    noun: ClassVar[str]
    """The noun as it stands in URLs, such as `datasets`."""
    title: ClassVar[str]
    """What messages call one of them, such as `dataset`."""
    filters: ClassVar[Filters] = FILTERS
    needed_by: ClassVar[tuple[type[Entity], ...]] = ()
    """The kinds of which one may need one of these (`Entity.needs`)."""
    create_payload: ClassVar[type[EntityCreate]]
    update_payload: ClassVar[type[EntityUpdate]]

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._store = parts.store
        self._clock = parts.clock
        self._jobs = parts.jobs
        self._locales = parts.locales
        self._models = parts.models

    async def list_supported_locales(self, _: Call) -> web.Response:
        """Operation <noun>_ListSupportedLocales: those of the engine."""
        return answer(list(self._locales))

    async def list(self, call: Call) -> web.Response:
        """Operation <noun>_List, in order of creation."""
        return self.listed(call, self._store.all(self.kind, call.subscription, self.versions(call)))

    def listed(self, call: Call, entities: Sequence[E]) -> web.Response:
        """The page of a list that the call asks for."""
        chosen = select(call, entities, self.filters_of(call), self.values)
        shown, body = page(call, chosen, lambda entity: self.show(call, entity))
        waits = [self._jobs.retry_after(one) for one in shown if not one.finished]
        return answer(body, headers={"Retry-After": str(min(waits)) if waits else None})

    def filters_of(self, _: Call) -> Filters:
        """What a filter may ask for in the call's API version."""
        return self.filters

    async def get(self, call: Call) -> web.Response:
        """Operation <noun>_Get."""
        return self.one(call, self.found(call))

    async def update(self, call: Call) -> web.Response:
        """Operation <noun>_Update: a merge patch (RFC 7396) of what can be changed."""
        payload = await call.patch(self.update_payload, self.create_payload)
        entity = self.found(call)
        self.patch(call, entity, payload)
        self._store.put(entity)
        return self.one(call, entity)

    async def delete(self, call: Call) -> web.Response:
        """Operation <noun>_Delete: 204 also for one that is not there; 409 where it must stay."""
        entity = self._store.get(self.kind, call.id)
        if entity and entity.subscription == call.subscription:
            self.check_access(call, entity)
            self.check_deletable(entity)
            self.remove(entity)
        return answer(status=204)

    def remove(self, entity: E) -> None:
        """Delete an entity that may go, and tell."""
        self._jobs.delete(entity)

    def found(self, call: Call) -> E:
        """The entity that the path names; raises ApiError where this subscription has none such."""
        entity = self._store.get(self.kind, call.id)
        if not entity or entity.subscription != call.subscription:
            raise not_found(f"There is no {self.title} with this id.")
        self.check_access(call, entity)
        return entity

    def versions(self, _: Call) -> Sequence[ApiVersion]:
        """The versions whose entities the call's own can be used for."""
        return API_VERSIONS

    def check_access(self, call: Call, entity: E) -> None:
        """Raise ApiError where the call's API version cannot be used for an entity."""
        if entity.api_version not in self.versions(call):
            message = (
                f"The API version cannot be used to access this {self.title}."
                f" Please use API version {entity.api_version} or higher."
            )
            raise ApiError(400, "InvalidRequest", message)

    def common_fields(self, call: Call, payload: EntityCreate) -> dict[str, object]:
        """The fields of a new entity that every kind has."""
        now = self._clock.now()
        return {
            "id": str(uuid4()),
            "subscription": call.subscription,
            "api_version": call.links.version,
            "display_name": payload.display_name,
            "description": payload.description,
            "custom_properties": payload.custom_properties,
            "created": now,
            "last_action": now,
        }

    def begin(self, call: Call, entity: E, content: Content | None = None) -> web.Response:
        """Store a new entity, tell, and start its job; the answer of the operation that made it."""
        self._store.put(entity, content)
        self._parts.notifications.publish(entity, self.noun, "Creation")
        self._jobs.start(entity)
        location = call.links.url(self.noun, entity.id)
        return answer(self.show(call, entity), status=201, headers={"Location": location})

    def patch(self, call: Call, entity: E, payload: EntityUpdate) -> None:
        """Apply an update to an entity."""
        given = payload.model_fields_set
        if "display_name" in given:
            if payload.display_name is None:
                raise invalid_request("InvalidPayload", "displayName cannot be removed.", target="displayName")
            entity.display_name = payload.display_name
        if "description" in given:
            entity.description = payload.description
        if "custom_properties" in given:
            entity.custom_properties = merged_custom_properties(entity.custom_properties, payload.custom_properties)
        if isinstance(payload, ProjectEntityUpdate) and "project" in given:
            entity.project = self.project_of(call, payload.project)

    def project_of(self, call: Call, reference: EntityReference | None) -> str | None:
        """The id of the project that a body refers to; raises ApiError where there is none such."""
        if reference is None:
            return None
        if not call.links.has_projects:
            message = f"API version {call.links.version} has no projects."
            raise invalid_request("InvalidPayload", message, target="project")
        project_id = id_in(reference.url, "projects")
        project = self._store.get(Project, project_id) if project_id else None
        if not project or project.subscription != call.subscription:
            raise invalid_request("InvalidProject", "There is no such project.", target="project")
        return project.id

    def check_quota(self, call: Call, limit: int) -> None:
        """Raise ApiError where the subscription has as many of these as the service lets it have; not when loose."""
        if call.strict and self._store.count(self.kind, call.subscription) >= limit:
            raise invalid_request("QuotaViolation", f"A resource can have {limit} {self.noun}; delete one first.")

    def check_deletable(self, entity: E) -> None:
        """Raise ApiError where the entity must stay: while its job is not finished, or another entity needs it."""
        if not entity.finished:
            message = f"The {self.title} is {entity.status}; it can be deleted when it has finished."
            raise ApiError(409, "Conflict", message, inner="DeleteNotAllowed")
        for kind in self.needed_by:
            if any(entity.id in other.needs() for other in self._store.mentioning(kind, entity.id)):
                message = f"The {self.title} is in use by another entity ({kind.__name__})."
                raise ApiError(409, "Conflict", message, inner="InUseViolation")

    def check_locale(self, locale: str) -> None:
        """Raise ApiError where the engine does not recognize a locale."""
        if locale not in self._locales:
            message = f"The locale {locale!r} is not supported; see the operation that lists the supported locales."
            raise invalid_request("InvalidLocale", message, target="locale")

    def one(self, call: Call, entity: E) -> web.Response:
        """The answer of an operation that reads one entity."""
        return answer(self.show(call, entity), headers={"Retry-After": self.retry_after(entity)})

    def retry_after(self, entity: E) -> str | None:
        """The header's value while the job is not finished."""
        return None if entity.finished else str(self._jobs.retry_after(entity))

    def show(self, call: Call, entity: E) -> Json:
        """An entity as its definition has it: what all have in common."""
        body: Json = {
            "self": call.links.url(self.noun, entity.id),
            "displayName": entity.display_name,
            "createdDateTime": iso_timestamp(entity.created),
            "lastActionDateTime": iso_timestamp(entity.last_action),
            "status": entity.status,
        }
        if entity.project is not None and call.links.has_projects:
            body["project"] = {"self": call.links.url("projects", entity.project)}
        if entity.description is not None:
            body["description"] = entity.description
        if entity.custom_properties is not None:
            body["customProperties"] = entity.custom_properties
        return body

    def values(self, entity: E) -> Mapping[str, Value]:
        """What a filter may ask for, by name."""
        return {
            "displayName": entity.display_name,
            "description": entity.description,
            "createdDateTime": entity.created.replace(microsecond=0),
            "lastActionDateTime": entity.last_action.replace(microsecond=0),
            "status": entity.status,
            "locale": getattr(entity, "locale", None),
        }


class EntitiesWithFiles[E: Entity](Entities[E]):
    """Operations of a noun whose entities have files."""

    async def list_files(self, call: Call) -> web.Response:
        """Operation <noun>_ListFiles: unsorted, as the service's list is."""
        entity = self.found(call)
        expires = self.expiry(call)
        listed = [file for file in self._store.files(entity.id) if file.listed]
        files = select(call, listed, FILE_FILTERS, _file_values)
        _, body = page(call, files, lambda file: self.show_file(call, file, expires))
        return answer(body, headers={"Retry-After": self.retry_after(entity)})

    async def get_file(self, call: Call) -> web.Response:
        """Operation <noun>_GetFile."""
        entity = self.found(call)
        expires = self.expiry(call)
        file = self._store.file(call.file_id)
        if not file or file.owner != entity.id or not file.listed:
            raise not_found(f"The {self.title} has no file with this id.")
        return answer(self.show_file(call, file, expires))

    def show_file(self, call: Call, file: EntityFile, expires: datetime) -> Json:
        """A file as definition File has it."""
        properties: Json = {"size": file.size}
        if file.duration_ticks is not None:
            properties |= shown_duration(file.duration_ticks, dated=call.links.dated)
        return {
            "self": call.links.url(self.noun, file.owner, "files", file.id),
            "name": file.name,
            "kind": file.kind,
            "properties": properties,
            "createdDateTime": iso_timestamp(file.created),
            "links": {"contentUrl": file.url or call.links.content(file.id, expires)},
        }

    def expiry(self, call: Call, *, required: bool = False) -> datetime:
        """Until when the URL of a file's content is good.

        Raises ApiError where the call asks for too much, or does not say and is `required` to.
        """
        name, unit = ("sasLifetimeMinutes", 60) if call.links.dated else ("sasValidityInSeconds", 1)
        asked, most = call.integer(name), SAS_SECONDS // unit
        if asked is None and required:
            raise invalid_argument("InvalidParameterValue", f"The parameter {name} is required.", target=name)
        if asked is not None and not 1 <= asked <= most:
            message = f"{name} must be between 1 and {most}; 0 is for storage of one's own."
            raise invalid_argument("InvalidSasValidityDuration", message, target=name)
        return self._clock.now() + timedelta(seconds=(asked or most) * unit)


def _file_values(file: EntityFile) -> Mapping[str, Value]:
    return {"name": file.name, "kind": file.kind, "createdDateTime": file.created.replace(microsecond=0)}
