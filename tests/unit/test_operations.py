"""docs/operations.md: each command of the project that it shows exists, with the options that it is given."""

import re
import shlex
from pathlib import Path

import click
import pytest

from shared.cli.root import cli

PAGE = (Path(__file__).parents[2] / "docs/operations.md").read_text()
COMMANDS = sorted({match.strip() for match in re.findall(r"(?:^|`)dropscribe ([a-z][^`#\n]*)", PAGE, re.MULTILINE)})


def test_there_are_commands() -> None:
    """The pattern finds those in the text and those in blocks."""
    assert "jobs retry --reason InvalidUri" in COMMANDS
    assert len(COMMANDS) > 12


@pytest.mark.parametrize("line", COMMANDS)
def test_the_command_exists(line: str) -> None:
    """Each word leads to a command or is an argument of it, and each option is one of its own."""
    command: click.Command = cli
    context = click.Context(command)
    words = shlex.split(line)
    while isinstance(command, click.Group):
        found = command.get_command(context, words.pop(0))
        assert found, line
        command, context = found, click.Context(found, parent=context)
    known = {option for parameter in command.params for option in parameter.opts}
    assert {word for word in words if word.startswith("--")} <= known
    arguments = [parameter for parameter in command.params if isinstance(parameter, click.Argument)]
    assert arguments or not [word for word in words if word.startswith("<")]
