"""Archives of audio, unpacked with care: what may be in one, and how much may come out of it.

A zip archive is refused whole where a name in it leads out of it, where it is encrypted or holds other archives, and
where it is a bomb: counts and sizes are looked at before anything is unpacked, and what then does not fit them is
damaged.
"""

import lzma
import struct
import unicodedata
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath, PureWindowsPath
from stat import S_ISLNK

from emulator.content import JobError

FILES_LIMIT = 10_000
"""Files of an archive (Microsoft's page "Training and testing datasets" for Custom Speech)."""
UNPACKED_LIMIT = 8_000_000_000
"""Bytes that may come out of an archive."""
RATIO_LIMIT = 200
RATIO_FLOOR = 64_000_000
"""How many times its own size may come out of an archive, once so many bytes have: silence is packed well too."""
DIRECTORY_LIMIT = 16_000_000
"""Bytes of an archive's directory, which is read into memory."""

_ARCHIVE_SUFFIXES = frozenset({".zip", ".7z", ".rar", ".tar", ".gz", ".tgz", ".bz2", ".xz", ".zst", ".cab", ".jar"})
_ZIP_SIGNATURE = b"PK\x03\x04"
_ENCRYPTED = 0x1
_CHUNK = 1 << 18
_END = struct.Struct("<4s4H2LH")
_END_SIGNATURE = b"PK\x05\x06"
_COMMENT_LIMIT = 1 << 16
_DAMAGED = (
    zipfile.BadZipFile, zlib.error, lzma.LZMAError, struct.error, EOFError, OSError, RuntimeError, ValueError,
)  # fmt: skip
"""What reading a broken archive raises, as its content leads zipfile and the decompressors astray."""


class AudioArchive:
    """An opened archive; made by `open_archive`."""

    def __init__(self, archive: zipfile.ZipFile, size: int) -> None:
        self._archive = archive
        self.members = _members(archive)
        """The files, in the order of the archive; what systems add by themselves is left out."""
        unpacked = sum(member.file_size for member in self.members)  # zipfile gives no more than that
        if unpacked > min(UNPACKED_LIMIT, max(RATIO_FLOOR, RATIO_LIMIT * size)):
            raise _refused("It would unpack to far more than its own size.")

    def unpack(self, member: zipfile.ZipInfo, to: Path) -> None:
        """Write a file of the archive to disk. Raises JobError."""
        with to.open("wb") as file:
            for chunk in self._chunks(member):
                if not file.tell() and chunk.startswith(_ZIP_SIGNATURE):
                    raise _refused(f"{member.filename} is an archive itself.")
                file.write(chunk)

    def _chunks(self, member: zipfile.ZipInfo) -> Iterator[bytes]:
        try:
            with self._archive.open(member) as packed:
                while chunk := packed.read(_CHUNK):
                    yield chunk
        except _DAMAGED as error:
            raise _refused(f"{member.filename} is damaged or packed in an unknown way.") from error


def name_of(member: zipfile.ZipInfo) -> str:
    """The path of a file in the archive, in the Unicode form that text is read in."""
    return unicodedata.normalize("NFC", member.filename)


@contextmanager
def open_archive(path: Path) -> Iterator[AudioArchive]:
    """Open a zip archive; raises JobError where it is none, or one that is refused."""
    _check_directory(path)
    try:
        archive = zipfile.ZipFile(path)
    except _DAMAGED as error:
        raise _refused("It is damaged, or no zip archive.") from error
    with archive:
        yield AudioArchive(archive, path.stat().st_size)


def _check_directory(path: Path) -> None:
    """Look at what the archive's end says of its directory, before that is read into memory."""
    with path.open("rb") as file:
        size = path.stat().st_size
        file.seek(max(0, size - _COMMENT_LIMIT - _END.size))
        tail = file.read()
    place = tail.rfind(_END_SIGNATURE)
    if place < 0 or len(tail) - place < _END.size:
        raise _refused("It is damaged, or no zip archive.")
    _, _, _, _, files, directory_size, _, _ = _END.unpack_from(tail, place)
    if files > FILES_LIMIT or directory_size > DIRECTORY_LIMIT:
        raise _refused(f"It has more than {FILES_LIMIT:,} files.")


def _members(archive: zipfile.ZipFile) -> list[zipfile.ZipInfo]:
    members = [one for one in archive.infolist() if not one.is_dir() and not _is_systems_own(one.filename)]
    if len(members) > FILES_LIMIT:
        raise _refused(f"It has more than {FILES_LIMIT:,} files.")
    if len({name_of(member) for member in members}) < len(members):
        raise _refused("It has several files with the same name.")
    for member in members:
        if reason := _fault(member):
            raise _refused(reason)
    return members


def _fault(member: zipfile.ZipInfo) -> str | None:
    name = member.filename
    path = PurePosixPath(name)
    if not path.parts or not name.isprintable():
        return f"The name {name!r} is no file's name."
    if path.is_absolute() or ".." in path.parts or "\\" in name or PureWindowsPath(name).drive:
        return f"The name {name!r} leads out of it."
    if S_ISLNK(member.external_attr >> 16):
        return f"{name} is a symbolic link."
    if member.flag_bits & _ENCRYPTED:
        return f"{name} is encrypted."
    if path.suffix.lower() in _ARCHIVE_SUFFIXES:
        return f"{name} is an archive itself."
    return None


def _is_systems_own(name: str) -> bool:
    """Whether a file is one that macOS or Windows puts into folders and archives."""
    path = PurePosixPath(name)
    return path.parts[:1] == ("__MACOSX",) or path.name in {".DS_Store", "Thumbs.db", "desktop.ini"}


def _refused(reason: str) -> JobError:
    return JobError("InvalidData", f"The archive is refused. {reason}")
