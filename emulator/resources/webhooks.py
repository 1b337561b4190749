"""The noun WebHooks."""

from collections.abc import Mapping
from datetime import datetime
from ipaddress import ip_address
from urllib.parse import urlsplit
from uuid import uuid4

from aiohttp import web

from emulator.app import Call, answer
from emulator.clock import Clock
from emulator.errors import ApiError, invalid_request, not_found
from emulator.filters import Value
from emulator.links import Links
from emulator.notifications import Notifications
from emulator.paging import page, select
from emulator.payloads import WebHookCreate, WebHookUpdate, merged_custom_properties
from emulator.records import WebHook
from emulator.results import Json, iso_timestamp
from emulator.store import Store

NOUN = "webhooks"
RETRY_AFTER = {"Retry-After": "1"}

FILTER: Mapping[str, type[str | datetime]] = {
    "displayName": str,
    "description": str,
    "createdDateTime": datetime,
    "lastActionDateTime": datetime,
    "status": str,
    "webUrl": str,
}


class WebHooks:
    """Operations WebHooks_*."""

    def __init__(self, *, store: Store, links: Links, clock: Clock, notifications: Notifications) -> None:
        self._store = store
        self._links = links
        self._clock = clock
        self._notifications = notifications

    async def list(self, call: Call) -> web.Response:
        """Operation WebHooks_List, in order of creation."""
        every = self._store.all(WebHook, call.subscription)
        shown, body = page(call, self._links, select(call, every, FILTER, _values), self._shown)
        return answer(body, headers=RETRY_AFTER if any(not hook.finished for hook in shown) else None)

    async def create(self, call: Call) -> web.Response:
        """Operation WebHooks_Create; the challenge follows the answer."""
        payload = await call.payload(WebHookCreate)
        _check_url(payload.web_url, strict=call.strict)
        now = self._clock.now()
        hook = WebHook(
            id=str(uuid4()),
            subscription=call.subscription,
            display_name=payload.display_name,
            description=payload.description,
            custom_properties=payload.custom_properties,
            created=now,
            last_action=now,
            web_url=payload.web_url,
            events=payload.events,
            secret=payload.properties.secret if payload.properties else None,
        )
        self._store.put(hook)
        self._notifications.challenge(hook)
        return answer(self._shown(hook), status=201, headers={"Location": self._links.entity(NOUN, hook.id)})

    async def get(self, call: Call) -> web.Response:
        """Operation WebHooks_Get."""
        return self._one(self._found(call))

    async def update(self, call: Call) -> web.Response:
        """Operation WebHooks_Update: a secret left out is dropped; a URL given is challenged if new, or if Failed."""
        payload = await call.patch(WebHookUpdate, WebHookCreate)
        hook = self._found(call)
        if payload.web_url:
            _check_url(payload.web_url, strict=call.strict)
        challenged = payload.web_url is not None and (payload.web_url != hook.web_url or hook.status == "Failed")
        _apply(payload, hook)
        if challenged:
            hook.status, hook.error, hook.last_action = "NotStarted", None, self._clock.now()
        self._store.put(hook)
        if challenged:
            self._notifications.challenge(hook)
        return self._one(hook)

    async def delete(self, call: Call) -> web.Response:
        """Operation WebHooks_Delete: 204 also for one that is not there."""
        hook = self._store.get(WebHook, call.id)
        if hook and hook.subscription == call.subscription:
            self._store.delete(hook, iso_timestamp(self._clock.now()))
        return answer(status=204)

    async def ping(self, call: Call) -> web.Response:
        """Operation WebHooks_Ping."""
        hook = self._usable(call)
        self._notifications.ping(hook, self._shown(hook))
        return answer(status=202, headers=RETRY_AFTER)

    async def test(self, call: Call) -> web.Response:
        """Operation WebHooks_Test: 204 where nothing has happened yet that the web hook is for."""
        return (
            answer(status=202, headers=RETRY_AFTER)
            if self._notifications.test(self._usable(call))
            else answer(status=204)
        )

    def _found(self, call: Call) -> WebHook:
        hook = self._store.get(WebHook, call.id)
        if not hook or hook.subscription != call.subscription:
            raise not_found("There is no web hook with this id.")
        return hook

    def _usable(self, call: Call) -> WebHook:
        """A web hook that may be sent notifications: it has answered its challenge, and is not Failed."""
        hook = self._found(call)
        if hook.status != "Succeeded":
            message = f"The web hook is {hook.status}; its URL must answer the challenge first."
            raise ApiError(409, "Conflict", message, inner="InvalidPrerequisite")
        return hook

    def _one(self, hook: WebHook) -> web.Response:
        return answer(self._shown(hook), headers=None if hook.finished else RETRY_AFTER)

    def _shown(self, hook: WebHook) -> Json:
        """A web hook as definition WebHook has it; the secret is never shown."""
        here = self._links.entity(NOUN, hook.id)
        properties: Json = {"apiVersion": hook.api_version}
        if hook.error:
            properties["error"] = hook.error.model_dump()
        body: Json = {
            "self": here,
            "webUrl": hook.web_url,
            "links": {"ping": f"{here}:ping", "test": f"{here}:test"},
            "properties": properties,
            "events": hook.events,
            "displayName": hook.display_name,
            "createdDateTime": iso_timestamp(hook.created),
            "lastActionDateTime": iso_timestamp(hook.last_action),
            "status": hook.status,
        }
        if hook.description is not None:
            body["description"] = hook.description
        if hook.custom_properties is not None:
            body["customProperties"] = hook.custom_properties
        return body


def _apply(payload: WebHookUpdate, hook: WebHook) -> None:
    """A merge patch (RFC 7396), but for the secret, which is dropped unless it is given again."""
    given = payload.model_fields_set
    required = {"display_name": "displayName", "web_url": "webUrl", "events": "events"}
    for name in required.keys() & given:
        if getattr(payload, name) is None:
            raise invalid_request("InvalidPayload", f"{required[name]} cannot be removed.", target=required[name])
    hook.display_name = payload.display_name or hook.display_name
    hook.web_url = payload.web_url or hook.web_url
    hook.events = {**hook.events, **(payload.events or {})}
    if "description" in given:
        hook.description = payload.description
    if "custom_properties" in given:
        hook.custom_properties = merged_custom_properties(hook.custom_properties, payload.custom_properties)
    hook.secret = payload.properties.secret if payload.properties else None


def _check_url(url: str, *, strict: bool) -> None:
    """The service wants https; loopback may have http, and any host where the emulator is loose."""
    parts = urlsplit(url)
    if strict and parts.scheme != "https" and not _loopback(parts.hostname or ""):
        raise invalid_request("InvalidCallbackUri", "webUrl must be https, or http on loopback.", target="webUrl")


def _loopback(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def _values(hook: WebHook) -> Mapping[str, Value]:
    return {
        "displayName": hook.display_name,
        "description": hook.description,
        "createdDateTime": hook.created.replace(microsecond=0),
        "lastActionDateTime": hook.last_action.replace(microsecond=0),
        "status": hook.status,
        "webUrl": hook.web_url,
    }
