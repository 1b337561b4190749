"""The pipeline on real storage and the emulated service, with a clock that the test moves."""

import logging
import re
import threading
import uuid
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
import requests
from azure.core.exceptions import HttpResponseError
from azure.storage.blob import BlobLeaseClient

from devstack.azurite import Azurite
from emulator import SpeechEmulator
from emulator.faults import Cut, FailFile, Throttle
from emulator.storage_connection import StorageConnection
from shared.errors import StorageConditionError
from shared.pipeline.ledger import AudioFile, AudioSearch, Head, Ticket
from shared.pipeline.options import TranscriptionOptions
from shared.pipeline.webhook import WebhookKeeper
from shared.settings_model import Settings
from shared.speech.types.webhooks import NewWebHook
from shared.storage import AudioLinks
from shared.wiring import App
from tests.contract.surroundings import Receiver
from tests.end_to_end.world import tone

DATA = Path(__file__).resolve().parents[1] / "data"


class MovingClock:
    """The time of day, moved by hand and by sleeping; it never waits."""

    def __init__(self) -> None:
        self._ahead = timedelta()

    @property
    def ahead(self) -> float:
        """Seconds that it was moved."""
        return self._ahead.total_seconds()

    def now(self) -> datetime:
        """The machine's time and what it was moved ahead."""
        return datetime.now(UTC) + self._ahead

    def sleep(self, seconds: float) -> None:
        """Move on."""
        self._ahead += timedelta(seconds=seconds)


class Pipeline:
    """The app's parts over containers of their own, and what a test asks of them."""

    def __init__(self, app: App, clock: MovingClock, emulator: SpeechEmulator) -> None:
        self.app = app
        self.clock = clock
        self.emulator = emulator

    def upload(self, name: str, content: bytes | None = None, **metadata: str) -> None:
        """Put audio, a second of it by default, where the app looks for it."""
        self.app.container("audio").write(name, content or tone(), metadata=metadata, content_type="audio/wav")

    def receive(self, *names: str) -> None:
        """The blob trigger's work for each name; the groups are committed at the end."""
        groups = {group for name in names for group in self.app.intake.receive(name)}
        for group in groups:
            self.app.commit.commit(group)

    def collect(self) -> None:
        """Carry out what a sweep finds, as the queue trigger does."""
        self.emulator.settle()
        for message in self.app.upkeep.sweep():
            self.app.collector.carry_out(message)

    def json(self, container: str, name: str) -> Any:  # noqa: ANN401 - a JSON document
        """A document, or None."""
        found = self.app.container(container).read(f"{name}.json")
        return orjson.loads(found[0]) if found else None

    def sources(self) -> list[str]:
        """Every audio path in every transcription, once for each time it was submitted."""
        return sorted(url.partition("/audio/")[2] for seen in self.emulator.transcriptions for url in seen.content_urls)

    def under_way(self) -> list[str]:
        """Tickets and open jobs."""
        return [
            blob.name
            for blob in self.app.container("pipeline").list()
            if blob.name.startswith(("intake/", "jobs/open/"))
        ]


@pytest.fixture
def pipeline(azurite: Azurite) -> Iterator[Pipeline]:
    """The app over empty containers, and the scripted engine."""
    with open_pipeline(azurite, engine="scripted") as opened:
        yield opened


@contextmanager
def open_pipeline(
    azurite: Azurite, *, engine: str, storages: Sequence[StorageConnection] = (), **more_settings: str
) -> Iterator[Pipeline]:
    """The app over empty containers."""
    clock = MovingClock()
    with SpeechEmulator(engine=engine, storages=storages) as emulator:
        settings = Settings.model_validate(
            {
                "speech_endpoint": emulator.endpoint,
                "speech_key": emulator.key,
                "data_storage": azurite.connection_string(),
                "speech_timeout_seconds": 5,
                "submission_recovery_seconds": 30,
                "lease_seconds": 15,
                **more_settings,
            }
        )
        app = App(settings, now=clock.now, sleep=clock.sleep)
        app.create_containers()
        yield Pipeline(app, clock, emulator)
        for name in ("audio", "transcripts", "failed", "pipeline"):
            container = app.container(name)
            container.delete_all([blob.name for blob in container.list()])


