"""Local audio on its way to the service: blobs of a container of their own, gone when the work is done."""

from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from shared.cli.exits import KNOWN_ERRORS, one_line
from shared.cli.output import remark, transferring
from shared.cli.session import Session
from shared.storage import BlobContainer

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
        self._service = session.app.storage
        self._container: BlobContainer = session.app.container(CONTAINER)
        self._container.create()
        self._links = session.app.links
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
