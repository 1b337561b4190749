"""Exit codes, and which error means which."""

from collections.abc import Iterable
from enum import IntEnum

import click
from azure.core.exceptions import (
    AzureError,
    ClientAuthenticationError,
    HttpResponseError,
    ResourceNotFoundError,
    ServiceRequestError,
    ServiceResponseError,
)

from shared.errors import DropscribeError, SettingsError
from shared.speech.errors import (
    BadRequest,
    CredentialError,
    Forbidden,
    NotFound,
    ServerError,
    SpeechConnectionError,
    SpeechError,
    SpeechTimeout,
    Throttled,
    Unauthorized,
    UnsupportedOperation,
    redact,
)


class ExitCode(IntEnum):
    """What a command's exit code tells a script."""

    OK = 0
    FAILED = 1
    """It failed, or some of its files or jobs did."""
    USAGE = 2
    """The command line, or the request that it makes, is wrong."""
    SETTINGS = 3
    """A setting or a credential is missing or wrong."""
    NOT_FOUND = 4
    UNAVAILABLE = 5
    """A service is throttled, unavailable or did not answer in time."""
    INTERRUPTED = 130


_MEANINGS: tuple[tuple[tuple[type[Exception], ...], ExitCode], ...] = (
    (
        (SettingsError, CredentialError, Unauthorized, Forbidden, ClientAuthenticationError),
        ExitCode.SETTINGS,
    ),
    ((NotFound, ResourceNotFoundError), ExitCode.NOT_FOUND),
    (
        (Throttled, ServerError, SpeechConnectionError, SpeechTimeout, ServiceRequestError, ServiceResponseError),
        ExitCode.UNAVAILABLE,
    ),
    ((UnsupportedOperation, BadRequest), ExitCode.USAGE),
)

KNOWN_ERRORS = (DropscribeError, SpeechError, AzureError)
"""What ends a command with one line; anything else is a bug, and shows where it happened."""


class Failure(click.ClickException):
    """Ends the command with one line on standard error and an exit code."""

    def __init__(self, message: str, code: ExitCode) -> None:
        super().__init__(message)
        self._code = code

    @property
    def exit_code(self) -> int:  # type: ignore[override]  # click declares a class variable, and reads it off the error
        """The exit code."""
        return self._code


def exit_code_of(error: Exception) -> ExitCode:
    """The exit code for an error that ended a command."""
    for kinds, code in _MEANINGS:
        if isinstance(error, kinds):
            return code
    if isinstance(error, HttpResponseError):
        status = error.status_code or 0
        if status == 403:
            return ExitCode.SETTINGS
        return ExitCode.UNAVAILABLE if status == 429 or status >= 500 else ExitCode.FAILED
    return ExitCode.FAILED


def failure_of(error: Exception) -> Failure:
    """The error as one line that holds no SAS, with its exit code."""
    return Failure(one_line(error), exit_code_of(error))


def one_line(error: Exception) -> str:
    """An error's text on one line, without a SAS. What storage says after its first line are its own diagnostics."""
    lines = str(error).splitlines() or [type(error).__name__]
    return redact(lines[0] if isinstance(error, AzureError) else " ".join(lines))


def code_of_many(failed: Iterable[object]) -> ExitCode:
    """The exit code of a command that did many things, `failed` those that did not work."""
    return ExitCode.FAILED if any(True for _ in failed) else ExitCode.OK
