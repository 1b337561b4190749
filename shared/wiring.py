"""Builds what the functions need, on first use: the only place that knows how the parts fit together."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache, cached_property, partial
from typing import TYPE_CHECKING, Any

from azure.core.exceptions import AzureError
from azure.core.pipeline.transport import RequestsTransport
from azure.storage.blob import BlobServiceClient
from pydantic import SecretStr

from shared.errors import SettingsError
from shared.pipeline.closing import JobCloser
from shared.pipeline.collection import Collector
from shared.pipeline.group_commit import GroupCommit
from shared.pipeline.health import Health
from shared.pipeline.intake import Intake
from shared.pipeline.ledger import AUDIO_CONTAINER, Ledger
from shared.pipeline.outcomes import Outcomes
from shared.pipeline.settling import FileSettler, SettlingRules
from shared.pipeline.short_route import ShortRoute
from shared.pipeline.speech_resources import SpeechResource, SpeechResources
from shared.pipeline.submission import Submission
from shared.pipeline.upkeep import Upkeep
from shared.pipeline.webhook import WebhookKeeper
from shared.settings import load_settings
from shared.settings_model import Settings
from shared.speech.client import SpeechClient
from shared.speech.credentials import KeyCredential
from shared.speech.recognition import SpeechRecognizer
from shared.speech.transport import Timeouts, pooled_session
from shared.storage import AudioLinks, BlobContainer
from shared.telemetry.export import start_export
from shared.telemetry.telemetry import Telemetry

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential

_STORAGE_TIMEOUT_SECONDS = 60

_lock = threading.Lock()


@dataclass(frozen=True)
class App:
    """The app's parts, each built when it is first asked for."""

    settings: Settings
    now: Callable[[], datetime]
    sleep: Callable[[float], None]
    telemetry: Telemetry = field(default_factory=Telemetry)

    @cached_property
    def storage(self) -> BlobServiceClient:
        """The data storage account."""
        limits: dict[str, Any] = {
            "connection_timeout": 10,
            "read_timeout": _STORAGE_TIMEOUT_SECONDS,
            "transport": RequestsTransport(session=pooled_session(), session_owner=False),
        }
        if self.settings.data_storage:
            return BlobServiceClient.from_connection_string(self.settings.data_storage.get_secret_value(), **limits)
        return BlobServiceClient(str(self.settings.data_storage_blob_uri), credential=identity(), **limits)

    def container(self, name: str) -> BlobContainer:
        """A container of the data storage account."""
        return BlobContainer(self.storage.get_container_client(name))

    @cached_property
    def resources(self) -> SpeechResources:
        """The Speech resources over which the work is spread."""
        pairs = zip(self.settings.speech_endpoints, self.settings.speech_keys, strict=True)
        return SpeechResources([self._resource(endpoint, key) for endpoint, key in pairs])

    def _resource(self, endpoint: str, key: SecretStr | None) -> SpeechResource:
        credential = KeyCredential(key.get_secret_value()) if key else self._identity
        seconds = self.settings.speech_timeout_seconds
        speaking = partial(
            SpeechClient,
            endpoint,
            credential,
            api_version=self.settings.speech_api_version,
            on_attempt=self.telemetry.speech_attempt,
        )
        return SpeechResource(
            endpoint,
            client=speaking(timeouts=Timeouts(min(10, seconds), seconds), max_retries=4),
            creator=speaking(timeouts=Timeouts(min(10, seconds), seconds, seconds), max_retries=0),
            recognizer=SpeechRecognizer(endpoint, credential, max_retries=0, on_attempt=self.telemetry.speech_attempt),
        )

    @cached_property
    def _identity(self) -> "TokenCredential":
        return identity()

    @property
    def client(self) -> SpeechClient:
        """The Speech client of the first resource."""
        return self.resources.first.client

    @cached_property
    def ledger(self) -> Ledger:
        """The pipeline's records."""
        return Ledger(self.container("pipeline"), lease_seconds=self.settings.lease_seconds)

    @cached_property
    def outcomes(self) -> Outcomes:
        """Transcripts and failed records."""
        return Outcomes(transcripts=self.container("transcripts"), failed=self.container("failed"))

    @cached_property
    def intake(self) -> Intake:
        """Admits blobs."""
        return Intake(
            containers=self.container,
            ledger=self.ledger,
            outcomes=self.outcomes,
            resources=self.resources,
            defaults=self.settings.default,
            telemetry=self.telemetry,
            now=self.now,
        )

    @cached_property
    def _closer(self) -> JobCloser:
        return JobCloser(
            resources=self.resources,
            ledger=self.ledger,
            outcomes=self.outcomes,
            delete_transcriptions=self.settings.delete_transcriptions,
            telemetry=self.telemetry,
            now=self.now,
        )

    @cached_property
    def links(self) -> AudioLinks:
        """URLs through which the Speech service reads audio."""
        plain = self.settings.audio_access == "identity"
        return AudioLinks(self.storage, hours=self.settings.audio_sas_hours, plain=plain, now=self.now)

    @cached_property
    def _submission(self) -> Submission:
        return Submission(
            resources=self.resources,
            ledger=self.ledger,
            closer=self._closer,
            links=self.links,
            recovery_seconds=self.settings.submission_recovery_seconds,
            keep_hours=self.settings.transcription_hours,
            now=self.now,
            sleep=self.sleep,
        )

    @cached_property
    def commit(self) -> GroupCommit:
        """Submits what waits."""
        return GroupCommit(
            containers=self.container,
            ledger=self.ledger,
            outcomes=self.outcomes,
            intake=self.intake,
            submission=self._submission,
            short_route=ShortRoute(
                resources=self.resources,
                containers=self.container,
                ledger=self.ledger,
                settler=self._settler,
                now=self.now,
                sleep=self.sleep,
            ),
            linger_seconds=self.settings.linger_seconds,
            work_seconds=self.settings.work_seconds,
            now=self.now,
            sleep=self.sleep,
        )

    @cached_property
    def _settler(self) -> FileSettler:
        return FileSettler(
            containers=self.container,
            ledger=self.ledger,
            outcomes=self.outcomes,
            rules=SettlingRules(
                exports=self.settings.exports,
                max_attempts=self.settings.max_attempts,
                retry_delay_seconds=self.settings.retry_delay_seconds,
                api_version=self.settings.speech_api_version,
            ),
            telemetry=self.telemetry,
            now=self.now,
        )

    @cached_property
    def collector(self) -> Collector:
        """Collects finished jobs."""
        return Collector(
            resources=self.resources,
            ledger=self.ledger,
            settler=self._settler,
            closer=self._closer,
            parallelism=self.settings.collection_parallelism,
            work_seconds=self.settings.work_seconds,
            now=self.now,
        )

    @cached_property
    def upkeep(self) -> Upkeep:
        """What the timers do."""
        return Upkeep(
            resources=self.resources,
            containers=self.container,
            ledger=self.ledger,
            outcomes=self.outcomes,
            intake=self.intake,
            commit=self.commit,
            submission=self._submission,
            work_seconds=self.settings.work_seconds,
            recovery_seconds=self.settings.submission_recovery_seconds,
            missed_audio_hours=self.settings.missed_audio_hours,
            telemetry=self.telemetry,
            now=self.now,
        )

    @cached_property
    def webhooks(self) -> tuple[WebhookKeeper, ...]:
        """The keeper of the web hook at each Speech resource; none where URL or secret are not set."""
        url, secret = self.settings.webhook_url, self.settings.webhook_secret
        if url is None or secret is None:
            return ()
        return tuple(WebhookKeeper(one.client, url, secret.get_secret_value()) for one in self.resources)

    @cached_property
    def health(self) -> Health:
        """The health answer."""
        return Health(
            resources=self.resources,
            audio=self.container(AUDIO_CONTAINER),
            ledger=self.ledger,
            outcomes=self.outcomes,
            webhooks=self.webhooks,
            misconfigured=tuple(_doubts(self.settings)),
        )

    def create_containers(self) -> None:
        """Make the containers that are not there yet."""
        for name in (AUDIO_CONTAINER, "transcripts", "failed", "pipeline"):
            self.container(name).create()


