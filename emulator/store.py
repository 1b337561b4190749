"""The service's state: entities in SQLite, their files in directories beside it."""

import secrets
import shutil
import sqlite3
import tempfile
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Self, overload

import orjson

from emulator.links import API_VERSIONS, ApiVersion
from emulator.records import Content, Entity, EntityFile, Status

_SCHEMA = """
CREATE TABLE IF NOT EXISTS entities (
    number INTEGER PRIMARY KEY, kind TEXT, id TEXT, subscription TEXT, deleted TEXT, body TEXT, UNIQUE (kind, id));
CREATE INDEX IF NOT EXISTS entities_in_order ON entities (kind) WHERE deleted IS NULL;
CREATE INDEX IF NOT EXISTS entities_of_project ON entities (kind, body ->> '$.project') WHERE deleted IS NULL;
CREATE TABLE IF NOT EXISTS contents (id TEXT PRIMARY KEY, body TEXT);
CREATE TABLE IF NOT EXISTS files (id TEXT PRIMARY KEY, owner TEXT, body TEXT);
CREATE INDEX IF NOT EXISTS files_of ON files (owner);
CREATE TABLE IF NOT EXISTS events (
    subscription TEXT, kind TEXT, noun TEXT, id TEXT, PRIMARY KEY (subscription, kind));
CREATE TABLE IF NOT EXISTS secrets (name TEXT PRIMARY KEY, value BLOB);
"""
_PRAGMAS = "PRAGMA locking_mode=EXCLUSIVE; PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;"
_OF_SUBSCRIPTION = "FROM entities WHERE kind = ? AND deleted IS NULL AND subscription = ifnull(?, subscription)"
_OF_VERSIONS = "body ->> '$.api_version' IN (SELECT value FROM json_each(?))"
_IN_PROJECT = "FROM entities WHERE kind = ? AND deleted IS NULL AND body ->> '$.project' = ?"


