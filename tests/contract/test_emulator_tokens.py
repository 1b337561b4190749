"""Tokens for a key: issued, used, refused; with the project's own credential, and by hand."""

import base64
import json
from collections.abc import Iterator

import jwt
import pytest
import requests

from emulator import Clock, SpeechEmulator
from shared.speech import KeyCredential, SpeechClient, StsTokenCredential
from shared.speech.audio_clip import streaming_wav_header
from shared.speech.errors import CredentialError
from shared.speech.recognition import RECOGNITION_PATH, SpeechRecognizer
from tests.contract.specification import KEY_HEADER
from tests.contract.surroundings import OTHER_KEY, START

STS = "/sts/v1.0/issueToken"
SECONDS = 20


def issue(emulator: SpeechEmulator, *, query: str = "", **headers: str) -> requests.Response:
    """A request for a token, made by hand."""
    return requests.post(f"{emulator.endpoint}{STS}{query}", headers=headers, timeout=SECONDS)


def token_of(emulator: SpeechEmulator, key: str = "", query: str = "?scope=speechservicesmanagement") -> str:
    """A token for a key."""
    return issue(emulator, query=query, **{KEY_HEADER: key or emulator.key}).text


def listing(emulator: SpeechEmulator, authorization: str) -> requests.Response:
    """Transcriptions_List with a token."""
    return requests.get(
        f"{emulator.base_url}/transcriptions", headers={"Authorization": authorization}, timeout=SECONDS
    )


@pytest.fixture
def loose() -> Iterator[SpeechEmulator]:
    """An emulator that forgives, with two subscriptions."""
    with SpeechEmulator(clock=Clock(at=START), other_keys=(OTHER_KEY,), strict=False) as running:
        yield running


def test_the_client_works_with_tokens(emulator: SpeechEmulator) -> None:
    """The client exchanges its key for a token, is served with that, and asks for the next one in time."""
    now = [START.timestamp()]
    credential = StsTokenCredential(emulator.endpoint, emulator.key, clock=lambda: now[0])
    with SpeechClient(emulator.endpoint, credential, clock=lambda: now[0]) as client:
        assert list(client.transcriptions.list()) == []
        assert list(client.transcriptions.list()) == []
        emulator.advance(301)
        now[0] += 301
        assert list(client.transcriptions.list()) == []
    assert [(seen.operation, seen.keyed, seen.status) for seen in emulator.requests] == [
        ("Tokens_Issue", True, 200),
        ("Transcriptions_List", False, 200),
        ("Transcriptions_List", False, 200),
        ("Tokens_Issue", True, 200),
        ("Transcriptions_List", False, 200),
    ]


def test_a_token_is_good_for_ten_minutes(emulator: SpeechEmulator) -> None:
    """To the second, by the emulator's clock."""
    token = token_of(emulator)
    claims = jwt.decode(token, options={"verify_signature": False})
    assert claims["exp"] == START.timestamp() + 600
    assert claims["iss"] == "urn:ms.cognitiveservices"
    emulator.advance(599)
    assert listing(emulator, f"Bearer {token}").status_code == 200
    emulator.advance(1)
    expired = listing(emulator, f"Bearer {token}")
    assert (expired.status_code, expired.json()["message"]) == (401, "The token has expired.")


def test_a_token_speaks_for_the_subscription_of_its_key(emulator: SpeechEmulator) -> None:
    """What one subscription has made is not seen with the other's token."""
    credentials = [StsTokenCredential(emulator.endpoint, key) for key in (emulator.key, OTHER_KEY)]
    body = {"displayName": "mine", "locale": "en-US", "contentUrls": ["http://127.0.0.1:9/none.wav"]}
    headers = {"Authorization": f"Bearer {credentials[0].get_token().token}"}
    url = f"{emulator.base_url}/transcriptions"
    assert requests.post(url, json=body, headers=headers, timeout=SECONDS).status_code == 201
    listed = [listing(emulator, f"Bearer {one.get_token().token}").json()["values"] for one in credentials]
    assert [len(values) for values in listed] == [1, 0]


