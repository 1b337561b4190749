"""What the service does beside answering requests: jobs, deliveries, expiry, as tasks on the service's clock."""

import asyncio
import logging
from collections.abc import Coroutine
from datetime import timedelta

from emulator.clock import Clock
from emulator.errors import where

LOG = logging.getLogger(__name__)
SETTLE_SECONDS = 120.0
"""How long (in real time) the tasks may take to react before waiting for them is given up."""


class Background:
    """The running tasks; knows when all of them have done what the clock lets them do."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._tasks: set[asyncio.Task[object]] = set()

    def start(self, work: Coroutine[object, object, None], name: str) -> None:
        """Run `work` as a task; an exception of it is logged."""
        task: asyncio.Task[object] = asyncio.get_running_loop().create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    async def settle(self) -> None:
        """Wait until every task has ended or sleeps on the clock; TimeoutError after two minutes."""
        async with asyncio.timeout(SETTLE_SECONDS):
            while busy := self._tasks - self._clock.asleep():
                await asyncio.wait(busy, timeout=0.002, return_when=asyncio.FIRST_COMPLETED)

    async def advance(self, seconds: float) -> None:
        """Move the clock forward from one sleeper's moment to the next, each time until all have reacted."""
        await self.settle()
        target = self._clock.now() + timedelta(seconds=seconds)
        while (moment := self._clock.next_wake()) and moment <= target:
            self._clock.move_to(moment)
            await self.settle()
        self._clock.move_to(target)
        await self.settle()

    async def cancel(self) -> None:
        """End every task, also those that others start as they end."""
        while tasks := list(self._tasks):
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def _ended(self, task: asyncio.Task[object]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()):
            LOG.error("%s ended with %s", task.get_name(), where(error))
