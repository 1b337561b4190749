"""Every operation of the versions named by their date, through the life of an entity of every noun."""

import base64
import re
from typing import Any
from uuid import uuid4

import pytest
import requests

from emulator import SpeechEmulator, fast_transcription
from tests.contract.custom_speech import acoustic_data
from tests.contract.dated import DATED, DatedApi, answers
from tests.contract.operations import OPERATIONS
from tests.contract.specification import Api
from tests.contract.surroundings import OTHER_KEY, Receiver, wav

COMMON = {"displayName": "made", "locale": "en-US", "description": "d", "customProperties": {"k": "v"}}
RESOURCE = "/subscriptions/s/resourceGroups/g/providers/Microsoft.CognitiveServices/accounts/speech"
TRANSCRIPTION = {**COMMON, "contentUrls": ["http://127.0.0.1:9/a.wav"], "properties": {"timeToLiveHours": 6}}
MINUTES = {"sasLifetimeMinutes": 5}


class Life:
    """Makes entities of a version, and does with each what can be done with all of them."""

    def __init__(self, emulator: SpeechEmulator, version: str) -> None:
        self.emulator = emulator
        self.api = DatedApi(emulator.endpoint, emulator.key, version)
        self.other = DatedApi(emulator.endpoint, OTHER_KEY, version)
        self.made: list[str] = []

    def make(self, noun: str, **fields: object) -> dict[str, Any]:
        """Create an entity, see it in each of its states, list it, change it, and create another from what is shown."""
        path = "/transcriptions:submit" if noun == "transcriptions" else f"/{noun}"
        body = {name: value for name, value in COMMON.items() if noun != "webhooks" or name != "locale"}
        created = self.api("POST", path, json={**body, **fields})
        assert created.status_code == 201, created.text
        made = created.json()
        if noun not in {"projects", "webhooks"}:
            for _ in range(3):
                self.emulator.advance(1)
                self.api("GET", made["self"])
        self.emulator.settle()
        shown: dict[str, Any] = self.api("GET", made["self"]).json()
        assert shown.get("status", "Succeeded") == "Succeeded" or fields.get("kind"), shown
        listed = self.api("GET", f"/{noun}", params={"filter": "displayName eq 'made'", "top": 1}).json()
        assert len(listed["values"]) == 1
        changed = self.api("PATCH", made["self"], json={"displayName": "changed", "customProperties": None}).json()
        assert changed["displayName"] == "changed"
        assert "customProperties" not in changed
        again = self.api("POST", path, json=changed)
        assert again.status_code == 201, again.text
        self.emulator.advance(3)
        self.made += [again.json()["self"], made["self"]]
        return shown

    def dataset(self, kind: str, data: bytes, **properties: object) -> dict[str, Any]:
        """Create a dataset and upload it in a block."""
        waiting = self.make("datasets", kind=kind, properties=properties)
        links, block = waiting["links"], base64.b64encode(b"one").decode()
        binary = {"Content-Type": "application/octet-stream"}
        self.api("PUT", links["uploadBlocks"], params={"blockid": block}, data=data, headers=binary)
        assert len(self.api("GET", links["listBlocks"]).json()["uncommittedBlocks"]) == 1
        self.api("POST", links["commitBlocks"], json=[{"kind": "Uncommitted", "id": block}])
        self.emulator.advance(3)
        shown: dict[str, Any] = self.api("GET", waiting["self"]).json()
        assert shown["status"] == "Succeeded", shown
        self.files(shown)
        return shown

    def files(self, entity: dict[str, Any]) -> None:
        """List the files of an entity and read one."""
        for file in self.api("GET", entity["links"]["files"], params=MINUTES).json()["values"]:
            link = self.api("GET", file["self"], params=MINUTES).json()["links"]["contentUrl"]
            assert requests.get(link, timeout=60).status_code == 200

    def end(self) -> None:
        """Delete everything, what was made last first."""
        for url in reversed(self.made):
            deleted = self.api("DELETE", url)
            assert deleted.status_code == 204, deleted.text


