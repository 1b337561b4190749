"""The timer trigger: NCRONTAB schedules, their status in blobs, missed runs, retries, and one runner a machine."""

import asyncio
import fcntl
import hashlib
import json
import logging
import random
import re
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Self

from azure.core.exceptions import AzureError, ResourceNotFoundError
from croniter import CroniterError, croniter

from .errors import StartupError
from .functions import Function
from .invocation import Invoker, Trigger
from .protos import TypedData
from .settings import DEFAULT_CONNECTION
from .storage import HOSTS_CONTAINER, Storage
from .worker import RetryContext

_NEVER = datetime(1, 1, 1, tzinfo=UTC)
_LONGEST_SLEEP = 60.0
_MONITORED_INTERVAL = timedelta(minutes=1)
_FIELD = re.compile(
    r"(?:[\d*,/-]|jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec|sun|mon|tue|wed|thu|fri|sat)+", re.IGNORECASE
)

logger = logging.getLogger("devhost.timers")


class Schedule:
    """An NCRONTAB expression, in UTC: six fields with seconds first, or five without."""

    def __init__(self, expression: str) -> None:
        fields = expression.split()
        self._expression = " ".join(fields if len(fields) != 5 else ["0", *fields])
        if len(fields) not in {5, 6} or not all(map(_FIELD.fullmatch, fields)):
            raise ValueError(f"{expression!r} is no NCRONTAB expression: six fields, seconds first.")
        try:
            self.after(datetime.now(UTC))
        except CroniterError as error:
            raise ValueError(f"{expression!r} is no NCRONTAB expression: {error}.") from error

    def after(self, moment: datetime) -> datetime:
        """The next time of the schedule. Day of month and day of week must both match, as in NCRONTAB."""
        found: datetime = croniter(
            self._expression, moment, ret_type=datetime, second_at_beginning=True, day_or=False
        ).get_next()
        return found


@dataclass(frozen=True)
class ScheduleStatus:
    """When a timer last ran and next runs, as the real host keeps it in a blob."""

    last: datetime
    next: datetime
    last_updated: datetime

    def to_json(self) -> str:
        """The blob's content."""
        return json.dumps(
            {
                "Last": self.last.isoformat(),
                "Next": self.next.isoformat(),
                "LastUpdated": self.last_updated.isoformat(),
            }
        )

    @classmethod
    def from_json(cls, text: bytes) -> Self:
        """Read the blob's content; ValueError or KeyError where it is none."""
        document = json.loads(text)
        return cls(*(datetime.fromisoformat(document[name]) for name in ("Last", "Next", "LastUpdated")))

    def check(self, schedule: Schedule, now: datetime) -> Self:
        """The status to go on with: this one, or a fresh one where the app has another schedule by now."""
        expected = schedule.after(self.last_updated if self.last == _NEVER else self.last)
        return self if expected == self.next else self.fresh(schedule, now)

    def ran(self, schedule: Schedule, now: datetime) -> Self:
        """The status after a run; one that fired a little early counts as on time."""
        moment = max(now, self.next)
        return type(self)(moment, schedule.after(moment), moment)

    @classmethod
    def now(cls, schedule: Schedule) -> Self:
        """The status that a run by hand sees."""
        return cls.fresh(schedule, datetime.now(UTC))

    @classmethod
    def fresh(cls, schedule: Schedule, now: datetime) -> Self:
        """The status of a timer that never ran."""
        return cls(_NEVER, schedule.after(now), now)


def read_schedule(function: Function) -> Schedule:
    """A timer function's schedule; StartupError where it is none."""
    try:
        return Schedule(function.trigger.text("schedule"))
    except ValueError as error:
        raise StartupError(f"function {function.name}, binding {function.trigger.name!r}: {error}") from None


def is_monitored(function: Function, schedule: Schedule, now: datetime) -> bool:
    """Whether missed runs are noticed: `use_monitor`, and the schedule is not more frequent than once a minute."""
    first = schedule.after(now)
    return function.trigger.properties.get("useMonitor") is not False and (
        schedule.after(first) - first >= _MONITORED_INTERVAL
    )


def timer_trigger(status: ScheduleStatus, *, past_due: bool, monitored: bool, reason: str) -> Trigger:
    """What a timer function gets."""
    info = {
        "Schedule": {"AdjustForDST": True},
        "ScheduleStatus": json.loads(status.to_json()) if monitored else None,
        "IsPastDue": past_due,
    }
    return Trigger(TypedData(json=json.dumps(info)), reason)


def retry_delay(options: Any, attempt: int, jitter: Callable[[], float]) -> float:  # noqa: ANN401 - RpcRetryOptions
    """Seconds before retry number `attempt` (from 0) by `@app.retry`; `jitter` draws from 0 to 1."""
    if options.retry_strategy == "fixed_delay":
        return float(options.delay_interval.total_seconds())
    least, most = options.minimum_interval.total_seconds(), options.maximum_interval.total_seconds()
    return float(min(most, least + (2 ** min(attempt, 30) - 1) * (0.8 + 0.4 * jitter())))


