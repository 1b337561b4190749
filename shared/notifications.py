"""What the Speech service sends to the web hook: verified before it is parsed.

The signature covers the body alone (of a challenge: its token), neither the event header nor the URL, and has no
time. So an event says only where to look: what became of an entity is to be read from the service, and a notification
that comes twice must do no harm.
"""

import base64
import hmac
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import urlsplit

EVENT_HEADER = "X-MicrosoftSpeechServices-Event"
SIGNATURE_HEADER = "X-MicrosoftSpeechServices-Signature"
TOKEN_PARAMETER = "validationToken"  # noqa: S105 - the name of a query parameter, no secret
MAX_BODY_BYTES = 64 * 2**10
_TOKEN = re.compile(r"[A-Za-z0-9._~:/?#@!$()*+,;=%\[\]|^ -]{1,1024}")  # printable ASCII that no reader takes for markup
_INVOCATION_ID = re.compile(r"[\x21-\x7e]{1,128}")
_URL_CHARACTERS = re.compile(r"[\x21-\x7e]{1,2048}")
_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


class EventKind(StrEnum):
    """The 22 kinds of the specification's definition WebHookEvents; sent in any case, compared without it."""

    DATASET_CREATION = "datasetCreation"
    DATASET_PROCESSING = "datasetProcessing"
    DATASET_COMPLETION = "datasetCompletion"
    DATASET_DELETION = "datasetDeletion"
    MODEL_CREATION = "modelCreation"
    MODEL_PROCESSING = "modelProcessing"
    MODEL_COMPLETION = "modelCompletion"
    MODEL_DELETION = "modelDeletion"
    EVALUATION_CREATION = "evaluationCreation"
    EVALUATION_PROCESSING = "evaluationProcessing"
    EVALUATION_COMPLETION = "evaluationCompletion"
    EVALUATION_DELETION = "evaluationDeletion"
    TRANSCRIPTION_CREATION = "transcriptionCreation"
    TRANSCRIPTION_PROCESSING = "transcriptionProcessing"
    TRANSCRIPTION_COMPLETION = "transcriptionCompletion"
    TRANSCRIPTION_DELETION = "transcriptionDeletion"
    ENDPOINT_CREATION = "endpointCreation"
    ENDPOINT_PROCESSING = "endpointProcessing"
    ENDPOINT_COMPLETION = "endpointCompletion"
    ENDPOINT_DELETION = "endpointDeletion"
    PING = "ping"
    CHALLENGE = "challenge"


_KINDS = {kind.lower(): kind for kind in EventKind}
_COLLECTIONS = ("dataset", "model", "evaluation", "transcription", "endpoint")


class NotificationError(Exception):
    """A request that is not to be believed (`status` 401) or not to be understood (`status` 400); `str()` is one line.

    The line repeats nothing of what was sent.
    """

    def __init__(self, status: int, reason: str) -> None:
        self.status = status
        super().__init__(reason)


@dataclass(frozen=True, slots=True)
class Challenge:
    """The service asks whether the URL is ours: answer 200 with `token` as `text/plain`."""

    token: str


@dataclass(frozen=True, slots=True)
class Event:
    """Something happened to the entity `entity_id`.

    `self_url` is where the service says it is; its host is not verified and must not be contacted for that reason.
    `invocation_id` is the same when a notification comes again; a ping has none.
    """

    kind: EventKind
    self_url: str
    entity_id: str
    invocation_id: str | None

    @property
    def endpoint(self) -> str:
        """Scheme and host of `self_url`."""
        parts = urlsplit(self.self_url)
        return f"{parts.scheme}://{parts.netloc}"


def sign(payload: bytes, secret: str) -> str:
    """The signature header of `payload`: Base64 of its HMAC-SHA256 under `secret` in UTF-8."""
    return base64.b64encode(_digest(payload, secret)).decode("ascii")


