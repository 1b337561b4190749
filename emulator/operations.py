"""The operations of the API: which method and path is which operation id, in which versions."""

from typing import NamedTuple

from emulator.links import API_VERSIONS, ApiVersion


class Operation(NamedTuple):
    """An operation of the specification; `path` is below the base path."""

    id: str
    method: str
    path: str


_V3_1 = """
    Datasets_ListSupportedLocales GET /datasets/locales
    Datasets_List GET /datasets
    Datasets_Create POST /datasets
    Datasets_Get GET /datasets/{id}
    Datasets_Update PATCH /datasets/{id}
    Datasets_Delete DELETE /datasets/{id}
    Datasets_GetBlocks GET /datasets/{id}/blocks
    Datasets_UploadBlock PUT /datasets/{id}/blocks
    Datasets_Upload POST /datasets/upload
    Datasets_CommitBlocks POST /datasets/{id}/blocks:commit
    Datasets_ListFiles GET /datasets/{id}/files
    Datasets_GetFile GET /datasets/{id}/files/{fileId}
    Endpoints_ListSupportedLocales GET /endpoints/locales
    Endpoints_List GET /endpoints
    Endpoints_Create POST /endpoints
    Endpoints_Get GET /endpoints/{id}
    Endpoints_Delete DELETE /endpoints/{id}
    Endpoints_Update PATCH /endpoints/{id}
    Endpoints_ListLogs GET /endpoints/{id}/files/logs
    Endpoints_DeleteLogs DELETE /endpoints/{id}/files/logs
    Endpoints_GetLog GET /endpoints/{id}/files/logs/{logId}
    Endpoints_DeleteLog DELETE /endpoints/{id}/files/logs/{logId}
    Endpoints_ListBaseModelLogs GET /endpoints/base/{locale}/files/logs
    Endpoints_DeleteBaseModelLogs DELETE /endpoints/base/{locale}/files/logs
    Endpoints_GetBaseModelLog GET /endpoints/base/{locale}/files/logs/{logId}
    Endpoints_DeleteBaseModelLog DELETE /endpoints/base/{locale}/files/logs/{logId}
    Evaluations_ListSupportedLocales GET /evaluations/locales
    Evaluations_List GET /evaluations
    Evaluations_Create POST /evaluations
    Evaluations_ListFiles GET /evaluations/{id}/files
    Evaluations_GetFile GET /evaluations/{id}/files/{fileId}
    Evaluations_Get GET /evaluations/{id}
    Evaluations_Update PATCH /evaluations/{id}
    Evaluations_Delete DELETE /evaluations/{id}
    Models_ListSupportedLocales GET /models/locales
    Models_ListCustomModels GET /models
    Models_Create POST /models
    Models_ListBaseModels GET /models/base
    Models_GetCustomModel GET /models/{id}
    Models_Update PATCH /models/{id}
    Models_Delete DELETE /models/{id}
    Models_GetBaseModel GET /models/base/{id}
    Models_CopyTo POST /models/{id}:copyto
    Models_GetCustomModelManifest GET /models/{id}/manifest
    Models_GetBaseModelManifest GET /models/base/{id}/manifest
    Models_ListFiles GET /models/{id}/files
    Models_GetFile GET /models/{id}/files/{fileId}
    Projects_ListSupportedLocales GET /projects/locales
    Projects_List GET /projects
    Projects_Create POST /projects
    Projects_Get GET /projects/{id}
    Projects_Update PATCH /projects/{id}
    Projects_Delete DELETE /projects/{id}
    Projects_ListEvaluations GET /projects/{id}/evaluations
    Projects_ListDatasets GET /projects/{id}/datasets
    Projects_ListEndpoints GET /projects/{id}/endpoints
    Projects_ListModels GET /projects/{id}/models
    Projects_ListTranscriptions GET /projects/{id}/transcriptions
    Transcriptions_ListSupportedLocales GET /transcriptions/locales
    Transcriptions_List GET /transcriptions
    Transcriptions_Create POST /transcriptions
    Transcriptions_Get GET /transcriptions/{id}
    Transcriptions_Update PATCH /transcriptions/{id}
    Transcriptions_Delete DELETE /transcriptions/{id}
    Transcriptions_ListFiles GET /transcriptions/{id}/files
    Transcriptions_GetFile GET /transcriptions/{id}/files/{fileId}
    WebHooks_List GET /webhooks
    WebHooks_Create POST /webhooks
    WebHooks_Get GET /webhooks/{id}
    WebHooks_Update PATCH /webhooks/{id}
    WebHooks_Delete DELETE /webhooks/{id}
    WebHooks_Ping POST /webhooks/{id}:ping
    WebHooks_Test POST /webhooks/{id}:test
    ServiceHealth_Get GET /healthstatus
    """

_GONE_IN_2024 = """
    Datasets_Upload Endpoints_ListLogs Endpoints_DeleteLogs Endpoints_GetLog Endpoints_DeleteLog
    Endpoints_ListBaseModelLogs Endpoints_DeleteBaseModelLogs Endpoints_GetBaseModelLog Endpoints_DeleteBaseModelLog
    Models_CopyTo Transcriptions_Create ServiceHealth_Get
    """
_NEW_IN_2024 = """
    Models_AuthorizeCopy POST /models:authorizecopy
    Models_Copy POST /models/{id}:copy
    Operations_GetModelCopy GET /operations/models/copy/{id}
    Transcriptions_Submit POST /transcriptions:submit
    Transcriptions_Transcribe POST /transcriptions:transcribe
    """


def _listed(table: str) -> tuple[Operation, ...]:
    return tuple(Operation(*line.split()) for line in table.strip().splitlines())


def operations_of(version: ApiVersion) -> tuple[Operation, ...]:
    """The operations of a version; 2024-11-15 has no projects, which 2025-10-15 has again."""
    operations = _listed(_V3_1)
    if version == "v3.1":
        return operations
    gone = set(_GONE_IN_2024.split())
    kept = [
        operation
        for operation in operations
        if operation.id not in gone and not (version == "2024-11-15" and operation.id.startswith("Projects_"))
    ]
    return (*kept, *_listed(_NEW_IN_2024))


OPERATIONS = {version: operations_of(version) for version in API_VERSIONS}
