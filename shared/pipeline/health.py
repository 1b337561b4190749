"""How the app is: what it reaches, what waits, and what is misconfigured."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from azure.core.exceptions import AzureError

from shared.pipeline.ledger import Ledger
from shared.pipeline.outcomes import Outcomes
from shared.pipeline.webhook import WebhookKeeper
from shared.speech.client import SpeechClient
from shared.speech.errors import SpeechError, UnsupportedOperation
from shared.storage import BlobContainer

COUNT_LIMIT = 10_000
"""Records are counted up to here; more is shown as this number."""


@dataclass(frozen=True)
class Health:
    """Looks at the app's surroundings; each look is on its own, so one failing hides no other."""

    client: SpeechClient
    audio: BlobContainer
    ledger: Ledger
    outcomes: Outcomes
    webhook: WebhookKeeper | None
    misconfigured: tuple[str, ...]

    def report(self) -> dict[str, Any]:
        """The health answer; `status` is `healthy` or `unhealthy`."""
        looks: dict[str, Callable[[], Any]] = {
            "storage": self._storage,
            "speech": self._speech,
            "webhook": self._webhook,
            "tickets": lambda: self.ledger.count("intake/", limit=COUNT_LIMIT),
            "open": lambda: self.ledger.count("jobs/open/", limit=COUNT_LIMIT),
            "closed": lambda: self.ledger.count("jobs/closed/", limit=COUNT_LIMIT),
            "failed": lambda: self.outcomes.count_failed(limit=COUNT_LIMIT),
        }
        with ThreadPoolExecutor(len(looks)) as threads:
            seen = dict(zip(looks, threads.map(_look, looks.values()), strict=True))
        parts = {name: seen[name] for name in ("storage", "speech", "webhook")}
        counts = {name: seen[name] for name in ("tickets", "open", "closed", "failed")}
        well = not self.misconfigured and seen["storage"] == "ok" and seen["speech"] == "ok"
        return {
            "status": "healthy" if well and seen["webhook"] in {"ok", "not configured"} else "unhealthy",
            **parts,
            "counts": counts,
            "misconfigured": list(self.misconfigured),
        }

    def _storage(self) -> str:
        self.audio.info("_health")
        return "ok"

    def _speech(self) -> str:
        try:
            status = self.client.health.get().status
        except UnsupportedOperation:  # versions after 3.1 have no health operation, but they have lists
            next(iter(self.client.transcriptions.list(top=1)), None)
            return "ok"
        return "ok" if status is None or status == "Healthy" else status.value

    def _webhook(self) -> str:
        if self.webhook is None:
            return "not configured"
        hook = self.webhook.find()
        if hook is None:
            return "not registered yet"
        return "ok" if hook.status is None or hook.status == "Succeeded" else hook.status.value


def _look(look: Callable[[], Any]) -> Any:  # noqa: ANN401 - text or a number
    try:
        return look()
    except (AzureError, SpeechError) as error:
        return f"{type(error).__name__}: {str(error).splitlines()[0]}"
