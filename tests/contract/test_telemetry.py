"""Telemetry of the pipeline, on real storage and the emulated service, kept in memory."""

import logging
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import InMemoryLogRecordExporter, SimpleLogRecordProcessor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from devstack.azurite import ACCOUNT_KEY, Azurite
from emulator.faults import FailFile, FailJob, Throttle
from shared.telemetry.open_telemetry import FileIds, LogHandler, OpenTelemetry, root_of
from tests.contract.test_pipeline import CLIP, Pipeline, open_pipeline

BATCH = ["intake", "waiting", "submission", "transcription", "collection"]


class Recorded:
    """What was told, from all processes."""

    def __init__(self) -> None:
        self.spans = InMemorySpanExporter()
        self.reader = InMemoryMetricReader()
        self.logs = InMemoryLogRecordExporter()  # type: ignore[no-untyped-call]  # it has no annotation
        self._meters = MeterProvider([self.reader])

    def process(self) -> OpenTelemetry:
        """The telemetry of another process."""
        tracers = TracerProvider(id_generator=FileIds())
        tracers.add_span_processor(SimpleSpanProcessor(self.spans))
        return OpenTelemetry(
            tracer_provider=tracers, meter_provider=self._meters, hour_prices={"batch": 0.36, "short": 1.0}
        )

    def trace(self, path: str) -> list[ReadableSpan]:
        """A file's spans in order of time, its root first."""
        found = [span for span in self.spans.get_finished_spans() if (span.attributes or {})["file"] == f"audio/{path}"]
        return sorted(found, key=lambda span: (span.start_time, span.name != "transcribe", span.end_time))

    def points(self) -> dict[str, list[tuple[dict[str, Any], Any]]]:
        """The metrics' points by name: attributes and value, of a histogram its count."""
        data = self.reader.get_metrics_data()
        assert data
        metrics = [m for resource in data.resource_metrics for scope in resource.scope_metrics for m in scope.metrics]
        return {
            metric.name: [
                (dict(point.attributes or {}), getattr(point, "value", getattr(point, "count", None)))
                for point in metric.data.data_points
            ]
            for metric in metrics
        }


@pytest.fixture
def recorded() -> Iterator[Recorded]:
    """Everything told during a test; the app's loggers tell it too."""
    kept = Recorded()
    provider = LoggerProvider()
    provider.add_log_record_processor(SimpleLogRecordProcessor(kept.logs))
    handler = LogHandler(provider)
    logger = logging.getLogger("dropscribe")
    level = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    yield kept
    logger.removeHandler(handler)
    logger.setLevel(level)


@pytest.fixture
def pipeline(azurite: Azurite, recorded: Recorded) -> Iterator[Pipeline]:
    """The app with telemetry."""
    with open_pipeline(azurite, engine="scripted") as opened:
        opened.app = replace(opened.app, telemetry=recorded.process())
        yield opened


def test_a_file_is_one_trace_across_processes(pipeline: Pipeline, recorded: Recorded) -> None:
    """Intake and submission in one process, collection by another's sweep: one trace, its stages without a gap."""
    pipeline.upload("calls/a.wav")
    pipeline.receive("calls/a.wav")
    assert recorded.trace("calls/a.wav") == []
    pipeline.app = replace(pipeline.app, telemetry=recorded.process())
    pipeline.collect()
    root, *stages = recorded.trace("calls/a.wav")
    assert (root.name, [span.name for span in stages]) == ("transcribe", BATCH)
    assert {span.context.trace_id for span in (root, *stages)} == {root.context.trace_id}
    assert all(span.parent and span.parent.span_id == root.context.span_id for span in stages)
    assert root.parent is None
    bounds = [root.start_time, *(span.end_time for span in stages[:-1])]
    assert [span.start_time for span in stages] == bounds
    assert stages[-1].end_time == root.end_time
    job = pipeline.emulator.transcriptions[0].display_name
    assert {(span.attributes or {})["job"] for span in (root, *stages)} == {job}
    assert root.status.is_ok


def test_attempts_and_failures_are_in_the_trace(pipeline: Pipeline, recorded: Recorded) -> None:
    """A further attempt adds its stages; a file that fails says why; one that is rejected ends with its intake."""
    pipeline.emulator.arm(
        [FailFile(source="*again.wav", error_kind="Timeout", count=1), FailFile(source="*bad.wav", count=1)]
    )
    for name in ("again.wav", "bad.wav", "empty.txt"):
        pipeline.upload(name)
    pipeline.receive("again.wav", "bad.wav", "empty.txt")
    pipeline.collect()
    pipeline.clock.sleep(61)
    pipeline.app.upkeep.drain()
    pipeline.collect()
    again = recorded.trace("again.wav")
    assert [(span.name, (span.attributes or {})["attempt"]) for span in again[1:]] == [
        *((stage, 1) for stage in BATCH),
        *((stage, 2) for stage in BATCH[1:]),
    ]
    assert again[0].start_time == again[1].start_time
    assert again[0].end_time == again[-1].end_time
    bad = recorded.trace("bad.wav")
    assert [span.name for span in bad] == ["transcribe", *BATCH]
    assert [span.status.is_ok for span in bad] == [False, True, True, True, True, False]
    assert {(span.attributes or {})["reason"] for span in bad} == {bad[0].status.description}
    rejected = recorded.trace("empty.txt")
    assert [(span.name, span.status.is_ok) for span in rejected] == [("transcribe", False), ("intake", False)]
    outcomes = {(point["outcome"], point["route"]): count for point, count in recorded.points()["dropscribe.files"]}
    assert outcomes == {
        ("retried", "batch"): 1,
        ("transcribed", "batch"): 1,
        ("failed", "batch"): 1,
        ("failed", "none"): 1,
    }


