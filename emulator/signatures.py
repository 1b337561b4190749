"""The signatures of the service: of web hook payloads, expiring URLs of files, and authorizations to copy a model."""

import base64
import hashlib
import hmac
from datetime import UTC, datetime

import orjson


def payload_signature(secret: str, payload: bytes) -> str:
    """`X-MicrosoftSpeechServices-Signature`: Base64 of the HMAC-SHA256 of the payload (operation WebHooks_Create)."""
    return base64.b64encode(hmac.digest(secret.encode(), payload, hashlib.sha256)).decode()


def signed_query(key: bytes, file_id: str, expires: datetime) -> str:
    """The query that grants reading a result file until `expires`."""
    stamp = str(int(expires.timestamp()))
    return f"se={stamp}&sp=r&sig={_grant(key, file_id, stamp)}"


def grants(key: bytes, file_id: str, stamp: str, signature: str, now: datetime) -> bool:
    """Whether the query's `se` and `sig` grant reading this file now."""
    genuine = hmac.compare_digest(_grant(key, file_id, stamp).encode(), signature.encode())
    return genuine and datetime.fromtimestamp(int(stamp), UTC) > now


def copy_authorization(key: bytes, target: str, source: str, expires: str) -> str:
    """The id of an authorization to copy a model from one resource to another: only the service can make it."""
    return hmac.digest(key, orjson.dumps([target, source, expires]), hashlib.sha256).hex()


def _grant(key: bytes, file_id: str, stamp: str) -> str:
    return hmac.digest(key, f"{file_id}\n{stamp}".encode(), hashlib.sha256).hex()
