"""Models of the emulator: base models, custom models that are trained and copied, and what refers to them."""

import io
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from emulator import Clock, JobSeconds, SpeechEmulator
from emulator.links import base_model_id
from shared.speech.client import SpeechClient
from shared.speech.credentials import KeyCredential
from shared.speech.errors import BadRequest, Forbidden, NotFound
from shared.speech.types.common import EntityReference
from shared.speech.types.models import CustomModelProperties, ModelUpdate, NewCustomModel
from tests.contract.specification import Api
from tests.contract.surroundings import OTHER_KEY, START, Audio, Receiver, wav

UUID = "11111111-2222-4333-8444-555555555555"


@pytest.fixture
def other(emulator: SpeechEmulator) -> Iterator[Api]:
    """The emulator's second subscription."""
    with Api(emulator.base_url, OTHER_KEY) as client:
        yield client


def train(api: Api, emulator: SpeechEmulator, **fields: object) -> Any:  # noqa: ANN401 - JSON
    """A model made from one sentence unless told otherwise, as it is when all is done."""
    body = {"displayName": "m", "locale": "en-US", "text": "May the force be with you.", **fields}
    created = api("POST", "/models", json=body)
    assert created.status_code == 201, created.text
    emulator.advance(4)
    return api("GET", created.json()["self"]).json()


def inner(response: Any) -> tuple[int, str]:  # noqa: ANN401 - an answer
    """Status and inner code of an error."""
    return response.status_code, response.json()["innerError"]["code"]


def test_base_models(api: Api) -> None:
    """Each locale has a current base model and a deprecated one; the list is filtered; each is read by its self."""
    listed = api("GET", "/models/base?filter=locale eq 'en-US'").json()["values"]
    current, old = listed
    assert current["self"].endswith(f"/models/base/{base_model_id('en-US')}")
    assert current["properties"]["features"]["supportsAdaptationsWith"] == [
        "Language",
        "LanguageMarkdown",
        "Pronunciation",
        "Acoustic",
    ]
    assert old["properties"]["deprecationDates"]["transcriptionDateTime"] < "2026"
    assert [api("GET", one["self"]).json() for one in listed] == listed
    assert len(api("GET", "/models/base?filter=createdDateTime gt 2025-01-01T00:00:00Z").json()["values"]) == 100
    assert api("GET", f"/models/base/{UUID}").status_code == 404
    assert api("GET", f"/models/{base_model_id('en-US')}").status_code == 404
    manifest = api("GET", current["links"]["manifest"]).json()
    assert manifest["model"]["self"] == current["self"]


def test_the_manifest_of_a_base_model() -> None:
    """It names the files of the engine's package, and serves them."""
    with SpeechEmulator(engine="pocketsphinx") as emulator, Api(emulator.base_url, emulator.key) as api:
        manifest = api("GET", f"/models/base/{base_model_id('en-US')}/manifest").json()
        assert api("GET", f"/models/base/{base_model_id('en-US')}/manifest").json() == manifest
        urls = {one["name"].partition("/")[2]: one["contentUrl"] for one in manifest["modelFiles"]}
        assert {"en-us/mdef", "en-us.lm.bin", "cmudict-en-us.dict"} <= urls.keys()
        assert b"zoology Z OW AA L AH JH IY" in api("GET", urls["cmudict-en-us.dict"]).content


def test_a_model_is_trained_from_text(api: Api, emulator: SpeechEmulator) -> None:
    """Create, NotStarted, Running, Succeeded; the report says what was used; the manifest serves the model's files."""
    body = {"displayName": "m", "locale": "en-US", "text": "One.\n\nTwo.", "properties": {"email": "a@example.com"}}
    created = api("POST", "/models", json=body).json()
    assert created["status"] == "NotStarted"
    assert created["properties"]["email"] == "a@example.com"
    assert created["baseModel"]["self"].endswith(f"/models/base/{base_model_id('en-US')}")
    assert inner(api("GET", created["links"]["manifest"])) == (409, "InvalidPrerequisite")
    emulator.advance(1)
    assert api("GET", created["self"]).headers["Retry-After"] == "2"
    emulator.advance(3)
    model = api("GET", created["self"]).json()
    assert model["status"] == "Succeeded"
    assert model["text"] == body["text"]
    assert model["properties"]["customModelWeightPercent"] == 50
    assert "email" not in model["properties"]
    assert model["properties"]["deprecationDates"]["transcriptionDateTime"] == "2100-01-15T00:00:00Z"

    (file,) = api("GET", model["links"]["files"]).json()["values"]
    assert (file["kind"], file["name"]) == ("ModelReport", "report.json")
    assert api("GET", file["self"]).json()["name"] == "report.json"
    report = api("GET", file["links"]["contentUrl"]).json()
    assert report["sentences"] == 2
    assert report["sources"] == [{"source": "text", "data": "sentences", "lines": 3}]
    (served,) = api("GET", model["links"]["manifest"]).json()["modelFiles"]
    assert served["name"].startswith(model["self"].rpartition("/")[2])
    assert api("GET", served["contentUrl"]).json() == {}


