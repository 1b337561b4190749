"""The receiver of web hooks: each test forges a valid request, then breaks one thing."""

import base64
import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.notifications import (
    EVENT_HEADER,
    MAX_BODY_BYTES,
    SIGNATURE_HEADER,
    TOKEN_PARAMETER,
    Challenge,
    Event,
    EventKind,
    NotificationError,
    receive,
    sign,
    verify,
)

SAMPLES = sorted((Path(__file__).parents[1] / "data" / "events").glob("*.json"))
SECRET = "the web hook's secret"
TOKEN = "8c1f9f5e-3f86-4a0c-8e2c-6a2f4c0e5b11"
ENTITY_ID = "ba7ea6f5-3065-40b7-b49a-a90f48584683"
BASE = "https://name.cognitiveservices.azure.com/speechtotext/v3.1"
SELF_URL = f"{BASE}/transcriptions/{ENTITY_ID}"
NOUNS = ("dataset", "model", "evaluation", "transcription", "endpoint")


@dataclass(frozen=True)
class Request:
    """A forged request, as the host hands it over."""

    headers: dict[str, str] = field(default_factory=dict)
    query: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    secrets: tuple[str | None, ...] = (SECRET,)

    def received(self) -> Challenge | Event:
        """What the receiver makes of it."""
        return receive(self.headers, self.query, self.body, self.secrets)

    def refused(self) -> NotificationError:
        """The refusal; one line."""
        with pytest.raises(NotificationError) as caught:
            self.received()
        assert "\n" not in str(caught.value)
        return caught.value


def event(
    kind: str = "TranscriptionCompletion", *, body: object = None, raw: bytes | None = None, secret: str = SECRET
) -> Request:
    """A valid event, signed, unless a part is given."""
    content = raw if raw is not None else json.dumps(body or {"self": SELF_URL, "invocationId": "one"}).encode()
    return Request({EVENT_HEADER: kind, SIGNATURE_HEADER: sign(content, secret)}, body=content)


def challenge(token: str = TOKEN) -> Request:
    """A valid challenge, signed over its token."""
    headers = {EVENT_HEADER: "Challenge", SIGNATURE_HEADER: sign(token.encode(), SECRET)}
    return Request(headers, {TOKEN_PARAMETER: token})


def entity_url(kind: EventKind) -> str:
    """A URL of an entity that `kind` can speak of."""
    noun = next((noun for noun in NOUNS if kind.startswith(noun)), "webhook")
    return f"{BASE}/{noun}s/{ENTITY_ID}"


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_sample_requests_signed_by_openssl_are_understood(path: Path) -> None:
    """Requests whose signatures another program made are received as what they are."""
    sample = json.loads(path.read_text())
    received = receive(sample["headers"], sample["query"], sample["body"].encode(), [sample["secret"]])
    assert {name: getattr(received, name) for name in sample["expected"]} == sample["expected"]


@pytest.mark.parametrize("spelling", [str.lower, str.upper, lambda kind: kind[0].upper() + kind[1:], str])
@pytest.mark.parametrize("kind", [kind for kind in EventKind if kind is not EventKind.CHALLENGE])
def test_every_kind_of_the_specification_is_known_in_any_case(kind: EventKind, spelling: Callable[[str], str]) -> None:
    """All kinds of WebHookEvents arrive as themselves, however they are spelled."""
    request = event(spelling(kind), body={"self": entity_url(kind), "invocationId": "one", "displayName": "x"})
    assert request.received() == Event(kind, entity_url(kind), ENTITY_ID, None if kind is EventKind.PING else "one")


def test_there_are_22_kinds() -> None:
    """The enumeration is as long as the specification's definition WebHookEvents."""
    assert len(EventKind) == 22


def test_the_challenge_gives_its_token_back() -> None:
    """A signed challenge with an empty body and other query parameters is answered with its token."""
    request = challenge("abc-123")
    assert replace(request, query=request.query | {"code": "key"}).received() == Challenge("abc-123")


def test_header_names_have_no_case() -> None:
    """Hosts hand headers over in lower case or as sent; both are found."""
    request = event()
    assert (
        replace(request, headers={name.lower(): value for name, value in request.headers.items()}).received()
        == request.received()
    )


def test_the_id_of_newer_versions_is_taken_from_the_path() -> None:
    """`self` of newer API versions carries a query, which is no part of the id."""
    url = f"https://name.cognitiveservices.azure.com/speechtotext/transcriptions/{ENTITY_ID}?api-version=2025-10-15"
    received = event(body={"self": url, "invocationId": "one"}).received()
    assert isinstance(received, Event)
    assert received.entity_id == ENTITY_ID


