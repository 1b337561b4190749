"""The pipeline over two Speech resources: two emulated services with keys of their own, and one storage."""

import logging
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain
from typing import Any
from urllib.parse import urlsplit

import pytest
from pydantic import SecretStr

from devstack.azurite import Azurite
from emulator import SpeechEmulator
from emulator.faults import Cut, Fault, ServerError, Throttle
from shared.notifications import SIGNATURE_HEADER, Event, receive
from shared.pipeline import speech_resources
from shared.pipeline.ledger import Job
from shared.pipeline.messages import CollectMessage
from shared.pipeline.speech_resources import SpeechResource, SpeechResources
from shared.pipeline.webhook import keep_all
from shared.speech.client import SpeechClient
from shared.speech.credentials import KeyCredential
from shared.speech.recognition import SpeechRecognizer
from shared.speech.transport import Transport
from shared.storage import BlobContainer
from shared.wiring import App
from tests.contract.surroundings import Receiver
from tests.contract.test_pipeline import CLIP, Pipeline, open_pipeline

THROTTLED = Throttle(operation="Transcriptions_Create")


@dataclass
class Resources:
    """The app's parts, and the two services that they speak to."""

    pipeline: Pipeline
    services: tuple[SpeechEmulator, SpeechEmulator]

    def submit(self, *names: str, model: str = "") -> None:
        """Upload each file and take it in by itself, as a job of its own."""
        for name in names:
            self.pipeline.upload(name, model=model)
            self.pipeline.receive(name)

    def sources(self) -> list[list[str]]:
        """The audio that each service was given, once for each time."""
        return [
            sorted(url.partition("/audio/")[2] for seen in service.transcriptions for url in seen.content_urls)
            for service in self.services
        ]

    def creates(self) -> list[int]:
        """The creates that each service saw."""
        return [
            sum(seen.operation == "Transcriptions_Create" for seen in service.requests) for service in self.services
        ]

    def arm(self, *faults: Fault) -> None:
        """Arm both services."""
        for service in self.services:
            service.arm(faults)

    def job(self) -> Job:
        """The one open job."""
        (open_job,) = self.pipeline.app.ledger.open_jobs()
        found = self.pipeline.app.ledger.job(open_job.id)
        assert found
        assert found[0].endpoint == open_job.endpoint
        return found[0]

    def recover(self) -> None:
        """Sweep once the recovery time is over."""
        self.pipeline.clock.sleep(31)
        self.pipeline.app.upkeep.sweep()

    def collect(self) -> None:
        """Have what is finished at either service collected."""
        self.services[1].settle()
        self.pipeline.collect()

    def restarted(self, **settings: object) -> App:
        """The app as another process has it, with some settings changed."""
        app = self.pipeline.app
        return replace(app, settings=app.settings.model_copy(update=settings))


@pytest.fixture
def resources(azurite: Azurite, monkeypatch: pytest.MonkeyPatch) -> Iterator[Resources]:
    """Two services and the pipeline over them; new jobs take turns, where a hash of their ids would choose."""
    seen: dict[bytes, int] = {}
    monkeypatch.setattr(speech_resources, "crc32", lambda key: seen.setdefault(key, len(seen)))
    with (
        SpeechEmulator(key="key-of-the-second") as second,
        open_pipeline(
            azurite, engine="scripted", speech_more_endpoints=second.endpoint, speech_more_keys=second.key
        ) as pipeline,
    ):
        yield Resources(pipeline, (pipeline.emulator, second))


@pytest.fixture
def first_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every new job is for the first resource."""
    monkeypatch.setattr(speech_resources, "crc32", lambda _: 0)


def the_other(resources: Resources, service: SpeechEmulator) -> SpeechEmulator:
    """The service that is not this one."""
    first, second = resources.services
    return second if service is first else first


def home_of(resources: Resources) -> SpeechEmulator:
    """The service that the open job's record names."""
    (home,) = (service for service in resources.services if service.endpoint == resources.job().endpoint)
    return home


