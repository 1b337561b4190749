# ruff: noqa: A002 - filter is the service's name for it
"""Evaluations: two models compared on a dataset (operations Evaluations_*)."""

from collections.abc import Callable, Sequence
from datetime import timedelta

from shared.speech.paging import Paged
from shared.speech.resources.resource import FilterLike, Resource, update_body
from shared.speech.types.evaluations import Evaluation, EvaluationUpdate, NewEvaluation
from shared.speech.types.files import File


class Evaluations(Resource):
    """`client.evaluations`."""

    def create(self, evaluation: NewEvaluation, *, find: FilterLike | None = None) -> Evaluation:
        """Start an evaluation (Evaluations_Create).

        Sent again only when it is certain that it took no effect. `find`, a filter that matches nothing but what is
        created, looks for what may be there after any other failure; it is created once more if it is not.
        """
        return self._create("Evaluations_Create", "Evaluations_List", Evaluation, evaluation, find=find)

    def get(self, evaluation_id: str) -> Evaluation:
        """One evaluation (Evaluations_Get). NotFound if there is none."""
        return self._entity(Evaluation, self._call("Evaluations_Get", evaluation_id))

    def list(
        self, *, filter: FilterLike | None = None, skip: int | None = None, top: int | None = None
    ) -> Paged[Evaluation]:
        """All evaluations (Evaluations_List), `top` (at most 100) to a page, without the first `skip`.

        `filter` knows display_name, description, created_date_time, last_action_date_time, status and locale.
        """
        return self._list("Evaluations_List", Evaluation, query={"skip": skip, "top": top, "filter": filter})

    def update(self, evaluation_id: str, update: EvaluationUpdate) -> Evaluation:
        """Change name, description, project or custom properties (Evaluations_Update)."""
        return self._entity(Evaluation, self._call("Evaluations_Update", evaluation_id, body=update_body(update)))

    def delete(self, evaluation_id: str) -> None:
        """Delete an evaluation with its files; one that does not exist is no error (Evaluations_Delete)."""
        self._call("Evaluations_Delete", evaluation_id)

    def list_files(
        self,
        evaluation_id: str,
        *,
        sas_validity: timedelta | None = None,
        filter: FilterLike | None = None,
        skip: int | None = None,
        top: int | None = None,
    ) -> Paged[File]:
        """Files of an evaluation, in no order (Evaluations_ListFiles); their URLs are valid for 12 h by default.

        `filter` knows name, kind and created_date_time.
        """
        return self._list_files("Evaluations_ListFiles", evaluation_id, sas_validity, skip=skip, top=top, filter=filter)

    def get_file(self, evaluation_id: str, file_id: str, *, sas_validity: timedelta | None = None) -> File:
        """One file of an evaluation with a new URL (Evaluations_GetFile)."""
        return self._file("Evaluations_GetFile", evaluation_id, file_id, sas_validity)

    def list_supported_locales(self) -> Sequence[str]:
        """Locales of evaluations (Evaluations_ListSupportedLocales)."""
        return self._locales("Evaluations_ListSupportedLocales")

    def wait(
        self, evaluation_id: str, *, timeout_seconds: float, on_progress: Callable[[Evaluation], object] | None = None
    ) -> Evaluation:
        """The evaluation once it has Succeeded or Failed; `on_progress` sees each state it was seen in.

        WaitTimeout if it is not finished `timeout_seconds` later.
        """
        return self._wait(
            "Evaluations_Get", Evaluation, evaluation_id, timeout_seconds=timeout_seconds, on_progress=on_progress
        )
