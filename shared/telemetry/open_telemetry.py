"""Telemetry through OpenTelemetry: a trace for each file, metrics of the pipeline, and logs that belong to a trace.

A file's trace has the id of its version of the audio, so every process that meets the file finds the same trace, and no
record has to carry it: stages, retries, and log lines of all functions and instances come together.
"""

import hashlib
import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime
from typing import override

from opentelemetry._logs import LoggerProvider, LogRecord, SeverityNumber
from opentelemetry.context import Context
from opentelemetry.metrics import CallbackOptions, Meter, MeterProvider, Observation, get_meter_provider
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.trace import (
    NonRecordingSpan,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
    TracerProvider,
    get_tracer,
    set_span_in_context,
)
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from opentelemetry.util.types import AttributeValue

from shared.speech.transport import Attempt
from shared.telemetry.stages import Stage, stages
from shared.telemetry.telemetry import FileEnd, Telemetry

SCOPE = "dropscribe"
"""Name of the tracer and the meter."""

_SEVERITIES = {
    logging.DEBUG: SeverityNumber.DEBUG,
    logging.INFO: SeverityNumber.INFO,
    logging.WARNING: SeverityNumber.WARN,
    logging.ERROR: SeverityNumber.ERROR,
    logging.CRITICAL: SeverityNumber.FATAL,
}
_THROTTLED = 429

_log = logging.getLogger("dropscribe.function")

_root: ContextVar[SpanContext | None] = ContextVar("root", default=None)


def root_of(key: str) -> SpanContext:
    """The root span of the file with this key, the same in every process."""
    digest = hashlib.sha256(key.encode()).digest()
    return SpanContext(
        trace_id=int.from_bytes(digest[:16]),
        span_id=int.from_bytes(digest[16:24]),
        is_remote=True,
        trace_flags=TraceFlags(TraceFlags.SAMPLED),
    )


class FileIds(RandomIdGenerator):
    """Random ids, except for the root span of a file."""

    @override
    def generate_trace_id(self) -> int:
        root = _root.get()
        return root.trace_id if root else super().generate_trace_id()

    @override
    def generate_span_id(self) -> int:
        root = _root.get()
        return root.span_id if root else super().generate_span_id()


class Reading:
    """A gauge that is exported once for each time it is set.

    The SDK's own goes on exporting its last value, which here is soon outdated: timers run now on one instance and now
    on another.
    """

    def __init__(self, meter: Meter, name: str, unit: str) -> None:
        self._value: float | None = None
        meter.create_observable_gauge(name, [self._read], unit)

    def set(self, value: float) -> None:
        """Export this next."""
        self._value = value

    def _read(self, _: CallbackOptions) -> list[Observation]:
        value, self._value = self._value, None
        return [] if value is None else [Observation(value)]


