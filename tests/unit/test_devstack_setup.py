"""Setting up: `dev.py` finds Python and Node, installs once, and survives a run that was cut short."""

import os
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

import dev


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project whose `npm` and `python3.13` are scripts that log what they are asked to do, alone on PATH."""
    for name in (*dev.REQUIREMENTS, *dev.NODE_PACKAGES):
        (tmp_path / name).write_text(name)
    tools = tmp_path / "tools"
    tools.mkdir()
    _script(tools / "node", "echo v20.1.0")
    _script(tools / "npm", f'echo npm "$@" >> {tmp_path}/calls; mkdir -p {tmp_path}/node_modules')
    pip = f"#!/bin/sh\\necho pip >> {tmp_path}/calls; cat {tmp_path}/pip-says && exit 7; exit 0\\n"
    make = f'rm -rf "$4"; mkdir -p "$4/bin"; printf \'{pip}\' > "$4/bin/python"; chmod +x "$4/bin/python"'
    probe = 'if [ "$1" = -c ]; then echo 3.13 True; exit; fi'
    _script(tools / "python3.13", f'{probe}; echo venv "$3" >> {tmp_path}/calls; {make}')
    monkeypatch.setenv("PATH", f"{tools}:/usr/bin:/bin")
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path / "pyenv"))
    monkeypatch.setattr(sys, "executable", str(tools / "python3.13"))
    return tmp_path


def _script(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)


def calls(root: Path) -> list[str]:
    """The first two words of each command that was run since the last look."""
    log = root / "calls"
    lines = log.read_text().splitlines() if log.exists() else []
    log.unlink(missing_ok=True)
    return [" ".join(line.split()[:1]) for line in lines]


def test_everything_is_installed_once(root: Path) -> None:
    """The first run makes the environment and installs both kinds of packages; the second does nothing."""
    dev.set_up(root)
    assert calls(root) == ["venv", "pip", "npm"]
    dev.set_up(root)
    assert calls(root) == []


def test_changed_requirements_are_installed_into_what_is_there(root: Path) -> None:
    """Another pin means another installation of that kind alone, into the same environment."""
    dev.set_up(root)
    calls(root)
    (root / "constraints.txt").write_text("another pin")
    dev.set_up(root)
    assert calls(root) == ["pip"]
    (root / "package-lock.json").write_text("another lock")
    dev.set_up(root)
    assert calls(root) == ["npm"]


def test_a_half_made_environment_is_made_anew(root: Path) -> None:
    """An installation that failed shows its telling lines and where the log is, and is not taken for complete."""
    (root / "pip-says").write_text("Collecting numpy\nERROR: no network\nnotice: a new pip is available\n")
    with pytest.raises(dev.SetupError) as failure:
        dev.set_up(root)
    assert str(failure.value).splitlines() == [
        "Installing the Python packages failed with exit code 7.",
        "  | ERROR: no network",
        f"  the whole log: {root}/.local/logs/setup.log",
    ]
    assert calls(root) == ["venv", "pip"]
    (root / "pip-says").unlink()
    dev.set_up(root)
    assert calls(root) == ["venv", "pip", "npm"]


def test_an_environment_whose_python_is_gone_is_made_anew(root: Path) -> None:
    """The interpreter that `.venv` was made from may be uninstalled."""
    dev.set_up(root)
    calls(root)
    python = root / ".venv/bin/python"
    python.unlink()
    python.symlink_to("/nowhere/python3.13")
    dev.set_up(root)
    assert calls(root)[:1] == ["venv"]


def test_two_runs_at_once_install_once(root: Path) -> None:
    """The second waits for the first and finds everything done."""
    runs = [threading.Thread(target=dev.set_up, args=(root,)) for _ in range(2)]
    for run in runs:
        run.start()
    for run in runs:
        run.join()
    assert calls(root) == ["venv", "pip", "npm"]


def test_python_is_found_among_pyenvs_versions(root: Path) -> None:
    """pyenv's shims start nothing where another version is chosen, so its folder of versions is looked at as well."""
    _script(root / "tools/python3.13", "echo 'pyenv: python3.13: command not found' >&2; exit 127")
    installed = root / "pyenv/versions/3.13.2/bin/python"
    _script(installed, "echo 3.13 True")
    assert dev.find_python(root) == str(installed)


