"""The blob trigger: by scanning containers, or by Event Grid's posts; both send work through a queue.

As in the real host, work for a blob is a message in `azure-webjobs-blobtrigger-<host id>`, tried five times and then
moved to `webjobs-blobtrigger-poison`. Scanning writes a receipt for each (function, ETag, blob), and drops work whose
blob has another ETag by then; Event Grid's way does neither, so duplicates happen.
"""

import asyncio
import json
import logging
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Self
from urllib.parse import unquote

from azure.core.exceptions import AzureError, ResourceNotFoundError
from azure.storage.blob import BlobProperties
from azure.storage.queue import QueueMessage

from .functions import Function
from .invocation import Invoker, Trigger, blob_content, blob_reference
from .protos import TypedData
from .settings import DEFAULT_CONNECTION
from .storage import HOSTS_CONTAINER, Storage, decode_message, encode_message, put_message
from .templates import PathPattern

_BLOBS_A_ROUND = 10_000
_PAGE = 5_000
_WRITERS = 16
"""Messages and receipts that are written at the same time."""

logger = logging.getLogger("devhost.blobs")


@dataclass(frozen=True)
class BlobWork:
    """A function to run for a blob, as the work queue's messages say it. `etag` without its quotes."""

    function: str
    container: str
    blob: str
    etag: str

    def to_json(self) -> bytes:
        """The message, in the form of the real host's BlobTriggerMessage."""
        message = {
            "Type": "BlobTrigger",
            "FunctionId": self.function,
            "BlobType": "BlockBlob",
            "ContainerName": self.container,
            "BlobName": self.blob,
            "ETag": f'"{self.etag}"',
        }
        return json.dumps(message).encode()

    @classmethod
    def from_json(cls, data: bytes) -> Self:
        """Read a message; ValueError or KeyError where it is none."""
        message = json.loads(data)
        return cls(message["FunctionId"], message["ContainerName"], message["BlobName"], message["ETag"].strip('"'))

    def receipt(self, host_id: str) -> str:
        """The name of its receipt blob."""
        return f'{receipts_of(host_id, self.function)}"{self.etag}"/{self.container}/{self.blob}'


def receipts_of(host_id: str, function: str) -> str:
    """What the names of a function's receipts begin with."""
    return f"blobreceipts/{host_id}/{function}/"


class BlobWorkQueue:
    """Blobs waiting for their functions."""

    def __init__(
        self,
        name: str,
        functions: Iterable[Function],
        storage: Storage,
        invoker: Invoker,
        queue_written: Callable[[str], None],
    ) -> None:
        self._name = name
        self._queue_written = queue_written
        self._functions = {function.full_name: function for function in functions}
        self._storage = storage
        self._invoker = invoker

    async def add(self, work: BlobWork) -> None:
        """Queue a function for a blob."""
        queue = self._storage.queue(DEFAULT_CONNECTION, self._name)
        await put_message(queue, encode_message(work.to_json(), "base64"))
        self._queue_written(self._name)

    async def handle(self, message: QueueMessage) -> bool:
        """Run what a message says; whether it is done with. Work whose blob is gone or replaced is dropped."""
        try:
            work = BlobWork.from_json(decode_message(message.content, "base64"))
        except (ValueError, KeyError, TypeError, AttributeError):
            logger.exception("Message %s is no blob trigger message.", message.id)
            return False
        function = self._functions.get(work.function)
        if function is None:
            logger.warning("Dropped work for the blob %s: there is no %s any more.", work.blob, work.function)
            return True
        try:
            trigger = await blob_trigger(self._storage, function, f"{work.container}/{work.blob}", etag=work.etag)
        except ResourceNotFoundError:
            logger.info("Dropped work for the blob %s: it was deleted or replaced meanwhile.", work.blob)
            return True
        return (await self._invoker.invoke(function, trigger)).error is None


def is_scanned(function: Function) -> bool:
    """Whether a blob function is fired by scanning, which is the default, and not by Event Grid."""
    return function.trigger.properties.get("source") != "EventGrid"


async def blob_trigger(storage: Storage, function: Function, path: str, *, etag: str | None = None) -> Trigger:
    """What the function gets for a blob: its bytes, or a reference for an SDK type, with the blob's properties.

    Raises ResourceNotFoundError where the blob is gone, or, for a function that is fired by scanning, its ETag is not
    `etag`.
    """
    binding = function.trigger
    container, _, name = path.partition("/")
    blob = storage.blob(binding.connection, path)
    properties = await blob.get_blob_properties()
    if etag is not None and is_scanned(function) and properties.etag.strip('"') != etag:
        raise ResourceNotFoundError("the blob has another ETag by now")
    if binding.is_deferred:
        value = blob_reference(binding.connection, path)
    else:
        value = blob_content(binding, await (await blob.download_blob()).readall())
    pattern = PathPattern(binding.text("path"))
    captured = (pattern.match(name) if pattern.container == container else None) or {}
    metadata = {
        "BlobTrigger": TypedData(string=path),
        "Uri": TypedData(string=blob.url.partition("?")[0]),
        "Properties": TypedData(json=json.dumps(describe_properties(properties))),
        "Metadata": TypedData(json=json.dumps(properties.metadata or {})),
        **{key: TypedData(string=value) for key, value in captured.items()},
    }
    reason = f"New blob detected({'LogsAndContainerScan' if is_scanned(function) else 'EventGrid'}): {path}"
    return Trigger(value, reason, metadata, {"BlobTrigger": path, **captured})


