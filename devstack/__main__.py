"""The commands of `dev.py`, inside the virtual environment."""

import signal
import sys
from collections.abc import Callable
from importlib import import_module

from rich.console import Console

import dev
from devstack.display import say
from devstack.processes import StackError
from devstack.uploads import InputError

COMMANDS = {
    "demo": "devstack.demo:run",
    "up": "devstack.up:run",
    "drop": "devstack.drop:run",
    "test": "devstack.checks:test",
    "lint": "devstack.checks:lint",
    "bench": "devstack.checks:bench",
}


def main(arguments: list[str]) -> int:
    """Run a command and return its exit code: 0 well, 1 failed, 2 wrongly called, 128 plus the signal that ended it."""
    given = dev.parse(arguments)
    end_on_signals()
    module, _, name = COMMANDS[given.command].partition(":")
    command: Callable[..., int] = getattr(import_module(module), name)
    errors = Console(stderr=True)
    try:
        return command(given, Console())
    except KeyboardInterrupt:
        say(errors, "Stopped.")
        return 128 + signal.SIGINT
    except InputError as error:
        say(errors, str(error))
        return 2
    except (StackError, OSError) as error:
        say(errors, str(error))
        return 1


def end_on_signals() -> None:
    """Have the signals that end a command raise, so that everything it started is stopped on the way out."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, _end)
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # as under nohup
        signal.signal(signal.SIGHUP, _end)


def _end(number: int, _: object) -> None:
    sys.exit(128 + number)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
