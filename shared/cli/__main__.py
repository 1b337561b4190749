"""Start of `python -m shared.cli`."""

from shared.cli.root import cli

cli(prog_name="python -m shared.cli")
