#!/usr/bin/env python3
"""`python3 dev.py demo | up | drop | test | lint | bench`: set the project up on first use, then run the command.

Standard library only and any Python from 3.8 on: it finds Python 3.13, makes `.venv`, installs the pinned requirements
and Azurite, and becomes `.venv/bin/python -m devstack`, which reads the same command line.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import itertools
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Iterator, NoReturn, Sequence  # noqa: UP035 - Python 3.8 cannot subscript those of collections.abc

ROOT = Path(__file__).resolve().parent

PYTHONS = ("3.13",)  # best first; 3.14 has to wait for a wheel of pocketsphinx
NODE_MAJOR = 20

REQUIREMENTS = ("requirements.txt", "requirements-dev.txt", "constraints.txt")
NODE_PACKAGES = ("package.json", "package-lock.json")
STAMP = "dropscribe-stamp"
"""Written into `.venv` and `node_modules` once they are complete: the hash of what they were installed from."""

_PROBE = "import sys, importlib.util as u; print('%d.%d' % sys.version_info[:2], u.find_spec('ensurepip') is not None)"


class SetupError(Exception):
    """The project cannot be set up here; the text says what is missing or went wrong, and what to do."""


def main(arguments: Sequence[str]) -> int:
    """Set up, then become the command; returns only where that fails."""
    given = parse(arguments)
    if os.name != "posix":
        print("dev.py runs on Linux and macOS; on Windows use WSL.", file=sys.stderr)
        return 1
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    try:
        set_up(ROOT)
    except SetupError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nStopped; the next run goes on from here.", file=sys.stderr)
        return 130
    return hand_over(given.command, arguments)


def hand_over(command: str, arguments: Sequence[str]) -> NoReturn:
    """Replace this process by the command in the virtual environment; the working directory stays the user's."""
    os.environ["PYTHONPATH"] = str(ROOT)
    if command in {"test", "lint", "bench"}:
        os.chdir(ROOT)
    python = str(ROOT / ".venv/bin/python")
    sys.stdout.flush()
    os.execv(python, [python, "-P", "-m", "devstack", *arguments])  # noqa: S606 - no shell is wanted


# The command line


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """The command line as a namespace; what follows `test` is pytest's business. Ends the process where it is wrong."""
    if arguments[:1] == ["test"] and not {"-h", "--help"} & set(arguments):
        return argparse.Namespace(command="test", pytest_arguments=list(arguments[1:]))
    parser = _parser()
    if not arguments:
        parser.print_help(sys.stderr)
        parser.exit(2)
    return parser.parse_args(arguments)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="dev.py",
        description="Run Dropscribe on this machine: no cloud, nothing to install first but Python 3.13 and Node 20.",
    )
    commands = parser.add_subparsers(title="commands", dest="command", metavar="COMMAND")

    def add(name: str, text: str, *parts: argparse.ArgumentParser) -> argparse.ArgumentParser:
        return commands.add_parser(name, help=text, description=f"{text[0].upper()}{text[1:]}.", parents=parts)

    stack = argparse.ArgumentParser(add_help=False)
    stack.add_argument(
        "--host",
        choices=("devhost", "func"),
        default="devhost",
        help="what runs the functions: the project's own host on Microsoft's worker library (the default), or Azure "
        "Functions Core Tools, where `func` is on PATH (written to their documentation; never tried)",
    )
    stack.add_argument(
        "--engine",
        choices=("pocketsphinx", "scripted"),
        default="pocketsphinx",
        help="how the emulator recognizes: really (the default), or with made-up text at once",
    )
    out = argparse.ArgumentParser(add_help=False)
    out.add_argument(
        "--out",
        metavar="DIR",
        help="copy JSON, WebVTT, SRT and text there as <name>.json and so on (demo: else to .local/transcripts)",
    )

    demo = add("demo", "start the whole stack, transcribe audio, and print the transcripts", stack, out)
    demo.add_argument("audio", nargs="*", metavar="AUDIO", help="audio files (none: samples/call.flac, a short call)")
    demo.add_argument("--keep", action="store_true", help="leave the stack up until Ctrl-C, for more audio")
    add("up", "run the stack until Ctrl-C, with its data kept under .local/data", stack)
    drop = add("drop", "upload audio to the running stack (`up` or `demo --keep`), and print the transcripts", out)
    drop.add_argument("audio", nargs="+", metavar="AUDIO", help="audio files")
    test = add("test", "run every test")
    test.usage = "dev.py test [PYTEST ARGUMENTS]"
    add("lint", "run ruff (rules and format) and mypy")
    add("bench", "run the benchmarks one after another, each with its table")
    return parser


