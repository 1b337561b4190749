"""Clients of the storage connections that an app names, made once each."""

import base64
import binascii
from collections.abc import Mapping
from contextlib import suppress
from typing import Literal

from azure.core.exceptions import ResourceExistsError, ResourceNotFoundError
from azure.storage.blob.aio import BlobClient, BlobServiceClient, ContainerClient, ExponentialRetry
from azure.storage.queue.aio import QueueClient, QueueServiceClient

from .errors import StartupError
from .settings import connection_string

HOSTS_CONTAINER = "azure-webjobs-hosts"
"""Where the real host keeps its own state: receipts, timers."""


type Encoding = Literal["base64", "none"]
"""How the text of queue messages is encoded, `messageEncoding` of host.json."""


class Storage:
    """The blob and queue services behind connection names."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment
        self._blobs: dict[str, BlobServiceClient] = {}
        self._queues: dict[str, QueueServiceClient] = {}

    def blob_service(self, connection: str) -> BlobServiceClient:
        """The blob service of a connection; StartupError where it is no connection string."""
        if connection not in self._blobs:
            self._blobs[connection] = self._open(BlobServiceClient, connection)
        return self._blobs[connection]

    def container(self, connection: str, name: str) -> ContainerClient:
        """A container of a connection."""
        return self.blob_service(connection).get_container_client(name)

    def blob(self, connection: str, path: str) -> BlobClient:
        """A blob by its path, `container/name`."""
        container, _, name = path.partition("/")
        return self.blob_service(connection).get_blob_client(container, name)

    async def put_blob(self, connection: str, path: str, data: bytes | str) -> None:
        """Write a blob, and make its container where it is missing."""
        blob = self.blob(connection, path)
        try:
            await blob.upload_blob(data, overwrite=True)
        except ResourceNotFoundError:
            with suppress(ResourceExistsError):
                await self.container(connection, blob.container_name).create_container()
            await blob.upload_blob(data, overwrite=True)

    def queue(self, connection: str, name: str) -> QueueClient:
        """A queue of a connection. Messages pass as they are: encoding is the caller's."""
        if connection not in self._queues:
            self._queues[connection] = self._open(QueueServiceClient, connection)
        return self._queues[connection].get_queue_client(name)

    async def close(self) -> None:
        """Close every client."""
        for service in self._blobs.values():
            await service.close()
        for queues in self._queues.values():
            await queues.close()

    def _open[Client: (BlobServiceClient, QueueServiceClient)](self, kind: type[Client], connection: str) -> Client:
        try:
            return kind.from_connection_string(
                connection_string(connection, self._environment),
                connection_timeout=5,
                read_timeout=60,
                retry_policy=ExponentialRetry(initial_backoff=0, increment_base=2, retry_total=3),
            )
        except ValueError as error:
            raise StartupError(f"the app setting {connection} is no storage connection string: {error}") from None


async def put_message(queue: QueueClient, text: str) -> None:
    """Send a message as it stands, and make the queue where it is missing."""
    try:
        await queue.send_message(text)
    except ResourceNotFoundError:
        with suppress(ResourceExistsError):
            await queue.create_queue()
        await queue.send_message(text)


def encode_message(body: bytes, encoding: Encoding) -> str:
    """A message's text on the wire."""
    return base64.b64encode(body).decode() if encoding == "base64" else body.decode()


def decode_message(text: str, encoding: Encoding) -> bytes:
    """A message's body; ValueError where it is not in the encoding that host.json says."""
    if encoding == "none":
        return text.encode()
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise ValueError(f"the message is not Base64: {error}") from error
