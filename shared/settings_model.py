"""Every setting: name, type, default, meaning. Each is an environment variable of the same name in capitals."""

from collections import Counter
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from shared.pipeline.options import TranscriptionOptions, none_if_blank, split_commas
from shared.settings import UNRESOLVED_REFERENCE
from shared.speech.transport import checked_endpoint

ExportFormat = Literal["vtt", "srt", "txt"]


def _http_origin(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in {"http", "https"} or not parts.netloc:
        raise ValueError("must be a URL such as https://my-speech.cognitiveservices.azure.com")
    if parts.path.strip("/") or parts.query:
        raise ValueError("must be the resource's endpoint alone, without a path or query")
    return f"{parts.scheme}://{parts.netloc.lower()}"


def _speech_endpoint(value: str) -> str:
    endpoint = _http_origin(value)
    try:
        return checked_endpoint(endpoint)
    except ValueError:  # its text shows the value
        raise ValueError("must begin with https:// (plain http only on this machine) and name no user") from None


def _none_if_unresolved(value: object) -> object:
    return None if isinstance(value, str) and value.startswith(UNRESOLVED_REFERENCE) else none_if_blank(value)


class Settings(BaseSettings):
    """The app's settings, frozen; a secret is never shown."""

    model_config = SettingsConfigDict(
        frozen=True, env_nested_delimiter="_", env_nested_max_split=1, extra="ignore", env_ignore_empty=True
    )

    speech_endpoint: Annotated[str, AfterValidator(_speech_endpoint)] = Field(
        description="endpoint of the Speech resource, such as `https://my-speech.cognitiveservices.azure.com`"
    )
    speech_key: Annotated[SecretStr | None, BeforeValidator(none_if_blank)] = Field(
        default=None, description="key of the Speech resource; unset, the app's identity is used (Microsoft Entra)"
    )
    speech_more_endpoints: Annotated[
        tuple[Annotated[str, AfterValidator(_speech_endpoint)], ...], NoDecode, BeforeValidator(split_commas)
    ] = Field(
        default=(),
        description="endpoints of further Speech resources, separated by commas, over which the work is spread",
    )
    speech_more_keys: Annotated[tuple[SecretStr, ...], NoDecode, BeforeValidator(split_commas)] = Field(
        default=(),
        description="keys of these resources, separated by commas and in the same order; unset, the identity is used",
    )
    speech_api_version: Literal["3.1", "3.2", "2024-11-15", "2025-10-15"] = Field(
        default="3.1", description="version of the Speech-to-text REST API"
    )
    data_storage: Annotated[SecretStr | None, BeforeValidator(none_if_blank)] = Field(
        default=None,
        description="connection string of the storage account with the audio; "
        "with an identity set `DATA_STORAGE__blobServiceUri` and `DATA_STORAGE__queueServiceUri` instead",
    )
    data_storage_blob_uri: Annotated[str | None, AfterValidator(lambda uri: uri and _http_origin(uri))] = Field(
        default=None,
        validation_alias="DATA_STORAGE__blobServiceUri",
        description="blob endpoint of that account, reached with the app's identity",
    )
    blob_trigger_source: Literal["EventGrid", "LogsAndContainerScan"] = Field(
        default="EventGrid",
        description="how blob events reach the app: pushed by Event Grid, or found by scanning the container",
    )
    audio_access: Literal["sas", "identity"] = Field(
        default="sas",
        description="how the Speech service reads the audio: `sas` gives it a read-only SAS for each file, "
        "`identity` plain URLs that it reads with its own identity",
    )
    audio_sas_hours: int = Field(
        default=48, ge=1, le=166, description="hours that such a SAS lives: a job may wait and run for more than a day"
    )
    webhook_secret: Annotated[SecretStr | None, BeforeValidator(_none_if_unresolved)] = Field(
        default=None, description="secret that signs the service's notifications; unset, every notification is refused"
    )
    webhook_previous_secret: Annotated[SecretStr | None, BeforeValidator(_none_if_unresolved)] = Field(
        default=None, description="secret that is still accepted while WEBHOOK_SECRET is being changed"
    )
    webhook_url: Annotated[str | None, BeforeValidator(none_if_blank)] = Field(
        default=None,
        pattern=r"^https?://\S+$",
        description="public URL of `/api/speech/events`; unset, no web hook is registered and timers collect",
    )
    default: TranscriptionOptions = Field(
        default_factory=TranscriptionOptions, description="options of files that say nothing else"
    )
    exports: Annotated[tuple[ExportFormat, ...], NoDecode, BeforeValidator(split_commas)] = Field(
        default=("vtt", "srt", "txt"), description="formats written beside each JSON document"
    )
    max_attempts: int = Field(
        default=3, ge=1, le=10, description="how often a file is submitted at most when it fails for a passing reason"
    )
    retry_delay_seconds: int = Field(
        default=60,
        ge=0,
        le=86_400,
        description="seconds before a file's second attempt; each further one waits 4 times as long",
    )
    linger_seconds: float = Field(
        default=2.0, ge=0, le=60, description="seconds that new files wait for others to share a request with"
    )
    lease_seconds: int = Field(
        default=60, ge=15, le=60, description="seconds after which the work of a crashed instance can be taken over"
    )
    submission_recovery_seconds: int = Field(
        default=120,
        ge=10,
        le=3600,
        description="seconds after which a submission that was not confirmed is looked up at the service",
    )
    speech_timeout_seconds: int = Field(
        default=60, ge=1, le=300, description="seconds that one call of the Speech service may take"
    )
    work_seconds: int = Field(
        default=240,
        ge=10,
        le=3000,
        description="seconds that one function call works before it hands over; below `functionTimeout` in host.json",
    )
    collection_parallelism: int = Field(default=8, ge=1, le=64, description="result files read at the same time")
    transcription_hours: int = Field(
        default=168, ge=6, le=744, description="hours that the service keeps a finished transcription (`timeToLive`)"
    )
    delete_transcriptions: bool = Field(
        default=True, description="delete a transcription at the service once its results are stored"
    )
    missed_audio_hours: int = Field(
        default=48,
        ge=0,
        le=8760,
        description="how far back, in hours, the app looks for audio whose event never came; 0 looks for none",
    )
    applicationinsights_connection_string: Annotated[SecretStr | None, BeforeValidator(none_if_blank)] = Field(
        default=None, description="Application Insights that telemetry goes to; unset, none is exported"
    )
    trace_ratio: float = Field(
        default=1.0, ge=0, le=1, description="share of the files' traces that is exported; metrics count every file"
    )
    cost_per_audio_hour: float = Field(
        default=0.18, ge=0, description="price of an hour of audio on the batch route, for the estimated cost"
    )
    cost_per_short_audio_hour: float = Field(default=1.0, ge=0, description="the same for the short route")

    @model_validator(mode="after")
    def _consistent(self) -> "Settings":
        if self.data_storage is None and self.data_storage_blob_uri is None:
            raise ValueError(
                "DATA_STORAGE is missing: set a connection string, or DATA_STORAGE__blobServiceUri for an identity"
            )
        if doubled := [url for url, times in Counter(self.speech_endpoints).items() if times > 1]:
            raise ValueError(f"SPEECH_ENDPOINT and SPEECH_MORE_ENDPOINTS name {', '.join(doubled)} more than once")
        if len(self.speech_more_keys) not in {0, len(self.speech_more_endpoints)}:
            raise ValueError(
                f"SPEECH_MORE_KEYS has {len(self.speech_more_keys)} keys for {len(self.speech_more_endpoints)} "
                "SPEECH_MORE_ENDPOINTS: give one for each, in the same order, or none"
            )
        if self.submission_recovery_seconds < 2 * self.speech_timeout_seconds:
            raise ValueError("SUBMISSION_RECOVERY_SECONDS must be at least twice SPEECH_TIMEOUT_SECONDS")
        return self

    @property
    def speech_endpoints(self) -> tuple[str, ...]:
        """The endpoints of all Speech resources, SPEECH_ENDPOINT first."""
        return (self.speech_endpoint, *self.speech_more_endpoints)

    @property
    def speech_keys(self) -> tuple[SecretStr | None, ...]:
        """The key of each of these resources; None where the app's identity is used."""
        return (self.speech_key, *(self.speech_more_keys or (None,) * len(self.speech_more_endpoints)))


def environment_names() -> dict[str, str]:
    """Every environment variable that the app reads, with its meaning."""
    names: dict[str, str] = {}
    for name, field in Settings.model_fields.items():
        if name == "default":
            for option, option_field in TranscriptionOptions.model_fields.items():
                names[f"DEFAULT_{option.upper()}"] = f"default of the option `{option}`: {option_field.description}"
        else:
            names[str(field.validation_alias or name.upper())] = field.description or ""
    return names


def problems(error: ValidationError) -> list[str]:
    """A line for each wrong setting: its name and what it accepts; never its value, which may be a secret."""
    return [_problem(detail["loc"], detail["msg"]) for detail in error.errors(include_url=False, include_input=False)]


def _problem(location: tuple[int | str, ...], message: str) -> str:
    message = message.removeprefix("Value error, ")
    if not location:
        return message
    name = "_".join(str(part) for part in location[:2] if isinstance(part, str)).upper()
    return (
        f"{name} is missing: {environment_names().get(name, '')}"
        if message == "Field required"
        else (f"{name} is wrong: {message} ({environment_names().get(name, '')})")
    )


def default_values() -> dict[str, str]:
    """Every environment variable with its default as it would be written; empty where unset is the default."""
    values: dict[str, str] = {}
    for name, field in Settings.model_fields.items():
        if name == "default":
            values |= {f"DEFAULT_{option.upper()}": _written(value) for option, value in TranscriptionOptions()}
        else:
            values[str(field.validation_alias or name.upper())] = (
                "" if field.is_required() else _written(field.get_default())
            )
    return values


def _written(value: object) -> str:
    if isinstance(value, tuple):
        return ",".join(str(item) for item in value)
    return "" if value is None else str(value).lower() if isinstance(value, bool) else f"{value}"


def markdown_table() -> str:
    """The README's table of settings: `python -m shared.settings_model`."""
    defaults = default_values()
    rows = [
        f"| `{name}` | {f'`{defaults[name]}`' if defaults[name] else ''} | {meaning} |"
        for name, meaning in environment_names().items()
    ]
    return "\n".join(["| setting | default | meaning |", "| --- | --- | --- |", *rows])


if __name__ == "__main__":
    print(markdown_table())