def test_ids_spread_evenly() -> None:
    """Of many ids each resource comes first for its share, and the others follow."""
    endpoints = [f"https://{number}.example.com" for number in range(3)]
    made = partial(SpeechClient, credential=KeyCredential("k"))
    known = SpeechResources(
        [SpeechResource(url, made(url), made(url), SpeechRecognizer(url, KeyCredential("k"))) for url in endpoints]
    )
    turns = [[one.endpoint for one in known.in_turn(None, key=f"job-{number}")] for number in range(3000)]
    assert all(sorted(turn) == endpoints for turn in turns)
    shares = Counter(turn[0] for turn in turns)
    assert all(abs(shares[endpoint] - 1000) < 100 for endpoint in endpoints)


def test_jobs_are_spread_and_collected_from_where_they_live(resources: Resources) -> None:
    """Each job goes to one resource; the results of both are collected, and both are tidied up."""
    names = [f"{number}.wav" for number in range(4)]
    resources.submit(*names)
    assert resources.sources() == [names[::2], names[1::2]]
    resources.collect()
    assert all(resources.pipeline.json("transcripts", name) for name in names)
    assert resources.pipeline.under_way() == []
    clients = [one.client for one in resources.pipeline.app.resources]
    assert [list(client.transcriptions.list()) for client in clients] == [[], []]


def test_a_throttled_job_goes_to_the_next_resource_at_once(resources: Resources) -> None:
    """A 429 moves the job, whichever resource it was for, without waiting; its record says where it lives."""
    for throttled in resources.services:
        throttled.arm([Throttle(operation="Transcriptions_Create", retry_after=600)])
        before = resources.pipeline.clock.ahead
        for number in range(2):
            name = f"{throttled.endpoint[-5:]}-{number}.wav"
            resources.submit(name)
            assert home_of(resources) is the_other(resources, throttled)
            resources.collect()
            assert resources.pipeline.json("transcripts", name)
        lingers = 2 * resources.pipeline.app.settings.linger_seconds
        assert resources.pipeline.clock.ahead - before == pytest.approx(lingers)
        throttled.arm([])
    assert sum(map(len, resources.sources())) == 4


def test_when_all_are_throttled_the_first_one_that_is_ready_is_asked(resources: Resources) -> None:
    """Each Retry-After is waited out: the resource that is ready first gets the job, and the other is let alone."""
    first, second = resources.services
    first.arm([Throttle(operation="Transcriptions_Create", count=1, retry_after=8)])
    second.arm([Throttle(operation="Transcriptions_Create", count=2, retry_after=3)])
    resources.submit("a.wav")
    assert resources.creates() == [1, 3]
    assert home_of(resources) is second
    resources.collect()
    assert resources.pipeline.json("transcripts", "a.wav")


def test_a_resource_that_cannot_be_reached_is_passed_over(resources: Resources) -> None:
    """A refused connection did nothing, so the job goes on to the next resource."""
    away = "http://127.0.0.1:1"
    (key,) = resources.pipeline.app.settings.speech_more_keys
    settings = {"speech_more_endpoints": (away, resources.services[1].endpoint), "speech_more_keys": (key, key)}
    resources.pipeline.app = resources.restarted(**settings)
    names = [f"{number}.wav" for number in range(3)]
    resources.submit(*names)
    assert resources.sources() == [["0.wav"], ["1.wav", "2.wav"]]
    resources.collect()
    assert all(resources.pipeline.json("transcripts", name) for name in names)


@pytest.mark.parametrize("after_effect", [True, False])
@pytest.mark.parametrize("lost", [Cut, ServerError])
def test_a_job_whose_answer_was_lost_stays_where_it_was_sent(
    resources: Resources, lost: type[Cut | ServerError], after_effect: bool
) -> None:
    """Nobody knows what happened there, so it is sent nowhere else; recovery looks there, and adopts or sends."""
    resources.arm(lost(operation="Transcriptions_Create", count=1, after_effect=after_effect))
    resources.submit("a.wav")
    home = home_of(resources)
    assert sum(resources.creates()) == 1
    resources.arm()
    resources.recover()
    resources.collect()
    assert resources.sources() == [["a.wav"] if service is home else [] for service in resources.services]
    assert sum(resources.creates()) == (1 if after_effect else 2)
    assert resources.pipeline.json("transcripts", "a.wav")


