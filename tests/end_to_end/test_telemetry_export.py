"""What leaves the app for Application Insights: the real worker library and exporter, and an endpoint that takes it."""

import gzip
import json
import threading
import uuid
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from emulator.faults import FailFile
from tests.end_to_end.conftest import NewWorld

pytestmark = pytest.mark.end_to_end

SOON = {
    "OTEL_BSP_SCHEDULE_DELAY": "300",
    "OTEL_BLRP_SCHEDULE_DELAY": "300",
    "OTEL_METRIC_EXPORT_INTERVAL": "1000",
    "APPLICATIONINSIGHTS_STATSBEAT_DISABLED_ALL": "true",
    "APPLICATIONINSIGHTS_CONTROLPLANE_DISABLED": "true",
    "PYTHON_ENABLE_OPENTELEMETRY": "true",
}
METRICS = {
    *("dropscribe.files", "dropscribe.stage.duration", "dropscribe.audio.hours", "dropscribe.cost.estimated"),
    *("dropscribe.tickets.waiting", "dropscribe.tickets.oldest_age", "dropscribe.jobs.open"),
    *("dropscribe.jobs.oldest_age", "dropscribe.speech.calls", "dropscribe.speech.call.duration"),
}


class Ingestion:
    """The items that came, and where to send them."""

    def __init__(self) -> None:
        self.items: list[dict[str, Any]] = []
        self.connection_string = ""

    def of(self, kind: str) -> list[dict[str, Any]]:
        """The data of all items of a kind, such as `RequestData`, with trace and parent."""
        return [
            {
                **item["data"]["baseData"],
                "trace": item["tags"].get("ai.operation.id"),
                "parent": item["tags"].get("ai.operation.parentId"),
            }
            for item in list(self.items)
            if item["data"]["baseType"] == kind
        ]

    def metrics(self) -> set[str]:
        """Names of the metrics that came."""
        return {metric["name"] for item in self.of("MetricData") for metric in item["metrics"]}


@pytest.fixture
def ingestion() -> Iterator[Ingestion]:
    """An endpoint that accepts everything (POST /v2.1/track)."""
    state = Ingestion()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            plain = gzip.decompress(body) if self.headers.get("Content-Encoding") == "gzip" else body
            items = json.loads(plain)
            state.items.extend(items)
            answer = json.dumps({"itemsReceived": len(items), "itemsAccepted": len(items), "errors": []}).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it so
            """Keep the test's output clean."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        state.connection_string = (
            f"InstrumentationKey={uuid.uuid4()};"  # what could not be sent is kept on disk by this key
            f"IngestionEndpoint=http://127.0.0.1:{server.server_port}/"
        )
        yield state
        server.shutdown()
        thread.join()


def test_a_file_is_told_of_to_application_insights(new_world: NewWorld, ingestion: Ingestion) -> None:
    """With a connection string the app runs as ever; the traces of its files, metrics and log lines arrive once each.

    The function calls stand there too, and no key or SAS does.
    """
    world = new_world()
    world.emulator.arm([FailFile(source="*bad.wav")])
    world.start_host({**SOON, "APPLICATIONINSIGHTS_CONNECTION_STRING": ingestion.connection_string})
    world.upload("calls/good.wav")
    world.upload("calls/bad.wav")
    world.wait_for("calls/good.wav", "calls/bad.wav")
    world.host.run_function("sweep_jobs")
    world.host.run_function("drain_tickets")
    world.until(lambda: len(ingestion.of("RequestData")) == 2)
    world.until(lambda: ingestion.metrics() >= METRICS)
    world.until(lambda: "sweep_jobs" in str(ingestion.of("RemoteDependencyData")))
    good, bad = sorted(ingestion.of("RequestData"), key=lambda item: not item["success"])
    assert (good["name"], good["properties"]["file"]) == ("transcribe", "audio/calls/good.wav")
    assert (bad["success"], bad["properties"]["file"]) == (False, "audio/calls/bad.wav")
    stages = [item["name"] for item in ingestion.of("RemoteDependencyData") if item["trace"] == good["trace"]]
    assert stages == ["intake", "waiting", "submission", "transcription", "collection"]
    (line,) = [item for item in ingestion.of("MessageData") if " failed: " in item["message"]]
    assert (line["properties"]["file"], line["trace"]) == ("audio/calls/bad.wav", bad["trace"])
    assert line["properties"]["job"] == bad["properties"]["job"]
    everything = json.dumps(ingestion.items)
    assert "sig=" not in everything
    assert world.emulator.key not in everything
    assert world.storage.credential.account_key not in everything


def test_a_function_that_fails_is_told_of(new_world: NewWorld, ingestion: Ingestion) -> None:
    """A function's exception arrives, also where a setting is wrong, without the setting's value."""
    world = new_world()
    wrong = {"DEFAULT_LOCALE": "no locale at all"}
    settings = {**SOON, **wrong, "APPLICATIONINSIGHTS_CONNECTION_STRING": ingestion.connection_string}
    world.start_host(settings, webhook=False)
    world.host.run_function("drain_tickets")
    world.until(lambda: bool(ingestion.of("ExceptionData") and ingestion.of("RemoteDependencyData")))
    call, exception = ingestion.of("RemoteDependencyData")[0], ingestion.of("ExceptionData")[0]
    assert (call["name"], call["success"]) == ("drain_tickets", False)
    assert call["parent"], "the host's span is above"
    assert (exception["properties"]["function"], exception["trace"]) == ("drain_tickets", call["trace"])
    exceptions = json.dumps(exception)
    assert "DEFAULT_LOCALE" in exceptions
    assert "no locale at all" not in exceptions


def test_a_wrong_connection_string_keeps_nothing_from_working(new_world: NewWorld) -> None:
    """The app says that it exports nothing, without the string, and transcribes."""
    world = new_world()
    world.start_host({"APPLICATIONINSIGHTS_CONNECTION_STRING": "InstrumentationKey=a-secret-word"})
    world.upload("a.wav")
    world.wait_for("a.wav")
    log = world.host.log.read_text()
    assert "APPLICATIONINSIGHTS_CONNECTION_STRING is wrong" in log
    assert "a-secret-word" not in log