@pytest.mark.parametrize("version", DATED)
def test_every_operation_answers_as_its_definition_says(
    emulator: SpeechEmulator, receiver: Receiver, version: str
) -> None:
    """No operation is left out, every answer has the fields of its definition, and what is shown can be sent again."""
    life = Life(emulator, version)
    api = life.api
    for noun in ("datasets", "models", "endpoints", "evaluations", "transcriptions"):
        assert "en-US" in str(api("GET", f"/{noun}/locales").json())
    life.make("webhooks", webUrl=receiver.url, events={"modelCompletion": True}, properties={"secret": "s"})
    project: dict[str, object] = {}
    if version == "2025-10-15":
        api("GET", "/projects/locales")
        made = life.make("projects", foundryProjectName="f")
        project = {"project": {"self": made["self"]}}
    text = life.dataset("Language", b"call the number\n", textNormalizationKind="None")
    assert text["properties"]["textNormalizationKind"] == "None"
    audio = life.dataset("Acoustic", acoustic_data())
    assert audio["properties"]["durationMilliseconds"] == 4000
    model = _model(life, [{"self": text["self"]}], **project)
    both = {"model1": {"self": model["baseModel"]["self"]}, "model2": {"self": model["self"]}}
    life.files(life.make("evaluations", **both, dataset={"self": audio["self"]}, **project))
    endpoint = life.make("endpoints", model={"self": model["self"]}, properties={"loggingEnabled": True}, **project)
    assert endpoint["properties"] == {"loggingEnabled": True}
    _transcription(life, audio, **project)
    for noun in ("datasets", "models", "endpoints", "evaluations", "transcriptions") if project else ():
        assert api("GET", made["links"][noun]).json()["values"] or noun == "datasets"
    hook = api("GET", "/webhooks").json()["values"][0]
    assert api("POST", hook["links"]["ping"]).headers["Retry-After"]
    assert api("POST", hook["links"]["test"]).headers["Retry-After"]
    life.end()
    assert set(answers(version)) - api.answered == set()


def _model(life: Life, datasets: list[dict[str, str]], **project: object) -> dict[str, Any]:
    """A model, its manifest and that of its base, and its copy to another subscription."""
    api = life.api
    base = api("GET", "/models/base", params={"filter": "locale eq 'en-US'"}).json()["values"][0]
    api("GET", base["self"])
    assert api("GET", base["links"]["manifest"]).json()["target"] == "sasLifetimeMinutes"
    api("GET", base["links"]["manifest"], params=MINUTES)
    model = life.make("models", datasets=datasets, baseModel={"self": base["self"]}, **project)
    life.files(model)
    api("GET", model["links"]["manifest"], params=MINUTES)
    authorization = api("POST", "/models:authorizecopy", json={"sourceResourceId": RESOURCE}).json()
    operation = api("POST", model["links"]["copy"], json=authorization).json()
    assert operation["status"] == "NotStarted"
    life.emulator.advance(3)
    done = api("GET", operation["self"]).json()
    assert api("GET", done["result"]["link"]).json()["status"] == "Succeeded"
    life.made.append(done["result"]["link"])
    return model


def _transcription(life: Life, audio: dict[str, Any], **project: object) -> None:
    """A transcription with all that its properties can have; and one while the caller waits."""
    identification = {"candidateLocales": ["en-US", "de-DE"], "mode": "Single"}
    properties = {
        "timeToLiveHours": 48,
        "wordLevelTimestampsEnabled": True,
        "displayFormWordLevelTimestampsEnabled": True,
        "channels": [0],
        "diarization": {"enabled": True, "maxSpeakers": 3},
        "languageIdentification": identification,
    }
    made = life.make("transcriptions", dataset={"self": audio["self"]}, properties=properties, **project)
    assert properties.items() <= made["properties"].items()
    assert made["properties"]["durationMilliseconds"] == 4000
    life.files(made)
    form = {"audio": ("a.wav", wav()), "definition": (None, '{"locales": ["en-US"], "channels": [0]}')}
    assert life.api("POST", "/transcriptions:transcribe", files=form).json()["phrases"]


