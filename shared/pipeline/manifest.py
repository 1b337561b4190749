"""Manifests: `*.transcription.json` blobs that submit what they name as one transcription, with options of its own.

```json
{"files": ["calls/a.wav", "calls/b.wav"], "options": {"locale": "en-GB", "diarization": true}}
{"prefix": "calls/2026-05/"}
{"container": "archive"}
```

`files` and `prefix` name blobs of the audio container; `container` names another container of the same storage account,
which is handed to the service whole (`contentContainerUrl`); its transcripts stand in a folder named after the
manifest.
"""

import json
from itertools import islice
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from shared.audio import rejection
from shared.errors import ManifestError, OptionsError
from shared.pipeline.ledger import AUDIO_CONTAINER, AudioFile, ManifestReference
from shared.pipeline.options import TranscriptionOptions, parse_options_file
from shared.storage import BlobContainer

MANIFEST_ENDING = ".transcription.json"
MAX_CONTAINER_BLOBS = 10_000
MAX_CONTAINER_BYTES = 5_000_000_000


class Manifest(BaseModel):
    """A checked manifest: one of files, prefix, container; and options over the settings' defaults."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    files: tuple[str, ...] | None = Field(default=None, min_length=1)
    prefix: str | None = None
    container: str | None = Field(default=None, pattern=r"^[a-z0-9](-?[a-z0-9]){2,62}$")
    options: dict[str, Any] = Field(default_factory=dict)
    again: bool = False
    """Transcribe even what has a transcript already."""

    @model_validator(mode="after")
    def _one_source(self) -> "Manifest":
        named = [name for name in ("files", "prefix", "container") if getattr(self, name) is not None]
        if len(named) != 1:
            raise ValueError(f"name exactly one of files, prefix, container (found: {', '.join(named) or 'none'})")
        return self


def is_manifest(path: str) -> bool:
    """Whether a blob is a manifest by its name."""
    return path.endswith(MANIFEST_ENDING)


def parse_manifest(content: bytes, *, where: str) -> Manifest:
    """Read a manifest; ManifestError says what is wrong in it."""
    try:
        given = json.loads(content)
    except ValueError as error:
        raise ManifestError(f"{where} is not valid JSON: {error}") from None
    if not isinstance(given, dict):
        raise ManifestError(f'{where} must hold a JSON object, such as {{"prefix": "calls/"}}')
    try:
        return Manifest.model_validate(given)
    except ValidationError as error:
        lines = [_explain(problem) for problem in error.errors(include_url=False)]
        raise ManifestError(f"{where}: {'; '.join(lines)}") from None


def manifest_options(manifest: Manifest, defaults: TranscriptionOptions, *, where: str) -> TranscriptionOptions:
    """The manifest's options over the defaults; ManifestError where they cannot be used."""
    try:
        given = parse_options_file(json.dumps(manifest.options).encode(), where=f"`options` of {where}")
        return TranscriptionOptions.model_validate({**defaults.model_dump(), **given})
    except OptionsError as error:
        raise ManifestError(str(error)) from None
    except ValidationError as error:
        lines = [_explain(problem) for problem in error.errors(include_url=False)]
        raise ManifestError(f"`options` of {where}: {'; '.join(lines)}") from None


def container_files(container: BlobContainer, manifest: ManifestReference) -> list[AudioFile]:
    """The audio of a container that is submitted whole; ManifestError where the service would not take it."""
    folder = "" if container.name == AUDIO_CONTAINER else manifest.path.removesuffix(MANIFEST_ENDING) + "/"
    blobs = list(islice(container.list(), MAX_CONTAINER_BLOBS + 1))
    audio = [blob for blob in blobs if rejection(blob.name, blob.size) is None]
    if not audio:
        raise ManifestError(f"{manifest.path}: the container {container.name} holds no audio")
    if len(blobs) > MAX_CONTAINER_BLOBS or sum(blob.size for blob in blobs) > MAX_CONTAINER_BYTES:
        limits = f"{MAX_CONTAINER_BLOBS:,} blobs, {MAX_CONTAINER_BYTES / 1e9:.0f} GB"
        raise ManifestError(f"{manifest.path}: the container {container.name} exceeds {limits}")
    return [AudioFile.of(container.name, blob, folder=folder) for blob in audio]


def _explain(problem: Any) -> str:  # noqa: ANN401 - pydantic's ErrorDetails
    place = ".".join(str(part) for part in problem["loc"])
    message = problem["msg"].removeprefix("Value error, ")
    return f"{place}: {message}" if place else message
