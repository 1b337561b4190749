"""Endpoints: deploying, changing and deleting them; short audio that names one; and the logs that they keep."""

import io
import wave
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import requests

from emulator import Clock, SpeechEmulator
from emulator.faults import FailJob
from emulator.links import base_model_id
from shared.speech import EntityReference, KeyCredential, SpeechClient
from shared.speech.recognition import SpeechRecognizer
from shared.speech.types.endpoints import EndpointProperties as Properties
from shared.speech.types.endpoints import EndpointPropertiesUpdate, EndpointUpdate, NewEndpoint
from tests.contract.specification import KEY_HEADER, Api
from tests.contract.surroundings import OTHER_KEY, START

SHORT_AUDIO = "/speech/recognition/{}/cognitiveservices/v1"
DAY = 86_400


def clip(*, seconds: float = 1) -> bytes:
    """Digital silence in the format of short audio."""
    file = io.BytesIO()
    with wave.open(file, "wb") as audio:
        audio.setnchannels(1)
        audio.setsampwidth(2)
        audio.setframerate(16_000)
        audio.writeframes(bytes(int(seconds * 16_000) * 2))
    return file.getvalue()


def body(**changes: object) -> dict[str, Any]:
    """What creates an endpoint."""
    return {"displayName": "e", "locale": "en-US", **changes}


def deployed(api: Api, emulator: SpeechEmulator, **changes: object) -> dict[str, Any]:
    """An endpoint that is at work."""
    made = api("POST", "/endpoints", json=body(**changes)).json()
    emulator.advance(3)
    shown: dict[str, Any] = api("GET", made["self"]).json()
    assert shown["status"] == "Succeeded"
    return shown


def say(
    emulator: SpeechEmulator,
    text: str,
    *,
    mode: str = "conversation",
    key: str | None = None,
    audio: bytes | None = None,
    **query: str,
) -> requests.Response:
    """Send short audio in which this is said."""
    return requests.post(
        emulator.endpoint + SHORT_AUDIO.format(mode),
        params={"language": "en-US", "format": "detailed", **query},
        data=clip() if audio is None else audio,
        headers={
            KEY_HEADER: key or emulator.key,
            "Content-Type": "audio/wav; codecs=audio/pcm; samplerate=16000",
            "X-Emulator-Transcript": text,
        },
        timeout=60,
    )


def refusal(response: requests.Response) -> tuple[int, str | None]:
    """Status and inner code of an error."""
    return response.status_code, response.json().get("innerError", {}).get("code")


def test_an_endpoint_is_deployed(api: Api, emulator: SpeechEmulator) -> None:
    """Create answers NotStarted; the job brings it to Succeeded; the links name the service's paths with its id."""
    response = api("POST", "/endpoints", json=body(text="Hello there.", properties={"email": "a@b.c"}))
    made = response.json()
    assert (response.status_code, made["status"], made["text"]) == (201, "NotStarted", "Hello there.")
    assert made["properties"] == {"loggingEnabled": False, "email": "a@b.c"}
    assert made["model"]["self"].endswith(f"/models/base/{base_model_id('en-US')}")
    endpoint_id = made["self"].rpartition("/")[2]
    assert made["links"]["restDictation"] == f"{emulator.endpoint}{SHORT_AUDIO.format('dictation')}?cid={endpoint_id}"
    assert made["links"]["webSocketInteractive"].startswith("ws://")
    assert made["links"]["logs"] == f"{made['self']}/files/logs"
    assert api("GET", made["self"]).headers["Retry-After"] == "3"
    emulator.advance(1)
    assert api("GET", made["self"]).json()["status"] == "Running"
    emulator.advance(2)
    done = api("GET", made["self"]).json()
    assert (done["status"], done["properties"]) == ("Succeeded", {"loggingEnabled": False})
    assert [one["self"] for one in api("GET", "/endpoints?filter=status eq 'Succeeded'").json()["values"]] == [
        made["self"]
    ]


@pytest.mark.parametrize(
    ("changes", "inner"),
    [
        ({"locale": "xx-XX"}, "InvalidLocale"),
        ({"model": {"self": "http://127.0.0.1/speechtotext/v3.1/models/base/1"}}, "InvalidModel"),
        ({"project": {"self": "http://127.0.0.1/speechtotext/v3.1/projects/1"}}, "InvalidProject"),
        ({"properties": {"timeToLive": "P32D"}}, "InvalidTimeToLive"),
        ({"properties": {"contentLoggingEnabled": True}}, "InvalidPayload"),
        ({"displayName": ""}, "InvalidPayload"),
    ],
)
def test_a_create_that_breaks_a_rule_is_refused(api: Api, changes: dict[str, object], inner: str) -> None:
    """400 with the code of the rule."""
    assert refusal(api("POST", "/endpoints", json=body(**changes))) == (400, inner)


