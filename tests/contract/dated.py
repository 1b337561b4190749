"""The versions that are named by their date: what their operations answer, and a client that checks every answer.

Written by hand from the specifications of 2024-11-15 and 2025-10-15: names and types of the properties alone.
"""

import re
from functools import cache
from typing import Any
from urllib.parse import urlsplit

import requests
from jsonschema import Draft4Validator

from tests.contract.specification import Api

DATED = ("2024-11-15", "2025-10-15")

_ENTITY = "self*:uri displayName!:str description:str customProperties:strings createdDateTime*:time "
_JOB = _ENTITY + "lastActionDateTime*:time status*:Status "
_LOCAL = "locale!:str "
_PROJECT = "project:EntityReference@2025-10-15 "
_MODEL = (
    "self*:uri displayName!:str description:str createdDateTime*:time lastActionDateTime*:time status*:Status " + _LOCAL
)
_RESULTS = (
    "wordErrorRate#*:num sentenceErrorRate#*:num tokenErrorRate#*:num sentenceCount#*:int wordCount#*:int "
    "correctWordCount#*:int wordSubstitutionCount#*:int wordDeletionCount#*:int wordInsertionCount#*:int "
    "tokenCount#*:int correctTokenCount#*:int tokenSubstitutionCount#*:int tokenDeletionCount#*:int "
    "tokenInsertionCount#*:int tokenErrors#*:TokenErrorDetails "
)
_FEATURES = (
    "supportsTranscriptionsSubmit*:bool supportsTranscriptionsTranscribe*:bool supportsEndpoints*:bool "
    "supportsTranscriptionsOnSpeechContainers*:bool supportedOutputFormats*:[str] "
)
_EVENTS = " ".join(
    f"{noun}{stage}:bool"
    for noun in ("dataset", "model", "evaluation", "transcription", "endpoint")
    for stage in ("Creation", "Processing", "Completion", "Deletion")
)

