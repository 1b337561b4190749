"""From upload to outcome through the real host, storage and service."""

import base64
import json
from concurrent.futures import ThreadPoolExecutor

import jsonschema
import pytest
import requests

from emulator.faults import CorruptResult, Duplicate, FailFile, FailJob, Late, Lost, Reorder, Throttle, TruncateResult
from tests.end_to_end.conftest import NewWorld
from tests.end_to_end.world import World, tone

pytestmark = pytest.mark.end_to_end


def test_one_file_becomes_a_transcript_with_exports(world: World) -> None:
    """One upload ends as JSON, WebVTT, SRT and text; the service's copy is deleted and nothing is left under way."""
    world.upload("calls/first.wav", tone(seconds=3), transcript="hello world")
    world.wait_for("calls/first.wav")
    document = world.transcript("calls/first.wav")
    assert document["text"].lower().startswith("hello world")
    assert document["source"] == {"container": "audio", "blob": "calls/first.wav", "etag": document["source"]["etag"]}
    assert {blob.name for blob in world.container("transcripts").list_blobs()} == {
        f"calls/first.wav.{ending}" for ending in ("json", "vtt", "srt", "txt")
    }
    assert all(seen.deleted for seen in world.emulator.transcriptions)
    assert "sig=" not in json.dumps(document)
    assert world.health()["counts"] == {"tickets": 0, "open": 0, "closed": 1, "failed": 0}


def test_many_files_share_few_requests(new_world: NewWorld) -> None:
    """200 files uploaded at once are submitted in at most 3 requests, each exactly once."""
    world = new_world()
    names = {f"batch/{number:03}.wav" for number in range(200)}
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda name: world.upload(name, tone(seconds=0.1)), names))
    world.start_host({"LINGER_SECONDS": "2"})
    world.wait_for(*names, seconds=120)
    assert world.names("transcripts") == names
    assert world.creates() <= 3
    assert world.times_submitted() == dict.fromkeys(names, 1)


def test_options_come_from_folder_and_metadata(world: World) -> None:
    """The nearest _options.json counts, metadata wins over it, and a bad option fails its own file only."""
    world.upload("_options.json", b'{"locale": "de-DE"}')
    world.upload("fr/_options.json", b'{"locale": "fr-FR"}')
    world.upload("a.wav")
    world.upload("fr/deep/b.wav")
    world.upload("fr/c.wav", locale="it-IT")
    world.upload("fr/d.wav", locale="nowhere")
    world.wait_for("a.wav", "fr/deep/b.wav", "fr/c.wav", "fr/d.wav")
    locales = {name: world.transcript(name)["locale"] for name in ("a.wav", "fr/deep/b.wav", "fr/c.wav")}
    assert locales == {"a.wav": "de-DE", "fr/deep/b.wav": "fr-FR", "fr/c.wav": "it-IT"}
    failure = world.failure("fr/d.wav")
    assert failure["reason"] == "InvalidOptions"
    assert "locale" in failure["message"]
    assert "fr/d.wav" in failure["message"]


def test_manifests_name_files_a_prefix_or_a_container(world: World) -> None:
    """Each kind of manifest submits what it names as one transcription with its own options."""
    world.upload("waiting/_options.json", b'{"start": "manifest"}')
    for name in ("waiting/a.wav", "waiting/b.wav", "waiting/other/c.wav"):
        world.upload(name)
    world.upload("one.transcription.json", b'{"files": ["waiting/a.wav"], "options": {"locale": "en-GB"}}')
    world.upload("two.transcription.json", b'{"prefix": "waiting/other/"}')
    world.storage.create_container("archive")
    world.upload("x/1.wav", container="archive")
    world.upload("2.wav", container="archive")
    world.upload("tapes.transcription.json", b'{"container": "archive", "options": {"locale": "es-ES"}}')
    expected = {"waiting/a.wav", "waiting/other/c.wav", "tapes/x/1.wav", "tapes/2.wav"}
    world.wait_for(*expected)
    assert world.names("transcripts") == expected
    assert world.transcript("waiting/a.wav")["locale"] == "en-GB"
    assert world.transcript("tapes/x/1.wav")["locale"] == "es-ES"
    assert world.transcript("tapes/x/1.wav")["source"]["container"] == "archive"
    assert len([seen for seen in world.emulator.transcriptions if seen.content_container_url]) == 1
    assert world.creates() == 3


def test_what_cannot_succeed_fails_early_and_free(world: World) -> None:
    """Empty files, unknown types and broken manifests get a failed record with the reason, and cost no request."""
    world.upload("empty.wav", b"")
    world.upload("notes.txt", b"hello")
    world.upload("bad.transcription.json", b'{"files": []}')
    world.upload("gone.transcription.json", b'{"files": ["nowhere.wav"]}')
    world.upload("talk/stereo.wav", tone(channels=2), diarization="true", stereo_diarization="fail")
    expected = {
        "empty.wav": "EmptyFile",
        "notes.txt": "UnknownAudioType",
        "bad.transcription.json": "InvalidManifest",
        "gone.transcription.json": "InvalidManifest",
        "talk/stereo.wav": "DiarizationNeedsMono",
    }
    world.wait_for(*expected)
    assert {name: world.failure(name)["reason"] for name in expected} == expected
    assert world.creates() == 0