def test_patch(api: Api, emulator: SpeechEmulator) -> None:
    """Logging is switched under its other name; what cannot be changed is refused."""
    url = deployed(api, emulator, properties={"loggingEnabled": True})["self"]
    changed = api("PATCH", url, json={"displayName": "n", "properties": {"contentLoggingEnabled": False}}).json()
    assert (changed["displayName"], changed["properties"], changed["status"]) == (
        "n",
        {"loggingEnabled": False},
        "Succeeded",
    )
    api("PATCH", url, json={"properties": {"contentLoggingEnabled": True}})
    assert api("PATCH", url, json={"properties": {}}).json()["properties"] == {"loggingEnabled": True}
    assert refusal(api("PATCH", url, json={"locale": "de-DE"})) == (400, "UnsupportedDelta")
    assert refusal(api("PATCH", url, json={"properties": {"loggingEnabled": True}})) == (400, "InvalidPayload")


def test_an_endpoint_is_deleted_when_its_time_is_over(api: Api, emulator: SpeechEmulator) -> None:
    """The time to live counts from when it finished; an unfinished one cannot be deleted."""
    made = api("POST", "/endpoints", json=body(properties={"timeToLive": "PT1H"})).json()
    assert refusal(api("DELETE", made["self"])) == (409, "DeleteNotAllowed")
    emulator.advance(3600)
    assert api("GET", made["self"]).status_code == 200
    emulator.advance(3)
    assert api("GET", made["self"]).status_code == 404
    assert api("DELETE", made["self"]).status_code == 204


def test_short_audio_goes_to_the_endpoint_it_names(api: Api, emulator: SpeechEmulator) -> None:
    """`cid` must name an endpoint of this subscription and language that is deployed."""
    made = api("POST", "/endpoints", json=body()).json()
    cid = made["self"].rpartition("/")[2]
    assert refusal(say(emulator, "hello", cid=cid)) == (400, "ModelDeploymentNotCompleteState")
    emulator.advance(3)
    answered = say(emulator, "hello", cid=cid)
    assert (answered.status_code, answered.json()["NBest"][0]["Lexical"]) == (200, "hello")
    assert refusal(say(emulator, "hello", cid=cid, language="de-DE")) == (400, "InvalidLocale")
    assert refusal(say(emulator, "hello", cid=cid, key=OTHER_KEY)) == (400, "InvalidParameterValue")
    assert refusal(say(emulator, "hello", cid="no-uuid")) == (400, "InvalidParameterValue")
    api("DELETE", made["self"])
    assert refusal(say(emulator, "hello", cid=cid)) == (400, "InvalidParameterValue")


def trained(api: Api, emulator: SpeechEmulator, spoken: str) -> str:
    """The URL of a model that writes "3CPO" for these words."""
    fields = {"displayName": "d", "kind": "Pronunciation", "locale": "en-US"}
    data = {"data": ("data", f"3CPO\t{spoken}\n".encode())}
    dataset = api("POST", "/datasets/upload", data=fields, files=data).json()["self"]
    emulator.advance(3)
    request = {"displayName": "m", "locale": "en-US", "datasets": [{"self": dataset}]}
    made = api("POST", "/models", json=request).json()
    return str(made["self"])


def lexical(response: requests.Response) -> str:
    """What an endpoint has heard."""
    return str(response.json()["NBest"][0]["Lexical"])