@pytest.mark.parametrize("version", DATED)
@pytest.mark.parametrize(
    ("path", "fields"),
    [
        ("/datasets", {"kind": "Language", "properties": {"email": "a@example.com"}}),
        ("/models", {"text": "One."}),
        ("/models", {"datasets": [], "properties": {"email": "a@example.com"}}),
        ("/endpoints", {"text": "One."}),
        ("/endpoints", {"properties": {"timeToLive": "P1D"}}),
        ("/webhooks", {"webUrl": "https://127.0.0.1:9", "events": {}, "colour": "red"}),
        ("/transcriptions:submit", {"properties": {}}),
        ("/transcriptions:submit", {"properties": {"timeToLive": "P1D"}}),
        ("/transcriptions:submit", {"properties": {"timeToLiveHours": 6, "diarizationEnabled": True}}),
        ("/transcriptions:submit", {"properties": {"timeToLiveHours": 6, "email": "a@example.com"}}),
    ],
)
def test_what_is_gone_is_refused(emulator: SpeechEmulator, version: str, path: str, fields: dict[str, object]) -> None:
    """Fields of v3.1 are unknown ones, and the time to live is required."""
    api = DatedApi(emulator.endpoint, emulator.key, version)
    source = {"contentUrls": ["http://127.0.0.1:9/a.wav"]} if path == "/transcriptions:submit" else {}
    refused = api("POST", path, json={"displayName": "d", "locale": "en-US", **source, **fields})
    assert refused.status_code == 400, refused.text
    assert refused.json()["innerError"]["code"] in {"InvalidPayload", "MissingInputRecords"}


@pytest.mark.parametrize("version", DATED)
def test_operations_that_are_gone(emulator: SpeechEmulator, version: str) -> None:
    """Each answers as a path or a method that is not there."""
    api = DatedApi(emulator.endpoint, emulator.key, version)
    known = answers(version)
    gone = [(method, path) for method, path, _ in OPERATIONS if f"{method} {re.sub(r'{.*?}', '*', path)}" not in known]
    assert len(gone) == (12 if version == "2025-10-15" else 23)
    for method, path in gone:
        response = api(method, re.sub(r"{\w+}", str(uuid4()), path))
        assert (response.status_code, response.json()["code"]) in {(404, "NotFound"), (405, "NotAllowed")}, path


@pytest.mark.parametrize(
    ("version", "properties", "inner"),
    [
        ("2024-11-15", {"timeToLiveHours": 5}, "InvalidTimeToLive"),
        ("2024-11-15", {"timeToLiveHours": 745}, "InvalidTimeToLive"),
        ("2025-10-15", {"channels": [-1]}, "InvalidChannels"),
        ("2025-10-15", {"channels": []}, "InvalidChannels"),
        ("2025-10-15", {"diarization": {"enabled": True, "maxSpeakers": 36}}, "InvalidPayload"),
    ],
)
def test_properties_that_break_a_rule(
    emulator: SpeechEmulator, version: str, properties: dict[str, object], inner: str
) -> None:
    """The versions' own limits and codes."""
    api = DatedApi(emulator.endpoint, emulator.key, version)
    body = {**TRANSCRIPTION, "properties": {"timeToLiveHours": 6, **properties}}
    assert api("POST", "/transcriptions:submit", json=body).json()["innerError"]["code"] == inner


def test_many_candidate_locales_to_identify_a_single_language(emulator: SpeechEmulator) -> None:
    """Ten are the most for continuous identification, and no limit for a single one."""
    api = DatedApi(emulator.endpoint, emulator.key, "2025-10-15")
    locales = ["en-US", "en-GB", "en-AU", "en-CA", "en-IN", "en-IE", "en-NZ", "de-DE", "de-AT", "de-CH", "fr-FR"]
    for mode, status in (("Continuous", 400), ("Single", 201)):
        identification = {"candidateLocales": locales, "mode": mode}
        body = {**TRANSCRIPTION, "properties": {"timeToLiveHours": 6, "languageIdentification": identification}}
        made = api("POST", "/transcriptions:submit", json=body)
        assert made.status_code == status, made.text
    emulator.advance(3)
    assert api("GET", made.json()["self"]).json()["properties"]["languageIdentification"] == identification