def test_stereo_with_diarization_is_transcribed_by_channels_with_a_warning(world: World) -> None:
    """By default diarization of stereo audio is dropped, and the transcript says so."""
    world.upload("stereo.wav", tone(channels=2), diarization="true")
    world.wait_for("stereo.wav")
    document = world.transcript("stereo.wav")
    assert [warning["code"] for warning in document["warnings"]] == ["diarization_dropped"]


def test_duplicate_events_change_nothing(new_world: NewWorld) -> None:
    """Blob events, notifications and queue messages that come again pay for nothing and write nothing new."""
    world = new_world()
    world.start_host({"BLOB_TRIGGER_SOURCE": "EventGrid"})
    world.emulator.arm([Duplicate()])
    world.upload("twice.wav")
    for _ in range(3):
        world.send_blob_event("twice.wav")
    world.wait_for("twice.wav")
    before = world.container("transcripts").get_blob_client("twice.wav.json").get_blob_properties().etag
    message = json.dumps({"transcription": world.emulator.transcriptions[0].id}).encode()
    world.queues.get_queue_client("collect").send_message(base64.b64encode(message).decode())
    world.send_blob_event("twice.wav")
    world.until(lambda: world.executions("intake_audio") == 4 and world.executions("collect_transcription") >= 3)
    assert not world.under_way()
    assert world.times_submitted() == {"twice.wav": 1}
    assert world.container("transcripts").get_blob_client("twice.wav.json").get_blob_properties().etag == before


def test_events_in_a_queue_take_audio_in(new_world: NewWorld) -> None:
    """Where Event Grid delivers to the queue, doubled events included, each blob is submitted once."""
    world = new_world()
    world.start_host({"BLOB_TRIGGER_SOURCE": "EventGrid"})
    queue = world.queues.create_queue("audio-events")
    world.upload("queued.wav")
    event = {
        "eventType": "Microsoft.Storage.BlobCreated",
        "subject": "/blobServices/default/containers/audio/blobs/queued.wav",
    }
    for _ in range(2):
        queue.send_message(base64.b64encode(json.dumps(event).encode()).decode())
    world.wait_for("queued.wav")
    assert world.times_submitted() == {"queued.wav": 1}


def test_lost_notifications_cost_a_sweep_only(world: World) -> None:
    """Without any notification the sweep finds the finished transcription."""
    world.emulator.arm([Lost()])
    world.upload("quiet.wav")
    world.until(lambda: world.settled({"quiet.wav"}), timers=("sweep_jobs",))
    assert world.names("transcripts") == {"quiet.wav"}


def test_late_and_reordered_notifications_change_nothing(world: World) -> None:
    """Notifications that come late, in another order or twice still collect every file once."""
    world.emulator.arm([Reorder(seconds=1), Late(seconds=0.5), Duplicate()])
    names = {f"{number}.wav" for number in range(4)}
    for number, name in enumerate(sorted(names)):
        world.upload(name, locale="en-US" if number % 2 else "en-GB")
    world.wait_for(*names)
    assert world.names("transcripts") == names
    assert world.times_submitted() == dict.fromkeys(names, 1)


def test_throttling_delays_and_loses_nothing(world: World) -> None:
    """A service that answers 429, with and without Retry-After, is asked again, and the file is submitted once."""
    world.emulator.arm(
        [
            Throttle(operation="Transcriptions_Create", count=1, retry_after=1),
            Throttle(operation="Transcriptions_*", count=4),
        ]
    )
    world.upload("patient.wav")
    world.until(lambda: world.settled({"patient.wav"}), timers=("drain_tickets", "sweep_jobs"), seconds=90)
    assert world.names("transcripts") == {"patient.wav"}
    assert world.times_submitted() == {"patient.wav": 1}


def test_a_failed_file_stops_no_other(world: World) -> None:
    """One file fails for good, one for a passing reason, one works: each ends where it should."""
    world.emulator.arm(
        [
            FailFile(source="*broken.wav", error_kind="InvalidData"),
            FailFile(source="*shaky.wav", error_kind="Timeout", tries=1),
        ]
    )
    for name in ("good.wav", "broken.wav", "shaky.wav"):
        world.upload(name)
    world.until(lambda: world.settled({"good.wav", "broken.wav", "shaky.wav"}), timers=("drain_tickets",))
    assert world.names("transcripts") == {"good.wav", "shaky.wav"}
    assert world.names("failed") == {"broken.wav"}
    failure = world.failure("broken.wav")
    assert failure["reason"] == "InvalidData"
    assert failure["attempts"] == 1
    assert world.times_submitted() == {"good.wav": 1, "broken.wav": 1, "shaky.wav": 2}


def test_a_passing_failure_that_stays_ends_after_three_attempts(world: World) -> None:
    """A file that keeps failing for a passing reason is given up after the attempts that the settings allow."""
    world.emulator.arm([FailFile(error_kind="Internal")])
    world.upload("hopeless.wav")
    world.until(lambda: world.settled({"hopeless.wav"}), timers=("drain_tickets",))
    assert world.failure("hopeless.wav")["attempts"] == 3
    assert world.times_submitted() == {"hopeless.wav": 3}


