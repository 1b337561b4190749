"""The service's error answers (definitions Error, ErrorCode and DetailedErrorCode of the specification)."""

import traceback
from collections.abc import Mapping, Sequence
from typing import Literal, get_args

ErrorCode = Literal[
    "InvalidRequest", "InvalidArgument", "InternalServerError", "ServiceUnavailable", "NotFound", "PipelineError",
    "Conflict", "InternalCommunicationFailed", "Forbidden", "NotAllowed", "Unauthorized", "UnsupportedMediaType",
    "TooManyRequests", "UnprocessableEntity",
]  # fmt: skip
DetailedErrorCode = Literal[
    "InvalidParameterValue", "InvalidRequestBodyFormat", "EmptyRequest", "MissingInputRecords", "InvalidDocument",
    "ModelVersionIncorrect", "InvalidDocumentBatch", "UnsupportedLanguageCode", "DataImportFailed", "InUseViolation",
    "InvalidLocale", "InvalidBaseModel", "InvalidAdaptationMapping", "InvalidDataset", "InvalidTest", "FailedDataset",
    "InvalidModel", "InvalidTranscription", "InvalidPayload", "InvalidParameter", "EndpointWithoutLogging",
    "InvalidPermissions", "InvalidPrerequisite", "InvalidProductId", "InvalidSubscription", "InvalidProject",
    "InvalidProjectKind", "InvalidRecordingsUri", "OnlyOneOfUrlsOrContainerOrDataset", "ExceededNumberOfRecordingsUris",
    "ModelMismatch", "ProjectGenderMismatch", "ModelDeprecated", "ModelExists", "ModelNotDeployable",
    "EndpointNotUpdatable", "SingleDefaultEndpoint", "EndpointCannotBeDefault", "InvalidModelUri",
    "SubscriptionNotFound", "QuotaViolation", "UnsupportedDelta", "UnsupportedFilter", "UnsupportedPagination",
    "UnsupportedDynamicConfiguration", "UnsupportedOrderBy", "NoUtf8WithBom", "ModelDeploymentNotCompleteState",
    "SkuLimitsExist", "DeployingFailedModel", "UnsupportedTimeRange", "InvalidLogDate", "InvalidLogId",
    "InvalidLogStartTime", "InvalidLogEndTime", "InvalidTopForLogs", "InvalidSkipTokenForLogs", "DeleteNotAllowed",
    "Forbidden", "DeployNotAllowed", "UnexpectedError", "InvalidCollection", "InvalidCallbackUri",
    "InvalidSasValidityDuration", "InaccessibleCustomerStorage", "UnsupportedClassBasedAdaptation",
    "InvalidWebHookEventKind", "InvalidTimeToLive",
    "InvalidChannels", "InvalidSourceAzureResourceId", "ModelCopyAuthorizationExpired", "EndpointLoggingNotSupported",
]  # fmt: skip
"""The last four are those of the versions named by their date alone."""
DETAILED_ERROR_CODES: frozenset[str] = frozenset(get_args(DetailedErrorCode))


class ApiError(Exception):
    """An answer with an error body. `inner` is the detailed code, `target` the field or parameter at fault."""

    def __init__(
        self,
        status: int,
        code: ErrorCode,
        message: str,
        *,
        inner: DetailedErrorCode | None = None,
        target: str | None = None,
        details: Sequence["ApiError"] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.inner = inner
        self.target = target
        self.details = details
        self.headers = headers or {}

    def body(self) -> dict[str, object]:
        """The error as the service writes it."""
        body: dict[str, object] = {"code": self.code, "message": self.message}
        if self.target:
            body["target"] = self.target
        if self.details:
            body["details"] = [detail.body() for detail in self.details]
        if self.inner:
            body["innerError"] = {"code": self.inner, "message": self.message}
        return body


def where(error: BaseException) -> str:
    """Type and traceback of an exception for the log, without its text, which might hold a URL with its SAS."""
    return "\n".join([type(error).__name__, *traceback.format_tb(error.__traceback__)])


def invalid_request(inner: DetailedErrorCode, message: str, *, target: str | None = None) -> ApiError:
    """400 for a body that breaks a rule."""
    return ApiError(400, "InvalidRequest", message, inner=inner, target=target)


def invalid_argument(inner: DetailedErrorCode, message: str, *, target: str) -> ApiError:
    """400 for a path or query parameter that breaks a rule."""
    return ApiError(400, "InvalidArgument", message, inner=inner, target=target)


def not_found(message: str) -> ApiError:
    """404 for an entity or path that is not there (or is another subscription's)."""
    return ApiError(404, "NotFound", message)
