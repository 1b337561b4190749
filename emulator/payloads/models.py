"""Request bodies of the noun Models."""

from typing import Self

from pydantic import Field, model_validator

from emulator.payloads.common import EntityCreate, EntityReference, Payload, ProjectEntityUpdate, Text, broken


class CustomModelProperties(Payload):
    """Definition CustomModelProperties."""

    read_only = frozenset({"deprecationDates", "features", "error"})

    custom_model_weight_percent: int | None = Field(default=None, ge=1, le=100)
    email: str | None = None


class CustomModelCreate(EntityCreate):
    """Definition CustomModel, as operation Models_Create takes it."""

    locale: Text
    base_model: EntityReference | None = None
    datasets: list[EntityReference] = Field(default_factory=list)
    text: Text | None = None
    project: EntityReference | None = None
    properties: CustomModelProperties = Field(default_factory=CustomModelProperties)

    @model_validator(mode="after")
    def _has_data(self) -> Self:
        if not self.datasets and not self.text:
            raise broken("MissingInputRecords", "A model is made from datasets, or from text; neither is given.")
        return self


class ModelUpdate(ProjectEntityUpdate):
    """Definition ModelUpdate."""


class ModelCopy(Payload):
    """Definition ModelCopy."""

    target_subscription_key: Text = Field(repr=False)
