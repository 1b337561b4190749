"""The emulator as a process: its ready line, its end, and what survives a restart."""

import os
import re
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests

from emulator import DEFAULT_KEY, SpeechEmulator
from emulator.__main__ import main
from tests.contract.specification import Api
from tests.contract.surroundings import Audio

READY = re.compile(r"^Speech emulator listening on (http://127\.0\.0\.1:\d+/speechtotext/v3\.1)$")


@dataclass
class Running:
    """An emulator in a process of its own."""

    process: "subprocess.Popen[str]"
    base_url: str

    def end(self, how: signal.Signals) -> tuple[int, str]:
        """Send a signal; returns the exit code and all that was printed since the ready line."""
        self.process.send_signal(how)
        rest, _ = self.process.communicate(timeout=30)
        return self.process.returncode, rest


@contextmanager
def running(*arguments: str, temporary: Path | None = None) -> Iterator[Running]:
    """Start `python -m emulator` with the scripted engine on a free port."""
    command = [sys.executable, "-m", "emulator", "--port", "0", "--engine", "scripted", *arguments]
    env = {**os.environ, **({"TMPDIR": str(temporary)} if temporary else {})}
    with subprocess.Popen(  # noqa: S603 - our own command
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=env
    ) as process:
        try:
            assert process.stdout
            ready = READY.match(process.stdout.readline().rstrip())
            assert ready, process.stdout.read()
            yield Running(process, ready.group(1))
        finally:
            process.kill()


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_it_ends_cleanly(how: signal.Signals, tmp_path: Path) -> None:
    """A signal ends it with code 0, silently, though jobs run and a connection is open; no temporary file is left."""
    with running("--job-seconds", "0,600", temporary=tmp_path) as emulator, Api(emulator.base_url, DEFAULT_KEY) as api:
        urls = ["http://127.0.0.1:9/a.wav?sig=secret"]
        api("POST", "/transcriptions", json={"displayName": "t", "locale": "en-US", "contentUrls": urls})
        assert emulator.end(how) == (0, "")
    assert list(tmp_path.iterdir()) == []


def test_state_survives_a_kill(tmp_path: Path, audio: Audio) -> None:
    """With a location, what finished stays readable, and what was running starts again, in a new process."""
    location = str(tmp_path / "state")
    create = {"displayName": "t", "locale": "en-US", "contentUrls": [audio.url("a.wav")]}
    with running("--location", location) as first, Api(first.base_url, DEFAULT_KEY) as api:
        done = api("POST", "/transcriptions", json=create).json()
        hook = {"displayName": "h", "webUrl": "http://127.0.0.1:9/", "events": {}}
        api("POST", "/webhooks", json=hook)
        move(first, 0)
        first.process.kill()
    with running("--location", location, "--job-seconds", "0,600") as second, Api(second.base_url, DEFAULT_KEY) as api:
        unfinished = api("POST", "/transcriptions", json=create).json()
        move(second, 1)
        assert api("GET", unfinished["self"]).json()["status"] == "Running"
        second.process.kill()
    with running("--location", location) as third, Api(third.base_url, DEFAULT_KEY) as api:
        move(third, 0)
        listed = api("GET", "/transcriptions").json()["values"]
        assert [one["status"] for one in listed] == ["Succeeded", "Succeeded"]
        for before, after in zip((done, unfinished), listed, strict=True):
            assert after["self"] == f"{third.base_url}/transcriptions/{before['self'].rpartition('/')[2]}"
            names = {
                file["name"]: requests.get(file["links"]["contentUrl"], timeout=60).status_code
                for file in api("GET", after["links"]["files"]).json()["values"]
            }
            assert names == {"contenturl_0.json": 200, "report.json": 200}
        assert len(api("GET", "/webhooks").json()["values"]) == 1
        files = tmp_path / "state" / "files"
        assert len(list(files.iterdir())) == 4
        assert api("DELETE", listed[0]["self"]).status_code == 204
        assert len(list(files.iterdir())) == 2
    with closing(sqlite3.connect(tmp_path / "state" / "state.sqlite")) as database:
        assert [body for (body,) in database.execute("SELECT body FROM contents") if "sig=" in body] == []


def move(emulator: Running, seconds: float) -> None:
    """Move the clock and wait until everything has reacted."""
    admin = emulator.base_url.removesuffix("/speechtotext/v3.1") + "/emulator/clock"
    assert requests.post(admin, json={"advance_seconds": seconds}, timeout=60).status_code == 200


@pytest.mark.parametrize(
    ("arguments", "telling"),
    [
        (("--fault", "flood"), "flood"),
        (("--job-seconds", "soon"), "soon"),
        (("--engine", "oracle"), "oracle"),
        (("--job-seconds", "nan,1"), "nan"),
        (("--workers", "0"), "at least 1"),
        (("--port", "65536"), "65535"),
        (("--key", ""), "empty"),
        (("--fault", "late,seconds=inf"), "seconds"),
    ],
)
def test_wrong_arguments_are_told(arguments: tuple[str, ...], telling: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A wrong argument ends it with code 2 and names what is wrong."""
    with pytest.raises(SystemExit, match="2"):
        main(list(arguments))
    assert telling in capsys.readouterr().err


def test_a_taken_port_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    """Code 1 and one line that names the port."""
    with SpeechEmulator() as emulator:
        port = emulator.endpoint.rpartition(":")[2]
        assert main(["--engine", "scripted", "--port", port]) == 1
    assert port in capsys.readouterr().err


def test_a_location_that_cannot_be_used_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One that another emulator uses (which is not disturbed), a file, and one whose state is no database: code 1."""
    (tmp_path / "file").touch()
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "state.sqlite").write_text("no database" * 1000)
    with SpeechEmulator(location=tmp_path / "used") as emulator:
        for name in ("used", "file", "broken"):
            assert main(["--engine", "scripted", "--port", "0", "--location", str(tmp_path / name)]) == 1
            told = capsys.readouterr().err
            assert told.startswith("The emulator cannot run: ")
            assert str(tmp_path / name) in told
        with Api(emulator.base_url, emulator.key) as api:
            assert api("GET", "/transcriptions").status_code == 200
