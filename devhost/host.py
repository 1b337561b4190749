"""The host of one app: starts the worker, the listeners and the HTTP server, and ends them in order."""

import asyncio
import hashlib
import logging
import platform
import re
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from aiohttp import web
from azure.storage.queue import QueueMessage

from .blobs import BlobScanner, BlobWorkQueue, is_scanned
from .errors import StartupError
from .functions import Function, read_functions
from .host_json import HostJson
from .http import HttpFront
from .invocation import Invoker
from .logs import configure_logging, read_levels
from .queues import QueueListener, QueuePolicy, queue_trigger
from .settings import DEFAULT_CONNECTION, Keys, MissingSettingError, connection_string
from .storage import Storage, decode_message
from .timers import TimerListener, read_schedule
from .worker import Worker

GRACE_SECONDS = 5.0
"""How long running functions have to end after SIGTERM."""

logger = logging.getLogger("devhost")


@dataclass(frozen=True)
class Options:
    """How to run: the app's folder, port (0: any free one), seconds between scans, seconds of a message's lease."""

    app_directory: Path
    port: int
    scan_interval: float
    message_lease: int


class _Listener(Protocol):
    async def run(self) -> None: ...


class Host:
    """A running app. `start` raises StartupError where the app can't be run."""

    def __init__(self, options: Options, host_json: HostJson, keys: Keys, environment: Mapping[str, str]) -> None:
        self.port = options.port
        self.route_prefix = host_json.extensions.http.route_prefix
        self.functions: list[Function] = []
        self._options = options
        self._host_json = host_json
        self._keys = keys
        self._environment = environment
        self._id = host_id(options.app_directory, environment)
        self._storage = Storage(environment)
        self._worker = Worker(options.app_directory)
        self._invoker = Invoker(
            self._worker,
            self._storage,
            encoding=host_json.extensions.queues.message_encoding,
            function_timeout=host_json.function_timeout,
            queue_written=self._wake_queue,
        )
        self._queue_listeners: dict[str, list[QueueListener]] = defaultdict(list)
        self._timer_listeners: list[TimerListener] = []
        self._tasks: list[asyncio.Task[None]] = []
        self._front: HttpFront | None = None
        self._server: web.AppRunner | None = None

    async def start(self) -> None:
        """Load the app, start its triggers, and listen."""
        configure_logging(self._invoker.running, read_levels(self._host_json.logging.log_level))
        self.functions = read_functions(await self._worker.start(), self._environment)
        enabled = [function for function in self.functions if not function.disabled]
        _check(enabled, self._environment)
        for connection in {
            binding.connection for function in enabled for binding in function.bindings if binding.uses_storage
        }:
            self._storage.blob_service(connection)
        work_queue = f"azure-webjobs-blobtrigger-{self._id}"
        work = BlobWorkQueue(
            work_queue, _of(self.functions, "blobTrigger"), self._storage, self._invoker, self._wake_queue
        )
        self._front = HttpFront(
            self.functions,
            invoker=self._invoker,
            storage=self._storage,
            work=work,
            keys=self._keys,
            route_prefix=self.route_prefix,
            host_id=self._id,
        )
        listeners = self._make_listeners(enabled, work_queue, work)
        await self._listen(self._front)
        self._tasks = [asyncio.create_task(_run(listener)) for listener in listeners]

    async def stop(self) -> bool:
        """Take no more work, let what runs end for a few seconds; whether everything ended."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._server:
            await self._server.cleanup()
        running = self._running()
        if running:
            logger.info("Waiting up to %.0f s for %d running functions.", GRACE_SECONDS, len(running))
            await asyncio.wait(running, timeout=GRACE_SECONDS)
        await self._storage.close()
        return not self._invoker.running

    def _make_listeners(self, functions: list[Function], work_queue: str, work: BlobWorkQueue) -> list[_Listener]:
        blob_functions = _of(functions, "blobTrigger")
        listeners: list[_Listener] = [self._queue_listener(function) for function in _of(functions, "queueTrigger")]
        if blob_functions:
            listeners.append(self._work_listener(work_queue, work))
        for group in BlobScanner.group(filter(is_scanned, blob_functions)):
            interval = self._options.scan_interval
            listeners.append(BlobScanner(self._storage, work, group, host_id=self._id, interval=interval))
        for function in _of(functions, "timerTrigger"):
            schedule = read_schedule(function)
            timer = TimerListener(function, schedule, self._storage, self._invoker, host_id=self._id)
            self._timer_listeners.append(timer)
            listeners.append(timer)
        return listeners

    def _running(self) -> set[asyncio.Task[Any]]:
        listeners = [listener for group in self._queue_listeners.values() for listener in group]
        tasks: set[asyncio.Task[Any]] = set(self._front.running) if self._front else set()
        tasks.update(*(listener.running for listener in listeners))
        return tasks.union(*(timer.running for timer in self._timer_listeners))

    async def _listen(self, front: HttpFront) -> None:
        self._server = web.AppRunner(
            front.application(), access_log=None, handle_signals=False, shutdown_timeout=GRACE_SECONDS
        )
        await self._server.setup()
        site = web.TCPSite(self._server, "127.0.0.1", self._options.port)
        try:
            await site.start()
        except OSError as error:
            raise StartupError(f"Port {self._options.port} can't be listened on: {error.strerror}.") from error
        self.port = self._server.addresses[0][1]

    def _queue_listener(self, function: Function) -> QueueListener:
        queues = self._host_json.extensions.queues
        encoding = queues.message_encoding
        name = function.trigger.text("queueName")

        async def handle(message: QueueMessage) -> bool:
            try:
                body = decode_message(str(message.content), encoding)
            except ValueError as error:
                logger.error("Message %s of %s: %s", message.id, name, error)  # noqa: TRY400 - the text says it all
                return False
            trigger = queue_trigger(function, body, message, f"New queue message detected on '{name}'.")
            return (await self._invoker.invoke(function, trigger)).error is None

        policy = QueuePolicy(
            batch_size=queues.batch_size,
            new_batch_threshold=queues.new_batch_threshold,
            max_dequeue_count=queues.max_dequeue_count,
            visibility_timeout=queues.visibility_timeout,
            max_polling_interval=queues.max_polling_interval,
            lease=self._options.message_lease,
        )
        connection = function.trigger.connection
        queue, poison = self._storage.queue(connection, name), self._storage.queue(connection, f"{name}-poison")
        return self._add(name, QueueListener(queue, poison, policy, handle))

    def _work_listener(self, name: str, work: BlobWorkQueue) -> QueueListener:
        blobs, queues = self._host_json.extensions.blobs, self._host_json.extensions.queues
        # The real host splits the degree so, which keeps a batch coming while single blobs take long.
        batch = min(32, blobs.max_degree_of_parallelism // 2 + 1)
        policy = QueuePolicy(
            batch_size=batch,
            new_batch_threshold=blobs.max_degree_of_parallelism - batch,
            max_dequeue_count=blobs.poison_blob_threshold,
            visibility_timeout=queues.visibility_timeout,
            max_polling_interval=queues.max_polling_interval,
            lease=self._options.message_lease,
        )
        poison = self._storage.queue(DEFAULT_CONNECTION, "webjobs-blobtrigger-poison")
        return self._add(
            name, QueueListener(self._storage.queue(DEFAULT_CONNECTION, name), poison, policy, work.handle)
        )

    def _add(self, name: str, listener: QueueListener) -> QueueListener:
        self._queue_listeners[name].append(listener)
        return listener

    def _wake_queue(self, name: str) -> None:
        for listener in self._queue_listeners.get(name, ()):
            listener.wake()


def host_id(app_directory: Path, environment: Mapping[str, str]) -> str:
    """What the app's own state in storage is named by: `AzureFunctionsWebHost__hostid`, else machine and folder."""
    given = environment.get("AzureFunctionsWebHost__hostid")
    if given:
        return given.lower()
    machine = re.sub(r"[^a-z0-9]+", "-", platform.node().lower()).strip("-")[:20] or "local"
    return f"{machine}-{hashlib.sha256(str(app_directory).encode()).hexdigest()[:10]}"


def _of(functions: list[Function], trigger: str) -> list[Function]:
    return [function for function in functions if function.trigger.type == trigger]


def _check(functions: list[Function], environment: Mapping[str, str]) -> None:
    """The host's own storage must be there for blob and timer triggers; retries are for timers only."""
    for function in functions:
        if function.retry and function.trigger.type != "timerTrigger":
            logger.warning("The retry policy of %s has no effect: only timers have one here.", function.name)
        if function.trigger.type in {"blobTrigger", "timerTrigger"}:
            try:
                connection_string(DEFAULT_CONNECTION, environment)
            except MissingSettingError as missing:
                raise StartupError(
                    f"function {function.name}: the app setting {missing} is not set, where the host keeps the state "
                    "of blob and timer triggers."
                ) from None


async def _run(listener: _Listener) -> None:
    """Run a listener; one that breaks is said, and does not stop the others."""
    try:
        await listener.run()
    except Exception:
        logger.exception("%s has stopped", type(listener).__name__)
