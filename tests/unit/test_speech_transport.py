"""The transport against a real server on loopback that answers from a script: what is repeated, and what leaks."""

import gzip
import io
import json
import logging
import socket
import sys
import threading
import traceback
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NoReturn, override

import pytest
import requests

from shared.speech import (
    BadRequest,
    CredentialError,
    DownloadTooLarge,
    File,
    KeyCredential,
    MalformedResponse,
    NewTranscription,
    ServerError,
    SpeechClient,
    SpeechConnectionError,
    SpeechError,
    SpeechTimeout,
    Throttled,
    Timeouts,
    TranscriptionUpdate,
    Unauthorized,
    UnsupportedOperation,
    WaitTimeout,
)

KEY = "0123456789abcdef0123456789abcdef"
ID = "ba7ea6f5-3065-40b7-b49a-a90f48584683"
SAS = "sv=2024-11-04&sp=r&sig=s3cr3tSignature%3D"
NEW = NewTranscription(display_name="n", locale="en-US", content_urls=[f"https://host/a.wav?{SAS}"])


@dataclass(frozen=True)
class Reply:
    """An answer of the scripted server; with `cut_after`, only so many bytes of the announced body are sent."""

    status: int = 200
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    cut_after: int | None = None

    @property
    def content(self) -> bytes:
        """The body's bytes; what is no bytes is written as JSON."""
        return self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()


CUT = Reply(cut_after=-1)
"""The connection is closed before any answer."""


@dataclass(frozen=True)
class Received:
    """A request as it arrived."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


class LoopbackServer(ThreadingHTTPServer):
    """A thread for each connection, and room for many that come at once."""

    daemon_threads = True
    request_queue_size = 64

    @override
    def handle_error(self, *_: object) -> None:
        if not isinstance(sys.exception(), ConnectionError):  # a client that goes away in the middle is no news
            traceback.print_exc()


class ScriptedServer:
    """Answers each request with the next reply of its script, and keeps what it was asked."""

    def __init__(self) -> None:
        self.script: deque[Reply | Callable[[], Reply]] = deque()
        self.received: list[Received] = []
        self._server = LoopbackServer(("127.0.0.1", 0), self._handler())
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()
        self.endpoint = f"http://127.0.0.1:{self._server.server_port}"

    def close(self) -> None:
        """Stop serving."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def answers(self, *replies: Reply | Callable[[], Reply]) -> None:
        """Put replies at the end of the script."""
        self.script.extend(replies)

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def handle_one_request(self) -> None:
                self.raw_requestline = self.rfile.readline()
                if not self.raw_requestline or not self.parse_request():
                    self.close_connection = True
                    return
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                server.received.append(Received(self.command, self.path, dict(self.headers.items()), body))
                planned = server.script.popleft()
                self._send(planned if isinstance(planned, Reply) else planned())

            def _send(self, reply: Reply) -> None:
                if reply.cut_after != -1:
                    self.send_response(reply.status)
                    for name, value in {"Content-Length": str(len(reply.content)), **reply.headers}.items():
                        self.send_header(name, value)
                    self.end_headers()
                    self.wfile.write(reply.content[: reply.cut_after])
                if reply.cut_after is not None:
                    self.close_connection = True
                    self.connection.shutdown(socket.SHUT_RDWR)

            def log_message(self, *_: object) -> None:
                """Keep the test's output clean."""

        return Handler


class Time:
    """A clock that only moves when somebody sleeps."""

    def __init__(self) -> None:
        self.now = 1_700_000_000.0
        self.slept: list[float] = []

    def sleep(self, seconds: float) -> None:
        """Let the time pass at once."""
        self.slept.append(seconds)
        self.now += seconds

    def read(self) -> float:
        """The present time in seconds."""
        return self.now


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    """A server whose script is used up at the end."""
    running = ScriptedServer()
    yield running
    running.close()
    assert not running.script, "replies that nobody asked for"


@pytest.fixture
def other() -> Iterator[ScriptedServer]:
    """A server at another origin."""
    running = ScriptedServer()
    yield running
    running.close()


@pytest.fixture
def time() -> Time:
    """The clients' time."""
    return Time()


@pytest.fixture
def client(server: ScriptedServer, time: Time) -> Iterator[SpeechClient]:
    """A client of the scripted server that sleeps no real time."""
    with connect(server.endpoint, time) as one:
        yield one


