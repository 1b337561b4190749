"""The files that a model is made of, as its manifest names them."""

import asyncio
from pathlib import Path

from emulator.engines.protocol import Engine, FileBasedEngine
from emulator.files import FileWriter
from emulator.models import BaseModel
from emulator.records import EntityFile
from emulator.store import Store


async def model_files(writer: FileWriter, owner: str, model_id: str, folder: Path) -> list[EntityFile]:
    """The files below a folder, named as below one that is called after the model."""
    paths = await asyncio.to_thread(lambda: sorted(path for path in folder.rglob("*") if path.is_file()))
    return [
        await writer.link(owner, "ModelFile", f"{model_id}/{path.relative_to(folder).as_posix()}", path)
        for path in paths
    ]


class BaseModelFiles:
    """The files of base models: those of the engine's package, taken into the store when they are first asked for."""

    def __init__(self, *, store: Store, writer: FileWriter, engine: Engine, engine_name: str) -> None:
        self._store = store
        self._writer = writer
        self._engine = engine
        self._engine_name = engine_name
        self._lock = asyncio.Lock()

    async def of(self, model: BaseModel) -> list[EntityFile]:
        """The files of one base model; none where the engine works without."""
        if not isinstance(self._engine, FileBasedEngine):
            return []
        owner = f"{self._engine_name}/{model.path}"
        async with self._lock:
            if not self._store.files(owner):
                folder = self._engine.base_model(model.locale)
                self._store.add_files(await model_files(self._writer, owner, model.id, folder))
            return self._store.files(owner)
