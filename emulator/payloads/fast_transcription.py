"""The `definition` of a fast transcription request."""

from typing import Annotated

from pydantic import Field

from emulator.payloads.common import Payload
from emulator.payloads.transcriptions import DatedDiarization, ProfanityFilterMode


class PhraseList(Payload):
    """Phrases that are to be recognized rather than others."""

    phrases: list[str]
    biasing_weight: float | None = None


class TranscribeDefinition(Payload):
    """Definition TranscribeDefinition; without `channels` those of the audio are merged."""

    locales: list[str] = Field(default_factory=list)
    models: dict[str, str] = Field(default_factory=dict)
    profanity_filter_mode: ProfanityFilterMode = "Masked"
    diarization: DatedDiarization | None = None
    channels: list[Annotated[int, Field(ge=0, le=1)]] = Field(default_factory=list, max_length=2)
    phrase_list: PhraseList | None = None