class Store:
    """Everything that outlives a restart. With no location it lives in memory and in a temporary directory.

    What belongs together is written in one transaction, so that a kill at any moment leaves nothing half-way. Bytes are
    written before the rows that name them and removed after those: a kill leaves at most bytes that are nobody's, which
    the next start removes.
    """

    def __init__(self, location: Path | None) -> None:
        """Open the state; OSError where the location cannot be used, or another emulator uses it."""
        self._temporary = None if location else Path(tempfile.mkdtemp(prefix="speech-emulator-"))
        root = location or self._temporary
        assert root  # noqa: S101 - one of the two
        self._files, self._folders, self.downloads = root / "files", root / "folders", root / "downloads"
        """`downloads` is for what comes in while it is looked at; it goes with the process."""
        for directory in (self._files, self._folders, self.downloads):
            directory.mkdir(parents=True, exist_ok=True)
        self._database = _opened(location)
        self._remove_orphans()
        _empty(self.downloads)

    def url_key(self) -> bytes:
        """The key that signs URLs of result files, made once."""
        self._database.execute("INSERT OR IGNORE INTO secrets VALUES ('url', ?)", (secrets.token_bytes(32),))
        key: bytes = self._database.execute("SELECT value FROM secrets WHERE name = 'url'").fetchone()[0]
        return key

    def put(self, entity: Entity, content: Content | None = None) -> None:
        """Write an entity, new or changed, and where the data of its job comes from if that is given."""
        with self._transaction():
            self._put(entity)
            if content:
                self._put_content(entity.id, content)

    def finish(self, entity: Entity, files: Iterable[EntityFile]) -> None:
        """Write an entity whose job is done with the files that it made; where its data came from loses its SAS."""
        content = self.content(entity.id).without_queries()
        with self._transaction():
            self._put(entity)
            self._put_content(entity.id, content)
            self._put_files(files)

    def _put(self, entity: Entity) -> None:
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

    def all[E: Entity](
        self, kind: type[E], subscription: str | None = None, versions: Collection[ApiVersion] = API_VERSIONS
    ) -> Sequence[E]:
        """The entities that are not deleted and were made by these versions, in order of creation.

        They are of all subscriptions where none is given.
        """
        rows = self._database.execute(
            f"SELECT body {_OF_SUBSCRIPTION} AND {_OF_VERSIONS} ORDER BY number",
            (kind.__name__, subscription, orjson.dumps(list(versions))),
        )
        return _Stored(kind, [body for (body,) in rows])

    def count_by_status(self, kind: type[Entity]) -> dict[Status, int]:
        """How many entities that are not deleted are in each status."""
        rows = self._database.execute(
            "SELECT body ->> '$.status', count(*) FROM entities WHERE kind = ? AND deleted IS NULL GROUP BY 1",
            (kind.__name__,),
        )
        return dict(rows)

    def count(self, kind: type[Entity], subscription: str) -> int:
        """How many entities of a subscription are not deleted."""
        key = (kind.__name__, subscription)
        count: int = self._database.execute(f"SELECT count(*) {_OF_SUBSCRIPTION}", key).fetchone()[0]
        return count

    def mentioning[E: Entity](self, kind: type[E], entity_id: str) -> list[E]:
        """The entities that are not deleted and have an id somewhere in them, of all subscriptions."""
        rows = self._database.execute(
            "SELECT body FROM entities WHERE kind = ? AND deleted IS NULL AND instr(body, ?)",
            (kind.__name__, entity_id),
        )
        return [kind.model_validate_json(body) for (body,) in rows]

    def in_project[E: Entity](
        self, kind: type[E], project_id: str, versions: Collection[ApiVersion] = API_VERSIONS
    ) -> Sequence[E]:
        """The same of those that belong to a project."""
        rows = self._database.execute(
            f"SELECT body {_IN_PROJECT} AND {_OF_VERSIONS} ORDER BY number",
            (kind.__name__, project_id, orjson.dumps(list(versions))),
        )
        return _Stored(kind, [body for (body,) in rows])

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
        """Remove an entity with its files and its folder; of a transcription, what `with_deleted` tells stays."""
        key = (type(entity).__name__, entity.id)
        owned = self.files(entity.id)
        with self._transaction():
            if entity.is_remembered:
                self._database.execute("UPDATE entities SET deleted = ? WHERE kind = ? AND id = ?", (when, *key))
            else:
                self._database.execute("DELETE FROM entities WHERE kind = ? AND id = ?", key)
                self._database.execute("DELETE FROM contents WHERE id = ?", (entity.id,))
            self._database.execute("DELETE FROM files WHERE owner = ?", (entity.id,))
        self._remove_bytes(owned)
        shutil.rmtree(self.folder(entity.id), ignore_errors=True)

    def _put_content(self, entity_id: str, content: Content) -> None:
        if content != Content():
            self._database.execute("REPLACE INTO contents VALUES (?, ?)", (entity_id, content.model_dump_json()))

    def content(self, entity_id: str) -> Content:
        """Where the data of a job, deleted or not, comes from; empty where none was given."""
        row = self._database.execute("SELECT body FROM contents WHERE id = ?", (entity_id,)).fetchone()
        return Content.model_validate_json(row[0]) if row else Content()

    def add_files(self, files: Iterable[EntityFile]) -> None:
        """Add files to what their owners have."""
        with self._transaction():
            self._put_files(files)

    def _put_files(self, files: Iterable[EntityFile]) -> None:
        rows = [(file.id, file.owner, file.model_dump_json()) for file in files]
        self._database.executemany("INSERT INTO files VALUES (?, ?, ?)", rows)

    def remove_files(self, files: list[EntityFile]) -> None:
        """Remove files with their bytes."""
        with self._transaction():
            self._database.executemany("DELETE FROM files WHERE id = ?", [(file.id,) for file in files])
        self._remove_bytes(files)

    def _remove_bytes(self, files: Iterable[EntityFile]) -> None:
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
        with self._transaction():
            for table in ("entities", "contents", "files", "events"):
                self._database.execute(f"DELETE FROM {table}")  # noqa: S608 - our own names
        self._remove_orphans()

    def _remove_orphans(self) -> None:
        """Remove the bytes of jobs and uploads that nobody has, as the process ended before they did."""
        _empty(self._files, but={row[0] for row in self._database.execute("SELECT id FROM files")})
        entities = self._database.execute("SELECT id FROM entities WHERE deleted IS NULL")
        _empty(self._folders, but={row[0] for row in entities})

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        with self._database:  # which commits, or rolls back
            self._database.execute("BEGIN")
            yield

    def close(self) -> None:
        """Give back the files; what is temporary is removed."""
        self._database.close()
        shutil.rmtree(self._temporary or self.downloads, ignore_errors=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class _Stored[E: Entity](Sequence[E]):
    """Entities that are read when they are looked at: a page of a long list costs no more than that of a short one."""

    def __init__(self, kind: type[E], bodies: list[str]) -> None:
        self._kind = kind
        self._bodies = bodies

    def __len__(self) -> int:
        return len(self._bodies)

    @overload
    def __getitem__(self, index: int) -> E: ...

    @overload
    def __getitem__(self, index: slice) -> "_Stored[E]": ...

    def __getitem__(self, index: int | slice) -> "E | _Stored[E]":
        if isinstance(index, slice):
            return _Stored(self._kind, self._bodies[index])
        return self._kind.model_validate_json(self._bodies[index])


def _opened(location: Path | None) -> sqlite3.Connection:
    path = location / "state.sqlite" if location else ":memory:"
    with ExitStack() as unusable:
        try:
            database = sqlite3.connect(path, timeout=0, isolation_level=None)
            unusable.callback(database.close)
            database.executescript(_PRAGMAS + _SCHEMA)
        except sqlite3.Error as error:
            message = f"The state in {location} cannot be used, or another emulator uses it: {error}."
            raise OSError(message) from error
        unusable.pop_all()
    return database


def _empty(directory: Path, *, but: Collection[str] = ()) -> None:
    """Remove the files and folders in a directory but for those named."""
    for path in directory.iterdir():
        if path.name not in but:
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)
