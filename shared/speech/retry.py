"""When a request is sent again, and after how long.

urllib3's Retry counts and classifies; what differs from it here: a request that is not idempotent is repeated only
when it is certain that it took no effect, the first pause is not zero, a Retry-After over the limit ends the attempts,
and clock, sleep and random source are arguments.
"""

import random
import time
from collections.abc import Callable, Mapping
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any, Self, override

from urllib3 import BaseHTTPResponse, Retry
from urllib3.exceptions import ConnectTimeoutError, HTTPError

IDEMPOTENT_METHODS = frozenset({"DELETE", "GET", "HEAD", "PATCH", "PUT"})
"""PATCH too: the specification's updates set fields to given values."""
RETRIED_STATUSES = frozenset({408, 429, *range(500, 600)}) - {501, 505}
THROTTLED = 429


def retry_after_seconds(headers: Mapping[str, str], now: float) -> float | None:
    """What Retry-After asks for: whole seconds or an HTTP date (RFC 9110, 10.2.3); None if absent or unreadable."""
    value = headers.get("Retry-After", "").strip()
    if value.isascii() and value.isdigit():
        return float(value)
    try:
        date: datetime = parsedate_to_datetime(value)
    except ValueError:
        return None
    return max(0.0, date.timestamp() - now)


class RetryPolicy(Retry):
    """At most `total` repetitions, `backoff_factor` * 2^n seconds apart up to `backoff_max`, less up to half by chance.

    A Retry-After of up to `retry_after_max` seconds is waited out before that, so that many who were throttled at once
    do not come back at once; a longer one ends the attempts, since asking earlier is of no use.
    """

    def __init__(
        self,
        total: int = 4,
        *,
        backoff_factor: float = 0.5,
        backoff_max: float = 20.0,
        retry_after_max: int = 60,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.time,
        uniform: Callable[[], float] = random.random,
        **state: Any,  # noqa: ANN401 - what urllib3 carries from one attempt to the next
    ) -> None:
        defaults: dict[str, Any] = {
            "allowed_methods": IDEMPOTENT_METHODS,
            "status_forcelist": RETRIED_STATUSES,
            "other": 0,  # not known to be before or after the service's part, such as TLS failures
        }
        super().__init__(
            total=total,
            backoff_factor=backoff_factor,
            backoff_max=backoff_max,
            retry_after_max=retry_after_max,
            **(defaults | state),
        )
        self._sleep_for = sleep
        self._clock = clock
        self._uniform = uniform

    @override
    def new(self, **kw: Any) -> Self:
        return super().new(sleep=self._sleep_for, clock=self._clock, uniform=self._uniform, **kw)

    @override
    def is_retry(self, method: str, status_code: int, has_retry_after: bool = False) -> bool:
        may_repeat = method in (self.allowed_methods or ())
        return status_code in RETRIED_STATUSES if may_repeat else status_code == THROTTLED

    @override
    def get_retry_after(self, response: BaseHTTPResponse) -> float | None:
        return self.retry_after_seconds(response.headers)

    def retry_after_seconds(self, headers: Mapping[str, str]) -> float | None:
        """What Retry-After asks for, by this policy's clock."""
        return retry_after_seconds(headers, self._clock())

    @override
    def get_backoff_time(self) -> float:
        pause = min(self.backoff_max, self.backoff_factor * 2 ** max(0, len(self.history) - 1))
        return float(pause * (1 - self._uniform() / 2))

    def following(
        self, method: str, *, response: BaseHTTPResponse | None = None, error: HTTPError | None = None
    ) -> Self | None:
        """The policy for one more attempt after this outcome of the last one; None when there must be no other."""
        if response is not None and not self._is_worth_another(method, response):
            return None
        try:
            return self.increment(method, None, response, error)
        except HTTPError:  # attempts used up, or an error that does not allow another
            return None

    def _is_worth_another(self, method: str, response: BaseHTTPResponse) -> bool:
        asked = self.get_retry_after(response)
        return self.is_retry(method, response.status) and (asked is None or asked <= self.retry_after_max)

    def pause(self, response: BaseHTTPResponse | None = None) -> None:
        """Sleep before the next attempt."""
        asked = None if response is None else self.get_retry_after(response)
        self._sleep_for((asked or 0.0) + self.get_backoff_time())


def is_changing(method: str) -> bool:
    """True for methods that are there to change something at the service."""
    return method not in {"GET", "HEAD"}


def may_have_taken_effect(method: str, *, status: int | None = None, error: HTTPError | None = None) -> bool:
    """True when the service could have acted on a request that failed with this status or error."""
    if not is_changing(method):
        return False
    if error is not None:
        return not isinstance(error, ConnectTimeoutError)  # refused connections are a kind of these in urllib3
    return status is not None and (status >= 500 or status == 408)