@pytest.mark.parametrize("request_", [event(), challenge()], ids=["event", "challenge"])
class TestUnsigned:
    """Whatever is wrong with the signature, the answer is 401, for events and challenges alike."""

    def test_no_secret_configured_refuses_everything(self, request_: Request) -> None:
        """Unset and empty secrets never match, not even a signature made with the empty secret."""
        empty = {SIGNATURE_HEADER: sign(request_.body or request_.query[TOKEN_PARAMETER].encode(), "")}
        for secrets in ((), (None,), ("",), ("", None)):
            assert replace(request_, secrets=secrets, headers=request_.headers | empty).refused().status == 401

    def test_missing_signature(self, request_: Request) -> None:
        """Without the header nothing is accepted."""
        assert replace(request_, headers={EVENT_HEADER: request_.headers[EVENT_HEADER]}).refused().status == 401

    @pytest.mark.parametrize(
        "signature",
        [
            "",
            "é",
            "=",
            "====",
            "not base64!",
            "AAAA",
            "\x00",
            "☃" * 44,
            base64.b64encode(b"x" * 32).decode(),
            "A" * 9999,
        ],
    )
    def test_malformed_or_wrong_signature(self, request_: Request, signature: str) -> None:
        """Non-ASCII, malformed Base64, wrong lengths and wrong values are all the same refusal."""
        assert replace(request_, headers=request_.headers | {SIGNATURE_HEADER: signature}).refused().status == 401

    def test_signature_of_something_else(self, request_: Request) -> None:
        """A signature made with the right secret over another payload does not match."""
        headers = request_.headers | {SIGNATURE_HEADER: sign(b"something else", SECRET)}
        assert replace(request_, headers=headers).refused().status == 401

    @pytest.mark.parametrize("junk", ["!", "\n", "-", "é"])
    def test_a_valid_signature_with_junk_in_it(self, request_: Request, junk: str) -> None:
        """Base64 is read strictly, so that one signature has one spelling."""
        valid = request_.headers[SIGNATURE_HEADER]
        headers = request_.headers | {SIGNATURE_HEADER: valid[:5] + junk + valid[5:]}
        assert replace(request_, headers=headers).refused().status == 401

    def test_two_signature_headers(self, request_: Request) -> None:
        """Two headers of the same name in different case are not chosen from."""
        headers = request_.headers | {SIGNATURE_HEADER.upper(): request_.headers[SIGNATURE_HEADER]}
        assert replace(request_, headers=headers).refused().status == 401

    def test_rotation(self, request_: Request) -> None:
        """The old and the new secret are both valid while both are configured, and one alone when it is."""
        assert replace(request_, secrets=("new", SECRET)).received() == request_.received()
        assert replace(request_, secrets=(SECRET, "new")).received() == request_.received()
        assert replace(request_, secrets=("new",)).refused().status == 401


def test_a_changed_byte_of_the_body_is_refused() -> None:
    """The signature covers the raw bytes: not even white space may change."""
    request = event()
    assert replace(request, body=request.body + b" ").refused().status == 401


def test_nothing_is_parsed_before_it_is_verified() -> None:
    """An unsigned body is refused for its signature, whatever is wrong with the rest."""
    assert Request({EVENT_HEADER: "unknown"}, body=b"\xff{").refused().status == 401


def test_a_body_cannot_be_replayed_as_a_challenge_nor_a_token_as_a_body() -> None:
    """The event header is not signed, so the forms of tokens and bodies must not overlap."""
    request = event()
    headers = request.headers | {EVENT_HEADER: "challenge"}
    as_challenge = replace(request, headers=headers, query={TOKEN_PARAMETER: request.body.decode()})
    assert as_challenge.refused().status == 400
    request = challenge()
    as_event = Request(request.headers | {EVENT_HEADER: "ping"}, body=request.query[TOKEN_PARAMETER].encode())
    assert as_event.refused().status == 400


@pytest.mark.parametrize("token", ["", "<script>", "a\nb", "é", "a" * 1025, "{}", '"', "\x00", "a\r\nX: y", "\ud800"])
def test_a_token_that_must_not_be_echoed(token: str) -> None:
    """Markup, control characters, non-ASCII and endless tokens are refused even when they are signed."""
    headers = {EVENT_HEADER: "challenge", SIGNATURE_HEADER: sign(token.encode("utf-8", "surrogatepass"), SECRET)}
    assert Request(headers, {TOKEN_PARAMETER: token}).refused().status == 400


@pytest.mark.parametrize(
    "kind", ["", "unknown", "transcription", "transcriptionCompletion2", "transcription-completion"]
)
def test_unknown_kinds(kind: str) -> None:
    """A signed event of a kind that the specification does not know is refused as malformed."""
    assert event(kind).refused().status == 400


