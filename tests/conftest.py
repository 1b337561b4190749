"""What tests of more than one folder share: Azurite, started once for a run."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from devstack.azurite import Azurite


@pytest.fixture(scope="session")
def azurite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Azurite]:
    """A real storage service on loopback, in memory."""
    log: Path = tmp_path_factory.mktemp("azurite") / "azurite.log"
    with Azurite(log=log) as process:
        process.wait_until_ready()
        yield process
