"""Request bodies of the noun Models."""

from typing import Self

from pydantic import Field, model_validator

from emulator.payloads.common import EntityCreate, EntityReference, Payload, ProjectEntityUpdate, Text, broken


class DatedCustomModelProperties(Payload):
    """Definition CustomModelProperties of the versions named by their date."""

    read_only = frozenset({"deprecationDates", "features", "error"})

    custom_model_weight_percent: int | None = Field(default=None, ge=1, le=100)


class DatedCustomModelCreate(EntityCreate):
    """Definition CustomModel, as operation Models_Create of the versions named by their date takes it."""

    locale: Text
    base_model: EntityReference | None = None
    datasets: list[EntityReference] = Field(default_factory=list)
    project: EntityReference | None = None
    properties: DatedCustomModelProperties = Field(default_factory=DatedCustomModelProperties)

    @model_validator(mode="after")
    def _has_data(self) -> Self:
        if not self.datasets and not getattr(self, "text", None):
            raise broken("MissingInputRecords", "A model is made from datasets, or (in v3.1) from text; neither came.")
        return self


class CustomModelProperties(DatedCustomModelProperties):
    """Definition CustomModelProperties."""

    email: str | None = None


class CustomModelCreate(DatedCustomModelCreate):
    """Definition CustomModel, as operation Models_Create takes it."""

    text: Text | None = None
    properties: CustomModelProperties = Field(default_factory=CustomModelProperties)


class ModelUpdate(ProjectEntityUpdate):
    """Definition ModelUpdate."""


class ModelCopy(Payload):
    """Definition ModelCopy."""

    target_subscription_key: Text = Field(repr=False)


class ModelCopyAuthorizationDefinition(Payload):
    """Definition ModelCopyAuthorizationDefinition."""

    source_resource_id: Text


class ModelCopyAuthorization(ModelCopyAuthorizationDefinition):
    """Definition ModelCopyAuthorization."""

    id: Text = Field(repr=False)
    target_resource_id: Text
    target_resource_endpoint: Text
    target_resource_region: Text
    expiration_date_time: Text
