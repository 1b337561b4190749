"""The package as it is deployed: the files that `.funcignore` leaves, with what `requirements.txt` installs."""

import os
import shutil
import subprocess
import sys
from pathlib import Path, PurePosixPath

from devstack.azurite import ROOT


def deployed_files() -> list[PurePosixPath]:
    """Files under version control, less those that `.funcignore` names."""
    patterns = [line.strip() for line in (ROOT / ".funcignore").read_text().splitlines() if line.strip()]
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, check=True, capture_output=True, text=True).stdout  # noqa: S607 - git is on PATH
    return [file for line in listed.splitlines() if not _is_ignored(file := PurePosixPath(line), patterns)]


def _is_ignored(file: PurePosixPath, patterns: list[str]) -> bool:
    """Whether a pattern names the file or a folder above it."""
    folders = [f"{parent}/" for parent in file.parents if str(parent) != "."]
    return any(
        folder == pattern or (pattern == ".*" and folder.startswith(".")) for pattern in patterns for folder in folders
    ) or any(len(file.parts) == 1 and file.match(pattern) for pattern in patterns)


def build(package: Path, environment: Path) -> str:
    """Copy the app into `package`, install its requirements in an empty `environment`; returns the latter's Python.

    Nothing is compiled to bytecode, as it is not in a deployed package.
    """
    for file in deployed_files():
        (package / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / file, package / file)
    python = str(environment / "bin/python")
    run(package, sys.executable, "-m", "venv", str(environment))
    install = ["pip", "install", "-q", "--no-compile", "--disable-pip-version-check", "-r", "requirements.txt"]
    run(package, python, "-m", *install)
    return python


def run(folder: Path, *command: str) -> str:
    """Run a command in a folder, untouched by this environment's Python settings; returns what it printed.

    RuntimeError with what it wrote to standard error where it fails.
    """
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "VIRTUAL_ENV"))}
    done = subprocess.run(command, cwd=folder, check=False, capture_output=True, text=True, env=clean)  # noqa: S603 - our own
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command)} failed:\n{done.stderr}")
    return done.stdout
