"""The commands `demo`, `drop` and `up` as a user runs them: as processes of their own, with everything they start."""

import json
import os
import re
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import jiwer
import pytest
from azure.storage.blob import BlobServiceClient

from devstack.azurite import ROOT
from devstack.processes import free_port
from devstack.runs import newest_stack
from devstack.stack import Kept, Ports
from devstack.up import remember, remembered

pytestmark = [
    pytest.mark.end_to_end,
    pytest.mark.skipif(not Path("/proc").is_dir(), reason="looks for processes that were left behind in /proc"),
]

CLIP = ROOT / "tests/data/audio/clip.flac"
MAX_WORD_ERROR_RATE = 0.15


@dataclass
class Command:
    """A running command of `dev.py`, its output a pipe."""

    process: subprocess.Popen[str]
    seen: str = ""

    def read_until(self, needle: str) -> None:
        """Read what it prints until a line contains the needle."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.seen += line
            if needle in line:
                return
        pytest.fail(f"{needle!r} was never printed:\n{self.seen}")

    def end(self) -> int:
        """Read the rest, and return the exit code."""
        rest, _ = self.process.communicate(timeout=120)
        self.seen += rest
        return self.process.returncode


type Start = Callable[..., Command]


@pytest.fixture
def local(tmp_path: Path) -> Path:
    """What stands for `.local`; its path, in the environment of every process, marks them as this test's."""
    return tmp_path / "local"


@pytest.fixture
def start(local: Path) -> Iterator[Start]:
    """Starts commands; after the test, nothing that they started may be left."""
    environment = {**os.environ, "DROPSCRIBE_LOCAL": str(local), "PYTHONPATH": str(ROOT)}
    commands: list[Command] = []

    def run(*arguments: str | Path) -> Command:
        process = subprocess.Popen(  # noqa: S603 - our own command
            [sys.executable, "-m", "devstack", *map(str, arguments)],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        commands.append(Command(process))
        return commands[-1]

    yield run
    for command in commands:
        if command.process.poll() is None:
            command.process.kill()
        command.process.communicate()
    assert left_behind(local) == []


def left_behind(local: Path, *, seconds: float = 10) -> list[str]:
    """Command lines of processes with the mark in their environment, once none is left or the time is up."""
    mark = f"DROPSCRIBE_LOCAL={local}\0".encode()
    deadline = time.monotonic() + seconds
    while (found := list(_marked(mark))) and time.monotonic() < deadline:
        time.sleep(0.05)
    return found


def _marked(mark: bytes) -> Iterator[str]:
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if mark in (process / "environ").read_bytes():
                yield (process / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue  # it has just ended, or is somebody else's


def test_demo_writes_the_transcript_of_real_speech(start: Start, tmp_path: Path) -> None:
    """Speech comes back as its words, in each format; a broken file beside it fails with the reason and exit code 1."""
    broken, out = tmp_path / "broken.wav", tmp_path / "out"
    broken.write_bytes(b"this is no audio" * 100)
    demo = start("demo", CLIP, broken, "--out", out)

    assert demo.end() == 1, demo.seen
    assert "broken.wav failed: InvalidData: " in demo.seen
    assert sorted(path.name for path in out.iterdir()) == ["clip.json", "clip.srt", "clip.txt", "clip.vtt"]
    document = json.loads((out / "clip.json").read_text())
    spoken = " ".join(CLIP.with_suffix(".txt").read_text().split())
    assert jiwer.wer(spoken, document["channels"][0]["lexical"]) <= MAX_WORD_ERROR_RATE
    assert all(phrase["display"] in demo.seen for phrase in document["phrases"])
    assert (out / "clip.vtt").read_text().startswith("WEBVTT\n")


def test_demo_ends_well_with_every_file_transcribed(start: Start, tmp_path: Path) -> None:
    """Exit code 0; files of one name get names of their own, and a line is printed for each stage from start to end."""
    other = tmp_path / "other" / CLIP.name
    other.parent.mkdir()
    other.write_bytes(CLIP.read_bytes())
    demo = start("demo", "--engine", "scripted", CLIP, other, "--out", tmp_path / "out")

    assert demo.end() == 0, demo.seen
    assert {path.name for path in (tmp_path / "out").glob("*.json")} == {"clip.json", "clip-2.json"}
    for name in ("clip.flac", "clip-2.flac"):
        assert f"{name}: uploaded" in demo.seen
        assert f"{name}: transcribed" in demo.seen


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129), (signal.SIGKILL, -9)]
)
@pytest.mark.parametrize("moment", ["azurite.log", "uploaded"])
def test_demo_leaves_no_process_behind(start: Start, local: Path, number: int, code: int, moment: str) -> None:
    """Ended by a signal, while it starts or while it waits, it takes everything with it, and says so by its code."""
    demo = start("demo", "--engine", "scripted", CLIP)
    if moment == "uploaded":
        demo.read_until(moment)
        assert len(left_behind(local, seconds=0)) >= 4  # the command, Azurite, the emulator, the host
    else:
        while not list(local.glob(f"logs/*/{moment}")):
            assert demo.process.poll() is None
            time.sleep(0.01)
    demo.process.send_signal(number)

    assert demo.end() == code, demo.seen
    assert "transcribed" not in demo.seen
    assert left_behind(local) == []


