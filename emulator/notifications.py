"""Web hooks at work: challenges, events, pings, and their retries (operations WebHooks_Create, _Ping and _Test)."""

import asyncio
from collections.abc import Callable, Mapping
from uuid import uuid4
from weakref import WeakValueDictionary

import orjson
from aiohttp import ClientError, ClientSession, ClientTimeout
from yarl import URL

from emulator.background import Background
from emulator.clock import Clock
from emulator.faults import Faults
from emulator.journal import Delivery, Journal
from emulator.links import Links
from emulator.records import Entity, EntityError, WebHook
from emulator.signatures import payload_signature
from emulator.store import Store

EVENT_HEADER = "X-MicrosoftSpeechServices-Event"
SIGNATURE_HEADER = "X-MicrosoftSpeechServices-Signature"
TRIES = 5
SECONDS_BETWEEN_TRIES = 1.0
UNDELIVERED_LIMIT = 3
"""After so many notifications in a row that were not taken, the web hook is Failed."""
TIME_LIMITS = ClientTimeout(total=10)
ANSWER_LIMIT = 4096
"""Bytes of a receiver's answer that are looked at."""


class Notifications:
    """Sends what web hooks are owed. Undisturbed, a web hook's notifications go out one by one, in order."""

    def __init__(
        self,
        *,
        store: Store,
        links: Links,
        clock: Clock,
        background: Background,
        faults: Faults,
        journal: Journal,
        session: ClientSession,
    ) -> None:
        self._store = store
        self._links = links
        self._clock = clock
        self._background = background
        self._faults = faults
        self._journal = journal
        self._session = session
        self._order: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    def publish(self, entity: Entity, noun: str, stage: str) -> None:
        """Tell the web hooks of the entity's subscription and API version that it reached a stage."""
        kind = f"{noun.removesuffix('s')}{stage}"
        self._store.put_event(entity.subscription, kind, noun, entity.id)
        for hook in self._store.all(WebHook, entity.subscription):
            if hook.status == "Succeeded" and hook.events.get(kind) and hook.api_version == entity.api_version:
                self._notify(hook, kind, self._links.of(entity.api_version).url(noun, entity.id))

    def challenge(self, hook: WebHook) -> None:
        """Ask the web hook's URL to prove that it wants notifications."""
        self._background.start(self._challenge(hook.id, hook.web_url), f"challenge of web hook {hook.id}")

    def ping(self, hook: WebHook, shown: Mapping[str, object]) -> None:
        """Send a ping; its body is the web hook as the API shows it."""
        delivery = self._record(hook, "ping")
        self._background.start(self._deliver(delivery, orjson.dumps(shown), 0), f"ping of web hook {hook.id}")

    def test(self, hook: WebHook) -> bool:
        """Send, for each event kind of the web hook, the last notification again; False where there was none."""
        kinds = [kind for kind, wanted in hook.events.items() if wanted]
        last = [(kind, event) for kind in kinds if (event := self._store.last_event(hook.subscription, kind))]
        for kind, (noun, entity_id) in last:
            self._notify(hook, kind, self._links.of(hook.api_version).url(noun, entity_id))
        return bool(last)

    def _notify(self, hook: WebHook, kind: str, entity: str) -> None:
        invocation = str(uuid4())
        body = orjson.dumps({"self": entity, "invocationId": invocation})
        delays = self._faults.on_delivery(kind)
        for delay in delays:
            delivery = self._record(hook, kind, invocation=invocation, entity=entity)
            self._background.start(self._deliver(delivery, body, delay), f"{kind} for web hook {hook.id}")
        if not delays:
            self._record(hook, kind, invocation=invocation, entity=entity).lost = True

    def _record(
        self, hook: WebHook, kind: str, *, invocation: str | None = None, entity: str | None = None
    ) -> Delivery:
        url = hook.web_url.partition("?")[0]
        delivery = Delivery(self._clock.now(), hook.id, kind, url, invocation_id=invocation, entity=entity)
        self._journal.deliveries.append(delivery)
        return delivery

    async def _deliver(self, delivery: Delivery, body: bytes, delay: float) -> None:
        if delay:
            await self._clock.sleep(delay)
        for attempt in range(TRIES):
            if attempt:
                await self._clock.sleep(SECONDS_BETWEEN_TRIES)
            async with self._order.setdefault(delivery.hook, asyncio.Lock()):
                hook = self._store.get(WebHook, delivery.hook)
                if not hook or hook.status != "Succeeded":
                    return
                outcome, _ = await self._post(hook, hook.web_url, delivery.event, body, signed=body)
            delivery.tries.append(outcome)
            if isinstance(outcome, int) and 200 <= outcome < 300:
                delivery.delivered = True
                break
        self._change(delivery.hook, lambda hook: _after_delivery(hook, delivered=delivery.delivered))

    async def _challenge(self, hook_id: str, url: str) -> None:
        hook = self._store.get(WebHook, hook_id)
        if not hook:
            return
        token = str(uuid4())
        delivery = self._record(hook, "challenge")
        asked = f"{url}{'&' if '?' in url else '?'}validationToken={token}"
        for attempt in range(TRIES):
            if attempt:
                await self._clock.sleep(SECONDS_BETWEEN_TRIES)
            hook = self._store.get(WebHook, hook_id)
            if not hook or hook.web_url != url:
                return
            outcome, answer = await self._post(hook, asked, "challenge", b"", signed=token.encode())
            delivery.tries.append(outcome)
            if outcome == 200 and answer.strip() == token.encode():
                delivery.delivered = True
                break
        self._change(hook_id, lambda hook: _after_challenge(hook, url, accepted=delivery.delivered))

    async def _post(self, hook: WebHook, url: str, kind: str, body: bytes, *, signed: bytes) -> tuple[int | str, bytes]:
        """One try: the answer's status, or what kept it from one, and the beginning of the answer."""
        headers = {EVENT_HEADER: kind[0].upper() + kind[1:], "Content-Type": "application/json"}
        if hook.secret:
            headers[SIGNATURE_HEADER] = payload_signature(hook.secret, signed)
        try:
            async with self._session.post(
                URL(url, encoded=True), data=body, headers=headers, timeout=TIME_LIMITS, allow_redirects=False
            ) as response:
                return response.status, await response.content.read(ANSWER_LIMIT)
        except TimeoutError:
            return "time-out", b""
        except (ClientError, OSError, ValueError) as error:
            return type(error).__name__, b""

    def _change(self, hook_id: str, change: Callable[[WebHook], bool]) -> None:
        hook = self._store.get(WebHook, hook_id)
        if not hook:
            return
        if change(hook):
            hook.last_action = self._clock.now()
        self._store.put(hook)


def _after_delivery(hook: WebHook, *, delivered: bool) -> bool:
    """Count what was not taken; returns whether the status changed."""
    hook.undelivered = 0 if delivered else hook.undelivered + 1
    if hook.undelivered < UNDELIVERED_LIMIT or hook.status != "Succeeded":
        return False
    hook.status = "Failed"
    hook.error = EntityError(code="InvalidCallbackUri", message="The URL did not take too many notifications in a row.")
    return True


def _after_challenge(hook: WebHook, url: str, *, accepted: bool) -> bool:
    """Enable or fail the web hook, unless its URL is another one by now; returns whether the status changed."""
    if hook.web_url != url:
        return False
    hook.undelivered = 0
    hook.status = "Succeeded" if accepted else "Failed"
    message = "The URL did not answer the challenge with 200 and the validationToken."
    hook.error = None if accepted else EntityError(code="InvalidCallbackUri", message=message)
    return True
