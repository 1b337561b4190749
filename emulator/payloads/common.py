"""What request bodies have in common (definitions of the specification, by name).

A broken rule is pydantic's error; where the service has a detailed error code for it, that is the error's type.
"""

from datetime import timedelta
from typing import Annotated, ClassVar
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, model_validator
from pydantic.alias_generators import to_camel
from pydantic_core import PydanticCustomError

from emulator.errors import DETAILED_ERROR_CODES, ApiError, DetailedErrorCode, invalid_request

CUSTOM_PROPERTIES_LIMIT = 10
CUSTOM_KEY_LIMIT = 64
CUSTOM_VALUE_LIMIT = 256
TIME_TO_LIVE_LIMIT = timedelta(days=31)

_DURATION = TypeAdapter(timedelta)


def broken(code: DetailedErrorCode, message: str) -> PydanticCustomError:
    """The error of a rule that the service has a detailed code for; to be raised in a validator."""
    return PydanticCustomError(code, message)


def _custom_properties(values: dict[str, str]) -> dict[str, str]:
    if len(values) > CUSTOM_PROPERTIES_LIMIT:
        raise broken("InvalidParameterValue", f"At most {CUSTOM_PROPERTIES_LIMIT} custom properties are allowed.")
    if any(len(key) > CUSTOM_KEY_LIMIT for key in values):
        raise broken("InvalidParameterValue", f"Keys may have at most {CUSTOM_KEY_LIMIT} characters.")
    if any(len(value) > CUSTOM_VALUE_LIMIT for value in values.values()):
        raise broken("InvalidParameterValue", f"Values may have at most {CUSTOM_VALUE_LIMIT} characters.")
    return values


def _time_to_live(text: str) -> str:
    if parse_duration(text) > TIME_TO_LIVE_LIMIT:
        raise broken("InvalidTimeToLive", "The time to live may be at most 31 days.")
    return text


def is_web_url(url: str) -> bool:
    """Whether a URL is absolute, http or https, with a host."""
    try:
        parts = urlsplit(url)
        return parts.scheme in {"http", "https"} and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        return False


def parse_duration(text: str) -> timedelta:
    """An ISO 8601 duration such as `P31D` or `PT6H`, not negative; raises the error of InvalidTimeToLive."""
    try:
        if text.startswith("P"):
            return _DURATION.validate_python(text)
    except ValidationError:
        pass
    raise broken("InvalidTimeToLive", "The time to live must be an ISO 8601 duration such as P7D or PT6H.")


CustomProperties = Annotated[dict[str, str], AfterValidator(_custom_properties)]
TimeToLive = Annotated[str, AfterValidator(_time_to_live)]
Text = Annotated[str, Field(min_length=1)]


class Payload(BaseModel):
    """A JSON object of the specification: types are not coerced, unknown fields refused, read-only ones ignored."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="forbid", strict=True)
    read_only: ClassVar[frozenset[str]] = frozenset()

    @model_validator(mode="before")
    @classmethod
    def _without_read_only(cls, values: object) -> object:
        if not isinstance(values, dict):
            return values
        return {name: value for name, value in values.items() if name not in cls.read_only}


class EntityReference(Payload):
    """Definition EntityReference."""

    url: str = Field(alias="self")


class EntityCreate(Payload):
    """What the operations that create an entity have in common."""

    read_only = frozenset({"self", "links", "status", "createdDateTime", "lastActionDateTime"})

    display_name: Text
    description: str | None = None
    custom_properties: CustomProperties | None = None


class EntityUpdate(Payload):
    """What the operations that update an entity have in common: a merge patch (RFC 7396) of what can be changed."""

    display_name: Text | None = None
    description: str | None = None
    custom_properties: dict[str, str | None] | None = None


class ProjectEntityUpdate(EntityUpdate):
    """The update of an entity that can belong to a project (definitions DatasetUpdate, ModelUpdate and so on)."""

    project: EntityReference | None = None


def merged_custom_properties(
    current: dict[str, str] | None, patch: dict[str, str | None] | None
) -> dict[str, str] | None:
    """Custom properties after a merge patch (RFC 7396): null removes one, or, as the whole, all. Raises ApiError."""
    if patch is None:
        return None
    merged = {**(current or {}), **patch}
    try:
        return _custom_properties({key: value for key, value in merged.items() if value is not None})
    except PydanticCustomError as error:
        raise invalid_request("InvalidParameterValue", error.message(), target="customProperties") from None


def read_payload[P: Payload](model: type[P], body: object, *, strict: bool) -> P:
    """The body as its definition; raises ApiError that names the fields at fault and never repeats their values."""
    try:
        return model.model_validate(body, extra="forbid" if strict else "ignore")
    except ValidationError as error:
        problems = [_problem(str(one["type"]), one["loc"], one["msg"]) for one in error.errors(include_input=False)]
    first = problems[0]
    raise ApiError(
        400,
        "InvalidRequest",
        first.message,
        inner=first.inner,
        target=first.target,
        details=problems[1:],
    )


def _problem(kind: str, place: tuple[str | int, ...], message: str) -> ApiError:
    target = ".".join(str(part) for part in place)
    code = kind if kind in DETAILED_ERROR_CODES else "InvalidPayload"
    text = f"{target}: {message}" if target else message
    return invalid_request(code, text, target=target)  # type: ignore[arg-type]  # a member, as the line above ensures
