"""What is deployed: the files that .funcignore leaves, with what requirements.txt installs and nothing else."""

import os
import shutil
import subprocess
import sys
from pathlib import Path, PurePosixPath

import pytest

pytestmark = pytest.mark.end_to_end

ROOT = Path(__file__).resolve().parents[2]
LOAD = """
import function_app
names = [function.get_function_name() for function in function_app.app.get_functions()]
import shared.wiring
print(sorted(names))
"""


def deployed_files() -> list[PurePosixPath]:
    """Files under version control, less those that .funcignore names."""
    patterns = [line.strip() for line in (ROOT / ".funcignore").read_text().splitlines() if line.strip()]
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, check=True, capture_output=True, text=True).stdout  # noqa: S607 - git is on PATH
    return [file for line in listed.splitlines() if not is_ignored(file := PurePosixPath(line), patterns)]


def is_ignored(file: PurePosixPath, patterns: list[str]) -> bool:
    """Whether a pattern names the file or a folder above it."""
    folders = [f"{parent}/" for parent in file.parents if str(parent) != "."]
    return any(
        folder == pattern or (pattern == ".*" and folder.startswith(".")) for pattern in patterns for folder in folders
    ) or any(len(file.parts) == 1 and file.match(pattern) for pattern in patterns)


def test_the_package_loads_with_its_requirements_alone(tmp_path: Path) -> None:
    """In an empty environment with requirements.txt installed, every function is found and all its parts import."""
    package = tmp_path / "package"
    for file in deployed_files():
        (package / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / file, package / file)
    tops = {path.name for path in package.iterdir()}
    assert tops == {"constraints.txt", "function_app.py", "host.json", "requirements.txt", "shared"}
    environment = tmp_path / "venv"
    python = str(environment / "bin/python")
    run(package, sys.executable, "-m", "venv", str(environment))
    run(package, python, "-m", "pip", "install", "-q", "--disable-pip-version-check", "-r", "requirements.txt")
    loaded = run(package, python, "-c", LOAD)
    assert "intake_audio" in loaded
    assert "sweep_jobs" in loaded


def run(folder: Path, *command: str) -> str:
    """Run a command in a folder, untouched by this environment's Python settings; what it printed."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "VIRTUAL_ENV"))}
    done = subprocess.run(command, cwd=folder, check=False, capture_output=True, text=True, env=clean)  # noqa: S603 - our own
    assert done.returncode == 0, done.stderr
    return done.stdout
