"""The service's state: entities in SQLite, their files in directories beside it."""

import secrets
import shutil
import sqlite3
import tempfile
from pathlib import Path
from typing import Self

from emulator.records import Content, Entity, EntityFile

_SCHEMA = """
CREATE TABLE IF NOT EXISTS entities (
    number INTEGER PRIMARY KEY, kind TEXT, id TEXT, subscription TEXT, deleted TEXT, body TEXT, UNIQUE (kind, id));
CREATE TABLE IF NOT EXISTS contents (id TEXT PRIMARY KEY, body TEXT);
CREATE TABLE IF NOT EXISTS files (id TEXT PRIMARY KEY, owner TEXT, body TEXT);
CREATE INDEX IF NOT EXISTS files_of ON files (owner);
CREATE TABLE IF NOT EXISTS events (
    subscription TEXT, kind TEXT, noun TEXT, id TEXT, PRIMARY KEY (subscription, kind));
CREATE TABLE IF NOT EXISTS secrets (name TEXT PRIMARY KEY, value BLOB);
"""
_IN_PROJECT = "FROM entities WHERE kind = ? AND deleted IS NULL AND body ->> '$.project' = ?"


class Store:
    """Everything that outlives a restart. With no location it lives in memory and in a temporary directory."""

    def __init__(self, location: Path | None) -> None:
        self._temporary = Path(tempfile.mkdtemp(prefix="speech-emulator-"))
        self._files = (location or self._temporary) / "files"
        self._folders = (location or self._temporary) / "folders"
        for directory in (self._files, self._folders):
            directory.mkdir(parents=True, exist_ok=True)
        self._database = sqlite3.connect(location / "state.sqlite" if location else ":memory:", isolation_level=None)
        self._database.executescript("PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;" + _SCHEMA)
        self._remove_orphans()

    @property
    def downloads(self) -> Path:
        """A directory for audio while it is recognized; it goes with the process."""
        return self._temporary

    def url_key(self) -> bytes:
        """The key that signs URLs of result files, made once."""
        self._database.execute("INSERT OR IGNORE INTO secrets VALUES ('url', ?)", (secrets.token_bytes(32),))
        key: bytes = self._database.execute("SELECT value FROM secrets WHERE name = 'url'").fetchone()[0]
        return key

    def put(self, entity: Entity) -> None:
        """Write an entity, new or changed."""
        self._database.execute(
            "INSERT INTO entities (kind, id, subscription, body) VALUES (?, ?, ?, ?)"
            " ON CONFLICT (kind, id) DO UPDATE SET body = excluded.body",
            (type(entity).__name__, entity.id, entity.subscription, entity.model_dump_json(by_alias=True)),
        )

    def get[E: Entity](self, kind: type[E], entity_id: str) -> E | None:
        """One entity that is not deleted."""
        row = self._database.execute(
            "SELECT body FROM entities WHERE kind = ? AND id = ? AND deleted IS NULL", (kind.__name__, entity_id)
        ).fetchone()
        return kind.model_validate_json(row[0]) if row else None

    def all[E: Entity](self, kind: type[E], subscription: str | None = None) -> list[E]:
        """The entities that are not deleted, in order of creation; of all subscriptions where none is given."""
        rows = self._database.execute(
            "SELECT body FROM entities WHERE kind = ? AND deleted IS NULL AND subscription = ifnull(?, subscription)"
            " ORDER BY number",
            (kind.__name__, subscription),
        )
        return [kind.model_validate_json(body) for (body,) in rows]

    def count(self, kind: type[Entity], subscription: str) -> int:
        """How many entities of a subscription are not deleted."""
        count: int = self._database.execute(
            "SELECT count(*) FROM entities WHERE kind = ? AND deleted IS NULL AND subscription = ?",
            (kind.__name__, subscription),
        ).fetchone()[0]
        return count

    def mentioning[E: Entity](self, kind: type[E], entity_id: str) -> list[E]:
        """The entities that are not deleted and have an id somewhere in them, of all subscriptions."""
        rows = self._database.execute(
            "SELECT body FROM entities WHERE kind = ? AND deleted IS NULL AND instr(body, ?)",
            (kind.__name__, entity_id),
        )
        return [kind.model_validate_json(body) for (body,) in rows]

    def in_project[E: Entity](self, kind: type[E], project_id: str) -> list[E]:
        """The entities that belong to a project and are not deleted, in order of creation."""
        rows = self._database.execute(f"SELECT body {_IN_PROJECT} ORDER BY number", (kind.__name__, project_id))
        return [kind.model_validate_json(body) for (body,) in rows]

    def count_in_project(self, kind: type[Entity], project_id: str) -> int:
        """How many they are."""
        count: int = self._database.execute(f"SELECT count(*) {_IN_PROJECT}", (kind.__name__, project_id)).fetchone()[0]
        return count

    def with_deleted[E: Entity](self, kind: type[E]) -> list[tuple[E, str | None]]:
        """Every entity that ever was, in order of creation, with the time of its deletion."""
        rows = self._database.execute(
            "SELECT body, deleted FROM entities WHERE kind = ? ORDER BY number", (kind.__name__,)
        )
        return [(kind.model_validate_json(body), deleted) for body, deleted in rows]

    def delete(self, entity: Entity, when: str) -> None:
        """Mark an entity deleted and remove its files and its folder."""
        self._database.execute(
            "UPDATE entities SET deleted = ? WHERE kind = ? AND id = ?", (when, type(entity).__name__, entity.id)
        )
        self.put_files(entity.id, [])
        shutil.rmtree(self.folder(entity.id), ignore_errors=True)

    def put_content(self, entity_id: str, content: Content) -> None:
        """Write where the data of a job comes from."""
        self._database.execute("REPLACE INTO contents VALUES (?, ?)", (entity_id, content.model_dump_json()))

    def content(self, entity_id: str) -> Content:
        """Where the data of a job, deleted or not, comes from; empty where none was given."""
        row = self._database.execute("SELECT body FROM contents WHERE id = ?", (entity_id,)).fetchone()
        return Content.model_validate_json(row[0]) if row else Content()

    def put_files(self, owner: str, files: list[EntityFile]) -> None:
        """Make these the files of an entity; the bytes of files that it had before and no longer has are removed."""
        kept = {file.id for file in files}
        for old in self.files(owner):
            if old.id not in kept:
                self.file_path(old.id).unlink(missing_ok=True)
        with self._database:
            self._database.execute("BEGIN")
            self._database.execute("DELETE FROM files WHERE owner = ?", (owner,))
            self._database.executemany(
                "INSERT INTO files VALUES (?, ?, ?)", [(file.id, owner, file.model_dump_json()) for file in files]
            )

    def add_files(self, files: list[EntityFile]) -> None:
        """Add files to what their owners have."""
        self._database.executemany(
            "INSERT INTO files VALUES (?, ?, ?)", [(file.id, file.owner, file.model_dump_json()) for file in files]
        )

    def remove_files(self, files: list[EntityFile]) -> None:
        """Remove files with their bytes."""
        self._database.executemany("DELETE FROM files WHERE id = ?", [(file.id,) for file in files])
        for file in files:
            self.file_path(file.id).unlink(missing_ok=True)

    def files(self, owner: str) -> list[EntityFile]:
        """The files of an entity in order of their ids, which is no order at all: the service's are unsorted."""
        rows = self._database.execute("SELECT body FROM files WHERE owner = ? ORDER BY id", (owner,))
        return [EntityFile.model_validate_json(body) for (body,) in rows]

    def file(self, file_id: str) -> EntityFile | None:
        """One file."""
        row = self._database.execute("SELECT body FROM files WHERE id = ?", (file_id,)).fetchone()
        return EntityFile.model_validate_json(row[0]) if row else None

    def file_path(self, file_id: str) -> Path:
        """Where the bytes of a file lie."""
        return self._files / file_id

    def folder(self, entity_id: str) -> Path:
        """A directory for what else belongs to an entity, such as uploaded blocks or a model; it goes with the entity.

        It need not be there yet.
        """
        return self._folders / entity_id

    def put_event(self, subscription: str, kind: str, noun: str, entity_id: str) -> None:
        """Remember the last entity that an event kind was raised for."""
        self._database.execute("REPLACE INTO events VALUES (?, ?, ?, ?)", (subscription, kind, noun, entity_id))

    def last_event(self, subscription: str, kind: str) -> tuple[str, str] | None:
        """Noun and id of the last entity that an event kind was raised for."""
        row: tuple[str, str] | None = self._database.execute(
            "SELECT noun, id FROM events WHERE subscription = ? AND kind = ?", (subscription, kind)
        ).fetchone()
        return row

    def clear(self) -> None:
        """Forget everything but the key of the URLs."""
        self._database.executescript(
            "DELETE FROM entities; DELETE FROM contents; DELETE FROM files; DELETE FROM events;"
        )
        for path in self._files.iterdir():
            path.unlink()
        for folder in self._folders.iterdir():
            shutil.rmtree(folder)

    def _remove_orphans(self) -> None:
        """Remove files that a job had written, and folders of uploads, when the process ended before they did."""
        for path in self._files.iterdir():
            if not self.file(path.name):
                path.unlink()
        entities = {row[0] for row in self._database.execute("SELECT id FROM entities WHERE deleted IS NULL")}
        for folder in self._folders.iterdir():
            if folder.name not in entities:
                shutil.rmtree(folder, ignore_errors=True)

    def close(self) -> None:
        """Give back the files; what is temporary is removed."""
        self._database.close()
        shutil.rmtree(self._temporary, ignore_errors=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
