"""The pure parts of the commands: names of uploads, stages, patience, ports, logs, and processes that end."""

import os
import sys
import time
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from devstack.azurite import ROOT
from devstack.display import LiveTable, PlainDisplay
from devstack.journeys import QUIET_SECONDS, Journey, follow, patience
from devstack.processes import ManagedProcess, StackError, free_port
from devstack.runs import KEPT_RUNS, RunningStack, new_log_folder, newest_stack, recorded
from devstack.stack import Kept, Ports
from devstack.stages import Observation, Stage, Version, stage_of
from devstack.up import available, remember, remembered
from devstack.uploads import plan_uploads, unique_names

CALL = Version("call.wav", "0x1")


# Names


@given(st.lists(st.sampled_from(["a.wav", "A.wav", "a-2.wav", "a-2-2.wav", "a.mp3", "b.wav"]), max_size=8))
def test_no_upload_hides_another(names: list[str]) -> None:
    """Blob names differ, also where case does not count, and only those that clash are changed."""
    unique = unique_names(names)
    assert len({name.casefold() for name in unique}) == len(names)
    first = {name.casefold(): index for index, name in reversed(list(enumerate(names)))}
    assert all(unique[index] == names[index] for index in first.values())


def test_copies_are_named_after_the_audio(tmp_path: Path) -> None:
    """The ending is left out, except where two would then be called the same."""
    paths = [tmp_path / name for name in ("call.wav", "call.mp3", "talk.ogg", "sub/talk.ogg")]
    (tmp_path / "sub").mkdir()
    for path in paths:
        path.write_bytes(b"audio")
    uploads = plan_uploads(paths)
    assert [upload.blob for upload in uploads] == ["call.wav", "call.mp3", "talk.ogg", "talk-2.ogg"]
    assert [upload.copy for upload in uploads] == ["call.wav", "call.mp3", "talk", "talk-2"]


# Stages


def observation(
    *, waiting: bool = False, job: bool = False, status: str | None = None, end: Stage | None = None
) -> Observation:
    """What is seen of the call."""
    return Observation(
        waiting=frozenset({CALL} if waiting else ()),
        jobs={CALL: "job"} if job else {},
        statuses={"job": status} if status else {},
        ends={CALL: end} if end else {},
    )


@pytest.mark.parametrize(
    ("seen", "stage"),
    [
        (observation(), None),
        (observation(waiting=True), Stage.WAITING),
        (observation(waiting=True, job=True), Stage.SUBMITTED),
        (observation(job=True, status="NotStarted"), Stage.SUBMITTED),
        (observation(job=True, status="Running"), Stage.RECOGNIZING),
        (observation(job=True, status="Succeeded"), Stage.COLLECTING),
        (observation(job=True, status="Failed"), Stage.COLLECTING),
        (observation(job=True, status="Succeeded", end=Stage.TRANSCRIBED), Stage.TRANSCRIBED),
        (observation(end=Stage.FAILED), Stage.FAILED),
    ],
)
def test_the_furthest_record_is_the_stage(seen: Observation, stage: Stage | None) -> None:
    """An outcome counts before a job, and a job before a ticket: each is written before the one before is deleted."""
    assert stage_of(CALL, seen) is stage


def test_an_older_version_of_the_blob_is_somebody_elses() -> None:
    """What came of yesterday's upload of that name says nothing of today's."""
    assert stage_of(Version("call.wav", "0x2"), observation(end=Stage.TRANSCRIBED)) is None


class Time:
    """A clock that moves only when somebody sleeps."""

    def __init__(self, step: float = 1) -> None:
        self.now = 0.0
        self._step = step

    def clock(self) -> float:
        """The time in seconds."""
        return self.now

    def sleep(self, _: float) -> None:
        """Let a step pass."""
        self.now += self._step


