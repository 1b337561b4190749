"""The HTTP side: every operation of the specification routed to one method of a handler, or answered 501 by name."""

import hmac
import logging
import re
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import cast
from uuid import UUID

import orjson
from aiohttp import web

from emulator.clock import Clock
from emulator.errors import ApiError, ErrorCode, invalid_argument, invalid_request, not_found, where
from emulator.faults import AnyRequestFault, Cut, Delay, Faults, ServerError, Throttle
from emulator.journal import Journal, RequestSeen
from emulator.links import API_VERSIONS, BASE_PATH, PATH_VERSION, ROOT_PATH, ApiVersion, Links
from emulator.operations import OPERATIONS, Operation
from emulator.payloads.common import Payload, read_payload
from emulator.quotas import RequestQuota
from emulator.tokens import ForeignTokenError, InvalidTokenError, Scope, Tokens

LOG = logging.getLogger(__name__)
KEY_HEADER = "Ocp-Apim-Subscription-Key"
BODY_LIMIT = 16 * 1024 * 1024
"""Bytes of a request's body: room for 1,000 URLs with their SAS."""
INTEGERS = range(-(2**31), 2**31)
"""What a parameter of type int32 can be."""
MANAGEMENT_SCOPE: Scope = "speechservicesmanagement"
"""What a token needs for the operations of the specification (its `securityDefinitions`)."""
GET_CONTENT = "Files_GetContent"
"""Name of reading a result file's content, which in the real service is no operation but a read of blob storage."""


@dataclass(frozen=True, slots=True)
class Call:
    """A request for an operation, past authentication."""

    request: web.Request
    subscription: str
    strict: bool
    links: Links
    """URLs of the API version that the request speaks."""

    @property
    def id(self) -> str:
        """The path's entity id; ApiError where it is no UUID."""
        return self._uuid("id")

    @property
    def file_id(self) -> str:
        """The path's file id; ApiError where it is no UUID."""
        return self._uuid("fileId")

    def integer(self, name: str) -> int | None:
        """A query parameter of type int32; ApiError where it is none."""
        text = self.request.query.get(name)
        if text is None:
            return None
        number = int(text) if re.fullmatch(r"-?\d{1,10}", text) else INTEGERS.stop
        if number not in INTEGERS:
            raise invalid_argument("InvalidParameterValue", f"The parameter {name} must be an integer.", target=name)
        return number

    async def json(self, *content_types: str) -> object:
        """The JSON body; ApiError where there is none or its content type is not one that the operation consumes."""
        accepted = ("application/json", *content_types)
        if self.strict and self.request.content_type not in accepted:
            raise ApiError(415, "UnsupportedMediaType", f"The content type must be {' or '.join(accepted)}.")
        raw = await self.request.read()
        if not raw.strip():
            raise invalid_request("EmptyRequest", "The request has no body.")
        try:
            body: object = orjson.loads(raw)
        except orjson.JSONDecodeError:
            raise invalid_request("InvalidRequestBodyFormat", "The body is not valid JSON.") from None
        return body

    async def payload[P: Payload](self, model: type[P]) -> P:
        """The body of a create operation."""
        return read_payload(model, await self.json(), strict=self.strict)

    async def patch[P: Payload](self, model: type[P], entity: type[Payload]) -> P:
        """The body of an update operation: fields of the entity that cannot be changed are UnsupportedDelta."""
        body = await self.json("application/merge-patch+json")
        names = {field.alias for field in model.model_fields.values()}
        known = {field.alias for field in entity.model_fields.values()} | entity.read_only
        fixed = [name for name in body if name in known - names] if isinstance(body, dict) else []
        if fixed and self.strict:
            raise invalid_request("UnsupportedDelta", f"{fixed[0]} cannot be changed.", target=fixed[0])
        return read_payload(model, body, strict=self.strict)

    def _uuid(self, name: str) -> str:
        try:
            return str(UUID(self.request.match_info[name]))
        except ValueError:
            raise invalid_argument("InvalidParameterValue", f"The path's {name} must be a UUID.", target=name) from None


Handler = Callable[[Call], Awaitable[web.Response]]


