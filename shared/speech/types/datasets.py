"""Datasets (definitions Dataset, DatasetUpdate, DatasetProperties, UploadedBlocks and CommitBlocksEntry)."""

from datetime import timedelta

from pydantic import Field

from shared.speech.types.common import EntityError, EntityReference, Model, OpenEnum, StatefulEntity


class DatasetKind(OpenEnum):
    """What a dataset holds (definition DatasetKind)."""

    LANGUAGE = "Language"
    ACOUSTIC = "Acoustic"
    PRONUNCIATION = "Pronunciation"
    AUDIO_FILES = "AudioFiles"
    LANGUAGE_MARKDOWN = "LanguageMarkdown"
    OUTPUT_FORMATTING = "OutputFormatting"
    """New in API version 3.2."""


class TextNormalizationKind(OpenEnum):
    """What becomes of the text of a dataset (API version 3.2 and newer)."""

    DEFAULT = "Default"
    NONE = "None"


class DatasetProperties(Model):
    """Options of a dataset, and in answers what the import found."""

    accepted_line_count: int | None = None
    """Read only."""
    rejected_line_count: int | None = None
    """Read only."""
    duration: timedelta | None = None
    """Read only: of all the audio."""
    text_normalization_kind: TextNormalizationKind | None = None
    """API version 3.2 and newer."""
    email: str | None = None
    """API versions 3.1 and 3.2."""
    error: EntityError | None = None
    """Read only: why the import failed."""


class NewDataset(Model):
    """What is created: from `content_url`, or without it to be uploaded in blocks or directly."""

    display_name: str = Field(min_length=1)
    locale: str = Field(min_length=1)
    kind: DatasetKind
    content_url: str | None = Field(default=None, repr=False)
    project: EntityReference | None = None
    description: str | None = None
    custom_properties: dict[str, str] | None = None
    """Up to 10; keys up to 64 characters, values up to 256."""
    properties: DatasetProperties | None = None


class DatasetUpdate(Model):
    """What can be changed; only the fields that are given are sent, None as null."""

    display_name: str | None = None
    description: str | None = None
    project: EntityReference | None = None
    custom_properties: dict[str, str] | None = None


class DatasetLinks(Model):
    """Where files and blocks are."""

    files: str | None = None
    commit_blocks: str | None = None
    list_blocks: str | None = None
    upload_blocks: str | None = None


class Dataset(StatefulEntity):
    """A dataset as the service has it."""

    display_name: str
    locale: str
    kind: DatasetKind
    description: str | None = None
    content_url: str | None = Field(default=None, repr=False)
    project: EntityReference | None = None
    links: DatasetLinks | None = None
    properties: DatasetProperties | None = None
    custom_properties: dict[str, str] | None = None


class BlockKind(OpenEnum):
    """Which of the uploaded blocks an entry of a commit means (definition BlockKind)."""

    COMMITTED = "Committed"
    UNCOMMITTED = "Uncommitted"
    LATEST = "Latest"
    """The uncommitted one if there is one, else the committed one."""


class CommitBlocksEntry(Model):
    """A block of the finished content."""

    kind: BlockKind = BlockKind.LATEST
    id: str
    """The Base64 id that it was uploaded with."""


class ResponseBlock(Model):
    """A block that the service has: `name` is its Base64 id, `size` is in bytes."""

    name: str | None = None
    size: int | None = None


class UploadedBlocks(Model):
    """The blocks of a dataset."""

    committed_blocks: list[ResponseBlock] | None = None
    uncommitted_blocks: list[ResponseBlock] | None = None
