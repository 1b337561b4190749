"""The host is killed after every single change of state that it makes, and started again."""

import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from devstack.azurite import Azurite
from emulator import JobSeconds, SpeechEmulator
from emulator.faults import FailFile
from tests.end_to_end.killing_proxy import KillingProxy, Steps
from tests.end_to_end.world import World

pytestmark = pytest.mark.end_to_end

AT_ONCE = 10
FILES = {"good.wav", "broken.wav", "shaky.wav"}
TIMERS = ("drain_tickets", "sweep_jobs")

_STORAGE_CHANGE = re.compile(r"/[^/]+/((pipeline|transcripts|failed|collect)/.*|.*comp=batch.*)")


def storage_change(method: str, path: str) -> str | None:
    """Name a request that changes the pipeline's blobs or its queue; the host's own bookkeeping is not the app's."""
    change = _STORAGE_CHANGE.fullmatch(path) if method not in {"GET", "HEAD"} else None
    return f"{method} {change[1]}" if change else None


def speech_change(method: str, path: str) -> str | None:
    """Name a request that creates or deletes a transcription."""
    return f"{method} {path}" if method != "GET" and "/transcriptions" in path else None


@contextmanager
def proxied_world(storage: Azurite, account: str, directory: Path, steps: Steps) -> Iterator[tuple[World, str]]:
    """A world whose first host reaches storage and service through proxies that kill it, and the service's address.

    The job's records name that address, so a host that takes over needs it, too.
    """
    with ExitStack() as parts:
        emulator = parts.enter_context(SpeechEmulator(engine="scripted", job_seconds=JobSeconds(0.1, 0.3)))
        emulator.arm([FailFile(source="*broken.wav"), FailFile(source="*shaky.wav", error_kind="Timeout", count=1)])
        world = parts.enter_context(World(storage, account, emulator, directory))
        upstreams: list[tuple[str, Callable[[str, str], str | None]]] = [
            (f"http://127.0.0.1:{storage.blob_port}", storage_change),
            (f"http://127.0.0.1:{storage.queue_port}", storage_change),
            (emulator.endpoint, speech_change),
        ]
        blob, queue, speech = (parts.enter_context(KillingProxy(url, steps, name)) for url, name in upstreams)
        through = world.connection_string.replace(upstreams[0][0], blob.url).replace(upstreams[1][0], queue.url)
        world.start_host({"DATA_STORAGE": through, "SPEECH_ENDPOINT": speech.url})
        steps.kill = world.host.kill
        yield world, speech.url


def run(storage: Azurite, account: str, directory: Path, kill_after: int | None) -> tuple[list[str], str | None]:
    """Upload the files, kill at the given step, start again; return the steps taken and what was wrong at the end."""
    steps = Steps(kill_after=kill_after)
    with proxied_world(storage, account, directory, steps) as (world, speech):
        for name in sorted(FILES):
            world.upload(name)
        world.until(lambda: steps.killed.is_set() or world.settled(FILES), timers=TIMERS)
        if steps.killed.is_set():
            steps.restarted = True
            world.start_host({"SPEECH_ENDPOINT": speech}, webhook=False)
            world.until(lambda: world.settled(FILES), timers=TIMERS, seconds=120)
        return steps.taken, verdict(world)


def verdict(world: World) -> str | None:
    """What is wrong with where the files ended, or None."""
    expected = ({"good.wav", "shaky.wav"}, {"broken.wav"}, {"good.wav": 1, "broken.wav": 1, "shaky.wav": 2})
    found = (world.names("transcripts"), world.names("failed"), world.times_submitted())
    return None if found == expected else f"ended as {found}"


def test_a_kill_at_any_step_loses_nothing_and_pays_nothing_twice(
    storage: Azurite, accounts: Iterator[str], tmp_path: Path
) -> None:
    """Whatever change of state was the host's last, each file ends in exactly one place, submitted no more than due."""
    steps, wrong = run(storage, next(accounts), tmp_path / "whole", None)
    assert wrong is None
    assert len(steps) > 20

    def killed_after(number: int) -> str | None:
        account = next(accounts)
        try:
            taken, wrong = run(storage, account, tmp_path / account, number)
        except AssertionError as error:
            return f"killed after step {number}: {error}"
        return f"killed after step {number} ({taken[-1]}): {wrong}" if wrong else None

    with ThreadPoolExecutor(AT_ONCE) as threads:
        problems = [problem for problem in threads.map(killed_after, range(1, len(steps) + 1)) if problem]
    assert not problems, "\n".join(problems)
