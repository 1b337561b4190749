# ruff: noqa: A002 - filter is the service's name for it
"""Endpoints: custom models that recognize speech live, and their logs (operations Endpoints_*)."""

from collections.abc import Callable, Sequence
from datetime import date, timedelta

from shared.speech.paging import Paged
from shared.speech.resources.resource import FilterLike, Resource, update_body
from shared.speech.types.endpoints import Endpoint, EndpointUpdate, NewEndpoint
from shared.speech.types.files import File


class Endpoints(Resource):
    """`client.endpoints`; API versions after 3.2 have no logs."""

    def create(self, endpoint: NewEndpoint, *, find: FilterLike | None = None) -> Endpoint:
        """Deploy a model (Endpoints_Create).

        Sent again only when it is certain that it took no effect. `find`, a filter that matches nothing but what is
        created, looks for what may be there after any other failure; it is created once more if it is not.
        """
        return self._create("Endpoints_Create", "Endpoints_List", Endpoint, endpoint, find=find)

    def get(self, endpoint_id: str) -> Endpoint:
        """One endpoint (Endpoints_Get). NotFound if there is none."""
        return self._entity(Endpoint, self._call("Endpoints_Get", endpoint_id))

    def list(
        self, *, filter: FilterLike | None = None, skip: int | None = None, top: int | None = None
    ) -> Paged[Endpoint]:
        """All endpoints (Endpoints_List), `top` (at most 100) to a page, without the first `skip`.

        `filter` knows display_name, description, created_date_time, last_action_date_time, status and locale.
        """
        return self._list("Endpoints_List", Endpoint, query={"skip": skip, "top": top, "filter": filter})

    def update(self, endpoint_id: str, update: EndpointUpdate) -> Endpoint:
        """Change model, logging, name, description, project or custom properties (Endpoints_Update)."""
        return self._entity(Endpoint, self._call("Endpoints_Update", endpoint_id, body=update_body(update)))

    def delete(self, endpoint_id: str) -> None:
        """Delete an endpoint; one that does not exist is no error (Endpoints_Delete)."""
        self._call("Endpoints_Delete", endpoint_id)

    def list_logs(
        self,
        endpoint_id: str,
        *,
        sas_validity: timedelta | None = None,
        skip_token: str | None = None,
        top: int | None = None,
    ) -> Paged[File]:
        """Audio and transcriptions that an endpoint has logged (Endpoints_ListLogs), `top` to a page.

        `skip_token`, from the next link of an earlier page, goes on from there.
        """
        return self._list_files("Endpoints_ListLogs", endpoint_id, sas_validity, skipToken=skip_token, top=top)

    def get_log(self, endpoint_id: str, log_id: str, *, sas_validity: timedelta | None = None) -> File:
        """One log of an endpoint with a new URL (Endpoints_GetLog)."""
        return self._file("Endpoints_GetLog", endpoint_id, log_id, sas_validity)

    def delete_logs(self, endpoint_id: str, *, end_date: date | None = None) -> None:
        """Delete an endpoint's logs up to and with the day `end_date` (UTC), all without it (Endpoints_DeleteLogs).

        The service takes up to a day for it.
        """
        self._call("Endpoints_DeleteLogs", endpoint_id, query={"endDate": end_date and f"{end_date:%Y-%m-%d}"})

    def delete_log(self, endpoint_id: str, log_id: str) -> None:
        """Delete one log of an endpoint (Endpoints_DeleteLog)."""
        self._call("Endpoints_DeleteLog", endpoint_id, log_id)

    def list_base_model_logs(
        self,
        locale: str,
        *,
        sas_validity: timedelta | None = None,
        skip_token: str | None = None,
        top: int | None = None,
    ) -> Paged[File]:
        """Audio and transcriptions logged for a locale's default base model (Endpoints_ListBaseModelLogs).

        `skip_token`, from the next link of an earlier page, goes on from there.
        """
        return self._list_files("Endpoints_ListBaseModelLogs", locale, sas_validity, skipToken=skip_token, top=top)

    def get_base_model_log(self, locale: str, log_id: str, *, sas_validity: timedelta | None = None) -> File:
        """One log of a locale's default base model with a new URL (Endpoints_GetBaseModelLog)."""
        return self._file("Endpoints_GetBaseModelLog", locale, log_id, sas_validity)

    def delete_base_model_logs(self, locale: str, *, end_date: date | None = None) -> None:
        """Delete a base model's logs up to and with `end_date` (UTC), all without it (Endpoints_DeleteBaseModelLogs).

        The service takes up to a day for it.
        """
        self._call("Endpoints_DeleteBaseModelLogs", locale, query={"endDate": end_date and f"{end_date:%Y-%m-%d}"})

    def delete_base_model_log(self, locale: str, log_id: str) -> None:
        """Delete one log of a locale's default base model (Endpoints_DeleteBaseModelLog)."""
        self._call("Endpoints_DeleteBaseModelLog", locale, log_id)

    def list_supported_locales(self) -> Sequence[str]:
        """Locales of endpoints (Endpoints_ListSupportedLocales)."""
        return self._locales("Endpoints_ListSupportedLocales")

    def wait(
        self, endpoint_id: str, *, timeout_seconds: float, on_progress: Callable[[Endpoint], object] | None = None
    ) -> Endpoint:
        """The endpoint once its deployment has Succeeded or Failed; `on_progress` sees each state it was seen in.

        WaitTimeout if it is not finished `timeout_seconds` later.
        """
        return self._wait(
            "Endpoints_Get", Endpoint, endpoint_id, timeout_seconds=timeout_seconds, on_progress=on_progress
        )
