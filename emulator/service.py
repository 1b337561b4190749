"""The emulated service put together: the only place that builds its parts."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator
from datetime import datetime

from aiohttp import ClientSession, DummyCookieJar, TCPConnector, web

from emulator import engines
from emulator.admin import add_admin
from emulator.app import BODY_LIMIT, Gate, add_operations, routing_errors, subscription_of
from emulator.background import Background
from emulator.clock import Clock
from emulator.content import ContentReader
from emulator.content_logs import ContentLogs
from emulator.datasets.importing import DatasetImporter
from emulator.engines.protocol import AdaptingEngine
from emulator.fast_transcription import FastTranscription
from emulator.faults import Faults
from emulator.files import FileWriter
from emulator.jobs import Jobs
from emulator.journal import Journal, TranscriptionSeen
from emulator.links import CONTENT_PATH, Links
from emulator.model_files import BaseModelFiles
from emulator.models import KnownModels
from emulator.notifications import Notifications
from emulator.quotas import RequestQuota
from emulator.records import CustomModel, Dataset, Endpoint, Evaluation, Transcription
from emulator.resources.contents import FileContents
from emulator.resources.datasets import Datasets
from emulator.resources.endpoints import Endpoints
from emulator.resources.entities import Parts
from emulator.resources.evaluations import Evaluations
from emulator.resources.health import ServiceHealth
from emulator.resources.models import Models
from emulator.resources.operations import Operations
from emulator.resources.projects import Projects
from emulator.resources.tokens import TokenService
from emulator.resources.transcriptions import Transcriptions
from emulator.resources.webhooks import WebHooks
from emulator.settings import Settings
from emulator.short_audio.endpoints import ShortAudioEndpoints
from emulator.short_audio.operation import ShortAudio
from emulator.status_page import add_status_page
from emulator.store import Store
from emulator.tokens import Tokens
from emulator.work.deploying import Deployer
from emulator.work.evaluating import Evaluator
from emulator.work.training import Trainer
from emulator.work.transcribing import Transcriber

SHUTDOWN_SECONDS = 2.0
"""How long open connections may finish when the service ends."""


class Service:
    """A running service; made by `run_service`."""

    def __init__(
        self, settings: Settings, *, endpoint: str, clock: Clock, store: Store, session: ClientSession
    ) -> None:
        self.endpoint = endpoint
        self.settings = settings
        self.clock = clock
        self.store = store
        self.background = Background(clock)
        self.faults = Faults(settings.faults, seed=settings.seed)
        self.journal = Journal()
        self.quota = RequestQuota(settings.requests_per_10_seconds, clock)
        self.links = Links(endpoint, store.url_key())
        self.kind = engines.kind_of(settings.engine, settings.locales)
        self.workers = settings.workers or self.kind.default_workers
        self.engine = engines.create(settings.engine, workers=self.workers, model=settings.model)
        self.notifications = Notifications(
            store=store,
            links=self.links,
            clock=clock,
            background=self.background,
            faults=self.faults,
            journal=self.journal,
            session=session,
        )
        self.jobs = Jobs(
            store=store,
            clock=clock,
            background=self.background,
            faults=self.faults,
            notifications=self.notifications,
            seconds=settings.job_seconds,
        )
        self.models = KnownModels(store, clock, self.kind.locales)
        self.reader = ContentReader(session, settings.storages)
        self.logs = ContentLogs(store, clock)
        self._add_jobs()

    def _add_jobs(self) -> None:
        """Say what the jobs of each kind do; those that recognize share the engine's turns."""
        store, clock, engine, models = self.store, self.clock, self.engine, self.models
        slots = asyncio.Semaphore(self.workers)
        transcriber = Transcriber(
            store=store,
            clock=clock,
            faults=self.faults,
            reader=self.reader,
            engine=engine,
            models=models,
            reads_sidecars=self.kind.reads_sidecars,
            slots=slots,
        )
        evaluator = Evaluator(
            store=store,
            clock=clock,
            faults=self.faults,
            engine=engine,
            models=models,
            reads_sidecars=self.kind.reads_sidecars,
            slots=slots,
        )
        trainer = Trainer(store=store, clock=clock, engine=engine, models=models)
        deployer = Deployer(store=store, engine=engine, models=models)
        importer = DatasetImporter(store=store, clock=clock, reader=self.reader, strict=self.settings.strict)
        self.jobs.add(Transcription, Transcriptions.noun, transcriber.run)
        self.jobs.add(CustomModel, Models.noun, trainer.run)
        self.jobs.add(Endpoint, Endpoints.noun, deployer.run)
        self.jobs.add(Evaluation, Evaluations.noun, evaluator.run)
        self.jobs.add(Dataset, Datasets.noun, importer.run)

    def application(self) -> web.Application:
        """All routes: the service's, the content of result files, administration, and the status page."""
        app = web.Application(middlewares=[routing_errors], client_max_size=BODY_LIMIT)
        tokens = Tokens(secret=self.store.url_key(), clock=self.clock)
        gate = Gate(
            keys=self.settings.keys,
            tokens=tokens,
            strict=self.settings.strict,
            links=self.links,
            clock=self.clock,
            faults=self.faults,
            journal=self.journal,
            quota=self.quota,
        )
        content = FileContents(store=self.store, clock=self.clock, faults=self.faults)
        add_operations(app, gate, self._handlers())
        app.router.add_get(f"{CONTENT_PATH}/{{fileId}}", gate.content(content.get), allow_head=False)
        short_audio = ShortAudio(
            engine=self.engine,
            locales=self.kind.locales,
            folder=self.store.downloads,
            endpoints=ShortAudioEndpoints(self.store, self.models),
            logs=self.logs,
        )
        short_audio.add_to(app, gate)
        TokenService(tokens).add_to(app, gate)
        add_admin(app, self)
        add_status_page(app, self)
        return app

    def transcriptions(self) -> list[TranscriptionSeen]:
        """Every transcription that ever was, in order of creation."""
        return [_seen(self.store, *row) for row in self.store.with_deleted(Transcription)]

    async def reset(self) -> None:
        """As after a start with nothing kept: entities, journal and faults."""
        await self.background.cancel()
        self.store.clear()
        self.journal.clear()
        self.faults.reset()
        self.quota.reset()

    def _handlers(self) -> dict[str, object]:
        """A handler for each noun: the operation `Datasets_ListFiles` is the method `list_files` of `Datasets`.

        An operation that stands apart is named whole.
        """
        parts = Parts(
            store=self.store,
            clock=self.clock,
            jobs=self.jobs,
            notifications=self.notifications,
            locales=self.kind.locales,
            models=self.models,
            subscriptions=frozenset(map(subscription_of, self.settings.keys)),
        )
        adapts = isinstance(self.engine, AdaptingEngine)
        datasets = Datasets(parts)
        writer = FileWriter(self.store, self.clock)
        base_files = BaseModelFiles(
            store=self.store, writer=writer, engine=self.engine, engine_name=self.settings.engine
        )
        models = Models(parts, engine=self.settings.engine, adapts=adapts, base_files=base_files)
        evaluations = Evaluations(parts)
        endpoints = Endpoints(parts, self.logs)
        transcriptions = Transcriptions(parts)
        return {
            "Datasets": datasets,
            "Endpoints": endpoints,
            "Evaluations": evaluations,
            "Models": models,
            "Operations": Operations(self.store, self.jobs),
            "Projects": Projects(parts, members=(datasets, models, evaluations, endpoints, transcriptions)),
            "Transcriptions": transcriptions,
            "Transcriptions_Transcribe": FastTranscription(
                engine=self.engine,
                locales=parts.locales,
                models=self.models,
                reader=self.reader,
                folder=self.store.downloads,
            ).transcribe,
            "WebHooks": WebHooks(parts),
            "ServiceHealth": ServiceHealth(),
        }


