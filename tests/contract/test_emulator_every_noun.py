"""What holds for every noun: whose its entities are, how they are changed, what outlives a restart or a reset."""

import base64
import re
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from emulator import JobSeconds, SpeechEmulator
from tests.contract.custom_speech import Entities, make_entities
from tests.contract.operations import OPERATIONS
from tests.contract.specification import KEY_HEADER, Api
from tests.contract.surroundings import OTHER_KEY, wav

NOUNS = ("datasets", "models", "endpoints", "evaluations", "transcriptions", "projects", "webhooks")
COMMON = {"displayName": "x", "locale": "en-US"}
SHORT_AUDIO = "/speech/recognition/conversation/cognitiveservices/v1"
LISTS = [path for method, path, _ in OPERATIONS if method == "GET" and path.removeprefix("/") in NOUNS]


@pytest.fixture(scope="module")
def running() -> Iterator[SpeechEmulator]:
    """An emulator with two subscriptions."""
    with SpeechEmulator(other_keys=(OTHER_KEY,)) as emulator:
        yield emulator


@pytest.fixture(scope="module")
def entities(running: SpeechEmulator) -> Entities:
    """An entity of every noun, of the first subscription, and a log of its endpoint and of the base model."""
    made = make_entities(running)
    assert speak(running, made.ids["endpoints"]) == speak(running, None) == 200
    return made


@pytest.fixture
def api(running: SpeechEmulator) -> Iterator[Api]:
    """The first subscription."""
    with Api(running.base_url, running.key) as client:
        yield client


@pytest.fixture
def other(running: SpeechEmulator) -> Iterator[Api]:
    """The second one."""
    with Api(running.base_url, OTHER_KEY) as client:
        yield client


def speak(emulator: SpeechEmulator, endpoint: str | None, key: str | None = None) -> int:
    """Have audio recognized by an endpoint, or by the base model and logged; the status."""
    query = {"language": "en-US", **({"cid": endpoint} if endpoint else {"storeAudio": "true"})}
    kind = "audio/wav; codecs=audio/pcm; samplerate=16000"
    headers = {KEY_HEADER: key or emulator.key, "Content-Type": kind, "X-Emulator-Transcript": "yes"}
    url, data = emulator.endpoint + SHORT_AUDIO, wav(rate=16_000)
    return requests.post(url, params=query, headers=headers, data=data, timeout=60).status_code


def logs_of(api: Api, where: str) -> list[str]:
    """The ids of the logs of an endpoint, or of `base/<locale>`."""
    listed = api("GET", f"/endpoints/{where}/files/logs").json()["values"]
    return [log["self"].rpartition("/")[2] for log in listed]


def inner(response: requests.Response) -> str:
    """The detailed error code of a refusal."""
    assert response.status_code == 400, response.text
    code: str = response.json()["innerError"]["code"]
    return code


BODIES: dict[str, dict[str, Any]] = {
    "PATCH": {"json": {"displayName": "mine"}},
    "Datasets_UploadBlock": {
        "data": b"x", "params": {"blockid": "b25l"}, "headers": {"Content-Type": "application/octet-stream"},
    },
    "Datasets_CommitBlocks": {"json": [{"kind": "Latest", "id": "b25l"}]},
    "Models_CopyTo": {"json": {"targetSubscriptionKey": OTHER_KEY}},
}  # fmt: skip
"""What requests need to be about the entity at all, by method or operation."""


@pytest.mark.parametrize("asked", [one for one in OPERATIONS if "{id}" in one[1]], ids=lambda one: one[2])
def test_no_operation_reaches_the_entity_of_another_subscription(
    api: Api, other: Api, entities: Entities, asked: tuple[str, str, str]
) -> None:
    """It is as though it was not there; base models are everybody's."""
    method, path, operation = asked
    known = entities.path_parameters(operation)
    if "{logId}" in path:
        known["logId"] = logs_of(api, known["id"])[0]
    url = path.format(**known)
    before = api("GET", f"/{path.split('/')[1]}/{known['id']}").content if "base" not in path else b""
    response = other(method, url, **BODIES.get(operation, BODIES.get(method, {})))
    if "base" in path:
        assert response.status_code == 200
    else:
        missing = 204 if method == "DELETE" and "logs" not in path else 404
        assert response.status_code == missing, response.text
        assert api("GET", f"/{path.split('/')[1]}/{known['id']}").content == before