def connect(endpoint: str, time: Time, **options: object) -> SpeechClient:
    """A client whose sleeping costs nothing."""
    instant = {"sleep": time.sleep, "clock": time.read, "monotonic": time.read, "uniform": lambda: 0.0}
    given: dict[str, Any] = {"credential": KeyCredential(KEY), **instant, **options}
    return SpeechClient(endpoint, **given)


def transcription(status: str = "Succeeded", endpoint: str = "http://host") -> dict[str, Any]:
    """A transcription as the service sends it."""
    self_url = f"{endpoint}/speechtotext/v3.1/transcriptions/{ID}"
    return {"self": self_url, "displayName": "n", "locale": "en-US", "status": status}


def texts(error: BaseException) -> str:
    """Everything of an error that a log may show: the traceback, and the errors that it came from."""
    context = [repr(one) for one in (error.__context__, error.__cause__) if one is not None]
    return "".join([*traceback.format_exception(error), repr(error), repr(vars(error)), *context])


def refused_port() -> int:
    """A port on which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class TestRepetition:
    """What is sent again."""

    @pytest.mark.parametrize("failure", [CUT, Reply(503), Reply(429), Reply(408), Reply(body={"a": 1}, cut_after=3)])
    def test_reads_are_repeated(self, server: ScriptedServer, client: SpeechClient, time: Time, failure: Reply) -> None:
        """A GET gets through a cut connection, a body cut short, 408, 429 and 5xx; the pauses grow."""
        server.answers(failure, failure, Reply(body=transcription()))
        assert client.transcriptions.get(ID).id == ID
        assert time.slept == [0.5, 1.0]

    def test_updates_and_deletes_are_repeated(self, server: ScriptedServer, client: SpeechClient) -> None:
        """PATCH and DELETE may be sent twice."""
        server.answers(CUT, Reply(body=transcription()), Reply(500), Reply(204, b""))
        client.transcriptions.update(ID, TranscriptionUpdate(description=None))
        client.transcriptions.delete(ID)
        assert [one.method for one in server.received] == ["PATCH", "PATCH", "DELETE", "DELETE"]
        assert json.loads(server.received[1].body) == {"description": None}

    def test_a_throttled_create_is_repeated_after_the_asked_time(
        self, server: ScriptedServer, client: SpeechClient, time: Time
    ) -> None:
        """429 means that nothing was created."""
        server.answers(Reply(429, {}, {"Retry-After": "7"}), Reply(429), Reply(201, transcription("NotStarted")))
        assert client.transcriptions.create(NEW).status == "NotStarted"
        assert time.slept == [7.5, 1.0]
        assert len({one.body for one in server.received}) == 1

    @pytest.mark.parametrize(
        ("failure", "kind"),
        [
            (CUT, SpeechConnectionError),
            (Reply(500), ServerError),
            (Reply(503, {}, {"Retry-After": "1"}), ServerError),
            (Reply(201, transcription(), cut_after=5), SpeechConnectionError),
            (Reply(201, b"<html>"), MalformedResponse),
            (Reply(201, {"displayName": "without the rest"}), MalformedResponse),
            (Reply(307, {}, {"Location": "/elsewhere"}), MalformedResponse),
        ],
    )
    def test_a_create_that_may_have_taken_effect_is_not_repeated(
        self, server: ScriptedServer, client: SpeechClient, failure: Reply, kind: type[SpeechError]
    ) -> None:
        """The one attempt's error says that the transcription may exist."""
        server.answers(failure)
        with pytest.raises(kind) as caught:
            client.transcriptions.create(NEW)
        assert caught.value.may_have_taken_effect
        assert len(server.received) == 1

    def test_every_attempt_counts_for_the_effect(self, server: ScriptedServer, client: SpeechClient) -> None:
        """An update that was cut off and then throttled may have taken effect the first time."""
        server.answers(CUT, Reply(429, {}, {"Retry-After": "3600"}))
        with pytest.raises(Throttled) as caught:
            client.transcriptions.update(ID, TranscriptionUpdate(description="d"))
        assert caught.value.may_have_taken_effect

    def test_a_refused_create_took_no_effect(self, server: ScriptedServer, client: SpeechClient) -> None:
        """400 is final, and nothing was created."""
        server.answers(Reply(400, {"code": "InvalidRequest", "message": "no"}, {"apim-request-id": "r-1"}))
        with pytest.raises(BadRequest) as caught:
            client.transcriptions.create(NEW)
        assert not caught.value.may_have_taken_effect
        assert (caught.value.code, caught.value.request_id) == ("InvalidRequest", "r-1")

    def test_a_create_without_a_connection_is_repeated(self, time: Time) -> None:
        """A refused connection is tried again, and in the end is certain to have changed nothing."""
        with (
            connect(f"http://127.0.0.1:{refused_port()}", time) as client,
            pytest.raises(SpeechConnectionError, match="refused") as caught,
        ):
            client.transcriptions.create(NEW)
        assert len(time.slept) == 4
        assert not caught.value.may_have_taken_effect

    def test_attempts_end(self, server: ScriptedServer, time: Time) -> None:
        """The last attempt's error is raised, with what Retry-After said."""
        server.answers(Reply(503), Reply(429, {}, {"Retry-After": "3"}))
        with connect(server.endpoint, time, max_retries=1) as client, pytest.raises(Throttled) as caught:
            client.health.get()
        assert caught.value.retry_after_seconds == 3

    def test_a_long_retry_after_is_left_to_the_caller(
        self, server: ScriptedServer, client: SpeechClient, time: Time
    ) -> None:
        """Nobody sleeps an hour inside a call."""
        server.answers(Reply(429, {}, {"Retry-After": "3600"}))
        with pytest.raises(Throttled) as caught:
            client.health.get()
        assert caught.value.retry_after_seconds == 3600
        assert time.slept == []


