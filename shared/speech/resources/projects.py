# ruff: noqa: A002 - filter is the service's name for it
"""Projects: what holds entities of the other kinds together (operations Projects_*)."""

from collections.abc import Sequence

from shared.speech.paging import Paged
from shared.speech.resources.resource import FilterLike, Resource, update_body
from shared.speech.types.datasets import Dataset
from shared.speech.types.endpoints import Endpoint
from shared.speech.types.evaluations import Evaluation
from shared.speech.types.models import CustomModel
from shared.speech.types.projects import NewProject, Project, ProjectUpdate
from shared.speech.types.transcriptions import Transcription


class Projects(Resource):
    """`client.projects`; API version 2024-11-15 has none."""

    def create(self, project: NewProject, *, find: FilterLike | None = None) -> Project:
        """Create a project (Projects_Create).

        Sent again only when it is certain that it took no effect. `find`, a filter that matches nothing but what is
        created, looks for what may be there after any other failure; it is created once more if it is not.
        """
        return self._create("Projects_Create", "Projects_List", Project, project, find=find)

    def get(self, project_id: str) -> Project:
        """One project (Projects_Get). NotFound if there is none."""
        return self._entity(Project, self._call("Projects_Get", project_id))

    def list(
        self, *, filter: FilterLike | None = None, skip: int | None = None, top: int | None = None
    ) -> Paged[Project]:
        """All projects (Projects_List), `top` (at most 100) to a page, without the first `skip`.

        `filter` knows display_name, description, created_date_time and locale.
        """
        return self._list("Projects_List", Project, query={"skip": skip, "top": top, "filter": filter})

    def update(self, project_id: str, update: ProjectUpdate) -> Project:
        """Change name, description or custom properties (Projects_Update)."""
        return self._entity(Project, self._call("Projects_Update", project_id, body=update_body(update)))

    def delete(self, project_id: str) -> None:
        """Delete a project; one that does not exist is no error (Projects_Delete)."""
        self._call("Projects_Delete", project_id)

    def list_datasets(
        self, project_id: str, *, filter: FilterLike | None = None, skip: int | None = None, top: int | None = None
    ) -> Paged[Dataset]:
        """The datasets of a project (Projects_ListDatasets), `top` (at most 100) to a page.

        `filter` knows display_name, description, created_date_time, last_action_date_time, status, locale and kind.
        """
        query = {"skip": skip, "top": top, "filter": filter}
        return self._list("Projects_ListDatasets", Dataset, project_id, query=query)

    def list_endpoints(
        self, project_id: str, *, filter: FilterLike | None = None, skip: int | None = None, top: int | None = None
    ) -> Paged[Endpoint]:
        """The endpoints of a project (Projects_ListEndpoints), `top` (at most 100) to a page.

        `filter` knows display_name, description, created_date_time, last_action_date_time, status and locale.
        """
        query = {"skip": skip, "top": top, "filter": filter}
        return self._list("Projects_ListEndpoints", Endpoint, project_id, query=query)

    def list_evaluations(
        self, project_id: str, *, filter: FilterLike | None = None, skip: int | None = None, top: int | None = None
    ) -> Paged[Evaluation]:
        """The evaluations of a project (Projects_ListEvaluations), `top` (at most 100) to a page.

        `filter` knows display_name, description, created_date_time, last_action_date_time, status and locale.
        """
        query = {"skip": skip, "top": top, "filter": filter}
        return self._list("Projects_ListEvaluations", Evaluation, project_id, query=query)

    def list_models(
        self, project_id: str, *, filter: FilterLike | None = None, skip: int | None = None, top: int | None = None
    ) -> Paged[CustomModel]:
        """The custom models of a project (Projects_ListModels), `top` (at most 100) to a page.

        `filter` knows display_name, description, created_date_time, last_action_date_time, status and locale.
        """
        query = {"skip": skip, "top": top, "filter": filter}
        return self._list("Projects_ListModels", CustomModel, project_id, query=query)

    def list_transcriptions(
        self, project_id: str, *, filter: FilterLike | None = None, skip: int | None = None, top: int | None = None
    ) -> Paged[Transcription]:
        """The transcriptions of a project (Projects_ListTranscriptions), `top` (at most 100) to a page.

        `filter` knows display_name, description, created_date_time, last_action_date_time, status and locale.
        """
        query = {"skip": skip, "top": top, "filter": filter}
        return self._list("Projects_ListTranscriptions", Transcription, project_id, query=query)

    def list_supported_locales(self) -> Sequence[str]:
        """Locales of projects (Projects_ListSupportedLocales)."""
        return self._locales("Projects_ListSupportedLocales")