def test_lists_and_logs_have_only_what_is_the_subscriptions_own(
    running: SpeechEmulator, api: Api, other: Api, entities: Entities
) -> None:
    """Nothing of another's is in a list, nor among the logs of base models; nobody speaks to another's endpoint."""
    assert len(LISTS) == len(NOUNS)
    for path in LISTS:
        assert api("GET", path).json()["values"]
        assert other("GET", path).json()["values"] == []
    assert len(logs_of(api, "base/en-US")) == 2
    assert logs_of(other, "base/en-US") == []
    log = logs_of(api, "base/en-US")[0]
    assert other("GET", f"/endpoints/base/en-US/files/logs/{log}").status_code == 404
    assert other("DELETE", f"/endpoints/base/en-US/files/logs/{log}").status_code == 204
    assert other("DELETE", "/endpoints/base/en-US/files/logs").status_code == 202
    assert len(logs_of(api, "base/en-US")) == 2
    assert speak(running, entities.ids["endpoints"], key=OTHER_KEY) >= 400
    assert len(logs_of(api, entities.ids["endpoints"])) == 2


def test_nothing_refers_to_the_entity_of_another_subscription(
    running: SpeechEmulator, other: Api, entities: Entities
) -> None:
    """Neither at creation nor by a patch."""
    url = {noun: {"self": entities.url(running, noun)} for noun in entities.ids}
    base, project, model, dataset = url["base"], url["projects"], url["models"], url["datasets"]
    source = {"contentUrls": ["http://127.0.0.1:9/a.wav"]}
    identification = {"candidateLocales": ["en-US", "de-DE"], "speechModelMapping": {"en-US": model}}
    cases: list[tuple[str, dict[str, Any], str]] = [
        ("datasets", {"kind": "Language", "project": project}, "InvalidProject"),
        ("models", {"text": "One.", "project": project}, "InvalidProject"),
        ("models", {"text": "One.", "baseModel": model}, "InvalidBaseModel"),
        ("models", {"datasets": [dataset]}, "InvalidDataset"),
        ("endpoints", {"project": project}, "InvalidProject"),
        ("endpoints", {"model": model}, "InvalidModel"),
        ("evaluations", {"model1": base, "model2": model, "dataset": dataset}, "InvalidDataset"),
        ("transcriptions", {"dataset": dataset}, "InvalidDataset"),
        ("transcriptions", {**source, "project": project}, "InvalidProject"),
        ("transcriptions", {**source, "model": model}, "InvalidModel"),
        ("transcriptions", {**source, "properties": {"languageIdentification": identification}}, "InvalidModel"),
    ]
    for noun, fields, code in cases:
        assert inner(other("POST", f"/{noun}", json={**COMMON, **fields})) == code, (noun, fields)
    endpoint = other("POST", "/endpoints", json=COMMON).json()["self"]
    running.settle()
    assert inner(other("PATCH", endpoint, json={"model": model})) == "InvalidModel"
    assert inner(other("PATCH", endpoint, json={"project": project})) == "InvalidProject"
    assert other("DELETE", endpoint).status_code == 204