def test_a_retry_waits_for_its_time(pipeline: Pipeline) -> None:
    """A file that failed for a passing reason is submitted again when its time has come, not before."""
    pipeline.emulator.arm([FailFile(error_kind="Timeout", count=1)])
    pipeline.upload("a.wav")
    pipeline.receive("a.wav")
    pipeline.collect()
    pipeline.app.upkeep.drain()
    assert pipeline.sources() == ["a.wav"]
    pipeline.clock.sleep(61)
    pipeline.app.upkeep.drain()
    pipeline.collect()
    assert pipeline.sources() == ["a.wav", "a.wav"]
    assert pipeline.json("transcripts", "a.wav")["source"]["blob"] == "a.wav"
    assert pipeline.under_way() == []


def test_a_duplicate_event_does_not_hasten_a_retry(pipeline: Pipeline) -> None:
    """While a retry waits, the file's first event coming again neither submits it nor resets its count."""
    pipeline.emulator.arm([FailFile(error_kind="Timeout")])
    pipeline.upload("a.wav")
    pipeline.receive("a.wav")
    pipeline.collect()
    pipeline.receive("a.wav")
    assert pipeline.sources() == ["a.wav"]
    for _ in range(3):
        pipeline.clock.sleep(3600)
        pipeline.app.upkeep.drain()
        pipeline.collect()
    assert pipeline.sources() == ["a.wav"] * 3
    assert pipeline.json("failed", "a.wav")["attempts"] == 3


@pytest.mark.parametrize("after_effect", [True, False])
def test_a_create_whose_answer_was_lost_is_recovered(pipeline: Pipeline, after_effect: bool) -> None:
    """Whether the create took effect or not, the file ends in exactly one transcription; nothing is sent blindly."""
    pipeline.emulator.arm([Cut(operation="Transcriptions_Create", after_effect=after_effect, count=1)])
    pipeline.upload("a.wav")
    pipeline.receive("a.wav")
    before = len(pipeline.sources())
    pipeline.app.upkeep.sweep()
    assert len(pipeline.sources()) == before  # not yet: the call could still be running
    pipeline.clock.sleep(31)
    pipeline.app.upkeep.sweep()
    pipeline.collect()
    assert pipeline.sources() == ["a.wav"]
    assert pipeline.json("transcripts", "a.wav")
    assert pipeline.under_way() == []


def test_a_throttled_create_is_given_up_before_recovery_could_meet_it(pipeline: Pipeline) -> None:
    """Throttling for longer than a third of the recovery time leaves the job to recovery, which sends it once."""
    pipeline.emulator.arm([Throttle(operation="Transcriptions_Create", count=5, retry_after=4)])
    pipeline.upload("a.wav")
    pipeline.receive("a.wav")
    assert pipeline.sources() == []
    pipeline.clock.sleep(31)
    pipeline.app.upkeep.sweep()
    pipeline.collect()
    assert pipeline.sources() == ["a.wav"]
    assert pipeline.json("transcripts", "a.wav")


def test_a_refused_request_fails_its_files(pipeline: Pipeline) -> None:
    """What the service refuses for good ends as failed records with its words; the next files are not held up."""
    pipeline.upload("a.wav", locale="xx-XX")
    pipeline.upload("b.wav")
    pipeline.receive("a.wav", "b.wav")
    pipeline.collect()
    failure = pipeline.json("failed", "a.wav")
    assert failure["reason"] == "RefusedByService"
    assert "xx-XX" in failure["message"]
    assert pipeline.json("transcripts", "b.wav")
    assert pipeline.under_way() == []


def test_a_transcription_that_vanished_is_tried_again(pipeline: Pipeline) -> None:
    """A transcription that somebody deleted before it was collected costs another attempt, not the transcript."""
    pipeline.upload("a.wav")
    pipeline.receive("a.wav")
    pipeline.emulator.settle()
    pipeline.app.client.transcriptions.delete(pipeline.emulator.transcriptions[0].id)
    pipeline.collect()
    pipeline.clock.sleep(61)
    pipeline.app.upkeep.drain()
    pipeline.collect()
    assert pipeline.json("transcripts", "a.wav")
    assert pipeline.under_way() == []


