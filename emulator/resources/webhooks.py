"""The noun WebHooks."""

from collections.abc import Mapping
from ipaddress import ip_address
from urllib.parse import urlsplit

from aiohttp import web

from emulator.app import Call, answer
from emulator.errors import ApiError, invalid_request
from emulator.filters import Value
from emulator.payloads.webhooks import WebHookCreate, WebHookUpdate
from emulator.records import WebHook
from emulator.resources.entities import FILTERS, Entities, Filters
from emulator.results import Json, iso_timestamp

RETRY_AFTER = {"Retry-After": "1"}

FILTER: Filters = {**{name: kind for name, kind in FILTERS.items() if name != "locale"}, "webUrl": str}


class WebHooks(Entities[WebHook]):
    """Operations WebHooks_*; a web hook is no job, and its status says whether its URL has answered the challenge."""

    kind = WebHook
    noun = "webhooks"
    title = "web hook"
    filters = FILTER
    create_payload = WebHookCreate
    update_payload = WebHookUpdate

    async def create(self, call: Call) -> web.Response:
        """Operation WebHooks_Create; the challenge follows the answer."""
        payload = await call.payload(WebHookCreate)
        _check_url(payload.web_url, strict=call.strict)
        hook = WebHook.model_validate(
            self.common_fields(call, payload)
            | {
                "web_url": payload.web_url,
                "events": payload.events,
                "secret": payload.properties.secret if payload.properties else None,
            }
        )
        self._store.put(hook)
        self._parts.notifications.challenge(hook)
        location = call.links.url(self.noun, hook.id)
        return answer(self.show(call, hook), status=201, headers={"Location": location})

    async def update(self, call: Call) -> web.Response:
        """Operation WebHooks_Update: a secret left out is dropped; a URL given is challenged if new, or if Failed."""
        payload = await call.patch(WebHookUpdate, WebHookCreate)
        hook = self.found(call)
        if payload.web_url:
            _check_url(payload.web_url, strict=call.strict)
        challenged = payload.web_url is not None and (payload.web_url != hook.web_url or hook.status == "Failed")
        self.patch(call, hook, payload)
        _apply(payload, hook)
        if challenged:
            hook.status, hook.error, hook.last_action = "NotStarted", None, self._clock.now()
        self._store.put(hook)
        if challenged:
            self._parts.notifications.challenge(hook)
        return self.one(call, hook)

    def check_deletable(self, entity: WebHook) -> None:
        """A web hook may go at any time."""

    def remove(self, entity: WebHook) -> None:
        """Delete a web hook, of which nobody is told."""
        self._store.delete(entity, iso_timestamp(self._clock.now()))

    async def ping(self, call: Call) -> web.Response:
        """Operation WebHooks_Ping."""
        hook = self._usable(call)
        self._parts.notifications.ping(hook, self.show(call, hook))
        return answer(status=202, headers=RETRY_AFTER)

    async def test(self, call: Call) -> web.Response:
        """Operation WebHooks_Test: 204 where nothing has happened yet that the web hook is for."""
        return (
            answer(status=202, headers=RETRY_AFTER)
            if self._parts.notifications.test(self._usable(call))
            else answer(status=204)
        )

    def _usable(self, call: Call) -> WebHook:
        """A web hook that may be sent notifications: it has answered its challenge, and is not Failed."""
        hook = self.found(call)
        if hook.status != "Succeeded":
            message = f"The web hook is {hook.status}; its URL must answer the challenge first."
            raise ApiError(409, "Conflict", message, inner="InvalidPrerequisite")
        return hook

    def retry_after(self, entity: WebHook) -> str | None:
        """While the URL has not answered the challenge."""
        return None if entity.finished else "1"

    def show(self, call: Call, entity: WebHook) -> Json:
        """A web hook as definition WebHook has it; the secret is never shown."""
        properties: Json = {"apiVersion": entity.api_version}
        if entity.error:
            properties["error"] = entity.error.model_dump()
        return super().show(call, entity) | {
            "webUrl": entity.web_url,
            "links": {verb: call.links.url(self.noun, f"{entity.id}:{verb}") for verb in ("ping", "test")},
            "properties": properties,
            "events": entity.events,
        }

    def values(self, entity: WebHook) -> Mapping[str, Value]:
        """What a filter may ask for, by name."""
        return {**super().values(entity), "webUrl": entity.web_url}


def _apply(payload: WebHookUpdate, hook: WebHook) -> None:
    """What a web hook's merge patch has of its own; the secret is dropped unless it is given again."""
    given = payload.model_fields_set
    required = {"web_url": "webUrl", "events": "events"}
    for name in required.keys() & given:
        if getattr(payload, name) is None:
            raise invalid_request("InvalidPayload", f"{required[name]} cannot be removed.", target=required[name])
    hook.web_url = payload.web_url or hook.web_url
    hook.events = {**hook.events, **(payload.events or {})}
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
