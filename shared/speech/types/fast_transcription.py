"""Transcription while the caller waits (definitions TranscribeDefinition and TranscribeResult of 2024-11-15)."""

from datetime import timedelta

from pydantic import Field

from shared.speech.types.common import Model
from shared.speech.types.transcriptions import ProfanityFilterMode


class TranscribeDiarization(Model):
    """Telling 2 to 35 speakers apart."""

    enabled: bool | None = None
    max_speakers: int | None = None


class PhraseList(Model):
    """Phrases that are to be recognized rather than others."""

    phrases: list[str]
    biasing_weight: float | None = None


class EnhancedMode(Model):
    """Recognition by a large language model (2025-10-15): `task` is `transcribe` or `translate`."""

    enabled: bool | None = None
    task: str | None = None
    target_language: str | None = None
    prompt: list[str] | None = None


class TranscribeDefinition(Model):
    """Options; without `locales` the language is found out."""

    locales: list[str] | None = None
    channels: list[int] | None = None
    """Those that are transcribed separately, two at most; without it they are mixed."""
    profanity_filter_mode: ProfanityFilterMode | None = None
    diarization: TranscribeDiarization | None = None
    phrase_list: PhraseList | None = None
    enhanced_mode: EnhancedMode | None = None


class FastTranscriptionSpan(Model):
    """Text with its place in the audio, in milliseconds."""

    text: str
    offset_milliseconds: int
    duration_milliseconds: int


class FastTranscriptionPhrase(FastTranscriptionSpan):
    """A phrase; `channel` and `speaker` only where they were asked for."""

    confidence: float | None = None
    channel: int | None = None
    speaker: int | None = None
    locale: str | None = None
    words: list[FastTranscriptionSpan] | None = None


class ChannelCombinedPhrases(Model):
    """The whole text of a channel."""

    text: str
    channel: int | None = None


class TranscribeResult(Model):
    """The text of the audio."""

    duration_milliseconds: int
    combined_phrases: list[ChannelCombinedPhrases] = Field(default_factory=list)
    phrases: list[FastTranscriptionPhrase] = Field(default_factory=list)

    @property
    def duration(self) -> timedelta:
        """Of the audio."""
        return timedelta(milliseconds=self.duration_milliseconds)
