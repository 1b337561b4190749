"""The HTTP side: functions' routes and keys, Event Grid's webhook, and the admin endpoints."""

import asyncio
import hmac
import json
import logging
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from email.utils import formatdate
from importlib.metadata import version
from typing import Any

from aiohttp import web
from azure.core.exceptions import AzureError

from .blobs import BlobWorkQueue, Handshake, blob_trigger, locate, read_events
from .errors import StartupError
from .functions import Function
from .invocation import Invoker, Trigger
from .protos import RpcHttp, TypedData
from .queues import queue_trigger
from .routes import Route, compile_route
from .settings import Keys
from .storage import Storage
from .timers import ScheduleStatus, read_schedule, timer_trigger

BODY_LIMIT = 104_857_600
"""Bytes of a request's body, as in Azure."""

logger = logging.getLogger("devhost.http")


class HttpFront:
    """Answers every request to the host."""

    def __init__(
        self,
        functions: Iterable[Function],
        *,
        invoker: Invoker,
        storage: Storage,
        work: BlobWorkQueue,
        keys: Keys,
        route_prefix: str,
        host_id: str,
    ) -> None:
        self._functions = {function.name: function for function in functions}
        self._routes = compile_routes(self._functions.values(), route_prefix)
        self._invoker = invoker
        self._storage = storage
        self._work = work
        self._keys = keys
        self._host_id = host_id
        self._began = time.monotonic()
        self.running: set[asyncio.Task[Any]] = set()
        """Functions that the admin endpoint started."""

    def application(self) -> web.Application:
        """The aiohttp application."""
        app = web.Application(client_max_size=BODY_LIMIT)
        app.router.add_get("/admin/host/status", self._guarded(self._status))
        app.router.add_get("/admin/functions", self._guarded(self._list))
        app.router.add_post("/admin/functions/{name}", self._guarded(self._run_by_hand))
        app.router.add_post("/runtime/webhooks/blobs", self._guarded(self._blob_events, self._keys.blobs_extension))
        app.router.add_route("*", "/{path:.*}", self._call)
        return app

    async def _call(self, request: web.Request) -> web.StreamResponse:
        """An HTTP function's answer; 404 where no route or method matches, 401 without its key."""
        path = request.rel_url.raw_path.removeprefix("/")
        found = self._find(request.method, path)
        if found is None:
            return web.Response(status=404)
        function, parameters = found
        if not self._may_call(request, str(function.trigger.properties.get("authLevel", "FUNCTION"))):
            return web.Response(status=401)
        if (request.content_length or 0) > BODY_LIMIT:
            return web.Response(status=413)
        trigger = await http_trigger(request, parameters)
        outcome = await self._invoker.invoke(function, trigger)
        if outcome.error:
            text = f"The function {function.name} failed; the log has more for invocation {outcome.invocation_id}.\n"
            return web.Response(status=500, text=text, headers={"x-ms-invocation-id": outcome.invocation_id})
        return http_response(outcome.returned)

    def _find(self, method: str, path: str) -> tuple[Function, Mapping[str, str]] | None:
        for route, methods, function in self._routes:
            parameters = route.match(path) if not methods or method in methods else None
            if parameters is not None:
                return function, parameters
        return None

    def _may_call(self, request: web.Request, level: str) -> bool:
        if level == "ANONYMOUS":
            return True
        accepted = [self._keys.master] if level == "ADMIN" else [self._keys.master, self._keys.function]
        return has_key(request, accepted)

    def _guarded(
        self, handler: Callable[[web.Request], Awaitable[web.Response]], *keys: str
    ) -> Callable[[web.Request], Awaitable[web.Response]]:
        async def guarded(request: web.Request) -> web.Response:
            if not has_key(request, [self._keys.master, *keys]):
                return web.Response(status=401)
            return await handler(request)

        return guarded

    async def _status(self, _: web.Request) -> web.Response:
        return web.json_response(
            {
                "id": self._host_id,
                "state": "Running",
                "version": "4.0.0-devhost",
                "versionDetails": f"azure-functions-runtime {version('azure-functions-runtime')}",
                "processUptime": round((time.monotonic() - self._began) * 1000),
            }
        )

    async def _list(self, request: web.Request) -> web.Response:
        return web.json_response(
            [
                {
                    "name": function.name,
                    "language": "python",
                    "isDisabled": function.disabled,
                    "href": f"{request.url.origin()}/admin/functions/{function.name}",
                    "config": {"bindings": [dict(binding.properties) for binding in function.bindings]},
                }
                for function in self._functions.values()
            ]
        )

    async def _run_by_hand(self, request: web.Request) -> web.Response:
        """Start a function with `{"input": ...}`: a queue message, a blob's path, or nothing for a timer; 202."""
        function = self._functions.get(request.match_info["name"])
        if function is None:
            return web.Response(status=404)
        if function.trigger.type == "httpTrigger":
            return web.Response(status=400, text="An HTTP function is called by its URL.\n")
        try:
            body = await request.text()
            given = json.loads(body).get("input") if body else None
        except (ValueError, AttributeError):
            return web.Response(status=400, text='The body must be JSON: {"input": ...}.\n')
        task = asyncio.create_task(self._run(function, given if isinstance(given, str) else json.dumps(given or "")))
        self.running.add(task)
        task.add_done_callback(self.running.discard)
        return web.Response(status=202)

    async def _run(self, function: Function, given: str) -> None:
        reason = "This function was programmatically called via the host APIs."
        if function.trigger.type == "queueTrigger":
            trigger = queue_trigger(function, given.encode(), None, reason)
        elif function.trigger.type == "blobTrigger":
            try:
                trigger = await blob_trigger(self._storage, function, given)
            except AzureError as error:
                logger.warning("%s can't be run for the blob %r: %s", function.name, given, error)
                return
        else:
            now = ScheduleStatus.now(read_schedule(function))
            trigger = timer_trigger(now, past_due=False, monitored=True, reason=reason)
        await self._invoker.invoke(function, trigger)

    async def _blob_events(self, request: web.Request) -> web.Response:
        """Event Grid's post: the handshake is answered, each BlobCreated becomes work for the function; 202."""
        name = request.query.get("functionName", "").removeprefix("Host.Functions.")
        function = self._functions.get(name)
        if function is None or function.disabled or function.trigger.type != "blobTrigger":
            return web.Response(status=404, text=f"There is no blob function {name!r}.\n")
        try:
            events = read_events(await request.json())
        except ValueError as error:
            return web.Response(status=400, text=f"No Event Grid post: {error}.\n")
        endpoint = self._storage.blob_service(function.trigger.connection).url.partition("?")[0]
        for event in events:
            if isinstance(event, Handshake):
                return web.json_response({"validationResponse": event.validation_code})
            work = locate(event, function, endpoint)
            if work is None:
                logger.info("An event is not for %s: its blob does not match.", function.name)
            else:
                await self._work.add(work)
        return web.Response(status=202)


