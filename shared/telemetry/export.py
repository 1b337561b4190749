"""The export to Application Insights, set up at the first function call; without a connection string, nothing.

Logs go from here, not by way of the host, which would drop what they are about. PYTHON_ENABLE_OPENTELEMETRY makes the
worker announce that (`WorkerOpenTelemetryEnabled`), so that the host does not export them a second time.
"""

# ruff: noqa: PLC0415 - what is heavy is only imported where something is exported

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING

from shared.settings import ApplicationInsights, application_insights

if TYPE_CHECKING:
    import azure.functions as func

_log = logging.getLogger("dropscribe.telemetry")

_SPANS_IN_MEMORY = 2**15
"""A job of 1,000 files ends in some 6,000 spans at once; what does not fit is dropped."""

_lock = threading.Lock()


@contextmanager
def invocation(context: "func.Context") -> Iterator[None]:
    """A function call as a span, with the exception that ends it, below the host's span of the same call."""
    if not start_export():
        yield
        return
    from shared.telemetry.open_telemetry import function_span

    with function_span(context.function_name, context.trace_context.trace_parent or ""):
        yield


def start_export() -> bool:
    """Set up the export, once a process; whether there is one."""
    with _lock:
        return _start()


@cache
def _start() -> bool:
    target = application_insights()
    if target is None:
        return False
    try:
        _set_up(target)
    except ValueError:  # its text may show the connection string
        _log.error("APPLICATIONINSIGHTS_CONNECTION_STRING is wrong: no telemetry is exported")
        return False
    return True


def _set_up(target: ApplicationInsights) -> None:
    """Make the process's providers. Each sends in batches from a thread of its own, and at exit."""
    from azure.monitor.opentelemetry.exporter import (
        ApplicationInsightsSampler,
        AzureMonitorLogExporter,
        AzureMonitorMetricExporter,
        AzureMonitorTraceExporter,
    )
    from opentelemetry.metrics import set_meter_provider
    from opentelemetry.sdk._logs import LoggerProvider
    from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor
    from opentelemetry.trace import set_tracer_provider

    from shared.telemetry.open_telemetry import FileIds, LogHandler

    resource = Resource.create({"service.name": target.role})
    to = {"connection_string": target.connection_string}
    tracers = TracerProvider(
        resource=resource, id_generator=FileIds(), sampler=ApplicationInsightsSampler(target.trace_ratio)
    )
    spans = AzureMonitorTraceExporter(tracer_provider=tracers, **to)
    tracers.add_span_processor(BatchSpanProcessor(spans, max_queue_size=_SPANS_IN_MEMORY))
    reader = PeriodicExportingMetricReader(AzureMonitorMetricExporter(**to))
    loggers = LoggerProvider(resource=resource)
    loggers.add_log_record_processor(BatchLogRecordProcessor(AzureMonitorLogExporter(**to)))
    set_tracer_provider(tracers)
    set_meter_provider(MeterProvider([reader], resource=resource))
    logging.getLogger("azure.monitor.opentelemetry.exporter").setLevel(logging.WARNING)  # each batch is told of at INFO
    logger = logging.getLogger("dropscribe")
    logger.addHandler(LogHandler(loggers))
    logger.setLevel(logging.INFO)
