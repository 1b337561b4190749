"""The page docs/emulator.md: its table has every operation, and its lines for other languages run as they stand."""

import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from emulator import DEFAULT_KEY, SpeechEmulator
from tests.contract.operations import NEW_IN_2024, OPERATIONS
from tests.contract.specification import KEY_HEADER
from tests.contract.surroundings import wav

PAGE = (Path(__file__).parents[2] / "docs" / "emulator.md").read_text(encoding="utf-8")
ADDRESS = "http://127.0.0.1:8300"


@pytest.fixture
def running() -> Iterator[SpeechEmulator]:
    """An emulator with the well-known key."""
    with SpeechEmulator() as emulator:
        yield emulator


def block(language: str, emulator: SpeechEmulator) -> str:
    """The page's lines in a language, with the address of this emulator."""
    (text,) = re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)
    assert ADDRESS in text
    assert DEFAULT_KEY in text
    return str(text).replace(ADDRESS, emulator.endpoint)


def test_the_table_names_every_operation_once() -> None:
    """`Noun_Name`, or `_Name` of the noun before it."""
    (table,) = re.findall(r"## Operations\n(.*?)\n## ", PAGE, re.DOTALL)
    told, noun = [], ""
    for row in re.findall(r"(?m)^\| (`.*?) \|", table):
        for name in re.findall(r"`(\w*_\w+)`", row):
            noun = name.partition("_")[0] or noun
            told.append(f"{noun}_{name.partition('_')[2]}")
    assert sorted(told) == sorted(operation for _, _, operation in (*OPERATIONS, *NEW_IN_2024))


def test_shell(running: SpeechEmulator, tmp_path: Path) -> None:
    """The lines make a project, find it in another version, and move the clock."""
    shell = shutil.which("bash")
    if not shell or not shutil.which("curl"):
        pytest.skip("no bash or curl")
    script = tmp_path / "lines.sh"
    script.write_text("set -e\n" + block("bash", running), encoding="utf-8")
    run = subprocess.run([shell, script], capture_output=True, text=True, timeout=60, check=True)  # noqa: S603 - the page's own lines
    assert run.stdout.count('"from a shell"') == 2
    assert '"now"' in run.stdout
    projects = requests.get(f"{running.base_url}/projects", headers={KEY_HEADER: running.key}, timeout=60).json()
    assert [one["displayName"] for one in projects["values"]] == ["from a shell"]


def test_javascript(running: SpeechEmulator, tmp_path: Path) -> None:
    """The lines transcribe a recording."""
    node = shutil.which("node")
    if not node:
        pytest.skip("no node")
    (tmp_path / "call.wav").write_bytes(wav())
    (tmp_path / "lines.mjs").write_text(block("js", running), encoding="utf-8")
    run = subprocess.run([node, "lines.mjs"], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=True)  # noqa: S603 - the page's own lines
    assert re.match(r"200 \w+", run.stdout)
