"""The emulator's clock and the tasks on it: order of waking, settling, advancing."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from emulator.background import Background
from emulator.clock import Clock

START = datetime(2026, 1, 1, tzinfo=UTC)


def test_sleepers_wake_in_order_at_their_moment() -> None:
    """Advancing goes from one moment to the next, so that even a chain of sleeps runs within one advance."""

    async def run() -> None:
        clock = Clock(at=START)
        background = Background(clock)
        woke: list[tuple[str, float]] = []

        async def chain(name: str, *naps: float) -> None:
            for nap in naps:
                await clock.sleep(nap)
                woke.append((name, (clock.now() - START).total_seconds()))

        background.start(chain("a", 5, 5), "a")
        background.start(chain("b", 1, 8, 100), "b")
        await background.advance(20)
        assert clock.now() == START + timedelta(seconds=20)
        assert woke == [("b", 1), ("a", 5), ("b", 9), ("a", 10)]
        await background.cancel()
        assert clock.next_wake() is None

    asyncio.run(run())


def test_settle_waits_for_work_and_not_for_sleepers() -> None:
    """A task that waits for something else than the clock is waited for; one that sleeps is not."""

    async def run() -> None:
        clock = Clock(at=START)
        background = Background(clock)
        done: list[str] = []

        async def work() -> None:
            await asyncio.to_thread(lambda: done.append("work"))
            await clock.sleep(1)
            done.append("slept")

        background.start(work(), "work")
        await background.settle()
        assert done == ["work"]
        await background.advance(1)
        assert done == ["work", "slept"]

    asyncio.run(run())


def test_a_flowing_clock_wakes_by_itself_and_by_being_moved() -> None:
    """Machine time passes; moving forward spares the wait, and time stays ahead afterwards."""

    async def run() -> None:
        clock = Clock()
        await clock.sleep(0.01)
        before = clock.now()
        async with asyncio.timeout(30):
            sleeper = asyncio.create_task(clock.sleep(3600))
            await asyncio.sleep(0)
            clock.move_to(before + timedelta(seconds=3601))
            await sleeper
        assert clock.now() >= before + timedelta(seconds=3601)

    asyncio.run(run())


def test_a_failing_task_is_logged_without_its_text(caplog: pytest.LogCaptureFixture) -> None:
    """An exception's text may hold a URL with its SAS; type and place are enough to find the defect."""

    url = "https://host/a?sig=secret"

    async def run() -> None:
        background = Background(Clock(at=START))

        async def fail() -> None:
            raise ValueError(url)

        background.start(fail(), "job 1")
        await background.settle()

    asyncio.run(run())
    assert "job 1 ended with ValueError" in caplog.text
    assert "in fail" in caplog.text
    assert url not in caplog.text


@pytest.mark.parametrize("clock", [Clock(at=START), Clock()])
def test_time_never_goes_backward(clock: Clock) -> None:
    """Moving to a moment that has passed changes nothing."""
    before = clock.now()
    clock.move_to(before - timedelta(hours=1))
    assert clock.now() >= before
