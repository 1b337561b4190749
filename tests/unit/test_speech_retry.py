"""What is sent again, and when: the retry policy alone, without a network."""

from email.utils import formatdate

import pytest
from hypothesis import given
from hypothesis import strategies as st
from urllib3 import HTTPResponse
from urllib3.connection import HTTPConnection
from urllib3.connectionpool import HTTPConnectionPool
from urllib3.exceptions import (
    ConnectTimeoutError,
    HTTPError,
    NewConnectionError,
    ProtocolError,
    ReadTimeoutError,
    SSLError,
)

from shared.speech.retry import RetryPolicy, may_have_taken_effect, retry_after_seconds

NOW = 1_700_000_000.0
CUT = ProtocolError("Connection aborted.")
READ_TIMEOUT = ReadTimeoutError(HTTPConnectionPool("host"), "/", "Read timed out.")
REFUSED = NewConnectionError(HTTPConnection("host"), "refused")
CONNECT_TIMEOUT = ConnectTimeoutError("connect timed out")


def policy(total: int = 4, *, slept: list[float] | None = None, uniform: float = 0.0) -> RetryPolicy:
    """A policy whose time stands still at NOW and whose chance is `uniform`."""
    return RetryPolicy(
        total, sleep=(slept if slept is not None else []).append, clock=lambda: NOW, uniform=lambda: uniform
    )


def answered(status: int, **headers: str) -> HTTPResponse:
    """An answer with this status."""
    return HTTPResponse(status=status, headers={name.replace("_", "-"): value for name, value in headers.items()})


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504, 599])
@pytest.mark.parametrize("method", ["GET", "PATCH", "DELETE"])
def test_idempotent_calls_are_repeated_on_passing_failures(method: str, status: int) -> None:
    """408, 429 and 5xx are worth another attempt of a call that may be repeated."""
    assert policy().following(method, response=answered(status)) is not None


@pytest.mark.parametrize("status", [302, 400, 401, 403, 404, 409, 422, 501])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_nothing_is_repeated_that_would_fail_again(method: str, status: int) -> None:
    """Refusals stay refusals."""
    assert policy().following(method, response=answered(status)) is None


@pytest.mark.parametrize("outcome", [answered(429), REFUSED, CONNECT_TIMEOUT])
def test_creates_are_repeated_when_they_certainly_took_no_effect(outcome: HTTPResponse | HTTPError) -> None:
    """A POST that was throttled or never arrived is sent again."""
    response, error = (outcome, None) if isinstance(outcome, HTTPResponse) else (None, outcome)
    assert policy().following("POST", response=response, error=error) is not None
    status = response.status if response else None
    assert not may_have_taken_effect("POST", status=status, error=error)


@pytest.mark.parametrize("outcome", [answered(408), answered(500), answered(503), CUT, READ_TIMEOUT, SSLError("eof")])
def test_creates_are_not_repeated_when_they_may_have_taken_effect(outcome: HTTPResponse | HTTPError) -> None:
    """After 5xx, a cut connection or a read timeout a POST is left to the caller, who is told so."""
    response, error = (outcome, None) if isinstance(outcome, HTTPResponse) else (None, outcome)
    assert policy().following("POST", response=response, error=error) is None
    assert may_have_taken_effect("POST", status=response.status if response else None, error=error)
    assert not may_have_taken_effect("GET", status=response.status if response else None, error=error)


@pytest.mark.parametrize("error", [CUT, READ_TIMEOUT, REFUSED, CONNECT_TIMEOUT])
def test_idempotent_calls_are_repeated_when_no_answer_came(error: HTTPError) -> None:
    """Cut connections and timeouts are worth another attempt of a GET."""
    assert policy().following("GET", error=error) is not None


def test_attempts_end() -> None:
    """After `total` repetitions there is no other, whatever the failures were."""
    current: RetryPolicy | None = policy(total=3)
    for failure in (answered(500), answered(429), answered(503)):
        assert current is not None
        current = current.following("GET", response=failure)
    assert current is not None
    assert current.following("GET", response=answered(500)) is None
    assert policy(total=0).following("GET", error=CUT) is None


def test_pauses_grow_and_are_scattered() -> None:
    """Pauses double from half a second up to the limit; chance takes off up to half."""
    for uniform, expected in ((0.0, [0.5, 1, 2, 4, 8, 16, 20]), (1.0, [0.25, 0.5, 1, 2, 4, 8, 10])):
        slept: list[float] = []
        current: RetryPolicy | None = policy(total=7, slept=slept, uniform=uniform)
        while current := current.following("GET", response=answered(500)) if current else None:
            current.pause()
        assert slept == expected


def test_retry_after_is_waited_out() -> None:
    """The asked time passes in full, and the scattered pause after it keeps a crowd apart."""
    slept: list[float] = []
    throttled = answered(429, Retry_After="7")
    following = policy(slept=slept).following("POST", response=throttled)
    assert following is not None
    following.pause(throttled)
    assert slept == [7.5]


def test_a_retry_after_over_the_limit_is_left_to_the_caller() -> None:
    """Asking again before the service said so is of no use, and waiting longer is not this client's business."""
    assert policy().following("GET", response=answered(429, Retry_After="60")) is not None
    assert policy().following("GET", response=answered(429, Retry_After="61")) is None


@pytest.mark.parametrize(
    ("value", "seconds"),
    [("0", 0), (" 12 ", 12), (formatdate(NOW + 90, usegmt=True), 90), (formatdate(NOW - 90, usegmt=True), 0)],
)
def test_retry_after_forms(value: str, seconds: float) -> None:
    """Seconds and HTTP dates are both read; a date in the past is now."""
    assert retry_after_seconds({"Retry-After": value}, NOW) == seconds


@given(st.text(max_size=30))
def test_a_strange_retry_after_breaks_nothing(value: str) -> None:
    """Whatever stands in the header is a time or no time."""
    seconds = retry_after_seconds({"Retry-After": value}, NOW)
    assert seconds is None or seconds >= 0
