"""`transcribe`: audio in, transcripts out, through the service but past the app's pipeline."""

import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import unquote, urlsplit
from uuid import uuid4

import click
from pydantic import ValidationError

from shared.audio import rejection
from shared.cli.exits import KNOWN_ERRORS, code_of_many, one_line
from shared.cli.output import remark, waiting
from shared.cli.session import Session, speech_options
from shared.cli.uploading import Source, Uploads
from shared.cli.values import Duration, explain, kind_of
from shared.pipeline.options import TranscriptionOptions
from shared.pipeline.submission import properties
from shared.speech.client import SpeechClient
from shared.speech.errors import SpeechError, redact
from shared.speech.filters import Filter
from shared.speech.types.common import EntityReference, Status
from shared.speech.types.files import File, FileKind
from shared.speech.types.transcriptions import (
    NewTranscription,
    Transcription,
    TranscriptionReport,
)
from shared.transcripts.document import Transcript, encode
from shared.transcripts.exports import to_srt, to_text, to_webvtt
from shared.transcripts.normalize import Context, ResultFileError, normalize, source_of

_OPTIONS = (
    "locale",
    "candidate_locales",
    "diarization",
    "min_speakers",
    "max_speakers",
    "word_timestamps",
    "profanity",
    "punctuation",
    "channels",
    "model",
)
"""The pipeline's options that are the service's; the others say how the pipeline handles a blob."""

_FORMATS: Mapping[str, Callable[[Transcript], bytes]] = {
    "json": lambda document: encode(document) + b"\n",
    "vtt": lambda document: to_webvtt(document).encode(),
    "srt": lambda document: to_srt(document).encode(),
    "txt": lambda document: to_text(document).encode(),
}
_MOST_FILES = 1_000  # the service takes no more `contentUrls` in a request (Transcriptions_Create)
_KEEP = timedelta(hours=24)  # what a killed command leaves behind deletes itself
_RESULT_NAME = re.compile(r"contenturl_(\d+)\.json")


def transcription_options[F: Callable[..., Any]](function: F) -> F:
    """The options of a transcription, from the fields that the pipeline has for them."""
    for name in reversed(_OPTIONS):
        field = TranscriptionOptions.model_fields[name]
        kind, dashed = kind_of(field.annotation), name.replace("_", "-")
        flag = f"--{dashed}/--no-{dashed}" if kind.type is click.BOOL else f"--{dashed}"
        text = (field.description or "").replace("`", "")
        note = " Repeatable." if kind.several else ""
        typed: dict[str, Any] = {} if kind.type is click.BOOL else {"type": kind.type, "multiple": kind.several}
        add = click.option(flag, name, default=None, help=f"{text[:1].upper()}{text[1:]}.{note}", **typed)
        function = add(function)
    return function


@click.command("transcribe")
@click.argument("inputs", metavar="FILE_OR_URL...", nargs=-1, required=True)
@click.option(
    "--out", type=click.Path(file_okay=False, path_type=Path), metavar="DIR", help="Write the transcripts there."
)
@click.option(
    "--format",
    "formats",
    type=click.Choice(list(_FORMATS)),
    multiple=True,
    help="Repeatable. Default: all of them with --out, else txt on standard output.",
)
@transcription_options
@click.option("--timeout", type=Duration(), default="24h", help="Wait no longer than this.")
@speech_options
@click.pass_obj
def command(
    session: Session,
    /,
    *,
    inputs: tuple[str, ...],
    out: Path | None,
    formats: tuple[str, ...],
    timeout: timedelta,
    **given: Any,  # noqa: ANN401 - the options of a transcription
) -> None:
    """Transcribe audio: local files, or URLs that the service can read.

    Files are uploaded to the container `cli-uploads` of DATA_STORAGE and deleted afterwards, as is the transcription at
    the service. Options that are not given are the settings' (DEFAULT_...). Exit code 1 if some of the audio failed.
    """
    chosen = formats or (tuple(_FORMATS) if out else ("txt",))
    _check_request(inputs, chosen, out)
    options = _options(session.default_options, given)
    failures: dict[str, str] = {}
    documents: dict[str, Transcript] = {}
    with ExitStack() as stack:
        sources = list(_sources(session, inputs, failures, stack))
        if sources:
            for source, end in _transcribe(session.client, sources, options, timeout):
                if isinstance(end, Transcript):
                    documents[source.name] = end
                else:
                    failures[source.name] = end
    _write([(name, documents[name]) for name in dict.fromkeys(inputs) if name in documents], chosen, out)
    for name, why in failures.items():
        remark(f"{_shown(name)} failed: {why}")
    raise click.exceptions.Exit(code_of_many(failures))


def _check_request(inputs: Sequence[str], formats: Sequence[str], out: Path | None) -> None:
    if len(set(inputs)) > _MOST_FILES:
        raise click.UsageError(f"the service takes at most {_MOST_FILES:,} files at once")
    if out is None and len(formats) > 1:
        raise click.UsageError("several formats need --out DIR")
    if out is None and len(set(inputs)) > 1 and formats[0] in {"vtt", "srt"}:
        raise click.UsageError(f"several files as {formats[0]} need --out DIR")
    for name in inputs:
        if not _is_url(name) and not Path(name).is_file():
            raise click.UsageError(f"{name}: there is no such file")


def _options(defaults: TranscriptionOptions, given: Mapping[str, Any]) -> TranscriptionOptions:
    own = {name: value for name, value in given.items() if value is not None and value != ()}
    try:
        return TranscriptionOptions.model_validate({**defaults.model_dump(), **own})
    except ValidationError as error:
        raise click.UsageError(explain(error)) from None


