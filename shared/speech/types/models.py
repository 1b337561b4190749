"""Models, those of the service and those that were adapted (definitions BaseModel, CustomModel, ModelManifest, ...)."""

from typing import Any

from pydantic import Field

from shared.speech.types.common import (
    EntityError,
    EntityReference,
    Model,
    OpenEnum,
    Stateful,
    StatefulEntity,
    Timestamp,
)
from shared.speech.types.datasets import DatasetKind


class OutputFormatType(OpenEnum):
    """What a model writes (API version 3.2 and newer)."""

    LEXICAL = "Lexical"
    DISPLAY = "Display"


class SharedModelFeatures(Model):
    """What any model can be used for."""

    supports_transcriptions: bool | None = None
    """Batch transcription."""
    supports_endpoints: bool | None = None
    supports_transcriptions_on_speech_containers: bool | None = None
    supports_transcriptions_transcribe: bool | None = None
    """Transcription while the caller waits (2024-11-15 and newer)."""
    supported_output_format: list[OutputFormatType] | None = None
    """API version 3.2 and newer."""


class BaseModelFeatures(SharedModelFeatures):
    """What a base model can be used for."""

    supports_adaptations_with: list[DatasetKind] | None = None


class CustomModelFeatures(SharedModelFeatures):
    """What a custom model can be used for."""


class CustomModelDeprecationDates(Model):
    """When a custom model ends."""

    transcription_date_time: Timestamp | None = None


class BaseModelDeprecationDates(Model):
    """When a base model ends."""

    adaptation_date_time: Timestamp | None = None
    transcription_date_time: Timestamp | None = None


class BaseModelProperties(Model):
    """Read only."""

    deprecation_dates: BaseModelDeprecationDates | None = None
    features: BaseModelFeatures | None = None
    charge_for_adaptation: bool | None = None
    """API version 3.2 and newer."""


class CustomModelProperties(Model):
    """Options of a custom model, and in answers its features."""

    custom_model_weight_percent: int | None = Field(default=None, ge=1, le=100)
    """How much the custom model counts against the base model; the service chooses if it is not given."""
    deprecation_dates: CustomModelDeprecationDates | None = None
    """Read only."""
    features: CustomModelFeatures | None = None
    """Read only."""
    email: str | None = None
    """API versions 3.1 and 3.2."""
    error: EntityError | None = None
    """Read only: why the training failed."""


class BaseModelLinks(Model):
    """Where the manifest is."""

    manifest: str | None = None


class CustomModelLinks(Model):
    """Where the model is copied, and its files and manifest are."""

    copy_to: str | None = None
    copy_url: str | None = Field(default=None, alias="copy")
    files: str | None = None
    manifest: str | None = None


class SharedModel(StatefulEntity):
    """What base and custom models share."""

    display_name: str
    locale: str
    description: str | None = None


class BaseModel(SharedModel):
    """A model of the service's."""

    links: BaseModelLinks | None = None
    properties: BaseModelProperties | None = None


class NewCustomModel(Model):
    """What is created: adapted with `datasets`, or with `text`."""

    display_name: str = Field(min_length=1)
    locale: str = Field(min_length=1)
    base_model: EntityReference | None = None
    datasets: list[EntityReference] | None = None
    text: str | None = None
    """API versions 3.1 and 3.2."""
    project: EntityReference | None = None
    description: str | None = None
    custom_properties: dict[str, str] | None = None
    """Up to 10; keys up to 64 characters, values up to 256."""
    properties: CustomModelProperties | None = None


class ModelUpdate(Model):
    """What can be changed; only the fields that are given are sent, None as null."""

    display_name: str | None = None
    description: str | None = None
    project: EntityReference | None = None
    custom_properties: dict[str, str] | None = None


class CustomModel(SharedModel):
    """An adapted model."""

    base_model: EntityReference | None = None
    datasets: list[EntityReference] | None = None
    text: str | None = None
    project: EntityReference | None = None
    links: CustomModelLinks | None = None
    properties: CustomModelProperties | None = None
    custom_properties: dict[str, str] | None = None


class ModelFile(Model):
    """A file that a container needs to run the model; `content_url` is a SAS URL."""

    name: str | None = None
    content_url: str | None = Field(default=None, repr=False)


class ModelManifest(Model):
    """What a container on premises needs to run a model."""

    model: EntityReference
    model_files: list[ModelFile]
    properties: dict[str, Any]
    """The container's configuration."""


class ModelCopyAuthorization(Model):
    """What the target resource of a copy gives out, and the source resource is given (API version 3.2 and newer)."""

    id: str = Field(repr=False)
    source_resource_id: str
    target_resource_id: str
    target_resource_endpoint: str
    target_resource_region: str
    expiration_date_time: Timestamp


class OperationResult(Model):
    """Where the copy is."""

    link: str | None = None


class Operation(Stateful):
    """A copy that the service works on (API version 3.2 and newer)."""

    id: str
    self_url: str | None = Field(default=None, alias="self")
    created_date_time: Timestamp | None = None
    result: OperationResult | None = None
    error: EntityError | None = None