def test_an_older_result_never_replaces_a_newer_one(pipeline: Pipeline) -> None:
    """When the job of an older version is collected last, the newer version's transcript stays."""
    pipeline.upload("a.wav", transcript="the old words")
    pipeline.receive("a.wav")
    pipeline.upload("a.wav", transcript="the new words")
    pipeline.receive("a.wav")
    pipeline.emulator.settle()
    older, newer = sorted(pipeline.emulator.transcriptions, key=lambda seen: seen.display_name)
    pipeline.app.collector.collect_transcription(newer.id)
    pipeline.app.collector.collect_transcription(older.id)
    assert "new words" in pipeline.json("transcripts", "a.wav")["text"]
    assert pipeline.under_way() == []


def test_a_failure_of_an_older_version_goes_when_the_newer_one_works(pipeline: Pipeline) -> None:
    """A version's failed record does not outlive the success of a later version."""
    pipeline.upload("a.wav", emulator_fail="InvalidData")
    pipeline.receive("a.wav")
    pipeline.collect()
    assert pipeline.json("failed", "a.wav")
    pipeline.upload("a.wav")
    pipeline.receive("a.wav")
    pipeline.collect()
    assert pipeline.json("transcripts", "a.wav")
    assert pipeline.json("failed", "a.wav") is None


def test_many_committers_submit_each_file_once(pipeline: Pipeline) -> None:
    """However many instances commit a group at once, each file is submitted once, in few requests."""
    names = [f"{number:02}.wav" for number in range(40)]
    for name in names:
        pipeline.upload(name)
    start = threading.Barrier(8)

    def instance(share: list[str]) -> None:
        app = replace(pipeline.app)  # parts of its own: nothing but storage is shared
        start.wait()
        for name in share:
            for group in app.intake.receive(name):
                app.commit.commit(group)

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(instance, (names[part::8] for part in range(8))))
    pipeline.app.upkeep.drain()
    assert pipeline.sources() == names
    pipeline.collect()
    assert pipeline.under_way() == []


def test_a_file_that_waits_in_two_groups_is_submitted_once(pipeline: Pipeline) -> None:
    """A manifest that names what was just uploaded makes a second group; its committer sees the first one's job."""
    names = [f"{number}.wav" for number in range(5)]
    for name in names:
        pipeline.upload(name)
    manifest = orjson.dumps({"files": names, "options": {"profanity": "None"}})
    pipeline.app.container("audio").write("all.transcription.json", manifest)
    groups = {group for name in (*names, "all.transcription.json") for group in pipeline.app.intake.receive(name)}
    assert len(groups) == 2
    start = threading.Barrier(2)

    def instance(group: str) -> None:
        app = replace(pipeline.app)
        start.wait()
        app.commit.commit(group)

    with ThreadPoolExecutor(2) as threads:
        list(threads.map(instance, groups))
    pipeline.app.upkeep.drain()
    assert pipeline.sources() == names


def test_a_recovery_whose_answer_is_lost_waits_again(pipeline: Pipeline) -> None:
    """Recovery notes when it sends, so that the next one does not send while that create may still take effect."""
    pipeline.emulator.arm([Cut(operation="Transcriptions_Create", count=2)])
    pipeline.upload("a.wav")
    pipeline.receive("a.wav")

    def creates() -> int:
        return sum(seen.operation == "Transcriptions_Create" for seen in pipeline.emulator.requests)

    pipeline.clock.sleep(31)
    pipeline.app.upkeep.sweep()
    pipeline.app.upkeep.sweep()
    assert creates() == 2
    pipeline.clock.sleep(31)
    pipeline.app.upkeep.sweep()
    pipeline.collect()
    assert pipeline.sources() == ["a.wav"]
    assert pipeline.json("transcripts", "a.wav")


@pytest.mark.parametrize("name", ["ü ö/ 100% & more, really?.wav", "日本語/音声#1.wav", "a+b=c;d'e\"f.wav"])
def test_any_blob_name_goes_through(pipeline: Pipeline, name: str) -> None:
    """Names with spaces, signs and other scripts survive tickets, SAS URLs, results and outputs."""
    pipeline.upload(name)
    pipeline.receive(name)
    pipeline.collect()
    assert pipeline.json("transcripts", name)["source"]["blob"] == name
    assert pipeline.under_way() == []