def verify(payload: bytes, signature: str | None, secrets: Iterable[str | None]) -> None:
    """Return if `signature` was made of `payload` with one of `secrets`; NotificationError 401 otherwise.

    Several secrets are valid while one replaces another. Empty ones count as unset, and with none set nothing passes.
    """
    usable = [secret for secret in ((secrets,) if isinstance(secrets, str) else secrets) if secret]
    if not usable:
        raise NotificationError(401, "no web hook secret is configured, so nothing is accepted")
    if not signature:
        raise NotificationError(401, f"the header {SIGNATURE_HEADER} is missing")
    given = _decoded(signature)
    if given is None:
        raise NotificationError(401, f"the header {SIGNATURE_HEADER} is not Base64")
    # All secrets are compared, each in constant time, so that the time says nothing about which one came near.
    if not any([hmac.compare_digest(_digest(payload, secret), given) for secret in usable]):  # noqa: C419 - see above
        raise NotificationError(401, "the signature does not match")


def receive(
    headers: Mapping[str, str],
    query: Mapping[str, str],
    body: bytes,
    secrets: Iterable[str | None],
    *,
    max_bytes: int = MAX_BODY_BYTES,
) -> Challenge | Event:
    """What the service says with this request. NotificationError, and nothing else, if it cannot be accepted.

    Names of headers and of the query parameter are compared without case; values of `query` are already decoded.
    """
    if len(body) > max_bytes:
        raise NotificationError(400, f"the body is larger than {max_bytes} bytes")
    event = (_value(headers, EVENT_HEADER) or "").strip().lower()
    signature = _value(headers, SIGNATURE_HEADER)
    if event == EventKind.CHALLENGE:
        return _challenge(_value(query, TOKEN_PARAMETER) or "", signature, secrets)
    verify(body, signature, secrets)
    kind = _KINDS.get(event)
    if kind is None:
        raise NotificationError(400, f"the header {EVENT_HEADER} is missing or names no known event")
    return _event(kind, body)


def _challenge(token: str, signature: str | None, secrets: Iterable[str | None]) -> Challenge:
    verify(token.encode("utf-8", "surrogatepass"), signature, secrets)
    if not _TOKEN.fullmatch(token):
        raise NotificationError(400, f"the query parameter {TOKEN_PARAMETER} is missing or not of a form to send back")
    return Challenge(token)


def _event(kind: EventKind, body: bytes) -> Event:
    members = _json_object(body)
    self_url, invocation_id = members.get("self"), members.get("invocationId")
    if kind is EventKind.PING:
        invocation_id = None
    elif not isinstance(invocation_id, str) or not _INVOCATION_ID.fullmatch(invocation_id):
        raise NotificationError(400, "the body's invocationId is missing or malformed")
    if not isinstance(self_url, str):
        raise NotificationError(400, "the body's self is missing or no text")
    return Event(kind, self_url, _entity_id(kind, self_url), invocation_id)


def _json_object(body: bytes) -> Mapping[str, object]:
    try:
        members = json.loads(body.decode("utf-8"))
    except (ValueError, RecursionError):  # of ValueError: UnicodeDecodeError, JSONDecodeError, numbers without end
        members = None
    if not isinstance(members, dict):
        raise NotificationError(400, "the body is not a JSON object in UTF-8")
    return members


def _entity_id(kind: EventKind, self_url: str) -> str:
    """The UUID at the end of the path of `self`, which must lie under the collection that `kind` speaks of."""
    noun = next((noun for noun in _COLLECTIONS if kind.startswith(noun)), "webhook")
    collection, _, identifier = _url_path(self_url).rpartition("/")
    if not collection.removesuffix("/base").endswith(f"/{noun}s") or not _UUID.fullmatch(identifier):
        raise NotificationError(400, f"the body's self is not the URL of a {noun}")
    return identifier


def _url_path(url: str) -> str:
    """The path of an absolute HTTP URL; empty if it is none."""
    try:
        parts = urlsplit(url) if _URL_CHARACTERS.fullmatch(url) else urlsplit("")
    except ValueError:
        return ""
    return parts.path if parts.scheme in ("http", "https") and parts.netloc else ""


def _digest(payload: bytes, secret: str) -> bytes:
    return hmac.digest(secret.encode("utf-8", "surrogatepass"), payload, "sha256")


def _decoded(signature: str) -> bytes | None:
    try:
        return base64.b64decode(signature.strip(), validate=True)
    except ValueError:
        return None


def _value(mapping: Mapping[str, str], name: str) -> str | None:
    """The value under `name` in any case; None if there is none, or more than one."""
    values = [value for key, value in mapping.items() if key.lower() == name.lower()]
    return values[0] if len(values) == 1 else None