DEFINITIONS: dict[str, str] = {
    "EntityReference": "self!:uri",
    "EntityError": "code*:str message*:str",
    "Error": "code:ErrorCode message:str target:str details:[Error] innerError:InnerError",
    "InnerError": "code:str message:str target:str details:strings innerError:InnerError",
    "File": "self*:uri name*:str kind*:FileKind links:FileLinks properties:FileProperties createdDateTime*:time",
    "FileLinks": "contentUrl*:uri",
    "FileProperties": "size*:int durationMilliseconds*:int",
    "Dataset": _JOB + _LOCAL + _PROJECT + "kind!:str contentUrl:uri links*:DatasetLinks properties:DatasetProperties",
    "DatasetLinks": "files*:uri commitBlocks*:uri listBlocks*:uri uploadBlocks*:uri",
    "DatasetProperties": (
        "acceptedLineCount*:int rejectedLineCount*:int durationMilliseconds*:int textNormalizationKind:str "
        "error*:EntityError"
    ),
    "DatasetLocales": (
        "Language:[str] Acoustic:[str] Pronunciation:[str] AudioFiles:[str] LanguageMarkdown:[str] "
        "OutputFormatting:[str]"
    ),
    "UploadedBlocks": "committedBlocks:[ResponseBlock] uncommittedBlocks:[ResponseBlock]",
    "ResponseBlock": "name:str size:int",
    "BaseModel": _MODEL + "links:BaseModelLinks properties:BaseModelProperties",
    "BaseModelLinks": "manifest*:uri",
    "BaseModelProperties": "deprecationDates:BaseModelDates features:BaseModelFeatures chargeForAdaptation*:bool",
    "BaseModelDates": "adaptationDateTime*:time transcriptionDateTime*:time",
    "BaseModelFeatures": _FEATURES + "supportsAdaptationsWith*:[str]",
    "CustomModel": (
        _MODEL + _PROJECT + "customProperties:strings baseModel:EntityReference datasets:[EntityReference] "
        "links*:CustomModelLinks properties:CustomModelProperties"
    ),
    "CustomModelLinks": "copy*:uri files*:uri manifest*:uri",
    "CustomModelProperties": (
        "customModelWeightPercent:int deprecationDates*:CustomModelDates features*:CustomModelFeatures "
        "error*:EntityError"
    ),
    "CustomModelDates": "transcriptionDateTime*:time",
    "CustomModelFeatures": _FEATURES,
    "ModelManifest": "model!:EntityReference modelFiles!:[ModelFile] properties!:any",
    "ModelFile": "name*:str contentUrl*:uri",
    "ModelCopyAuthorization": (
        "targetResourceRegion!:str targetResourceId!:str targetResourceEndpoint!:str sourceResourceId!:str "
        "expirationDateTime!:time id!:str"
    ),
    "Operation": (
        "id!:str self*:uri createdDateTime*:time lastActionDateTime*:time status*:Status result*:OperationResult "
        "error*:EntityError"
    ),
    "OperationResult": "link*:uri",
    "Endpoint": _JOB + _LOCAL + _PROJECT + "model:EntityReference links*:EndpointLinks properties:EndpointProperties",
    "EndpointLinks": "webSocket*:uri",
    "EndpointProperties": "loggingEnabled:bool error*:EntityError",
    "Evaluation": (
        _JOB + _LOCAL + _PROJECT + "model1!:EntityReference model2!:EntityReference dataset!:EntityReference "
        "transcription1:EntityReference transcription2:EntityReference links*:EvaluationLinks "
        "properties*:EvaluationProperties"
    ),
    "EvaluationLinks": "files*:uri",
    "EvaluationProperties": _RESULTS.replace("#", "1") + _RESULTS.replace("#", "2") + "error*:EntityError",
    "TokenErrorDetails": (
        "punctuation:EditsSummary capitalization:EditsSummary inverseTextNormalization:EditsSummary "
        "lexical:EditsSummary others:EditsSummary"
    ),
    "EditsSummary": "numberOfEdits*:int percentageOfAllEdits*:num",
    "Project": _ENTITY + _LOCAL + "foundryProjectName:str links*:ProjectLinks",
    "ProjectLinks": "evaluations*:uri datasets*:uri models*:uri endpoints*:uri transcriptions*:uri",
    "Transcription": (
        _JOB + _LOCAL + _PROJECT + "model:EntityReference dataset:EntityReference links*:TranscriptionLinks "
        "properties!:TranscriptionProperties"
    ),
    "TranscriptionLinks": "files*:uri",
    "TranscriptionLocales": "Transcribe:[str] Submit:[str]",
    "TranscriptionProperties": (
        "wordLevelTimestampsEnabled:bool displayFormWordLevelTimestampsEnabled:bool channels:[int] "
        "punctuationMode:str profanityFilterMode:str destinationContainerUrl:uri timeToLiveHours!:int "
        "languageIdentification:LanguageIdentification diarization:Diarization error*:EntityError "
        "durationMilliseconds*:int"
    ),
    "LanguageIdentification": "mode:str candidateLocales!:[str] speechModelMapping:any",
    "Diarization": "enabled:bool maxSpeakers:int",
    "TranscribeResult": "durationMilliseconds!:int combinedPhrases!:[CombinedPhrases] phrases!:[Phrase]",
    "CombinedPhrases": "channel:int text!:str",
    "Phrase": (
        "channel:int speaker:int offsetMilliseconds!:int durationMilliseconds!:int text!:str words:[Word] "
        "locale:str confidence!:num"
    ),
    "Word": "text!:str offsetMilliseconds!:int durationMilliseconds!:int",
    "WebHook": _JOB + "webUrl!:uri events!:WebHookEvents links*:WebHookLinks properties:WebHookProperties",
    "WebHookEvents": f"{_EVENTS} ping:bool challenge:bool",
    "WebHookLinks": "ping*:uri test*:uri",
    "WebHookProperties": "apiVersion*:str error*:EntityError",
}
"""Name to properties, each `name:type`; `!` is required, `*` read-only, `[type]` a list, `@version` is in that alone.

What is never returned (a transcription's `contentUrls`, a web hook's `secret`) is left out.
"""

_TYPES: dict[str, dict[str, Any]] = {
    "str": {"type": "string"},
    "uri": {"type": "string", "pattern": "^(http|ws)s?://"},
    "time": {"type": "string", "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$"},
    "int": {"type": "integer"},
    "num": {"type": "number"},
    "bool": {"type": "boolean"},
    "any": {"type": "object"},
    "strings": {"type": "object", "additionalProperties": {"type": "string"}},
    "Status": {"enum": ["NotStarted", "Running", "Succeeded", "Failed"]},
    "ErrorCode": {
        "enum": [
            "InvalidRequest", "InvalidArgument", "InternalServerError", "ServiceUnavailable", "NotFound",
            "PipelineError", "Conflict", "InternalCommunicationFailed", "Forbidden", "NotAllowed", "Unauthorized",
            "UnsupportedMediaType", "TooManyRequests", "UnprocessableEntity",
        ]
    },
    "FileKind": {
        "enum": [
            "DatasetReport", "Audio", "LanguageData", "PronunciationData", "AcousticDataArchive",
            "AcousticDataTranscriptionV2", "Transcription", "TranscriptionReport", "EvaluationDetails", "ModelReport",
            "OutputFormattingData",
        ]
    },
}  # fmt: skip
_PROPERTY = re.compile(r"(\w+)([!*]*):(\[?)(\w+)\]?(?:@(\S+))?")
_NOUNS = {
    "datasets": "Dataset",
    "models": "CustomModel",
    "endpoints": "Endpoint",
    "evaluations": "Evaluation",
    "transcriptions": "Transcription",
    "projects": "Project",
    "webhooks": "WebHook",
}