def test_demo_refuses_what_it_cannot_transcribe_before_anything_starts(
    start: Start, local: Path, tmp_path: Path
) -> None:
    """A file of an unknown type, a missing and an empty one are each told, with exit code 2 and no stack."""
    unknown, empty = tmp_path / "notes.docx", tmp_path / "empty.wav"
    unknown.write_text("no audio")
    empty.touch()
    demo = start("demo", unknown, empty, tmp_path / "missing.wav", CLIP)

    assert demo.end() == 2
    lines = demo.seen.splitlines()
    assert [line.partition(": ")[0] for line in lines] == [str(unknown), str(empty), str(tmp_path / "missing.wav")]
    assert "type .docx" in lines[0]
    assert not local.exists()


def test_demo_says_which_part_died_and_why(start: Start, local: Path) -> None:
    """A part that is killed ends the demo with its name, the end of its log and the log's path."""
    demo = start("demo", "--engine", "scripted", CLIP)
    demo.read_until("uploaded")
    for process in Path("/proc").glob("[0-9]*"):
        if b"devhost" in _read(process / "cmdline") and str(local).encode() in _read(process / "environ"):
            os.kill(int(process.name), signal.SIGKILL)

    assert demo.end() == 1
    assert "the Functions host ended unexpectedly" in demo.seen
    assert "  | " in demo.seen
    assert f"{local}/logs/" in demo.seen


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


def test_up_finds_its_data_again(start: Start, local: Path) -> None:
    """What was transcribed yesterday is there today, at the same address; more can be dropped, and is signed for."""
    kept = Kept(local / "data", Ports(free_port(), free_port(), free_port(), free_port()), "secret of yesterday")
    kept.data.mkdir(parents=True)
    remember(kept)
    first, secret = start("up", "--engine", "scripted"), kept.data / "stack.json"
    first.read_until("is up until Ctrl-C")
    drop = start("drop", CLIP)
    assert drop.end() == 0, drop.seen
    transcript = re.search(r"JSON +(http\S+/transcripts/clip\.flac\.json)", drop.seen)
    assert transcript, drop.seen
    first.process.send_signal(signal.SIGINT)
    assert first.end() == 0, first.seen

    second = start("up", "--engine", "scripted")
    second.read_until("is up until Ctrl-C")
    storage = BlobServiceClient.from_connection_string(newest_stack(local).connection_string)
    names = [blob.name for blob in storage.get_container_client("transcripts").list_blobs()]
    assert names == [f"clip.flac.{ending}" for ending in ("json", "srt", "txt", "vtt")]
    assert storage.get_blob_client("transcripts", "clip.flac.json").url == transcript[1]
    again = start("drop", CLIP)
    assert again.end() == 0, again.seen
    second.process.send_signal(signal.SIGINT)
    assert second.end() == 0, second.seen
    assert remembered(kept.data) == kept
    assert stat.S_IMODE(secret.stat().st_mode) == 0o600


def test_up_runs_once(start: Start) -> None:
    """A second `up` on the same data is refused, and the first goes on."""
    first = start("up", "--engine", "scripted")
    first.read_until("is up until Ctrl-C")
    second = start("up", "--engine", "scripted")
    assert second.end() == 1
    assert "is running already" in second.seen
    first.process.send_signal(signal.SIGTERM)
    assert first.end() == 143