def test_models_that_cannot_be_made(api: Api, emulator: SpeechEmulator) -> None:
    """What is wrong with a request is said with the service's codes; data that makes no model fails the job."""
    created = api("POST", "/models", json={"displayName": "m", "locale": "en-US", "text": "x"}).json()
    deprecated, german = (
        api("GET", f"/models/base?filter={query}").json()["values"][0]["self"]
        for query in ("locale eq 'en-US' and createdDateTime lt 2023-01-01T00:00:00Z", "locale eq 'de-DE'")
    )
    cases: list[tuple[dict[str, object], str]] = [
        ({}, "MissingInputRecords"),
        ({"text": "x", "locale": "xx-XX"}, "InvalidLocale"),
        ({"text": "x", "baseModel": {"self": f"{api.base_url}/models/base/{UUID}"}}, "InvalidBaseModel"),
        ({"text": "x", "baseModel": {"self": german}}, "InvalidBaseModel"),
        ({"text": "x", "baseModel": {"self": created["self"]}}, "InvalidBaseModel"),
        ({"text": "x", "baseModel": {"self": deprecated}}, "ModelDeprecated"),
        ({"text": "x", "project": {"self": f"{api.base_url}/projects/{UUID}"}}, "InvalidProject"),
        ({"text": "x", "properties": {"customModelWeightPercent": 0}}, "InvalidPayload"),
    ]
    for fields, code in cases:
        body = {"displayName": "m", "locale": "en-US", **fields}
        assert inner(api("POST", "/models", json=body)) == (400, code), fields
    failed = train(api, emulator, text="\n")
    assert (failed["status"], failed["properties"]["error"]["code"]) == ("Failed", "InvalidData")
    assert api("GET", failed["links"]["files"]).json()["values"] == []


def test_a_model_of_a_model(api: Api, emulator: SpeechEmulator) -> None:
    """A custom model can be adapted further; while its descendant is there, it cannot be deleted."""
    first = train(api, emulator)
    second = train(api, emulator, baseModel={"self": first["self"]})
    assert second["status"] == "Succeeded"
    assert second["baseModel"] == {"self": first["self"]}
    assert inner(api("DELETE", first["self"])) == (409, "InUseViolation")
    assert [api("DELETE", one["self"]).status_code for one in (second, first)] == [204, 204]
    assert api("GET", "/models").json()["values"] == []


def test_lists_and_patches(api: Api, emulator: SpeechEmulator) -> None:
    """Custom models are listed and filtered; name, description and custom properties change, nothing else does."""
    model = train(api, emulator, displayName="first")
    train(api, emulator, displayName="second")
    named = api("GET", "/models?filter=displayName eq 'first' and status eq 'Succeeded'").json()["values"]
    assert [one["self"] for one in named] == [model["self"]]
    patched = api("PATCH", model["self"], json={"displayName": "renamed", "customProperties": {"a": "b"}}).json()
    assert (patched["displayName"], patched["customProperties"]) == ("renamed", {"a": "b"})
    assert inner(api("PATCH", model["self"], json={"text": "other"})) == (400, "UnsupportedDelta")


