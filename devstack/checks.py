"""`test`, `lint` and `bench`: the project's checks, run with the tools of its environment."""

import argparse
import subprocess
import sys
from collections.abc import Sequence

from rich.console import Console

from devstack.azurite import ROOT
from devstack.display import say

LINTERS = (("ruff", "check", "."), ("ruff", "format", "--check", "."), ("mypy",))
SEVERAL_FILES_AT_ONCE = ("-n", "auto", "--maxprocesses", "4", "--dist", "loadfile")
"""A process for each processor, four at most, as the end-to-end tests start whole stacks."""


def test(given: argparse.Namespace, _: Console) -> int:
    """Run pytest with the given arguments; all tests, where there are none, several files at once."""
    return _run_module("pytest", *(given.pytest_arguments or SEVERAL_FILES_AT_ONCE))


def lint(_: argparse.Namespace, console: Console) -> int:
    """Run every linter, also after one has found something."""
    return _run_all(LINTERS, console)


def bench(_: argparse.Namespace, console: Console) -> int:
    """Run every benchmark, one after another, also after one has missed its goal."""
    modules = sorted(path.stem for path in (ROOT / "benchmarks").glob("[!_]*.py"))
    return _run_all([(f"benchmarks.{module}",) for module in modules], console)


def _run_all(modules: Sequence[Sequence[str]], console: Console) -> int:
    failed = []
    for command in modules:
        say(console, " ".join(command), style="bold")
        if _run_module(*command) != 0:
            failed.append(" ".join(command))
    if failed:
        say(console, f"Failed: {', '.join(failed)}", style="red")
    return 1 if failed else 0


def _run_module(*command: str) -> int:
    return subprocess.call([sys.executable, "-m", *command], cwd=ROOT)  # noqa: S603 - tools of the environment
