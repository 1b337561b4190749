"""How the app is: what it reaches, what waits, and what is misconfigured."""

from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any

from azure.core.exceptions import AzureError

from shared.errors import ResourceNotConfiguredError
from shared.pipeline.ledger import Ledger, OpenJob
from shared.pipeline.outcomes import Outcomes
from shared.pipeline.speech_resources import SpeechResources
from shared.pipeline.webhook import WebhookKeeper
from shared.speech.client import SpeechClient
from shared.speech.errors import SpeechError, UnsupportedOperation
from shared.storage import BlobContainer

COUNT_LIMIT = 10_000
"""Records are counted up to here; more is shown as this number."""


@dataclass(frozen=True)
class Health:
    """Looks at the app's surroundings; each look is on its own, so one failing hides no other."""

    resources: SpeechResources
    audio: BlobContainer
    ledger: Ledger
    outcomes: Outcomes
    webhooks: tuple[WebhookKeeper, ...]
    misconfigured: tuple[str, ...]

    def report(self) -> dict[str, Any]:
        """The health answer; `status` is `healthy` or `unhealthy`.

        `speech` and `webhook` are `ok` where they are so at every Speech resource, or else name those that are not.
        """
        looks: dict[str, Callable[[], Any]] = {
            "storage": self._storage,
            "speech": self._speech,
            "webhook": self._webhook,
            "tickets": lambda: self.ledger.count("intake/", limit=COUNT_LIMIT),
            "open": lambda: self.ledger.open_jobs(limit=COUNT_LIMIT),
            "closed": lambda: self.ledger.count("jobs/closed/", limit=COUNT_LIMIT),
            "failed": lambda: self.outcomes.count_failed(limit=COUNT_LIMIT),
        }
        with ThreadPoolExecutor(len(looks)) as threads:
            seen = dict(zip(looks, threads.map(_look, looks.values()), strict=True))
        jobs = seen["open"] if isinstance(seen["open"], list) else []
        problems = [*self.misconfigured, *self._stranded(jobs)]
        seen["open"] = len(jobs) if isinstance(seen["open"], list) else seen["open"]
        parts = {name: seen[name] for name in ("storage", "speech", "webhook")}
        counts = {name: seen[name] for name in ("tickets", "open", "closed", "failed")}
        well = not problems and seen["storage"] == "ok" and seen["speech"] == "ok"
        return {
            "status": "healthy" if well and seen["webhook"] in {"ok", "not configured"} else "unhealthy",
            **parts,
            "counts": counts,
            "misconfigured": problems,
        }

    def _storage(self) -> str:
        self.audio.info("_health")
        return "ok"

    def _speech(self) -> str:
        return _everywhere({one.endpoint: partial(_speech, one.client) for one in self.resources})

    def _webhook(self) -> str:
        if not self.webhooks:
            return "not configured"
        return _everywhere({keeper.client.endpoint: partial(_webhook, keeper) for keeper in self.webhooks})

    def _stranded(self, jobs: list[OpenJob]) -> list[str]:
        """Open jobs at a Speech resource that the settings no longer name: nothing can be done about them."""
        at_each = Counter(job.endpoint for job in jobs)
        stranded = []
        for endpoint, number in at_each.items():
            try:
                self.resources.at(endpoint)
            except ResourceNotConfiguredError as error:
                stranded.append(f"{error}, but {number} open jobs live there: put it back until they have ended")
        return stranded


def _everywhere(looks: Mapping[str, Callable[[], str]]) -> str:
    """What is seen at every resource alike, or at which resource something is not `ok`."""
    with ThreadPoolExecutor(len(looks)) as threads:
        seen = dict(zip(looks, threads.map(_look, looks.values()), strict=True))
    first, *others = set(seen.values())
    if not others:
        return str(first)
    return "; ".join(f"{endpoint}: {text}" for endpoint, text in seen.items() if text != "ok")


def _speech(client: SpeechClient) -> str:
    try:
        status = client.health.get().status
    except UnsupportedOperation:  # versions after 3.1 have no health operation, but they have lists
        next(iter(client.transcriptions.list(top=1)), None)
        return "ok"
    return "ok" if status is None or status == "Healthy" else status.value


def _webhook(keeper: WebhookKeeper) -> str:
    hook = keeper.find()
    if hook is None:
        return "not registered yet"
    return "ok" if hook.status is None or hook.status == "Succeeded" else hook.status.value


def _look(look: Callable[[], Any]) -> Any:  # noqa: ANN401 - text, a number or a list
    try:
        return look()
    except (AzureError, SpeechError) as error:
        return f"{type(error).__name__}: {str(error).splitlines()[0]}"
