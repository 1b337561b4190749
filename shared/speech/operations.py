"""Every operation of the API in one table, by which the client sends and docs/speech-operations.md is written.

`python -m shared.speech > docs/speech-operations.md` writes that page.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote

from shared.speech.versions import API_VERSIONS

_NOUNS = {"ServiceHealth": "health"}
"""Nouns of operation ids whose name in Python is not just their lower case."""


@dataclass(frozen=True, slots=True)
class Operation:
    """An operation: `path` is that of v3.1, or of the first version that has it."""

    method: str
    path: str
    id: str

    @property
    def call(self) -> str:
        """The method of the client, named after the id: `Datasets_ListFiles` is `datasets.list_files`."""
        noun, _, verb = self.id.partition("_")
        return f"{_NOUNS.get(noun, noun.lower())}.{re.sub(r'(?<!^)(?=[A-Z])', '_', verb).lower()}"

    @property
    def versions(self) -> tuple[str, ...]:
        """The API versions that have it."""
        return tuple(version.name for version in API_VERSIONS.values() if self.id not in version.missing_operations)

    def path_of(self, *identifiers: str) -> str:
        """The path for these ids, in the order of its parameters. ValueError for what cannot be an id."""
        segments = map(segment, identifiers)
        return re.sub(r"\{\w+\}", lambda _: next(segments), self.path)


def segment(identifier: str) -> str:
    """An id as one segment of a path. ValueError if it would be none."""
    if identifier in ("", ".", ".."):
        raise ValueError(f"not an id: {identifier!r}")
    return quote(identifier, safe="")


OPERATIONS: Mapping[str, Operation] = {
    operation: Operation(method, path, operation)
    for method, path, operation in (
        ("GET", "/datasets", "Datasets_List"),
        ("POST", "/datasets", "Datasets_Create"),
        ("GET", "/datasets/{id}", "Datasets_Get"),
        ("PATCH", "/datasets/{id}", "Datasets_Update"),
        ("DELETE", "/datasets/{id}", "Datasets_Delete"),
        ("POST", "/datasets/upload", "Datasets_Upload"),
        ("GET", "/datasets/{id}/blocks", "Datasets_GetBlocks"),
        ("PUT", "/datasets/{id}/blocks", "Datasets_UploadBlock"),
        ("POST", "/datasets/{id}/blocks:commit", "Datasets_CommitBlocks"),
        ("GET", "/datasets/{id}/files", "Datasets_ListFiles"),
        ("GET", "/datasets/{id}/files/{fileId}", "Datasets_GetFile"),
        ("GET", "/datasets/locales", "Datasets_ListSupportedLocales"),
        ("GET", "/endpoints", "Endpoints_List"),
        ("POST", "/endpoints", "Endpoints_Create"),
        ("GET", "/endpoints/{id}", "Endpoints_Get"),
        ("PATCH", "/endpoints/{id}", "Endpoints_Update"),
        ("DELETE", "/endpoints/{id}", "Endpoints_Delete"),
        ("GET", "/endpoints/{id}/files/logs", "Endpoints_ListLogs"),
        ("DELETE", "/endpoints/{id}/files/logs", "Endpoints_DeleteLogs"),
        ("GET", "/endpoints/{id}/files/logs/{logId}", "Endpoints_GetLog"),
        ("DELETE", "/endpoints/{id}/files/logs/{logId}", "Endpoints_DeleteLog"),
        ("GET", "/endpoints/base/{locale}/files/logs", "Endpoints_ListBaseModelLogs"),
        ("DELETE", "/endpoints/base/{locale}/files/logs", "Endpoints_DeleteBaseModelLogs"),
        ("GET", "/endpoints/base/{locale}/files/logs/{logId}", "Endpoints_GetBaseModelLog"),
        ("DELETE", "/endpoints/base/{locale}/files/logs/{logId}", "Endpoints_DeleteBaseModelLog"),
        ("GET", "/endpoints/locales", "Endpoints_ListSupportedLocales"),
        ("GET", "/evaluations", "Evaluations_List"),
        ("POST", "/evaluations", "Evaluations_Create"),
        ("GET", "/evaluations/{id}", "Evaluations_Get"),
        ("PATCH", "/evaluations/{id}", "Evaluations_Update"),
        ("DELETE", "/evaluations/{id}", "Evaluations_Delete"),
        ("GET", "/evaluations/{id}/files", "Evaluations_ListFiles"),
        ("GET", "/evaluations/{id}/files/{fileId}", "Evaluations_GetFile"),
        ("GET", "/evaluations/locales", "Evaluations_ListSupportedLocales"),
        ("GET", "/models", "Models_ListCustomModels"),
        ("GET", "/models/base", "Models_ListBaseModels"),
        ("POST", "/models", "Models_Create"),
        ("GET", "/models/{id}", "Models_GetCustomModel"),
        ("GET", "/models/base/{id}", "Models_GetBaseModel"),
        ("PATCH", "/models/{id}", "Models_Update"),
        ("DELETE", "/models/{id}", "Models_Delete"),
        ("POST", "/models/{id}:copyto", "Models_CopyTo"),
        ("POST", "/models:authorizecopy", "Models_AuthorizeCopy"),
        ("POST", "/models/{id}:copy", "Models_Copy"),
        ("GET", "/models/{id}/manifest", "Models_GetCustomModelManifest"),
        ("GET", "/models/base/{id}/manifest", "Models_GetBaseModelManifest"),
        ("GET", "/models/{id}/files", "Models_ListFiles"),
        ("GET", "/models/{id}/files/{fileId}", "Models_GetFile"),
        ("GET", "/models/locales", "Models_ListSupportedLocales"),
        ("GET", "/operations/models/copy/{id}", "Operations_GetModelCopy"),
        ("GET", "/projects", "Projects_List"),
        ("POST", "/projects", "Projects_Create"),
        ("GET", "/projects/{id}", "Projects_Get"),
        ("PATCH", "/projects/{id}", "Projects_Update"),
        ("DELETE", "/projects/{id}", "Projects_Delete"),
        ("GET", "/projects/{id}/datasets", "Projects_ListDatasets"),
        ("GET", "/projects/{id}/endpoints", "Projects_ListEndpoints"),
        ("GET", "/projects/{id}/evaluations", "Projects_ListEvaluations"),
        ("GET", "/projects/{id}/models", "Projects_ListModels"),
        ("GET", "/projects/{id}/transcriptions", "Projects_ListTranscriptions"),
        ("GET", "/projects/locales", "Projects_ListSupportedLocales"),
        ("GET", "/transcriptions", "Transcriptions_List"),
        ("POST", "/transcriptions", "Transcriptions_Create"),
        ("GET", "/transcriptions/{id}", "Transcriptions_Get"),
        ("PATCH", "/transcriptions/{id}", "Transcriptions_Update"),
        ("DELETE", "/transcriptions/{id}", "Transcriptions_Delete"),
        ("GET", "/transcriptions/{id}/files", "Transcriptions_ListFiles"),
        ("GET", "/transcriptions/{id}/files/{fileId}", "Transcriptions_GetFile"),
        ("GET", "/transcriptions/locales", "Transcriptions_ListSupportedLocales"),
        ("POST", "/transcriptions:transcribe", "Transcriptions_Transcribe"),
        ("GET", "/webhooks", "WebHooks_List"),
        ("POST", "/webhooks", "WebHooks_Create"),
        ("GET", "/webhooks/{id}", "WebHooks_Get"),
        ("PATCH", "/webhooks/{id}", "WebHooks_Update"),
        ("DELETE", "/webhooks/{id}", "WebHooks_Delete"),
        ("POST", "/webhooks/{id}:ping", "WebHooks_Ping"),
        ("POST", "/webhooks/{id}:test", "WebHooks_Test"),
        ("GET", "/healthstatus", "ServiceHealth_Get"),
    )
}
