"""Request bodies of the noun WebHooks."""

from typing import Annotated

from pydantic import AfterValidator

from emulator.payloads.common import EntityCreate, EntityUpdate, Payload, broken, is_web_url

EVENT_KINDS = frozenset(
    f"{noun}{stage}"
    for noun in ("dataset", "model", "evaluation", "transcription", "endpoint")
    for stage in ("Creation", "Processing", "Completion", "Deletion")
) | {"ping", "challenge"}
"""The 22 names of definition WebHookEvents."""


def _callback_url(url: str) -> str:
    if not is_web_url(url):
        raise broken("InvalidCallbackUri", "The URL of the web hook must be absolute, https (or http on loopback).")
    return url


def _events(events: dict[str, bool]) -> dict[str, bool]:
    if unknown := sorted(set(events) - EVENT_KINDS):
        raise broken("InvalidWebHookEventKind", f"There is no event kind {unknown[0]!r}.")
    return events


Events = Annotated[dict[str, bool], AfterValidator(_events)]
CallbackUrl = Annotated[str, AfterValidator(_callback_url)]


class WebHookProperties(Payload):
    """Definitions WebHookProperties and WebHookPropertiesUpdate."""

    read_only = frozenset({"error", "apiVersion"})

    secret: str | None = None


class WebHookCreate(EntityCreate):
    """Definition WebHook, as operation WebHooks_Create takes it."""

    web_url: CallbackUrl
    events: Events
    properties: WebHookProperties | None = None


class WebHookUpdate(EntityUpdate):
    """Definition WebHookUpdate."""

    web_url: CallbackUrl | None = None
    events: Events | None = None
    properties: WebHookProperties | None = None
