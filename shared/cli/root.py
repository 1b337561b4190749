"""The root of the command line: its commands, and how their errors end them."""

import logging
from importlib import import_module
from typing import Any, override

import click

from shared.cli.exits import KNOWN_ERRORS, ExitCode, Failure, failure_of
from shared.cli.session import Session

_COMMANDS = ("backfill", "health", "jobs", "options", "recognize", "speech", "transcribe", "webhook")
"""Each is the object `command` of the module of its name, imported when it is asked for."""


class Root(click.Group):
    """The commands, each loaded on first use; an error ends one with a line and the exit code that it stands for."""

    @override
    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    @override
    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        command: click.Command = import_module(f"shared.cli.{cmd_name}").command
        return command

    @override
    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except KNOWN_ERRORS as error:
            raise failure_of(error) from None
        except BrokenPipeError:
            raise  # whoever read the output has enough of it, which click knows
        except OSError as error:
            raise Failure(f"{error.filename or 'input or output'}: {error.strerror}", ExitCode.FAILED) from None
        except KeyboardInterrupt:
            raise Failure("interrupted", ExitCode.INTERRUPTED) from None


@click.group(
    cls=Root,
    context_settings={"help_option_names": ["-h", "--help"], "show_default": True, "max_content_width": 100},
    epilog="Exit codes: 0 done; 1 failed, or some files or jobs did; 2 wrong usage; 3 settings or credentials; "
    "4 not found; 5 a service is throttled, unavailable or too slow; 130 interrupted.",
)
@click.option("-v", "--verbose", is_flag=True, help="Say more on standard error of what happens.")
@click.pass_context
def cli(ctx: click.Context, verbose: bool) -> None:
    """Operate Dropscribe, and use the Speech-to-text REST API.

    Settings come from the environment, as the app's do.
    """
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s: %(message)s")
    logging.getLogger("dropscribe").setLevel(logging.INFO if verbose else logging.ERROR)
    ctx.obj = Session()
    ctx.call_on_close(ctx.obj.close)
