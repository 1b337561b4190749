"""The few blob operations that the pipeline needs, with their conditions (ETag, lease).

Absence is an answer (`None`), a refused condition an error (`StorageConditionError`); everything else that the storage
service reports is raised as the SDK raises it, so that the host tries the function again.
"""

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote, unquote

from azure.core import MatchConditions
from azure.core.exceptions import AzureError, HttpResponseError, ResourceExistsError, ResourceNotFoundError
from azure.storage.blob import (
    BlobLeaseClient,
    BlobPrefix,
    BlobProperties,
    BlobSasPermissions,
    BlobServiceClient,
    ContainerClient,
    ContainerSasPermissions,
    ContentSettings,
    UserDelegationKey,
    generate_blob_sas,
    generate_container_sas,
)

from shared.errors import BlobMissingError, LeaseHeldError, LeaseLostError, StorageConditionError

_BATCH_LIMIT = 256  # Blob Batch takes at most 256 sub-requests
_REFUSED = {409, 412}


@dataclass(frozen=True, slots=True)
class BlobInfo:
    """What storage knows of a blob without reading it.

    The ETag stands without quotes. Metadata names are in lower case, values percent-decoded: headers carry ASCII only.
    """

    name: str
    etag: str
    size: int
    """Bytes."""
    last_modified: datetime
    metadata: Mapping[str, str]


@contextmanager
def _refusals(what: str) -> Iterator[None]:
    try:
        yield
    except HttpResponseError as error:
        if error.status_code in _REFUSED:
            raise StorageConditionError(f"{what}: {getattr(error, 'error_code', error.status_code)}") from None
        raise


class Lease:
    """A held lease: `id` fences writes, `check` says whether it is still ours."""

    def __init__(self, client: BlobLeaseClient, name: str) -> None:
        self._client = client
        self._name = name
        self._lost = threading.Event()
        self._ended = threading.Event()

    @property
    def id(self) -> str:
        """The lease's id, to be given with every write to the leased blob."""
        return self._client.id

    def check(self) -> None:
        """Raise LeaseLostError once the lease could not be renewed."""
        if self._lost.is_set():
            raise LeaseLostError(f"the lease of {self._name} was lost")

    def keep(self, every_seconds: float) -> None:
        """Renew until `end`; run by a thread of its own, since the holder may be busy for long."""
        while not self._ended.wait(every_seconds):
            try:
                self._client.renew(timeout=10)
            except AzureError:
                self._lost.set()
                return

    def end(self) -> None:
        """Stop renewing and let the next holder in."""
        self._ended.set()
        try:
            self._client.release(timeout=10)
        except AzureError:
            return  # expired, or the blob is gone; or it will expire


