"""Tokens that the service itself gives out for a key, so that the key need not be with every request."""

import random
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import requests

from shared.speech.credentials import KeyCredential
from shared.speech.retry import IDEMPOTENT_METHODS, RetryPolicy
from shared.speech.transport import Timeouts, Transport, pooled_session

MANAGEMENT_SCOPE = "speechservicesmanagement"
"""What makes a token good for the Speech-to-text REST API (`securityDefinitions` of the specification)."""
_LIFETIME_SECONDS = 600
_REPEATED = IDEMPOTENT_METHODS | {"POST"}
"""One token too many does no harm."""
_TIMEOUTS = Timeouts(connect_seconds=10, read_seconds=10, total_seconds=30)
_REGION = re.compile(r"[a-z][a-z0-9]*")


@dataclass(frozen=True, slots=True)
class StsToken:
    """A token with its end in seconds since 1970."""

    token: str = field(repr=False)
    expires_on: int


class StsTokenCredential:
    """A TokenCredential that exchanges a key for a token of ten minutes: `POST .../sts/v1.0/issueToken`.

    `region_or_endpoint` is a region, such as `westeurope`, or the resource's address. The client that uses it asks for
    a new token five minutes before the end, whichever thread needs it first; every call of `get_token` asks the
    service. Without `scope` the token is one for short audio only. ValueError for an address or key that cannot be
    right.
    """

    def __init__(
        self,
        region_or_endpoint: str,
        key: str,
        *,
        scope: str | None = MANAGEMENT_SCOPE,
        session: requests.Session | None = None,
        max_retries: int = 4,
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        uniform: Callable[[], float] = random.random,
    ) -> None:
        is_region = _REGION.fullmatch(region_or_endpoint)
        endpoint = f"https://{region_or_endpoint}.api.cognitive.microsoft.com" if is_region else region_or_endpoint
        self._clock = clock
        self._transport = Transport(
            endpoint,
            KeyCredential(key),
            session=session or pooled_session(),
            timeouts=_TIMEOUTS,
            retries=RetryPolicy(max_retries, allowed_methods=_REPEATED, sleep=sleep, clock=clock, uniform=uniform),
            monotonic=monotonic,
        )
        query = f"?scope={scope}" if scope else ""
        self.token_url = f"{self._transport.endpoint}/sts/v1.0/issueToken{query}"

    def get_token(self, *_: str) -> StsToken:
        """A new token, whatever scopes are named. SpeechError if the service gives none."""
        begin = self._clock()
        answer = self._transport.request("POST", self.token_url, body=b"", operation="Sts_IssueToken")
        try:
            token = answer.body.decode("ascii").strip()
        except UnicodeDecodeError:
            token = ""
        if not re.fullmatch(r"[\w.~+/=-]+", token):
            raise answer.malformed("the service answered with something that is no token")
        return StsToken(token, int(begin) + _LIFETIME_SECONDS)