def test_a_file_is_followed_through_every_change_to_its_end() -> None:
    """Each change is shown once; a look between two records, which shows nothing, changes nothing."""
    looks = iter(
        [
            observation(),
            observation(waiting=True),
            observation(waiting=True),
            observation(job=True, status="Running"),
            observation(),
            observation(end=Stage.TRANSCRIBED),
        ]
    )
    output, time_ = StringIO(), Time()
    display = PlainDisplay(Console(file=output))
    journey = Journey(CALL, began=0, speech_seconds=1)
    follow([journey], lambda _: next(looks), display, check=lambda: None, clock=time_.clock, sleep=time_.sleep)
    assert [line.split() for line in output.getvalue().splitlines()] == [
        ["1.0", "s", "call.wav:", "waiting"],
        ["3.0", "s", "call.wav:", "recognizing"],
        ["5.0", "s", "call.wav:", "transcribed"],
    ]
    assert journey.elapsed(now=100) == 5


def test_long_recordings_are_waited_for_and_stuck_ones_are_not() -> None:
    """Nothing may change for ten minutes, and while audio is recognized, for as long as it lasts on top."""
    journey = Journey(CALL, began=0, speech_seconds=7200, stage=Stage.RECOGNIZING)
    assert patience([journey]) == QUIET_SECONDS + 7200
    time_ = Time(step=60)
    display = PlainDisplay(Console(file=StringIO()))

    def look(_: Iterable[Version]) -> Observation:
        return observation(job=True, status="Running")

    with pytest.raises(StackError, match=r"131 minutes.*call\.wav \(recognizing\)"):
        follow([journey], look, display, check=lambda: None, clock=time_.clock, sleep=time_.sleep)
    assert time_.now == QUIET_SECONDS + 7200 + 60


def test_a_dead_part_ends_the_waiting() -> None:
    """What the check raises comes through before anything is looked at."""

    def check() -> None:
        raise StackError("Azurite ended unexpectedly.")

    def look(_: Iterable[Version]) -> Observation:
        pytest.fail("the stack is dead")

    display, time_ = PlainDisplay(Console(file=StringIO())), Time()
    with pytest.raises(StackError, match="Azurite"):
        follow([Journey(CALL, 0, 1)], look, display, check=check, clock=time_.clock, sleep=time_.sleep)


def test_the_table_keeps_to_the_terminals_height() -> None:
    """Of many files those are shown that are not finished, with a count of the others."""
    journeys = [Journey(Version(f"{number}.wav", ""), 0, 1) for number in range(40)]
    for journey in journeys[:35]:
        journey.stage = Stage.TRANSCRIBED
    output = StringIO()
    console = Console(file=output, width=60, height=10)
    console.print(LiveTable(console, journeys, lambda: 2.0).render())
    lines = output.getvalue().splitlines()
    assert len(lines) == 8
    assert all(f"{number}.wav" in output.getvalue() for number in range(35, 40))
    assert "35 of 40 finished" in lines[-1]


# What `up` keeps


def test_ports_and_secret_stay_the_same(tmp_path: Path) -> None:
    """What was written down is read again, and nobody else can read it."""
    kept = Kept(tmp_path, Ports(1, 2, 3, 4), "a secret")
    remember(kept)
    remember(kept)
    assert remembered(tmp_path) == kept
    assert (tmp_path / "stack.json").stat().st_mode & 0o077 == 0


def test_a_new_place_gets_the_usual_ports_and_a_secret_of_its_own(tmp_path: Path) -> None:
    """Two places never share a secret."""
    first, second = remembered(tmp_path), remembered(tmp_path)
    assert first.ports.functions == 7071
    assert first.webhook_secret != second.webhook_secret
    assert len(first.webhook_secret) >= 32


def test_a_broken_memory_is_named(tmp_path: Path) -> None:
    """The message says which file to delete."""
    (tmp_path / "stack.json").write_text('{"ports": {}}')
    with pytest.raises(StackError, match=r"stack\.json cannot be read"):
        remembered(tmp_path)


def test_only_a_taken_port_is_replaced() -> None:
    """The others stay, since kept URLs name them."""
    ports = available(Ports(1, 2, 3, 4), taken=lambda port: port == 3, free=lambda: 99)
    assert ports == Ports(1, 2, 99, 4)


# Logs and records


