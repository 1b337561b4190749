# ruff: noqa: A002 - filter is the service's name for it
"""Web hooks: where the service sends its events (operations WebHooks_*)."""

from collections.abc import Callable

from shared.speech.paging import Paged
from shared.speech.resources.resource import FilterLike, Resource, update_body
from shared.speech.types.webhooks import NewWebHook, WebHook, WebHookProperties, WebHookUpdate

NO_CONTENT = 204


class WebHooks(Resource):
    """`client.webhooks`."""

    def create(self, webhook: NewWebHook, *, find: FilterLike | None = None) -> WebHook:
        """Register a URL (WebHooks_Create); the service then sends it a challenge.

        Sent again only when it is certain that it took no effect. `find`, a filter that matches nothing but what is
        created, looks for what may be there after any other failure; it is created once more if it is not.
        """
        secrets = _secrets(webhook.properties)
        return self._create("WebHooks_Create", "WebHooks_List", WebHook, webhook, find=find, secrets=secrets)

    def get(self, webhook_id: str) -> WebHook:
        """One web hook (WebHooks_Get). NotFound if there is none."""
        return self._entity(WebHook, self._call("WebHooks_Get", webhook_id))

    def list(
        self, *, filter: FilterLike | None = None, skip: int | None = None, top: int | None = None
    ) -> Paged[WebHook]:
        """All web hooks (WebHooks_List), `top` (at most 100) to a page, without the first `skip`.

        `filter` knows display_name, description, created_date_time, last_action_date_time, status and web_url.
        """
        return self._list("WebHooks_List", WebHook, query={"skip": skip, "top": top, "filter": filter})

    def wait(
        self, webhook_id: str, *, timeout_seconds: float, on_progress: Callable[[WebHook], object] | None = None
    ) -> WebHook:
        """The web hook once its URL has answered the challenge (Succeeded) or not (Failed).

        WaitTimeout if neither has come `timeout_seconds` later.
        """
        return self._wait("WebHooks_Get", WebHook, webhook_id, timeout_seconds=timeout_seconds, on_progress=on_progress)

    def update(self, webhook_id: str, update: WebHookUpdate) -> WebHook:
        """Change a web hook (WebHooks_Update); see WebHookUpdate for what becomes of secret and challenge."""
        secrets = _secrets(update.properties)
        answer = self._call("WebHooks_Update", webhook_id, body=update_body(update), secrets=secrets)
        return self._entity(WebHook, answer)

    def delete(self, webhook_id: str) -> None:
        """Delete a web hook (WebHooks_Delete)."""
        self._call("WebHooks_Delete", webhook_id)

    def ping(self, webhook_id: str) -> None:
        """Have the service send the event `ping` to the hook's URL (WebHooks_Ping)."""
        self._call("WebHooks_Ping", webhook_id)

    def test(self, webhook_id: str) -> bool:
        """Have the service send the last event again (WebHooks_Test); False if there is none to send."""
        return self._call("WebHooks_Test", webhook_id).status != NO_CONTENT


def _secrets(properties: WebHookProperties | None) -> tuple[str, ...]:
    """What is sent and must not come back in an error."""
    return (properties.secret,) if properties and properties.secret else ()
