"""`speech <noun> <verb>`: every operation of the Speech client, made from the client's own signatures.

A method of a resource class is a command: ids are arguments, keyword parameters options, a request's body `--json` and
an option for each of its simple fields, the docstring its help. What the client gains is there at once.
"""

import inspect
import sys
from collections.abc import Iterable, Mapping
from contextlib import nullcontext
from functools import cache
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import Any, override

import click

from shared.cli.exits import ExitCode
from shared.cli.output import OutputFormat, output_option, plain_value, show, waiting
from shared.cli.session import Session, speech_options
from shared.cli.signatures import LARGEST_PAGE, Signature
from shared.cli.values import Duration
from shared.speech.client import SpeechClient
from shared.speech.credentials import KeyCredential
from shared.speech.operations import OPERATIONS
from shared.speech.resources.resource import Resource
from shared.speech.types.common import Model, Stateful, Status
from shared.speech.types.files import File

_LARGEST_FILE_BYTES = 2**40
_MACHINERY = frozenset({"output", "wait_", "timeout_", "download_", "with_sas"})


@cache
def nouns() -> Mapping[str, type[Resource]]:
    """The client's resources by the attribute that holds each."""
    with SpeechClient("https://speech.invalid", KeyCredential("none")) as client:
        return {name: type(part) for name, part in sorted(vars(client).items()) if isinstance(part, Resource)}


def signatures(noun: str) -> Mapping[str, Signature]:
    """The methods of a noun by the verb that stands for each."""
    methods = inspect.getmembers(nouns()[noun], inspect.isfunction)
    return {
        name.replace("_", "-"): Signature(noun, name, method) for name, method in methods if not name.startswith("_")
    }


class Nouns(click.Group):
    """A group for each resource of the client, beside commands of its own."""

    @override
    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted({*nouns(), *self.commands})

    @override
    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        own = super().get_command(ctx, cmd_name)
        if isinstance(own, click.Group) and cmd_name in nouns():
            own.commands.update(_verb_commands(cmd_name))
        return own or (_noun_group(cmd_name) if cmd_name in nouns() else None)


@click.group("speech", cls=Nouns)
@speech_options
def command() -> None:
    """Call the Speech-to-text REST API: one noun for each kind of entity, one verb for each operation."""


@command.group("operations", invoke_without_command=True)
@click.option("--json", "output", flag_value="json", help="The same as --output json.")
@output_option
@click.pass_context
def list_operations(ctx: click.Context, output: OutputFormat | None) -> None:
    """Every operation: its id, method, path, Python call, command, and the API versions that have it."""
    if ctx.invoked_subcommand is None:
        show(operations(), output)


def operations() -> list[dict[str, Any]]:
    """A row for each operation that the client has."""
    rows = []
    for operation in OPERATIONS.values():
        noun, _, name = operation.call.partition(".")
        signature = signatures(noun).get(name.replace("_", "-")) if noun in nouns() else None
        if signature:
            rows.append(
                {
                    "operation_id": operation.id,
                    "method": operation.method,
                    "path": operation.path,
                    "call": operation.call,
                    "command": signature.usage,
                    "versions": list(operation.versions),
                }
            )
    return rows


def _noun_group(noun: str) -> click.Group:
    return click.Group(noun, help=inspect.getdoc(inspect.getmodule(nouns()[noun])), commands=_verb_commands(noun))


def _verb_commands(noun: str) -> dict[str, click.Command]:
    return {verb: _verb_command(verb, signature) for verb, signature in signatures(noun).items()}


def _verb_command(verb: str, signature: Signature) -> click.Command:
    def run(**given: Any) -> None:  # noqa: ANN401 - the values of click
        _run(click.get_current_context().ensure_object(Session), signature, given)

    made = click.Command(
        verb,
        callback=run,
        params=[*signature.click_parameters(), *_waiting_options(signature), *_file_options(signature)],
        help=inspect.getdoc(signature.method),
    )
    return output_option(made)


