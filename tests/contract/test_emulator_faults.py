"""Faults on demand: each kind does what it says, as often as it says, and nothing else."""

import time
from typing import Any

import pytest
import requests

from emulator import SpeechEmulator
from emulator.faults import (
    CorruptResult,
    Cut,
    Delay,
    Duplicate,
    FailFile,
    FailJob,
    Fault,
    Late,
    Lost,
    Reorder,
    ServerError,
    Throttle,
    TruncateResult,
    parse_fault,
)
from tests.contract.specification import Api
from tests.contract.surroundings import Audio, Receiver

CREATE = {"displayName": "t", "locale": "en-US", "contentUrls": ["http://127.0.0.1:9/a.wav"]}


def create(api: Api, *urls: str, name: str = "t") -> requests.Response:
    """Send a create request."""
    return api(
        "POST", "/transcriptions", json={**CREATE, "displayName": name, "contentUrls": urls or ["http://127.0.0.1:9/"]}
    )


def hook(api: Api, emulator: SpeechEmulator, receiver: Receiver) -> None:
    """Make a web hook for creations and completions."""
    events = {"transcriptionCreation": True, "transcriptionCompletion": True}
    api("POST", "/webhooks", json={"displayName": "h", "webUrl": receiver.url, "events": events})
    emulator.settle()


def test_throttling(api: Api, emulator: SpeechEmulator) -> None:
    """429 with and without Retry-After, on the operation named, as often as asked, and without effect."""
    emulator.arm(
        [Throttle(operation="Transcriptions_Create", count=1, retry_after=7), Throttle(operation="*_Create", count=1)]
    )
    answers = [create(api) for _ in range(3)]
    assert [one.status_code for one in answers] == [429, 429, 201]
    assert [one.headers.get("Retry-After") for one in answers] == ["7", None, None]
    assert answers[0].json()["code"] == "TooManyRequests"
    assert len(api("GET", "/transcriptions").json()["values"]) == 1


def test_server_errors(api: Api, emulator: SpeechEmulator) -> None:
    """5xx after some requests were spared."""
    emulator.arm([ServerError(status=500, after=1, count=1)])
    assert [api("GET", "/webhooks").status_code for _ in range(3)] == [200, 500, 200]


@pytest.mark.parametrize(("after_effect", "left"), [(False, 0), (True, 1)])
def test_cut_connections(api: Api, emulator: SpeechEmulator, after_effect: bool, left: int) -> None:
    """The client sees no answer; after effect, the transcription is there all the same, and runs."""
    emulator.arm([Cut(operation="Transcriptions_Create", after_effect=after_effect)])
    with pytest.raises(requests.ConnectionError):
        create(api)
    emulator.arm([])
    assert len(api("GET", "/transcriptions").json()["values"]) == left
    assert emulator.requests[0].status is None
    assert emulator.requests[0].fault == "cut"


def test_time_out(api: Api, emulator: SpeechEmulator) -> None:
    """An answer comes when the clock has gone on, and not before."""
    emulator.arm([Delay(operation="WebHooks_List", seconds=30)])
    with pytest.raises(requests.Timeout):
        requests.get(f"{emulator.base_url}/webhooks", timeout=0.2)
    emulator.arm([])
    assert api("GET", "/webhooks").status_code == 200


def test_probability_is_repeatable(api: Api, emulator: SpeechEmulator) -> None:
    """The same seed gives the same faults, about as many as asked."""
    runs = []
    for _ in range(2):
        emulator.arm([ServerError(probability=0.3)])
        runs.append([api("GET", "/webhooks").status_code for _ in range(100)])
    assert runs[0] == runs[1]
    assert 15 < runs[0].count(503) < 45


@pytest.mark.parametrize(
    ("fault", "events"),
    [
        (Lost(event="transcriptionCreation"), ["Completion"]),
        (Duplicate(event="transcriptionCreation"), ["Creation", "Creation", "Completion"]),
        (Late(event="transcriptionCreation", seconds=4), ["Completion", "Creation"]),
    ],
)
def test_deliveries(api: Api, emulator: SpeechEmulator, receiver: Receiver, fault: Fault, events: list[str]) -> None:
    """Notifications are lost, come twice (the same bytes), or late; challenges are spared."""
    emulator.arm([fault])
    hook(api, emulator, receiver)
    create(api)
    emulator.advance(3)
    emulator.advance(1)
    assert receiver.events() == [f"Transcription{event}" for event in events]
    assert len({one.body for one in receiver.received if one.event == "TranscriptionCreation"}) <= 1
    assert [one.lost for one in emulator.deliveries].count(True) == isinstance(fault, Lost)


def test_reordered_deliveries(api: Api, emulator: SpeechEmulator, receiver: Receiver) -> None:
    """Within the time given, notifications overtake each other; each comes once."""
    hook(api, emulator, receiver)
    emulator.arm([Reorder(event="transcriptionCreation", seconds=10)])
    made = [create(api).json()["self"] for _ in range(6)]
    emulator.advance(10)
    came = [one.body.decode() for one in receiver.received if one.event == "TranscriptionCreation"]
    order = [next(n for n, url in enumerate(made) if url in body) for body in came]
    assert order != sorted(order)
    assert sorted(order) == list(range(6))