def test_without_a_fitting_python_the_message_says_what_was_found_and_what_to_do(root: Path) -> None:
    """Too old, without its venv module, or broken: each is named."""
    tools = root / "tools"
    _script(tools / "python3.13", "echo 3.13 False")
    _script(tools / "python3", "echo 3.11 True")
    _script(tools / "python", "exit 1")
    with pytest.raises(dev.SetupError) as refusal:
        dev.find_python(root)
    text = str(refusal.value)
    assert f"{tools}/python3.13: 3.13, without its venv module" in text
    assert f"{tools}/python3: 3.11" in text
    assert f"{tools}/python: does not start" in text
    assert "pyenv install 3.13" in text


@pytest.mark.parametrize(
    ("node", "message"), [("echo v18.20.1", "20 or newer, but .* is v18.20.1"), (None, "not on PATH: node")]
)
def test_a_missing_or_old_node_is_told_before_anything_is_made(
    root: Path, monkeypatch: pytest.MonkeyPatch, node: str | None, message: str
) -> None:
    """Nothing is installed where Azurite could not be."""
    monkeypatch.setenv("PATH", str(root / "tools"))
    (root / "tools/node").unlink()
    if node:
        _script(root / "tools/node", node)
    with pytest.raises(dev.SetupError, match=message):
        dev.set_up(root)
    assert calls(root) == []


def test_telling_lines_are_those_about_errors() -> None:
    """Errors come first; without any, the end is told."""
    assert dev.telling_lines("Collecting a\nERROR: No matching distribution\nnotice: new pip\n") == [
        "ERROR: No matching distribution"
    ]
    assert dev.telling_lines("one\n\ntwo\n", limit=1) == ["two"]


@pytest.mark.parametrize(
    ("arguments", "code", "shown"),
    [
        ([], 2, "COMMAND"),
        (["walk"], 2, "invalid choice: 'walk'"),
        (["--help"], 0, "start the whole stack"),
        (["demo", "--help"], 0, "--keep"),
        (["test", "--help"], 0, "PYTEST ARGUMENTS"),
        (["drop"], 2, "AUDIO"),
    ],
)
def test_usage_is_shown_without_setting_up(
    arguments: list[str], code: int, shown: str, capfd: pytest.CaptureFixture[str]
) -> None:
    """Help and mistakes are answered at once, with exit code 0 and 2."""
    with pytest.raises(SystemExit) as end:
        dev.main(arguments)
    assert end.value.code == code
    output = capfd.readouterr()
    assert shown in output.out + output.err


def test_what_follows_test_is_pytests() -> None:
    """Options go to pytest in their order, unread."""
    assert dev.parse(["test", "-k", "captions", "-x", "tests/unit"]).pytest_arguments == [
        "-k",
        "captions",
        "-x",
        "tests/unit",
    ]


@pytest.mark.parametrize("version", ["3.8", "3.9", "3.11"])
def test_old_pythons_can_read_it(version: str) -> None:
    """Whatever `python3` is, it gets as far as the usage."""
    installed = sorted((Path.home() / ".pyenv/versions").glob(f"{version}.*/bin/python"))
    if not installed:
        pytest.skip(f"Python {version} is not among pyenv's versions")
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    shown = subprocess.run(  # noqa: S603 - an interpreter of this machine
        [installed[-1], dev.ROOT / "dev.py", "--help"], env=environment, capture_output=True, text=True, check=True
    )
    assert "start the whole stack" in shown.stdout