def test_health_counts_what_is_there(pipeline: Pipeline) -> None:
    """Files that ended at intake, waiting, open and closed ones are counted; a part that is down is named."""
    pipeline.upload("notes.txt")
    pipeline.upload("a.wav")
    pipeline.receive("notes.txt", "a.wav")
    report = pipeline.app.health.report()
    assert report["counts"] == {"tickets": 0, "open": 1, "closed": 0, "failed": 1}
    assert report["speech"] == "ok"
    pipeline.collect()
    pipeline.emulator.arm([Cut(operation="ServiceHealth_Get")])
    report = replace(pipeline.app).health.report()
    assert report["counts"] == {"tickets": 0, "open": 0, "closed": 1, "failed": 1}
    assert report["status"] == "unhealthy"
    assert "SpeechConnectionError" in report["speech"]


CLIP = tone(seconds=2, rate=16_000)


def test_a_short_clip_is_recognized_at_once(pipeline: Pipeline) -> None:
    """With route auto a clip of the right form is recognized without a transcription; others go the long way."""
    pipeline.upload("clip.wav", CLIP, route="auto")
    pipeline.upload("long.wav", tone(seconds=61, rate=16_000), route="auto")
    pipeline.upload("narrow.wav", route="auto")
    pipeline.receive("clip.wav", "long.wav", "narrow.wav")
    document = pipeline.json("transcripts", "clip.wav")
    assert (document["transcription_id"], document["api_version"]) == ("", "short audio v1")
    assert document["duration_ms"] == 2000
    assert document["text"]
    assert pipeline.sources() == ["long.wav", "narrow.wav"]
    pipeline.collect()
    assert set(pipeline.json("transcripts", "long.wav")) == set(document)
    assert pipeline.under_way() == []
    pipeline.receive("clip.wav")
    assert sum(seen.operation == "ShortAudio_Recognize" for seen in pipeline.emulator.requests) == 1


def test_a_clip_that_must_be_short_but_is_not_fails_for_free(pipeline: Pipeline) -> None:
    """Route short refuses what the short-audio API would not take, and says what to do."""
    pipeline.upload("narrow.wav", route="short")
    pipeline.receive("narrow.wav")
    failure = pipeline.json("failed", "narrow.wav")
    assert failure["reason"] == "NotShortAudio"
    assert "16" in failure["message"]
    assert pipeline.emulator.requests == []


def test_a_clip_that_is_throttled_is_tried_again(pipeline: Pipeline) -> None:
    """A passing failure of the short-audio API costs another attempt."""
    pipeline.emulator.arm([Throttle(operation="ShortAudio_Recognize", count=2, retry_after=20)])
    pipeline.upload("clip.wav", CLIP, route="short")
    pipeline.receive("clip.wav")
    assert pipeline.json("transcripts", "clip.wav") is None
    pipeline.clock.sleep(61)
    pipeline.app.upkeep.drain()
    assert pipeline.json("transcripts", "clip.wav")
    assert pipeline.under_way() == []


def test_a_reference_text_brings_scores(azurite: Azurite) -> None:
    """A reading of a text ends with pronunciation scores in the document; where it cannot be short, with a warning."""
    with open_pipeline(azurite, engine="pocketsphinx") as pipeline:
        spoken = (DATA / "short_audio/correct.ogg").read_bytes()
        reference = (DATA / "short_audio/texts.txt").read_text().split("\n")[0].split(maxsplit=2)[2]
        pipeline.upload("reading.ogg", spoken, route="auto", reference_text=reference)
        pipeline.upload("narrow.wav", route="auto", reference_text=reference)
        pipeline.receive("reading.ogg", "narrow.wav")
        assert pipeline.json("transcripts", "reading.ogg")["pronunciation"]["accuracy"] > 70
        pipeline.collect()
        warnings = pipeline.json("transcripts", "narrow.wav")["warnings"]
        assert "pronunciation_not_assessed" in {warning["code"] for warning in warnings}


def test_a_committer_that_lost_its_lease_cannot_commit(pipeline: Pipeline) -> None:
    """The lease is the fence: after another holder took it, the old holder's write is refused."""
    ledger = pipeline.app.ledger
    head = Head(group=uuid.uuid4().hex[:16], options=TranscriptionOptions())
    ledger.ensure_head(head)
    storage = pipeline.app.container("pipeline")
    with ledger.lead(head.group) as lease:
        BlobLeaseClient(storage._client.get_blob_client(f"heads/{head.group}.json")).break_lease(0)
        with ledger.lead(head.group), pytest.raises(StorageConditionError):
            ledger.write_head(head, lease)


