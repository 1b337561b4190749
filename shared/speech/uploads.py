"""Files on their way to the service: in a form, or cut into blocks; never whole in memory."""

import hashlib
import math
import os
import threading
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from urllib3 import encode_multipart_formdata

LARGEST_BLOCK_BYTES = 8 * 2**20
"""Operation Datasets_UploadBlock."""
MOST_BLOCKS = 50_000
"""Of one blob in Azure storage, which the blocks become."""
PIECE_BYTES = 64 * 2**10
"""What is handed to the network at once: Python gives each such piece the whole time limit of a connection."""

type UploadSource = Path | str | BinaryIO
"""A path, or a seekable binary file, which is read from its present position to its end."""
type UploadProgress = Callable[[int, int], object]
"""Told the bytes sent so far, and all bytes; goes back when an upload is sent again."""


@contextmanager
def opened(source: UploadSource) -> Iterator[BinaryIO]:
    """The source as a file; one that was opened here is closed again."""
    if isinstance(source, Path | str):
        with Path(source).open("rb") as file:
            yield file
    else:
        yield source


def source_name(source: UploadSource) -> str:
    """The name without folders that a source has; `data` for one without a name."""
    named = source if isinstance(source, Path | str) else getattr(source, "name", None)
    return Path(named).name if isinstance(named, Path | str) else "data"


def file_size(file: BinaryIO) -> int:
    """Bytes from the file's present position to its end. ValueError if it cannot be read twice."""
    if not file.seekable():
        raise ValueError("an upload may have to be sent again: give a seekable file, such as one on disk")
    start = file.tell()
    size = file.seek(0, os.SEEK_END) - start
    file.seek(start)
    return size


class MultipartBody:
    """A body of multipart/form-data (RFC 7578): text fields, then one file that is read while it is sent."""

    def __init__(
        self,
        fields: Mapping[str, str],
        *,
        file_field: str,
        filename: str,
        file: BinaryIO,
        on_progress: UploadProgress | None = None,
    ) -> None:
        no_file = (filename, b"", "application/octet-stream")
        form, self.content_type = encode_multipart_formdata([*fields.items(), (file_field, no_file)])
        boundary = self.content_type.rpartition("=")[2]
        self._end = f"\r\n--{boundary}--\r\n".encode()
        self._beginning = form.removesuffix(self._end)
        self._file = file
        self._size = file_size(file)
        self._start = file.tell()
        self._on_progress = on_progress

    def __len__(self) -> int:
        return len(self._beginning) + self._size + len(self._end)

    def __iter__(self) -> Iterator[bytes]:
        """The body from its beginning. ValueError if the file has become shorter meanwhile."""
        yield self._beginning
        self._file.seek(self._start)
        sent = 0
        while sent < self._size:
            chunk = self._file.read(min(PIECE_BYTES, self._size - sent))
            if not chunk:
                raise _shortened(sent, self._size)
            yield chunk
            sent += len(chunk)
            if self._on_progress:
                self._on_progress(sent, self._size)
        yield self._end


class BlockBody:
    """A block on its way; in pieces, so that a slow line has the time limit for each of them, not for the block."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    def __len__(self) -> int:
        return len(self._content)

    def __iter__(self) -> Iterator[bytes]:
        """The block from its beginning."""
        for start in range(0, len(self._content), PIECE_BYTES):
            yield self._content[start : start + PIECE_BYTES]


class BlockedFile:
    """A file cut into blocks of `block_bytes`, the last one shorter; threads may read different blocks at once.

    ValueError for an empty file, and for blocks that the service would not take.
    """

    def __init__(self, file: BinaryIO, block_bytes: int) -> None:
        if not 0 < block_bytes <= LARGEST_BLOCK_BYTES:
            raise ValueError(f"blocks have 1 to {LARGEST_BLOCK_BYTES:,} bytes, not {block_bytes:,}")
        self.size = file_size(file)
        if not 0 < self.size <= MOST_BLOCKS * block_bytes:
            raise ValueError(f"{self.size:,} bytes are not 1 to {MOST_BLOCKS:,} blocks of {block_bytes:,} bytes")
        self._file = file
        self._start = file.tell()
        self._block_bytes = block_bytes
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return math.ceil(self.size / self._block_bytes)

    def read(self, index: int) -> bytes:
        """The content of a block. ValueError if the file has become shorter meanwhile."""
        offset = index * self._block_bytes
        expected = min(self._block_bytes, self.size - offset)
        with self._lock:
            self._file.seek(self._start + offset)
            content = self._file.read(expected)
        if len(content) < expected:
            raise _shortened(offset + len(content), self.size)
        return content


def block_id(index: int, content: bytes) -> str:
    """The Base64 id of a block, of one length for all, that tells place and content: what is there need not be sent."""
    digest = hashlib.sha256(content).hexdigest()[:32]
    return b64encode(f"{index:05d}-{digest}".encode()).decode()


def _shortened(end: int, size: int) -> ValueError:
    return ValueError(f"the file ended after {end:,} of {size:,} bytes: it was changed meanwhile")