@pytest.mark.parametrize("noun", NOUNS)
def test_what_a_patch_can_change(api: Api, entities: Entities, noun: str) -> None:
    """Name, description and custom properties, merged; null removes what can be missing; the rest stays as it is."""
    where = f"/{noun}/{entities.ids[noun]}"
    before = api("GET", where).json()
    merge = {"headers": {"Content-Type": "application/merge-patch+json"}}
    new = {"displayName": "new", "description": "told", "customProperties": {"a": "1", "b": "2"}}
    after = api("PATCH", where, json=new, **merge).json()
    assert after == {**before, **new}
    after = api("PATCH", where, json={"customProperties": {"a": None, "c": "3"}}).json()
    assert after["customProperties"] == {"b": "2", "c": "3"}
    assert api("PATCH", where, json={}).json() == after
    name = before["displayName"]
    gone = api("PATCH", where, json={"displayName": name, "description": None, "customProperties": None}).json()
    assert gone == before == api("GET", where).json()


@pytest.mark.parametrize("noun", NOUNS)
def test_what_a_patch_cannot_do(api: Api, entities: Entities, noun: str) -> None:
    """Fields that the update's definition lacks are UnsupportedDelta, unknown ones refused, and nothing changes."""
    where = f"/{noun}/{entities.ids[noun]}"
    before = api("GET", where).json()
    changeable = {"displayName", "description", "customProperties", "project"}
    changeable |= {"endpoints": {"model", "properties"}, "webhooks": {"webUrl", "events", "properties"}}.get(
        noun, set()
    )
    fixed = sorted(before.keys() - changeable)
    assert fixed
    for name in fixed:
        assert inner(api("PATCH", where, json={"displayName": "y", name: before[name]})) == "UnsupportedDelta", name
    bodies: list[object] = [
        {"colour": "red"},
        {"displayName": None},
        {"displayName": ""},
        {"customProperties": {"k": 1}},
        [],
    ]
    for body in bodies:
        assert inner(api("PATCH", where, json=body)) == "InvalidPayload", body
    many = {f"k{number}": "v" for number in range(11)}
    assert inner(api("PATCH", where, json={"customProperties": many})) == "InvalidParameterValue"
    json = {"Content-Type": "application/json"}
    assert inner(api("PATCH", where, data="{", headers=json)) == "InvalidRequestBodyFormat"
    assert inner(api("PATCH", where, headers=json)) == "EmptyRequest"
    assert api("PATCH", where, data="{}", headers={"Content-Type": "text/plain"}).status_code == 415
    assert api("GET", where).json() == before


def test_loose_forgives_for_every_noun() -> None:
    """Unknown fields, fields that cannot be changed and content types are not looked at; wrong values still are."""
    with SpeechEmulator(strict=False) as emulator, Api(emulator.base_url, emulator.key) as api:
        entities = make_entities(emulator)
        for noun in NOUNS:
            where = f"/{noun}/{entities.ids[noun]}"
            before = api("GET", where).json()
            patched = api("PATCH", where, data='{"colour": "red", "self": "x", "description": "d"}')
            assert patched.status_code == 200, patched.text
            assert patched.json() == {**before, "description": "d"}
            assert inner(api("PATCH", where, json={"displayName": ""})) == "InvalidPayload"
        made = api("POST", "/projects", data='{"displayName": "p", "locale": "en-US", "colour": "red"}')
        assert made.status_code == 201
        manifest = f"{emulator.endpoint}/speechtotext/models/base/{entities.ids['base']}/manifest"
        assert api("GET", manifest, params={"api-version": "2025-10-15"}).status_code == 200
        many = [api("POST", "/endpoints", json=COMMON).status_code for _ in range(60)]
        assert set(many) == {201}


