"""Tokens that the service gives out for a key, in the shape of the real token service's; pure apart from the clock."""

import hashlib
import hmac
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Literal, get_args

import jwt

from emulator.clock import Clock

Scope = Literal["speechservices", "speechservicesmanagement"]
SCOPES: Sequence[Scope] = get_args(Scope)
LIFETIME = timedelta(minutes=10)

_ALGORITHM = "HS256"
_ISSUER = "urn:ms.cognitiveservices"
_REGION = "emulator"
_AUDIENCE = f"urn:ms.speechservices.{_REGION}"


class InvalidTokenError(Exception):
    """A token that is good for nothing here; the text says why, and nothing of the token."""


class ForeignTokenError(InvalidTokenError):
    """A token that this emulator did not sign: another's, a forged one, one of Microsoft Entra, or no token at all."""


class Tokens:
    """Issues and reads tokens, JSON Web Tokens that live ten minutes; they outlive a restart as `secret` does."""

    def __init__(self, *, secret: bytes, clock: Clock) -> None:
        self._key = hmac.digest(secret, b"tokens", hashlib.sha256)  # the secret signs URLs too
        self._clock = clock

    def issue(self, subscription: str, scope: Scope) -> str:
        """A token for a subscription. Its fields have the names that decoded tokens of the service show."""
        claims = {
            "region": _REGION,
            "subscription-id": subscription,
            "product-id": "SpeechServices.S0",
            "scope": scope,
            "aud": _AUDIENCE,
            "exp": int((self._clock.now() + LIFETIME).timestamp()),
            "iss": _ISSUER,
        }
        return jwt.encode(claims, self._key, _ALGORITHM)

    def subscription(self, token: str, scope: Scope | None = None) -> str:
        """The subscription that a token speaks for; InvalidTokenError if it has expired or lacks the scope needed."""
        try:
            claims = jwt.decode(
                token,
                self._key,
                [_ALGORITHM],
                audience=_AUDIENCE,
                issuer=_ISSUER,
                options={"verify_exp": False, "require": ["exp", "scope", "subscription-id"]},  # exp: by our clock
            )
        except jwt.InvalidTokenError:
            raise ForeignTokenError("The token was not issued by this emulator.") from None
        if datetime.fromtimestamp(claims["exp"], self._clock.now().tzinfo) <= self._clock.now():
            raise InvalidTokenError("The token has expired.")
        if scope and claims["scope"] != scope:
            raise InvalidTokenError(f"The token has not the scope {scope}: ask for it with ?scope={scope}.")
        return str(claims["subscription-id"])
