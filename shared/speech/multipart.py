"""A form with a file that is read while it is sent, so that memory stays constant whatever the file's size is."""

import os
from collections.abc import Callable, Iterator, Mapping
from typing import BinaryIO

from urllib3 import encode_multipart_formdata

_CHUNK_BYTES = 256 * 2**10

type UploadProgress = Callable[[int, int], object]
"""Told the bytes sent so far, and all bytes; goes back to 0 when an upload is sent again."""


def file_size(file: BinaryIO) -> int:
    """Bytes from the file's present position to its end. ValueError if it cannot be read twice."""
    if not file.seekable():
        raise ValueError("an upload may have to be sent again: give a seekable file, such as one on disk")
    start = file.tell()
    size = file.seek(0, os.SEEK_END) - start
    file.seek(start)
    return size


class MultipartBody:
    """A body of multipart/form-data (RFC 7578): text fields, then one file from its present position to its end."""

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
            chunk = self._file.read(min(_CHUNK_BYTES, self._size - sent))
            if not chunk:
                raise ValueError(f"the file ended after {sent:,} of {self._size:,} bytes: it was changed meanwhile")
            yield chunk
            sent += len(chunk)
            if self._on_progress:
                self._on_progress(sent, self._size)
        yield self._end