def _doubts(settings: Settings) -> list[str]:
    """Settings that are valid alone but leave the app without something that its operator surely wants."""
    doubts = []
    if settings.webhook_secret is None:
        doubts.append(
            "WEBHOOK_SECRET is not set, or its Key Vault reference is not resolved: "
            "every notification is refused, and timers collect the results"
        )
    elif settings.webhook_url is None:
        doubts.append("WEBHOOK_URL is not set: no web hook is registered, and timers collect the results")
    return doubts


def identity() -> "TokenCredential":
    """The identity of this process (Microsoft Entra): the app's own, or an operator's."""
    from azure.identity import DefaultAzureCredential  # noqa: PLC0415 - heavy, and only used without keys

    return DefaultAzureCredential()


def _telemetry(settings: Settings) -> Telemetry:
    if not start_export():
        return Telemetry()
    from shared.telemetry.open_telemetry import OpenTelemetry  # noqa: PLC0415 - only where something is exported

    prices = {"batch": settings.cost_per_audio_hour, "short": settings.cost_per_short_audio_hour}
    return OpenTelemetry(hour_prices=prices)


def app() -> App:
    """The app with the settings of this process, its containers made; SettingsError where a setting is wrong."""
    with _lock:  # the first calls of several functions come at once, and a gauge is told by whoever registered it first
        return _app()


@cache
def _app() -> App:
    settings = load_settings()
    built = App(settings, now=partial(datetime.now, UTC), sleep=time.sleep, telemetry=_telemetry(settings))
    built.create_containers()
    return built


def health_answer() -> tuple[int, dict[str, Any]]:
    """HTTP status and body of the health answer, also where the app cannot even be built."""
    try:
        report = app().health.report()
    except SettingsError as error:
        report = {"status": "unhealthy", "misconfigured": error.problems}
    except AzureError as error:
        report = {"status": "unhealthy", "storage": f"{type(error).__name__}: {str(error).splitlines()[0]}"}
    return (200 if report["status"] == "healthy" else 503), report
