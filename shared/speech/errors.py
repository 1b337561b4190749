# ruff: noqa: N818 - the classes carry the names of the HTTP statuses and failures that they stand for
"""Everything that the client raises, besides ValueError for an argument that cannot be right.

SpeechError
├── SpeechStatusError          the service answered with an error status
│   ├── BadRequest             400
│   ├── Unauthorized           401
│   ├── Forbidden              403
│   ├── NotFound               404
│   ├── Conflict               409
│   ├── Throttled              429
│   └── ServerError            500 to 599
│       └── ServiceUnavailable 503
├── CredentialError            the credential gave no token; nothing was sent
├── SpeechConnectionError      no answer: refused, unknown host, TLS, connection cut
├── SpeechTimeout              no answer in time
│   └── WaitTimeout            an entity did not finish within the caller's deadline
├── MalformedResponse          an answer that is not what the specification says
├── DownloadTooLarge           a body over the caller's limit
└── UnsupportedOperation       the API version in use lacks it; nothing was sent

No message holds a key, a token or the query of a URL (which may be a SAS).
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

_URL_QUERY = re.compile(r"(https?://[^\s?#\"'<>]*)[?#][^\s\"'<>]*", re.IGNORECASE)
_URL_USER = re.compile(r"(https?://)[^\s/?#\"'<>@]*@", re.IGNORECASE)
_SAS_SIGNATURE = re.compile(r"\b(sig=)[^&\s\"'<>]+", re.IGNORECASE)
_LONGEST_MESSAGE = 2000
_REQUEST_ID_HEADERS = ("apim-request-id", "x-ms-request-id", "x-requestid")


def redact(text: str, secrets: Iterable[str] = ()) -> str:
    """`text` without the queries and user names of its URLs, SAS signatures, and any of `secrets`."""
    for secret in filter(None, secrets):
        text = text.replace(secret, "[redacted]")
    text = _URL_QUERY.sub(r"\1?[redacted]", text)
    return _SAS_SIGNATURE.sub(r"\1[redacted]", _URL_USER.sub(r"\1", text))


@dataclass(frozen=True, slots=True)
class InnerError:
    """One level below the outer error: `code` is a DetailedErrorCode of the specification, such as `InvalidUri`."""

    code: str | None
    message: str | None
    target: str | None = None


class SpeechError(Exception):
    """Base of all errors of this client."""

    may_have_taken_effect: bool = False
    """True when the request could have changed something at the service although it failed: look before repeating."""


class SpeechStatusError(SpeechError):
    """The service answered with an error status; the fields are those of the specification's definition Error."""

    def __init__(
        self,
        status: int,
        *,
        message: str,
        code: str | None = None,
        target: str | None = None,
        details: tuple[InnerError, ...] = (),
        inner_errors: tuple[InnerError, ...] = (),
        request_id: str | None = None,
        retry_after_seconds: float | None = None,
    ) -> None:
        self.status = status
        self.code = code
        self.message = message
        self.target = target
        self.details = details
        self.inner_errors = inner_errors
        """From the outermost to the innermost."""
        self.request_id = request_id
        self.retry_after_seconds = retry_after_seconds
        """What the answer's Retry-After said, if anything."""
        super().__init__(self._text())

    def _text(self) -> str:
        inner = [f"{error.code}: {error.message}" for error in self.inner_errors]
        request = [f"request id {self.request_id}"] if self.request_id else []
        return "; ".join([f"HTTP {self.status} {self.code or ''}".rstrip() + f": {self.message}", *inner, *request])


class BadRequest(SpeechStatusError):
    """400: the service refuses the request as it is; `code` and `inner_errors` say why."""


class Unauthorized(SpeechStatusError):
    """401: the key or token is not valid here."""


class Forbidden(SpeechStatusError):
    """403: a valid credential without the right to do this, or none."""


class NotFound(SpeechStatusError):
    """404: no such entity, or one of another API version."""


class Conflict(SpeechStatusError):
    """409: the entity's state does not allow this."""


class Throttled(SpeechStatusError):
    """429: too many requests; nothing took effect."""


class ServerError(SpeechStatusError):
    """5xx: the service failed."""


class ServiceUnavailable(ServerError):
    """503: the service is not available for now."""


class CredentialError(SpeechError):
    """The credential gave no token; nothing was sent."""


class SpeechConnectionError(SpeechError):
    """No (whole) answer came: connection refused or cut, unknown host, TLS failure."""


class SpeechTimeout(SpeechError):
    """No (whole) answer came in time."""


class WaitTimeout(SpeechTimeout):
    """The entity was still not finished at the caller's deadline."""


class MalformedResponse(SpeechError):
    """An answer that is not what the specification says: no JSON, a wrong shape, a redirect, a link elsewhere."""


class DownloadTooLarge(SpeechError):
    """The body is larger than the caller allows; what was read is dropped."""


class UnsupportedOperation(SpeechError):
    """The API version in use does not have this; raised before any request."""


_CLASS_BY_STATUS: Mapping[int, type[SpeechStatusError]] = {
    400: BadRequest,
    401: Unauthorized,
    403: Forbidden,
    404: NotFound,
    409: Conflict,
    429: Throttled,
    503: ServiceUnavailable,
}


def error_of_status(
    status: int,
    headers: Mapping[str, str],
    body: bytes,
    *,
    secrets: Iterable[str] = (),
    retry_after_seconds: float | None = None,
) -> SpeechStatusError:
    """The error that an answer with an error status stands for, whatever its body is.

    `headers` is looked up without case if it is such a mapping. `secrets` are removed wherever the answer echoes them.
    """
    secrets = tuple(secrets)
    report = _error_report(body)

    def text(value: object) -> str | None:
        return redact(value, secrets)[:_LONGEST_MESSAGE] if isinstance(value, str) else None

    def entry(fields: Mapping[str, object]) -> InnerError:
        return InnerError(text(fields.get("code")), text(fields.get("message")), text(fields.get("target")))

    details = report.get("details")
    return _CLASS_BY_STATUS.get(status, ServerError if status >= 500 else SpeechStatusError)(
        status,
        message=text(report.get("message")) or "the answer holds no error message",
        code=text(report.get("code")),
        target=text(report.get("target")),
        details=tuple(entry(item) for item in details if isinstance(item, dict)) if isinstance(details, list) else (),
        inner_errors=tuple(entry(fields) for fields in _inner_errors(report)),
        request_id=next((text(headers[name]) for name in _REQUEST_ID_HEADERS if name in headers), None),
        retry_after_seconds=retry_after_seconds,
    )


def _error_report(body: bytes) -> Mapping[str, object]:
    """The definition Error in `body`, bare or under `error` (as gateways before the service write it), else nothing."""
    try:
        report = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    if isinstance(report, dict) and isinstance(report.get("error"), dict):
        report = report["error"]
    return report if isinstance(report, dict) else {}


def _inner_errors(report: Mapping[str, object]) -> Iterator[Mapping[str, object]]:
    """The chain of `innerError`, from the outermost to the innermost."""
    inner = report.get("innerError")
    while isinstance(inner, dict):
        yield inner
        inner = inner.get("innerError")