def compile_routes(functions: Iterable[Function], prefix: str) -> list[tuple[Route, frozenset[str], Function]]:
    """The routes of the enabled HTTP functions with their methods (none: all), best match first."""
    routes: list[tuple[Route, frozenset[str], Function]] = []
    for function in functions:
        if function.trigger.type == "httpTrigger" and not function.disabled:
            template = function.trigger.properties.get("route", function.name)
            methods = frozenset(method.upper() for method in function.trigger.properties.get("methods") or ())
            try:
                routes.append((compile_route(f"{prefix}/{template.lstrip('/')}"), methods, function))
            except ValueError as error:
                raise StartupError(f"function {function.name}: {error}.") from None
    return sorted(routes, key=lambda entry: entry[0].rank)


def has_key(request: web.Request, accepted: Iterable[str]) -> bool:
    """Whether the request carries one of the keys, in `x-functions-key` or else in `code`."""
    given = request.headers.get("x-functions-key") or request.query.get("code") or ""
    return any(hmac.compare_digest(given.encode(), key.encode()) for key in accepted)


async def http_trigger(request: web.Request, parameters: Mapping[str, str]) -> Trigger:
    """The request as the real host passes it on.

    Header names in lower case; query values that are empty are left out and repeated ones are joined with commas; a
    body is read only where Content-Length says that there is one, so a chunked one arrives empty.
    """
    headers = {name.lower(): ",".join(request.headers.getall(name)) for name in request.headers}
    query = {name: ",".join(request.query.getall(name)) for name in request.query}
    query = {name: value for name, value in query.items() if value}
    body = await request.read() if request.content_length else b""
    message = RpcHttp(
        method=request.method,
        url=str(request.url),
        headers=headers,
        params=parameters,
        query=query,
        body=TypedData(bytes=body) if body else TypedData(),
    )
    expressions = {
        **{f"headers.{name}": value for name, value in headers.items()},
        **{f"query.{name}": value for name, value in query.items()},
        **parameters,
    }
    metadata = {name: TypedData(string=value) for name, value in parameters.items()}
    reason = "This function was programmatically called via the host APIs."
    return Trigger(TypedData(http=message), reason, metadata, expressions)


def http_response(returned: TypedData | None) -> web.Response:
    """What the function returned as a response: its HttpResponse, or text with 200."""
    if returned is None or returned.value is None:
        return web.Response(status=204)
    if returned.WhichOneof("data") != "http":
        return web.Response(text=str(returned.value))
    message = returned.value
    managed = {"content-length", "transfer-encoding", "connection"}
    headers = {name: value for name, value in message.headers.items() if name.lower() not in managed}
    response = web.Response(status=int(message.status_code), body=message.body.value, headers=headers)
    for cookie in message.cookies or ():
        response.set_cookie(cookie.name, cookie.value, **cookie_attributes(cookie))
    return response


def cookie_attributes(cookie: Any) -> dict[str, Any]:  # noqa: ANN401 - a stand-in message
    """The attributes of a cookie that are set, by aiohttp's names."""
    boxes = {"domain": cookie.domain, "path": cookie.path, "secure": cookie.secure, "httponly": cookie.http_only}
    found = {name: box.value for name, box in boxes.items() if box is not None and box.value}
    if cookie.max_age is not None:
        found["max_age"] = int(cookie.max_age.value)
    if cookie.expires is not None:
        found["expires"] = formatdate(cookie.expires.value.seconds, usegmt=True)
    if cookie.same_site is not None:
        found["samesite"] = cookie.same_site
    return found
