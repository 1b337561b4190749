"""Worlds for end-to-end tests; each has a storage account of its own in one Azurite."""

import base64
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from devstack.azurite import Azurite
from emulator import JobSeconds, SpeechEmulator
from tests.end_to_end.world import World

ACCOUNTS = {f"world{number}": base64.b64encode(f"key of world {number}".encode()).decode() for number in range(200)}

type NewWorld = Callable[[], World]


@pytest.fixture(scope="session")
def accounts() -> Iterator[str]:
    """Names of storage accounts that no test has used."""
    return iter(ACCOUNTS)


@pytest.fixture(scope="session")
def storage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Azurite]:
    """Azurite with an account for each world."""
    with Azurite(log=tmp_path_factory.mktemp("azurite") / "azurite.log", accounts=ACCOUNTS) as process:
        process.wait_until_ready()
        yield process


@pytest.fixture
def new_world(storage: Azurite, accounts: Iterator[str], tmp_path: Path) -> Iterator[NewWorld]:
    """Makes worlds with an emulator whose jobs run for a moment; all end with the test."""
    with ExitStack() as worlds:

        def make() -> World:
            emulator = worlds.enter_context(SpeechEmulator(engine="scripted", job_seconds=JobSeconds(0.1, 0.3)))
            account = next(accounts)
            return worlds.enter_context(World(storage, account, emulator, tmp_path / account))

        yield make


@pytest.fixture
def world(new_world: NewWorld) -> World:
    """A world with its host running."""
    made = new_world()
    made.start_host()
    return made
