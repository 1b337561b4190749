"""The noun Projects, which hold entities of the other nouns together."""

from collections.abc import Mapping, Sequence
from typing import Any

from aiohttp import web

from emulator.app import Call, answer
from emulator.filters import Value
from emulator.payloads.projects import FoundryProjectCreate, FoundryProjectUpdate, ProjectCreate, ProjectUpdate
from emulator.records import Project
from emulator.resources.entities import FILTERS, Entities, Filters, Parts
from emulator.results import Json, iso_timestamp

FILTER: Filters = {
    name: kind for name, kind in FILTERS.items() if name in {"displayName", "description", "createdDateTime", "locale"}
}


class Projects(Entities[Project]):
    """Operations Projects_*; a project has no job, and no web hook hears of it."""

    kind = Project
    noun = "projects"
    title = "project"
    filters = FILTER
    create_payload = ProjectCreate
    update_payload = ProjectUpdate

    def __init__(self, parts: Parts, members: Sequence[Entities[Any]]) -> None:
        super().__init__(parts)
        self._members = {handler.noun: handler for handler in members}

    def filters_of(self, call: Call) -> Filters:
        """What a filter may ask for: in the version that names projects of the Foundry, their names too."""
        return {**FILTER, "foundryProjectName": str} if call.links.dated else FILTER

    def values(self, entity: Project) -> Mapping[str, Value]:
        """What a filter may ask for, by name."""
        return {**super().values(entity), "foundryProjectName": entity.foundry_project_name}

    async def create(self, call: Call) -> web.Response:
        """Operation Projects_Create."""
        payload = await call.payload(_create_payload(call))
        self.check_locale(payload.locale)
        foundry = payload.foundry_project_name if isinstance(payload, FoundryProjectCreate) else None
        project = Project.model_validate(
            self.common_fields(call, payload) | {"locale": payload.locale, "foundry_project_name": foundry}
        )
        self._store.put(project)
        location = call.links.url(self.noun, project.id)
        return answer(self.show(call, project), status=201, headers={"Location": location})

    async def update(self, call: Call) -> web.Response:
        """Operation Projects_Update."""
        payload = await call.patch(_update_payload(call), _create_payload(call))
        project = self.found(call)
        self.patch(call, project, payload)
        if isinstance(payload, FoundryProjectUpdate) and "foundry_project_name" in payload.model_fields_set:
            project.foundry_project_name = payload.foundry_project_name
        self._store.put(project)
        return self.one(call, project)

    def check_deletable(self, entity: Project) -> None:
        """A project may go at any time."""

    def remove(self, entity: Project) -> None:
        """Delete a project; what belonged to it stays, without it."""
        for handler in self._members.values():
            for member in self._store.in_project(handler.kind, entity.id):
                member.project = None
                self._store.put(member)
        self._store.delete(entity, iso_timestamp(self._clock.now()))

    async def list_datasets(self, call: Call) -> web.Response:
        """Operation Projects_ListDatasets."""
        return self._list(call, "datasets")

    async def list_endpoints(self, call: Call) -> web.Response:
        """Operation Projects_ListEndpoints."""
        return self._list(call, "endpoints")

    async def list_evaluations(self, call: Call) -> web.Response:
        """Operation Projects_ListEvaluations."""
        return self._list(call, "evaluations")

    async def list_models(self, call: Call) -> web.Response:
        """Operation Projects_ListModels."""
        return self._list(call, "models")

    async def list_transcriptions(self, call: Call) -> web.Response:
        """Operation Projects_ListTranscriptions."""
        return self._list(call, "transcriptions")

    def show(self, call: Call, entity: Project) -> Json:
        """A project as definition Project has it."""
        common = super().show(call, entity)
        body: Json = {name: value for name, value in common.items() if name not in {"status", "lastActionDateTime"}}
        body |= {
            "locale": entity.locale,
            "links": {noun: call.links.url(self.noun, entity.id, noun) for noun in self._members},
        }
        if not call.links.dated:
            counts = {noun: self._store.count_in_project(one.kind, entity.id) for noun, one in self._members.items()}
            body["properties"] = {f"{noun.removesuffix('s')}Count": count for noun, count in counts.items()}
        elif entity.foundry_project_name is not None:
            body["foundryProjectName"] = entity.foundry_project_name
        return body

    def _list(self, call: Call, noun: str) -> web.Response:
        """The entities of a noun that belong to the project that the path names, as the noun's own list has them."""
        project, handler = self.found(call), self._members[noun]
        return handler.listed(call, self._store.in_project(handler.kind, project.id, handler.versions(call)))


def _create_payload(call: Call) -> type[ProjectCreate]:
    return FoundryProjectCreate if call.links.dated else ProjectCreate


def _update_payload(call: Call) -> type[ProjectUpdate]:
    return FoundryProjectUpdate if call.links.dated else ProjectUpdate