def test_a_copy_for_another_subscription(api: Api, other: Api, emulator: SpeechEmulator) -> None:
    """The copy belongs to the other key, is whole by itself, and outlives the original; keys are never told."""
    model = train(api, emulator)
    copy_to = model["links"]["copyTo"]
    unknown = api("POST", copy_to, json={"targetSubscriptionKey": "unknown-key"})
    assert inner(unknown) == (400, "SubscriptionNotFound")
    assert "unknown-key" not in unknown.text
    copied = api("POST", copy_to, json={"targetSubscriptionKey": OTHER_KEY})
    assert copied.status_code == 201
    assert OTHER_KEY not in copied.text
    assert inner(api("DELETE", model["self"])) == (409, "InUseViolation")
    emulator.advance(4)
    assert api("DELETE", model["self"]).status_code == 204
    assert api("GET", copied.json()["self"]).status_code == 404
    copy = other("GET", copied.json()["self"]).json()
    assert (copy["status"], copy["displayName"]) == ("Succeeded", "m")
    (file,) = other("GET", copy["links"]["files"]).json()["values"]
    assert other("GET", file["links"]["contentUrl"]).json()["sentences"] == 1
    assert len(other("GET", copy["links"]["manifest"]).json()["modelFiles"]) == 1


def test_training_that_was_killed_starts_afresh(tmp_path: Path) -> None:
    """What a killed training left is no model and does not disturb the next start, which trains to the end."""

    def started() -> SpeechEmulator:
        return SpeechEmulator(clock=Clock(at=START), location=tmp_path, job_seconds=JobSeconds(0, 2))

    with started() as emulator, Api(emulator.base_url, emulator.key) as api:
        made = api("POST", "/models", json={"displayName": "m", "locale": "en-US", "text": "One."}).json()["self"]
        emulator.settle()
    path = made.partition("/speechtotext")[2].removeprefix("/v3.1")
    folder = tmp_path / "folders" / path.rpartition("/")[2]
    (folder / "model").rename(folder / "unfinished")
    (folder / "unfinished" / "half").write_text("left over")
    with started() as emulator, Api(emulator.base_url, emulator.key) as api:
        emulator.advance(3)
        model = api("GET", path).json()
        assert model["status"] == "Succeeded"
        assert len(api("GET", model["links"]["manifest"]).json()["modelFiles"]) == 1


def test_a_transcription_with_a_custom_model(api: Api, emulator: SpeechEmulator) -> None:
    """It shows the model that it was given and holds it until it is finished; so does one of speechModelMapping."""
    first, second = train(api, emulator), train(api, emulator)
    identification = {"candidateLocales": ["en-US", "de-DE"], "speechModelMapping": {"en-US": {"self": second["self"]}}}
    body = {
        "displayName": "t",
        "locale": "en-US",
        "contentUrls": ["http://127.0.0.1:9/a.wav"],
        "model": {"self": first["self"]},
        "properties": {"languageIdentification": identification},
    }
    made = api("POST", "/transcriptions", json=body).json()
    assert made["model"] == {"self": first["self"]}
    assert made["properties"]["languageIdentification"] == identification
    for model in (first, second):
        assert inner(api("DELETE", model["self"])) == (409, "InUseViolation")
    emulator.advance(4)
    for model in (first, second):
        assert api("DELETE", model["self"]).status_code == 204
    assert api("GET", made["self"]).json()["model"] == {"self": first["self"]}


def test_models_that_a_transcription_cannot_have(api: Api, other: Api, emulator: SpeechEmulator) -> None:
    """Of another subscription, another locale, deprecated, failed, or not there."""
    foreign, german = train(other, emulator)["self"], train(api, emulator, locale="de-DE")["self"]
    failed = train(api, emulator, text="\n")["self"]
    query = "locale eq 'en-US' and createdDateTime lt 2023-01-01T00:00:00Z"
    deprecated = api("GET", f"/models/base?filter={query}").json()["values"][0]["self"]
    cases = [
        (foreign, "InvalidModel"),
        (german, "ModelMismatch"),
        (failed, "InvalidModel"),
        (deprecated, "ModelDeprecated"),
        (f"{api.base_url}/models/{UUID}", "InvalidModel"),
        (f"{api.base_url}/models", "InvalidModel"),
        ("http://[", "InvalidModel"),
    ]
    for model, code in cases:
        body = {"displayName": "t", "locale": "en-US", "contentUrls": ["http://127.0.0.1:9/a.wav"]}
        answer = api("POST", "/transcriptions", json={**body, "model": {"self": model}})
        assert inner(answer) == (400, code)
        assert answer.json()["target"] == "model"


