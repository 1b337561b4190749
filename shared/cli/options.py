"""`options check`: whether `_options.json` files and manifests can be used, and what options a blob has."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from shared.audio import rejection
from shared.cli.exits import ExitCode, Failure, code_of_many, one_line
from shared.cli.output import OutputFormat, output_option, remark, show
from shared.cli.session import Session
from shared.errors import ManifestError, OptionsError
from shared.pipeline.ledger import AUDIO_CONTAINER
from shared.pipeline.manifest import is_manifest, manifest_options, parse_manifest
from shared.pipeline.options import TranscriptionOptions, option_files, parse_options_file, resolve_options
from shared.wiring import App


@click.group("options")
def command() -> None:
    """Options of transcriptions."""


@command.command()
@click.argument("paths", metavar="[PATH]...", nargs=-1, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--blob", metavar="NAME", help="Show the options of this blob of the container `audio` instead.")
@output_option
@click.pass_obj
def check(session: Session, paths: tuple[Path, ...], blob: str | None, output: OutputFormat | None) -> None:
    """Check local files: manifests (*.transcription.json), anything else as an `_options.json`.

    With --blob, show each option that applies to a blob, and where it comes from: the blob's metadata, the nearest
    `_options.json` up its folders, or the settings. Exit code 1 if something is wrong.
    """
    if bool(paths) == (blob is not None):
        raise click.UsageError("give either PATH... or --blob NAME")
    if blob is not None:
        show(effective_options(session.app, blob), output)
        return
    defaults = session.default_options
    wrong = []
    for path in paths:
        try:
            check_file(path, defaults)
        except (OptionsError, ManifestError) as error:
            wrong.append(path)
            click.echo(one_line(error))
        except OSError as error:
            wrong.append(path)
            click.echo(f"{path}: {error.strerror}")
        else:
            click.echo(f"{path}: fine")
    raise click.exceptions.Exit(code_of_many(wrong))


def check_file(path: Path, defaults: TranscriptionOptions) -> None:
    """OptionsError or ManifestError where a file cannot be used."""
    content = path.read_bytes()
    if is_manifest(path.name):
        manifest_options(parse_manifest(content, where=str(path)), defaults, where=str(path))
        return
    given = parse_options_file(content, where=str(path))
    resolve_options(defaults, folder=given, folder_source=str(path), metadata={}, metadata_source="")


def effective_options(app: App, name: str) -> list[dict[str, Any]]:
    """A row for each option of a blob: its value, and where that comes from."""
    audio = app.container(AUDIO_CONTAINER)
    info = audio.info(name)
    if info is None:
        raise Failure(f"there is no blob {name} in the container {AUDIO_CONTAINER}", ExitCode.NOT_FOUND)
    if rejected := rejection(info.name, info.size):
        remark(f"{name} cannot be transcribed: {rejected[1]}")
    folder, source = _folder_options(app, name)
    options = resolve_options(
        app.settings.default,
        folder=folder,
        folder_source=source,
        metadata=info.metadata,
        metadata_source=f"the metadata of {name}",
    )
    return [
        {"option": option, "value": value, "from": _source(option, info.metadata, folder, source)}
        for option, value in json.loads(options.model_dump_json()).items()
    ]


def _folder_options(app: App, name: str) -> tuple[dict[str, Any], str]:
    for candidate in option_files(name):
        if found := app.container(AUDIO_CONTAINER).read(candidate):
            return parse_options_file(found[0], where=candidate), candidate
    return {}, ""


def _source(option: str, metadata: Mapping[str, str], folder: Mapping[str, Any], folder_source: str) -> str:
    if option in {name.lower() for name in metadata}:
        return "metadata"
    return folder_source if option in folder else f"setting DEFAULT_{option.upper()}"
