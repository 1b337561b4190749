"""Files of an entity (definitions File, FileKind, FileLinks and FileProperties)."""

from datetime import timedelta

from pydantic import Field

from shared.speech.types.common import Entity, Model, OpenEnum


class FileKind(OpenEnum):
    """What a file holds."""

    DATASET_REPORT = "DatasetReport"
    AUDIO = "Audio"
    LANGUAGE_DATA = "LanguageData"
    PRONUNCIATION_DATA = "PronunciationData"
    ACOUSTIC_DATA_ARCHIVE = "AcousticDataArchive"
    ACOUSTIC_DATA_TRANSCRIPTION_V2 = "AcousticDataTranscriptionV2"
    TRANSCRIPTION = "Transcription"
    TRANSCRIPTION_REPORT = "TranscriptionReport"
    EVALUATION_DETAILS = "EvaluationDetails"
    MODEL_REPORT = "ModelReport"
    OUTPUT_FORMATTING_DATA = "OutputFormattingData"


class FileLinks(Model):
    """Where the content is: a SAS URL, valid for 12 hours unless asked otherwise."""

    content_url: str | None = Field(default=None, repr=False)


class FileProperties(Model):
    """`size` in bytes; `duration` for audio."""

    size: int | None = None
    duration: timedelta | None = None


class File(Entity):
    """One file of an entity."""

    name: str | None = None
    kind: FileKind | None = None
    links: FileLinks | None = None
    properties: FileProperties | None = None
