"""How an emulator is set up."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from emulator.faults import Fault
from emulator.jobs import NO_WAIT, JobSeconds
from emulator.storage_connection import StorageConnection

DEFAULT_KEY = "c3BlZWNoLWVtdWxhdG9yLWtleS0wMA"
"""The well-known key that works where none is given: documented, no secret."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that can be chosen at the start."""

    engine: str = "scripted"
    model: Path | None = None
    """The folder of the engine's model, for an engine that has none of its own."""
    locales: Sequence[str] = ()
    """The only locales that are recognized; all that the engine has where none is named."""
    port: int = 0
    """0 means a free one."""
    location: Path | None = None
    """Where state is kept; None keeps it in memory."""
    keys: Sequence[str] = (DEFAULT_KEY,)
    """Each key is a subscription; subscriptions do not see each other's entities."""
    storages: Sequence[StorageConnection] = ()
    """Those whose URLs need no SAS."""
    strict: bool = True
    workers: int | None = None
    """Files recognized at once; None leaves it to the engine."""
    job_seconds: JobSeconds = NO_WAIT
    requests_per_10_seconds: int | None = None
    """The quota of each subscription's requests (the service's is 100); None is none."""
    faults: Sequence[Fault] = ()
    seed: int = 0
    """For what faults leave to chance."""