def test_the_logs_of_the_last_runs_are_kept(tmp_path: Path) -> None:
    """Older ones go, the setup's log stays, and so does what a running stack writes."""
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs/setup.log").touch()
    start = datetime(2026, 1, 1, tzinfo=UTC)
    first = new_log_folder("up", now=start, local=tmp_path)
    listener = ManagedProcess("a host", _python(LISTEN, str(port := free_port())), log=tmp_path / "host.log")
    stack = RunningStack(os.getpid(), "", "", f"http://127.0.0.1:{port}", str(first))
    with listener, recorded(stack, local=tmp_path):
        listener.wait_until(lambda: stack.alive, seconds=10)
        folders = [
            new_log_folder("demo", now=start + timedelta(seconds=number), local=tmp_path)
            for number in range(1, KEPT_RUNS + 3)
        ]
        assert newest_stack(tmp_path) == stack
        left = {path for path in (tmp_path / "logs").iterdir() if path.is_dir()}
        assert left == {first, *folders[-KEPT_RUNS:]}
    assert (tmp_path / "logs/setup.log").exists()
    with pytest.raises(StackError, match="No stack is running"):
        newest_stack(tmp_path)


def test_the_record_of_a_killed_stack_is_cleared_away(tmp_path: Path) -> None:
    """Its port answers no more."""
    dead = RunningStack(os.getpid(), "", "", f"http://127.0.0.1:{free_port()}", "")
    with recorded(dead, local=tmp_path):
        with pytest.raises(StackError, match="No stack is running"):
            newest_stack(tmp_path)
        assert list((tmp_path / "running").iterdir()) == []


# Processes

LISTEN = """
import socket, sys
with socket.create_server(("127.0.0.1", int(sys.argv[1]))) as server:
    while True:
        server.accept()
"""

STUBBORN = """
import os, signal, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
child = os.fork()
open(sys.argv[1] + str(child), "w").close()
time.sleep(600)
"""

ORPHANED = """
import os, signal, sys
from pathlib import Path
from devstack.processes import ManagedProcess
process = ManagedProcess("a sleeper", [sys.executable, "-c", "import time; time.sleep(600)"], log=Path(sys.argv[1]))
print(process.pid, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


def _python(code: str, *arguments: str) -> list[str]:
    return [sys.executable, "-c", code, *arguments]


def _gone(pid: int, *, seconds: float = 10) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        if Path(f"/proc/{pid}/stat").read_text().split()[2] == "Z":
            return True
        time.sleep(0.02)
    return False


def test_a_process_that_ignores_sigterm_is_killed_with_its_children(tmp_path: Path) -> None:
    """Nothing of the group survives `stop`."""
    process = ManagedProcess("a stubborn one", _python(STUBBORN, f"{tmp_path}/child-"), log=tmp_path / "log")
    process.wait_until(lambda: len(list(tmp_path.glob("child-*"))) == 2, seconds=10)
    child = max(int(path.name.removeprefix("child-")) for path in tmp_path.glob("child-*"))
    process.stop(grace_seconds=0.1)
    assert not process.running
    assert _gone(child)


def test_an_early_end_is_told_with_the_log(tmp_path: Path) -> None:
    """The error has the name, the exit code, the last lines and the path."""
    log = tmp_path / "part.log"
    with (
        ManagedProcess("the part", _python("print('port taken'); exit(3)"), log=log) as part,
        pytest.raises(StackError, match=rf"(?s)the part ended with exit code 3.*  \| port taken.*{log}"),
    ):
        part.wait_until(lambda: False, seconds=10)


def test_a_missing_program_is_named(tmp_path: Path) -> None:
    """It is told without a traceback."""
    with pytest.raises(StackError, match="Azurite needs `node-of-old`, which is not on PATH"):
        ManagedProcess("Azurite", ["node-of-old"], log=tmp_path / "log")


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a child of its parent's death")
def test_a_process_ends_with_a_parent_that_is_killed(tmp_path: Path) -> None:
    """Even SIGKILL of the command leaves nothing behind."""
    orphaned = _python(ORPHANED, str(tmp_path / "child.log"))
    with ManagedProcess("a parent", orphaned, log=tmp_path / "pid", cwd=ROOT) as parent:
        while parent.running:
            time.sleep(0.02)
        assert _gone(int((tmp_path / "pid").read_text()))