def forged(token: str) -> dict[str, str]:
    """Tokens that nobody may believe, each made of a good one."""
    header, claims, signature = token.split(".")
    plain = json.loads(base64.urlsafe_b64decode(claims + "=="))
    unsigned = base64.urlsafe_b64encode(b'{"alg":"none","typ":"JWT"}').decode().rstrip("=")
    longer = base64.urlsafe_b64encode(json.dumps(plain | {"exp": plain["exp"] + 1}).encode()).decode().rstrip("=")
    return {
        "signed with another key": jwt.encode(plain, "k" * 32, "HS256"),
        "unsigned": f"{unsigned}.{claims}.",
        "prolonged": f"{header}.{longer}.{signature}",
        "cut": token[:-4],
        "of Microsoft Entra": jwt.encode({"aud": "https://cognitiveservices.azure.com"}, "k" * 32, "HS256"),
        "of Microsoft Entra, for a resource": f"aad#/subscriptions/s/resourceGroups/g#{token}",
        "none at all": "",
        "not ASCII": "tökén".encode().decode("latin-1"),
    }


def test_forged_tokens_are_refused(emulator: SpeechEmulator) -> None:
    """With 401, none of it shown; so is one of another emulator."""
    tokens = forged(token_of(emulator))
    with SpeechEmulator(clock=Clock(at=START)) as another:
        tokens["of another emulator"] = token_of(another)
    for what, token in tokens.items():
        answer = listing(emulator, f"Bearer {token}")
        assert answer.status_code == 401, what
        assert answer.json()["innerError"]["code"] == "InvalidSubscription"
        assert not token or token not in answer.text
    credential = StsTokenCredential(emulator.endpoint, "wrong")
    with SpeechClient(emulator.endpoint, credential) as client, pytest.raises(CredentialError, match="401"):
        client.health.get()


def test_loose_takes_the_tokens_of_others_unsigned(loose: SpeechEmulator) -> None:
    """They speak for the first subscription; the emulator's own count as ever."""
    own = token_of(loose, OTHER_KEY)
    body = {"displayName": "mine", "locale": "en-US", "contentUrls": ["http://127.0.0.1:9/none.wav"]}
    first = {KEY_HEADER: loose.key}
    assert requests.post(f"{loose.base_url}/transcriptions", json=body, headers=first, timeout=SECONDS).ok
    for what, token in forged(own).items():
        assert len(listing(loose, f"Bearer {token}").json()["values"]) == 1, what
    assert listing(loose, f"Bearer {own}").json()["values"] == []
    loose.advance(600)
    assert listing(loose, f"Bearer {own}").status_code == 401


def test_short_audio_takes_a_token_of_either_scope(emulator: SpeechEmulator) -> None:
    """The operations of the specification need the scope of management."""
    audio = streaming_wav_header() + bytes(32_000)
    for scope in (None, "speechservicesmanagement"):
        credential = StsTokenCredential(emulator.endpoint, emulator.key, scope=scope, clock=START.timestamp)
        with SpeechRecognizer(emulator.endpoint, credential, clock=START.timestamp) as recognizer:
            assert recognizer.recognize(audio, language="en-US").succeeded
    token = token_of(emulator, query="")
    refused = listing(emulator, f"Bearer {token}")
    assert refused.status_code == 401
    assert "?scope=speechservicesmanagement" in refused.json()["message"]
    assert listing(emulator, f"bearer  {token_of(emulator)}").status_code == 200
    url = f"{emulator.endpoint}{RECOGNITION_PATH}?language=en-US"
    headers = {"Content-Type": "audio/wav", "Authorization": f"Bearer {token}"}
    emulator.advance(600)
    assert requests.post(url, data=audio, headers=headers, timeout=SECONDS).status_code == 401


def test_only_a_key_gets_a_token(emulator: SpeechEmulator) -> None:
    """Plain text for a key; 401 for a wrong one, 403 for none or for a token in its place, 400 for an unknown scope."""
    given = issue(emulator, **{KEY_HEADER: emulator.key})
    assert (given.status_code, given.headers["Content-Type"]) == (200, "text/plain; charset=utf-8")
    assert KeyCredential(emulator.key).key not in jwt.decode(given.text, options={"verify_signature": False}).values()
    assert issue(emulator, **{KEY_HEADER: "wrong"}).status_code == 401
    assert issue(emulator).status_code == 403
    assert issue(emulator, Authorization=f"Bearer {given.text}").status_code == 403
    assert issue(emulator, query="?scope=everything", **{KEY_HEADER: emulator.key}).status_code == 400
