"""`health`: how the app is."""

import click

from shared.cli.exits import ExitCode
from shared.cli.output import OutputFormat, output_option, show
from shared.cli.session import Session


@click.command("health")
@output_option
@click.pass_obj
def command(session: Session, output: OutputFormat | None) -> None:
    """Say what the app reaches with these settings, what waits, and what is misconfigured.

    Exit code 1 if it is not healthy.
    """
    report = session.app.health.report()
    show(report, output)
    if report["status"] != "healthy":
        raise click.exceptions.Exit(ExitCode.FAILED)