def test_a_crashed_commit_is_finished_by_the_next_leader(pipeline: Pipeline) -> None:
    """A batch in the head whose leader died becomes the same job; one that has ended since does not come back."""
    pipeline.upload("a.wav")
    (group,) = pipeline.app.intake.receive("a.wav")
    pipeline.app.commit.commit(group)
    pipeline.collect()
    closed = list(pipeline.app.container("pipeline").list("jobs/closed/"))
    record = pipeline.app.container("pipeline").read(closed[0].name)
    assert record
    job = orjson.loads(record[0])
    with pipeline.app.ledger.lead(group) as lease:
        head = pipeline.app.ledger.head(group)
        assert head
        stale = Head.model_validate({**head.model_dump(), "batch": {**job, "state": "submitting"}})
        pipeline.app.ledger.write_head(stale, lease)
    pipeline.upload("b.wav")
    pipeline.receive("b.wav")
    pipeline.collect()
    assert pipeline.sources() == ["a.wav", "b.wav"]
    assert pipeline.under_way() == []


def test_audio_whose_event_never_came_is_found(pipeline: Pipeline) -> None:
    """After ten minutes without an event the app takes audio in by itself, once; what is known is left alone."""
    upkeep = pipeline.app.upkeep
    for number in range(6):
        pipeline.upload(f"calls/{number}.wav")
    pipeline.upload("calls/unknown.xyz")
    pipeline.receive("calls/0.wav", "calls/2.wav", "calls/unknown.xyz")  # these find their ends,
    pipeline.collect()
    pipeline.receive("calls/3.wav")  # this one's job is open,
    pipeline.app.intake.receive("calls/4.wav")  # and this one's ticket waits
    assert upkeep.find_missed_audio() == 0
    pipeline.clock.sleep(11 * 60)
    pipeline.upload("calls/young.wav")  # for the clock it is older
    assert upkeep.find_missed_audio() == 3
    assert upkeep.find_missed_audio() == 0
    upkeep.drain()
    pipeline.collect()
    assert pipeline.sources() == [*(f"calls/{number}.wav" for number in range(6)), "calls/young.wav"]
    assert pipeline.under_way() == []


