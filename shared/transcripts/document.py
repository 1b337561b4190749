"""The normalized transcript, schema version 1.0: one JSON document for each audio file.

The classes below are the only definition. They are msgspec Structs, because a long recording has hundreds of thousands
of words and pydantic objects would cost several times the time and memory; `Part` shows them to pydantic, which
validates documents (`pydantic.TypeAdapter(Transcript)`) and generates the published `docs/transcript.schema.json`:

    python -m shared.transcripts.document > docs/transcript.schema.json

Every key is always present. Times are whole milliseconds from the start of the audio, rounded half up from the
service's ticks (100 ns); an end is the rounded sum of offset and duration, so words that touch in ticks still touch.
"""

import datetime as dt
import typing
from typing import Annotated, Any, Literal

import msgspec
from pydantic import Field, GetCoreSchemaHandler, TypeAdapter, create_model
from pydantic_core import CoreSchema, core_schema

Milliseconds = Annotated[int, Field(ge=0)]
Share = Annotated[float, Field(ge=0, le=1)]
Score = Annotated[float, Field(ge=0, le=100, description="From 0 to the `scale` of the assessment.")]


class Part(msgspec.Struct, gc=False):
    """Base of the document's classes: a Struct to Python and msgspec, a model of the same fields to pydantic."""

    @classmethod
    def __get_pydantic_core_schema__(cls, _source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        fields: dict[str, Any] = {
            name: (hint, ...) for name, hint in typing.get_type_hints(cls, include_extras=True).items()
        }
        model = create_model(cls.__name__, __doc__=cls.__doc__, **fields)
        return core_schema.no_info_after_validator_function(lambda found: cls(**dict(found)), handler(model))


class Source(Part):
    """The audio blob that was transcribed. Never a URL, so never a SAS token."""

    container: Annotated[str, Field(description="The blob container.")]
    blob: Annotated[str, Field(description="The blob's path inside the container.")]
    etag: Annotated[str, Field(description="The ETag of exactly the version of the blob that was transcribed.")]


class Forms(Part):
    """One text in the service's four forms; a form that the model does not give is null."""

    display: Annotated[str, Field(description="Punctuation, capitals, numbers as digits; the form to show to people.")]
    lexical: Annotated[str | None, Field(description="The words as spoken, without punctuation.")]
    itn: Annotated[str | None, Field(description="Inverse text normalization: numbers, dates and the like as written.")]
    masked_itn: Annotated[str | None, Field(description="`itn` with the profanity filter applied.")]


class Channel(Forms):
    """All that was said on one audio channel."""

    channel: Annotated[int, Field(ge=0, description="The channel's number in the audio, from 0.")]


class Speaker(Part):
    """Somebody who speaks: one voice found by diarization or, without diarization, one audio channel."""

    label: Annotated[str, Field(description="The name in phrases, statistics and exports, unique in the document.")]
    channel: Annotated[int, Field(ge=0, description="The channel on which this speaker is heard.")]
    number: Annotated[int | None, Field(description="The service's diarization number; null for a whole channel.")]


class Word(Part):
    """One spoken (lexical) word."""

    text: str
    start_ms: Milliseconds
    end_ms: Milliseconds
    confidence: Annotated[Share | None, Field(description="Null where the service gives none.")]


class DisplayWord(Part):
    """One word of the display form, with its punctuation and capitals."""

    text: str
    start_ms: Milliseconds
    end_ms: Milliseconds


class Alternative(Forms):
    """A less likely reading of a phrase."""

    confidence: Share | None


class Phrase(Forms):
    """A stretch of speech by one speaker, as the service cut it, in its most likely reading."""

    start_ms: Milliseconds
    end_ms: Milliseconds
    channel: Annotated[int, Field(ge=0)]
    speaker: Annotated[str, Field(description="The `label` of an entry of `speakers`.")]
    locale: Annotated[str | None, Field(description="The identified language, else the locale that was asked for.")]
    confidence: Share | None
    words: Annotated[list[Word], Field(description="Empty unless word times were asked for.")]
    display_words: Annotated[list[DisplayWord], Field(description="Empty unless display word times were asked for.")]
    alternatives: Annotated[list[Alternative], Field(description="The other readings, best first.")]


class SpeakerStatistics(Part):
    """How much one speaker spoke."""

    speaker: Annotated[str, Field(description="The `label` of an entry of `speakers`.")]
    speech_ms: Annotated[Milliseconds, Field(description="Time covered by this speaker's phrases.")]
    talk_share: Annotated[Share, Field(description="`speech_ms` over the sum of all speakers'; 0 if that is 0.")]
    words: Annotated[int, Field(ge=0, description="Words spoken; each Chinese or Japanese character counts as one.")]
    words_per_minute: Annotated[float | None, Field(ge=0, description="`words` over `speech_ms`; null without speech.")]


class Statistics(Part):
    """Who spoke how much, from the times of the phrases."""

    speech_ms: Annotated[Milliseconds, Field(description="Time in which at least one speaker speaks.")]
    silence_ms: Annotated[Milliseconds, Field(description="`duration_ms` less `speech_ms`, at least 0.")]
    overlap_ms: Annotated[Milliseconds, Field(description="Time in which at least two speakers speak at once.")]
    speakers: Annotated[list[SpeakerStatistics], Field(description="In the order of `speakers` of the document.")]


class AssessedPhoneme(Part):
    """One sound of an assessed word."""

    text: Annotated[str, Field(description="The service's name of the phoneme.")]
    start_ms: Milliseconds | None
    end_ms: Milliseconds | None
    accuracy: Score | None


class AssessedWord(Part):
    """A word of the text to be read, or one that the speaker put in."""

    text: str
    start_ms: Annotated[Milliseconds | None, Field(description="Null for a word that was left out.")]
    end_ms: Annotated[Milliseconds | None, Field(description="Null for a word that was left out.")]
    accuracy: Score | None
    error: Annotated[
        str | None,
        Field(description="`None`, `Omission`, `Insertion` or `Mispronunciation`; null where not asked for."),
    ]
    phonemes: Annotated[list[AssessedPhoneme], Field(description="Empty unless phonemes were asked for.")]


class Pronunciation(Part):
    """How well a text was read aloud; a score that was not asked for is null."""

    reference_text: Annotated[str | None, Field(description="The text to be read.")]
    scale: Annotated[Literal[5, 100], Field(description="The highest score.")]
    accuracy: Score | None
    fluency: Score | None
    completeness: Score | None
    prosody: Score | None
    overall: Score | None
    words: Annotated[list[AssessedWord], Field(description="In the order of the text; empty unless asked for.")]


class TranscriptWarning(Part):
    """Something that a user of the transcript should know, though it did not prevent it."""

    code: Annotated[str, Field(description="Stable, for programs.")]
    message: Annotated[str, Field(description="For people.")]


class Transcript(Part):
    """The normalized transcript of one audio file."""

    schema_version: Literal["1.0"]
    source: Source
    job_id: Annotated[str, Field(description="The app's job that submitted the audio.")]
    transcription_id: Annotated[str, Field(description="Its id at the Speech service; empty for short audio.")]
    api_version: Annotated[str, Field(description="The version of the Speech API that was used.")]
    model: Annotated[str | None, Field(description="The speech model asked for; null for the service's default.")]
    locale: Annotated[str | None, Field(description="The locale that was asked for.")]
    locales: Annotated[list[str], Field(description="The locales of the phrases, in order of first appearance.")]
    created_at: Annotated[dt.datetime | None, Field(description="When the service made the result, in UTC.")]
    duration_ms: Annotated[Milliseconds, Field(description="Length of the audio.")]
    text: Annotated[str, Field(description="The display form of all phrases in time order, across channels.")]
    channels: Annotated[list[Channel], Field(description="By channel number; channels without a result are absent.")]
    speakers: Annotated[list[Speaker], Field(description="In order of first appearance.")]
    phrases: Annotated[list[Phrase], Field(description="By `start_ms`, then `channel`.")]
    statistics: Statistics
    warnings: list[TranscriptWarning]
    pronunciation: Annotated[
        Pronunciation | None, Field(description="Scores of short audio that was assessed; null for any other.")
    ] = None


_ENCODER = msgspec.json.Encoder()


def encode(document: Transcript) -> bytes:
    """The document as UTF-8 JSON on one line."""
    return _ENCODER.encode(document)


def json_schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of the document."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **TypeAdapter(Transcript).json_schema(),
    }


if __name__ == "__main__":
    print(msgspec.json.format(msgspec.json.encode(json_schema()), indent=2).decode())
