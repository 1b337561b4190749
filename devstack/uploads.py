"""Audio files on their way into the stack: checked before anything starts, and named so that none hides another."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from azure.storage.blob import BlobServiceClient
from tinytag import TinyTag, TinyTagException

from shared.audio import rejection
from shared.pipeline.ledger import AUDIO_CONTAINER

_LEAN_BYTES_PER_SECOND = 1_000
"""What speech is encoded with at the least; tells how long audio may be whose header does not say it."""


class InputError(Exception):
    """What was given cannot be used; the text has a line for each file or folder."""


@dataclass(frozen=True)
class Upload:
    """An audio file, and what it is called in the container and among copied transcripts."""

    path: Path
    blob: str
    """Name of the blob in `audio`; its outcomes are named after it."""
    copy: str
    """Name of its copies, less the ending."""

    def send(self, storage: BlobServiceClient) -> str:
        """Upload the file, and return the ETag of the blob, which tells this version from any other."""
        client = storage.get_blob_client(AUDIO_CONTAINER, self.blob)
        with self.path.open("rb") as content:
            return str(client.upload_blob(content, overwrite=True)["etag"]).strip('"')


def plan_uploads(paths: Sequence[Path]) -> list[Upload]:
    """Check the files and give them names; InputError where one cannot be read, or would be refused as it is."""
    problems = [problem for path in paths if (problem := _problem(path))]
    if problems:
        raise InputError("\n".join(problems))
    blobs = unique_names([path.name for path in paths])
    stems = Counter(Path(blob).stem.casefold() for blob in blobs)
    copies = [Path(blob).stem if stems[Path(blob).stem.casefold()] == 1 else blob for blob in blobs]
    return [Upload(*names) for names in zip(paths, blobs, copies, strict=True)]


def unique_names(names: Iterable[str]) -> list[str]:
    """The names, those that came before (compared without case) with a number: `call.wav`, `call-2.wav`."""
    given = list(names)
    taken = {name.casefold() for name in given}
    seen: set[str] = set()
    result = []
    for name in given:
        unique, number = name, 1
        while unique.casefold() in seen or (number > 1 and unique.casefold() in taken):
            number += 1
            unique = f"{Path(name).stem}-{number}{Path(name).suffix}"
        seen.add(unique.casefold())
        result.append(unique)
    return result


def seconds_of_speech(path: Path) -> float:
    """How long the channels of a file are together, in seconds: what its header says, or at most as its size allows."""
    try:
        tag = TinyTag.get(path, tags=False)
    except (TinyTagException, ValueError, LookupError, OSError):
        tag = None
    if tag and tag.duration:
        return tag.duration * (tag.channels or 1)
    return path.stat().st_size / _LEAN_BYTES_PER_SECOND


def _problem(path: Path) -> str | None:
    try:
        with path.open("rb"):
            size = path.stat().st_size
    except OSError as error:
        return f"{path}: {error.strerror}"
    rejected = rejection(path.name, size)
    return f"{path}: {rejected[1]}" if rejected else None