def test_metrics_measure_the_pipeline(pipeline: Pipeline, recorded: Recorded) -> None:
    """Hours, cost, stages, calls and throttles are counted; what waits and what is open is measured by the timers."""
    pipeline.emulator.arm([Throttle(operation="Transcriptions_Create", count=1)])
    pipeline.upload("a.wav")
    (group,) = pipeline.app.intake.receive("a.wav")
    pipeline.clock.sleep(90)
    pipeline.app.upkeep._report_tickets()
    waiting = recorded.points()
    assert waiting["dropscribe.tickets.waiting"] == [({}, 1)]
    assert waiting["dropscribe.tickets.oldest_age"][0][1] == pytest.approx(90, abs=5)
    pipeline.app.commit.commit(group)
    pipeline.collect()
    points = recorded.points()
    assert "dropscribe.tickets.waiting" not in points, "a gauge is told once, by whoever has measured it"
    assert points["dropscribe.jobs.open"] == [({}, 1)]
    assert points["dropscribe.audio.hours"] == [({"route": "batch"}, pytest.approx(1 / 3600))]
    assert points["dropscribe.cost.estimated"] == [({"route": "batch"}, pytest.approx(0.36 / 3600))]
    assert {point["stage"]: count for point, count in points["dropscribe.stage.duration"]} == dict.fromkeys(BATCH, 1)
    called = {(point["operation"], point["status"]): count for point, count in points["dropscribe.speech.calls"]}
    assert called["Transcriptions_Create", "2xx"] == 1
    assert called["Transcriptions_Create", "4xx"] == 1
    assert called["Download", "2xx"] == 2
    (throttled,) = points["dropscribe.speech.throttled"]
    assert throttled == ({"operation": "Transcriptions_Create", "host": "127.0.0.1"}, 1)


def test_the_short_route_is_traced(pipeline: Pipeline, recorded: Recorded) -> None:
    """A clip has a recognition in place of the stages of a job, and costs the short route's price."""
    pipeline.upload("clip.wav", CLIP, route="short")
    pipeline.receive("clip.wav")
    assert [span.name for span in recorded.trace("clip.wav")] == ["transcribe", "intake", "waiting", "recognition"]
    points = recorded.points()
    (cost,) = points["dropscribe.cost.estimated"]
    (hours,) = points["dropscribe.audio.hours"]
    assert cost == hours == ({"route": "short"}, pytest.approx(hours[1]))
    assert {"operation": "ShortAudio_Recognize", "host": "127.0.0.1", "status": "2xx"} in [
        point for point, _ in points["dropscribe.speech.calls"]
    ]


def test_a_refused_job_ends_with_its_submission(pipeline: Pipeline, recorded: Recorded) -> None:
    """Each file of a job that the service refuses has a trace that ends there."""
    pipeline.upload("a.wav", locale="xx-XX")
    pipeline.receive("a.wav")
    spans = recorded.trace("a.wav")
    assert [span.name for span in spans] == ["transcribe", "intake", "waiting", "submission"]
    assert spans[0].status.description == "RefusedByService"


def test_a_stuck_job_is_told(pipeline: Pipeline, recorded: Recorded) -> None:
    """A job that is open for more than 26 hours is in the log, and its age among the metrics."""
    pipeline.upload("a.wav")
    pipeline.receive("a.wav")
    pipeline.clock.sleep(timedelta(hours=25).total_seconds())
    pipeline.app.upkeep.sweep()
    assert not [one for one in recorded.logs.get_finished_logs() if "stuck" in str(one.log_record.body)]
    pipeline.clock.sleep(timedelta(hours=2).total_seconds())
    pipeline.app.upkeep.sweep()
    (line,) = [one for one in recorded.logs.get_finished_logs() if "stuck" in str(one.log_record.body)]
    assert (line.log_record.attributes or {})["job"] == pipeline.emulator.transcriptions[0].display_name
    assert recorded.points()["dropscribe.jobs.oldest_age"][0][1] == pytest.approx(27 * 3600, abs=60)


def test_log_lines_of_a_file_are_in_its_trace(pipeline: Pipeline, recorded: Recorded) -> None:
    """A line about a file has job and file as attributes, and the file's trace."""
    pipeline.emulator.arm([FailFile(source="*b.wav")])
    pipeline.upload("b.wav")
    pipeline.receive("b.wav")
    pipeline.collect()
    (line,) = [one.log_record for one in recorded.logs.get_finished_logs() if " failed: " in str(one.log_record.body)]
    root = recorded.trace("b.wav")[0]
    about = line.attributes or {}
    assert (about["file"], about["job"]) == ("audio/b.wav", (root.attributes or {})["job"])
    assert root_of(f"audio/b.wav@{about['etag']!s}").trace_id == line.trace_id == root.context.trace_id


def test_no_secret_is_told(pipeline: Pipeline, recorded: Recorded) -> None:
    """No key, signature or SAS in any span, metric or log line, whatever goes wrong."""
    pipeline.emulator.arm([Throttle(count=1), FailFile(source="*b.wav"), FailJob(count=1)])
    for name in ("a.wav", "b.wav"):
        pipeline.upload(name)
    pipeline.receive("a.wav", "b.wav")
    pipeline.collect()
    told = "".join(
        [
            *(span.to_json() for span in recorded.spans.get_finished_spans()),
            *(repr((log.log_record.body, log.log_record.attributes)) for log in recorded.logs.get_finished_logs()),
            repr(recorded.points()),
        ]
    )
    assert "audio/a.wav" in told
    for secret in (pipeline.emulator.key, ACCOUNT_KEY, "sig=", "se="):
        assert secret not in told
