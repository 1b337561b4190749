# ruff: noqa: A002 - filter is the service's name for it
"""Web hooks: where the service sends its events (operations WebHooks_*)."""

from collections.abc import Callable

from shared.speech.paging import Paged
from shared.speech.resources.resource import FilterLike, Resource, create_body, segment, update_body
from shared.speech.types.webhooks import NewWebHook, WebHook, WebHookUpdate

NO_CONTENT = 204


class WebHooks(Resource):
    """`client.webhooks`."""

    def create(self, webhook: NewWebHook) -> WebHook:
        """Register a URL (WebHooks_Create); the service then sends it a challenge.

        Sent again only when it is certain that it took no effect.
        """
        return self._entity(WebHook, self._call("WebHooks_Create", "POST", "/webhooks", body=create_body(webhook)))

    def get(self, webhook_id: str) -> WebHook:
        """One web hook (WebHooks_Get). NotFound if there is none."""
        return self._entity(WebHook, self._call("WebHooks_Get", "GET", f"/webhooks/{segment(webhook_id)}"))

    def list(
        self, *, filter: FilterLike | None = None, skip: int | None = None, top: int | None = None
    ) -> Paged[WebHook]:
        """All web hooks (WebHooks_List), `top` (at most 100) to a page, without the first `skip`.

        `filter` knows display_name, description, created_date_time, last_action_date_time, status and web_url.
        """
        return self._list("WebHooks_List", "/webhooks", WebHook, {"skip": skip, "top": top, "filter": filter})

    def wait(
        self, webhook_id: str, *, timeout_seconds: float, on_progress: Callable[[WebHook], object] | None = None
    ) -> WebHook:
        """The web hook once its URL has answered the challenge (Succeeded) or not (Failed).

        WaitTimeout if neither has come `timeout_seconds` later.
        """
        path = f"/webhooks/{segment(webhook_id)}"
        return self._wait(WebHook, "WebHooks_Get", path, timeout_seconds, on_progress)

    def update(self, webhook_id: str, update: WebHookUpdate) -> WebHook:
        """Change a web hook (WebHooks_Update); see WebHookUpdate for what becomes of secret and challenge."""
        path = f"/webhooks/{segment(webhook_id)}"
        return self._entity(WebHook, self._call("WebHooks_Update", "PATCH", path, body=update_body(update)))

    def delete(self, webhook_id: str) -> None:
        """Delete a web hook (WebHooks_Delete)."""
        self._call("WebHooks_Delete", "DELETE", f"/webhooks/{segment(webhook_id)}")

    def ping(self, webhook_id: str) -> None:
        """Have the service send the event `ping` to the hook's URL (WebHooks_Ping)."""
        self._call("WebHooks_Ping", "POST", f"/webhooks/{segment(webhook_id)}:ping")

    def test(self, webhook_id: str) -> bool:
        """Have the service send the last event again (WebHooks_Test); False if there is none to send."""
        return self._call("WebHooks_Test", "POST", f"/webhooks/{segment(webhook_id)}:test").status != NO_CONTENT
