"""Tokens for a key: asked for once, renewed in time, by one thread, and never shown."""

import threading
from collections.abc import Iterator

import pytest

from shared.speech import CredentialError, SpeechClient, StsTokenCredential
from shared.speech.credentials import authorization
from tests.unit.test_speech_transport import CUT, KEY, Reply, ScriptedServer, Time, connect, texts

HEALTHY = Reply(body={"status": "Healthy"})


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    """A server whose script is used up at the end."""
    running = ScriptedServer()
    yield running
    running.close()
    assert not running.script


@pytest.fixture
def time() -> Time:
    """The time of client and credential."""
    return Time()


def credential(server: ScriptedServer, time: Time, **options: str | None) -> StsTokenCredential:
    """A credential of the scripted server."""
    instant = {"sleep": time.sleep, "clock": time.read, "monotonic": time.read, "uniform": lambda: 0.0}
    return StsTokenCredential(server.endpoint, KEY, **instant, **options)  # type: ignore[arg-type] # as named


def client(server: ScriptedServer, time: Time) -> SpeechClient:
    """A client with tokens."""
    return connect(server.endpoint, time, credential=credential(server, time))


def token(text: str) -> Reply:
    """An answer with a token."""
    return Reply(body=text.encode())


def test_a_token_is_used_until_five_minutes_before_its_end(server: ScriptedServer, time: Time) -> None:
    """The key goes to the token service alone; everything else carries the token, and a new one comes in time."""
    server.answers(token("a.b.c"), HEALTHY, HEALTHY, token("d.e.f"), HEALTHY)
    with client(server, time) as speech:
        speech.health.get()
        time.now += 299
        speech.health.get()
        time.now += 1
        speech.health.get()
    issue = "POST /sts/v1.0/issueToken?scope=speechservicesmanagement"
    health = "GET /speechtotext/v3.1/healthstatus"
    assert [f"{one.method} {one.path}" for one in server.received] == [issue, health, health, issue, health]
    assert [one.headers.get("Authorization") for one in server.received] == [
        None,
        "Bearer a.b.c",
        "Bearer a.b.c",
        None,
        "Bearer d.e.f",
    ]
    assert ["Ocp-Apim-Subscription-Key" in one.headers for one in server.received] == [True, False, False, True, False]


def test_one_thread_asks(server: ScriptedServer, time: Time) -> None:
    """Sixteen threads that need a token at once get one and the same."""
    server.answers(token("a.b.c"))
    headers = authorization(credential(server, time), time.read).headers
    seen: list[dict[str, str]] = []
    threads = [threading.Thread(target=lambda: seen.append(headers())) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == [{"Authorization": "Bearer a.b.c"}] * 16
    assert len(server.received) == 1


def test_failures_of_the_token_service_pass(server: ScriptedServer, time: Time) -> None:
    """503 and a cut connection are tried again: a token too many does no harm."""
    server.answers(Reply(503), CUT, token("a.b.c"), HEALTHY)
    with client(server, time) as speech:
        assert speech.health.get().status == "Healthy"
    assert time.slept == [0.5, 1.0]


@pytest.mark.parametrize("reply", [Reply(401, {"message": KEY}), Reply(body=b"<html>"), Reply(body=b""), Reply(302)])
def test_no_token(server: ScriptedServer, time: Time, reply: Reply) -> None:
    """A wrong key, a page of a proxy, nothing, or a redirect: CredentialError without the key, and nothing is sent."""
    server.answers(reply)
    with client(server, time) as speech, pytest.raises(CredentialError) as caught:
        speech.health.get()
    assert KEY not in texts(caught.value)
    assert not caught.value.may_have_taken_effect
    assert len(server.received) == 1


def test_addresses_and_scopes(server: ScriptedServer, time: Time) -> None:
    """A region has its own address, a token for short audio no scope; the token shows in no text."""
    server.answers(token("a.b.c"))
    issued = credential(server, time, scope=None).get_token("ignored")
    assert server.received[0].path == "/sts/v1.0/issueToken"
    assert issued.expires_on == int(time.now) + 600
    assert "a.b.c" not in repr(issued)
    regional = StsTokenCredential("westeurope", KEY)
    assert regional.token_url.startswith("https://westeurope.api.cognitive.microsoft.com/sts/v1.0/issueToken?")
    with pytest.raises(ValueError, match="https"):
        StsTokenCredential("http://name.example", KEY)
    with pytest.raises(ValueError, match="Speech key") as caught:
        StsTokenCredential("westeurope", "a key")
    assert "a key" not in str(caught.value).replace("a Speech key", "")