def test_an_answer_lost_after_a_move_is_looked_for_where_the_job_moved(resources: Resources) -> None:
    """The first resource throttles, the second does the work and its answer is lost: recovery finds it there."""
    resources.arm(THROTTLED)
    resources.submit("a.wav")  # left to recovery, for its record names one that has not taken it
    home = home_of(resources)
    other = the_other(resources, home)
    home.arm([Throttle(operation="Transcriptions_Create", count=1)])
    other.arm([Cut(operation="Transcriptions_Create", after_effect=True)])
    resources.recover()
    assert home_of(resources) is other
    other.arm([])
    creates = resources.creates()
    resources.recover()
    assert resources.creates() == creates
    resources.collect()
    assert resources.sources() == [["a.wav"] if service is other else [] for service in resources.services]
    assert resources.pipeline.json("transcripts", "a.wav")


class Killed(BaseException):
    """The process is gone."""


class Life:
    """A process whose last change of state, in storage or at a service, is the one numbered `last` (from 1)."""

    def __init__(self, last: int | None) -> None:
        self._last = last
        self.changes = 0

    def wrap(self, change: Callable[..., Any], *, counts: Callable[..., bool] = lambda *_: True) -> Callable[..., Any]:
        """The same change, carried out while the process lives; it dies before it can hear of its last one's end."""

        def lived(*arguments: Any, **named: Any) -> Any:  # noqa: ANN401 - passed on
            if not counts(*arguments):
                return change(*arguments, **named)
            if self.changes == self._last:
                raise Killed
            result = change(*arguments, **named)
            self.changes += 1
            if self.changes == self._last:
                raise Killed
            return result

        return lived


