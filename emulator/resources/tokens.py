"""The token service: `POST /sts/v1.0/issueToken`."""

from typing import cast

from aiohttp import web

from emulator.app import KEY_HEADER, Call, Gate
from emulator.errors import ApiError, invalid_argument
from emulator.tokens import SCOPES, Scope, Tokens

PATH = "/sts/v1.0/issueToken"
OPERATION = "Tokens_Issue"
"""The name in journal and faults; the service's own documentation has none."""


class TokenService:
    """Exchanges a key for a token."""

    def __init__(self, tokens: Tokens) -> None:
        self._tokens = tokens

    def add_to(self, app: web.Application, gate: Gate) -> None:
        """Route the operation."""
        app.router.add_post(PATH, gate.operation(OPERATION, self.issue))

    async def issue(self, call: Call) -> web.Response:
        """A token for the key's subscription, as plain text; a token is not given for a token. The body is not read."""
        if KEY_HEADER not in call.request.headers:
            raise ApiError(403, "Forbidden", f"The header {KEY_HEADER} is missing.", inner="Forbidden")
        scope = call.request.query.get("scope", SCOPES[0])
        if scope not in SCOPES:
            message = f"The scope must be one of {', '.join(SCOPES)}."
            raise invalid_argument("InvalidParameterValue", message, target="scope")
        return web.Response(text=self._tokens.issue(call.subscription, cast("Scope", scope)))
