"""What proves to the service who is asking: a key, or Microsoft Entra tokens."""

import string
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

from shared.speech.errors import CredentialError, redact

KEY_HEADER = "Ocp-Apim-Subscription-Key"
TOKEN_SCOPE = "https://cognitiveservices.azure.com/.default"  # noqa: S105 - the name of a scope, no secret
RENEW_BEFORE_EXPIRY_SECONDS = 300
_KEY_CHARACTERS = frozenset(string.ascii_letters + string.digits + string.punctuation)


@dataclass(frozen=True, slots=True)
class KeyCredential:
    """A key of the Speech resource. ValueError if it cannot be one, without showing it."""

    key: str = field(repr=False)

    def __post_init__(self) -> None:
        if not self.key or not _KEY_CHARACTERS.issuperset(self.key):
            raise ValueError(
                "a Speech key is printable ASCII without spaces; this one is empty or has other characters"
            )

    def headers(self) -> dict[str, str]:
        """What authorizes one request."""
        return {KEY_HEADER: self.key}


class AccessToken(Protocol):
    """What azure-core's credentials give: the token, and when it expires in seconds since 1970."""

    @property
    def token(self) -> str: ...  # noqa: D102 - described by the class
    @property
    def expires_on(self) -> int: ...  # noqa: D102 - described by the class


@runtime_checkable
class TokenCredential(Protocol):
    """azure-core's protocol of the same name, so that this package needs azure-core only when the caller uses it."""

    def get_token(self, *scopes: str) -> AccessToken:
        """A token for `scopes`."""
        ...


class TokenAuthorization:
    """Bearer tokens of a TokenCredential, kept until five minutes before their end; safe to share between threads."""

    def __init__(self, credential: TokenCredential, clock: Callable[[], float]) -> None:
        self._credential = credential
        self._clock = clock
        self._token: AccessToken | None = None
        self._lock = threading.Lock()

    def headers(self) -> dict[str, str]:
        """What authorizes one request. CredentialError if no token is to be had."""
        with self._lock:
            if self._token is None or self._token.expires_on - RENEW_BEFORE_EXPIRY_SECONDS <= self._clock():
                self._token = self._fetch()
            return {"Authorization": f"Bearer {self._token.token}"}

    def _fetch(self) -> AccessToken:
        try:
            return self._credential.get_token(TOKEN_SCOPE)
        except Exception as error:  # noqa: BLE001 - credentials of many makers raise what they like
            reason = f"{type(error).__name__}: {redact(str(error))[:500]}"
        raise CredentialError(f"no token for {TOKEN_SCOPE}: {reason}")


type Authorization = KeyCredential | TokenAuthorization


def authorization(credential: KeyCredential | TokenCredential, clock: Callable[[], float]) -> Authorization:
    """How requests are authorized with this credential."""
    return credential if isinstance(credential, KeyCredential) else TokenAuthorization(credential, clock)