# Setting up


def set_up(root: Path) -> None:
    """Make `.venv` and `node_modules` complete and current, unless they are; SetupError where that cannot be done."""
    if environment_is_current(root) and azurite_is_current(root):
        return
    with _alone(root / ".local/setup.lock"):
        steps = []
        if not environment_is_current(root):
            steps.append(prepare_environment(root))
        if not azurite_is_current(root):
            steps.append(prepare_azurite(root))
        log = root / ".local/logs/setup.log"
        log.parent.mkdir(parents=True, exist_ok=True)
        log.unlink(missing_ok=True)
        if steps:
            print(f"Setting up; this happens once. Log: {_shown(log)}", flush=True)
        for step in steps:
            step.carry_out(log)


def environment_is_current(root: Path) -> bool:
    """Whether `.venv` was completed from the present requirements and its interpreter is still there."""
    venv = root / ".venv"
    return os.access(venv / "bin/python", os.X_OK) and _read(venv / STAMP) == digest(root, REQUIREMENTS)


def azurite_is_current(root: Path) -> bool:
    """Whether `node_modules` was completed from the present lock file."""
    return _read(root / "node_modules" / STAMP) == digest(root, NODE_PACKAGES)


def digest(root: Path, names: Sequence[str]) -> str:
    """A hash over the contents of files."""
    total = hashlib.sha256()
    for name in names:
        total.update(hashlib.sha256((root / name).read_bytes()).digest())
    return total.hexdigest()


class Step:
    """Commands that bring a folder up to date; only once all have succeeded is it stamped."""

    def __init__(self, folder: Path, stamp: str, commands: Sequence[tuple[str, list[str]]]) -> None:
        """`commands` are pairs of what is shown and what is run."""
        self.commands = commands
        self._folder = folder
        self._stamp = stamp

    def carry_out(self, log: Path) -> None:
        """Run the commands in order; the folder counts as half made until the last has succeeded."""
        stamp = self._folder / STAMP
        stamp.unlink(missing_ok=True)
        for title, command in self.commands:
            run(title, command, cwd=self._folder.parent, log=log)
        stamp.write_text(self._stamp)


def prepare_environment(root: Path) -> Step:
    """How `.venv` becomes current: what is complete is updated, what is missing, half made or broken is made anew."""
    venv = root / ".venv"
    pip = [str(venv / "bin/python"), "-m", "pip", "install", "--disable-pip-version-check", "--no-input"]
    commands = [("Installing the Python packages", [*pip, "-r", "requirements-dev.txt"])]
    if not (os.access(venv / "bin/python", os.X_OK) and (venv / STAMP).exists()):
        python = find_python(root)
        commands.insert(0, (f"Making .venv with {python}", [python, "-m", "venv", "--clear", str(venv)]))
    return Step(venv, digest(root, REQUIREMENTS), commands)


def prepare_azurite(root: Path) -> Step:
    """How `node_modules` becomes current; SetupError where Node.js or npm is missing or too old."""
    advice = f"Install Node.js {NODE_MAJOR} or newer, with npm: https://nodejs.org/en/download"
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        missing = " and ".join(name for name, found in (("node", node), ("npm", npm)) if found is None)
        raise SetupError(f"Azurite, the storage emulator, needs Node.js; not on PATH: {missing}.\n{advice}")
    version = _output([node, "--version"])
    match = re.match(r"v(\d+)\.", version)
    if match is None or int(match[1]) < NODE_MAJOR:
        raise SetupError(f"Azurite needs Node.js {NODE_MAJOR} or newer, but {node} is {version or 'broken'}.\n{advice}")
    install = [npm, "ci", "--no-audit", "--no-fund", "--no-update-notifier"]
    return Step(root / "node_modules", digest(root, NODE_PACKAGES), [("Installing Azurite", install)])


def find_python(root: Path) -> str:
    """A Python that the pinned requirements support: on PATH or among pyenv's versions; SetupError without one."""
    seen = {}
    for candidate in _candidates(root):
        if candidate in seen:
            continue
        version, _, has_pip = _output([candidate, "-c", _PROBE]).partition(" ")
        if version in PYTHONS and has_pip == "True":
            return candidate
        seen[candidate] = f"{version}, without its venv module" if version in PYTHONS else version or "does not start"
    found = "\n".join(f"  {path}: {what}" for path, what in seen.items())
    wanted = " or ".join(PYTHONS)
    raise SetupError(
        f"Python {wanted} is needed, and was found neither on PATH nor among pyenv's versions. Found:\n{found}\n"
        f"Install it, for instance with `pyenv install {PYTHONS[0]}`, `brew install python@{PYTHONS[0]}`, "
        f"`apt-get install python{PYTHONS[0]}-venv`, or from https://www.python.org/downloads/, then try again."
    )


