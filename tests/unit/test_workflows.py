"""The GitHub workflows: pinned, least-privileged, free of injection, and calling what exists in this repository."""

import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

import dev

ROOT = Path(__file__).parents[2]
CI = ".github/workflows/ci.yml"
DEPLOY = ".github/workflows/deploy.yml"

ALLOWED_WRITES = {(DEPLOY, "deploy"): {"id-token"}}
"""Who may write what with the job's token: only the deployment, and it a token for Azure only."""

_USES = re.compile(r"uses: *(\S+)(.*)")
_PINNED = re.compile(r"[\w-]+/[\w-]+@[0-9a-f]{40}")
_VERSION = re.compile(r" # v\d+\.\d+\.\d+")
_OWN_PATH = re.compile(r"(?<![\w$/.])(?:\.ci|infra|tests|benchmarks|dev\.py)(?:/[\w.-]+)*")


def problems(files: Mapping[str, str]) -> list[str]:
    """What is wrong with workflows (texts by path)."""
    found = [*_pin_problems(files)]
    for path, text in files.items():
        try:
            workflow = yaml.safe_load(text)
        except yaml.YAMLError as error:
            found.append(f"{path}: {error}")
            continue
        found += [*_permission_problems(path, workflow), *_step_problems(path, workflow)]
    return found


def _pin_problems(files: Mapping[str, str]) -> Iterator[str]:
    """Actions that are not a commit with its version beside it, and one action at two commits."""
    pins: dict[str, str] = {}
    for path, text in files.items():
        for action, comment in _USES.findall(text):
            if not _PINNED.fullmatch(action) or not _VERSION.fullmatch(comment):
                yield f"{path}: {action} is not pinned by a commit, with its version as a comment"
            name, _, commit = action.partition("@")
            if pins.setdefault(name, commit + comment) != commit + comment:
                yield f"{path}: {name} is pinned twice, differently"


def _permission_problems(path: str, workflow: Mapping[str, Any]) -> Iterator[str]:
    if workflow.get("permissions") != {"contents": "read"}:
        yield f"{path}: the workflow's permissions are not stated as contents: read alone"
    if "concurrency" not in workflow:
        yield f"{path}: the workflow's concurrency is not stated"
    for name, job in workflow["jobs"].items():
        if "timeout-minutes" not in job:
            yield f"{path}: the job {name} has no time limit"
        writes = {what for what, how in job.get("permissions", {}).items() if how != "read"}
        if writes - ALLOWED_WRITES.get((path, name), set()):
            yield f"{path}: the job {name} may write {sorted(writes)}"
        if "id-token" in writes and "environment" not in job:
            yield f"{path}: the job {name} gets a token for Azure without an environment that guards it"


def _step_problems(path: str, workflow: Mapping[str, Any]) -> Iterator[str]:
    for step in (step for job in workflow["jobs"].values() for step in job["steps"]):
        script = step.get("run", "")
        if "${{" in script:
            yield f"{path}: {step['name']!r} puts an expression into a script; pass it as a variable"
        for own in _OWN_PATH.findall(script):
            if not (ROOT / own).exists():
                yield f"{path}: {step['name']!r} uses {own}, which does not exist"
        if re.fullmatch(r"\.\S+", script) and not os.access(ROOT / script, os.X_OK):
            yield f"{path}: {script} cannot be executed"
        if "actions/checkout@" in step.get("uses", "") and step.get("with", {}).get("persist-credentials") is not False:
            yield f"{path}: the checkout leaves its token behind"
        yield from _variable_problems(path, script)
    if "secrets." in str(workflow):
        yield f"{path}: a secret is used, though none is needed"


def _variable_problems(path: str, script: str) -> Iterator[str]:
    """Variables of azd that no deployment leaves behind."""
    outputs = re.findall(r"^output (\w+) ", (ROOT / "infra/main.bicep").read_text(), re.MULTILINE)
    for name in re.findall(r"azd env get-value (\w+)", script):
        if name not in outputs:
            yield f"{path}: {name} is no output of infra/main.bicep"


def _files() -> dict[str, str]:
    folder = ROOT / ".github/workflows"
    return {path.relative_to(ROOT).as_posix(): path.read_text() for path in sorted(folder.iterdir())}


def test_nothing_is_wrong() -> None:
    """The real workflows are free of everything that `problems` looks for, and there are no others."""
    assert set(_files()) == {CI, DEPLOY}
    assert problems(_files()) == []


@pytest.mark.parametrize(
    ("path", "old", "new", "expected"),
    [
        (CI, "jobs:\n", "jobs: :\n", "mapping values are not allowed"),
        (CI, "@5fda3b95a4ea91299a34e894583c3862153e4b97", "@v7", "setup-python@v7 is not pinned"),
        (CI, " # v7.0.0", "", "is not pinned by a commit, with its version"),
        (DEPLOY, "3d3c42e5aac5", "3d3c42e5aac6", "actions/checkout is pinned twice"),
        (CI, "permissions:\n  contents: read\n", "", "permissions are not stated"),
        (CI, "  contents: read\n", "  contents: write\n", "permissions are not stated"),
        (CI, "concurrency:", "x-concurrency:", "concurrency is not stated"),
        (DEPLOY, "      id-token: write", "      issues: write", "the job deploy may write ['issues']"),
        (DEPLOY, "    environment: production\n", "", "without an environment"),
        (DEPLOY, "    timeout-minutes: 60\n", "", "the job deploy has no time limit"),
        (DEPLOY, '--client-id "$AZURE_CLIENT_ID"', "--client-id ${{ vars.AZURE_CLIENT_ID }}", "into a script"),
        (DEPLOY, "${{ vars.AZURE_TENANT_ID }}", "${{ secrets.AZURE_TENANT_ID }}", "a secret is used"),
        (CI, "run: .ci/run", "run: .ci/all", "uses .ci/all, which does not exist"),
        (CI, "infra/main.bicep --stdout", "infra/all.bicep --stdout", "infra/all.bicep, which does not exist"),
        (CI, "          persist-credentials: false\n", "          fetch-depth: 1\n", "leaves its token behind"),
        (DEPLOY, "DROPSCRIBE_HEALTH_URL", "DROPSCRIBE_URL", "DROPSCRIBE_URL is no output"),
    ],
)
def test_a_planted_error_is_found(path: str, old: str, new: str, expected: str) -> None:
    """Each kind of error is found where it is planted."""
    files = _files()
    assert old in files[path]
    files[path] = files[path].replace(old, new, 1)
    assert any(expected in problem for problem in problems(files)), problems(files)


def test_versions_are_those_of_the_project() -> None:
    """CI runs on the Python and Node of dev.py, which is the Python of the deployed app."""
    text = (ROOT / CI).read_text()
    python = re.findall(r'python-version: "(.+)"', text)
    assert python == list(dev.PYTHONS)
    assert re.findall(r'node-version: "(.+)"', text) == [str(dev.NODE_MAJOR)]
    assert f"version: '{python[0]}'" in (ROOT / "infra/app/function-app.bicep").read_text()