def _sources(session: Session, inputs: Sequence[str], failures: dict[str, str], stack: ExitStack) -> Iterator[Source]:
    """What the service is to read; local files are uploaded, those that cannot be transcribed are not."""
    uploads: Uploads | None = None
    for name in dict.fromkeys(inputs):
        if _is_url(name):
            parts = urlsplit(name)
            yield Source(name, name, parts.hostname or "", unquote(parts.path).lstrip("/"), "")
        elif rejected := rejection(name, Path(name).stat().st_size):
            failures[name] = rejected[1]
        else:
            uploads = uploads or stack.enter_context(Uploads(session, uuid4().hex))
            yield uploads.add(Path(name))


def _transcribe(
    client: SpeechClient, sources: Sequence[Source], options: TranscriptionOptions, timeout: timedelta
) -> Iterator[tuple[Source, Transcript | str]]:
    """Each source with its transcript, or why it has none."""
    with _transcription(client, sources, options) as created, waiting(f"transcription {created.id}") as told:
        done = client.transcriptions.wait(created.id, timeout_seconds=timeout.total_seconds(), on_progress=told)
        ends = _Ends(client, sources, options, done).read()
        yield from zip(sources, ends, strict=True)


@contextmanager
def _transcription(
    client: SpeechClient, sources: Sequence[Source], options: TranscriptionOptions
) -> Iterator[Transcription]:
    """A transcription at the service, deleted at the end."""
    request = _request(sources, options)
    created = client.transcriptions.create(request, find=Filter.display_name == request.display_name)
    try:
        yield created
    finally:
        try:
            client.transcriptions.delete(created.id)
        except KNOWN_ERRORS as error:
            remark(f"the transcription {created.id} stays at the service for a day: {one_line(error)}")


def _request(sources: Sequence[Source], options: TranscriptionOptions) -> NewTranscription:
    return NewTranscription(
        display_name=f"Dropscribe command line {uuid4().hex}",
        locale=options.locale,
        content_urls=[source.url for source in sources],
        model=EntityReference(self_url=options.model) if options.model else None,
        properties=properties(options, keep=_KEEP),
    )


@dataclass(frozen=True)
class _Ends:
    """Finds what became of each source of a finished transcription."""

    client: SpeechClient
    sources: Sequence[Source]
    options: TranscriptionOptions
    transcription: Transcription

    def read(self) -> list[Transcript | str]:
        """A transcript or a reason for each source."""
        files = list(self.client.transcriptions.list_files(self.transcription.id))
        ends: list[Transcript | str] = [self._without_result()] * len(self.sources)
        for report in (file for file in files if file.kind == FileKind.TRANSCRIPTION_REPORT):
            self._read_report(report, ends)
        for file in (file for file in files if file.kind == FileKind.TRANSCRIPTION):
            self._read_result(file, ends)
        return ends

    def _without_result(self) -> str:
        properties = self.transcription.properties
        error = properties.error if properties and self.transcription.status == Status.FAILED else None
        return _reason(error.code, error.message) if error else "the service gave no result"

    def _read_report(self, report: File, ends: list[Transcript | str]) -> None:
        for entry in TranscriptionReport.from_json(self.client.download(report)).details:
            index = self._index(entry.audio_url or "")
            if entry.status == Status.FAILED and index is not None:
                ends[index] = _reason(entry.error_kind, entry.error_message)

    def _read_result(self, file: File, ends: list[Transcript | str]) -> None:
        match = _RESULT_NAME.fullmatch(file.name or "")
        index = int(match[1]) if match and int(match[1]) < len(self.sources) else None
        try:
            content = self.client.download(file)
            address = source_of(content)
            index = self._index(address) if address else index
            if index is not None:
                ends[index] = normalize(content, self._context(self.sources[index]))
        except (SpeechError, ResultFileError) as error:
            if index is None:
                remark(f"the result {file.name} cannot be read: {one_line(error)}")
            else:
                ends[index] = f"its result cannot be read: {one_line(error)}"

    def _index(self, url: str) -> int | None:
        address = unquote(url.partition("?")[0])
        return next((n for n, source in enumerate(self.sources) if unquote(source.address) == address), None)

    def _context(self, source: Source) -> Context:
        model = self.transcription.model
        return Context(
            container=source.container,
            blob=source.blob,
            etag=source.etag,
            job_id="",
            transcription_id=self.transcription.id,
            api_version=self.client.api_version,
            model=model.self_url if model else self.options.model,
            locale=self.options.locale,
        )


def _reason(code: str | None, message: str | None) -> str:
    return redact(": ".join(part for part in (code, message) if part) or "the service does not say why")


def _write(documents: Sequence[tuple[str, Transcript]], formats: Sequence[str], out: Path | None) -> None:
    if out is None:
        for name, document in documents:
            if len(documents) > 1 and formats[0] == "txt":
                click.echo(f"# {_shown(name)}")
            sys.stdout.buffer.write(_FORMATS[formats[0]](document))
            sys.stdout.buffer.flush()
        return
    out.mkdir(parents=True, exist_ok=True)
    taken: set[str] = set()
    for name, document in documents:
        stem = _stem(name, taken)
        for ending in formats:
            path = out / f"{stem}.{ending}"
            path.write_bytes(_FORMATS[ending](document))
            click.echo(path)


def _stem(name: str, taken: set[str]) -> str:
    """The output's name: the audio's, with a number where another has it already."""
    last = PurePosixPath(unquote(urlsplit(name).path)).name if _is_url(name) else Path(name).name
    stem, number = last or "audio", 1
    while stem in taken:
        number += 1
        stem = f"{last}-{number}"
    taken.add(stem)
    return stem


def _is_url(name: str) -> bool:
    return name.startswith(("http://", "https://"))


def _shown(name: str) -> str:
    """An input without a SAS."""
    return name.partition("?")[0] if _is_url(name) else name