class TestTime:
    """Nothing waits for ever."""

    @pytest.mark.parametrize("create", [False, True])
    def test_a_silent_service(self, server: ScriptedServer, time: Time, create: bool) -> None:
        """A read timeout is its own error and says whether the request may have taken effect."""
        ended = threading.Event()

        def silent() -> Reply:
            ended.wait(30)
            return CUT

        server.answers(silent)
        limits = Timeouts(read_seconds=0.1)
        with connect(server.endpoint, time, timeouts=limits, max_retries=0) as client:
            with pytest.raises(SpeechTimeout) as caught:
                client.transcriptions.create(NEW) if create else client.health.get()
            ended.set()
        assert caught.value.may_have_taken_effect is create

    def test_a_body_that_trickles_in(self, server: ScriptedServer) -> None:
        """The limit of a whole attempt holds although every piece comes in time."""
        ticks = iter(range(0, 10_000, 400))
        server.answers(Reply(body={"status": "Healthy"}))
        with (
            connect(
                server.endpoint, Time(), monotonic=lambda: float(next(ticks)), timeouts=Timeouts(total_seconds=300)
            ) as client,
            pytest.raises(SpeechTimeout, match="300 s"),
        ):
            client.health.get()


class TestCredentials:
    """The key goes to the configured origin only, and into no text."""

    def test_the_key_is_sent_as_the_specification_says(self, server: ScriptedServer, client: SpeechClient) -> None:
        """Header Ocp-Apim-Subscription-Key; nothing in the URL."""
        server.answers(Reply(body={"status": "Healthy"}))
        assert client.health.get().status == "Healthy"
        (request,) = server.received
        assert request.headers["Ocp-Apim-Subscription-Key"] == KEY
        assert KEY not in request.path

    def test_a_redirect_is_not_followed(
        self, server: ScriptedServer, other: ScriptedServer, client: SpeechClient
    ) -> None:
        """Neither the key nor the request goes where a redirect points."""
        for status in (301, 302, 307, 308):
            server.answers(Reply(status, {}, {"Location": f"{other.endpoint}/x?{SAS}"}))
            with pytest.raises(MalformedResponse, match="redirect") as caught:
                client.health.get()
            assert "s3cr3t" not in texts(caught.value)
        assert other.received == []

    def test_a_next_link_elsewhere_is_not_followed(
        self, server: ScriptedServer, other: ScriptedServer, client: SpeechClient
    ) -> None:
        """The first page is given, then the list ends in an error; the other origin hears nothing."""
        port = server.endpoint.rpartition(":")[2]
        for elsewhere in (
            f"{other.endpoint}/more",
            f"http://localhost:{port}/more",
            f"https://127.0.0.1:{port}/",
            "/more",
            f"{other.endpoint}\\@127.0.0.1:{port}/more",
            f"{server.endpoint}@{other.endpoint.removeprefix('http://')}/more",
        ):
            server.answers(Reply(body={"values": [transcription()], "@nextLink": f"{elsewhere}?{SAS}"}))
            pages = client.transcriptions.list().pages()
            assert len(next(pages)) == 1
            with pytest.raises(MalformedResponse, match=r"leads away|not a URL") as caught:
                next(pages)
            assert "s3cr3t" not in texts(caught.value)
        assert other.received == []

    def test_a_download_carries_no_key(
        self, server: ScriptedServer, other: ScriptedServer, client: SpeechClient
    ) -> None:
        """Not to another origin, and not even to the service's own."""
        for place in (server, other):
            place.answers(Reply(body=b"content"))
            assert client.download(f"{place.endpoint}/file?{SAS}") == b"content"
            assert place.received[-1].path == f"/file?{SAS}"
            assert KEY not in str(place.received[-1].headers)
            assert "Authorization" not in place.received[-1].headers

    def test_a_given_session_adds_nothing(self, server: ScriptedServer, time: Time) -> None:
        """Headers, cookies and authentication of the caller's session stay at home, and it stays open."""
        session = requests.Session()
        session.headers["X-Other"] = session.cookies["other"] = "other"
        session.auth = ("user", "password")
        server.answers(Reply(body=b"content", headers={"Set-Cookie": "a=b"}), Reply(body={"status": "Healthy"}))
        with connect(server.endpoint, time, session=session) as client:
            client.download(f"{server.endpoint}/file")
            client.health.get()
        for request in server.received:
            assert not {"X-Other", "Cookie", "Authorization"} & set(request.headers)
        session.close()

    def test_tokens_are_kept_and_renewed(self, server: ScriptedServer, time: Time) -> None:
        """A token is asked for once, for the service's scope, and again five minutes before it ends."""
        asked: list[tuple[str, ...]] = []

        @dataclass
        class Token:
            token: str
            expires_on: int

        class Credential:
            def get_token(self, *scopes: str) -> Token:
                asked.append(scopes)
                return Token(f"t{len(asked)}", int(time.now) + 3600)

        server.answers(*[Reply(body={"status": "Healthy"})] * 3)
        with connect(server.endpoint, time, credential=Credential()) as client:
            for pause in (3299, 1, 0):
                client.health.get()
                time.sleep(pause)
        assert asked == [("https://cognitiveservices.azure.com/.default",)] * 2
        assert [one.headers["Authorization"] for one in server.received] == ["Bearer t1", "Bearer t1", "Bearer t2"]

    def test_a_credential_that_fails(self, server: ScriptedServer, time: Time) -> None:
        """Whatever the credential raises becomes this client's error; nothing is sent."""

        class Broken:
            def get_token(self, *scopes: str) -> NoReturn:
                raise RuntimeError(f"no identity at http://169.254.169.254/?{SAS} for {scopes}")

        with connect(server.endpoint, time, credential=Broken()) as client, pytest.raises(CredentialError) as caught:
            client.health.get()
        assert "RuntimeError" in str(caught.value)
        assert "s3cr3t" not in texts(caught.value)
        assert server.received == []

    @pytest.mark.parametrize("key", ["", " ", "key\n", "k y", "schlüssel", "\x00"])
    def test_a_key_that_cannot_be_one(self, key: str) -> None:
        """It is refused at once, without being shown."""
        with pytest.raises(ValueError, match="printable ASCII") as caught:
            KeyCredential(key)
        assert repr(key) not in str(caught.value)
        assert KEY not in repr(KeyCredential(KEY))

    @pytest.mark.parametrize(
        "endpoint",
        [
            "",
            "name.cognitiveservices.azure.com",
            "ftp://host",
            "http://name.cognitiveservices.azure.com",
            "https://host/speechtotext/v3.1",
            "https://host?key=s3cr3t",
            "https://user:s3cr3t@host",
        ],
    )
    def test_an_endpoint_that_cannot_be_one(self, endpoint: str) -> None:
        """Refused at construction; plain http is for this machine only."""
        with pytest.raises(ValueError, match=r"endpoint|http") as caught:
            SpeechClient(endpoint, KeyCredential(KEY))
        assert "s3cr3t" not in str(caught.value)

    def test_nothing_of_it_is_shown(
        self, server: ScriptedServer, client: SpeechClient, time: Time, caplog: pytest.LogCaptureFixture
    ) -> None:
        """Errors of every kind, and what is logged, are free of key and SAS, even when they are echoed."""
        caplog.set_level(logging.DEBUG)
        echo = {
            "code": "x",
            "message": f"headers: {KEY}; body: https://host/a.wav?{SAS}",
            "innerError": {"message": KEY},
        }
        wrong_signature = Reply(403, {"message": f"{SAS} is wrong: s3cr3tSignature="})
        url = f"{server.endpoint}/file?{SAS}"
        calls: list[tuple[list[Reply], Callable[[], object]]] = [
            ([Reply(401, echo)], client.health.get),
            ([Reply(400, echo)], lambda: client.transcriptions.create(NEW)),
            ([wrong_signature], lambda: client.download(url)),
            ([CUT] * 5, lambda: client.download(url)),
            ([Reply(body=b"x" * 9, cut_after=1)] * 5, lambda: client.download(url)),
            ([Reply(body=b"x" * 9)], lambda: client.download(url, max_bytes=8)),
            ([], lambda: connect(server.endpoint, time).download(f"http://127.0.0.1:{refused_port()}/f?{SAS}")),
            ([], lambda: client.download(f"https://[/?{SAS}")),
            ([], lambda: client.download(f"file:///etc/passwd?{SAS}")),
            ([Reply(body={**transcription(), "status": {"x": SAS}})], lambda: client.transcriptions.get(ID)),
        ]
        for replies, call in calls:
            server.answers(*replies)
            with pytest.raises(SpeechError) as caught:
                call()
            assert KEY not in texts(caught.value)
            assert "s3cr3t" not in texts(caught.value)
        assert "s3cr3t" not in repr(NEW)
        assert "GET /file?" in caplog.text
        assert "s3cr3t" not in caplog.text
        assert KEY not in caplog.text

    def test_a_wrong_key_is_told(self, server: ScriptedServer, client: SpeechClient) -> None:
        """401 is Unauthorized and is not repeated."""
        server.answers(Reply(401, {"error": {"code": "401", "message": "Access denied"}}))
        with pytest.raises(Unauthorized, match="Access denied"):
            client.transcriptions.get(ID)