def test_a_custom_model_at_work_is_exchanged_without_a_break(api: Api, emulator: SpeechEmulator) -> None:
    """Until the new model is deployed the old one recognizes, and neither can be deleted; logs outlive the change."""
    first = trained(api, emulator, "three c p o")
    assert refusal(api("POST", "/endpoints", json=body(model={"self": first}))) == (
        400,
        "ModelDeploymentNotCompleteState",
    )
    emulator.advance(3)
    endpoint = deployed(api, emulator, model={"self": first}, properties={"loggingEnabled": True})
    cid = endpoint["self"].rpartition("/")[2]
    assert lexical(say(emulator, "three c p o", cid=cid)) == "3cpo"
    second = trained(api, emulator, "three see pee oh")
    emulator.advance(3)
    changed = api("PATCH", endpoint["self"], json={"model": {"self": second}}).json()
    assert (changed["model"]["self"], changed["status"]) == (second, "NotStarted")
    assert refusal(api("PATCH", endpoint["self"], json={"model": {"self": first}})) == (409, "EndpointNotUpdatable")
    assert refusal(api("DELETE", first)) == (409, "InUseViolation")
    assert refusal(api("DELETE", second)) == (409, "InUseViolation")
    assert lexical(say(emulator, "three c p o", cid=cid)) == "3cpo"
    seen = []
    for seconds in (0, 1, 2):
        emulator.advance(seconds)
        response = api("GET", endpoint["self"])
        seen.append((response.json()["status"], response.headers.get("Retry-After")))
    assert seen == [("NotStarted", "3"), ("Running", "2"), ("Succeeded", None)]
    assert lexical(say(emulator, "three see pee oh", cid=cid)) == "3cpo"
    assert lexical(say(emulator, "three c p o", cid=cid)) == "three c p o"
    assert len(api("GET", endpoint["links"]["logs"]).json()["values"]) == 8
    assert api("DELETE", first).status_code == 204
    api("DELETE", endpoint["self"])
    assert api("DELETE", second).status_code == 204


def test_a_deployment_that_fails(api: Api, emulator: SpeechEmulator) -> None:
    """A failed model is not deployed; an endpoint whose deployment failed says so, until it is deployed again."""
    emulator.arm([FailJob(display_name="m"), FailJob(display_name="e")])
    model = trained(api, emulator, "three c p o")
    emulator.advance(3)
    assert refusal(api("POST", "/endpoints", json=body(model={"self": model}))) == (400, "DeployingFailedModel")
    made = api("POST", "/endpoints", json=body()).json()
    emulator.advance(3)
    failed = api("GET", made["self"]).json()
    assert (failed["status"], failed["properties"]["error"]["code"]) == ("Failed", "Internal")
    cid = made["self"].rpartition("/")[2]
    assert refusal(say(emulator, "hello", cid=cid)) == (400, "DeployingFailedModel")
    emulator.arm([])
    again = api("PATCH", made["self"], json={"model": made["model"]}).json()
    assert (again["status"], again["properties"]) == ("NotStarted", {"loggingEnabled": False})
    emulator.advance(3)
    assert say(emulator, "hello", cid=cid).status_code == 200


def test_the_time_to_live_begins_again_with_another_model(api: Api, emulator: SpeechEmulator) -> None:
    """It counts from when the endpoint last finished."""
    model = trained(api, emulator, "three c p o")
    emulator.advance(3)
    endpoint = deployed(api, emulator, properties={"timeToLive": "PT1H"})
    emulator.advance(3000)
    api("PATCH", endpoint["self"], json={"model": {"self": model}})
    emulator.advance(3500)
    assert api("GET", endpoint["self"]).status_code == 200
    emulator.advance(200)
    assert api("GET", endpoint["self"]).status_code == 404


def test_each_mode_has_its_path_and_limit(emulator: SpeechEmulator) -> None:
    """Interactive requests last up to 15 seconds, the others up to 60."""
    assert say(emulator, "hello", mode="interactive", audio=clip(seconds=15)).status_code == 200
    assert refusal(say(emulator, "hello", mode="interactive", audio=clip(seconds=16))) == (400, "InvalidPayload")
    assert say(emulator, "hello", mode="dictation", audio=clip(seconds=60)).json()["RecognitionStatus"] == "Success"
    assert say(emulator, "hello", mode="telepathy").status_code == 404


def test_an_endpoint_logs_audio_and_answers(api: Api, emulator: SpeechEmulator) -> None:
    """Each request makes two logs with the documented names; both are served; each is deleted by itself."""
    endpoint = deployed(api, emulator, properties={"loggingEnabled": True})
    cid, logs = endpoint["self"].rpartition("/")[2], endpoint["links"]["logs"]
    answered = say(emulator, "hello", cid=cid, storeAudio="false").json()
    found = {log["kind"]: log for log in api("GET", logs).json()["values"]}
    assert set(found) == {"Audio", "Transcription"}
    written, heard = found["Transcription"], found["Audio"]
    assert written["self"].rpartition("/")[2] == "2026-01-01_" + written["name"].replace(".", "_")
    assert written["name"].startswith("000003__")
    assert written["name"].endswith(".v2.json")
    assert requests.get(written["links"]["contentUrl"], timeout=60).json() == answered
    content = requests.get(heard["links"]["contentUrl"], timeout=60).content
    assert len(content) == heard["properties"]["size"]
    with wave.open(io.BytesIO(content)) as audio:
        assert (audio.getframerate(), audio.getnframes()) == (16_000, 16_000)
    again = api("GET", written["self"], params={"sasValidityInSeconds": 60}).json()
    assert (again["name"], again["kind"]) == (written["name"], "Transcription")
    assert api("DELETE", heard["self"]).status_code == 204
    assert api("GET", heard["self"]).status_code == 404
    assert [log["kind"] for log in api("GET", logs).json()["values"]] == ["Transcription"]
    assert requests.get(heard["links"]["contentUrl"], timeout=60).status_code == 404
    api("DELETE", endpoint["self"])
    assert requests.get(written["links"]["contentUrl"], timeout=60).status_code == 404


