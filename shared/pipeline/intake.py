"""Intake: what an uploaded blob is, and whether it can succeed; what can becomes a ticket in the group of its options.

What cannot succeed ends here as a failed record, before anything is paid.
"""

import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any

from shared.audio import HEADER_BYTES, channel_count, rejection
from shared.errors import ManifestError, OptionsError
from shared.pipeline.ledger import (
    AUDIO_CONTAINER,
    AudioFile,
    Head,
    Ledger,
    ManifestReference,
    Ticket,
    manifest_file,
)
from shared.pipeline.manifest import Manifest, container_files, is_manifest, manifest_options, parse_manifest
from shared.pipeline.options import (
    OPTIONS_FILE,
    TranscriptionOptions,
    group_of,
    option_files,
    parse_options_file,
    resolve_options,
)
from shared.pipeline.outcomes import Outcomes
from shared.pipeline.short_route import MAX_CLIP_BYTES, unsuitable
from shared.pipeline.speech_resources import SpeechResources
from shared.pipeline.warnings import DIARIZATION_DROPPED, PRONUNCIATION_NOT_ASSESSED
from shared.storage import BlobContainer, BlobInfo
from shared.telemetry.logs import about
from shared.telemetry.telemetry import FileEnd, Telemetry

_log = logging.getLogger("dropscribe.intake")

_THREADS = 16


