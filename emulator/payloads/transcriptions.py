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
CANDIDATE_LOCALES_LEAST = 2
CANDIDATE_LOCALES_LIMIT = 10
"""Of continuous language identification; to identify a single language, there may be more."""
SPEAKERS_LIMIT = 35
TIME_TO_LIVE_HOURS = range(6, 745)


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


def _time_to_live_hours(hours: int) -> int:
    if hours not in TIME_TO_LIVE_HOURS:
        raise broken("InvalidTimeToLive", "timeToLiveHours must be between 6 and 744, which is 31 days.")
    return hours


def _dated_channels(channels: list[int]) -> list[int]:
    if not channels or min(channels) < 0:
        raise broken("InvalidChannels", "At least one channel is needed, and none may be negative.")
    return channels


RecordingUrl = Annotated[str, AfterValidator(_recording_url)]
Channels = list[Annotated[int, Field(ge=0)]]
DatedChannels = Annotated[list[int], AfterValidator(_dated_channels)]
PunctuationMode = Literal["None", "Dictated", "Automatic", "DictatedAndAutomatic"]
ProfanityFilterMode = Literal["None", "Removed", "Tags", "Masked"]
LanguageIdentificationMode = Literal["Continuous", "Single"]


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
        if len(set(self.candidate_locales)) < CANDIDATE_LOCALES_LEAST:
            raise broken("InvalidParameterValue", "At least two different candidate locales are needed.")
        if set(self.speech_model_mapping or ()) - set(self.candidate_locales):
            raise broken("InvalidParameterValue", "Keys of speechModelMapping must be candidate locales.")
        return self


class TranscriptionProperties(Payload):
    """Definition TranscriptionProperties."""

    read_only = frozenset({"duration", "error"})

    diarization_enabled: bool = False
    word_level_timestamps_enabled: bool = False
    display_form_word_level_timestamps_enabled: bool = False
    channels: Channels = Field(default=[0, 1], min_length=1)
    destination_container_url: RecordingUrl | None = None
    punctuation_mode: PunctuationMode = "DictatedAndAutomatic"
    profanity_filter_mode: ProfanityFilterMode = "Masked"
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
        if identification := self.properties.language_identification:
            self._check_candidates(set(identification.candidate_locales), getattr(identification, "mode", "Continuous"))
        return self

    def _check_candidates(self, locales: set[str], mode: LanguageIdentificationMode) -> None:
        if self.locale not in locales:
            raise broken("InvalidLocale", "The candidate locales must include the locale of the transcription.")
        if mode == "Continuous" and len(locales) > CANDIDATE_LOCALES_LIMIT:
            raise broken("InvalidParameterValue", f"At most {CANDIDATE_LOCALES_LIMIT} candidate locales are allowed.")


class TranscriptionUpdate(ProjectEntityUpdate):
    """Definition TranscriptionUpdate."""


class DatedDiarization(Payload):
    """Definition DiarizationProperties of the versions named by their date."""

    enabled: bool = False
    max_speakers: int = Field(default=2, ge=2, le=SPEAKERS_LIMIT)


class DatedLanguageIdentification(LanguageIdentification):
    """Definition LanguageIdentificationProperties of the versions named by their date."""

    mode: LanguageIdentificationMode = "Continuous"


class DatedTranscriptionProperties(Payload):
    """Definition TranscriptionProperties of the versions named by their date."""

    read_only = frozenset({"durationMilliseconds", "error"})

    word_level_timestamps_enabled: bool = False
    display_form_word_level_timestamps_enabled: bool = False
    channels: DatedChannels = Field(default=[0, 1])
    destination_container_url: RecordingUrl | None = None
    punctuation_mode: PunctuationMode = "DictatedAndAutomatic"
    profanity_filter_mode: ProfanityFilterMode = "Masked"
    time_to_live_hours: Annotated[int, AfterValidator(_time_to_live_hours)]
    diarization: DatedDiarization | None = None
    language_identification: DatedLanguageIdentification | None = None

    def in_v3_1(self) -> TranscriptionProperties:
        """The same as v3.1 has it, but for the mode of language identification, which it lacks."""
        values = self.model_dump(exclude={"time_to_live_hours", "diarization", "language_identification"})
        identification = self.language_identification
        diarization = self.diarization or DatedDiarization()
        return TranscriptionProperties(
            **values,
            time_to_live=f"PT{self.time_to_live_hours}H",
            diarization_enabled=diarization.enabled,
            diarization=DiarizationProperties(speakers=Speakers(max_count=diarization.max_speakers))
            if diarization.enabled
            else None,
            language_identification=LanguageIdentification(
                candidate_locales=identification.candidate_locales,
                speech_model_mapping=identification.speech_model_mapping,
            )
            if identification
            else None,
        )


class TranscriptionSubmit(TranscriptionCreate):
    """Definition Transcription, as operation Transcriptions_Submit of the versions named by their date takes it."""

    properties: DatedTranscriptionProperties  # type: ignore[assignment]  # the later versions' own definition
