# ruff: noqa: A002 - filter is the service's name for it
"""Models: those of the service, and those adapted from them (operations Models_*)."""

from collections.abc import Callable, Sequence
from datetime import timedelta

from shared.speech.paging import Paged
from shared.speech.resources.resource import FilterLike, Resource, create_body, update_body
from shared.speech.types.files import File
from shared.speech.types.models import (
    BaseModel,
    CustomModel,
    ModelCopyAuthorization,
    ModelManifest,
    ModelUpdate,
    NewCustomModel,
    Operation,
)

DEFAULT_SAS_VALIDITY = timedelta(hours=12)
"""What v3.1 takes for a manifest if it is not told; newer versions have to be told."""


class Models(Resource):
    """`client.models`."""

    def create(self, model: NewCustomModel, *, find: FilterLike | None = None) -> CustomModel:
        """Train a custom model (Models_Create).

        Sent again only when it is certain that it took no effect. `find`, a filter that matches nothing but what is
        created, looks for what may be there after any other failure; it is created once more if it is not.
        """
        return self._create("Models_Create", "Models_ListCustomModels", CustomModel, model, find=find)

    def get_custom_model(self, model_id: str) -> CustomModel:
        """One custom model (Models_GetCustomModel). NotFound if there is none."""
        return self._entity(CustomModel, self._call("Models_GetCustomModel", model_id))

    def get_base_model(self, model_id: str) -> BaseModel:
        """One base model (Models_GetBaseModel). NotFound if there is none."""
        return self._entity(BaseModel, self._call("Models_GetBaseModel", model_id))

    def list_custom_models(
        self, *, filter: FilterLike | None = None, skip: int | None = None, top: int | None = None
    ) -> Paged[CustomModel]:
        """All custom models (Models_ListCustomModels), `top` (at most 100) to a page, without the first `skip`.

        `filter` knows display_name, description, created_date_time, last_action_date_time, status and locale.
        """
        query = {"skip": skip, "top": top, "filter": filter}
        return self._list("Models_ListCustomModels", CustomModel, query=query)

    def list_base_models(
        self, *, filter: FilterLike | None = None, skip: int | None = None, top: int | None = None
    ) -> Paged[BaseModel]:
        """All base models (Models_ListBaseModels), `top` (at most 100) to a page, without the first `skip`.

        `filter` knows display_name, description, created_date_time, last_action_date_time, status and locale.
        """
        return self._list("Models_ListBaseModels", BaseModel, query={"skip": skip, "top": top, "filter": filter})

    def update(self, model_id: str, update: ModelUpdate) -> CustomModel:
        """Change a custom model's name, description, project or custom properties (Models_Update)."""
        return self._entity(CustomModel, self._call("Models_Update", model_id, body=update_body(update)))

    def delete(self, model_id: str) -> None:
        """Delete a custom model; one that does not exist is no error (Models_Delete)."""
        self._call("Models_Delete", model_id)

    def copy_to(self, model_id: str, *, target_subscription_key: str) -> CustomModel:
        """Copy a custom model to another subscription, whose key this sends to the service (Models_CopyTo).

        The answer is the copy. UnsupportedOperation in versions after 3.1: use authorize_copy and copy there. Sent
        again only when it is certain that it took no effect.
        """
        body = {"targetSubscriptionKey": target_subscription_key}
        answer = self._call("Models_CopyTo", model_id, body=body, secrets=(target_subscription_key,))
        return self._entity(CustomModel, answer)

    def authorize_copy(self, *, source_resource_id: str) -> ModelCopyAuthorization:
        """Allow a resource, named by its Azure resource id, to copy a model to this one (Models_AuthorizeCopy).

        UnsupportedOperation in version 3.1.
        """
        answer = self._call("Models_AuthorizeCopy", body={"sourceResourceId": source_resource_id})
        return self._entity(ModelCopyAuthorization, answer)

    def copy(self, model_id: str, authorization: ModelCopyAuthorization) -> Operation:
        """Start copying a custom model to the resource that has authorized it (Models_Copy).

        `client.operations.wait` waits for the end. UnsupportedOperation in version 3.1. Sent again only when it is
        certain that it took no effect.
        """
        answer = self._call("Models_Copy", model_id, body=create_body(authorization), secrets=(authorization.id,))
        return self._entity(Operation, answer)

    def get_custom_model_manifest(
        self, model_id: str, *, sas_validity: timedelta = DEFAULT_SAS_VALIDITY
    ) -> ModelManifest:
        """What a container on premises needs to run a custom model (Models_GetCustomModelManifest)."""
        return self._manifest("Models_GetCustomModelManifest", model_id, sas_validity)

    def get_base_model_manifest(
        self, model_id: str, *, sas_validity: timedelta = DEFAULT_SAS_VALIDITY
    ) -> ModelManifest:
        """What a container on premises needs to run a base model (Models_GetBaseModelManifest)."""
        return self._manifest("Models_GetBaseModelManifest", model_id, sas_validity)

    def _manifest(self, operation: str, model_id: str, sas_validity: timedelta) -> ModelManifest:
        query = self._version.sas_validity(sas_validity)
        return self._entity(ModelManifest, self._call(operation, model_id, query=query))

    def list_files(
        self,
        model_id: str,
        *,
        sas_validity: timedelta | None = None,
        filter: FilterLike | None = None,
        skip: int | None = None,
        top: int | None = None,
    ) -> Paged[File]:
        """Files of a custom model, in no order (Models_ListFiles); their URLs are valid for 12 h by default.

        `filter` knows name, kind and created_date_time.
        """
        return self._list_files("Models_ListFiles", model_id, sas_validity, skip=skip, top=top, filter=filter)

    def get_file(self, model_id: str, file_id: str, *, sas_validity: timedelta | None = None) -> File:
        """One file of a custom model with a new URL (Models_GetFile)."""
        return self._file("Models_GetFile", model_id, file_id, sas_validity)

    def list_supported_locales(self) -> Sequence[str]:
        """Locales of models that can be adapted (Models_ListSupportedLocales)."""
        return self._locales("Models_ListSupportedLocales")

    def wait(
        self, model_id: str, *, timeout_seconds: float, on_progress: Callable[[CustomModel], object] | None = None
    ) -> CustomModel:
        """The custom model once its training or copy has Succeeded or Failed; `on_progress` sees each state.

        WaitTimeout if it is not finished `timeout_seconds` later.
        """
        return self._wait(
            "Models_GetCustomModel", CustomModel, model_id, timeout_seconds=timeout_seconds, on_progress=on_progress
        )