def test_an_endpoint_without_logging_says_so(api: Api, emulator: SpeechEmulator) -> None:
    """Its logs cannot be listed, until a request asks to be logged."""
    endpoint = deployed(api, emulator)
    cid, logs = endpoint["self"].rpartition("/")[2], endpoint["links"]["logs"]
    say(emulator, "hello", cid=cid)
    assert refusal(api("GET", logs)) == (400, "EndpointWithoutLogging")
    assert refusal(api("DELETE", logs)) == (400, "EndpointWithoutLogging")
    say(emulator, "hello", cid=cid, storeAudio="true")
    assert len(api("GET", logs).json()["values"]) == 2


def test_logs_are_paged_by_token(api: Api, emulator: SpeechEmulator) -> None:
    """Pages follow `@nextLink`, whatever is deleted meanwhile; a token of one's own is refused."""
    endpoint = deployed(api, emulator, properties={"loggingEnabled": True})
    cid, logs = endpoint["self"].rpartition("/")[2], endpoint["links"]["logs"]
    for text in ("one", "two", "three"):
        say(emulator, text, cid=cid)
        emulator.advance(1)
    names, link = [], f"{logs}?top=4"
    while link:
        page = api("GET", link).json()
        names += [log["name"] for log in page["values"]]
        api("DELETE", page["values"][0]["self"])
        link = page.get("@nextLink")
    assert len(names) == 6
    assert names == sorted(names)
    assert refusal(api("GET", f"{logs}?skipToken=abc")) == (400, "InvalidSkipTokenForLogs")
    assert refusal(api("GET", f"{logs}?top=0")) == (400, "InvalidTopForLogs")
    assert refusal(api("GET", f"{logs}?top=x")) == (400, "InvalidTopForLogs")
    assert refusal(api("GET", f"{logs}/log")) == (400, "InvalidLogId")


def test_logs_are_deleted_by_day_and_kept_for_thirty(api: Api, emulator: SpeechEmulator) -> None:
    """`endDate` takes its own day too; 30 days later logs are gone by themselves."""
    endpoint = deployed(api, emulator, properties={"loggingEnabled": True})
    cid, logs = endpoint["self"].rpartition("/")[2], endpoint["links"]["logs"]
    for _ in range(4):
        say(emulator, "hello", cid=cid)
        emulator.advance(DAY)
    for day in ("2026-1-1", "2026-02-30", "20260101", ""):
        assert refusal(api("DELETE", f"{logs}?endDate={day}")) == (400, "InvalidLogDate")
    assert api("DELETE", f"{logs}?endDate=2026-01-02").status_code == 202
    days = [log["createdDateTime"][:10] for log in api("GET", logs).json()["values"]]
    assert days == ["2026-01-03"] * 2 + ["2026-01-04"] * 2
    emulator.advance(28 * DAY + 1)
    assert [log["createdDateTime"][:10] for log in api("GET", logs).json()["values"]] == ["2026-01-04"] * 2
    assert api("DELETE", logs).status_code == 202
    assert api("GET", logs).json()["values"] == []


def test_an_endpoint_and_its_logs_outlive_a_restart(tmp_path: Path) -> None:
    """With a location, the endpoint goes on recognizing, and what it had logged is still served."""
    clock = Clock(at=START)
    with SpeechEmulator(clock=clock, location=tmp_path) as emulator, Api(emulator.base_url, emulator.key) as api:
        endpoint = deployed(api, emulator, properties={"loggingEnabled": True}, text="Hello there.")
        cid = endpoint["self"].rpartition("/")[2]
        said = say(emulator, "hello", cid=cid).json()
    with SpeechEmulator(clock=clock, location=tmp_path) as emulator, Api(emulator.base_url, emulator.key) as api:
        assert say(emulator, "hello", cid=cid).json() == said
        logs = api("GET", f"/endpoints/{cid}/files/logs").json()["values"]
        urls = [log["links"]["contentUrl"] for log in logs if log["kind"] == "Transcription"]
        assert [requests.get(url, timeout=60).json() for url in urls] == [said, said]


