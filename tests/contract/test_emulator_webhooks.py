"""Web hooks: challenge, signature, events, retries, ping, test, and what a PATCH does."""

import base64
import hashlib
import hmac
import json
from typing import Any

import pytest
import requests

from emulator import SpeechEmulator
from tests.contract.specification import Api
from tests.contract.surroundings import OTHER_KEY, START, Receiver

SECRET = "the secret ü"
EVENTS = {"transcriptionCreation": True, "transcriptionCompletion": True, "transcriptionProcessing": False}


def signature(payload: bytes) -> str:
    """What the signature header must be, as Microsoft's sample computes it."""
    return base64.b64encode(hmac.new(SECRET.encode(), payload, hashlib.sha256).digest()).decode()


def body(url: str, **changes: object) -> dict[str, Any]:
    """A create request that is right, with changes."""
    return {"displayName": "h", "webUrl": url, "events": EVENTS, "properties": {"secret": SECRET}, **changes}


def made(api: Api, emulator: SpeechEmulator, url: str, **changes: object) -> dict[str, Any]:
    """A web hook after its challenge."""
    response = api("POST", "/webhooks", json=body(url, **changes))
    assert response.status_code == 201, response.text
    emulator.settle()
    hook: dict[str, Any] = api("GET", response.json()["self"]).json()
    return hook


def transcribe(api: Api, emulator: SpeechEmulator) -> str:
    """Run a transcription (its audio is never there, which does not matter) and return its URL."""
    content = ["http://127.0.0.1:9/a.wav"]
    response = api("POST", "/transcriptions", json={"displayName": "t", "locale": "en-US", "contentUrls": content})
    emulator.advance(3)
    url: str = response.json()["self"]
    return url


def test_challenge(api: Api, emulator: SpeechEmulator, receiver: Receiver) -> None:
    """The token comes in the query beside the URL's own parameters, signed, with an empty body; the echo enables."""
    created = api("POST", "/webhooks", json=body(receiver.url + "?code=a%2Fb&x=1"))
    assert created.json()["status"] == "NotStarted"
    emulator.settle()
    (challenge,) = receiver.received
    assert (challenge.event, challenge.body) == ("Challenge", b"")
    (token,) = challenge.query.pop("validationToken")
    assert challenge.query == {"code": ["a/b"], "x": ["1"]}
    assert challenge.signature == signature(token.encode())
    hook = api("GET", created.json()["self"])
    assert hook.json()["status"] == "Succeeded"
    assert SECRET not in created.text + hook.text
    assert hook.json()["properties"] == {"apiVersion": "v3.1"}


def test_events_are_signed_and_name_the_entity(api: Api, emulator: SpeechEmulator, receiver: Receiver) -> None:
    """Only events asked for come, each with the entity's URL and an id of its own, signed over the raw body."""
    made(api, emulator, receiver.url)
    url = transcribe(api, emulator)
    assert receiver.events() == ["TranscriptionCreation", "TranscriptionCompletion"]
    bodies = [json.loads(one.body) for one in receiver.received[1:]]
    assert all(one["self"] == url and one.keys() == {"self", "invocationId"} for one in bodies)
    assert len({one["invocationId"] for one in bodies}) == 2
    assert all(one.signature == signature(one.body) for one in receiver.received[1:])


def test_every_event_of_a_transcription(api: Api, emulator: SpeechEmulator, receiver: Receiver) -> None:
    """Creation, Processing, Completion (of a failed one too) and Deletion come in this order."""
    stages = ["Creation", "Processing", "Completion", "Deletion"]
    made(api, emulator, receiver.url, events={f"transcription{stage}": True for stage in stages})
    api("DELETE", transcribe(api, emulator))
    emulator.settle()
    assert receiver.events() == [f"Transcription{stage}" for stage in stages]