def test_a_job_that_fails_whole_fails_each_file(world: World) -> None:
    """A transcription that fails as a whole for good gives each of its files a failed record with its reason."""
    world.emulator.arm([FailJob(code="InvalidData", message="Nothing could be read.")])
    world.upload("one.wav")
    world.upload("two.wav")
    world.wait_for("one.wav", "two.wav")
    assert {world.failure(name)["reason"] for name in ("one.wav", "two.wav")} == {"InvalidData"}


def test_a_result_that_is_corrupt_once_is_read_again(world: World) -> None:
    """A result that comes corrupt or cut once costs another read, not another submission."""
    world.emulator.arm([CorruptResult(name="contenturl_*", count=1), TruncateResult(name="contenturl_*", count=1)])
    world.upload("flaky.wav")
    world.until(lambda: world.settled({"flaky.wav"}), timers=("sweep_jobs",))
    assert world.names("transcripts") == {"flaky.wav"}
    assert world.times_submitted() == {"flaky.wav": 1}


def test_a_result_that_stays_corrupt_fails_its_file_alone(world: World) -> None:
    """A result that cannot be read is given up after three reads; it was paid for, so it is not submitted again."""
    world.upload("fine.wav")
    world.upload("spoilt.wav")
    world.emulator.arm([CorruptResult(name="contenturl_1.json")])
    world.until(lambda: world.settled({"fine.wav", "spoilt.wav"}), timers=("sweep_jobs",), seconds=90)
    assert len(world.names("transcripts")) == 1
    (spoilt,) = world.names("failed")
    assert world.failure(spoilt)["reason"] == "ResultUnreadable"
    assert set(world.times_submitted().values()) == {1}


def test_audio_uploaded_again_gets_the_newer_transcript(world: World) -> None:
    """A newer version of a blob replaces the transcript of the older one, whose late result is dropped."""
    world.upload("news.wav", tone(seconds=2), transcript="old words")
    world.wait_for("news.wav")
    world.upload("news.wav", tone(seconds=3), transcript="new words")
    world.until(lambda: "new words" in world.transcript("news.wav")["text"].lower() and not world.under_way())
    assert world.times_submitted() == {"news.wav": 2}


def test_unbelievable_notifications_leave_no_trace(world: World) -> None:
    """Unsigned or malformed notifications get 401 or 400 with one line, and nothing is queued."""
    url = f"{world.host.url}/api/speech/events"
    event = {"X-MicrosoftSpeechServices-Event": "TranscriptionCompletion"}
    unsigned = requests.post(url, data=b"{}", headers=event, timeout=10)
    forged = requests.post(
        url, data=b"{}", headers={**event, "X-MicrosoftSpeechServices-Signature": "AAAA"}, timeout=10
    )
    assert [unsigned.status_code, forged.status_code] == [401, 401]
    assert unsigned.text.count("\n") == 1
    assert "collect" not in {queue.name for queue in world.queues.list_queues()} or not list(
        world.queues.get_queue_client("collect").peek_messages()
    )
    assert world.under_way() == set()


def test_an_unset_secret_refuses_everything(new_world: NewWorld) -> None:
    """Without a secret even a well-formed challenge is refused, files are still collected, and health says why."""
    world = new_world()
    world.start_host({"WEBHOOK_SECRET": ""}, webhook=False)
    answer = requests.post(
        f"{world.host.url}/api/speech/events?validationToken=abc",
        headers={"X-MicrosoftSpeechServices-Event": "challenge"},
        timeout=10,
    )
    assert answer.status_code == 401
    world.upload("unhooked.wav")
    world.until(lambda: world.settled({"unhooked.wav"}), timers=("sweep_jobs",))
    assert world.names("transcripts") == {"unhooked.wav"}
    health = world.health()
    assert health["status"] == "unhealthy"
    assert "WEBHOOK_SECRET" in health["misconfigured"][0]


def test_a_misconfigured_app_starts_and_says_what_is_wrong(new_world: NewWorld) -> None:
    """Wrong settings keep nothing from starting; the health answer names each of them and what it accepts."""
    world = new_world()
    world.start_host({"SPEECH_ENDPOINT": "not a url", "MAX_ATTEMPTS": "many"}, webhook=False)
    answer = requests.get(f"{world.host.url}/api/health", timeout=30)
    assert answer.status_code == 503
    problems = " ".join(answer.json()["misconfigured"])
    assert "SPEECH_ENDPOINT" in problems
    assert "MAX_ATTEMPTS" in problems


def test_documents_validate_against_the_published_schema(world: World) -> None:
    """What is written to storage is what docs/transcript.schema.json says."""
    world.upload("schema.wav", tone(seconds=5, channels=2))
    world.wait_for("schema.wav")
    with open("docs/transcript.schema.json", encoding="utf-8") as file:  # noqa: PTH123 - short
        jsonschema.validate(world.transcript("schema.wav"), json.load(file))
