"""Content logging: what was said to an endpoint, and what it answered, kept as files for 30 days.

Names and ids are those of the service's documentation, "How to log audio and transcriptions for speech recognition".
"""

import re
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from uuid import uuid4

from emulator.clock import Clock
from emulator.files import FileWriter
from emulator.records import EntityFile
from emulator.store import Store

KEPT = timedelta(days=30)
_LOG_ID = re.compile(r"\d{4}-\d\d-\d\d_\d{6}__[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}_(wav|v2_json)")


def is_log_id(text: str) -> bool:
    """Whether this has the form of a log's id, such as `2026-01-31_163715__<UUID>_v2_json` or `..._wav`."""
    return _LOG_ID.fullmatch(text) is not None


def base_model_owner(subscription: str, locale: str) -> str:
    """Who owns the logs of a subscription's requests for a locale that name no endpoint; else the endpoint does."""
    return f"{subscription}/{locale}"


class ContentLogs:
    """The logs of endpoints and base models; those older than 30 days are removed when somebody looks."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._writer = FileWriter(store, clock)

    async def add(self, owner: str, audio: bytes, answer: Mapping[str, object]) -> None:
        """Keep a request: its audio as WAV, and its answer."""
        now = self._clock.now()
        day, name = f"{now:%Y-%m-%d}", f"{now:%H%M%S}__{uuid4()}"
        self._store.add_files(
            [
                await self._writer.write(owner, "Audio", f"{name}.wav", audio, file_id=f"{day}_{name}_wav"),
                await self._writer.write(
                    owner, "Transcription", f"{name}.v2.json", dict(answer), file_id=f"{day}_{name}_v2_json"
                ),
            ]
        )

    def all(self, owner: str) -> Sequence[EntityFile]:
        """Every log of an owner, oldest first."""
        logs = self._store.files(owner)
        self._store.remove_files([log for log in logs if not self._is_kept(log)])
        return sorted((log for log in logs if self._is_kept(log)), key=lambda log: log.id)

    def find(self, owner: str, log_id: str) -> EntityFile | None:
        """One log of an owner."""
        log = self._store.file(log_id)
        return log if log and log.owner == owner and self._is_kept(log) else None

    def delete(self, owner: str, log_id: str) -> None:
        """Remove one log, if it is there: of audio and answer each is one."""
        if log := self.find(owner, log_id):
            self._store.remove_files([log])

    def delete_until(self, owner: str, day: date | None) -> None:
        """Remove the logs of a day (UTC) and of those before; all where there is no day."""
        self._store.remove_files([log for log in self.all(owner) if day is None or log.created.date() <= day])

    def _is_kept(self, log: EntityFile) -> bool:
        return log.created >= self._clock.now() - KEPT
