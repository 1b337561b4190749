"""What the commands work on: the app's parts, and the Speech client, each built when a command needs it."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import click
from pydantic import SecretStr

from shared.errors import SettingsError
from shared.pipeline.options import TranscriptionOptions
from shared.settings import load_settings
from shared.settings_model import Settings
from shared.speech.client import SpeechClient
from shared.speech.credentials import KeyCredential
from shared.speech.recognition import SpeechRecognizer
from shared.speech.versions import API_VERSIONS
from shared.wiring import App, identity

_DEFAULT_VERSION = "3.1"


@dataclass
class Session:
    """One run of a command: the environment's settings, and what the command line says instead."""

    endpoint: str | None = None
    key_file: Path | None = None
    api_version: str | None = None

    @cached_property
    def settings(self) -> Settings:
        """The app's settings. SettingsError where one is missing or wrong."""
        given = load_settings()
        update: dict[str, object] = {}
        if self.key_file:
            update["speech_key"] = SecretStr(_key_in(self.key_file).key)
        if self.api_version:
            update["speech_api_version"] = self.api_version
        return given.model_copy(update=update)

    @cached_property
    def default_options(self) -> TranscriptionOptions:
        """The settings' options of files that say nothing else; the app's own where the settings cannot be read."""
        try:
            return self.settings.default
        except SettingsError:
            return TranscriptionOptions()

    @cached_property
    def app(self) -> App:
        """The app's parts; it makes no containers."""
        return App(self.settings, now=partial(datetime.now, UTC), sleep=time.sleep)

    @cached_property
    def client(self) -> SpeechClient:
        """The Speech client.

        An endpoint on the command line never gets the key in the settings, which is another resource's: it gets the
        one in the key file, or else the caller's identity (Microsoft Entra), and no setting is needed.
        """
        if self.endpoint is None:
            return self.app.client
        try:
            return SpeechClient(self.endpoint, self._credential, api_version=self.api_version or _DEFAULT_VERSION)
        except ValueError as error:
            raise click.UsageError(f"--endpoint: {error}") from None

    @cached_property
    def recognizer(self) -> SpeechRecognizer:
        """The client of the short-audio API; `--endpoint` may be a region here."""
        try:
            return SpeechRecognizer(self.endpoint or self.settings.speech_endpoint, self._credential)
        except ValueError as error:
            raise click.UsageError(f"--endpoint: {error}") from None

    def close(self) -> None:
        """Close the connections that were opened."""
        for name in ("client", "recognizer"):
            if name in vars(self):
                getattr(self, name).close()

    @property
    def _credential(self) -> Any:  # noqa: ANN401 - a KeyCredential, or a TokenCredential of another package
        if self.key_file:
            return _key_in(self.key_file)
        key = None if self.endpoint else self.settings.speech_key
        return KeyCredential(key.get_secret_value()) if key else identity()


def speech_options[F: Callable[..., Any]](command: F) -> F:
    """The options that say which Speech resource a command talks to, and in which API version."""
    version = click.Choice(list(API_VERSIONS))
    option = click.option(
        "--api-version", type=version, help="Instead of SPEECH_API_VERSION.", expose_value=False, callback=_keep
    )
    return resource_options(option(command))


def resource_options[F: Callable[..., Any]](command: F) -> F:
    """The options that say which Speech resource a command talks to."""
    kept: dict[str, Any] = {"expose_value": False, "callback": _keep}
    for option in (
        click.option(
            "--key-file",
            type=click.Path(exists=True, dir_okay=False, path_type=Path),
            help="A file that holds the key, instead of SPEECH_KEY.",
            **kept,
        ),
        click.option(
            "--endpoint",
            metavar="URL",
            help="Instead of SPEECH_ENDPOINT; SPEECH_KEY is not sent there: give --key-file, or sign in.",
            **kept,
        ),
    ):
        command = option(command)
    return command


def _keep(ctx: click.Context, parameter: click.Parameter, value: object) -> None:
    """Tell the session what the command line says."""
    setattr(ctx.ensure_object(Session), str(parameter.name), value)


def _key_in(path: Path) -> KeyCredential:
    """The key in a file. SettingsError where it holds none."""
    try:
        return KeyCredential(path.read_text(encoding="utf-8").strip())
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it holds no key: printable ASCII without spaces"
        raise SettingsError([f"--key-file {path}: {reason}"]) from None
