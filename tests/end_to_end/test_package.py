"""What is deployed: the files that .funcignore leaves, with what requirements.txt installs and nothing else."""

from pathlib import Path

import pytest

from devstack.package import build, run

pytestmark = pytest.mark.end_to_end

LOAD = """
import function_app
names = [function.get_function_name() for function in function_app.app.get_functions()]
import shared.wiring
print(sorted(names))
"""


def test_the_package_loads_with_its_requirements_alone(tmp_path: Path) -> None:
    """In an empty environment with requirements.txt installed, every function is found and all its parts import."""
    package = tmp_path / "package"
    python = build(package, tmp_path / "venv")
    tops = {path.name for path in package.iterdir()}
    assert tops == {"constraints.txt", "function_app.py", "host.json", "requirements.txt", "shared"}
    loaded = run(package, python, "-c", LOAD)
    assert "intake_audio" in loaded
    assert "sweep_jobs" in loaded
