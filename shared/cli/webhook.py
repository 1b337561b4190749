"""`webhook`: the app's web hook at each of its Speech resources."""

from collections.abc import Sequence

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
    """The app's web hook at each Speech resource: the one with the URL in WEBHOOK_URL, signed with WEBHOOK_SECRET."""


@command.command()
@output_option
@click.pass_obj
def register(session: Session, output: OutputFormat | None) -> None:
    """Register the web hook, or repair the one that is there; wait for its URL to answer the challenge."""
    _show([_keep(keeper) for keeper in _keepers(session)], output)


@command.command()
@output_option
@click.pass_obj
def repair(session: Session, output: OutputFormat | None) -> None:
    """Bring a failed web hook back, or one with an outdated secret; one that is fine is left alone."""
    keepers = _keepers(session)
    for keeper in keepers:
        _find(keeper)
    _show([_keep(keeper) for keeper in keepers], output)


@command.command()
@output_option
@click.pass_obj
def status(session: Session, output: OutputFormat | None) -> None:
    """Show the web hook. Exit code 1 if it is not alive, 4 if there is none."""
    _show([_find(keeper) for keeper in _keepers(session)], output)


@command.command()
@click.pass_obj
def delete(session: Session) -> None:
    """Delete the web hook. An app that runs with WEBHOOK_URL set registers it again within minutes."""
    keepers = _keepers(session)
    for keeper, hook in [(keeper, _find(keeper)) for keeper in keepers]:
        found: WebHook | None = hook
        while found:
            keeper.client.webhooks.delete(found.id)
            remark(f"deleted the web hook {found.id} at {keeper.client.endpoint}")
            found = keeper.find()


def _keepers(session: Session) -> Sequence[WebhookKeeper]:
    if not session.app.webhooks:
        raise SettingsError(["WEBHOOK_URL and WEBHOOK_SECRET are both needed for a web hook"])
    return session.app.webhooks


def _find(keeper: WebhookKeeper) -> WebHook:
    found = keeper.find()
    if found is None:
        where = f"{keeper.url} at {keeper.client.endpoint}"
        raise Failure(f"no web hook is registered for {where}; see `webhook register`", ExitCode.NOT_FOUND)
    return found


def _keep(keeper: WebhookKeeper) -> WebHook:
    remark(f"the web hook at {keeper.client.endpoint} is {keeper.keep()}")
    found = _find(keeper)
    try:
        with waiting("web hook") as told:
            return keeper.client.webhooks.wait(found.id, timeout_seconds=_CHALLENGE_SECONDS, on_progress=told)
    except WaitTimeout:
        remark(f"its URL has not answered the challenge within {_CHALLENGE_SECONDS:g} s")
        return keeper.client.webhooks.get(found.id)


def _show(hooks: Sequence[WebHook], output: OutputFormat | None) -> None:
    """The hook, or a list of those at several Speech resources."""
    show(hooks[0] if len(hooks) == 1 else hooks, output)
    if any(hook.status != Status.SUCCEEDED for hook in hooks):
        raise click.exceptions.Exit(ExitCode.FAILED)