def test_everything_outlives_a_restart(tmp_path: Path) -> None:
    """What is done is as it was, with its files and logs; an upload goes on; a training that was under way ends."""
    with SpeechEmulator(location=tmp_path) as first, Api(first.base_url, first.key) as api:
        entities = make_entities(first)
        assert speak(first, entities.ids["endpoints"]) == 200
        port = int(first.endpoint.rpartition(":")[2])
        waiting = api("POST", "/datasets", json={**COMMON, "kind": "Language"}).json()
        upload(api, waiting["links"]["uploadBlocks"], "one", b"call the number\n")
        seen = {path: api("GET", path).json() for path in LISTS}
        contents = content_of(api, entities)
    slow = JobSeconds(0, 600)
    with (
        SpeechEmulator(location=tmp_path, port=port, job_seconds=slow) as second,
        Api(second.base_url, second.key) as api,
    ):
        training = api("POST", "/models", json={**COMMON, "text": "wait for the tone"}).json()["self"]
        second.settle()
        assert api("GET", training).json()["status"] == "Running"
    with SpeechEmulator(location=tmp_path, port=port) as third, Api(third.base_url, third.key) as api:
        third.settle()
        model = api("GET", training).json()
        assert model["status"] == "Succeeded"
        assert [file["kind"] for file in api("GET", model["links"]["files"]).json()["values"]] == ["ModelReport"]
        assert api("DELETE", training).status_code == 204
        assert {path: api("GET", path).json() for path in LISTS} == seen
        assert content_of(api, entities) == contents
        upload(api, waiting["links"]["uploadBlocks"], "two", b"wait for the tone\n")
        blocks = [{"kind": "Uncommitted", "id": block(name)} for name in ("one", "two")]
        assert api("POST", waiting["links"]["commitBlocks"], json=blocks).status_code == 200
        third.settle()
        assert api("GET", waiting["self"]).json()["properties"]["acceptedLineCount"] == 2
        assert speak(third, entities.ids["endpoints"]) == 200
        assert len(logs_of(api, entities.ids["endpoints"])) == 4


def test_a_reset_leaves_nothing(tmp_path: Path) -> None:
    """No entity, file or log of any noun, though jobs run; base models stay, and all begins anew."""
    with (
        socket.create_server(("127.0.0.1", 0)) as silent,
        SpeechEmulator(location=tmp_path) as emulator,
        Api(emulator.base_url, emulator.key) as api,
    ):
        entities = make_entities(emulator)
        assert speak(emulator, entities.ids["endpoints"]) == speak(emulator, None) == 200
        waiting = api("POST", "/datasets", json={**COMMON, "kind": "Language"}).json()
        upload(api, waiting["links"]["uploadBlocks"], "one", b"call the number\n")
        source = f"http://127.0.0.1:{silent.getsockname()[1]}/a.wav"
        running = api("POST", "/transcriptions", json={**COMMON, "contentUrls": [source]}).json()["self"]
        assert api("GET", running).json()["status"] == "Running"
        assert requests.post(f"{emulator.endpoint}/emulator/reset", timeout=60).status_code == 204
        emulator.settle()
        for path in LISTS:
            assert api("GET", path).json()["values"] == []
        for noun in NOUNS:
            assert api("GET", f"/{noun}/{entities.ids[noun]}").status_code == 404
        assert logs_of(api, "base/en-US") == []
        assert speak(emulator, entities.ids["endpoints"]) >= 400
        kept = [path for folder in ("files", "folders") for path in (tmp_path / folder).rglob("*") if path.is_file()]
        assert kept == []
        assert api("GET", f"/models/base/{entities.ids['base']}").status_code == 200
        assert make_entities(emulator).ids["models"] != entities.ids["models"]


def block(name: str) -> str:
    """The id of a block."""
    return base64.b64encode(name.encode()).decode()


def upload(api: Api, url: str, name: str, data: bytes) -> None:
    """Upload a block."""
    binary = {"Content-Type": "application/octet-stream"}
    assert api("PUT", url, params={"blockid": block(name)}, data=data, headers=binary).status_code == 201


def content_of(api: Api, entities: Entities) -> dict[str, bytes]:
    """The content of every file and log, by what it is."""
    lists = [f"/{noun}/{entities.ids[noun]}/files" for noun in entities.files]
    lists.append(f"/endpoints/{entities.ids['endpoints']}/files/logs")
    files = [file for one in lists for file in api("GET", one).json()["values"]]
    assert len({re.sub(r"/files/.*", "", file["self"]) for file in files}) == len(lists)
    return {file["self"]: requests.get(file["links"]["contentUrl"], timeout=60).content for file in files}
