"""Request bodies and what they may hold (definitions of the specification, by name).

A broken rule is pydantic's error; where the service has a detailed error code for it, that is the error's type.
"""

from datetime import timedelta
from typing import Annotated, ClassVar, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, model_validator
from pydantic.alias_generators import to_camel
from pydantic_core import PydanticCustomError

from emulator.errors import DETAILED_ERROR_CODES, ApiError, DetailedErrorCode, invalid_request

CONTENT_URLS_LIMIT = 1_000
CUSTOM_PROPERTIES_LIMIT = 10
CUSTOM_KEY_LIMIT = 64
CUSTOM_VALUE_LIMIT = 256
CANDIDATE_LOCALES = range(2, 11)
SPEAKERS_LIMIT = 35
TIME_TO_LIVE_LIMIT = timedelta(days=31)

_DURATION = TypeAdapter(timedelta)


def _broken(code: DetailedErrorCode, message: str) -> PydanticCustomError:
    return PydanticCustomError(code, message)


def _custom_properties(values: dict[str, str]) -> dict[str, str]:
    if len(values) > CUSTOM_PROPERTIES_LIMIT:
        raise _broken("InvalidParameterValue", f"At most {CUSTOM_PROPERTIES_LIMIT} custom properties are allowed.")
    if any(len(key) > CUSTOM_KEY_LIMIT for key in values):
        raise _broken("InvalidParameterValue", f"Keys may have at most {CUSTOM_KEY_LIMIT} characters.")
    if any(len(value) > CUSTOM_VALUE_LIMIT for value in values.values()):
        raise _broken("InvalidParameterValue", f"Values may have at most {CUSTOM_VALUE_LIMIT} characters.")
    return values


def _recording_url(url: str) -> str:
    if not is_web_url(url):
        raise _broken("InvalidRecordingsUri", "The URL must be absolute, http or https.")
    return url


def _content_urls(urls: list[str]) -> list[str]:
    if not urls:
        raise _broken("MissingInputRecords", "At least one URL is needed.")
    if len(urls) > CONTENT_URLS_LIMIT:
        raise _broken("ExceededNumberOfRecordingsUris", f"At most {CONTENT_URLS_LIMIT} URLs are allowed.")
    return urls


def _time_to_live(text: str) -> str:
    if parse_duration(text) > TIME_TO_LIVE_LIMIT:
        raise _broken("InvalidTimeToLive", "The time to live may be at most 31 days.")
    return text


def _callback_url(url: str) -> str:
    if not is_web_url(url):
        raise _broken("InvalidCallbackUri", "The URL of the web hook must be absolute, https (or http on loopback).")
    return url


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
    raise _broken("InvalidTimeToLive", "The time to live must be an ISO 8601 duration such as P7D or PT6H.")


CustomProperties = Annotated[dict[str, str], AfterValidator(_custom_properties)]
RecordingUrl = Annotated[str, AfterValidator(_recording_url)]
CallbackUrl = Annotated[str, AfterValidator(_callback_url)]
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


class Speakers(Payload):
    """Definition DiarizationSpeakersProperties."""

    min_count: int = Field(default=1, ge=1)
    max_count: int = Field(default=SPEAKERS_LIMIT, ge=1, le=SPEAKERS_LIMIT)

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.min_count > self.max_count:
            raise _broken("InvalidParameterValue", "minCount must not be larger than maxCount.")
        return self


class DiarizationProperties(Payload):
    """Definition DiarizationProperties."""

    speakers: Speakers


class LanguageIdentification(Payload):
    """Definition LanguageIdentificationProperties."""

    candidate_locales: list[str]
    speech_model_mapping: dict[str, EntityReference] | None = None

    @model_validator(mode="after")
    def _countable(self) -> Self:
        if len(set(self.candidate_locales)) not in CANDIDATE_LOCALES:
            raise _broken("InvalidParameterValue", "Between 2 and 10 different candidate locales are needed.")
        if set(self.speech_model_mapping or ()) - set(self.candidate_locales):
            raise _broken("InvalidParameterValue", "Keys of speechModelMapping must be candidate locales.")
        return self


