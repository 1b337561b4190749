"""Which models there are, and which one a reference means.

Each locale has two base models: the current one, and one whose time is over, so that clients meet `ModelDeprecated`.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal
from uuid import NAMESPACE_URL, uuid5

from emulator.app import Call
from emulator.clock import Clock
from emulator.content import JobError
from emulator.errors import DetailedErrorCode, invalid_request
from emulator.links import base_model_id, id_in
from emulator.payloads.common import EntityReference
from emulator.records import CustomModel, ModelPath, model_id
from emulator.store import Store

MODEL_FOLDER = "model"
"""In the folder of a custom model: what the engine made. It is there only when it is whole."""

type Use = Literal["adaptation", "deployment", "transcription"]
"""What a model is wanted for; evaluations want it for transcription, endpoints for deployment."""


@dataclass(frozen=True, slots=True)
class BaseModel:
    """A model of the service's; made once, and the same in every emulator."""

    id: str
    locale: str
    created: datetime
    adaptation_ends: datetime
    """From when on no model can be made from it."""
    transcription_ends: datetime
    """From when on nothing is recognized with it, nor with the models made from it."""

    @property
    def path(self) -> ModelPath:
        """How other entities name it."""
        return f"base/{self.id}"

    @property
    def display_name(self) -> str:
        """The service's base models are named after their day."""
        return f"{self.created:%Y%m%d}"

    def ends(self, use: Use) -> datetime:
        """From when on it cannot be used."""
        return self.adaptation_ends if use == "adaptation" else self.transcription_ends


class KnownModels:
    """The base models of the engine's locales, and the custom models of the store."""

    def __init__(self, store: Store, clock: Clock, locales: Iterable[str]) -> None:
        self._store = store
        self._clock = clock
        self._base = {model.id: model for locale in locales for model in _base_models(locale)}

    def base_models(self) -> list[BaseModel]:
        """All base models, locale by locale."""
        return list(self._base.values())

    def base_model(self, base_id: str) -> BaseModel | None:
        """One base model."""
        return self._base.get(base_id)

    def referenced(
        self, call: Call, reference: EntityReference, *, locale: str, target: str, use: Use = "transcription"
    ) -> ModelPath:
        """The model that a field of a body (`target`) refers to, for an entity of `locale`.

        Raises ApiError (400): `InvalidModel` where there is none such for this subscription or it is not Succeeded,
        `ModelMismatch` where it is of another locale, `ModelDeprecated` where its time is over. A base model to adapt
        that is wrong is `InvalidBaseModel`. For a deployment, `DeployingFailedModel` and
        `ModelDeploymentNotCompleteState` tell why it is not Succeeded.
        """
        invalid: DetailedErrorCode = "InvalidBaseModel" if use == "adaptation" else "InvalidModel"
        model = self._found(call, reference)
        if not model:
            raise invalid_request(invalid, "There is no such model.", target=target)
        if isinstance(model, CustomModel) and model.status != "Succeeded":
            if use == "deployment":
                invalid = "DeployingFailedModel" if model.finished else "ModelDeploymentNotCompleteState"
            raise invalid_request(
                invalid, f"The model is {model.status}; only Succeeded ones can be used.", target=target
            )
        if model.locale != locale:
            mismatch: DetailedErrorCode = "InvalidBaseModel" if use == "adaptation" else "ModelMismatch"
            message = f"The model is of the locale {model.locale!r}, and not of {locale!r}."
            raise invalid_request(mismatch, message, target=target)
        path = model.id if isinstance(model, CustomModel) else model.path
        root = self.root(path)
        if root and root.ends(use) <= self._clock.now():
            message = f"The base model of {root.display_name} is deprecated: its time for {use} has ended."
            raise invalid_request("ModelDeprecated", message, target=target)
        return path

    def root(self, path: ModelPath) -> BaseModel | None:
        """The base model that a model was made from in the end; None where the engine has it no longer."""
        while not path.startswith("base/"):
            custom = self._store.get(CustomModel, path)
            if not custom:
                return None
            path = custom.base
        return self._base.get(model_id(path))

    def folder(self, path: ModelPath | None) -> Path | None:
        """What an engine's request names as its model: the folder of a custom model, or None for a base model.

        Raises JobError where the custom model is gone.
        """
        return None if path is None or path.startswith("base/") else self.custom_folder(path)

    def custom_folder(self, custom_id: str) -> Path:
        """The folder of a custom model; raises JobError where it is gone."""
        folder = self._store.folder(custom_id) / MODEL_FOLDER
        if not folder.is_dir():
            raise JobError("InvalidModel", "The custom model is no longer there.")
        return folder

    def _found(self, call: Call, reference: EntityReference) -> BaseModel | CustomModel | None:
        if base_id := id_in(reference.url, "models/base"):
            return self._base.get(base_id)
        custom_id = id_in(reference.url, "models")
        custom = self._store.get(CustomModel, custom_id) if custom_id else None
        return custom if custom and custom.subscription == call.subscription else None


def _base_models(locale: str) -> tuple[BaseModel, BaseModel]:
    """The current one, whose end is far off so that nothing stops working by itself; and the deprecated one."""
    return (
        BaseModel(
            base_model_id(locale),
            locale,
            created=datetime(2025, 1, 15, tzinfo=UTC),
            adaptation_ends=datetime(2099, 1, 15, tzinfo=UTC),
            transcription_ends=datetime(2100, 1, 15, tzinfo=UTC),
        ),
        BaseModel(
            str(uuid5(NAMESPACE_URL, f"deprecated base model {locale}")),
            locale,
            created=datetime(2022, 1, 15, tzinfo=UTC),
            adaptation_ends=datetime(2023, 1, 15, tzinfo=UTC),
            transcription_ends=datetime(2024, 1, 15, tzinfo=UTC),
        ),
    )