class Intake:
    """Admits blobs to the pipeline."""

    def __init__(
        self,
        *,
        containers: Callable[[str], BlobContainer],
        ledger: Ledger,
        outcomes: Outcomes,
        resources: SpeechResources,
        defaults: TranscriptionOptions,
        telemetry: Telemetry,
        now: Callable[[], datetime],
    ) -> None:
        self._containers = containers
        self._audio = containers(AUDIO_CONTAINER)
        self._ledger = ledger
        self._outcomes = outcomes
        self._resources = resources
        self._defaults = defaults
        self._telemetry = telemetry
        self._now = now

    def receive(self, path: str) -> set[str]:
        """Admit the blob that an event names; one that is gone needs nothing. Returns as `admit` does."""
        info = self._audio.info(path)
        return self.admit(info) if info else set()

    def admit(self, info: BlobInfo, *, failed_attempts: int | None = None) -> set[str]:
        """Write tickets for an audio file, or for all that a manifest names; return their groups, ready to commit.

        With `failed_attempts` an audio file is tried once more although it has a failed record.
        """
        name = info.name.rsplit("/", 1)[-1]
        try:
            if name == OPTIONS_FILE:
                self._folder_options(info.name)  # its mistakes show now, not with the first file
                return set()
            if is_manifest(info.name):
                return self._admit_manifest(info)
            file = self._received(info)
            if failed_attempts is not None:
                file = file.model_copy(update={"again": True, "attempt": failed_attempts + 1})
            return self._admit_audio(file, info)
        except OptionsError as error:
            self.reject(self._received(info), "InvalidOptions", str(error))
        except ManifestError as error:
            self.reject(self._received(info), "InvalidManifest", str(error))
        return set()

    def reject(self, file: AudioFile, reason: str, message: str) -> None:
        """End a file before it was submitted."""
        _log.warning("%s/%s failed at intake: %s: %s", file.container, file.path, reason, message, extra=about(file))
        now = self._now()
        end = self._outcomes.write_failure(file, reason, message, now=now)
        self._telemetry.file_ended(FileEnd(file, end, now, reason=reason))

    def _received(self, info: BlobInfo) -> AudioFile:
        return AudioFile.of(AUDIO_CONTAINER, info).model_copy(update={"received_at": self._now()})

    def _admit_audio(self, file: AudioFile, info: BlobInfo) -> set[str]:
        if rejected := rejection(info.name, info.size):
            self.reject(file, *rejected)
            return set()
        options = self._options_of(info)
        return set() if options.start == "manifest" else self._queue(file, options)

    def _queue(
        self, file: AudioFile, options: TranscriptionOptions, manifest: ManifestReference | None = None
    ) -> set[str]:
        """Write the ticket of a file, unless its options cannot be carried out."""
        accepted = self._settle_diarization(file, options)
        accepted = accepted and self._settle_route(*accepted)
        return {self._write_ticket(*accepted, manifest)} if accepted else set()

    def _settle_diarization(
        self, file: AudioFile, options: TranscriptionOptions
    ) -> tuple[AudioFile, TranscriptionOptions] | None:
        """Diarization of several channels is refused by the service: it is dropped, or the file rejected (None)."""
        if not options.diarization or not self._has_channels(file):
            return file, options
        if options.stereo_diarization == "fail":
            advice = "Set stereo_diarization to drop, or diarization to false."
            self.reject(file, "DiarizationNeedsMono", f"The audio has several channels. {advice}")
            return None
        return file.with_warning(DIARIZATION_DROPPED), options.model_copy(update={"diarization": False})

    def _settle_route(
        self, file: AudioFile, options: TranscriptionOptions
    ) -> tuple[AudioFile, TranscriptionOptions] | None:
        """The route `auto` becomes `short` or `batch`; a file that must but cannot be short is rejected (None)."""
        if options.route == "batch":
            return file, options
        why = self._unsuitable_clip(file, options)
        if why is None:
            return file, options.model_copy(update={"route": "short"})
        if options.route == "short":
            self.reject(file, "NotShortAudio", f"The audio cannot take the short route: {why}")
            return None
        if options.reference_text:
            file = file.with_warning(PRONUNCIATION_NOT_ASSESSED)
        return file, options.model_copy(update={"route": "batch", "reference_text": None})

    def _unsuitable_clip(self, file: AudioFile, options: TranscriptionOptions) -> str | None:
        """Why a file cannot take the short route, or None where it can."""
        if file.size > MAX_CLIP_BYTES:
            return f"{file.size} bytes are more than the {MAX_CLIP_BYTES} of the longest clip"
        found = self._containers(file.container).read(file.path)
        return unsuitable(found[0], options) if found else None

    def _write_ticket(self, file: AudioFile, options: TranscriptionOptions, manifest: ManifestReference | None) -> str:
        group = group_of(options, owner=f"{manifest.path}@{manifest.etag}" if manifest else "")
        self._ledger.ensure_head(Head(group=group, options=options, manifest=manifest))
        now = self._now()
        queued = file.model_copy(update={"queued_at": now})
        self._ledger.write_ticket(Ticket(group=group, file=queued, due=now))
        _log.info("%s/%s waits in group %s", file.container, file.path, group, extra=about(file))
        return group

    def _has_channels(self, file: AudioFile) -> bool:
        start = self._containers(file.container).read_start(file.path, length=HEADER_BYTES)
        return (channel_count(file.path, start) or 1) > 1

    def _options_of(self, info: BlobInfo) -> TranscriptionOptions:
        folder, source = self._folder_options(info.name)
        options = resolve_options(
            self._defaults,
            folder=folder,
            folder_source=source,
            metadata=info.metadata,
            metadata_source=f"the metadata of {info.name}",
        )
        self._resources.suitable(options.model)
        return options

    def _folder_options(self, path: str) -> tuple[dict[str, Any], str]:
        """The nearest `_options.json` up the blob's folders, and its path; OptionsError where it is wrong in itself."""
        for candidate in option_files(path):
            if found := self._audio.read(candidate):
                given = parse_options_file(found[0], where=candidate)
                resolve_options(self._defaults, folder=given, folder_source=candidate, metadata={}, metadata_source="")
                return given, candidate
        return {}, ""

    def _admit_manifest(self, info: BlobInfo) -> set[str]:
        found = self._audio.read(info.name)
        if found is None or self._ledger.manifest_received(info.name, found[1].etag):
            return set()
        content, current = found
        manifest = parse_manifest(content, where=info.name)
        options = manifest_options(manifest, self._defaults, where=info.name)
        try:
            self._resources.suitable(options.model)
        except OptionsError as error:
            raise ManifestError(f"`options` of {info.name}: {error}") from None
        reference = ManifestReference(path=current.name, etag=current.etag, container=manifest.container)
        if manifest.container:
            container_files(self._containers(manifest.container), reference)  # its limits show now
            file = manifest_file(reference, size=current.size, modified=current.last_modified)
            return {self._write_ticket(file, options, reference)}
        return self._admit_named(manifest, reference, options, current)

    def _admit_named(
        self, manifest: Manifest, reference: ManifestReference, options: TranscriptionOptions, info: BlobInfo
    ) -> set[str]:
        blobs, missing = self._named_blobs(manifest)
        if not blobs:
            raise ManifestError(f"{reference.path}: none of the audio that it names exists")
        groups: set[str] = set()
        for blob in blobs:
            file = self._received(blob).model_copy(update={"again": manifest.again})
            if rejected := rejection(blob.name, blob.size):
                self.reject(file, *rejected)
            else:
                groups |= self._queue(file, options, reference)
        if missing:
            message = f"The manifest names {len(missing)} blobs that do not exist: {', '.join(missing[:20])}"
            self.reject(self._received(info), "MissingFiles", message)
        self._ledger.write_receipt(reference, {"files": [blob.name for blob in blobs], "missing": missing})
        return groups

    def _named_blobs(self, manifest: Manifest) -> tuple[list[BlobInfo], list[str]]:
        """The blobs that a manifest names, and the names behind which there is none."""
        if manifest.prefix is not None:
            listed = self._audio.list(manifest.prefix)
            return [blob for blob in listed if rejection(blob.name, blob.size) is None], []
        names = list(dict.fromkeys(manifest.files or ()))
        with ThreadPoolExecutor(_THREADS) as threads:
            found = list(threads.map(self._audio.info, names))
        missing = [name for name, info in zip(names, found, strict=True) if info is None]
        return [info for info in found if info], missing
