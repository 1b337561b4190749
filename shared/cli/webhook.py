"""`webhook`: the app's web hook at the Speech service."""

import click

from shared.cli.exits import ExitCode, Failure
from shared.cli.output import OutputFormat, output_option, remark, show, waiting
from shared.cli.session import Session
from shared.errors import SettingsError
from shared.pipeline.webhook import WebhookKeeper
from shared.speech.errors import WaitTimeout
from shared.speech.types.common import Status
from shared.speech.types.webhooks import WebHook

_CHALLENGE_SECONDS = 60.0


@click.group("webhook")
def command() -> None:
    """The app's web hook at the Speech service: the one with the URL in WEBHOOK_URL, signed with WEBHOOK_SECRET."""


@command.command()
@output_option
@click.pass_obj
def register(session: Session, output: OutputFormat | None) -> None:
    """Register the web hook, or repair the one that is there; wait for its URL to answer the challenge."""
    _keep(_keeper(session), output)


@command.command()
@output_option
@click.pass_obj
def repair(session: Session, output: OutputFormat | None) -> None:
    """Bring a failed web hook back, or one with an outdated secret; one that is fine is left alone."""
    keeper = _keeper(session)
    _find(keeper)
    _keep(keeper, output)


@command.command()
@output_option
@click.pass_obj
def status(session: Session, output: OutputFormat | None) -> None:
    """Show the web hook. Exit code 1 if it is not alive, 4 if there is none."""
    _show(_find(_keeper(session)), output)


@command.command()
@click.pass_obj
def delete(session: Session) -> None:
    """Delete the web hook. An app that runs with WEBHOOK_URL set registers it again within minutes."""
    keeper = _keeper(session)
    found: WebHook | None = _find(keeper)
    while found:
        keeper.client.webhooks.delete(found.id)
        remark(f"deleted the web hook {found.id}")
        found = keeper.find()


def _keeper(session: Session) -> WebhookKeeper:
    keeper = session.app.webhook
    if keeper is None:
        raise SettingsError(["WEBHOOK_URL and WEBHOOK_SECRET are both needed for a web hook"])
    return keeper


def _find(keeper: WebhookKeeper) -> WebHook:
    found = keeper.find()
    if found is None:
        raise Failure(f"no web hook is registered for {keeper.url}; see `webhook register`", ExitCode.NOT_FOUND)
    return found


def _keep(keeper: WebhookKeeper, output: OutputFormat | None) -> None:
    remark(f"the web hook is {keeper.keep()}")
    found = _find(keeper)
    try:
        with waiting("web hook") as told:
            found = keeper.client.webhooks.wait(found.id, timeout_seconds=_CHALLENGE_SECONDS, on_progress=told)
    except WaitTimeout:
        remark(f"its URL has not answered the challenge within {_CHALLENGE_SECONDS:g} s")
        found = keeper.client.webhooks.get(found.id)
    _show(found, output)


def _show(hook: WebHook, output: OutputFormat | None) -> None:
    show(hook, output)
    if hook.status != Status.SUCCEEDED:
        raise click.exceptions.Exit(ExitCode.FAILED)
