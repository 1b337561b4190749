"""Quotas of a resource, as the service's page "Speech service quotas and limits" has them for tier S0.

What limits a single request or file stands where that is read.
"""

import math
from collections import defaultdict, deque
from datetime import datetime, timedelta

from emulator.clock import Clock
from emulator.errors import ApiError

DATASETS_LIMIT = 500
DEPLOYMENTS_LIMIT = 50
"""Endpoints of a resource."""
MODEL_TEXT_LIMIT = 500_000
"""Bytes of the property `text` of a new model."""
WINDOW = timedelta(seconds=10)


class RequestQuota:
    """Counts the requests of each subscription in the last ten seconds of the clock."""

    def __init__(self, limit: int | None, clock: Clock) -> None:
        self._limit = limit
        self._clock = clock
        self._taken: defaultdict[str, deque[datetime]] = defaultdict(deque)

    def take(self, subscription: str) -> None:
        """Count a request; raises ApiError (429), and does not count it, where the quota is used up."""
        if self._limit is None:
            return
        now, taken = self._clock.now(), self._taken[subscription]
        while taken and taken[0] <= now - WINDOW:
            taken.popleft()
        if len(taken) >= self._limit:
            wait = max(1, math.ceil((taken[0] + WINDOW - now).total_seconds()))
            message = f"There are more than {self._limit} requests in 10 seconds; try again in {wait} seconds."
            raise ApiError(429, "TooManyRequests", message, headers={"Retry-After": str(wait)})
        taken.append(now)

    def reset(self) -> None:
        """Count from nothing."""
        self._taken.clear()