def describe_properties(properties: BlobProperties) -> dict[str, Any]:
    """A blob's properties by the names that the real host gives them."""
    settings = properties.content_settings
    return {
        "LastModified": properties.last_modified.isoformat(),
        "CreatedOn": properties.creation_time.isoformat(),
        "ETag": properties.etag,
        "ContentLength": properties.size,
        "ContentType": settings.content_type,
        "ContentEncoding": settings.content_encoding,
        "ContentLanguage": settings.content_language,
        "CacheControl": settings.cache_control,
        "ContentDisposition": settings.content_disposition,
        "BlobType": properties.blob_type.value,
    }


class BlobScanner:
    """Looks through a container for blobs without a receipt; one of the functions' containers a scanner."""

    def __init__(
        self, storage: Storage, work: BlobWorkQueue, functions: Iterable[Function], *, host_id: str, interval: float
    ) -> None:
        self._storage = storage
        self._work = work
        self._functions = [(function, PathPattern(function.trigger.text("path"))) for function in functions]
        self._host_id = host_id
        self._interval = interval
        self._receipts: set[str] = set()
        self._pages: AsyncIterator[Any] | None = None

    @staticmethod
    def group(functions: Iterable[Function]) -> list[list[Function]]:
        """Functions by the container that they watch, so that each container is read once."""
        groups: dict[tuple[str, str], list[Function]] = defaultdict(list)
        for function in functions:
            container = PathPattern(function.trigger.text("path")).container
            groups[function.trigger.connection, container].append(function)
        return list(groups.values())

    async def run(self) -> None:
        """Scan until cancelled; `interval` seconds between rounds."""
        known = False
        while True:
            try:
                if not known:
                    await self._read_receipts()
                    known = True
                await self._scan_round()
            except ResourceNotFoundError:
                logger.debug("There is no container %s yet.", self._functions[0][1].container)
            except AzureError as error:
                logger.warning("The container %s can't be scanned: %s", self._functions[0][1].container, error)
            await asyncio.sleep(self._interval)

    async def _read_receipts(self) -> None:
        hosts = self._storage.container(DEFAULT_CONNECTION, HOSTS_CONTAINER)
        with suppress(ResourceNotFoundError):  # before the first receipt there is no such container
            for function, _ in self._functions:
                async for name in hosts.list_blob_names(
                    name_starts_with=receipts_of(self._host_id, function.full_name)
                ):
                    self._receipts.add(name)

    async def _scan_round(self) -> None:
        """Read the next pages of the container, up to 10,000 blobs; a full listing begins anew."""
        for _ in range(_BLOBS_A_ROUND // _PAGE):
            if self._pages is None:
                function, pattern = self._functions[0]
                container = self._storage.container(function.trigger.connection, pattern.container)
                prefix = pattern.prefix if len(self._functions) == 1 else ""
                self._pages = container.list_blobs(name_starts_with=prefix, results_per_page=_PAGE).by_page()
            try:
                page = await anext(self._pages)
            except StopAsyncIteration:
                self._pages = None
                return
            except AzureError:
                self._pages = None
                raise
            await self._add_new([blob async for blob in page])

    async def _add_new(self, blobs: Iterable[BlobProperties]) -> None:
        slots = asyncio.Semaphore(_WRITERS)
        matching = (
            BlobWork(function.full_name, pattern.container, blob.name, blob.etag.strip('"'))
            for blob in blobs
            for function, pattern in self._functions
            if pattern.match(blob.name) is not None
        )
        new = [work for work in matching if work.receipt(self._host_id) not in self._receipts]
        await asyncio.gather(*(self._add(work, slots) for work in new))

    async def _add(self, work: BlobWork, slots: asyncio.Semaphore) -> None:
        """Queue the work, then write the receipt: a crash in between makes a duplicate, never a loss."""
        async with slots:
            await self._work.add(work)
            receipt = work.receipt(self._host_id)
            await self._storage.put_blob(DEFAULT_CONNECTION, f"{HOSTS_CONTAINER}/{receipt}", b"")
            self._receipts.add(receipt)


@dataclass(frozen=True)
class Handshake:
    """Event Grid asks whether this endpoint wants its events."""

    validation_code: str


@dataclass(frozen=True)
class BlobCreated:
    """A blob was written. `url` as the event gives it, ETag without quotes."""

    url: str
    etag: str


def read_events(document: Any) -> list[Handshake | BlobCreated]:  # noqa: ANN401 - any JSON value
    """The events of a post in the Event Grid schema; other kinds are left out. ValueError where it is none."""
    if not isinstance(document, list):
        raise ValueError(  # noqa: TRY004 - the post is malformed, not the call
            "expected a JSON array of events in the Event Grid schema"
        )
    events: list[Handshake | BlobCreated] = []
    for event in document:
        try:
            kind, data = event["eventType"], event["data"]
            if kind == "Microsoft.EventGrid.SubscriptionValidationEvent":
                events.append(Handshake(str(data["validationCode"])))
            elif kind == "Microsoft.Storage.BlobCreated":
                events.append(BlobCreated(str(data["url"]), str(data.get("eTag", "")).strip('"')))
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"an event lacks {error}") from error
    return events


def locate(event: BlobCreated, function: Function, endpoint: str) -> BlobWork | None:
    """The work that an event means for a function; None where its account, container or path is not the function's.

    `endpoint` is the blob service's URL, by which an account in the path (as in Azurite) is told from a container.
    """
    pattern = PathPattern(function.trigger.text("path"))
    base = endpoint.rstrip("/") + "/"
    if not event.url.startswith(base):
        return None
    container, _, name = unquote(event.url.removeprefix(base).partition("?")[0]).partition("/")
    if container != pattern.container or pattern.match(name) is None:
        return None
    return BlobWork(function.full_name, container, name, event.etag)
