"""Jobs: what brings an entity from NotStarted through Running to Succeeded or Failed, and deletes it when it expires.

What a job of a kind does in between is its noun's own; here is what all of them share.
"""

import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import cast

from emulator.background import Background
from emulator.clock import Clock
from emulator.content import JobError
from emulator.errors import where
from emulator.faults import Faults
from emulator.notifications import Notifications
from emulator.records import Entity, EntityError, EntityFile, Status
from emulator.results import iso_timestamp
from emulator.store import Store

LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class JobSeconds:
    """How long a job stays in each state at least."""

    not_started: float = 0
    running: float = 0


NO_WAIT = JobSeconds()


@dataclass(frozen=True, slots=True)
class Done:
    """What a job leaves behind."""

    files: list[EntityFile]
    changes: Mapping[str, object] = field(default_factory=dict)
    """Fields of the entity that it sets, by name."""
    failure: EntityError | None = None
    """Why it failed, where it did and has files nonetheless."""


Progress = Callable[[int, int], None]
"""Told how many of a running job's parts are done, and how many there are."""

type Run[E: Entity] = Callable[[E, Progress], Awaitable[Done]]
"""What a job of a kind does while it is Running. Raises JobError where it fails and leaves nothing."""


@dataclass(frozen=True, slots=True)
class _Kind:
    noun: str
    run: Run[Entity]


class Jobs:
    """Runs the jobs of every kind, each as a task of its own."""

    def __init__(
        self,
        *,
        store: Store,
        clock: Clock,
        background: Background,
        faults: Faults,
        notifications: Notifications,
        seconds: JobSeconds,
    ) -> None:
        self._store = store
        self._clock = clock
        self._background = background
        self._faults = faults
        self._notifications = notifications
        self._seconds = seconds
        self._kinds: dict[type[Entity], _Kind] = {}
        self._progress: dict[str, tuple[int, int]] = {}

    def add[E: Entity](self, kind: type[E], noun: str, run: Run[E]) -> None:
        """Say what a kind of job does."""
        self._kinds[kind] = _Kind(noun, cast("Run[Entity]", run))

    def start(self, entity: Entity) -> None:
        """Take up a job, new or left unfinished when the service ended, or wait for its expiry.

        One that is `waiting` stays NotStarted until it is started again.
        """
        kind = type(entity)
        self._background.start(self._live(kind, entity.id), f"{self._kinds[kind].noun}/{entity.id}")

    def resume(self) -> None:
        """Take up every job of the store."""
        for kind in self._kinds:
            for entity in self._store.all(kind):
                if self._is_resumed(entity):
                    self.start(entity)

    def newest(self, count: int) -> list[tuple[str, Entity]]:
        """The nouns and jobs of every kind, the newest first."""
        jobs = [(one.noun, entity) for kind, one in self._kinds.items() for entity in self._store.all(kind)[-count:]]
        return sorted(jobs, key=lambda job: job[1].created, reverse=True)[:count]

    def counts(self) -> Counter[Status]:
        """How many jobs are in each status."""
        return sum((Counter(self._store.count_by_status(kind)) for kind in self._kinds), Counter())

    def progress(self, entity_id: str) -> tuple[int, int] | None:
        """How many parts of a running job are done, and how many there are."""
        return self._progress.get(entity_id)

    def retry_after(self, entity: Entity) -> int:
        """Whole seconds, at least one, that an unfinished job will still take if its work takes no time."""
        waits = self._seconds.not_started if entity.status == "NotStarted" else 0
        spent = (self._clock.now() - entity.last_action).total_seconds()
        return max(1, round(waits + self._seconds.running - spent))

    def delete(self, entity: Entity) -> None:
        """Delete a job with its files, and tell."""
        self._store.delete(entity, iso_timestamp(self._clock.now()))
        self._tell(entity, "Deletion")

    @staticmethod
    def _is_resumed(entity: Entity) -> bool:
        return not entity.finished or entity.expires() is not None

    async def _live(self, kind: type[Entity], entity_id: str) -> None:
        entity = self._store.get(kind, entity_id)
        if entity and entity.waiting:
            return
        if entity and not entity.finished:
            if entity.status == "NotStarted":
                await self._clock.sleep_until(entity.last_action + timedelta(seconds=self._seconds.not_started))
            await self._run(kind, entity_id)
        while (entity := self._store.get(kind, entity_id)) and (expires := entity.expires()):
            if expires <= self._clock.now():
                self.delete(entity)
            await self._clock.sleep_until(expires)

    async def _run(self, kind: type[Entity], entity_id: str) -> None:
        entity = self._entering(kind, entity_id, "Running")
        if not entity:
            return
        self._store.put(entity)
        self._tell(entity, "Processing")
        end = self._clock.now() + timedelta(seconds=self._seconds.running)
        try:
            done = await self._done(entity)
            await self._clock.sleep_until(end)
        finally:
            self._progress.pop(entity_id, None)
        changes = {"error": done.failure, **done.changes}
        if finished := self._entering(kind, entity_id, "Failed" if done.failure else "Succeeded", changes):
            self._store.finish(finished, done.files)
            self._tell(finished, "Completion")

    async def _done(self, entity: Entity) -> Done:
        try:
            if fault := self._faults.on_job(entity.display_name):
                return Done([], failure=EntityError(code=fault.code, message=fault.message))
            return await self._kinds[type(entity)].run(entity, lambda *parts: self._note(entity.id, parts))
        except JobError as error:
            return Done([], failure=EntityError(code=error.code, message=str(error)))
        except Exception as error:  # noqa: BLE001 - a defect must end the job, not leave it Running for ever
            LOG.error("Job %s failed: %s", entity.id, where(error))  # noqa: TRY400 - without its text
            return Done(
                [], failure=EntityError(code="Internal", message=f"The emulator failed: {type(error).__name__}.")
            )

    def _note(self, entity_id: str, parts: tuple[int, int]) -> None:
        self._progress[entity_id] = parts

    def _entering(
        self, kind: type[Entity], entity_id: str, status: Status, changes: Mapping[str, object] | None = None
    ) -> Entity | None:
        """The entity with a new status, not stored yet; it is read anew, as it may have been patched meanwhile."""
        entity = self._store.get(kind, entity_id)
        entered = {"status": status, "last_action": self._clock.now(), **(changes or {})}
        return entity.model_copy(update=entered) if entity else None

    def _tell(self, entity: Entity, stage: str) -> None:
        self._notifications.publish(entity, self._kinds[type(entity)].noun, stage)
