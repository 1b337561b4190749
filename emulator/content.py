"""Data by URL: single blobs by the SAS that their URL carries, whole containers by the blob service's listing.

Results are written to a container in the same way.
"""

import contextlib
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote
from xml.etree import ElementTree as ET

from aiohttp import ClientError, ClientResponse, ClientSession, ClientTimeout
from yarl import URL

from emulator.datasets.contents import DatasetAudio
from emulator.engines.protocol import AudioRejectedError
from emulator.storage_connection import StorageConnection, is_signed

FILE_SIZE_LIMIT = 1_000_000_000
"""Bytes of one audio file (documented quota of batch transcription)."""
CONTAINER_BLOBS_LIMIT = 10_000
CONTAINER_SIZE_LIMIT = 5_000_000_000
"""Blobs and bytes of a container (definition Transcription, contentContainerUrl)."""
PAGE_SIZE = 5_000
"""Blobs asked for in one page of a listing."""
SIDECAR_SIZE_LIMIT = 1_000_000
CHUNK = 1 << 18
TIME_LIMITS = ClientTimeout(total=600, sock_connect=10, sock_read=60)
METADATA_PREFIX = "x-ms-meta-"


@dataclass(frozen=True, slots=True)
class Recording:
    """One audio file of a request: the URL to read, and what result and report call it."""

    url: str
    source: str
    result_name: str
    local: DatasetAudio | None = None
    """The file, where it is one of a dataset; the URL is then just its name."""

    @property
    def plain_url(self) -> str:
        """The URL without its query."""
        return self.url.partition("?")[0]


class JobError(Exception):
    """A transcription that fails as a whole, such as by a container that cannot be read; `code` is its error code."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def recordings_of(urls: list[str]) -> list[Recording]:
    """The files of `contentUrls`: their source is the URL as given, the name of their result has its index."""
    return [Recording(url, url, f"contenturl_{number}.json") for number, url in enumerate(urls)]


def recordings_of_dataset(dataset_id: str, audio: Iterable[DatasetAudio]) -> list[Recording]:
    """The audio files of a dataset: their source is their name, as is that of their result, with `.json`."""
    return [Recording(f"datasets/{dataset_id}/{one.name}", one.name, f"{one.name}.json", one) for one in audio]


class ContentReader:
    """Reads, and writes, over HTTP with time limits; nothing here repeats a URL's query."""

    def __init__(self, session: ClientSession, storages: Sequence[StorageConnection] = ()) -> None:
        self._session = session
        self._storages = storages

    async def download(self, url: str, to: Path, *, limit: int = FILE_SIZE_LIMIT) -> dict[str, str]:
        """Stream a blob of at most `limit` bytes into a file; returns its metadata, names in lower case.

        Raises AudioRejectedError.
        """
        async with self._get(url) as response:
            if (response.content_length or 0) > limit:
                raise _too_large(limit)
            size = 0
            with to.open("wb") as file:
                async for chunk in response.content.iter_chunked(CHUNK):
                    size += file.write(chunk)
                    if size > limit:
                        raise _too_large(limit)
            return {
                name.lower().removeprefix(METADATA_PREFIX): value
                for name, value in response.headers.items()
                if name.lower().startswith(METADATA_PREFIX)
            }

    async def sidecar(self, url: str) -> str | None:
        """The text of `<audio URL>.txt` (with the audio's own query), or None where it cannot be read."""
        path, mark, query = url.partition("?")
        with contextlib.suppress(AudioRejectedError):
            async with self._get(f"{path}.txt{mark}{query}") as response:
                text = await response.content.read(SIDECAR_SIZE_LIMIT)
                return text.decode(errors="replace")
        return None

    async def container(self, url: str) -> list[Recording]:
        """The blobs of a container, by operation List Blobs; their source is their path. Raises JobError."""
        path, _, query = url.partition("?")
        recordings: list[Recording] = []
        size, marker = 0, ""
        while True:
            more = f"&marker={quote(marker, safe='')}" if marker else ""
            page = await self._listing(f"{path}?restype=container&comp=list&maxresults={PAGE_SIZE}&{query}{more}")
            for blob in page.iter("Blob"):
                name = blob.findtext("Name") or ""
                size += int(blob.findtext("Properties/Content-Length") or 0)
                recordings.append(Recording(f"{path.rstrip('/')}/{quote(name)}?{query}", name, f"{name}.json"))
            if len(recordings) > CONTAINER_BLOBS_LIMIT or size > CONTAINER_SIZE_LIMIT:
                raise JobError("InvalidData", "The container has more than 10,000 blobs or more than 5 GB.")
            if not (marker := page.findtext("NextMarker") or ""):
                return recordings

    async def put(self, url: str, path: Path) -> None:
        """Write a file to a blob (operation Put Blob), in place of one that is there. Raises AudioRejectedError."""
        headers = {"x-ms-blob-type": "BlockBlob", "Content-Type": "application/json"}
        with _failures(), path.open("rb") as file:
            async with self._session.put(
                URL(url, encoded=True), data=file, headers=headers, timeout=TIME_LIMITS
            ) as response:
                _check_status(response.status, 201)

    async def _listing(self, url: str) -> ET.Element:
        try:
            async with self._get(url) as response:
                return ET.fromstring(await response.read())  # noqa: S314 - a listing of the storage the caller chose, expat bounds entities
        except AudioRejectedError as error:
            raise JobError(error.kind, f"The container cannot be listed. {error}") from None
        except ET.ParseError:
            raise JobError("InvalidUri", "The container URL did not answer with a list of blobs.") from None

    @contextlib.asynccontextmanager
    async def _get(self, url: str) -> AsyncIterator[ClientResponse]:
        """A response of 200; anything else is raised as the service's error kind."""
        with _failures():
            authorized = URL(self._authorized(url), encoded=True)
            async with self._session.get(authorized, timeout=TIME_LIMITS) as response:
                _check_status(response.status, 200)
                yield response

    def _authorized(self, url: str) -> str:
        """The URL with a SAS where it has none and is one of storage that the emulator is connected to."""
        if is_signed(url):
            return url
        for storage in self._storages:
            if storage.covers(url):
                plain, _, query = url.partition("?")
                return f"{plain}?{'&'.join(part for part in (query.strip('&'), storage.signature()) if part)}"
        return url


@contextlib.contextmanager
def _failures() -> Iterator[None]:
    """Raise what goes wrong on the network as the service's error kind, without its text: it may hold the URL."""
    try:
        yield
    except TimeoutError:
        raise AudioRejectedError("Timeout", "The URL did not answer in time.") from None
    except (ClientError, ConnectionError, ValueError):
        raise AudioRejectedError("InvalidUri", "The URL cannot be reached.") from None


def _check_status(status: int, wanted: int) -> None:
    if status >= 500 or status == 429:
        raise AudioRejectedError("Transient", f"The storage answered with status {status}.")
    if status != wanted:
        raise AudioRejectedError("InvalidUri", f"The URL answered with status {status}.")


def _too_large(limit: int) -> AudioRejectedError:
    return AudioRejectedError("InvalidData", f"The data is larger than {limit // 1_000_000:,} MB.")
