"""Request bodies of the noun Transcriptions."""

from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from emulator.payloads.common import (
    EntityCreate,
    EntityReference,
    Payload,
    ProjectEntityUpdate,
    Text,
    TimeToLive,
    broken,
    is_web_url,
)

CONTENT_URLS_LIMIT = 1_000
CANDIDATE_LOCALES = range(2, 11)
SPEAKERS_LIMIT = 35


def _recording_url(url: str) -> str:
    if not is_web_url(url):
        raise broken("InvalidRecordingsUri", "The URL must be absolute, http or https.")
    return url


def _content_urls(urls: list[str]) -> list[str]:
    if not urls:
        raise broken("MissingInputRecords", "At least one URL is needed.")
    if len(urls) > CONTENT_URLS_LIMIT:
        raise broken("ExceededNumberOfRecordingsUris", f"At most {CONTENT_URLS_LIMIT} URLs are allowed.")
    return urls


RecordingUrl = Annotated[str, AfterValidator(_recording_url)]


class Speakers(Payload):
    """Definition DiarizationSpeakersProperties."""

    min_count: int = Field(default=1, ge=1)
    max_count: int = Field(default=SPEAKERS_LIMIT, ge=1, le=SPEAKERS_LIMIT)

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.min_count > self.max_count:
            raise broken("InvalidParameterValue", "minCount must not be larger than maxCount.")
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
            raise broken("InvalidParameterValue", "Between 2 and 10 different candidate locales are needed.")
        if set(self.speech_model_mapping or ()) - set(self.candidate_locales):
            raise broken("InvalidParameterValue", "Keys of speechModelMapping must be candidate locales.")
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
    time_to_live: TimeToLive | None = None
    diarization: DiarizationProperties | None = None
    language_identification: LanguageIdentification | None = None
    email: str | None = None


class TranscriptionCreate(EntityCreate):
    """Definition Transcription, as operation Transcriptions_Create takes it."""

    locale: Text
    content_urls: Annotated[list[RecordingUrl], AfterValidator(_content_urls)] | None = None
    content_container_url: RecordingUrl | None = None
    dataset: EntityReference | None = None
    model: EntityReference | None = None
    project: EntityReference | None = None
    properties: TranscriptionProperties = Field(default_factory=TranscriptionProperties)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        sources = (self.content_urls, self.content_container_url, self.dataset)
        if sum(source is not None for source in sources) != 1:
            raise broken(
                "OnlyOneOfUrlsOrContainerOrDataset",
                "Exactly one of contentUrls, contentContainerUrl and dataset is needed.",
            )
        identification = self.properties.language_identification
        if identification and self.locale not in identification.candidate_locales:
            raise broken("InvalidLocale", "The candidate locales must include the locale of the transcription.")
        return self


class TranscriptionUpdate(ProjectEntityUpdate):
    """Definition TranscriptionUpdate."""