def answer(body: object = None, *, status: int = 200, headers: Mapping[str, str | None] | None = None) -> web.Response:
    """A JSON answer; headers that are None are left out."""
    kept = {name: value for name, value in (headers or {}).items() if value is not None}
    if body is None:
        return web.Response(status=status, headers=kept)
    return web.Response(body=orjson.dumps(body), status=status, headers=kept, content_type="application/json")


def error_answer(error: ApiError) -> web.Response:
    """The answer that an error stands for."""
    return answer(error.body(), status=error.status, headers=error.headers)


def subscription_of(key: str) -> str:
    """What stands for a key in the state, so that the key itself is not kept."""
    return sha256(key.encode()).hexdigest()[:16]


class Gate:
    """What every request of the service passes: journal, faults, authentication, and errors to answers."""

    def __init__(
        self,
        *,
        keys: Sequence[str],
        tokens: Tokens,
        strict: bool,
        links: Links,
        clock: Clock,
        faults: Faults,
        journal: Journal,
        quota: RequestQuota,
    ) -> None:
        self._keys = keys
        self._tokens = tokens
        self._links = links
        self._strict = strict
        self._clock = clock
        self._faults = faults
        self._journal = journal
        self._quota = quota

    def operation(
        self, name: str, handler: Handler, *, scope: Scope | None = None
    ) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        """A route that asks for a key or a token, and for one with this scope where one is named."""
        return self._route(name, lambda request: handler(self._call(request, scope)))

    def content(
        self, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        """The route of result files' content, which asks for no key: its URL is signed."""
        return self._route(GET_CONTENT, handler)

    def _route(
        self, name: str, run: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        async def route(request: web.Request) -> web.StreamResponse:
            fault = self._faults.on_request(name)
            response = await self._disturbed(request, fault, run) if fault else await _answered(request, run)
            self._journal.requests.append(
                RequestSeen(
                    at=self._clock.now(),
                    operation=name,
                    method=request.method,
                    path=request.path,
                    status=response.status if response else None,
                    keyed=KEY_HEADER in request.headers,
                    fault=fault.kind if fault else None,
                )
            )
            return response or _cut(request)

        return route

    async def _disturbed(
        self, request: web.Request, fault: AnyRequestFault, run: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse | None:
        """The answer that the fault makes of it; None where the connection is to be cut."""
        response = await _answered(request, run) if fault.after_effect else None
        match fault:
            case Delay():
                await self._clock.sleep(fault.seconds)
                return response or await _answered(request, run)
            case Cut():
                return None
            case Throttle():
                headers = {} if fault.retry_after is None else {"Retry-After": str(fault.retry_after)}
                return error_answer(ApiError(429, "TooManyRequests", "Too many requests.", headers=headers))
            case ServerError():
                code: ErrorCode = "ServiceUnavailable" if fault.status == 503 else "InternalServerError"
                return error_answer(
                    ApiError(fault.status, code, "The service failed, as it was asked to.", inner="UnexpectedError")
                )

    def _call(self, request: web.Request, scope: Scope | None) -> Call:
        subscription = self._authenticate(request, scope)
        if scope == MANAGEMENT_SCOPE:
            self._quota.take(subscription)
        return Call(request, subscription, self._strict, self._links.of(_version(request)))

    def _authenticate(self, request: web.Request, scope: Scope | None) -> str:
        """The subscription that the request speaks for."""
        given = request.headers.get(KEY_HEADER)
        if given is not None:
            for key in self._keys:
                if hmac.compare_digest(key.encode(), given.encode("utf-8", "surrogateescape")):
                    return subscription_of(key)
            raise _unauthorized("The subscription key is not valid.")
        kind, _, token = request.headers.get("Authorization", "").partition(" ")
        if kind.lower() == "bearer":
            return self._bearer(token.strip(), scope)
        raise ApiError(403, "Forbidden", f"The header {KEY_HEADER} is missing.", inner="Forbidden")

    def _bearer(self, token: str, scope: Scope | None) -> str:
        """The subscription that a token speaks for; when loose, one of another issuer speaks for the first."""
        subscriptions = [subscription_of(key) for key in self._keys]
        try:
            subscription = self._tokens.subscription(token, scope)
        except ForeignTokenError as error:
            if not self._strict:
                return subscriptions[0]
            raise _unauthorized(str(error)) from None
        except InvalidTokenError as error:
            raise _unauthorized(str(error)) from None
        if subscription not in subscriptions:
            raise _unauthorized("The token's key is no longer one of this emulator's.")
        return subscription


def _unauthorized(message: str) -> ApiError:
    return ApiError(401, "Unauthorized", message, inner="InvalidSubscription")


async def _answered(
    request: web.Request, run: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    """The answer of an operation, whatever happens in it."""
    try:
        return await run(request)
    except ApiError as error:
        return error_answer(error)
    except web.HTTPRequestEntityTooLarge:
        return error_answer(ApiError(413, "InvalidRequest", "The body is too large.", inner="InvalidPayload"))
    except Exception as error:  # noqa: BLE001 - a defect here is the service's 500, and must not close the connection
        LOG.error("%s %s failed: %s", request.method, request.path, where(error))  # noqa: TRY400 - without its text
        message = f"The emulator failed: {type(error).__name__}."
        return error_answer(ApiError(500, "InternalServerError", message, inner="UnexpectedError"))


def _cut(request: web.Request) -> web.StreamResponse:
    if request.transport:
        request.transport.abort()
    return web.Response(status=500)


def add_operations(app: web.Application, gate: Gate, handlers: Mapping[str, object]) -> None:
    """Route every operation of every version: `Datasets_ListFiles` is the method `list_files` of handler `Datasets`.

    The versions named by their date share their paths.
    """
    for operation in OPERATIONS[PATH_VERSION]:
        _route(
            app,
            BASE_PATH,
            operation,
            gate.operation(operation.id, _handler(operation, handlers), scope=MANAGEMENT_SCOPE),
        )
    dated = API_VERSIONS[1:]
    for operation in dict.fromkeys(operation for version in dated for operation in OPERATIONS[version]):
        versions = {version for version in dated if operation in OPERATIONS[version]}
        handler = _only_in(versions, _handler(operation, handlers))
        _route(app, ROOT_PATH, operation, gate.operation(operation.id, handler, scope=MANAGEMENT_SCOPE))


def _route(
    app: web.Application,
    base: str,
    operation: Operation,
    handler: Callable[[web.Request], Awaitable[web.StreamResponse]],
) -> None:
    app.router.add_route(operation.method, base + re.sub(r"{(\w+)}", r"{\1:[^/:]+}", operation.path), handler)


def _handler(operation: Operation, handlers: Mapping[str, object]) -> Handler:
    noun, _, name = operation.id.partition("_")
    method = re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()
    found = handlers.get(operation.id) or getattr(handlers.get(noun), method, None)
    return cast("Handler | None", found) or _not_implemented(operation.id)


def _only_in(versions: Collection[ApiVersion], handler: Handler) -> Handler:
    async def handle(call: Call) -> web.Response:
        if call.links.version not in versions:
            raise not_found(f"API version {call.links.version} has no such operation.")
        return await handler(call)

    return handle


def _version(request: web.Request) -> ApiVersion:
    """The API version that a request speaks; raises ApiError where it names none that has this base path."""
    if not request.path.startswith(ROOT_PATH + "/") or request.path.startswith(BASE_PATH + "/"):
        return PATH_VERSION
    given = request.query.get("api-version")
    for version in API_VERSIONS[1:]:
        if given == version:
            return version
    message = f"The query parameter api-version must be one of {', '.join(API_VERSIONS[1:])}."
    raise invalid_argument("InvalidParameterValue", message, target="api-version")


def _not_implemented(operation_id: str) -> Handler:
    async def refuse(_: Call) -> web.Response:
        raise ApiError(501, "NotAllowed", f"The emulator does not implement the operation {operation_id}.")

    return refuse


@web.middleware
async def routing_errors(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    """Give unknown paths and methods the service's error body."""
    try:
        return await handler(request)
    except web.HTTPNotFound:
        return error_answer(not_found("There is nothing at this path."))
    except web.HTTPMethodNotAllowed as error:
        allowed = {"Allow": ", ".join(sorted(error.allowed_methods))}
        return error_answer(ApiError(405, "NotAllowed", "This path does not take this method.", headers=allowed))