def test_failing_files(api: Api, emulator: SpeechEmulator, audio: Audio) -> None:
    """Files fail by their URL's pattern, for the first tries of each, and the others do not."""
    urls = [audio.url("good.wav"), audio.url("bad-1.wav"), audio.url("bad-2.wav")]
    emulator.arm([FailFile(source="*/bad-*", error_kind="Transient", tries=1)])
    kinds = []
    for _ in range(2):
        job = create(api, *urls).json()
        emulator.advance(3)
        kinds.append([one.get("errorKind") for one in files(api, job)["report.json"].json()["details"]])
    assert kinds == [[None, "Transient", "Transient"], [None, None, None]]


def files(api: Api, job: dict[str, Any]) -> dict[str, requests.Response]:
    """The content of a transcription's files by name."""
    listed = api("GET", job["links"]["files"]).json()["values"]
    return {one["name"]: requests.get(one["links"]["contentUrl"], timeout=60) for one in listed}


@pytest.mark.parametrize(
    "fault", [CorruptResult(name="contenturl_*", count=1), TruncateResult(name="contenturl_*", count=1)]
)
def test_spoiled_results(api: Api, emulator: SpeechEmulator, audio: Audio, fault: Fault) -> None:
    """A result is no JSON when read first, and whole when read again; the report is spared."""
    job = create(api, audio.url("a.wav")).json()
    emulator.advance(3)
    emulator.arm([fault])
    first, second = files(api, job), files(api, job)
    with pytest.raises(requests.JSONDecodeError):
        first["contenturl_0.json"].json()
    assert second["contenturl_0.json"].json()["recognizedPhrases"]
    assert first["report.json"].content == second["report.json"].content


def test_jobs_that_fail_whole(api: Api, emulator: SpeechEmulator, audio: Audio) -> None:
    """A transcription fails by its name's pattern with the error given, and leaves no files."""
    emulator.arm([FailJob(display_name="bad*", code="Timeout", message="Took too long.")])
    bad, good = (create(api, audio.url("a.wav"), name=name).json() for name in ("bad one", "good one"))
    emulator.advance(3)
    assert api("GET", bad["self"]).json()["properties"]["error"] == {"code": "Timeout", "message": "Took too long."}
    assert api("GET", bad["links"]["files"]).json()["values"] == []
    assert api("GET", good["self"]).json()["status"] == "Succeeded"


def test_administration(api: Api, emulator: SpeechEmulator) -> None:
    """Over HTTP: faults are armed and counted, the clock moves, what happened is told and forgotten."""
    admin = f"{emulator.endpoint}/emulator"
    wrong = requests.put(f"{admin}/faults", json=[{"kind": "flood"}], timeout=60)
    assert wrong.status_code == 400
    armed = requests.put(f"{admin}/faults", json=[{"kind": "throttle", "count": 1}], timeout=60).json()
    assert create(api).status_code == 429
    assert requests.get(f"{admin}/faults", timeout=60).json() == [{**armed[0], "matched": 1, "struck": 1}]
    create(api)
    moved = requests.post(f"{admin}/clock", json={"advance_seconds": 3}, timeout=60).json()
    assert moved == {"now": "2026-01-01T00:00:03Z"}
    (job,) = requests.get(f"{admin}/transcriptions", timeout=60).json()
    assert (job["status"], job["content_urls"]) == ("Failed", ["http://127.0.0.1:9/"])
    seen = requests.get(f"{admin}/requests", timeout=60).json()
    assert [(one["operation"], one["status"], one["fault"]) for one in seen] == [
        ("Transcriptions_Create", 429, "throttle"),
        ("Transcriptions_Create", 201, None),
    ]
    assert requests.post(f"{admin}/reset", timeout=60).status_code == 204
    assert api("GET", "/transcriptions").json()["values"] == []
    assert (emulator.transcriptions, len(emulator.requests)) == ([], 1)


def test_faults_of_the_command_line() -> None:
    """Text has the same meaning as the objects; a mistake is told with its place."""
    assert parse_fault("throttle,operation=*_Create,count=2,retry_after=3") == Throttle(
        operation="*_Create", count=2, retry_after=3
    )
    assert parse_fault("cut,after_effect=true") == Cut(after_effect=True)
    for wrong in ("flood", "throttle,colour=red", "error,status=200", "late,seconds=x", "throttle,count"):
        with pytest.raises(ValueError, match=wrong):
            parse_fault(wrong)


def test_a_real_clock_needs_no_help() -> None:
    """On the machine's clock jobs finish by themselves, and moving it forward spares waiting."""
    with SpeechEmulator() as emulator, Api(emulator.base_url, emulator.key) as api:
        emulator.arm([])
        job = create(api).json()["self"]
        emulator.settle()
        assert api("GET", job).json()["status"] == "Failed"
        patched = {**CREATE, "properties": {"timeToLive": "P1D"}}
        short = api("POST", "/transcriptions", json=patched).json()["self"]
        begun = time.monotonic()
        emulator.advance(86400 + 1)
        assert api("GET", short).status_code == 404
        assert time.monotonic() - begun < 60
