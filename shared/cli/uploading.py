"""Local audio on its way to the service: blobs of a container of their own, gone when the work is done."""

from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from azure.storage.blob import BlobServiceClient

from shared.cli.exits import KNOWN_ERRORS, one_line
from shared.cli.output import remark, transferring
from shared.cli.session import Session, identity
from shared.settings_model import Settings
from shared.storage import AudioLinks, BlobContainer

CONTAINER = "cli-uploads"
"""Apart from `audio`, whose blobs the app transcribes by itself."""


@dataclass(frozen=True)
class Source:
    """One audio file that the service reads."""

    name: str
    """How it is called to people, and what its output is named after."""
    url: str
    """With the SAS that reads it."""
    container: str
    blob: str
    etag: str

    @property
    def address(self) -> str:
        """The URL without what may be a secret."""
        return self.url.partition("?")[0]


class Uploads:
    """Uploads below a folder of the container `cli-uploads`; deleted at the end of the `with` block."""

    def __init__(self, session: Session, folder: str) -> None:
        settings = session.settings
        self._service = _storage(settings)
        self._container: BlobContainer = session.app.container(CONTAINER)
        self._container.create()
        plain = settings.audio_access == "identity"
        self._links = AudioLinks(self._service, hours=settings.audio_sas_hours, plain=plain, now=session.app.now)
        self._folder = folder
        self._names: list[str] = []

    def add(self, path: Path) -> Source:
        """Upload a file, in constant memory."""
        name = f"{self._folder}/{len(self._names)}/{path.name}"
        self._names.append(name)
        size = path.stat().st_size
        with (
            path.open("rb") as content,
            closing(self._service.get_blob_client(CONTAINER, name)) as blob,
            transferring(path.name, total=size) as told,
        ):
            written = blob.upload_blob(content, length=size, max_concurrency=4, progress_hook=told)
        etag = str(written["etag"]).strip('"')
        return Source(str(path), self._links.blob(CONTAINER, name), CONTAINER, path.name, etag)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        try:
            self._container.delete_all(self._names)
        except KNOWN_ERRORS as failed:
            remark(f"the uploads in {CONTAINER}/{self._folder} could not be deleted: {one_line(failed)}")
        self._service.close()


def _storage(settings: Settings) -> BlobServiceClient:
    limits: dict[str, Any] = {"connection_timeout": 10, "read_timeout": 60}
    if settings.data_storage:
        return BlobServiceClient.from_connection_string(settings.data_storage.get_secret_value(), **limits)
    return BlobServiceClient(str(settings.data_storage_blob_uri), credential=identity(), **limits)