@contextlib.asynccontextmanager
async def run_service(settings: Settings, clock: Clock) -> AsyncIterator[Service]:
    """Run the service on loopback within the block; OSError where the port is taken, EngineUnavailableError
    where the engine cannot be started."""
    listener = socket.create_server(("127.0.0.1", settings.port), backlog=1024)
    endpoint = f"http://127.0.0.1:{listener.getsockname()[1]}"
    connector = TCPConnector(limit=100)
    with contextlib.closing(listener), Store(settings.location) as store:
        async with ClientSession(connector=connector, cookie_jar=DummyCookieJar(), auto_decompress=False) as session:
            service = Service(settings, endpoint=endpoint, clock=clock, store=store, session=session)
            runner = web.AppRunner(service.application(), access_log=None, shutdown_timeout=SHUTDOWN_SECONDS)
            try:
                await runner.setup()
                await web.SockSite(runner, listener).start()
                service.jobs.resume()
                yield service
            finally:
                await runner.cleanup()
                await service.background.cancel()
                await service.engine.close()


async def run_until(settings: Settings, clock: Clock, stop: asyncio.Event) -> None:
    """Run the service until `stop`, and print where it listens once it does."""
    async with run_service(settings, clock) as service:
        print(f"Speech emulator listening on {service.links.base}", flush=True)
        await stop.wait()


def _seen(store: Store, transcription: Transcription, deleted: str | None) -> TranscriptionSeen:
    content = store.content(transcription.id).without_queries()
    return TranscriptionSeen(
        id=transcription.id,
        subscription=transcription.subscription,
        display_name=transcription.display_name,
        status=transcription.status,
        created=transcription.created,
        last_action=transcription.last_action,
        deleted=datetime.fromisoformat(deleted) if deleted else None,
        content_urls=tuple(content.urls),
        content_container_url=content.container,
        custom_properties=transcription.custom_properties or {},
    )