class TranscriptionProperties(Payload):
    """Definition TranscriptionProperties."""

    read_only = frozenset({"duration", "error"})

    diarization_enabled: bool = False
    word_level_timestamps_enabled: bool = False
    display_form_word_level_timestamps_enabled: bool = False
    channels: list[Annotated[int, Field(ge=0)]] = Field(default=[0, 1], min_length=1)
    destination_container_url: RecordingUrl | None = None
    punctuation_mode: Literal["None", "Dictated", "Automatic", "DictatedAndAutomatic"] = "DictatedAndAutomatic"
    profanity_filter_mode: Literal["None", "Removed", "Tags", "Masked"] = "Masked"
    time_to_live: Annotated[str, AfterValidator(_time_to_live)] | None = None
    diarization: DiarizationProperties | None = None
    language_identification: LanguageIdentification | None = None
    email: str | None = None


class TranscriptionCreate(Payload):
    """Definition Transcription, as operation Transcriptions_Create takes it."""

    read_only = frozenset({"self", "links", "status", "createdDateTime", "lastActionDateTime"})

    display_name: Text
    locale: Text
    description: str | None = None
    content_urls: Annotated[list[RecordingUrl], AfterValidator(_content_urls)] | None = None
    content_container_url: RecordingUrl | None = None
    dataset: EntityReference | None = None
    model: EntityReference | None = None
    project: EntityReference | None = None
    custom_properties: CustomProperties | None = None
    properties: TranscriptionProperties = Field(default_factory=TranscriptionProperties)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        sources = (self.content_urls, self.content_container_url, self.dataset)
        if sum(source is not None for source in sources) != 1:
            raise _broken(
                "OnlyOneOfUrlsOrContainerOrDataset",
                "Exactly one of contentUrls, contentContainerUrl and dataset is needed.",
            )
        identification = self.properties.language_identification
        if identification and self.locale not in identification.candidate_locales:
            raise _broken("InvalidLocale", "The candidate locales must include the locale of the transcription.")
        return self


class TranscriptionUpdate(Payload):
    """Definition TranscriptionUpdate."""

    display_name: Text | None = None
    description: str | None = None
    project: EntityReference | None = None
    custom_properties: dict[str, str | None] | None = None


class WebHookProperties(Payload):
    """Definitions WebHookProperties and WebHookPropertiesUpdate."""

    read_only = frozenset({"error", "apiVersion"})

    secret: str | None = None


class WebHookCreate(Payload):
    """Definition WebHook, as operation WebHooks_Create takes it."""

    read_only = frozenset({"self", "links", "status", "createdDateTime", "lastActionDateTime"})

    display_name: Text
    web_url: CallbackUrl
    events: "Events"
    description: str | None = None
    custom_properties: CustomProperties | None = None
    properties: WebHookProperties | None = None


class WebHookUpdate(Payload):
    """Definition WebHookUpdate."""

    display_name: Text | None = None
    web_url: CallbackUrl | None = None
    events: "Events | None" = None
    description: str | None = None
    custom_properties: dict[str, str | None] | None = None
    properties: WebHookProperties | None = None


EVENT_KINDS = frozenset(
    f"{noun}{stage}"
    for noun in ("dataset", "model", "evaluation", "transcription", "endpoint")
    for stage in ("Creation", "Processing", "Completion", "Deletion")
) | {"ping", "challenge"}
"""The 22 names of definition WebHookEvents."""


def _events(events: dict[str, bool]) -> dict[str, bool]:
    if unknown := sorted(set(events) - EVENT_KINDS):
        raise _broken("InvalidWebHookEventKind", f"There is no event kind {unknown[0]!r}.")
    return events


Events = Annotated[dict[str, bool], AfterValidator(_events)]
WebHookCreate.model_rebuild()
WebHookUpdate.model_rebuild()


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
