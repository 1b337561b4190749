"""HTTP with the service: one session, time limits, repetitions, and the credential for the configured origin alone.

Nothing else in this package touches the network.
"""

import logging
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from io import BytesIO
from types import MappingProxyType, TracebackType
from typing import BinaryIO, Self, override
from urllib.parse import parse_qs, urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3 import BaseHTTPResponse
from urllib3.exceptions import HTTPError, MaxRetryError, NewConnectionError, ProtocolError
from urllib3.exceptions import TimeoutError as HTTPTimeoutError

from shared.speech.credentials import Authorization
from shared.speech.errors import (
    DownloadTooLarge,
    MalformedResponse,
    SpeechConnectionError,
    SpeechError,
    SpeechTimeout,
    error_of_status,
    redact,
)
from shared.speech.retry import RetryPolicy, is_changing, may_have_taken_effect

POOL_SIZE = 32
"""Connections kept open to one host: threads beyond this number open their own."""
LARGEST_ANSWER_BYTES = 64 * 2**20
_LARGEST_ERROR_BYTES = 64 * 2**10
_CHUNK_BYTES = 256 * 2**10
_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
_DEFAULT_PORTS = {"http": 80, "https": 443}
_USER_AGENT = "dropscribe-speech/1"


class _RedactingFilter(logging.Filter):
    """Keeps SAS signatures out of what urllib3 logs of each request at level DEBUG."""

    @override
    def filter(self, record: logging.LogRecord) -> bool:
        record.msg, record.args = redact(record.getMessage()), ()
        return True


logging.getLogger("urllib3.connectionpool").addFilter(_RedactingFilter())


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Limits in seconds: to connect, between two pieces of an answer, and for one whole attempt with its body."""

    connect_seconds: float = 10
    read_seconds: float = 60
    total_seconds: float = 600


@dataclass(frozen=True, slots=True)
class Answer:
    """A successful answer to an API call."""

    method: str
    status: int
    headers: Mapping[str, str]
    """Looked up without case."""
    body: bytes

    def malformed(self, message: str) -> MalformedResponse:
        """The error for an answer that cannot be used, although the request was accepted."""
        error = MalformedResponse(f"{message} (HTTP {self.status})")
        error.may_have_taken_effect = is_changing(self.method)
        return error


@dataclass(frozen=True, slots=True)
class _Failure:
    """A failed attempt: the error to raise, and what the retry policy decides by."""

    error: SpeechError
    response: BaseHTTPResponse | None = None
    cause: HTTPError | None = None


@dataclass(frozen=True, slots=True)
class Attempt:
    """One request to the service and how it was answered, for whoever counts them."""

    operation: str
    """Id of the operation, such as `Transcriptions_Create`."""
    host: str
    status: int | None
    """None where no whole answer came."""
    seconds: float


def ignore(_: Attempt) -> None:
    """Count nothing."""


type Origin = tuple[str, str, int]


def origin(url: str) -> Origin:
    """Scheme, host and port of an absolute HTTP URL. ValueError, without the URL's query, if it is none."""
    parts = urlsplit(url)
    scheme, host = parts.scheme.lower(), (parts.hostname or "").lower()
    if scheme not in _DEFAULT_PORTS or not host:
        raise ValueError(f"not an absolute http or https URL: {redact(url)!r}")
    return scheme, host, parts.port or _DEFAULT_PORTS[scheme]


def checked_endpoint(endpoint: str) -> str:
    """The endpoint without a slash at its end. ValueError if it cannot be the address of a Speech resource."""
    scheme, host, _ = origin(endpoint)
    parts = urlsplit(endpoint)
    if parts.query or parts.fragment or parts.username is not None:
        raise ValueError(f"an endpoint has no user, query or fragment: {redact(endpoint)!r}")
    if "/speechtotext" in parts.path:
        raise ValueError(f"give the endpoint without /speechtotext and what follows: {endpoint!r}")
    if scheme == "http" and host not in _LOOPBACK:
        raise ValueError(f"plain http would show the credential to the network; use https: {endpoint!r}")
    return endpoint.rstrip("/")


def pooled_session() -> requests.Session:
    """A session whose pool serves `POOL_SIZE` threads."""
    session = requests.Session()
    for prefix in ("https://", "http://"):
        session.mount(prefix, HTTPAdapter(pool_maxsize=POOL_SIZE))
    return session