@cache
def schemas(version: str) -> dict[str, dict[str, Any]]:
    """The definitions of a version as JSON schemas: closed, so that a field that is not theirs is an error."""
    found = dict(_TYPES)
    for name, line in DEFINITIONS.items():
        properties, required = {}, []
        for field, marks, in_list, kind, only in _PROPERTY.findall(line):
            if only in {"", version}:
                reference = {"$ref": f"#/definitions/{kind}"}
                properties[field] = {"type": "array", "items": reference} if in_list else reference
                required += [field] if "!" in marks else []
        found[name] = {"type": "object", "additionalProperties": False, "properties": properties}
        if required:
            found[name]["required"] = required
    return found


@cache
def answers(version: str) -> dict[str, tuple[int, str]]:
    """Method and path of every operation to the status and the definition that it answers; `{Name}` is a page."""
    rows: dict[str, tuple[int, str]] = {}
    for noun, definition in _NOUNS.items():
        if noun == "projects" and version == "2024-11-15":
            continue
        create = "/transcriptions:submit" if noun == "transcriptions" else f"/{noun}"
        rows |= {
            f"POST {create}": (201, definition),
            f"GET /{noun}": (200, f"{{{definition}}}"),
            f"GET /{noun}/*": (200, definition),
            f"PATCH /{noun}/*": (200, definition),
            f"DELETE /{noun}/*": (204, ""),
        }
        if noun in {"models", "endpoints", "evaluations", "projects"}:
            rows[f"GET /{noun}/locales"] = (200, "[str]")
        if noun in {"datasets", "models", "evaluations", "transcriptions"}:
            rows |= {f"GET /{noun}/*/files": (200, "{File}"), f"GET /{noun}/*/files/*": (200, "File")}
        if noun == "projects":
            rows |= {f"GET /projects/*/{child}": (200, f"{{{kind}}}") for child, kind in list(_NOUNS.items())[:5]}
    return rows | {
        "GET /datasets/locales": (200, "DatasetLocales"),
        "GET /datasets/*/blocks": (200, "UploadedBlocks"),
        "PUT /datasets/*/blocks": (201, ""),
        "POST /datasets/*/blocks:commit": (200, ""),
        "GET /models/base": (200, "{BaseModel}"),
        "GET /models/base/*": (200, "BaseModel"),
        "GET /models/base/*/manifest": (200, "ModelManifest"),
        "GET /models/*/manifest": (200, "ModelManifest"),
        "POST /models:authorizecopy": (200, "ModelCopyAuthorization"),
        "POST /models/*:copy": (202, "Operation"),
        "GET /operations/models/copy/*": (200, "Operation"),
        "GET /transcriptions/locales": (200, "TranscriptionLocales"),
        "POST /transcriptions:transcribe": (200, "TranscribeResult"),
        "POST /webhooks/*:ping": (202, ""),
        "POST /webhooks/*:test": (202, ""),
    }


class DatedApi(Api):
    """Speaks one of these versions; `answered` are the operations that have succeeded."""

    def __init__(self, endpoint: str, key: str, version: str) -> None:
        super().__init__(f"{endpoint}/speechtotext", key)
        self.version = version
        self.answered: set[str] = set()

    def __call__(self, method: str, where: str, **options: Any) -> requests.Response:  # noqa: ANN401 - whatever requests takes
        """Send a request to a path below the base, or to a whole URL, and check the answer."""
        if "://" not in where:
            options["params"] = {"api-version": self.version, **options.get("params", {})}
        response = super().__call__(method, where, **options)
        self._check(response)
        return response

    def _check(self, response: requests.Response) -> None:
        request = response.request
        path = str(urlsplit(str(request.url)).path).removeprefix("/speechtotext")
        if response.status_code >= 400:
            self._validate("Error", response.json())
            return
        operation = _operation(f"{request.method} {path}", answers(self.version))
        status, definition = answers(self.version)[operation]
        assert response.status_code == status, operation
        self.answered.add(operation)
        assert status != 202 or int(response.headers["Retry-After"]) > 0
        if not definition:
            assert not response.content, operation
            return
        body = response.json()
        if definition.startswith("{"):
            assert body.keys() <= {"values", "@nextLink"}
            for value in body["values"]:
                self._validate(definition.strip("{}"), value)
        elif definition == "[str]":
            assert all(isinstance(value, str) for value in body)
        else:
            self._validate(definition, body)
        if status == 201:
            assert response.headers["Location"] == body["self"]
        if status == 202:
            assert response.headers["Operation-Location"] == body["self"]

    def _validate(self, definition: str, body: object) -> None:
        known = schemas(self.version)
        Draft4Validator({"$ref": f"#/definitions/{definition}", "definitions": known}).validate(body)


def _operation(request: str, known: dict[str, tuple[int, str]]) -> str:
    """The operation of a request, literal paths before those with ids."""
    for operation in sorted(known, key=lambda one: one.count("*")):
        if re.fullmatch(re.escape(operation).replace(r"\*", "[^/:]+"), request):
            return operation
    raise AssertionError(f"{request} is no operation of this version")
