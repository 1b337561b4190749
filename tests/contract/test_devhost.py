"""The dev host as a process of its own on Azurite: every trigger and output, crashes, and apps that it must refuse."""

import base64
import http.client
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests
from azure.core.exceptions import ResourceExistsError, ResourceNotFoundError
from azure.storage.blob import BlobServiceClient, StandardBlobTier
from azure.storage.queue import QueueClient

from devhost.http import BODY_LIMIT
from devstack.azurite import Azurite
from devstack.processes import ManagedProcess

ROOT = Path(__file__).resolve().parents[2]
APP = ROOT / "tests/data/devhost_app"
CONTAINERS = ("seen", "audio", "bad", "references", "events")
KEYS = {"master": "the-master-key", "function": "the-function-key", "blobs_extension": "the-event-grid-key"}
MASTER = {"x-functions-key": KEYS["master"]}


def wait_for[Value](look: Callable[[], Value | None], *, seconds: float = 15) -> Value:
    """Look until there is something."""
    deadline = time.monotonic() + seconds
    while (found := look()) is None:
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)
    return found


class DevHost(ManagedProcess):
    """The dev host on the test app (or another), with what its functions saw."""

    def __init__(
        self, azurite: Azurite, folder: Path, *options: str, app: Path = APP, settings: Mapping[str, str] | None = None
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.connection = azurite.connection_string()
        values = {
            "AzureWebJobsStorage": self.connection,
            "AzureFunctionsWebHost__hostid": "devhost-tests",
            "AzureWebJobs.off.Disabled": "true",
            "WORK_QUEUE": "devhost-work",
            "LASTING_QUEUE": "devhost-lasting",
            "CRASH_CONTAINER": "devhost-nothing",
            "SCHEDULE": "0 0 0 1 1 *",
            **(settings or {}),
        }
        (folder / "settings.json").write_text(json.dumps({"IsEncrypted": False, "Values": values}))
        (folder / "keys.json").write_text(json.dumps(KEYS))
        command = [sys.executable, "-m", "devhost", "--app", str(app), "--port", "0", "--scan-interval", "0.2"]
        command += ["--settings", str(folder / "settings.json"), "--keys", str(folder / "keys.json")]
        command += ["--message-lease", "2", *options]
        super().__init__("dev host", command, log=folder / "host.log", cwd=ROOT, env={"PYTHONUNBUFFERED": "1"})
        self.blobs = BlobServiceClient.from_connection_string(self.connection)

    def wait_until_ready(self) -> None:
        """Wait for the line that says where it listens."""
        self.wait_until(lambda: "Dev host listening on" in self.log.read_text(), seconds=20)
        found = re.search(r"^Dev host listening on (http://\S+)$", self.log.read_text(), re.MULTILINE)
        assert found
        self.url = found[1]

    def seen(self, name: str, *, seconds: float = 15) -> Any:  # noqa: ANN401 - JSON
        """What a function saw, awaited."""
        return json.loads(self.content("devhost-seen", name, seconds=seconds))

    def content(self, container: str, name: str, *, seconds: float = 15) -> bytes:
        """A blob's content, awaited: the host writes outputs after the function has returned."""

        def look() -> bytes | None:
            with suppress(ResourceNotFoundError):
                return self.blobs.get_blob_client(container, name).download_blob().readall()
            return None

        return wait_for(look, seconds=seconds)

    def tries(self, name: str) -> int:
        """How often a function has counted a run for `name`."""
        seen = self.blobs.get_container_client("devhost-seen")
        return len(list(seen.list_blob_names(name_starts_with=f"tries/{name}/")))

    def tried(self, name: str, number: int) -> None:
        """Wait until a function has counted so many runs."""
        wait_for(lambda: True if self.tries(name) >= number else None)

    def upload(self, path: str, data: bytes, **options: Any) -> None:  # noqa: ANN401 - of the SDK
        """Write a blob, `container/name`."""
        container, _, name = path.partition("/")
        with suppress(ResourceExistsError):
            self.blobs.create_container(container)
        self.blobs.get_blob_client(container, name).upload_blob(data, overwrite=True, **options)

    def queue(self, name: str) -> QueueClient:
        """A queue of the account; there from now on."""
        queue = QueueClient.from_connection_string(self.connection, name)
        with suppress(ResourceExistsError):
            queue.create_queue()
        return queue

    def send(self, queue: str, body: str) -> None:
        """Send a message as a function app's client would."""
        self.queue(queue).send_message(base64.b64encode(body.encode()).decode())

    def messages(self, queue: str, count: int) -> list[str]:
        """The bodies of as many messages, awaited and taken."""
        client, bodies = self.queue(queue), list[str]()

        def look() -> list[str] | None:
            for message in client.receive_messages():
                bodies.append(base64.b64decode(message.content).decode())
                client.delete_message(message)
            return bodies if len(bodies) >= count else None

        return wait_for(look)

    def logged(self, text: str) -> str:
        """The log, once it has the text."""
        wait_for(lambda: True if text in self.log.read_text() else None)
        return self.log.read_text()

    @property
    def exit_code(self) -> int:
        """How the process ended, awaited."""
        return self._process.wait(timeout=15)

    def terminate(self) -> None:
        """Ask it to end."""
        os.kill(self.pid, signal.SIGTERM)


@pytest.fixture(scope="module")
def clean(azurite: Azurite) -> Iterator[None]:
    """The test app's containers, empty."""
    with BlobServiceClient.from_connection_string(azurite.connection_string()) as blobs:
        for name in CONTAINERS:
            blobs.create_container(f"devhost-{name}")
        yield
        for name in CONTAINERS:
            blobs.delete_container(f"devhost-{name}")


@pytest.fixture(scope="module")
def host(azurite: Azurite, clean: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[DevHost]:  # noqa: ARG001
    """The dev host on the test app."""
    with DevHost(azurite, tmp_path_factory.mktemp("devhost")) as process:
        process.wait_until_ready()
        yield process


# HTTP


def test_a_request_arrives_as_the_real_host_passes_it(host: DevHost) -> None:
    """Header names are in lower case, empty query values gone, repeated ones joined, route values typed by template."""
    answer = requests.get(f"{host.url}/api/echo/7?a=&b=1&b=2&c=x%20y", headers={"X-Big": "Yes"}, timeout=10)
    assert answer.status_code == 201
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["set-cookie"] == "seen=yes; HttpOnly; Path=/api"
    seen = answer.json()
    assert seen["method"] == "GET"
    assert seen["params"] == {"b": "1,2", "c": "x y"}
    assert seen["route"] == {"id": "7"}
    assert seen["headers"]["x-big"] == "Yes"
    assert seen["url"].startswith(f"{host.url}/api/echo/7?a=&b=1")


def test_a_body_without_content_length_arrives_empty(host: DevHost) -> None:
    """A chunked body is lost, as in Azure; one with its length arrives."""
    assert requests.post(f"{host.url}/api/echo", data=iter([b"abc"]), timeout=10).json()["body"] == ""
    assert requests.post(f"{host.url}/api/echo", data=b"abc", timeout=10).json()["body"] == "abc"


@pytest.mark.parametrize(
    ("method", "path"),
    [("DELETE", "/api/echo"), ("GET", "/api/echo/seven"), ("GET", "/api/off"), ("GET", "/echo"), ("GET", "/")],
)
def test_what_no_function_serves_is_not_found(host: DevHost, method: str, path: str) -> None:
    """A wrong method, a value against its constraint, a disabled function and an unknown path are all 404."""
    assert requests.request(method, host.url + path, timeout=10).status_code == 404


@pytest.mark.parametrize(
    ("path", "key", "status"),
    [
        ("/api/keyed", None, 401),
        ("/api/keyed", "wrong", 401),
        ("/api/keyed", "schlüssel", 401),
        ("/api/keyed", KEYS["function"], 200),
        ("/api/keyed", KEYS["master"], 200),
        ("/api/master", KEYS["function"], 401),
        ("/api/master", KEYS["master"], 200),
        ("/admin/host/status", KEYS["function"], 401),
        ("/admin/host/status", KEYS["master"], 200),
    ],
)
def test_keys_open_what_they_should(host: DevHost, path: str, key: str | None, status: int) -> None:
    """Function level takes the function key or the master key, admin level the master key; in query or header."""
    assert requests.get(host.url + path, params={"code": key} if key else {}, timeout=10).status_code == status
    headers = {"x-functions-key": key.encode()} if key else {}
    assert requests.get(host.url + path, headers=headers, timeout=10).status_code == status


def test_a_raising_function_is_500_with_its_invocation_id(host: DevHost) -> None:
    """The answer names the invocation, the log has its trace, and the exception's text stays in the log."""
    answer = requests.get(f"{host.url}/api/fail", timeout=10)
    assert answer.status_code == 500
    assert "on purpose" not in answer.text
    log = host.logged(f"[fail {answer.headers['x-ms-invocation-id']}] devhost.invocation: ValueError: on purpose")
    assert 'raise ValueError("on purpose")' in log


def test_a_body_over_the_limit_is_refused(host: DevHost) -> None:
    """More than 100 MB is 413 by its Content-Length alone."""
    connection = http.client.HTTPConnection(host.url.removeprefix("http://"), timeout=10)
    connection.putrequest("POST", "/api/echo")
    connection.putheader("Content-Length", str(BODY_LIMIT + 1))
    connection.endheaders()
    assert connection.getresponse().status == 413
    connection.close()


def test_text_and_async_functions_answer(host: DevHost) -> None:
    """A returned text is 200 text/plain, from a sync and an async function."""
    for name in ("text", "quick"):
        answer = requests.get(f"{host.url}/api/{name}", timeout=10)
        assert (answer.status_code, answer.text) == (200, "plain")
        assert answer.headers["content-type"] == "text/plain; charset=utf-8"


def test_a_blob_input_is_read_or_missing(host: DevHost) -> None:
    """A blob input is the blob's content; a function gets None where there is no such blob."""
    host.upload("devhost-copies/there.txt", b"content")
    assert requests.get(f"{host.url}/api/input/there.txt", timeout=10).text == "content"
    assert requests.get(f"{host.url}/api/input/not-there.txt", timeout=10).text == "nothing"


# Queues


def test_outputs_reach_queues_and_blobs_and_wake_their_trigger(host: DevHost) -> None:
    """Out[str], Out[List[str]], Out[bytes] and $return are written; the queue trigger gets the message's properties."""
    requests.post(f"{host.url}/api/send?name=first", data=b"hello", timeout=10).raise_for_status()
    assert host.messages("devhost-many", 2) == ["one", "two"]
    assert host.blobs.get_blob_client("devhost-copies", "first.txt").download_blob().readall() == b"hello"
    seen = host.seen("work/hello")
    assert host.messages("devhost-answers", 1) == ["answer to hello"]
    assert seen["dequeue_count"] == 1
    assert seen["id"]
    assert seen["pop_receipt"]
    inserted, expires = datetime.fromisoformat(seen["inserted"]), datetime.fromisoformat(seen["expires"])
    assert expires - inserted == timedelta(days=7)
    assert f"[work {seen['invocation']}]" in host.log.read_text()


def test_a_message_that_always_fails_becomes_poison(host: DevHost) -> None:
    """After maxDequeueCount tries the message is in the poison queue as it was, and gone from its own."""
    host.send("devhost-failing", "bad luck")
    assert host.messages("devhost-failing-poison", 1) == ["bad luck"]
    assert re.findall(r"devhost\.invocation: RuntimeError: (try \d)", host.log.read_text()) == [
        "try 1",
        "try 2",
        "try 3",
    ]
    queue = host.queue("devhost-failing")
    wait_for(lambda: True if queue.get_queue_properties().approximate_message_count == 0 else None)


def test_a_message_that_is_not_base64_becomes_poison(host: DevHost) -> None:
    """A message in the wrong encoding never reaches the function and is not lost."""
    host.queue("devhost-work").send_message("not base64!")
    host.logged("the message is not Base64")
    poison = host.queue("devhost-work-poison")
    found = wait_for(lambda: next(iter(poison.receive_messages()), None))
    assert found.content == "not base64!"


def test_a_lease_is_renewed_while_the_function_runs(host: DevHost) -> None:
    """A function that outlasts the lease of its message runs once."""
    host.send("devhost-lasting", "long")
    assert host.seen("lasting/long") == {"tries": 1, "dequeue_count": 1}


# Blobs


def test_a_new_blob_fires_once_for_each_version(host: DevHost) -> None:
    """The function gets bytes, name, URI, metadata and properties; once, and again when the blob is rewritten."""
    host.upload("devhost-audio/a folder/b.c.wav", b"\xff\x00RIFF", metadata={"lang": "en"})
    seen = host.seen("blob/devhost-audio/a folder/b.c.wav")
    assert (seen["size"], seen["length"], seen["metadata"]) == (6, 6, {"lang": "en"})
    assert seen["uri"] == host.blobs.get_blob_client("devhost-audio", "a folder/b.c.wav").url
    assert seen["properties"]["ContentLength"] == 6
    assert host.content("devhost-copies", "a folder/b.c.copy") == b"\xff\x00RIFF"
    host.upload("devhost-audio/later.wav", b"x")
    host.seen("blob/devhost-audio/later.wav")
    assert host.tries("blob/devhost-audio/a folder/b.c.wav") == 1
    host.upload("devhost-audio/a folder/b.c.wav", b"again")
    host.tried("blob/devhost-audio/a folder/b.c.wav", 2)
    receipts = host.blobs.get_container_client("azure-webjobs-hosts")

    def both_receipts() -> bool | None:
        names = receipts.list_blob_names(name_starts_with="blobreceipts/devhost-tests/Host.Functions.on_blob/")
        return sum(name.endswith('"/devhost-audio/a folder/b.c.wav') for name in names) == 2 or None

    assert wait_for(both_receipts)


def test_the_first_scan_of_an_account_finds_what_is_there(tmp_path: Path) -> None:
    """On an account that no host has used, a blob from before the start fires in the first round."""
    with Azurite(log=tmp_path / "azurite.log") as fresh:
        fresh.wait_until_ready()
        with BlobServiceClient.from_connection_string(fresh.connection_string()) as blobs:
            for name in ("devhost-seen", "devhost-references"):
                blobs.create_container(name)
            blobs.get_blob_client("devhost-references", "early").upload_blob(b"x")
        with DevHost(fresh, tmp_path, "--scan-interval", "600") as first:
            first.wait_until_ready()
            assert first.seen("reference/early")


def test_work_for_a_blob_that_always_fails_becomes_poison(host: DevHost) -> None:
    """After poisonBlobThreshold tries the work is a message in webjobs-blobtrigger-poison."""
    host.upload("devhost-bad/x", b"x")
    [message] = host.messages("webjobs-blobtrigger-poison", 1)
    work = json.loads(message)
    assert (work["FunctionId"], work["ContainerName"], work["BlobName"]) == (
        "Host.Functions.on_bad_blob",
        "devhost-bad",
        "x",
    )
    assert host.log.read_text().count("devhost.invocation: RuntimeError: no devhost-bad/x") == 2


def test_an_sdk_type_gets_a_reference_and_no_download(host: DevHost) -> None:
    """A deferred parameter says where the blob is; an archived blob, which can't be downloaded, fires all the same."""
    host.upload("devhost-references/a/b.wav", b"x", standard_blob_tier=StandardBlobTier.ARCHIVE)
    assert host.seen("reference/a/b.wav") == {
        "content": {"Connection": "AzureWebJobsStorage", "ContainerName": "devhost-references", "BlobName": "a/b.wav"},
        "version": "1.0",
        "source": "AzureStorageBlobs",
        "content_type": "application/json",
    }


def post_events(host: DevHost, events: Any, key: str = KEYS["blobs_extension"]) -> requests.Response:  # noqa: ANN401
    """Post to Event Grid's webhook."""
    url = f"{host.url}/runtime/webhooks/blobs"
    return requests.post(url, params={"functionName": "Host.Functions.on_event", "code": key}, json=events, timeout=10)


def blob_created(host: DevHost, path: str) -> dict[str, Any]:
    """An event as Event Grid sends it."""
    container, _, name = path.partition("/")
    data = {"url": host.blobs.get_blob_client(container, name).url, "eTag": "0x1", "blobType": "BlockBlob"}
    return {"eventType": "Microsoft.Storage.BlobCreated", "subject": path, "data": data}


def test_event_grid_fires_for_each_event(host: DevHost) -> None:
    """Each BlobCreated that matches the path fires, duplicates too; others are accepted and fire nothing."""
    host.upload("devhost-events/in/a b.wav", b"x")
    event = blob_created(host, "devhost-events/in/a b.wav")
    assert post_events(host, [blob_created(host, "devhost-events/other/a.wav"), event, event]).status_code == 202
    host.tried("event/devhost-events/in/a b.wav", 2)
    host.logged("An event is not for on_event")


def test_event_grids_handshake_is_answered(host: DevHost) -> None:
    """The subscription's validation code comes back; without the key, or malformed, the post is refused."""
    handshake = [{"eventType": "Microsoft.EventGrid.SubscriptionValidationEvent", "data": {"validationCode": "123"}}]
    assert post_events(host, handshake).json() == {"validationResponse": "123"}
    assert post_events(host, handshake, key="wrong").status_code == 401
    assert post_events(host, {"eventType": "x"}).status_code == 400
    assert post_events(host, [{"eventType": "Microsoft.Storage.BlobCreated", "data": {}}]).status_code == 400


# Timers and admin


def test_a_timer_runs_on_startup_and_is_retried(host: DevHost) -> None:
    """`run_on_startup` fires, and `@app.retry` runs it again with its attempt in the context."""
    assert host.seen("retried") == {"attempt": 2, "most": 2}


def test_a_missed_run_is_past_due(azurite: Azurite, clean: None, tmp_path: Path) -> None:  # noqa: ARG001
    """A timer whose stored next time has gone by runs at start with `past_due`, and its status moves on."""
    last = datetime.now(UTC) - timedelta(hours=2)
    due = last.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
    status = {"Last": last.isoformat(), "Next": due.isoformat(), "LastUpdated": last.isoformat()}
    name = "timers/devhost-past-due/Host.Functions.tick/status"
    settings = {"SCHEDULE": "0 0 * * * *", "AzureFunctionsWebHost__hostid": "devhost-past-due"}
    with BlobServiceClient.from_connection_string(azurite.connection_string()) as blobs:
        blob = blobs.get_blob_client("azure-webjobs-hosts", name)
        with suppress(ResourceExistsError):
            blobs.create_container("azure-webjobs-hosts")
        blob.upload_blob(json.dumps(status), overwrite=True)
        with DevHost(azurite, tmp_path, settings=settings) as late:
            seen = late.seen("tick")
            assert seen["past_due"] is True
            assert datetime.fromisoformat(seen["status"]["Next"]) == due

            def moved() -> bool | None:
                stored = json.loads(blob.download_blob().readall())
                return True if datetime.fromisoformat(stored["Next"]) > datetime.now(UTC) else None

            assert wait_for(moved)


def test_a_timer_runs_in_one_host_at_a_time(azurite: Azurite, clean: None, tmp_path: Path) -> None:  # noqa: ARG001
    """Of two hosts of an app one runs its timers; when that one is killed, the other takes over."""
    settings = {"SCHEDULE": "* * * * * *", "AzureFunctionsWebHost__hostid": "devhost-singleton"}
    run = "Executing 'Functions.tick'"
    with (
        DevHost(azurite, tmp_path / "first", settings=settings) as first,
        DevHost(azurite, tmp_path / "second", settings=settings) as second,
    ):
        for process in (first, second):
            process.wait_until_ready()
        owner = wait_for(lambda: next((each for each in (first, second) if run in each.log.read_text()), None))
        other = second if owner is first else first
        wait_for(lambda: True if owner.log.read_text().count(run) >= 3 else None)
        assert run not in other.log.read_text()
        owner.kill()
        other.logged(run)


def test_admin_lists_and_runs_functions(host: DevHost) -> None:
    """Status and functions are listed; a function is run by hand with its input; an unknown one is 404."""
    status = requests.get(f"{host.url}/admin/host/status", headers=MASTER, timeout=10).json()
    assert (status["state"], status["id"]) == ("Running", "devhost-tests")
    functions = requests.get(f"{host.url}/admin/functions", headers=MASTER, timeout=10).json()
    assert {function["name"]: function["isDisabled"] for function in functions}.items() >= {
        "off": True,
        "tick": False,
    }.items()
    run = f"{host.url}/admin/functions"
    assert requests.post(f"{run}/work", json={"input": "by hand"}, headers=MASTER, timeout=10).status_code == 202
    assert host.seen("work/by hand")["dequeue_count"] is None
    host.upload("devhost-events/in/by hand.wav", b"x")
    path = "devhost-events/in/by hand.wav"
    assert requests.post(f"{run}/on_event", json={"input": path}, headers=MASTER, timeout=10).status_code == 202
    assert host.seen(f"event/{path}")
    assert requests.post(f"{run}/nobody", json={}, headers=MASTER, timeout=10).status_code == 404
    assert requests.post(f"{run}/work", json={}, timeout=10).status_code == 401


# Ends


def test_a_killed_host_loses_no_message(azurite: Azurite, clean: None, tmp_path: Path) -> None:  # noqa: ARG001
    """A message, and a blob's work, whose host got SIGKILL come back after the lease; other blobs need not wait."""
    settings = {
        "AzureFunctionsWebHost__hostid": "devhost-crash",
        "LASTING_QUEUE": "devhost-crash",
        "CRASH_CONTAINER": "devhost-crash",
    }
    with DevHost(azurite, tmp_path / "first", settings=settings) as first:
        first.wait_until_ready()
        first.send("devhost-crash", "crash")
        first.upload("devhost-crash/stuck", b"x")
        first.tried("crash", 1)
        first.tried("crashing stuck", 1)
        first.upload("devhost-crash/other", b"x")
        assert first.seen("crash/other", seconds=8) == {"tries": 1}
        first.kill()
    with DevHost(azurite, tmp_path / "second", settings=settings) as second:
        assert second.seen("lasting/crash") == {"tries": 2, "dequeue_count": 2}
        assert second.seen("crash/stuck") == {"tries": 2}


def test_sigterm_lets_a_running_function_end(azurite: Azurite, clean: None, tmp_path: Path) -> None:  # noqa: ARG001
    """A request in flight gets its answer, then the process ends with exit code 0."""
    with DevHost(azurite, tmp_path, settings={"AzureFunctionsWebHost__hostid": "devhost-end"}) as ending:
        ending.wait_until_ready()
        with ThreadPoolExecutor(1) as pool:
            answer = pool.submit(requests.get, f"{ending.url}/api/slow?seconds=1", timeout=10)
            ending.logged("Executing 'Functions.slow'")
            ending.terminate()
            assert answer.result().text == "done"
        assert ending.exit_code == 0


def test_a_function_that_takes_too_long_is_ended(azurite: Azurite, clean: None, tmp_path: Path) -> None:  # noqa: ARG001
    """After functionTimeout, here overridden by the environment, the run has failed."""
    settings = {"AzureFunctionsWebHost__hostid": "devhost-long", "AzureFunctionsJobHost__functionTimeout": "00:00:01"}
    with DevHost(azurite, tmp_path, settings=settings) as impatient:
        impatient.wait_until_ready()
        assert requests.get(f"{impatient.url}/api/slow?seconds=30", timeout=10).status_code == 500
        impatient.logged("Ended after host.json's functionTimeout of 1.0 s.")


# Apps that must be refused

HEAD = """
from typing import List
import azure.functions as func
app = func.FunctionApp()
"""
REFUSED = {
    "parameter without binding": (
        '@app.route("x")\ndef bad(req: func.HttpRequest, extra: str) -> str: return ""',
        "cannot load the bad function: the following parameters are declared in Python but not in",
    ),
    "binding without parameter": (
        '@app.route("x")\n@app.queue_output("out", "q", "S")\ndef bad(req: func.HttpRequest) -> str: return ""',
        "cannot load the bad function: Extra parameters in binding definition",
    ),
    "wrong annotation": (
        '@app.queue_trigger("m", "q", "S")\ndef bad(m: func.HttpRequest) -> None: ...',
        "function parameter's Python type annotation HttpRequest",
    ),
    "output that is no Out": (
        '@app.route("x")\n@app.queue_output("out", "q", "S")\ndef bad(req: func.HttpRequest, out: str) -> str: ...',
        "annotation in Python is not a subclass of azure.functions.Out",
    ),
    "HTTP function that returns a dict": (
        '@app.route("x")\ndef bad(req: func.HttpRequest) -> dict: return {}',
        'cannot load the bad function: Python return annotation "dict" does not match binding type "http"',
    ),
    "Out of a built-in list": (
        '@app.route("x")\n@app.queue_output("o", "q", "S")\ndef bad(req, o: func.Out[list[str]]): ...',
        "cannot load the bad function: binding o has invalid non-type annotation",
    ),
    "annotation that the worker trips over": (
        '@app.queue_trigger("m", "q", "S")\ndef bad(m: List[str]) -> None: ...',
        "The worker rejects the app: function bad: TypeError",
    ),
    "import that fails": ("import no_such_module", "No module named 'no_such_module'"),
    "no app object": ("del app", "Could not find top level function app instances"),
    "missing setting": (
        '@app.queue_trigger("m", "%NOWHERE%", "S")\ndef bad(m: func.QueueMessage) -> None: ...',
        "function bad, binding 'm' (queueTrigger): the app setting NOWHERE is not set.",
    ),
    "missing connection": (
        '@app.queue_trigger("m", "q", "Elsewhere")\ndef bad(m: func.QueueMessage) -> None: ...',
        "function bad, binding 'm' (queueTrigger): the app setting Elsewhere is not set.",
    ),
    "unknown binding": (
        '@app.service_bus_queue_trigger("m", "S", "q")\ndef bad(m: func.ServiceBusMessage) -> None: ...',
        "function bad, binding 'm' (serviceBusTrigger): the dev host has HTTP, blob, queue and timer bindings only.",
    ),
    "bad schedule": (
        '@app.timer_trigger("t", "0 0 25 * * *")\ndef bad(t: func.TimerRequest) -> None: ...',
        "function bad, binding 't': '0 0 25 * * *' is no NCRONTAB expression",
    ),
    "bad path": (
        '@app.blob_trigger("b", "{container}/x", "S")\ndef bad(b: func.InputStream) -> None: ...',
        "function bad, binding 'b' (blobTrigger): path '{container}/x' must begin with the name of a container.",
    ),
}


@pytest.mark.parametrize(("source", "reason"), REFUSED.values(), ids=REFUSED.keys())
def test_an_app_that_azure_would_reject_is_refused(azurite: Azurite, tmp_path: Path, source: str, reason: str) -> None:
    """The process ends with exit code 1 and one message that names the function and what is wrong."""
    (tmp_path / "host.json").write_text('{"version": "2.0"}')
    (tmp_path / "function_app.py").write_text(HEAD + source)
    connection = azurite.connection_string()
    ended = subprocess.run(  # noqa: S603 - our own command
        [sys.executable, "-m", "devhost", "--app", str(tmp_path), "--port", "0"],
        cwd=ROOT,
        env={**os.environ, "AzureWebJobsStorage": connection, "S": connection},
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )
    assert ended.returncode == 1
    assert ended.stderr.startswith("The app can't be run. ")
    assert reason in ended.stderr
    assert "Dev host listening" not in ended.stdout


def test_a_folder_without_an_app_is_refused(tmp_path: Path) -> None:
    """A folder without host.json or function_app.py says which of them is missing."""
    command = [sys.executable, "-m", "devhost", "--app", str(tmp_path), "--port", "0"]
    first = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=20, check=False)  # noqa: S603
    assert (first.returncode, "host.json" in first.stderr) == (1, True)
    (tmp_path / "host.json").write_text('{"version": "2.0"}')
    second = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=20, check=False)  # noqa: S603
    assert (second.returncode, "There is no function_app.py in" in second.stderr) == (1, True)