class BlobContainer:
    """One container, with names and conditions as the pipeline speaks of them."""

    def __init__(self, client: ContainerClient) -> None:
        self._client = client

    @property
    def name(self) -> str:
        """The container's name."""
        return self._client.container_name

    def create(self) -> None:
        """Make the container unless it is there."""
        try:
            self._client.create_container()
        except ResourceExistsError:
            return

    def info(self, name: str) -> BlobInfo | None:
        """Properties and metadata of a blob, or None where there is none."""
        try:
            return _info(self._client.get_blob_client(name).get_blob_properties())
        except ResourceNotFoundError:
            return None

    def read(self, name: str) -> tuple[bytes, BlobInfo] | None:
        """Content and properties of one version of a blob, or None where there is none."""
        try:
            download = self._client.get_blob_client(name).download_blob()
            return download.readall(), _info(download.properties)
        except ResourceNotFoundError:
            return None

    def read_start(self, name: str, *, length: int) -> bytes:
        """At most the first `length` bytes of a blob."""
        return self._client.get_blob_client(name).download_blob(offset=0, length=length).readall()

    def write(
        self,
        name: str,
        content: bytes,
        *,
        metadata: Mapping[str, str] | None = None,
        content_type: str = "application/json",
        only_if_absent: bool = False,
        only_if_etag: str | None = None,
        lease: Lease | None = None,
    ) -> str:
        """Write a whole blob and return its new ETag; StorageConditionError where a condition refuses it.

        Empty metadata values are left out: a header cannot be relied on to carry them.
        """
        conditions: dict[str, Any] = {}
        if only_if_etag is not None:
            conditions = {"etag": f'"{only_if_etag}"', "match_condition": MatchConditions.IfNotModified}
        elif only_if_absent:
            conditions = {"match_condition": MatchConditions.IfMissing}
        if lease is not None:
            conditions["lease"] = lease.id
        with _refusals(f"writing {self.name}/{name}"):
            written = self._client.get_blob_client(name).upload_blob(
                content,
                overwrite=not only_if_absent,
                metadata={key: quote(value, safe="/:+,;=@") for key, value in (metadata or {}).items() if value},
                content_settings=ContentSettings(content_type=content_type),
                **conditions,
            )
        return str(written["etag"]).strip('"')

    def delete(self, name: str, *, lease: Lease | None = None, only_if_etag: str | None = None) -> None:
        """Delete a blob; an absent one is fine. StorageConditionError where a condition refuses it."""
        conditions: dict[str, Any] = {"lease": lease.id} if lease else {}
        if only_if_etag is not None:
            conditions |= {"etag": f'"{only_if_etag}"', "match_condition": MatchConditions.IfNotModified}
        with _refusals(f"deleting {self.name}/{name}"):
            try:
                self._client.get_blob_client(name).delete_blob(**conditions)
            except ResourceNotFoundError:
                return

    def delete_all(self, names: Sequence[str]) -> None:
        """Delete many blobs in few requests; absent ones are fine."""
        for start in range(0, len(names), _BATCH_LIMIT):
            batch = names[start : start + _BATCH_LIMIT]
            for response in self._client.delete_blobs(*batch, raise_on_any_failure=False):
                if response.status_code not in {202, 404}:
                    raise HttpResponseError(f"deleting blobs of {self.name}: status {response.status_code}")

    def list(self, prefix: str = "", *, page_size: int | None = None) -> Iterator[BlobInfo]:
        """Blobs whose names start with `prefix`, by name, with their metadata; `page_size` a request, or 5,000."""
        for blobs, _ in self.pages(prefix, page_size=page_size):
            yield from blobs

    def pages(
        self, prefix: str = "", *, page_size: int | None = None, place: str | None = None
    ) -> Iterator[tuple[Sequence[BlobInfo], str | None]]:
        """The same page by page from a place on (None: the first name), each with the place after it (None: the end).

        A place is storage's marker of a listing (List Blobs): what it says is storage's own affair.
        """
        listing = self._client.list_blobs(name_starts_with=prefix, include=["metadata"], results_per_page=page_size)
        pages = listing.by_page(place)
        for page in pages:
            blobs = [_info(blob) for blob in page]
            yield blobs, pages.continuation_token  # type: ignore[attr-defined]  # typed as a plain iterator

    def folders(self, prefix: str) -> Iterator[str]:
        """Names of the folders right below `prefix` (which ends with a slash), without it."""
        for item in self._client.walk_blobs(name_starts_with=prefix, delimiter="/"):
            if isinstance(item, BlobPrefix):
                yield str(item.name).removeprefix(prefix).rstrip("/")

    @contextmanager
    def lease(self, name: str, *, seconds: int) -> Iterator[Lease]:
        """Hold a blob's lease, renewed in the background.

        LeaseHeldError where somebody else holds it; BlobMissingError where there is no such blob.
        """
        client = BlobLeaseClient(self._client.get_blob_client(name))
        try:
            client.acquire(lease_duration=seconds)
        except ResourceNotFoundError:
            raise BlobMissingError(f"{self.name}/{name} does not exist") from None
        except HttpResponseError as error:
            if error.status_code in _REFUSED:
                raise LeaseHeldError(f"{self.name}/{name} is leased") from None
            raise
        lease = Lease(client, f"{self.name}/{name}")
        keeper = threading.Thread(target=lease.keep, args=(seconds / 3,), daemon=True, name=f"lease of {name}")
        keeper.start()
        try:
            yield lease
        finally:
            lease.end()


def _info(properties: BlobProperties) -> BlobInfo:
    return BlobInfo(
        name=str(properties.name),
        etag=str(properties.etag).strip('"'),
        size=int(properties.size or 0),
        last_modified=properties.last_modified,
        metadata={key.lower(): unquote(value or "") for key, value in (properties.metadata or {}).items()},
    )


class AudioLinks:
    """URLs through which the Speech service reads audio.

    With an account key: a read-only SAS for the single blob (or read and list for one container), for `hours`. With an
    identity: a user delegation SAS of the same kind. With `plain`, URLs without any SAS, which the Speech resource
    reads with an identity of its own.
    """

    def __init__(self, service: BlobServiceClient, *, hours: int, plain: bool, now: Callable[[], datetime]) -> None:
        self._service = service
        self._lifetime = timedelta(hours=hours)
        self._plain = plain
        self._now = now
        self._delegation: tuple[UserDelegationKey, datetime] | None = None

    def blob(self, container: str, name: str) -> str:
        """A URL of one blob."""
        url: str = self._service.get_blob_client(container, name).url
        if self._plain:
            return url
        account, read = str(self._service.account_name), BlobSasPermissions(read=True)
        return f"{url}?{generate_blob_sas(account, container, name, permission=read, **self._signing())}"

    def container(self, name: str) -> str:
        """A URL of a whole container that may be read and listed (`contentContainerUrl`)."""
        url: str = self._service.get_container_client(name).url
        if self._plain:
            return url
        account, read = str(self._service.account_name), ContainerSasPermissions(read=True, list=True)
        return f"{url}?{generate_container_sas(account, name, permission=read, **self._signing())}"

    def _signing(self) -> dict[str, Any]:
        expiry = self._now() + self._lifetime
        key = getattr(self._service.credential, "account_key", None)
        if key:
            return {"account_key": key, "expiry": expiry}
        return {"user_delegation_key": self._delegation_key(), "expiry": expiry}

    def _delegation_key(self) -> UserDelegationKey:
        """A key that outlives what it signs, fetched once an hour rather than once a file; it may live seven days."""
        now = self._now()
        if self._delegation is None or self._delegation[1] < now:
            end = now + self._lifetime + timedelta(hours=1, minutes=5)
            key = self._service.get_user_delegation_key(now - timedelta(minutes=5), end)
            self._delegation = (key, now + timedelta(hours=1))
        return self._delegation[0]