def test_a_copy_by_authorization(emulator: SpeechEmulator) -> None:
    """The dated versions copy to the resource that has authorized it, within its day, and only as it was signed."""
    version = "2024-11-15"
    source = SpeechClient(emulator.endpoint, KeyCredential(emulator.key), api_version=version)
    target = SpeechClient(emulator.endpoint, KeyCredential(OTHER_KEY), api_version=version)
    with Api(emulator.base_url, emulator.key) as api:
        model_id = train(api, emulator)["self"].rpartition("/")[2]
    model = source.models.get_custom_model(model_id)
    assert model.text is None
    assert model.links
    assert str(model.links.copy_url).endswith(f"/models/{model_id}:copy?api-version={version}")
    assert model.properties
    assert model.properties.features
    assert model.properties.features.supports_transcriptions is True
    resource = "/subscriptions/{}/resourceGroups/g/providers/Microsoft.CognitiveServices/accounts/speech"
    with pytest.raises(BadRequest, match="InvalidSourceAzureResourceId"):
        target.models.authorize_copy(source_resource_id="mine")
    authorization = target.models.authorize_copy(source_resource_id=resource.format("mine"))
    for forged in ({"source_resource_id": resource.format("other")}, {"id": "0" * 64}):
        with pytest.raises(Forbidden):
            source.models.copy(model_id, authorization.model_copy(update=forged))

    operation = source.models.copy(model_id, authorization)
    assert (operation.status, operation.result) == ("NotStarted", None)
    with pytest.raises(NotFound):
        target.operations.get_model_copy(operation.id)
    emulator.advance(4)
    operation = source.operations.get_model_copy(operation.id)
    assert operation.status == "Succeeded"
    assert operation.result
    copy = target.models.get_custom_model(str(operation.result.link).rpartition("/")[2].partition("?")[0])
    assert (copy.status, copy.display_name) == ("Succeeded", "m")
    emulator.advance(24 * 3600)
    with pytest.raises(Forbidden, match="ModelCopyAuthorizationExpired"):
        source.models.copy(model_id, authorization)


def test_the_dated_versions_train_from_datasets_only(emulator: SpeechEmulator) -> None:
    """They have neither `text` nor `email`."""
    url = f"{emulator.endpoint}/speechtotext/models?api-version=2025-10-15"
    with Api(emulator.base_url, emulator.key) as api:
        for fields in ({"text": "One."}, {"datasets": [], "properties": {"email": "a@example.com"}}):
            refused = api("POST", url, json={"displayName": "m", "locale": "en-US", **fields})
            assert refused.status_code == 400


def test_models_through_the_client(emulator: SpeechEmulator) -> None:
    """The project's own client creates, waits, reads, lists, changes, reads files and manifest, and deletes."""
    speech = SpeechClient(emulator.endpoint, KeyCredential(emulator.key))
    base = next(iter(speech.models.list_base_models(filter="locale eq 'en-US'")))
    assert speech.models.get_base_model(base.id) == base
    assert "en-US" in speech.models.list_supported_locales()
    model = speech.models.create(
        NewCustomModel(
            display_name="m",
            locale="en-US",
            text="One.",
            base_model=EntityReference(self_url=base.self_url),
            properties=CustomModelProperties(custom_model_weight_percent=40),
        )
    )
    emulator.advance(4)
    model = speech.models.wait(model.id, timeout_seconds=30)
    assert model.properties
    assert model.properties.custom_model_weight_percent == 40
    assert [one.id for one in speech.models.list_custom_models()] == [model.id]
    assert speech.models.update(model.id, ModelUpdate(description="d")).description == "d"
    (file,) = speech.models.list_files(model.id)
    assert speech.models.get_file(model.id, file.id).kind == "ModelReport"
    assert speech.models.get_custom_model_manifest(model.id).model.self_url == model.self_url
    assert speech.models.get_base_model_manifest(base.id).model.self_url == base.self_url
    copy = speech.models.copy_to(model.id, target_subscription_key=OTHER_KEY)
    emulator.advance(4)
    speech.models.delete(model.id)
    with pytest.raises(NotFound):
        speech.models.get_custom_model(model.id)
    other = SpeechClient(emulator.endpoint, KeyCredential(OTHER_KEY))
    assert other.models.get_custom_model(copy.id).status == "Succeeded"


def make_dataset(api: Api, audio: Audio, kind: str, data: str | bytes, locale: str = "en-US") -> str:
    """The `self` of a new dataset."""
    url = audio.url(f"{kind}.data", content=data.encode() if isinstance(data, str) else data)
    body = {"displayName": "d", "kind": kind, "locale": locale, "contentUrl": url}
    made: str = api("POST", "/datasets", json=body).json()["self"]
    return made


