"""The dev host's timers, queue messages and blob events, as far as they are pure."""

import json
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devhost.blobs import BlobCreated, BlobScanner, BlobWork, Handshake, locate, read_events
from devhost.errors import StartupError
from devhost.functions import Binding, Function
from devhost.invocation import queue_messages
from devhost.protos import TypedData
from devhost.queues import queue_trigger
from devhost.storage import decode_message, encode_message
from devhost.timers import Schedule, ScheduleStatus, is_monitored, read_schedule, retry_delay

NOON = datetime(2026, 3, 2, 12, 0, 0, tzinfo=UTC)  # a Monday


def function(kind: str, **properties: Any) -> Function:  # noqa: ANN401 - of function.json
    """A function with this trigger."""
    return Function("1", "f", Binding("t", kind, {"direction": "IN", **properties}), (), (), None, disabled=False)


@pytest.mark.parametrize(
    ("expression", "following"),
    [
        ("*/10 * * * * *", NOON + timedelta(seconds=10)),
        ("0 */5 * * * *", NOON + timedelta(minutes=5)),
        ("*/5 * * * *", NOON + timedelta(minutes=5)),
        ("0 30 9 * * Mon-Fri", datetime(2026, 3, 3, 9, 30, tzinfo=UTC)),
        ("0 0 0 13 * Fri", datetime(2026, 3, 13, tzinfo=UTC)),
        ("0 0 0 1 Jan *", datetime(2027, 1, 1, tzinfo=UTC)),
    ],
)
def test_schedules_are_ncrontab(expression: str, following: datetime) -> None:
    """Seconds come first, five fields have none, and day of month and day of week must both match."""
    assert Schedule(expression).after(NOON) == following


@pytest.mark.parametrize(
    "expression", ["", "* * * *", "0 0 25 * * *", "@daily", "0 0 0 L * *", "0 0 0 * * * 2030", "00:05:00"]
)
def test_other_schedules_are_refused(expression: str) -> None:
    """What NCRONTAB does not have is an error that names function and expression."""
    with pytest.raises(StartupError, match=r"function f, binding 't': .* NCRONTAB"):
        read_schedule(function("timerTrigger", schedule=expression))


def test_a_status_survives_its_blob() -> None:
    """What is written is read again, to the microsecond."""
    status = ScheduleStatus(NOON, NOON + timedelta(minutes=5), NOON + timedelta(microseconds=1))
    assert ScheduleStatus.from_json(status.to_json().encode()) == status


def test_a_missed_run_is_told_from_a_changed_schedule() -> None:
    """A stored next time that has passed stays, so the run is past due; one of another schedule is replaced."""
    schedule = Schedule("0 */5 * * * *")
    status = ScheduleStatus.fresh(schedule, NOON).ran(schedule, NOON + timedelta(minutes=5))
    later = NOON + timedelta(hours=3)
    assert status.check(schedule, later) == status
    assert status.next < later
    assert status.check(Schedule("0 0 * * * *"), later).next == later + timedelta(hours=1)
    never_ran = ScheduleStatus.fresh(schedule, NOON)
    assert never_ran.check(schedule, later) == never_ran


def test_a_timer_that_fires_early_does_not_fire_twice() -> None:
    """A run some milliseconds before its time counts for that time."""
    schedule = Schedule("0 */5 * * * *")
    status = ScheduleStatus.fresh(schedule, NOON)
    assert status.ran(schedule, status.next - timedelta(milliseconds=3)).next == NOON + timedelta(minutes=10)


def test_frequent_timers_are_not_monitored() -> None:
    """Missed runs are noticed from one run a minute on, unless `use_monitor` is off."""
    minutely, often = Schedule("0 * * * * *"), Schedule("*/30 * * * * *")
    assert is_monitored(function("timerTrigger"), minutely, NOON)
    assert not is_monitored(function("timerTrigger"), often, NOON)
    assert not is_monitored(function("timerTrigger", useMonitor=False), minutely, NOON)


def test_retries_wait_as_their_policy_says() -> None:
    """A fixed delay stays; an exponential one grows from its least to its most, with some chance."""
    fixed = SimpleNamespace(retry_strategy="fixed_delay", delay_interval=timedelta(seconds=7))
    assert [retry_delay(fixed, attempt, lambda: 0.5) for attempt in (0, 9)] == [7, 7]
    growing = SimpleNamespace(
        retry_strategy="exponential_backoff",
        minimum_interval=timedelta(seconds=2),
        maximum_interval=timedelta(minutes=1),
    )
    delays = [retry_delay(growing, attempt, lambda: 0.5) for attempt in (0, 1, 2, 3, 10, 1000)]
    assert delays == [2, 3, 5, 9, 60, 60]
    assert retry_delay(growing, 3, lambda: 0) < 9 < retry_delay(growing, 3, lambda: 1)


@given(st.text())
def test_messages_survive_their_encoding(text: str) -> None:
    """What is sent is what arrives, in both encodings."""
    for encoding in ("base64", "none"):
        assert decode_message(encode_message(text.encode(), encoding), encoding) == text.encode()