class OpenTelemetry(Telemetry):
    """Makes spans and metrics. The tracer provider's id generator must be `FileIds`."""

    def __init__(
        self,
        *,
        tracer_provider: TracerProvider | None = None,
        meter_provider: MeterProvider | None = None,
        hour_prices: Mapping[str, float],
    ) -> None:
        """Providers default to the process's own; `hour_prices` is what an hour of audio costs on each route."""
        self._tracer = get_tracer(SCOPE, tracer_provider=tracer_provider)
        self._hour_prices = hour_prices
        meter = (meter_provider or get_meter_provider()).get_meter(SCOPE)
        self._files = meter.create_counter("dropscribe.files", "{file}")
        self._stage_duration = meter.create_histogram("dropscribe.stage.duration", "s")
        self._audio_hours = meter.create_counter("dropscribe.audio.hours", "h")
        self._cost = meter.create_counter("dropscribe.cost.estimated", "{currency}")
        self._tickets = Reading(meter, "dropscribe.tickets.waiting", "{file}")
        self._oldest_ticket = Reading(meter, "dropscribe.tickets.oldest_age", "s")
        self._jobs = Reading(meter, "dropscribe.jobs.open", "{job}")
        self._oldest_job = Reading(meter, "dropscribe.jobs.oldest_age", "s")
        self._calls = meter.create_counter("dropscribe.speech.calls", "{call}")
        self._throttled = meter.create_counter("dropscribe.speech.throttled", "{call}")
        self._call_duration = meter.create_histogram("dropscribe.speech.call.duration", "s")

    @override
    def file_ended(self, end: FileEnd) -> None:
        passed = stages(end)
        self._trace(end, passed)
        route = {"route": _route(end)}
        outcome = {"outcome": end.outcome, **route}
        self._files.add(1, {**outcome, "reason": end.reason} if end.reason else outcome)
        for stage in passed:
            self._stage_duration.record(stage.seconds, {"stage": stage.name, **route})
        if end.audio_ms:
            hours = end.audio_ms / 3_600_000
            self._audio_hours.add(hours, route)
            self._cost.add(hours * self._hour_prices[route["route"]], route)

    @override
    def tickets_waiting(self, count: int, *, oldest_seconds: float) -> None:
        self._tickets.set(count)
        self._oldest_ticket.set(oldest_seconds)

    @override
    def jobs_open(self, count: int, *, oldest_seconds: float) -> None:
        self._jobs.set(count)
        self._oldest_job.set(oldest_seconds)

    @override
    def speech_attempt(self, attempt: Attempt) -> None:
        called = {"operation": attempt.operation, "host": attempt.host}
        self._calls.add(1, {**called, "status": f"{attempt.status // 100}xx" if attempt.status else "none"})
        self._call_duration.record(attempt.seconds, called)
        if attempt.status == _THROTTLED:
            self._throttled.add(1, called)

    def _trace(self, end: FileEnd, passed: list[Stage]) -> None:
        """The spans of an attempt; the last attempt's, the file's root as well."""
        root = root_of(end.file.key)
        about = _attributes(end)
        if end.outcome != "retried":
            self._emit_root(root, end, end.file.received_at or (passed[0].start if passed else end.at), about)
        parent = set_span_in_context(NonRecordingSpan(root), Context())
        for stage in passed:
            span = self._tracer.start_span(stage.name, parent, start_time=_nanoseconds(stage.start), attributes=about)
            if end.outcome == "failed" and stage is passed[-1]:
                span.set_status(Status(StatusCode.ERROR, end.reason))
            span.end(_nanoseconds(stage.end))

    def _emit_root(
        self, root: SpanContext, end: FileEnd, start: datetime, attributes: Mapping[str, AttributeValue]
    ) -> None:
        token = _root.set(root)
        try:
            span = self._tracer.start_span(
                "transcribe",
                Context(),
                SpanKind.CONSUMER,  # which Application Insights shows as the request at the top of the trace
                start_time=_nanoseconds(start),
                attributes=attributes,
            )
        finally:
            _root.reset(token)
        if end.outcome == "failed":
            span.set_status(Status(StatusCode.ERROR, end.reason))
        span.end(_nanoseconds(end.at))


def _route(end: FileEnd) -> str:
    """`auto` has become one of the others where a job is made of single files, and is `batch` in a whole container."""
    if end.job is None:
        return "none"
    return "short" if end.job.options.route == "short" else "batch"


def _attributes(end: FileEnd) -> dict[str, AttributeValue]:
    file, job = end.file, end.job
    known: dict[str, AttributeValue | None] = {
        "file": f"{file.container}/{file.path}",
        "etag": file.etag,
        "bytes": file.size,
        "attempt": file.attempt,
        "outcome": end.outcome,
        "reason": end.reason or None,
        "job": job.id if job else None,
        "transcription": job.transcription_id if job else None,
        "endpoint": job.endpoint if job else None,
        "route": _route(end),
        "locale": job.options.locale if job else None,
        "audio_seconds": end.audio_ms / 1000 or None,
    }
    return {name: value for name, value in known.items() if value is not None}


def _nanoseconds(moment: datetime) -> int:
    return round(moment.timestamp() * 1_000_000) * 1_000


@contextmanager
def function_span(name: str, traceparent: str) -> Iterator[None]:
    """A span for one call of a function, below the host's span that `traceparent` (W3C) names.

    An exception is logged here, since the host drops what its worker exports by itself; the span only shows that it was
    there, for spans may be sampled.
    """
    above = TraceContextTextMapPropagator().extract({"traceparent": traceparent}, Context())
    about = {"function": name}
    with get_tracer(SCOPE).start_as_current_span(name, above, attributes=about, record_exception=False):
        try:
            yield
        except Exception:
            _log.exception("function %s failed", name, extra=about)
            raise


class LogHandler(logging.Handler):
    """Passes log records on with what they are about: function, job, file, ETag. Those of a file go into its trace."""

    def __init__(self, provider: LoggerProvider) -> None:
        super().__init__(logging.INFO)
        self._provider = provider

    @override
    def emit(self, record: logging.LogRecord) -> None:
        about = {name: getattr(record, name) for name in ("function", "job", "file", "etag") if hasattr(record, name)}
        root = root_of(f"{about['file']}@{about['etag']}") if {"file", "etag"} <= about.keys() else None
        self._provider.get_logger(record.name).emit(
            LogRecord(
                timestamp=round(record.created * 1e9),
                context=set_span_in_context(NonRecordingSpan(root), Context()) if root else None,
                severity_text=record.levelname,
                severity_number=_SEVERITIES.get(record.levelno),
                body=record.getMessage(),
                attributes=about,
                exception=record.exc_info[1] if record.exc_info else None,
            )
        )
