"""The app's web hook at each Speech resource: registered, signed with the current secret, and alive."""

import hashlib
import hmac
import logging
from collections.abc import Iterable
from dataclasses import dataclass

from shared.speech.client import SpeechClient
from shared.speech.errors import SpeechError
from shared.speech.types.common import Status
from shared.speech.types.webhooks import NewWebHook, WebHook, WebHookEvents, WebHookProperties, WebHookUpdate

_log = logging.getLogger("dropscribe.webhook")

DISPLAY_NAME = "Dropscribe"
_EVENTS = WebHookEvents(transcription_completion=True, ping=True)


@dataclass(frozen=True)
class WebhookKeeper:
    """Keeps one hook for the app's URL at one Speech resource."""

    client: SpeechClient
    url: str
    secret: str

    def find(self) -> WebHook | None:
        """The hook of this app's URL, if it is registered."""
        return next(iter(self._hooks()), None)

    def keep(self) -> str:
        """Register, repair or leave the hook, and say which: `registered`, `repaired` or `fine`."""
        hooks = self._hooks()
        if not hooks:
            self.client.webhooks.create(
                NewWebHook(
                    display_name=DISPLAY_NAME,
                    web_url=self.url,
                    events=_EVENTS,
                    properties=WebHookProperties(secret=self.secret),
                    custom_properties=self._marks(),
                )
            )
            _log.info("the web hook was registered at %s", self.client.endpoint)
            return "registered"
        for surplus in hooks[1:]:
            self.client.webhooks.delete(surplus.id)
        return self._repair(hooks[0])

    def _hooks(self) -> list[WebHook]:
        return [hook for hook in self.client.webhooks.list() if hook.web_url == self.url]

    def _repair(self, hook: WebHook) -> str:
        """An update of the URL, even to the same value, repeats the challenge and brings a failed hook back."""
        if hook.status != Status.FAILED and (hook.custom_properties or {}).items() >= self._marks().items():
            return "fine"
        self.client.webhooks.update(
            hook.id,
            WebHookUpdate(
                web_url=self.url,
                events=_EVENTS,
                properties=WebHookProperties(secret=self.secret),
                custom_properties=self._marks(),
            ),
        )
        _log.warning("the web hook was repaired at %s", self.client.endpoint)
        return "repaired"

    def _marks(self) -> dict[str, str]:
        """What tells a hook with an outdated secret, which the service never shows: a digest that reveals nothing."""
        digest = hmac.digest(self.secret.encode(), b"dropscribe web hook", hashlib.sha256).hex()[:16]
        return {"secretDigest": digest}


def keep_all(keepers: Iterable[WebhookKeeper]) -> None:
    """Keep the hook at each resource; ExceptionGroup of SpeechErrors once all were tried, where some refused."""
    refusals = []
    for keeper in keepers:
        try:
            keeper.keep()
        except SpeechError as error:
            error.add_note(f"web hook at {keeper.client.endpoint}")
            refusals.append(error)
    if refusals:
        raise ExceptionGroup("web hooks could not be kept", refusals)
