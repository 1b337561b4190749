"""Time of the emulated service: it flows with the machine's, or stands still until a test moves it."""

import asyncio
from datetime import UTC, datetime, timedelta


class Clock:
    """Tells the time and lets tasks sleep until a moment of it.

    `Clock()` flows; `Clock(at=...)` stands still. Both can be moved forward, which wakes whoever slept until then.
    """

    def __init__(self, *, at: datetime | None = None) -> None:
        self._standing = at
        self._ahead = timedelta()
        self._sleepers: dict[asyncio.Future[None], tuple[datetime, asyncio.Task[object] | None]] = {}

    def now(self) -> datetime:
        """The time of the service, in UTC."""
        return self._standing or datetime.now(UTC) + self._ahead

    async def sleep_until(self, moment: datetime) -> None:
        """Return when `moment` has come; at once where it has already."""
        loop = asyncio.get_running_loop()
        while (left := (moment - self.now()).total_seconds()) > 0:
            wake = loop.create_future()
            self._sleepers[wake] = moment, asyncio.current_task()
            alarm = None if self._standing else loop.call_later(left, self._wake, wake)
            try:
                await wake
            finally:
                self._sleepers.pop(wake, None)
                if alarm:
                    alarm.cancel()

    async def sleep(self, seconds: float) -> None:
        """Return `seconds` from now."""
        await self.sleep_until(self.now() + timedelta(seconds=seconds))

    def move_to(self, moment: datetime) -> None:
        """Go forward to `moment` and wake who slept until then; never backward."""
        if self._standing:
            self._standing = max(self._standing, moment)
        else:
            self._ahead += max(moment - self.now(), timedelta())
        for wake, (until, _) in list(self._sleepers.items()):
            if until <= self.now():
                self._wake(wake)

    def next_wake(self) -> datetime | None:
        """When the next sleeper wakes, or None where nobody sleeps."""
        return min((until for until, _ in self._sleepers.values()), default=None)

    def asleep(self) -> set[asyncio.Task[object]]:
        """The tasks that sleep on this clock."""
        return {task for _, task in self._sleepers.values() if task}

    def _wake(self, wake: asyncio.Future[None]) -> None:
        self._sleepers.pop(wake, None)
        if not wake.done():
            wake.set_result(None)