def test_nothing_flows_to_a_url_that_does_not_answer_the_challenge(
    api: Api, emulator: SpeechEmulator, receiver: Receiver
) -> None:
    """Five challenges a second apart, then the web hook is Failed with an error; no event, ping or test is sent."""
    receiver.echoes = False
    hook = made(api, emulator, receiver.url)
    assert (hook["status"], len(receiver.received)) == ("NotStarted", 1)
    assert api("POST", hook["links"]["ping"]).status_code == 409
    emulator.advance(4)
    failed = api("GET", hook["self"]).json()
    assert (failed["status"], failed["properties"]["error"]["code"]) == ("Failed", "InvalidCallbackUri")
    transcribe(api, emulator)
    assert api("POST", hook["links"]["ping"]).status_code == 409
    assert api("POST", hook["links"]["test"]).status_code == 409
    assert (len(receiver.received), receiver.events()) == (5, [])
    assert [one.event for one in emulator.deliveries] == ["challenge"]


def test_a_notification_is_tried_five_times_a_second_apart(
    api: Api, emulator: SpeechEmulator, receiver: Receiver
) -> None:
    """What is not taken comes again, the same bytes, until it is taken."""
    made(api, emulator, receiver.url, events={"transcriptionCompletion": True})
    receiver.statuses = [500, 404, 302, 401]
    transcribe(api, emulator)
    for tries in (1, 2, 3, 4, 5, 5):
        assert len(receiver.events()) == tries
        emulator.advance(1)
    assert len({one.body for one in receiver.received[1:]}) == 1
    delivery = emulator.deliveries[-1]
    assert (delivery.tries, delivery.delivered) == ([500, 404, 302, 401, 200], True)


def test_a_web_hook_that_takes_nothing_fails_and_a_patch_of_its_url_revives_it(
    api: Api, emulator: SpeechEmulator, receiver: Receiver
) -> None:
    """After three notifications in vain it is Failed and gets no more, until webUrl is set, if to the same value."""
    hook = made(api, emulator, receiver.url, events={"transcriptionCompletion": True})
    receiver.statuses = [500] * 15
    for _ in range(4):
        transcribe(api, emulator)
        emulator.advance(5)
    assert api("GET", hook["self"]).json()["status"] == "Failed"
    assert len(receiver.events()) == 15
    api("PATCH", hook["self"], json={"webUrl": receiver.url})
    emulator.settle()
    assert api("GET", hook["self"]).json()["status"] == "Succeeded"
    transcribe(api, emulator)
    assert len(receiver.events()) == 16


def test_patch(api: Api, emulator: SpeechEmulator, receiver: Receiver) -> None:
    """Events merge; a secret left out is dropped; an unchanged URL is not challenged, another is."""
    hook = made(api, emulator, receiver.url)
    changed = api("PATCH", hook["self"], json={"webUrl": receiver.url, "events": {"transcriptionCreation": False}})
    assert changed.json() == {**hook, "events": {**EVENTS, "transcriptionCreation": False}}
    transcribe(api, emulator)
    assert receiver.events() == ["TranscriptionCompletion"]
    assert receiver.received[-1].signature is None
    moved = api("PATCH", hook["self"], json={"webUrl": receiver.url + "?new", "properties": {"secret": SECRET}})
    assert moved.json()["status"] == "NotStarted"
    emulator.settle()
    assert receiver.received[-1].event == "Challenge"
    assert receiver.received[-1].signature is not None
    refused = [
        ({"displayName": None}, "InvalidPayload"),
        ({"events": {"nothing": True}}, "InvalidWebHookEventKind"),
        ({"webUrl": "http://hooks.example/"}, "InvalidCallbackUri"),
        ({"status": "Succeeded"}, "UnsupportedDelta"),
    ]
    for delta, inner in refused:
        assert api("PATCH", hook["self"], json=delta).json()["innerError"]["code"] == inner
    assert api("GET", hook["self"]).json()["webUrl"] == receiver.url + "?new"