def _candidates(root: Path) -> Iterator[str]:
    """Interpreters that may do, best first; never that of the `.venv` which is to be made anew."""
    names = [*(f"python{version}" for version in PYTHONS), "python3", "python"]
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    installed = [path for version in PYTHONS for path in sorted(pyenv.glob(f"versions/{version}.*/bin/python"))]
    outside = os.pathsep.join(
        folder for folder in os.get_exec_path() if Path(folder).absolute() != (root / ".venv/bin").absolute()
    )
    on_path = [shutil.which(name, path=outside) for name in names]
    for candidate in [sys.executable, *on_path, *map(str, reversed(installed))]:
        if candidate and root / ".venv" not in Path(candidate).absolute().parents:
            yield candidate


# Running commands


def run(title: str, command: list[str], *, cwd: Path, log: Path) -> None:
    """Run a command with its output in the log, and show that it goes on; SetupError with the telling lines."""
    began = time.monotonic()
    progress = Spinner(title, log) if sys.stdout.isatty() else PlainProgress(title)
    with log.open("ab") as output:
        output.write(f"$ {' '.join(command)}\n".encode())
        output.flush()
        start = output.tell()
        process = subprocess.Popen(command, cwd=cwd, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT)
        try:
            while process.poll() is None:
                progress.show(time.monotonic() - began)
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(0.1)
        finally:
            if process.poll() is None:
                process.terminate()
                process.wait()
    progress.end(time.monotonic() - began, process.returncode)
    if process.returncode != 0:
        with log.open("rb") as written:
            written.seek(start)
            lines = telling_lines(written.read().decode(errors="replace"))
        shown = "\n".join(f"  | {line}" for line in lines)
        raise SetupError(
            f"{title} failed with exit code {process.returncode}.\n{shown}\n  the whole log: {_shown(log)}"
        )


def telling_lines(text: str, limit: int = 15) -> list[str]:
    """The last lines that speak of an error, or else simply the last lines."""
    lines = [line.rstrip() for line in text.splitlines() if line.strip()]
    errors = [line for line in lines if re.search(r"\berr(or)?\b|\bfatal\b|\w+Error\b", line, re.IGNORECASE)]
    return (errors or lines)[-limit:]


class PlainProgress:
    """A line when something begins, and one when it ends."""

    def __init__(self, title: str) -> None:
        print(f"{title} ...", flush=True)

    def show(self, seconds: float) -> None:
        """Nothing between."""

    def end(self, seconds: float, code: int) -> None:
        """Say how it ended."""
        print(f"  {'done' if code == 0 else 'failed'} after {seconds:.0f} s", flush=True)


class Spinner:
    """One line of the terminal that moves, with the last line of the log."""

    def __init__(self, title: str, log: Path) -> None:
        self._title = title
        self._log = log
        self._turns = itertools.cycle("-\\|/")

    def show(self, seconds: float) -> None:
        """Draw the line again."""
        with self._log.open("rb") as log:
            log.seek(max(0, os.fstat(log.fileno()).st_size - 400))
            last = (log.read().decode(errors="replace").split("\n")[:-1] or [""])[-1].strip()
        line = f"{next(self._turns)} {self._title} ({seconds:.0f} s) {last}"
        self._draw(line[: shutil.get_terminal_size().columns - 1])

    def end(self, seconds: float, code: int) -> None:
        """Leave a line that says how it ended."""
        self._draw(f"{'+' if code == 0 else 'x'} {self._title} ({seconds:.0f} s)\n")

    def _draw(self, text: str) -> None:
        print(f"\r\x1b[K{text}", end="", flush=True)


@contextlib.contextmanager
def _alone(lock: Path) -> Iterator[None]:
    """Hold a lock file, so that two runs at once do not install into the same folders."""
    import fcntl  # noqa: PLC0415 - not on Windows, where main() says so

    lock.parent.mkdir(parents=True, exist_ok=True)
    with lock.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            print("Another dev.py is setting up; waiting for it.", flush=True)
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _output(command: Sequence[str]) -> str:
    """What a command prints, stripped; nothing where it fails."""
    try:
        done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=20)
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.strip()


def _read(path: Path) -> str | None:
    try:
        return path.read_text()
    except OSError:
        return None


def _shown(path: Path) -> str:
    """A path as short as it can be from here."""
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
