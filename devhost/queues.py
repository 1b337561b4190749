"""The queue trigger: messages are leased, run, and deleted, tried again, or moved to the poison queue.

The real host makes a message invisible for ten minutes while its function runs and renews that. Here the lease is
short, so that after a crash the message soon comes back.
"""

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from azure.core.exceptions import AzureError, ResourceNotFoundError
from azure.storage.queue import QueueMessage
from azure.storage.queue.aio import QueueClient

from .functions import Function
from .invocation import Trigger
from .protos import TypedData
from .storage import put_message

_MIN_POLLING_SECONDS = 0.1

logger = logging.getLogger("devhost.queues")


@dataclass(frozen=True)
class QueuePolicy:
    """How a queue is read. Times in seconds.

    A fetch takes up to `batch_size` messages while no more than `new_batch_threshold` run; a message that failed is
    hidden for `visibility_timeout`, and after `max_dequeue_count` tries is poison; `lease` is how long a message stays
    hidden once its host has died.
    """

    batch_size: int
    new_batch_threshold: int
    max_dequeue_count: int
    visibility_timeout: float
    max_polling_interval: float
    lease: float


class QueueListener:
    """Feeds one queue's messages to `handle`, which answers whether the message is done with."""

    def __init__(
        self,
        queue: QueueClient,
        poison: QueueClient,
        policy: QueuePolicy,
        handle: Callable[[QueueMessage], Awaitable[bool]],
    ) -> None:
        self.running: set[asyncio.Task[None]] = set()
        self._queue = queue
        self._poison = poison
        self._policy = policy
        self._handle = handle
        self._wake = asyncio.Event()

    def wake(self) -> None:
        """Look at the queue at once: a message was just sent."""
        self._wake.set()

    async def run(self) -> None:
        """Read the queue until cancelled. What runs by then goes on, in `running`."""
        delay = _MIN_POLLING_SECONDS
        while True:
            if len(self.running) > self._policy.new_batch_threshold:
                await asyncio.wait(self.running, return_when=asyncio.FIRST_COMPLETED)
                continue
            self._wake.clear()
            messages = await self._receive()
            for message in messages:
                task = asyncio.create_task(self._process(message))
                self.running.add(task)
                task.add_done_callback(self.running.discard)
            if messages:
                delay = _MIN_POLLING_SECONDS
                continue
            try:
                await asyncio.wait_for(self._wake.wait(), delay)
                delay = _MIN_POLLING_SECONDS
            except TimeoutError:
                delay = min(delay * 2, self._policy.max_polling_interval)

    async def _receive(self) -> list[QueueMessage]:
        try:
            pages = self._queue.receive_messages(
                max_messages=self._policy.batch_size,
                visibility_timeout=int(self._policy.lease),
                messages_per_page=self._policy.batch_size,
            )
            async for page in pages.by_page():  # the first page only: one request a poll
                return [message async for message in page]
        except ResourceNotFoundError:
            logger.debug("There is no queue %s yet.", self._queue.queue_name)
        except AzureError as error:
            logger.warning("The queue %s can't be read: %s", self._queue.queue_name, error)
        return []

    async def _process(self, message: QueueMessage) -> None:
        try:
            if (message.dequeue_count or 0) > self._policy.max_dequeue_count:
                await self._move_to_poison(message)
                return
            async with self._renewed(message):
                done = await self._try(message)
            if done:
                await self._queue.delete_message(message.id, message.pop_receipt)
            elif (message.dequeue_count or 0) >= self._policy.max_dequeue_count:
                await self._move_to_poison(message)
            else:
                await self._extend(message, self._policy.visibility_timeout)
                self.wake()
        except AzureError as error:
            logger.warning("Message %s of %s will come back: %s", message.id, self._queue.queue_name, error)

    async def _try(self, message: QueueMessage) -> bool:
        try:
            return await self._handle(message)
        except AzureError:
            raise
        except Exception:
            logger.exception("Message %s of %s can't be handled", message.id, self._queue.queue_name)
            return False

    @asynccontextmanager
    async def _renewed(self, message: QueueMessage) -> AsyncIterator[None]:
        """Keep the message hidden from others while the body runs."""
        over = asyncio.Event()
        renewal = asyncio.create_task(self._renew(message, over))
        try:
            yield
        finally:
            over.set()
            await renewal

    async def _renew(self, message: QueueMessage, over: asyncio.Event) -> None:
        while True:
            try:
                await asyncio.wait_for(over.wait(), self._policy.lease / 2)
            except TimeoutError:
                try:
                    await self._extend(message, self._policy.lease)
                except AzureError as error:
                    logger.warning("Message %s of %s is not held: %s", message.id, self._queue.queue_name, error)
            else:
                return

    async def _extend(self, message: QueueMessage, seconds: float) -> None:
        updated = await self._queue.update_message(message.id, message.pop_receipt, visibility_timeout=int(seconds))
        message.pop_receipt = updated.pop_receipt

    async def _move_to_poison(self, message: QueueMessage) -> None:
        await put_message(self._poison, str(message.content))
        await self._queue.delete_message(message.id, message.pop_receipt)
        logger.warning("Message has been moved to the poison queue %s after its last try.", self._poison.queue_name)


def queue_trigger(function: Function, body: bytes, message: QueueMessage | None, reason: str) -> Trigger:
    """What a queue function gets: the body, and the message's properties as trigger metadata (none in a run by hand).

    Binding expressions see `{queueTrigger}`, those properties, and the fields of a JSON body.
    """
    try:
        text = body.decode()
        value = (
            TypedData(bytes=body) if function.trigger.properties.get("dataType") == "BINARY" else TypedData(string=text)
        )
    except UnicodeDecodeError:
        text, value = "", TypedData(bytes=body)
    properties: dict[str, Any] = {"QueueTrigger": text}
    if message is not None:
        properties |= {
            "Id": message.id,
            "PopReceipt": message.pop_receipt,
            "DequeueCount": message.dequeue_count,
            "ExpirationTime": _iso(message.expires_on),
            "InsertionTime": _iso(message.inserted_on),
            "NextVisibleTime": _iso(message.next_visible_on),
        }
    metadata = {
        name: TypedData(string=item) if isinstance(item, str) else TypedData(json=json.dumps(item))
        for name, item in properties.items()
    }
    return Trigger(value, reason, metadata, {**_fields(text), **{name: str(item) for name, item in properties.items()}})


def _iso(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None


def _fields(text: str) -> dict[str, str]:
    """The plain fields of a JSON object; none where the text is something else."""
    try:
        document = json.loads(text)
    except ValueError:
        return {}
    fields = document.items() if isinstance(document, dict) else ()
    return {name: str(value) for name, value in fields if isinstance(value, str | int | float)}