@pytest.mark.usefixtures("first_chosen")
def test_a_kill_after_any_change_of_state_neither_loses_nor_doubles(
    resources: Resources, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A job moves to and fro between two resources that throttle: whatever step is its process's last, all is well."""
    pipeline = resources.pipeline

    def live(name: str, last: int | None) -> Life:
        """Take in a file and collect it, in a process of its own."""
        life = Life(last)
        resources.services[0].arm([THROTTLED])
        resources.services[1].arm([Throttle(operation="Transcriptions_Create", count=1)])
        pipeline.app = resources.restarted()
        pipeline.upload(name)
        with monkeypatch.context() as patch, suppress(Killed):
            for method in ("write", "delete", "delete_all"):
                change = life.wrap(getattr(BlobContainer, method), counts=lambda _, subject, *__: bool(subject))
                patch.setattr(BlobContainer, method, change)
            request = life.wrap(Transport.request, counts=lambda _, method, *__: method != "GET")
            patch.setattr(Transport, "request", request)
            pipeline.receive(name)
            resources.collect()
        return life

    def live_on(name: str) -> None:
        """What the timers of another process do, and the trigger whose call did not end."""
        resources.arm()
        pipeline.app = resources.restarted()
        pipeline.receive(name)
        for _ in range(2):
            pipeline.clock.sleep(31)
            pipeline.app.upkeep.drain()
            resources.collect()

    whole = live("whole.wav", None)
    assert pipeline.json("transcripts", "whole.wav")
    assert resources.creates() == [2, 2]
    for last in range(whole.changes):
        name = f"after-{last}.wav"
        live(name, last)
        live_on(name)
        assert list(chain(*resources.sources())).count(name) == 1, name
        assert pipeline.json("transcripts", name), name
        assert pipeline.under_way() == [], name


def test_who_was_overtaken_by_recovery_sends_nothing_more(
    resources: Resources, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A sender that slept while another instance recovered its job cannot note its move, so it stops."""
    resources.services[0].arm([THROTTLED])
    ledger = resources.pipeline.app.ledger
    save = ledger.save_job
    rescuer = resources.restarted()

    def overtaken(job: Job, **condition: Any) -> str:  # noqa: ANN401 - passed on
        monkeypatch.undo()
        resources.arm()
        resources.pipeline.clock.sleep(31)
        rescuer.upkeep.sweep()
        return save(job, **condition)

    monkeypatch.setattr(ledger, "save_job", overtaken)
    resources.submit("a.wav")
    assert resources.job().state == "submitted"
    assert resources.sources() == [["a.wav"], []]


def test_a_model_goes_to_the_resource_it_lives_in(resources: Resources) -> None:
    """A job with a model waits for the model's resource and no other; a model of none fails the file at intake."""
    first, second = resources.services
    first.arm([THROTTLED])
    resources.submit("plain.wav")
    (plain,) = resources.pipeline.app.resources.at(second.endpoint).client.transcriptions.list()
    assert plain.model
    asked = resources.creates()[0]
    second.arm([Throttle(operation="Transcriptions_Create", count=1)])
    resources.submit(*(f"{number}.wav" for number in range(4)), model=plain.model.self_url)
    assert resources.creates() == [asked, 1 + 1 + 4]
    assert {job.endpoint for job in resources.pipeline.app.ledger.open_jobs()} == {second.endpoint}
    resources.submit("foreign.wav", model="https://elsewhere.example.com/speechtotext/v3.1/models/x")
    failure = resources.pipeline.json("failed", "foreign.wav")
    assert failure["reason"] == "InvalidOptions"
    assert all(service.endpoint in failure["message"] for service in resources.services)
    manifest = b'{"files": ["0.wav"], "options": {"model": "https://elsewhere.example.com/x"}}'
    resources.pipeline.app.container("audio").write("m.transcription.json", manifest)
    resources.pipeline.receive("m.transcription.json")
    assert resources.pipeline.json("failed", "m.transcription.json")["reason"] == "InvalidManifest"


def test_a_model_whose_resource_was_removed_fails_its_files(resources: Resources) -> None:
    """Files that waited while their model's resource was taken out of the settings end with a clear record."""
    resources.pipeline.upload("a.wav", model=f"{resources.services[1].base_url}/models/x")
    (group,) = resources.pipeline.app.intake.receive("a.wav")
    third = "http://127.0.0.1:1"
    resources.restarted(speech_more_endpoints=(third,)).commit.commit(group)
    failure = resources.pipeline.json("failed", "a.wav")
    assert failure["reason"] == "InvalidOptions"
    assert third in failure["message"]
    assert resources.pipeline.under_way() == []


def test_jobs_of_a_removed_resource_wait_and_are_told_of(
    resources: Resources, caplog: pytest.LogCaptureFixture
) -> None:
    """A resource taken out of the settings holds up nobody else; its jobs go on once it is back."""
    names = [f"{number}.wav" for number in range(4)]
    resources.submit(*names)
    by_service = resources.sources()
    assert all(by_service)
    resources.services[1].settle()
    complete = resources.pipeline.app
    resources.pipeline.app = resources.restarted(speech_more_endpoints=(), speech_more_keys=())
    with caplog.at_level(logging.ERROR, logger="dropscribe"):
        resources.pipeline.collect()
    gone = resources.services[1].endpoint
    assert any(gone in record.getMessage() for record in caplog.records)
    assert all(resources.pipeline.json("transcripts", name) for name in by_service[0])
    report = resources.pipeline.app.health.report()
    assert report["status"] == "unhealthy"
    assert any(gone in told and f"{len(by_service[1])} open jobs" in told for told in report["misconfigured"])
    lost = complete.ledger.open_jobs()[0].id
    assert resources.pipeline.app.collector.carry_out(CollectMessage(job=lost)) is None
    resources.pipeline.app = complete
    resources.collect()
    assert all(resources.pipeline.json("transcripts", name) for name in names)
    assert not any("open jobs" in told for told in complete.health.report()["misconfigured"])


def test_a_resource_in_trouble_holds_up_no_other(resources: Resources) -> None:
    """While one resource cannot list its transcriptions, the jobs of the other are collected; health names it."""
    names = [f"{number}.wav" for number in range(4)]
    resources.submit(*names)
    first, second = resources.sources()
    resources.services[1].settle()
    resources.services[1].arm([ServerError(operation="*", status=501)])  # which the client does not ask again
    resources.pipeline.collect()
    done = {name for name in names if resources.pipeline.json("transcripts", name)}
    assert done == set(first)
    speech = resources.pipeline.app.health.report()["speech"]
    assert speech.startswith(f"{resources.services[1].endpoint}: ServerError")
    resources.services[1].arm([])
    resources.collect()
    assert all(resources.pipeline.json("transcripts", name) for name in second)


def test_records_from_before_there_were_several_belong_to_the_first(resources: Resources) -> None:
    """An open job without a resource in its record, as an earlier release wrote it, is collected from the first."""
    second = resources.services[1]
    second.arm([THROTTLED])
    resources.submit("a.wav")
    ledger = resources.pipeline.app.ledger
    old = resources.job().model_copy(update={"endpoint": None})
    ledger.save_job(old)
    assert ledger.open_jobs()[0].endpoint is None
    second.arm([])
    resources.collect()
    assert resources.pipeline.json("transcripts", "a.wav")
    assert resources.pipeline.under_way() == []


@pytest.mark.parametrize("api_version", ["3.1", "2025-10-15"])
def test_each_resource_has_its_hook_and_tells_of_its_jobs(
    resources: Resources, receiver: Receiver, api_version: str
) -> None:
    """One hook at each; a notification has its job collected from the resource in it, or else from where it is."""
    app = resources.restarted(
        webhook_url=receiver.url, webhook_secret=SecretStr("a secret"), speech_api_version=api_version
    )
    resources.pipeline.app = app
    resources.services[0].arm([ServerError(operation="WebHooks_List", status=501, count=1)])
    with pytest.raises(ExceptionGroup, match="web hooks"):
        keep_all(app.webhooks)
    assert app.health.report()["webhook"].startswith(resources.services[0].endpoint)
    keep_all(app.webhooks)
    for service in resources.services:
        service.settle()
    assert app.health.report()["webhook"] == "ok"
    names = [f"{number}.wav" for number in range(4)]
    resources.submit(*names)
    for service in resources.services:
        service.settle()
    events = [
        receive(
            {"X-MicrosoftSpeechServices-Event": one.event, SIGNATURE_HEADER: one.signature or ""},
            {name: values[0] for name, values in one.query.items()},
            one.body,
            ["a secret"],
        )
        for one in receiver.received
        if one.event.lower() == "transcriptioncompletion"
    ]
    assert {urlsplit(event.endpoint).netloc for event in events if isinstance(event, Event)} == {
        urlsplit(service.endpoint).netloc for service in resources.services
    }
    for number, event in enumerate(events):
        assert isinstance(event, Event)
        hint = event.endpoint if number % 2 else "https://westeurope.api.cognitive.microsoft.com"
        app.collector.carry_out(CollectMessage(transcription=event.entity_id, endpoint=hint))
    assert all(resources.pipeline.json("transcripts", name) for name in names)
    assert resources.pipeline.under_way() == []


def test_short_audio_is_spread_and_goes_on_to_the_next(resources: Resources) -> None:
    """Clips are shared out; where one resource throttles, the other answers at once."""
    names = [f"{number}.wav" for number in range(4)]
    for name in names:
        resources.pipeline.upload(name, CLIP, route="short")
    resources.pipeline.receive(*names)
    assert all(service.requests for service in resources.services)
    resources.services[0].arm([Throttle(operation="ShortAudio_Recognize")])
    before = resources.pipeline.clock.ahead
    resources.pipeline.upload("more.wav", CLIP, route="short")
    resources.pipeline.receive("more.wav")
    assert resources.pipeline.clock.ahead == before
    assert all(resources.pipeline.json("transcripts", name) for name in [*names, "more.wav"])
