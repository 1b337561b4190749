"""A kill at any moment, with a location: what is there afterwards is whole, and what was under way starts again."""

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
import requests

from emulator import SpeechEmulator
from tests.contract.specification import Api
from tests.contract.surroundings import Audio


@pytest.fixture
def snapshots(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """What a kill would leave of `state`, before every statement that the store executes; grows as it does so."""
    state, copies = tmp_path / "state", list[Path]()
    connect = sqlite3.connect

    def traced(path: Path, *, timeout: float, isolation_level: None) -> sqlite3.Connection:
        def copy(_: str) -> None:
            copies.append(tmp_path / f"killed-{len(copies)}")
            shutil.copytree(state, copies[-1])

        database = connect(path, timeout=timeout, isolation_level=isolation_level)
        database.set_trace_callback(copy)
        return database

    monkeypatch.setattr(sqlite3, "connect", traced)
    with SpeechEmulator(location=state):
        monkeypatch.undo()
    copies.clear()
    monkeypatch.setattr(sqlite3, "connect", traced)
    return copies


def test_a_transcription_survives_a_kill_at_any_moment(
    snapshots: list[Path], tmp_path: Path, audio: Audio, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is there whole or not at all and ends as Succeeded; no SAS is left, and no file that is nobody's."""
    with SpeechEmulator(location=tmp_path / "state") as emulator, Api(emulator.base_url, emulator.key) as api:
        body = {"displayName": "t", "locale": "en-US", "contentUrls": [audio.url("a.wav")]}
        made = api("POST", "/transcriptions", json=body).json()
        emulator.settle()
        assert api("DELETE", made["self"]).status_code == 204
    monkeypatch.undo()
    assert len(snapshots) > 10
    seen = {finished(location) for location in snapshots}
    assert seen == {0, 1}


def finished(location: Path) -> int:
    """Start again after a kill, and look at all that there is when the jobs have finished; how many there are."""
    with SpeechEmulator(location=location) as emulator, Api(emulator.base_url, emulator.key) as api:
        emulator.settle()
        listed = api("GET", "/transcriptions").json()["values"]
        owned = []
        for one in listed:
            assert one["status"] == "Succeeded", one
            files = api("GET", one["links"]["files"]).json()["values"]
            assert {file["name"] for file in files} == {"contenturl_0.json", "report.json"}
            assert {requests.get(file["links"]["contentUrl"], timeout=60).status_code for file in files} == {200}
            owned += [file["self"].rpartition("/")[2] for file in files]
    assert sorted(path.name for path in (location / "files").iterdir()) == sorted(owned)
    with closing(sqlite3.connect(location / "state.sqlite")) as database:
        assert sorted(row[0] for row in database.execute("SELECT id FROM files")) == sorted(owned)
        assert [body for (body,) in database.execute("SELECT body FROM contents") if "sig=" in body] == []
    return len(listed)