class TestDownloads:
    """Files come whole, or with a clear error."""

    def test_a_truncated_download_is_repeated_from_the_start(
        self, server: ScriptedServer, client: SpeechClient
    ) -> None:
        """What an attempt cut short had written is taken back; what stood in the file before stays."""
        whole = bytes(range(256)) * 4096
        server.answers(Reply(body=whole, cut_after=700_000), Reply(body=whole))
        target = io.BytesIO(b"before")
        target.seek(6)
        assert client.download_to(f"{server.endpoint}/file", target) == len(whole)
        assert target.getvalue() == b"before" + whole

    def test_a_download_that_stays_truncated(self, server: ScriptedServer, client: SpeechClient) -> None:
        """After the last attempt the error says that the connection was cut."""
        server.answers(*[Reply(body=b"content", cut_after=3)] * 5)
        with pytest.raises(SpeechConnectionError, match="IncompleteRead"):
            client.download(f"{server.endpoint}/file")

    def test_gzip(self, server: ScriptedServer, client: SpeechClient) -> None:
        """A compressed answer is unpacked, and its limit is that of the unpacked content."""
        content = b"a" * 5_000_000
        packed = Reply(body=gzip.compress(content), headers={"Content-Encoding": "gzip"})
        server.answers(packed, packed)
        assert client.download(f"{server.endpoint}/file") == content
        target = io.BytesIO()
        with pytest.raises(DownloadTooLarge, match="1,000,000 bytes"):
            client.download_to(f"{server.endpoint}/file", target, max_bytes=1_000_000)
        assert len(target.getvalue()) <= 1_000_000

    def test_json(self, server: ScriptedServer, client: SpeechClient) -> None:
        """A result is parsed; what is no JSON is told without its content."""
        server.answers(Reply(body={"source": "a"}), Reply(body=b'{"source": "s3cr3t'))
        assert client.download_json(f"{server.endpoint}/file") == {"source": "a"}
        with pytest.raises(MalformedResponse, match="no JSON") as caught:
            client.download_json(f"{server.endpoint}/file")
        assert "s3cr3t" not in texts(caught.value)

    def test_a_file_knows_its_url(self, server: ScriptedServer, client: SpeechClient) -> None:
        """A File is downloaded from its content URL; one without it is refused."""
        server.answers(Reply(body=b"content"))
        self_url = f"http://host/speechtotext/v3.1/transcriptions/{ID}/files/{ID}"
        file = File.model_validate({"self": self_url, "links": {"contentUrl": f"{server.endpoint}/f?{SAS}"}})
        assert "s3cr3t" not in repr(file)
        assert client.download(file) == b"content"
        with pytest.raises(ValueError, match="content URL"):
            client.download(File(self_url=self_url))