def test_base_models_have_logs_by_locale(api: Api, emulator: SpeechEmulator) -> None:
    """`storeAudio=true` logs a request without endpoint, for its subscription and locale alone."""
    say(emulator, "hello")
    say(emulator, "hello", storeAudio="true")
    found = api("GET", "/endpoints/base/en-US/files/logs").json()["values"]
    assert [log["kind"] for log in found] == ["Transcription", "Audio"]
    assert api("GET", "/endpoints/base/de-DE/files/logs").json()["values"] == []
    with Api(emulator.base_url, OTHER_KEY) as other:
        assert other("GET", "/endpoints/base/en-US/files/logs").json()["values"] == []
        assert other("GET", found[0]["self"]).status_code == 404
    assert api("GET", found[0]["self"]).json()["name"] == found[0]["name"]
    assert api("DELETE", found[0]["self"]).status_code == 204
    assert api("DELETE", "/endpoints/base/en-US/files/logs?endDate=2025-12-31").status_code == 202
    assert len(api("GET", "/endpoints/base/en-US/files/logs").json()["values"]) == 1
    assert api("DELETE", "/endpoints/base/en-US/files/logs").status_code == 202
    assert api("GET", "/endpoints/base/en-US/files/logs").json()["values"] == []
    assert refusal(api("GET", "/endpoints/base/xx-XX/files/logs")) == (400, "InvalidLocale")


def test_the_client_drives_endpoints(api: Api, emulator: SpeechEmulator) -> None:
    """The project's client creates, reads, lists, changes and deletes an endpoint, uses it, and reads its logs."""
    with SpeechClient(emulator.endpoint, KeyCredential(emulator.key)) as client:
        model = EntityReference(self_url=f"{emulator.base_url}/models/base/{base_model_id('en-US')}")
        made = client.endpoints.create(
            NewEndpoint(
                display_name="e",
                locale="en-US",
                model=model,
                properties=Properties(logging_enabled=True, time_to_live=timedelta(days=1)),
            )
        )
        emulator.advance(3)
        assert client.endpoints.get(made.id).status == "Succeeded"
        assert [one.id for one in client.endpoints.list()] == [made.id]
        assert "en-US" in client.endpoints.list_supported_locales()
        with SpeechRecognizer(emulator.endpoint, KeyCredential(emulator.key)) as recognizer:
            recognizer.recognize(clip(), language="en-US", endpoint_id=made.id)
        logs = list(client.endpoints.list_logs(made.id, top=1))
        assert {log.kind for log in logs} == {"Audio", "Transcription"}
        assert client.endpoints.get_log(made.id, logs[0].id).name == logs[0].name
        client.endpoints.delete_log(made.id, logs[0].id)
        client.endpoints.delete_logs(made.id)
        assert list(client.endpoints.list_logs(made.id)) == []
        off = EndpointUpdate(properties=EndpointPropertiesUpdate(content_logging_enabled=False))
        changed = client.endpoints.update(made.id, off)
        assert changed.properties is not None
        assert changed.properties.logging_enabled is False
        client.endpoints.delete(made.id)
        assert list(client.endpoints.list()) == []
        assert list(client.endpoints.list_base_model_logs("en-US")) == []
    assert api("GET", "/endpoints").json()["values"] == []


def test_an_endpoint_of_a_dated_version(emulator: SpeechEmulator) -> None:
    """It has one web socket, no time to live, no text and no logs; short audio through it is the same."""
    with SpeechClient(emulator.endpoint, KeyCredential(emulator.key), api_version="2025-10-15") as client:
        made = client.endpoints.create(
            NewEndpoint(display_name="e", locale="en-US", properties=Properties(logging_enabled=True))
        )
        emulator.advance(3)
        done = client.endpoints.get(made.id)
        assert done.links is not None
        assert done.properties is not None
        assert done.links.model_dump(exclude_none=True).keys() == {"webSocket"}
        assert done.properties.model_dump(exclude_none=True) == {"loggingEnabled": True}
        assert lexical(say(emulator, "hello", cid=made.id)) == "hello"
        client.endpoints.delete(made.id)
    body = {"displayName": "e", "locale": "en-US", "properties": {"timeToLive": "PT6H"}}
    url = f"{emulator.endpoint}/speechtotext/endpoints?api-version=2025-10-15"
    refused = requests.post(url, json=body, headers={KEY_HEADER: emulator.key}, timeout=60)
    assert refusal(refused) == (400, "InvalidPayload")
