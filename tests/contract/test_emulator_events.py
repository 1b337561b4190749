"""Web hooks hear of all five kinds of entities, from creation to deletion."""

import io
import json
import zipfile
from collections.abc import Callable

import pytest

from emulator import SpeechEmulator
from emulator.links import base_model_id
from tests.contract.specification import Api
from tests.contract.surroundings import Receiver, wav

STAGES = ("Creation", "Processing", "Completion", "Deletion")
COMMON = {"displayName": "x", "locale": "en-US"}


def base_model(api: Api) -> dict[str, str]:
    """A reference to the base model."""
    return {"self": f"{api.base_url}/models/base/{base_model_id('en-US')}"}


def dataset(api: Api, _: SpeechEmulator) -> str:
    """Create a dataset of audio; its URL."""
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        archive.writestr("one.wav", wav())
        archive.writestr("trans.txt", "one.wav\tyes")
    fields = {**COMMON, "kind": "Acoustic"}
    response = api("POST", "/datasets/upload", data=fields, files={"data": ("data", data.getvalue())})
    return str(response.json()["self"])


def model(api: Api, _: SpeechEmulator) -> str:
    """Create a custom model; its URL."""
    return str(api("POST", "/models", json={**COMMON, "text": "Hello there."}).json()["self"])


def transcription(api: Api, _: SpeechEmulator) -> str:
    """Create a transcription; its URL."""
    body = {**COMMON, "contentUrls": ["http://127.0.0.1:9/a.wav"]}
    return str(api("POST", "/transcriptions", json=body).json()["self"])


def evaluation(api: Api, emulator: SpeechEmulator) -> str:
    """Create an evaluation; its URL."""
    body = {"dataset": {"self": dataset(api, emulator)}, "model1": base_model(api), "model2": base_model(api)}
    emulator.advance(3)
    return str(api("POST", "/evaluations", json={**COMMON, **body}).json()["self"])


def endpoint(api: Api, _: SpeechEmulator) -> str:
    """Create an endpoint; its URL."""
    return str(api("POST", "/endpoints", json=COMMON).json()["self"])


@pytest.mark.parametrize("create", [dataset, model, transcription, evaluation, endpoint])
def test_every_event_of_every_kind(
    api: Api, emulator: SpeechEmulator, receiver: Receiver, create: Callable[[Api, SpeechEmulator], str]
) -> None:
    """Creation, Processing, Completion and Deletion come in this order, with the entity's URL; `:test` repeats them."""
    noun = create.__name__
    events = {f"{noun}{stage}": True for stage in STAGES}
    made = api("POST", "/webhooks", json={"displayName": "h", "webUrl": receiver.url, "events": events}).json()
    emulator.settle()
    receiver.received.clear()
    url = create(api, emulator)
    emulator.advance(3)
    assert api("DELETE", url).status_code == 204
    emulator.settle()
    assert receiver.events() == [f"{noun.capitalize()}{stage}" for stage in STAGES]
    assert {json.loads(one.body)["self"] for one in receiver.received} == {url}
    receiver.received.clear()
    assert api("POST", f"{made['self']}:test").status_code == 202
    emulator.settle()
    assert sorted(receiver.events()) == sorted(f"{noun.capitalize()}{stage}" for stage in STAGES)