class SessionOwner:
    """A context manager that closes the session it made itself; one of the caller's stays open."""

    _session: requests.Session
    _owns_session: bool

    def close(self) -> None:
        """Close the connections."""
        if self._owns_session:
            self._session.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()


class Transport:
    """Sends requests and receives answers; safe to share between threads.

    Of a given `session` only adapters, proxies and TLS settings are used: its headers, cookies and authentication, and
    those of .netrc, are not sent anywhere. Redirects are not followed.
    """

    def __init__(
        self,
        endpoint: str,
        authorization: Authorization,
        *,
        session: requests.Session,
        timeouts: Timeouts,
        retries: RetryPolicy,
        monotonic: Callable[[], float] = time.monotonic,
        on_attempt: Callable[[Attempt], None] = ignore,
    ) -> None:
        self.endpoint = checked_endpoint(endpoint)
        self._origin = origin(self.endpoint)
        self._authorization = authorization
        self._session = session
        self._timeouts = timeouts
        self._retries = retries
        self._monotonic = monotonic
        self._on_attempt = on_attempt

    def request(
        self,
        method: str,
        url: str,
        *,
        body: bytes | Iterable[bytes] | None = None,
        headers: Mapping[str, str] | None = None,
        secrets: tuple[str, ...] = (),
        operation: str = "",
    ) -> Answer:
        """Call the service with the credential. MalformedResponse if `url` leads to another origin.

        `body` is JSON if `headers` don't say otherwise; one in pieces is iterated anew in each attempt, and sent in
        chunks if it has no length. What of `secrets` an answer echoes stays out of errors.
        `operation` is what `on_attempt` is told.
        """
        request = self._prepared(method, url, body, headers or {})
        if origin(request.url or "") != self._origin:
            raise MalformedResponse(f"the service's link leads away from {self.endpoint}, not followed: {redact(url)}")
        credential = self._authorization.headers()
        request.headers.update(credential)
        secrets += tuple(value.removeprefix("Bearer ") for value in credential.values())

        def receive(response: BaseHTTPResponse, deadline: float) -> Answer:
            content = BytesIO()
            self._copy(response, content, LARGEST_ANSWER_BYTES, deadline)
            return Answer(method, response.status, response.headers, content.getvalue())

        return self._exchange(request, receive, secrets, operation)

    def download(self, url: str, target: BinaryIO, *, max_bytes: int) -> int:
        """Copy what `url` serves into `target` from its present position, without any credential; the bytes written.

        An attempt that was cut short is taken back before the next one, so `target` must be seekable.
        """
        start = target.tell()

        def receive(response: BaseHTTPResponse, deadline: float) -> int:
            target.seek(start)
            target.truncate()
            return self._copy(response, target, max_bytes, deadline)

        request = self._prepared("GET", url)
        query = urlsplit(url).query
        return self._exchange(request, receive, (query, *parse_qs(query).get("sig", ())), "Download")

    def retry_after_seconds(self, answer: Answer) -> float | None:
        """What the answer's Retry-After asks for."""
        return self._retries.retry_after_seconds(answer.headers)

    @staticmethod
    def _prepared(
        method: str,
        url: str,
        body: bytes | Iterable[bytes] | None = None,
        headers: Mapping[str, str] = MappingProxyType({}),
    ) -> requests.PreparedRequest:
        """A request without credential, its URL in the one form that every parser reads alike."""
        sent = {"User-Agent": _USER_AGENT, "Accept-Encoding": "gzip, deflate"}
        if body is not None:
            sent["Content-Type"] = "application/json"
        try:
            # Not through the session, which would add its own headers, cookies and what .netrc says.
            request = requests.Request(method, url, headers={**sent, **headers}, data=body).prepare()
            origin(request.url or "")
        except (requests.RequestException, ValueError):
            pass  # their texts may show the query
        else:
            return request
        raise MalformedResponse(f"not a URL that can be asked for: {redact(url)!r}")

    def _exchange[T](
        self,
        request: requests.PreparedRequest,
        receive: Callable[[BaseHTTPResponse, float], T],
        secrets: tuple[str, ...],
        operation: str,
    ) -> T:
        """Attempt the request until it succeeds or the retry policy ends it; raises the last attempt's error."""
        method = request.method or "GET"
        retries = self._retries
        may_have = False
        while True:
            outcome = self._attempt(request, receive, secrets, operation)
            if not isinstance(outcome, _Failure):
                return outcome
            may_have = may_have or outcome.error.may_have_taken_effect
            outcome.error.may_have_taken_effect = may_have  # in any of the attempts
            following = retries.following(method, response=outcome.response, error=outcome.cause)
            if following is None:
                raise outcome.error
            following.pause(outcome.response)
            retries = following

    def _attempt[T](
        self,
        request: requests.PreparedRequest,
        receive: Callable[[BaseHTTPResponse, float], T],
        secrets: tuple[str, ...],
        operation: str,
    ) -> T | _Failure:
        began = self._monotonic()
        deadline = began + self._timeouts.total_seconds
        status = None
        try:
            with self._send(request) as response:
                if not isinstance(request.body, bytes | None):  # a large file takes its time, the answer to it not
                    deadline = self._monotonic() + self._timeouts.total_seconds
                raw: BaseHTTPResponse = response.raw
                outcome = self._rejection(request, raw, deadline, secrets) or receive(raw, deadline)
            status = raw.status
        except requests.RequestException as error:
            cause = _cause(error)
        except HTTPError as error:
            cause = error
        else:
            return outcome
        finally:
            host = urlsplit(request.url or "").hostname or ""
            self._on_attempt(Attempt(operation, host, status, self._monotonic() - began))
        return _Failure(_no_answer(request, cause, secrets), cause=cause)

    def _send(self, request: requests.PreparedRequest) -> requests.Response:
        settings = self._session.merge_environment_settings(request.url, {}, None, None, None)
        settings["stream"] = True
        timeout = (self._timeouts.connect_seconds, self._timeouts.read_seconds)
        return self._session.send(request, timeout=timeout, allow_redirects=False, **settings)

    def _rejection(
        self, request: requests.PreparedRequest, response: BaseHTTPResponse, deadline: float, secrets: tuple[str, ...]
    ) -> _Failure | None:
        """The failure that the answer's status stands for; None for success."""
        if 200 <= response.status < 300:
            return None
        if response.status < 400:
            elsewhere = redact(response.headers.get("Location", "nowhere"), secrets)
            answer = Answer(request.method or "", response.status, response.headers, b"")
            return _Failure(answer.malformed(f"redirect to {elsewhere}, not followed"), response=response)
        error = error_of_status(
            response.status,
            response.headers,
            self._error_body(response, deadline),
            secrets=secrets,
            retry_after_seconds=self._retries.retry_after_seconds(response.headers),
        )
        error.may_have_taken_effect = may_have_taken_effect(request.method or "", status=response.status)
        return _Failure(error, response=response)

    def _error_body(self, response: BaseHTTPResponse, deadline: float) -> bytes:
        body = BytesIO()
        try:
            self._copy(response, body, _LARGEST_ERROR_BYTES, deadline)
        except (HTTPError, DownloadTooLarge):
            return b""  # the status says enough
        return body.getvalue()

    def _copy(self, response: BaseHTTPResponse, target: BinaryIO, max_bytes: int, deadline: float) -> int:
        """Copy the decoded body; urllib3 raises when it is shorter than its Content-Length."""
        size = 0
        for chunk in self._chunks(response, deadline):
            size += len(chunk)
            if size > max_bytes:
                raise DownloadTooLarge(f"the answer is larger than {max_bytes:,} bytes")
            target.write(chunk)
        return size

    def _chunks(self, response: BaseHTTPResponse, deadline: float) -> Iterator[bytes]:
        # read1 gives what has come, so that a body that trickles in meets the deadline too.
        while chunk := response.read1(_CHUNK_BYTES, decode_content=True):
            if self._monotonic() > deadline:
                raise HTTPTimeoutError(f"the body took longer than {self._timeouts.total_seconds:g} s")
            yield chunk


def _cause(error: requests.RequestException) -> HTTPError:
    """What urllib3 reported under requests' exception, whose own text may show the URL with its query."""
    cause = error.args[0] if error.args else None
    if isinstance(cause, MaxRetryError):
        cause = cause.reason
    return cause if isinstance(cause, HTTPError) else ProtocolError(type(error).__name__)


def _no_answer(request: requests.PreparedRequest, cause: HTTPError, secrets: tuple[str, ...]) -> SpeechError:
    """The error for a request that got no whole answer."""
    timed_out = isinstance(cause, HTTPTimeoutError) and not isinstance(cause, NewConnectionError)
    message = f"{request.method} {redact(request.url or '', secrets)}: {redact(str(cause), secrets)}"
    error = SpeechTimeout(message) if timed_out else SpeechConnectionError(message)
    error.may_have_taken_effect = may_have_taken_effect(request.method or "", error=cause)
    return error
