"""Files of entities, written beside the event loop: large ones take time."""

import shutil
from pathlib import Path
from uuid import uuid4

import orjson

from emulator.clock import Clock
from emulator.records import EntityFile, FileKind
from emulator.results import Json
from emulator.store import Store
from emulator.threads import in_thread


class FileWriter:
    """Writes files; they belong to their entity once the store has them (`Store.finish`, `Store.add_files`)."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def write(
        self, owner: str, kind: FileKind, name: str, content: Json | bytes, *, file_id: str | None = None
    ) -> EntityFile:
        """Write a file, a JSON document or bytes as they are; its id is a new UUID unless it is given."""
        file_id = file_id or str(uuid4())

        def write() -> int:
            data = content if isinstance(content, bytes) else orjson.dumps(content)
            return self._store.file_path(file_id).write_bytes(data)

        return self._file(file_id, owner, kind, name, await in_thread(lambda _: write()))

    async def link(self, owner: str, kind: FileKind, name: str, path: Path) -> EntityFile:
        """Give a file of the entity's folder a second name as its file, which takes no space."""
        file_id = str(uuid4())
        size = await in_thread(lambda _: _link(path, self._store.file_path(file_id)))
        return self._file(file_id, owner, kind, name, size)

    async def move(self, owner: str, kind: FileKind, name: str, path: Path, *, duration_ticks: int) -> EntityFile:
        """Make a file of the entity's folder an audio file of the entity."""
        file_id = str(uuid4())
        size = await in_thread(lambda _: path.replace(self._store.file_path(file_id)).stat().st_size)
        file = self._file(file_id, owner, kind, name, size)
        return file.model_copy(update={"duration_ticks": duration_ticks})

    def _file(self, file_id: str, owner: str, kind: FileKind, name: str, size: int) -> EntityFile:
        return EntityFile(id=file_id, owner=owner, kind=kind, name=name, created=self._clock.now(), size=size)


def _link(path: Path, to: Path) -> int:
    try:
        to.hardlink_to(path)
    except OSError:  # a file system without links
        shutil.copyfile(path, to)
    return to.stat().st_size