def test_a_search_without_time_goes_on_where_it_stopped(pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each call goes through a page at least, so the last name is reached; what came behind it, next time."""
    monkeypatch.setattr("shared.pipeline.upkeep._PAGE_SIZE", 2)

    def slow_now() -> datetime:
        pipeline.clock.sleep(pipeline.app.settings.work_seconds)
        return pipeline.clock.now()

    search = replace(pipeline.app, now=slow_now).upkeep.find_missed_audio
    names = [f"{number}.wav" for number in range(6)]
    for name in names:
        pipeline.upload(name)
    pipeline.receive(*names[:-1])
    pipeline.clock.sleep(11 * 60)
    assert search() == 0
    pipeline.upload("0-late.wav")
    far = pipeline.app.ledger.audio_search()
    assert far
    assert far.place
    # As if the round had begun before the late one was uploaded: storage's clock does not move.
    pipeline.app.ledger.write_audio_search(far.model_copy(update={"until": far.until - timedelta(hours=1)}))
    assert [search() for _ in range(2)] == [0, 1]
    assert sum(search() for _ in range(5)) == 1
    pipeline.app.upkeep.drain()
    pipeline.collect()
    assert pipeline.sources() == ["0-late.wav", *names]


def test_a_search_passes_over_what_it_cannot_read(pipeline: Pipeline) -> None:
    """A file that cannot be taken in holds up no other, and is looked at again in each round until it can be."""
    for name in ("a.wav", "archived.wav", "b.wav"):
        pipeline.upload(name, diarization="true")
    archived = pipeline.app.storage.get_blob_client("audio", "archived.wav")
    archived.set_standard_blob_tier("Archive")
    pipeline.clock.sleep(11 * 60)
    assert [pipeline.app.upkeep.find_missed_audio() for _ in range(2)] == [2, 0]
    archived.set_standard_blob_tier("Hot")
    assert [pipeline.app.upkeep.find_missed_audio() for _ in range(2)] == [1, 0]


def test_a_search_begins_anew_where_its_place_is_lost(pipeline: Pipeline) -> None:
    """A place that storage refuses costs a call, and nothing is missed; so with one that was never noted."""
    pipeline.upload("missed.wav")
    pipeline.clock.sleep(11 * 60)
    now = pipeline.clock.now()
    lost = AudioSearch(since=now - timedelta(hours=48), until=now, hours=48, place="x" * 20_000)
    pipeline.app.ledger.write_audio_search(lost)
    with pytest.raises(HttpResponseError):
        pipeline.app.upkeep.find_missed_audio()
    assert pipeline.app.upkeep.find_missed_audio() == 1


def test_how_far_back_missed_audio_is_looked_for(pipeline: Pipeline) -> None:
    """Audio older than the setting is left alone; with a longer one it is found, whatever was looked at before."""
    pipeline.upload("missed.wav")
    pipeline.clock.sleep(3 * 3600)

    def found(hours: int) -> int:
        settings = pipeline.app.settings.model_copy(update={"missed_audio_hours": hours})
        return replace(pipeline.app, settings=settings).upkeep.find_missed_audio()

    assert [found(hours) for hours in (0, 2, 4, 4)] == [0, 0, 1, 0]


def test_waiting_files_that_are_gone_or_replaced_are_not_paid_for(pipeline: Pipeline) -> None:
    """A ticket of audio that was deleted or uploaded again meanwhile is dropped; the newer version is submitted."""
    for name in ("gone.wav", "replaced.wav"):
        pipeline.upload(name)
    groups = {group for name in ("gone.wav", "replaced.wav") for group in pipeline.app.intake.receive(name)}
    pipeline.app.container("audio").delete("gone.wav")
    pipeline.upload("replaced.wav")
    groups |= pipeline.app.intake.receive("replaced.wav")
    for group in groups:
        pipeline.app.commit.commit(group)
    assert pipeline.sources() == ["replaced.wav"]


def test_a_group_nobody_knows_is_admitted_anew(pipeline: Pipeline) -> None:
    """Tickets whose group lost its head are resolved again rather than left behind."""
    pipeline.upload("a.wav")
    info = pipeline.app.container("audio").info("a.wav")
    assert info
    file = AudioFile.of("audio", info)
    pipeline.app.ledger.write_ticket(Ticket(group="0" * 16, file=file, due=pipeline.clock.now()))
    pipeline.app.upkeep.drain()
    pipeline.app.upkeep.drain()
    assert pipeline.sources() == ["a.wav"]


def test_collection_goes_on_where_time_ran_out(pipeline: Pipeline) -> None:
    """A collector whose time is up hands the rest to another call, and the job ends with every file."""
    names = [f"{number}.wav" for number in range(12)]
    for name in names:
        pipeline.upload(name)
    pipeline.receive(*names)
    pipeline.emulator.settle()
    (message,) = pipeline.app.upkeep.sweep()
    hurried = pipeline.app.collector
    hurried._work = timedelta(seconds=-1)
    rest = hurried.carry_out(message)
    assert rest is not None
    assert pipeline.under_way()
    hurried._work = timedelta(seconds=60)
    assert hurried.carry_out(rest) is None
    assert pipeline.under_way() == []
    assert all(pipeline.json("transcripts", name) for name in names)


def test_secrets_stay_out_of_records_and_logs(pipeline: Pipeline, caplog: pytest.LogCaptureFixture) -> None:
    """No SAS and no key in any blob that the app writes, nor in its log at the finest level."""
    caplog.set_level(logging.DEBUG)
    caplog.set_level(logging.DEBUG, logger="dropscribe")
    pipeline.emulator.arm([FailFile(source="*b.wav")])
    for name in ("a.wav", "b.wav"):
        pipeline.upload(name)
    pipeline.receive("a.wav", "b.wav")
    pipeline.collect()
    written = b"".join(
        (pipeline.app.container(name).read(blob.name) or (b"",))[0] + repr(blob.metadata).encode()
        for name in ("transcripts", "failed", "pipeline")
        for blob in pipeline.app.container(name).list()
    )
    told = written.decode() + "".join(record.getMessage() for record in caplog.records if record.name != "azure")
    assert "dropscribe" in {record.name.split(".")[0] for record in caplog.records}
    assert not re.search(r"sig=(?!\[redacted\])", told)
    assert pipeline.emulator.key not in told


def test_an_audio_link_reads_one_blob_and_nothing_else(pipeline: Pipeline) -> None:
    """The SAS that the service gets is for reading a single blob; without a SAS the link is the plain URL."""
    for name in ("a b/ü.wav", "other.wav"):
        pipeline.upload(name)
    storage = pipeline.app.storage
    link = AudioLinks(storage, hours=1, plain=False, now=pipeline.clock.now).blob("audio", "a b/ü.wav")
    query = link.partition("?")[2]
    assert requests.get(link, timeout=10).status_code == 200
    other = storage.get_blob_client("audio", "other.wav").url
    assert requests.get(f"{other}?{query}", timeout=10).status_code == 403
    assert requests.delete(link, timeout=10).status_code == 403
    plain = AudioLinks(storage, hours=1, plain=True, now=pipeline.clock.now).blob("audio", "other.wav")
    assert plain == other


def test_the_web_hook_is_registered_repaired_and_left_alone(pipeline: Pipeline, receiver: Receiver) -> None:
    """One hook for the app's URL; a new secret and a failed hook are repaired; of several hooks one stays."""
    keeper = WebhookKeeper(pipeline.app.client, receiver.url, "first secret")
    receiver.echoes = False
    assert keeper.keep() == "registered"
    found = keeper.find()
    assert found
    hook = keeper.client.webhooks.wait(found.id, timeout_seconds=30)
    assert hook.status == "Failed"
    receiver.echoes = True
    assert keeper.keep() == "repaired"
    pipeline.emulator.settle()
    assert keeper.keep() == "fine"
    rotated = replace(keeper, secret="second secret")
    assert rotated.keep() == "repaired"
    assert rotated.keep() == "fine"
    pipeline.app.client.webhooks.create(NewWebHook(display_name="x", web_url=receiver.url, events=hook.events))
    pipeline.emulator.settle()
    keeper.keep()
    assert len(list(pipeline.app.client.webhooks.list())) == 1


@pytest.mark.parametrize("version", ["2024-11-15", "2025-10-15"])
def test_the_newer_versions_of_the_api(azurite: Azurite, receiver: Receiver, version: str) -> None:
    """Submitted, told of by web hook, collected, its report read: a good file and a bad one end as with v3.1."""
    more: Any = {"speech_api_version": version, "webhook_url": receiver.url, "webhook_secret": "a secret of the test"}
    with open_pipeline(azurite, engine="scripted", **more) as pipeline:
        (hook,) = pipeline.app.webhooks
        hook.keep()
        pipeline.emulator.settle()
        pipeline.emulator.arm([FailFile(source="*bad.wav", error_kind="InvalidData")])
        pipeline.upload("good.wav", transcript="one two three")
        pipeline.upload("bad.wav")
        pipeline.receive("good.wav", "bad.wav")
        pipeline.collect()
        document = pipeline.json("transcripts", "good.wav")
        assert document["text"] == "one two three"
        assert pipeline.json("failed", "bad.wav")["reason"] == "InvalidData"
        assert pipeline.under_way() == []
        assert receiver.events()[-1:] == ["TranscriptionCompletion"]
        told = orjson.loads(receiver.received[-1].body)["self"]
        assert told.endswith(f"?api-version={version}")


def test_the_service_reads_audio_with_its_own_identity(azurite: Azurite) -> None:
    """With AUDIO_ACCESS identity no SAS leaves the app, and a service that may read the account needs none."""
    storage = StorageConnection.parse(azurite.connection_string())
    with open_pipeline(azurite, engine="scripted", storages=[storage], audio_access="identity") as pipeline:
        pipeline.upload("calls/a b.wav", transcript="one two three")
        pipeline.receive("calls/a b.wav")
        pipeline.collect()
        assert pipeline.json("transcripts", "calls/a b.wav")["text"] == "one two three"
        assert "?" not in pipeline.app.links.blob("audio", "calls/a b.wav")
