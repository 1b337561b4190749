"""A kill at any moment, with a location: what is there afterwards is whole, and what was under way starts again."""

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import requests

from emulator import SpeechEmulator
from tests.contract.custom_speech import make_entities
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
    assert {finished(location) for location in snapshots} == {0, 1}


def test_every_noun_survives_a_kill(snapshots: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same of an entity of every noun that has jobs; of all the moments, one in nine is tried."""
    with SpeechEmulator(location=tmp_path / "state") as emulator:
        made = make_entities(emulator)
    monkeypatch.undo()
    assert {"datasets", "models", "evaluations", "endpoints", "transcriptions"} < made.ids.keys()
    assert max(finished(location) for location in snapshots[::-9]) >= 5


def finished(location: Path) -> int:
    """Start again after a kill, and look at all that there is when the jobs have finished; how many entities."""
    listed: list[dict[str, Any]] = []
    with SpeechEmulator(location=location) as emulator, Api(emulator.base_url, emulator.key) as api:
        emulator.settle()
        for noun in ("datasets", "models", "evaluations", "endpoints", "transcriptions"):
            listed += api("GET", f"/{noun}").json()["values"]
        for one in listed:
            assert one["status"] == "Succeeded", one
            files = api("GET", one["links"]["files"]).json()["values"] if "files" in one["links"] else []
            assert {requests.get(file["links"]["contentUrl"], timeout=60).status_code for file in files} <= {200}
    with closing(sqlite3.connect(location / "state.sqlite")) as database:
        ids = {row[0] for row in database.execute("SELECT id FROM entities WHERE deleted IS NULL")}
        files = database.execute("SELECT id, owner FROM files").fetchall()
        assert {owner for _, owner in files} <= ids
        assert {path.name for path in (location / "files").iterdir()} == {name for name, _ in files}
        assert {path.name for path in (location / "folders").iterdir()} <= ids
        assert [body for (body,) in database.execute("SELECT body FROM contents") if "sig=" in body] == []
    return len(listed)