def test_ping(api: Api, emulator: SpeechEmulator, receiver: Receiver) -> None:
    """A ping's body is the web hook as GET shows it, signed."""
    hook = made(api, emulator, receiver.url)
    assert api("POST", hook["links"]["ping"]).status_code == 202
    emulator.settle()
    ping = receiver.received[-1]
    assert (ping.event, json.loads(ping.body), ping.signature) == ("Ping", hook, signature(ping.body))


def test_test(api: Api, emulator: SpeechEmulator, receiver: Receiver) -> None:
    """204 while nothing has happened; then the last entity of each event kind comes again."""
    hook = made(api, emulator, receiver.url)
    assert api("POST", hook["links"]["test"]).status_code == 204
    transcribe(api, emulator)
    last = transcribe(api, emulator)
    receiver.received.clear()
    assert api("POST", hook["links"]["test"]).status_code == 202
    emulator.settle()
    assert sorted(receiver.events()) == ["TranscriptionCompletion", "TranscriptionCreation"]
    assert {json.loads(one.body)["self"] for one in receiver.received} == {last}


def test_web_hooks_of_others_hear_nothing(api: Api, emulator: SpeechEmulator, receiver: Receiver) -> None:
    """Events stay within a subscription; a deleted web hook hears nothing either."""
    with Api(emulator.base_url, OTHER_KEY) as other:
        made(other, emulator, receiver.url)
    hook = made(api, emulator, receiver.url)
    assert api("DELETE", hook["self"]).status_code == 204
    assert api("DELETE", hook["self"]).status_code == 204
    transcribe(api, emulator)
    assert receiver.events() == []


@pytest.mark.parametrize(
    ("changes", "inner"),
    [
        ({"displayName": ""}, "InvalidPayload"),
        ({"events": {"transcriptionDone": True}}, "InvalidWebHookEventKind"),
        ({"events": {"ping": "yes"}}, "InvalidPayload"),
        ({"webUrl": "http://hooks.example/x"}, "InvalidCallbackUri"),
        ({"webUrl": "hooks"}, "InvalidCallbackUri"),
        ({"customProperties": {"k": "v" * 257}}, "InvalidParameterValue"),
    ],
)
def test_a_create_that_breaks_a_rule_is_refused(api: Api, changes: dict[str, object], inner: str) -> None:
    """Each rule has its code, and nothing is made."""
    response = api("POST", "/webhooks", json={**body("https://hooks.example/x"), **changes})
    assert (response.status_code, response.json()["innerError"]["code"]) == (400, inner)
    assert api("GET", "/webhooks").json()["values"] == []


def test_list_and_filter(api: Api, emulator: SpeechEmulator, receiver: Receiver) -> None:
    """Web hooks are filtered by their URL as by their other properties."""
    urls = [f"{receiver.url}?n={number}" for number in range(3)]
    for url in urls:
        made(api, emulator, url)
    found = api("GET", "/webhooks", params={"filter": f"webUrl ne '{urls[0]}'", "top": 1}).json()
    assert found["values"][0]["webUrl"] == urls[1]
    assert api("GET", found["@nextLink"]).json()["values"][0]["webUrl"] == urls[2]


def test_what_is_shown_has_no_secrets(api: Api, emulator: SpeechEmulator, receiver: Receiver) -> None:
    """Status page and administration show no key, no secret, and no query of a URL."""
    made(api, emulator, receiver.url + "?code=hidden-code")
    content = ["http://127.0.0.1:9/<b>.wav?sig=hidden-sas"]
    api("POST", "/transcriptions", json={"displayName": "<b>", "locale": "en-US", "contentUrls": content})
    emulator.advance(1)
    for path in ("/", "/emulator/requests", "/emulator/transcriptions", "/emulator/deliveries", "/emulator/faults"):
        text = requests.get(emulator.endpoint + path, timeout=60).text
        assert not [one for one in ("hidden", SECRET, emulator.key) if one in text], path
    page = requests.get(emulator.endpoint, timeout=60).text
    assert "&lt;b&gt;" in page
    assert "<b>" not in page
    assert START.strftime("%Y-%m-%d") in page