def archive(**files: bytes) -> bytes:
    """A zip of files, `_` for the dot of their names."""
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as zipped:
        for name, content in files.items():
            zipped.writestr(name.replace("_", "."), content)
    return data.getvalue()


def test_a_model_from_datasets(api: Api, emulator: SpeechEmulator, audio: Audio) -> None:
    """Datasets are its data besides the text; the report has each; what it learned is heard; they must stay with it."""
    language = make_dataset(api, audio, "Language", "These are not the droids.\nMove along.")
    words = make_dataset(api, audio, "Pronunciation", "3CPO\tthree c p o\nCAT\tcat cat")
    spoken = make_dataset(api, audio, "Acoustic", archive(a_wav=wav(), trans_txt=b"a.wav\tGo about your business."))
    emulator.advance(4)
    datasets = [{"self": dataset} for dataset in (language, words, spoken)]
    model = train(api, emulator, text="Hello.", datasets=[*datasets, {"self": words}])
    assert model["status"] == "Succeeded"
    assert model["datasets"] == datasets
    (file,) = api("GET", model["links"]["files"]).json()["values"]
    report = api("GET", file["links"]["contentUrl"]).json()
    assert (report["sentences"], report["pronunciations"]) == (4, 2)
    names = [f"datasets/{one['self'].rpartition('/')[2]}" for one in datasets]
    assert report["sources"] == [
        {"source": "text", "data": "sentences", "lines": 1},
        {"source": names[0], "data": "sentences", "lines": 2},
        {"source": names[2], "data": "sentences", "lines": 1},
        {"source": names[1], "data": "pronunciations", "lines": 2},
    ]
    for dataset in (language, words):
        assert inner(api("DELETE", dataset)) == (409, "InUseViolation")

    recording = audio.url("a.wav", metadata={"transcript": "This is three c p o."})
    body = {"displayName": "t", "locale": "en-US", "contentUrls": [recording], "model": {"self": model["self"]}}
    transcription = api("POST", "/transcriptions", json=body).json()
    emulator.advance(4)
    query = "filter=kind eq 'Transcription'"
    (result,) = api("GET", f"{transcription['links']['files']}?{query}").json()["values"]
    phrases = api("GET", result["links"]["contentUrl"]).json()["combinedRecognizedPhrases"]
    assert phrases[0]["display"] == "This is 3CPO."
    assert [api("DELETE", one).status_code for one in (model["self"], language, words)] == [204, 204, 204]


def test_datasets_that_a_model_cannot_have(api: Api, other: Api, emulator: SpeechEmulator, audio: Audio) -> None:
    """Of another subscription or locale, audio without transcripts, unfinished, failed, or not there."""
    recordings = make_dataset(api, audio, "AudioFiles", archive(a_wav=wav()))
    foreign = make_dataset(other, audio, "Language", "One.")
    german = make_dataset(api, audio, "Language", "Eins.", "de-DE")
    failed = make_dataset(api, audio, "Pronunciation", "nothing")
    emulator.advance(4)
    unfinished = make_dataset(api, audio, "Language", "One.")
    for dataset, code in (
        (foreign, "InvalidDataset"),
        (german, "InvalidDataset"),
        (recordings, "InvalidDataset"),
        (failed, "FailedDataset"),
        (unfinished, "InvalidDataset"),
        (f"{api.base_url}/datasets/{UUID}", "InvalidDataset"),
    ):
        body = {"displayName": "m", "locale": "en-US", "datasets": [{"self": dataset}]}
        answer = api("POST", "/models", json=body)
        assert inner(answer) == (400, code)
        assert answer.json()["target"] == "datasets.0"


def test_web_hooks_hear_of_models(api: Api, emulator: SpeechEmulator, receiver: Receiver) -> None:
    """Of each stage of a training, and of its deletion."""
    stages = ("Creation", "Processing", "Completion", "Deletion")
    events = {f"model{stage}": True for stage in stages}
    api("POST", "/webhooks", json={"displayName": "h", "webUrl": receiver.url, "events": events})
    emulator.settle()
    api("DELETE", train(api, emulator)["self"])
    emulator.settle()
    assert receiver.events() == [f"Model{stage}" for stage in stages]