def test_a_large_body() -> None:
    """The limit holds before anything is computed, and exactly."""
    at_limit = event(raw=event().body.ljust(MAX_BODY_BYTES))
    assert at_limit.received() == event().received()
    assert event(raw=at_limit.body + b" ").refused().status == 400


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"null",
        b"[]",
        b'"text"',
        b"{",
        b"\xff\xfe{\x00}\x00",
        b"\xef\xbb\xbf{}",
        b"[" * 60_000,
        b'{"self": ' + b"9" * 5000 + b"}",
        b"{}",
        b'{"self": 1, "invocationId": "one"}',
        json.dumps({"self": SELF_URL}).encode(),
        json.dumps({"self": SELF_URL, "invocationId": 1}).encode(),
        json.dumps({"self": SELF_URL, "invocationId": ""}).encode(),
        json.dumps({"self": SELF_URL, "invocationId": "a\nb"}).encode(),
        json.dumps({"self": SELF_URL, "invocationId": "a" * 129}).encode(),
    ],
)
def test_signed_bodies_of_a_wrong_shape(raw: bytes) -> None:
    """A signed body that is not the specified JSON is 400, and no other error."""
    assert event(raw=raw).refused().status == 400


@pytest.mark.parametrize(
    "url",
    [
        "",
        "/speechtotext/v3.1/transcriptions/" + ENTITY_ID,
        "ftp://host/transcriptions/" + ENTITY_ID,
        "http:///transcriptions/" + ENTITY_ID,
        "http://[::1/transcriptions/" + ENTITY_ID,
        f"{BASE}/transcriptions/",
        f"{BASE}/transcriptions/not-a-uuid",
        f"{BASE}/transcriptions/{ENTITY_ID}/",
        f"{BASE}/transcriptions/{ENTITY_ID}/files",
        f"{BASE}/datasets/{ENTITY_ID}",
        f"{BASE}/transcriptions/..%2F{ENTITY_ID}",
        f"{BASE}/transcriptions/{ENTITY_ID}\n",
        f"{BASE}/?x=/transcriptions/{ENTITY_ID}",
    ],
)
def test_a_self_that_is_no_url_of_such_an_entity(url: str) -> None:
    """The entity's id is a UUID at the end of a path under the collection that the event speaks of."""
    assert event(body={"self": url, "invocationId": "one"}).refused().status == 400


def test_errors_repeat_nothing_that_was_sent() -> None:
    """What an attacker sends, and the secret, stay out of the line that is answered and logged."""
    request = event("<script>")
    assert "script" not in str(request.refused())
    assert SECRET not in str(replace(request, headers={}).refused())


texts = st.text(st.characters(), max_size=40)  # surrogates included
names = st.sampled_from([EVENT_HEADER, SIGNATURE_HEADER, TOKEN_PARAMETER, EVENT_HEADER.lower()]) | texts
kinds = st.sampled_from(["challenge", "ping", "TranscriptionCompletion"]) | texts
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | texts | st.just(SELF_URL),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["self", "invocationId"]) | texts, inner)
    ),
    max_leaves=6,
)


@given(
    st.dictionaries(names, kinds), st.dictionaries(names, texts), st.binary(max_size=200), st.lists(texts, max_size=3)
)
def test_no_request_raises_anything_else(
    headers: dict[str, str], query: dict[str, str], body: bytes, secrets: list[str]
) -> None:
    """Any unsigned request, with any secrets, is refused with NotificationError."""
    with pytest.raises(NotificationError) as caught:
        receive(headers, query, body, secrets)
    assert caught.value.status in (400, 401)


@given(kinds, st.binary(max_size=100) | json_values.map(lambda value: json.dumps(value).encode()), texts)
def test_no_signed_request_raises_anything_else(kind: str, body: bytes, token: str) -> None:
    """Any signed request is an event, a challenge, or NotificationError 400."""
    payload = token.encode("utf-8", "surrogatepass") if kind.strip().lower() == "challenge" else body
    headers = {EVENT_HEADER: kind, SIGNATURE_HEADER: sign(payload, SECRET)}
    outcome: Challenge | Event | NotificationError
    try:
        outcome = receive(headers, {TOKEN_PARAMETER: token}, body, [SECRET])
    except NotificationError as error:
        outcome = error
    assert isinstance(outcome, Challenge | Event) or outcome.status == 400


@given(st.binary(max_size=100), st.text(st.characters(), min_size=1, max_size=30), st.integers(0, 255), st.data())
def test_a_signature_holds_for_its_payload_alone(payload: bytes, secret: str, flip: int, data: st.DataObject) -> None:
    """What was signed verifies; with one bit of the signature changed it does not."""
    signature = sign(payload, secret)
    verify(payload, signature, [secret])
    changed = bytearray(base64.b64decode(signature))
    changed[flip % 32] ^= 1 << data.draw(st.integers(0, 7))
    with pytest.raises(NotificationError):
        verify(payload, base64.b64encode(changed).decode(), [secret])
