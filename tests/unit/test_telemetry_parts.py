"""Telemetry without an export: stages from records, ids of traces, and what the environment says."""

import subprocess
import sys
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from azure.identity import ManagedIdentityCredential
from azure.monitor.opentelemetry.exporter import ApplicationInsightsSampler, AzureMonitorLogExporter
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader, MetricsData
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from shared import settings
from shared.pipeline.ledger import AudioFile, Job
from shared.pipeline.options import TranscriptionOptions
from shared.telemetry.open_telemetry import FileIds, OpenTelemetry, root_of
from shared.telemetry.stages import stages
from shared.telemetry.telemetry import FileEnd

ROOT = Path(__file__).resolve().parents[2]
BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
CONNECTION_STRING = "InstrumentationKey=00000000-0000-0000-0000-000000000000"


def at(seconds: float) -> datetime:
    """So many seconds after the beginning."""
    return BEGIN + timedelta(seconds=seconds)


def file(*, attempt: int = 1, received: float | None = 0, queued: float | None = 1) -> AudioFile:
    """A file with the times in seconds that its record has."""
    return AudioFile(
        container="audio",
        path="a.wav",
        etag="0x1",
        size=1,
        modified=at(-60),
        output="a.wav",
        attempt=attempt,
        received_at=None if received is None else at(received),
        queued_at=None if queued is None else at(queued),
    )


def job(*, submitted: float | None = 5, finished: float | None = 65) -> Job:
    """A job that was made after 4 seconds."""
    return Job(
        id="20260101T000004000000Z-000000000000",
        group="0",
        created_at=at(4),
        options=TranscriptionOptions(),
        files=(),
        transcription_id="t",
        submitted_at=None if submitted is None else at(submitted),
        finished_at=None if finished is None else at(finished),
    )


def told(end: FileEnd) -> list[tuple[str, float]]:
    """Names of the stages and their seconds."""
    return [(stage.name, stage.seconds) for stage in stages(end)]


def test_stages_follow_each_other() -> None:
    """Each stage ends where the next begins, from intake to the end of the collection."""
    assert told(FileEnd(file(), "transcribed", at(70), job=job())) == [
        ("intake", 1),
        ("waiting", 3),
        ("submission", 1),
        ("transcription", 60),
        ("collection", 5),
    ]


def test_a_further_attempt_begins_with_its_ticket() -> None:
    """Intake belongs to the first attempt alone."""
    assert told(FileEnd(file(attempt=2, queued=2), "transcribed", at(70), job=job()))[:2] == [
        ("waiting", 2),
        ("submission", 1),
    ]


def test_records_without_times_are_read_as_far_as_they_go() -> None:
    """What an earlier release did not write down is left out, and what follows still adds up."""
    old = file(received=None, queued=None)
    assert told(FileEnd(old, "transcribed", at(70), job=job(finished=None))) == [("submission", 1), ("collection", 65)]
    assert told(FileEnd(old, "transcribed", at(70), job=job(submitted=None))) == [
        ("transcription", 61),
        ("collection", 5),
    ]
    assert told(FileEnd(old, "failed", at(70))) == []


def test_a_clock_that_is_behind_makes_no_negative_time() -> None:
    """The service's whole seconds can lie before the app's own time of submission."""
    assert told(FileEnd(file(), "transcribed", at(5.4), job=job(submitted=5.2, finished=5)))[-2:] == [
        ("transcription", 0),
        ("collection", pytest.approx(0.2)),
    ]


def test_a_trace_belongs_to_a_version_of_the_audio() -> None:
    """The same version has the same trace in every process, another version another one."""
    first, again, second = root_of("audio/a.wav@0x1"), root_of("audio/a.wav@0x1"), root_of("audio/a.wav@0x2")
    assert first == again
    assert first.is_valid
    assert {first.trace_id, first.span_id}.isdisjoint({second.trace_id, second.span_id})
    assert f"{first.trace_id:032x}" == "ce3c345f735ded0b74b8c9c758868149"


def test_a_share_of_the_traces_is_whole_traces() -> None:
    """With half of the traces kept each file has all of its spans or none; the metrics count every file."""
    spans, reader = InMemorySpanExporter(), InMemoryMetricReader()
    tracers = TracerProvider(id_generator=FileIds(), sampler=ApplicationInsightsSampler(0.5))
    tracers.add_span_processor(SimpleSpanProcessor(spans))
    telemetry = OpenTelemetry(
        tracer_provider=tracers, meter_provider=MeterProvider([reader]), hour_prices={"batch": 1, "short": 1}
    )
    for number in range(40):
        one = file().model_copy(update={"path": f"{number}.wav"})
        telemetry.file_ended(FileEnd(one, "transcribed", at(70), job=job()))
    kept = Counter((span.attributes or {})["file"] for span in spans.get_finished_spans())
    assert set(kept.values()) == {6}
    assert 10 < len(kept) < 30
    assert '"value": 40' in (reader.get_metrics_data() or MetricsData([])).to_json()


def test_where_telemetry_goes_to(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nowhere without a connection string; a ratio that is no number keeps all traces until it is reported."""
    monkeypatch.delenv("APPLICATIONINSIGHTS_CONNECTION_STRING", raising=False)
    assert settings.application_insights() is None
    monkeypatch.setenv("APPLICATIONINSIGHTS_CONNECTION_STRING", CONNECTION_STRING)
    monkeypatch.setenv("WEBSITE_SITE_NAME", "func-mine")
    for given, ratio in {"0.25": 0.25, "": 1.0, "much": 1.0, "7": 1.0}.items():
        monkeypatch.setenv("TRACE_RATIO", given)
        assert settings.application_insights() == settings.ApplicationInsights(CONNECTION_STRING, ratio, "func-mine")


def test_the_exporter_signs_in_as_the_app(monkeypatch: pytest.MonkeyPatch) -> None:
    """The setting that tells the host to use an identity tells the exporter, too, and which."""
    for name in ("APPLICATIONINSIGHTS_STATSBEAT_DISABLED_ALL", "APPLICATIONINSIGHTS_CONTROLPLANE_DISABLED"):
        monkeypatch.setenv(name, "true")
    monkeypatch.setenv("APPLICATIONINSIGHTS_AUTHENTICATION_STRING", "ClientId=the-client;Authorization=AAD")
    exporter = AzureMonitorLogExporter(connection_string=CONNECTION_STRING, disable_offline_storage=True)
    assert isinstance(exporter._credential, ManagedIdentityCredential)
    assert "the-client" in repr(vars(exporter._credential._credential))


def test_nothing_is_imported_without_a_connection_string() -> None:
    """Neither the app nor what its functions import brings OpenTelemetry along."""
    look = "import function_app, shared.wiring, sys; print([name for name in sys.modules if 'opentelemetry' in name])"
    done = subprocess.run([sys.executable, "-c", look], cwd=ROOT, check=True, capture_output=True, text=True)  # noqa: S603 - our own
    assert done.stdout.strip() == "[]"
