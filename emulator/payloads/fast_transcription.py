"""The `definition` of a fast transcription request."""

from typing import Annotated

from pydantic import AfterValidator, Field

from emulator.payloads.common import Payload, broken, is_web_url
from emulator.payloads.transcriptions import DatedDiarization, ProfanityFilterMode


def _audio_url(url: str) -> str:
    if not is_web_url(url):
        raise broken("InvalidRecordingsUri", "The URL of the audio must be absolute, http or https.")
    return url


class PhraseList(Payload):
    """Definition PhraseListProperties: phrases that are to be recognized rather than others."""

    phrases: list[str] = Field(default_factory=list)
    biasing_weight: float | None = None


class EnhancedMode(Payload):
    """Definition EnhancedModeProperties: recognition by a large language model."""

    enabled: bool = False
    task: str | None = None
    target_language: str | None = None
    prompt: list[str] | None = None


class TranscribeDefinition(Payload):
    """Definition TranscribeDefinition, as far as its versions agree; without `channels` all are merged."""

    locales: list[str] = Field(default_factory=list)
    profanity_filter_mode: ProfanityFilterMode = "Masked"
    diarization: DatedDiarization | None = None
    channels: list[Annotated[int, Field(ge=0, le=1)]] = Field(default_factory=list, max_length=2)


class TranscribeDefinitionOf2024(TranscribeDefinition):
    """Definition TranscribeDefinition of version 2024-11-15."""

    models: dict[str, str] = Field(default_factory=dict)


class TranscribeDefinitionOf2025(TranscribeDefinition):
    """Definition TranscribeDefinition of version 2025-10-15."""

    audio_url: Annotated[str, AfterValidator(_audio_url)] | None = None
    phrase_list: PhraseList | None = None
    enhanced_mode: EnhancedMode | None = None