def test_a_message_in_another_encoding_is_an_error() -> None:
    """Text that is not Base64 is refused where host.json says Base64."""
    with pytest.raises(ValueError, match="not Base64"):
        decode_message('{"plain": "json"}', "base64")


@pytest.mark.parametrize(
    ("output", "messages"),
    [
        (TypedData(string='["stays", "text"]'), [b'["stays", "text"]']),
        (TypedData(bytes=b"\xff"), [b"\xff"]),
        (TypedData(json='["a", {"b": 1}]'), [b"a", b'{"b": 1}']),
        (TypedData(json='{"b": 1}'), [b'{"b": 1}']),
        (TypedData(json="[]"), []),
        (TypedData(int=5), [b"5"]),
    ],
)
def test_queue_outputs_become_messages(output: TypedData, messages: list[bytes]) -> None:
    """Text and bytes are one message, a list one for each item, an object its JSON."""
    assert queue_messages(output) == messages


def test_a_queue_function_gets_the_messages_properties() -> None:
    """Metadata as the worker reads it, and expressions of the message and of its JSON fields."""
    message: Any = SimpleNamespace(
        id="1", pop_receipt="r", dequeue_count=3, expires_on=NOON, inserted_on=NOON, next_visible_on=None
    )
    trigger = queue_trigger(function("queueTrigger"), b'{"name": "a", "deep": {}}', message, "why")
    assert trigger.value.string == '{"name": "a", "deep": {}}'
    assert trigger.metadata["DequeueCount"].json == "3"
    assert trigger.metadata["InsertionTime"].string == NOON.isoformat()
    assert trigger.metadata["NextVisibleTime"].json == "null"
    assert trigger.expressions["name"] == "a"
    assert "deep" not in trigger.expressions
    assert queue_trigger(function("queueTrigger"), b"\xff", None, "why").value.bytes == b"\xff"
    assert queue_trigger(function("queueTrigger", dataType="BINARY"), b"a", None, "why").value.bytes == b"a"


def test_blob_work_survives_its_message() -> None:
    """A message has the real host's fields and reads back; its receipt is named by host, function, ETag and blob."""
    work = BlobWork("Host.Functions.f", "audio", "a/b.wav", "0x1")
    assert BlobWork.from_json(work.to_json()) == work
    assert json.loads(work.to_json())["ETag"] == '"0x1"'
    assert work.receipt("me") == 'blobreceipts/me/Host.Functions.f/"0x1"/audio/a/b.wav'


def test_a_container_is_scanned_once_for_all_its_functions() -> None:
    """Functions share a scan where connection and container are the same."""
    paths = ("audio/{name}.wav", "audio/{name}.mp3", "video/{name}")
    groups = BlobScanner.group(function("blobTrigger", path=path, connection="S") for path in paths)
    assert sorted(len(group) for group in groups) == [1, 2]


def test_event_grid_posts_are_read() -> None:
    """The handshake and created blobs are found; other events of a subscription are left out."""
    created = {"url": "http://x/audio/a.wav", "eTag": "0x1"}
    events = [
        {"eventType": "Microsoft.EventGrid.SubscriptionValidationEvent", "data": {"validationCode": "c"}},
        {"eventType": "Microsoft.Storage.BlobCreated", "data": created},
        {"eventType": "Microsoft.Storage.BlobDeleted", "data": created},
    ]
    assert read_events(events) == [Handshake("c"), BlobCreated("http://x/audio/a.wav", "0x1")]


@pytest.mark.parametrize("document", [None, {}, "x", [1], [{}], [{"eventType": "Microsoft.Storage.BlobCreated"}]])
def test_other_posts_are_errors(document: Any) -> None:  # noqa: ANN401 - any JSON
    """Whatever is no array of events is a ValueError, nothing else."""
    with pytest.raises(ValueError, match=r"expected|lacks"):
        read_events(document)


@pytest.mark.parametrize(
    ("endpoint", "url", "blob"),
    [
        ("http://127.0.0.1:10000/account", "http://127.0.0.1:10000/account/audio/a%20b/c.wav", "a b/c.wav"),
        ("https://account.blob.core.windows.net/", "https://account.blob.core.windows.net/audio/c.wav?sig=x", "c.wav"),
        ("https://account.blob.core.windows.net/", "https://other.blob.core.windows.net/audio/c.wav", None),
        ("http://127.0.0.1:10000/account", "http://127.0.0.1:10000/account2/audio/c.wav", None),
        ("http://127.0.0.1:10000/account", "http://127.0.0.1:10000/account/video/c.wav", None),
        ("http://127.0.0.1:10000/account", "http://127.0.0.1:10000/account/audio/c.txt", None),
    ],
)
def test_events_are_located_by_account_container_and_path(endpoint: str, url: str, blob: str | None) -> None:
    """An event is work only where all three are the function's."""
    work = locate(BlobCreated(url, "0x1"), function("blobTrigger", path="audio/{name}.wav"), endpoint)
    assert work == (BlobWork("Host.Functions.f", "audio", blob, "0x1") if blob else None)