class TestListsAndWaiting:
    """Pages and polling."""

    def test_pages_are_followed_when_asked_for(self, server: ScriptedServer, client: SpeechClient) -> None:
        """One request a page, the next link as it is, nothing before the first entry is wanted, each time anew."""
        base = f"{server.endpoint}/speechtotext/v3.1/transcriptions"
        first = Reply(body={"values": [transcription()] * 2, "@nextLink": f"{base}?skip=2&top=2"})
        last = Reply(body={"values": [transcription()], "@nextLink": None})
        found = client.transcriptions.list(top=2, filter="status eq 'Succeeded'")
        assert server.received == []
        server.answers(first, last, first)
        assert len(list(found)) == 3
        assert next(iter(found)).id == ID
        assert [one.path.partition("?")[2] for one in server.received] == [
            "top=2&filter=status%20eq%20%27Succeeded%27",
            "skip=2&top=2",
            "top=2&filter=status%20eq%20%27Succeeded%27",
        ]

    def test_a_next_link_in_a_circle(self, server: ScriptedServer, client: SpeechClient) -> None:
        """A service that links back does not keep the client for ever."""
        url = f"{server.endpoint}/speechtotext/v3.1/webhooks"
        server.answers(Reply(body={"values": [], "@nextLink": url}))
        with pytest.raises(MalformedResponse, match="already"):
            list(client.webhooks.list())

    @pytest.mark.parametrize(
        "body", [[], {"values": 1}, {"values": [1]}, {"values": [{}]}, {"@nextLink": 1}, b"<html>", b"{"]
    )
    def test_malformed_lists(self, server: ScriptedServer, client: SpeechClient, body: object) -> None:
        """A page of another shape is this client's error."""
        server.answers(Reply(body=body))
        with pytest.raises(MalformedResponse):
            list(client.transcriptions.list())

    def test_wait(self, server: ScriptedServer, client: SpeechClient, time: Time) -> None:
        """Polling slows down, Retry-After lengthens a pause, progress is told, and Failed ends it as Succeeded does."""
        server.answers(
            Reply(body=transcription("NotStarted")),
            Reply(body=transcription("Running"), headers={"Retry-After": "10"}),
            Reply(body=transcription("Queued")),
            Reply(body=transcription("Failed")),
        )
        seen: list[str] = []
        done = client.transcriptions.wait(ID, timeout_seconds=600, on_progress=lambda one: seen.append(str(one.status)))
        assert done.status == "Failed"
        assert seen == ["NotStarted", "Running", "Queued", "Failed"]
        assert time.slept == [1, 10, 2.25]

    def test_wait_ends_at_the_deadline(self, server: ScriptedServer, client: SpeechClient, time: Time) -> None:
        """The last look is at the deadline, neither before nor long after it."""
        start = time.now
        server.answers(*[Reply(body=transcription("Running"))] * 5)
        with pytest.raises(WaitTimeout, match="8 s"):
            client.transcriptions.wait(ID, timeout_seconds=8)
        assert time.now - start == 8

    def test_an_operation_that_the_version_lacks(self, server: ScriptedServer, time: Time) -> None:
        """It is refused before any request."""
        with connect(server.endpoint, time, api_version="2025-10-15") as client, pytest.raises(UnsupportedOperation):
            client.health.get()
        assert server.received == []

    def test_ids_cannot_lead_elsewhere(self, server: ScriptedServer, client: SpeechClient) -> None:
        """An id stays one segment of the path."""
        server.answers(Reply(404, {"code": "NotFound", "message": "no"}))
        with pytest.raises(SpeechError):
            client.transcriptions.get("../webhooks/x?y#z")
        assert server.received[0].path == "/speechtotext/v3.1/transcriptions/..%2Fwebhooks%2Fx%3Fy%23z"
        for identifier in ("", ".", ".."):
            with pytest.raises(ValueError, match="not an id"):
                client.transcriptions.get(identifier)

    def test_many_threads_share_a_client(self, server: ScriptedServer, client: SpeechClient) -> None:
        """Sixteen threads at once get their own answers."""
        server.answers(*[Reply(body={"status": "Healthy"})] * 160)
        results: list[object] = []
        threads = [
            threading.Thread(target=lambda: results.extend(client.health.get().status for _ in range(10)))
            for _ in range(16)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert results == ["Healthy"] * 160