class TimerListener:
    """Runs one timer function by its schedule, one run at a time."""

    def __init__(
        self, function: Function, schedule: Schedule, storage: Storage, invoker: Invoker, *, host_id: str
    ) -> None:
        self.running: set[asyncio.Task[ScheduleStatus]] = set()
        self._function = function
        self._schedule = schedule
        self._storage = storage
        self._invoker = invoker
        self._host_id = host_id
        self._monitored = is_monitored(function, schedule, datetime.now(UTC))
        self._account = storage.blob_service(DEFAULT_CONNECTION).url.partition("?")[0]
        self._status_path = f"{HOSTS_CONTAINER}/timers/{host_id}/{function.full_name}/status"

    async def run(self) -> None:
        """Wait to be the only runner, catch up on a missed run, then follow the schedule until cancelled.

        What runs by then goes on, in `running`.
        """
        with self._lock_path().open("w") as lock:
            while not _locked(lock.fileno()):  # noqa: ASYNC110 - another process holds it
                await asyncio.sleep(1)
            status = await self._start()
            while True:
                await _sleep_until(status.next)
                status = await self._fire(status, "Timer fired at " + status.next.isoformat())

    def _lock_path(self) -> Path:
        """The file that the runner of this timer holds locked; the system frees it however the runner ends."""
        identity = f"{self._account}\n{self._host_id}\n{self._function.name}"
        return Path(tempfile.gettempdir()) / f"devhost-timer-{hashlib.sha256(identity.encode()).hexdigest()[:32]}.lock"

    async def _start(self) -> ScheduleStatus:
        now = datetime.now(UTC)
        stored = await self._read_status()
        status = stored.check(self._schedule, now) if stored else ScheduleStatus.fresh(self._schedule, now)
        if status != stored:
            await self._write_status(status)
        if now > status.next:
            return await self._fire(status, "A run was missed: " + status.next.isoformat(), past_due=True)
        if self._function.trigger.properties.get("runOnStartup"):
            return await self._fire(status, "RunOnStartup", early=True)
        return status

    async def _fire(
        self, status: ScheduleStatus, reason: str, *, past_due: bool = False, early: bool = False
    ) -> ScheduleStatus:
        task = asyncio.create_task(self._run_once(status, reason, past_due=past_due, early=early))
        self.running.add(task)
        task.add_done_callback(self.running.discard)
        return await asyncio.shield(task)

    async def _run_once(self, status: ScheduleStatus, reason: str, *, past_due: bool, early: bool) -> ScheduleStatus:
        began = datetime.now(UTC)
        trigger = timer_trigger(status, past_due=past_due, monitored=self._monitored, reason=reason)
        await invoke_with_retry(self._invoker, self._function, trigger)
        after = (
            ScheduleStatus(began, self._schedule.after(began), began) if early else status.ran(self._schedule, began)
        )
        await self._write_status(after)
        return after

    async def _read_status(self) -> ScheduleStatus | None:
        if not self._monitored:
            return None
        blob = self._storage.blob(DEFAULT_CONNECTION, self._status_path)
        try:
            return ScheduleStatus.from_json(await (await blob.download_blob()).readall())
        except ResourceNotFoundError:
            return None
        except (AzureError, ValueError, KeyError) as error:
            logger.warning("The status of the timer %s can't be read: %s", self._function.name, error)
            return None

    async def _write_status(self, status: ScheduleStatus) -> None:
        if not self._monitored:
            return
        try:
            await self._storage.put_blob(DEFAULT_CONNECTION, self._status_path, status.to_json())
        except AzureError as error:
            logger.warning("The status of the timer %s can't be written: %s", self._function.name, error)


async def invoke_with_retry(invoker: Invoker, function: Function, trigger: Trigger) -> None:
    """Run a function, and again by its retry policy as long as it fails; -1 retries mean without end."""
    options = function.retry
    most = options.max_retry_count if options else 0
    outcome = await invoker.invoke(function, trigger)
    attempt = 0
    while outcome.error and attempt != most:
        await asyncio.sleep(retry_delay(options, attempt, random.random))
        attempt += 1
        outcome = await invoker.invoke(function, trigger, RetryContext(attempt, most, outcome.error))


async def _sleep_until(moment: datetime) -> None:
    """Sleep in short stretches, so that a change of the clock is noticed."""
    while (wait := (moment - datetime.now(UTC)).total_seconds()) > 0:  # noqa: ASYNC110 - waits for the clock alone
        await asyncio.sleep(min(wait, _LONGEST_SLEEP))


def _locked(file: int) -> bool:
    """Try to lock a file for this process alone."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
