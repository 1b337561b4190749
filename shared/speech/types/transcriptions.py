"""Transcriptions (definitions Transcription, TranscriptionUpdate and TranscriptionProperties), written as in v3.1.

versions.py translates them for the newer API versions.
"""

from datetime import timedelta
from typing import Self

from pydantic import Field, ValidationError

from shared.speech.errors import MalformedResponse
from shared.speech.types.common import EntityError, EntityReference, Model, OpenEnum, StatefulEntity, Status


class PunctuationMode(OpenEnum):
    """How punctuation gets into the display text (definition PunctuationMode)."""

    NONE = "None"
    DICTATED = "Dictated"
    AUTOMATIC = "Automatic"
    DICTATED_AND_AUTOMATIC = "DictatedAndAutomatic"


class ProfanityFilterMode(OpenEnum):
    """What happens to profanity (definition ProfanityFilterMode)."""

    NONE = "None"
    REMOVED = "Removed"
    TAGS = "Tags"
    MASKED = "Masked"


class LanguageIdentificationMode(OpenEnum):
    """How often the language is looked for (2024-11-15 and newer)."""

    CONTINUOUS = "Continuous"
    SINGLE = "Single"


class DiarizationSpeakers(Model):
    """Bounds of the number of speakers: at least 1, at most 35 (definition DiarizationSpeakersProperties)."""

    min_count: int | None = None
    max_count: int | None = None


class Diarization(Model):
    """Telling more than two speakers apart; needs mono audio (definition DiarizationProperties)."""

    speakers: DiarizationSpeakers


class LanguageIdentification(Model):
    """Two to ten candidate locales, the main one among them (definition LanguageIdentificationProperties)."""

    candidate_locales: list[str]
    speech_model_mapping: dict[str, EntityReference] | None = None
    mode: LanguageIdentificationMode | None = None


class TranscriptionProperties(Model):
    """Options of a transcription, and in answers also `duration` and `error` (definition TranscriptionProperties)."""

    diarization_enabled: bool | None = None
    word_level_timestamps_enabled: bool | None = None
    display_form_word_level_timestamps_enabled: bool | None = None
    channels: list[int] | None = None
    punctuation_mode: PunctuationMode | None = None
    profanity_filter_mode: ProfanityFilterMode | None = None
    time_to_live: timedelta | None = None
    """How long the service keeps the finished transcription: at most 31 days; newer versions need 6 hours or more."""
    diarization: Diarization | None = None
    language_identification: LanguageIdentification | None = None
    destination_container_url: str | None = Field(default=None, repr=False)
    email: str | None = None
    duration: timedelta | None = None
    """Read only: of all the audio."""
    error: EntityError | None = None
    """Read only: why the transcription failed as a whole."""


class NewTranscription(Model):
    """What is created: with exactly one of `content_urls` (up to 1,000), `content_container_url` and `dataset`."""

    display_name: str = Field(min_length=1)
    locale: str = Field(min_length=1)
    content_urls: list[str] | None = Field(default=None, repr=False)
    content_container_url: str | None = Field(default=None, repr=False)
    dataset: EntityReference | None = None
    model: EntityReference | None = None
    project: EntityReference | None = None
    description: str | None = None
    custom_properties: dict[str, str] | None = None
    """Up to 10; keys up to 64 characters, values up to 256."""
    properties: TranscriptionProperties | None = None


class TranscriptionUpdate(Model):
    """What can be changed; only the fields that are given are sent, None as null (definition TranscriptionUpdate)."""

    display_name: str | None = None
    description: str | None = None
    project: EntityReference | None = None
    custom_properties: dict[str, str] | None = None


class TranscriptionLinks(Model):
    """Where the files are listed (definition TranscriptionLinks)."""

    files: str | None = None


class Transcription(StatefulEntity):
    """A transcription as the service has it (definition Transcription)."""

    display_name: str
    locale: str
    description: str | None = None
    model: EntityReference | None = None
    project: EntityReference | None = None
    dataset: EntityReference | None = None
    links: TranscriptionLinks | None = None
    properties: TranscriptionProperties | None = None
    custom_properties: dict[str, str] | None = None


class TranscriptionReportEntry(Model):
    """What became of one audio file."""

    source: str | None = Field(default=None, repr=False)
    """The audio's URL in API versions after 3.1."""
    source_url: str | None = Field(default=None, repr=False)
    """The audio's URL in API version 3.1."""
    status: Status | None = None
    error_kind: str | None = None
    error_message: str | None = Field(default=None, repr=False)

    @property
    def audio_url(self) -> str | None:
        """The audio's URL, whatever the API version."""
        return self.source_url or self.source


class TranscriptionReport(Model):
    """The file of kind TranscriptionReport; its shape is documented, not specified."""

    successful_transcriptions_count: int | None = None
    failed_transcriptions_count: int | None = None
    details: list[TranscriptionReportEntry] = Field(default_factory=list)

    @classmethod
    def from_json(cls, content: bytes) -> Self:
        """Read a downloaded report; MalformedResponse if it is none."""
        try:
            return cls.model_validate_json(content)
        except ValidationError:
            pass
        raise MalformedResponse("the transcription's report is not of the documented shape")