def test_an_endless_transcription_of_the_older_version(emulator: SpeechEmulator, api: Api) -> None:
    """The time to live, which the dated versions require, is shown as 0."""
    body = {name: value for name, value in TRANSCRIPTION.items() if name != "properties"}
    made = api("POST", "/transcriptions", json=body).json()["self"].rpartition("/")[2]
    dated = DatedApi(emulator.endpoint, emulator.key, "2025-10-15")
    assert dated("GET", f"/transcriptions/{made}").json()["properties"]["timeToLiveHours"] == 0


@pytest.mark.parametrize("version", DATED)
def test_no_projects_in_the_version_without_them(emulator: SpeechEmulator, api: Api, version: str) -> None:
    """An entity cannot be put into a project there; where there are projects, they are found by their Foundry name."""
    project = api("POST", "/projects", json={"displayName": "p", "locale": "en-US"}).json()["self"]
    dated = DatedApi(emulator.endpoint, emulator.key, version)
    body = {"displayName": "d", "locale": "en-US", "kind": "Language", "project": {"self": project}}
    assert dated("POST", "/datasets", json=body).status_code == (201 if version == "2025-10-15" else 400)
    if version == "2025-10-15":
        named = dated("POST", "/projects", json={**COMMON, "foundryProjectName": "f"}).json()
        found = dated("GET", "/projects", params={"filter": "foundryProjectName eq 'f'"}).json()["values"]
        assert found == [named]
        assert api("GET", "/projects?filter=foundryProjectName eq 'f'").status_code == 400


def test_fast_transcription_of_what_the_definition_names(
    emulator: SpeechEmulator, api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    """2024-11-15 names models, 2025-10-15 the URL of the audio; neither has what is the other's; two hours are most."""
    model = api("POST", "/models", json={**COMMON, "text": "One."}).json()["self"]
    emulator.advance(3)
    url = emulator.endpoint + "/nothing.wav"
    cases = [
        ("2024-11-15", f'{{"models": {{"en-US": "{model}"}}}}', 200, ""),
        ("2024-11-15", f'{{"models": {{"de-DE": "{model}"}}}}', 400, "ModelMismatch"),
        ("2024-11-15", f'{{"audioUrl": "{url}"}}', 400, "InvalidPayload"),
        ("2025-10-15", f'{{"models": {{"en-US": "{model}"}}}}', 400, "InvalidPayload"),
        ("2025-10-15", '{"phraseList": {"phrases": ["Contoso"]}, "enhancedMode": {"enabled": true}}', 200, ""),
        ("2025-10-15", '{"enhancedMode": {"enabled": true, "task": "translate"}}', 400, "InvalidPayload"),
    ]
    for version, definition, status, inner in cases:
        dated = DatedApi(emulator.endpoint, emulator.key, version)
        form = {"audio": ("a.wav", wav()), "definition": (None, definition)}
        response = dated("POST", "/transcriptions:transcribe", files=form)
        assert response.status_code == status, response.text
        assert response.json().get("innerError", {}).get("code", "") == inner
    dated = DatedApi(emulator.endpoint, emulator.key, "2025-10-15")
    audio = _audio_url(emulator, api)
    for named, status in ((audio, 200), (url, 400)):
        form = {"definition": (None, f'{{"audioUrl": "{named}"}}')}
        assert dated("POST", "/transcriptions:transcribe", files=form).status_code == status
    monkeypatch.setattr(fast_transcription, "AUDIO_HOURS", 1 / 3600)
    assert dated("POST", "/transcriptions:transcribe", files={"audio": ("a.wav", wav())}).status_code == 422


def _audio_url(emulator: SpeechEmulator, api: Api) -> str:
    """A URL of audio: that of a dataset's file."""
    fields = {"kind": "Acoustic", "displayName": "a", "locale": "en-US"}
    dataset = api("POST", "/datasets/upload", data=fields, files={"data": ("a.zip", acoustic_data())}).json()["self"]
    emulator.advance(3)
    files = api("GET", f"{dataset}/files", params={"filter": "kind eq 'Audio'"}).json()["values"]
    url: str = files[0]["links"]["contentUrl"]
    return url
