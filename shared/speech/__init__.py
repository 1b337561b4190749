"""Typed client of the Speech-to-text REST API. It stands alone: nothing else of this project is imported.

    with SpeechClient("https://name.cognitiveservices.azure.com", KeyCredential(key)) as client:
        for transcription in client.transcriptions.list(filter=Filter.status == "Succeeded"):
            print(transcription.id, transcription.display_name)

Errors are drawn in errors.py, the differences between API versions stand in versions.py.
"""

from shared.speech.client import SpeechClient
from shared.speech.credentials import KeyCredential, TokenCredential
from shared.speech.errors import (
    BadRequest,
    Conflict,
    CredentialError,
    DownloadTooLarge,
    Forbidden,
    InnerError,
    MalformedResponse,
    NotFound,
    ServerError,
    ServiceUnavailable,
    SpeechConnectionError,
    SpeechError,
    SpeechStatusError,
    SpeechTimeout,
    Throttled,
    Unauthorized,
    UnsupportedOperation,
    WaitTimeout,
)
from shared.speech.filters import Expression, Filter
from shared.speech.paging import Paged
from shared.speech.transport import Timeouts
from shared.speech.types.common import EntityError, EntityReference, OpenEnum, Status, entity_id
from shared.speech.types.files import File, FileKind, FileLinks, FileProperties
from shared.speech.types.health import Component, HealthStatus, ServiceHealth
from shared.speech.types.transcriptions import (
    Diarization,
    DiarizationSpeakers,
    LanguageIdentification,
    LanguageIdentificationMode,
    NewTranscription,
    ProfanityFilterMode,
    PunctuationMode,
    Transcription,
    TranscriptionLinks,
    TranscriptionProperties,
    TranscriptionReport,
    TranscriptionReportEntry,
    TranscriptionUpdate,
)
from shared.speech.types.webhooks import (
    NewWebHook,
    WebHook,
    WebHookEvents,
    WebHookLinks,
    WebHookProperties,
    WebHookUpdate,
)

__all__ = [
    "BadRequest",
    "Component",
    "Conflict",
    "CredentialError",
    "Diarization",
    "DiarizationSpeakers",
    "DownloadTooLarge",
    "EntityError",
    "EntityReference",
    "Expression",
    "File",
    "FileKind",
    "FileLinks",
    "FileProperties",
    "Filter",
    "Forbidden",
    "HealthStatus",
    "InnerError",
    "KeyCredential",
    "LanguageIdentification",
    "LanguageIdentificationMode",
    "MalformedResponse",
    "NewTranscription",
    "NewWebHook",
    "NotFound",
    "OpenEnum",
    "Paged",
    "ProfanityFilterMode",
    "PunctuationMode",
    "ServerError",
    "ServiceHealth",
    "ServiceUnavailable",
    "SpeechClient",
    "SpeechConnectionError",
    "SpeechError",
    "SpeechStatusError",
    "SpeechTimeout",
    "Status",
    "Throttled",
    "Timeouts",
    "TokenCredential",
    "Transcription",
    "TranscriptionLinks",
    "TranscriptionProperties",
    "TranscriptionReport",
    "TranscriptionReportEntry",
    "TranscriptionUpdate",
    "Unauthorized",
    "UnsupportedOperation",
    "WaitTimeout",
    "WebHook",
    "WebHookEvents",
    "WebHookLinks",
    "WebHookProperties",
    "WebHookUpdate",
    "entity_id",
]