def _waiting_options(signature: Signature) -> Iterable[click.Option]:
    if waiting_noun(signature):
        yield click.Option(
            ["--wait", "wait_"], is_flag=True, help="Wait until it has Succeeded or Failed; exit code 1 if it failed."
        )
        yield click.Option(["--timeout", "timeout_"], type=Duration(), default="24h", help="Wait no longer than this.")


def waiting_noun(signature: Signature) -> str | None:
    """The noun whose `wait` waits for what a method returns; the copy of a model, say, is an entity of `operations`."""
    if not signature.returns(Stateful) or signature.is_list or signature.name == "wait":
        return None
    waits = ((noun, signatures(noun).get("wait")) for noun in nouns())
    return next((noun for noun, wait in waits if wait and wait.returned is signature.returned), None)


def _file_options(signature: Signature) -> Iterable[click.Option]:
    if signature.returns(File):
        folder = click.Path(file_okay=False, path_type=Path)
        yield click.Option(["--download", "download_"], type=folder, metavar="DIR", help="Download the content there.")
    if signature.returns(Model):
        yield click.Option(["--with-sas", "with_sas"], is_flag=True, help="Show URLs with their SAS.")


def _run(session: Session, signature: Signature, given: dict[str, Any]) -> None:
    """Call the method and print what it returns."""
    machinery = {name: given.pop(name) for name in list(given) if name in _MACHINERY}
    arguments = signature.arguments(given)
    limit = arguments.get("top") if signature.is_list else None
    if limit:
        arguments["top"] = min(limit, LARGEST_PAGE)
    resource = getattr(session.client, signature.noun)
    result = _call(resource, signature, arguments)
    if signature.is_list:
        result = list(islice(result, limit))
    if machinery.get("wait_"):
        result = _wait(session.client, waiting_noun(signature) or "", result, machinery["timeout_"].total_seconds())
    if machinery.get("download_"):
        result = download(session.client, result if signature.is_list else [result], machinery["download_"])
    if signature.returned is bytes:
        sys.stdout.buffer.write(result)
    elif signature.returned is not None:
        show(result, machinery["output"], with_sas=machinery.get("with_sas", False))
    waited = machinery.get("wait_") or signature.name == "wait"
    if waited and isinstance(result, Stateful) and result.status != Status.SUCCEEDED:
        raise click.exceptions.Exit(ExitCode.FAILED)


def _call(resource: Resource, signature: Signature, arguments: dict[str, Any]) -> Any:  # noqa: ANN401 - any result
    title = f"{signature.noun} {signature.name.replace('_', '-')}"
    watched = waiting(title) if signature.progress else nullcontext()
    try:
        with watched as told:
            if signature.progress:
                arguments[signature.progress] = told
            return getattr(resource, signature.name)(**arguments)
    except ValueError as error:
        raise click.UsageError(str(error)) from None


def _wait(client: SpeechClient, noun: str, entity: Any, timeout_seconds: float) -> Any:  # noqa: ANN401 - of any noun
    with waiting(f"{noun} {entity.id}") as told:
        return getattr(client, noun).wait(entity.id, timeout_seconds=timeout_seconds, on_progress=told)


def download(client: SpeechClient, files: Iterable[File], folder: Path) -> list[dict[str, Any]]:
    """Download files into a folder; their entries with where each is."""
    entries = []
    taken: set[Path] = set()
    for file in files:
        path = _path_in(folder, file, taken)
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_name(f"{path.name}.part")
        with waiting(path.name), part.open("w+b") as target:
            client.download_to(file, target, max_bytes=_LARGEST_FILE_BYTES)
        part.replace(path)
        entries.append({**plain_value(file), "downloaded": str(path)})
    return entries


def _path_in(folder: Path, file: File, taken: set[Path]) -> Path:
    """Where a file goes: its name without anything that leads out of the folder, its id before it if need be."""
    named = [part for part in PurePosixPath(file.name or file.id).parts if part not in ("/", "..")] or [file.id]
    path = folder.joinpath(*named)
    if path in taken:
        path = path.with_name(f"{file.id}-{path.name}")
    taken.add(path)
    return path
