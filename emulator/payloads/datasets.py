"""Request bodies of the noun Datasets."""

from typing import Annotated, Literal

from pydantic import AfterValidator

from emulator.payloads.common import (
    EntityCreate,
    EntityReference,
    Payload,
    ProjectEntityUpdate,
    Text,
    broken,
    is_web_url,
)

DatasetKind = Literal["Language", "Acoustic", "Pronunciation", "AudioFiles", "LanguageMarkdown"]
"""Definition DatasetKind, without `OutputFormatting` of the versions named by their date."""
TextNormalizationKind = Literal["Default", "None"]
"""Definition TextNormalizationKind of the versions named by their date."""


def _content_url(url: str) -> str:
    if not is_web_url(url):
        raise broken("InvalidPayload", "The URL of the data must be absolute, http or https.")
    return url


class DatasetProperties(Payload):
    """Definition DatasetProperties."""

    read_only = frozenset({"acceptedLineCount", "rejectedLineCount", "duration", "error"})

    email: str | None = None


class DatasetCreate(EntityCreate):
    """Definition Dataset, as operation Datasets_Create takes it; without `contentUrl` its blocks will be uploaded."""

    kind: DatasetKind
    locale: Text
    content_url: Annotated[str, AfterValidator(_content_url)] | None = None
    project: EntityReference | None = None
    properties: DatasetProperties | None = None


class DatedDatasetProperties(Payload):
    """Definition DatasetProperties of the versions named by their date."""

    read_only = frozenset({"acceptedLineCount", "rejectedLineCount", "durationMilliseconds", "error"})

    text_normalization_kind: TextNormalizationKind = "Default"


class DatedDatasetCreate(DatasetCreate):
    """Definition Dataset of the versions named by their date."""

    properties: DatedDatasetProperties | None = None  # type: ignore[assignment]  # the later versions' own definition


class DatasetUpdate(ProjectEntityUpdate):
    """Definition DatasetUpdate."""


class CommitBlocksEntry(Payload):
    """Definition CommitBlocksEntry."""

    kind: Literal["Committed", "Uncommitted", "Latest"] = "Latest"
    id: Text
