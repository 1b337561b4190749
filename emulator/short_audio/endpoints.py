"""Which model recognizes a request for short audio, and who keeps it as a log: what the query's `cid` says."""

from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from emulator.app import Call
from emulator.content_logs import base_model_owner
from emulator.errors import DetailedErrorCode, invalid_argument
from emulator.models import KnownModels
from emulator.records import Endpoint
from emulator.store import Store
from emulator.work.deploying import deployed_folder


@dataclass(frozen=True, slots=True)
class ShortAudioEndpoint:
    """A custom endpoint, or the one that every subscription has for each locale."""

    model: Path | None
    """Folder of the model; None is the base model."""
    log_owner: str
    is_logged: bool
    """Whether every request is kept as a log, and not only those that ask for it."""


class ShortAudioEndpoints:
    """Finds the endpoint of a request."""

    def __init__(self, store: Store, models: KnownModels) -> None:
        self._store = store
        self._models = models

    def named(self, call: Call, language: str) -> ShortAudioEndpoint:
        """The endpoint that `cid` names; raises ApiError (400) where it is none that works for this language."""
        cid = call.request.query.get("cid")
        if cid is None:
            return ShortAudioEndpoint(None, base_model_owner(call.subscription, language), is_logged=False)
        endpoint = self._found(cid)
        if not endpoint or endpoint.subscription != call.subscription:
            raise invalid_argument("InvalidParameterValue", "There is no custom endpoint of this id.", target="cid")
        if endpoint.deployed is None:
            message = f"The custom endpoint is {endpoint.status}: no model is deployed."
            inner: DetailedErrorCode = (
                "DeployingFailedModel" if endpoint.status == "Failed" else "ModelDeploymentNotCompleteState"
            )
            raise invalid_argument(inner, message, target="cid")
        if endpoint.locale != language:
            message = f"The language of the custom endpoint is {endpoint.locale}."
            raise invalid_argument("InvalidLocale", message, target="language")
        model = deployed_folder(self._store, self._models, endpoint)
        return ShortAudioEndpoint(model, endpoint.id, endpoint.properties.logging_enabled)

    def _found(self, cid: str) -> Endpoint | None:
        try:
            return self._store.get(Endpoint, str(UUID(cid)))
        except ValueError:
            return None
