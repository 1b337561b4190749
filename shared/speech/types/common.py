"""What the models of all nouns share.

Field names are the service's in Python's form (`displayName` is `display_name`); `self` is `self_url`. Whatever else
the service sends is kept in `model_extra` and written back.
"""

from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Self, override
from urllib.parse import unquote, urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel


def _with_zone(value: datetime) -> datetime:
    return value if value.tzinfo else value.replace(tzinfo=UTC)


type Timestamp = Annotated[datetime, AfterValidator(_with_zone)]
"""A datetime with zone; the service writes UTC, and one that came without a zone is taken as UTC."""


class OpenEnum(StrEnum):
    """Text with known values; one from a newer service becomes a member of its own that equals its text."""

    @classmethod
    @override
    def _missing_(cls, value: object) -> Self | None:
        if not isinstance(value, str):
            return None
        member = str.__new__(cls, value)
        member._name_ = member._value_ = value
        return member


class Status(OpenEnum):
    """State of an entity that the service works on (definition Status)."""

    NOT_STARTED = "NotStarted"
    RUNNING = "Running"
    SUCCEEDED = "Succeeded"
    FAILED = "Failed"

    @property
    def is_terminal(self) -> bool:
        """True when the service will not change it any more."""
        return self in (Status.SUCCEEDED, Status.FAILED)


class Model(BaseModel):
    """Base of all models. Text that may hold a SAS or a secret stays out of `repr` and of validation errors."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        validate_by_name=True,
        validate_by_alias=True,
        serialize_by_alias=True,
        extra="allow",
        hide_input_in_errors=True,
        protected_namespaces=(),
    )


class Located(Model):
    """What has a URL at the service."""

    self_url: str = Field(alias="self")

    @property
    def id(self) -> str:
        """The last segment of `self`'s path; the host and the query say nothing about it."""
        return entity_id(self.self_url)


class EntityReference(Located):
    """Another entity, named by its URL (definition EntityReference)."""


class EntityError(Model):
    """Why the service could not do the work (definition EntityError), such as code `InvalidUri`."""

    code: str | None = None
    message: str | None = None


class Entity(Located):
    """What the service keeps under a URL of its own."""

    created_date_time: Timestamp | None = None


class Stateful(Model):
    """What the service works on until its status is terminal."""

    status: Status | None = None
    last_action_date_time: Timestamp | None = None
    """When the status was entered."""

    @property
    def is_finished(self) -> bool:
        """True when the service will not change it any more."""
        return self.status is not None and self.status.is_terminal


class StatefulEntity(Entity, Stateful):
    """An entity that the service works on."""


def entity_id(url: str) -> str:
    """The id in an entity's URL: the last segment of its path. ValueError if there is none."""
    segment = unquote(urlsplit(url).path.rpartition("/")[2])
    if not segment:
        raise ValueError("the URL of an entity ends in the entity's id; this one has no such segment")
    return segment
