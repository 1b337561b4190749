"""The end of one file: a transcript, another attempt, a failed record, or nothing because it was overtaken."""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal

from shared.pipeline.ledger import AudioFile, Head, Job, Ledger, Ticket
from shared.pipeline.outcomes import Outcomes
from shared.pipeline.warnings import warning
from shared.storage import BlobContainer
from shared.telemetry.logs import about
from shared.telemetry.telemetry import FileEnd, Telemetry
from shared.transcripts.document import Transcript, encode
from shared.transcripts.exports import to_srt, to_text, to_webvtt
from shared.transcripts.normalize import Context, normalize
from shared.transcripts.short_audio import API_VERSION as SHORT_AUDIO
from shared.transcripts.short_audio import normalize_short_audio

_log = logging.getLogger("dropscribe.settling")

TRANSCRIPTION_GONE = "TranscriptionGone"
RESULT_MISSING = "ResultMissing"

PASSING_REASONS = frozenset({"InvalidUri", "Internal", "Timeout", "Transient", TRANSCRIPTION_GONE, RESULT_MISSING})
"""Reasons after which another attempt may succeed: the first four are the service's error kinds that Microsoft's own
ingestion sample retries."""

_EXPORTS: Mapping[str, Callable[[Transcript], str]] = {"vtt": to_webvtt, "srt": to_srt, "txt": to_text}

_BACKOFF_FACTOR = 4

type End = Literal["transcribed", "failed", "retried", "superseded"]


@dataclass(frozen=True)
class SettlingRules:
    """What the app's settings say of the end of files."""

    exports: Sequence[str]
    max_attempts: int
    retry_delay_seconds: int
    api_version: str


class FileSettler:
    """Brings single files of a job to their end; safe to use from several threads and to repeat."""

    def __init__(
        self,
        *,
        containers: Callable[[str], BlobContainer],
        ledger: Ledger,
        outcomes: Outcomes,
        rules: SettlingRules,
        telemetry: Telemetry,
        now: Callable[[], datetime],
    ) -> None:
        self._containers = containers
        self._ledger = ledger
        self._outcomes = outcomes
        self._rules = rules
        self._telemetry = telemetry
        self._now = now

    def standing(self, job: Job, file: AudioFile) -> End | None:
        """The end that a file has found already, if any."""
        standing = self._outcomes.standing(file, job.id)
        return None if standing == "open" else standing

    def transcribe(self, job: Job, file: AudioFile, result: bytes, *, model: str | None) -> End:
        """Normalize a result file and write transcript and exports; ResultFileError where it cannot be read.

        Audio that was uploaded again meanwhile has a newer version on its way, so this one's result is dropped. Audio
        that was deleted keeps the transcript that was paid for.
        """
        if self._is_replaced(file):
            return self._end(job, file, "superseded")
        return self._write(job, file, normalize(result, self._context(job, file, model)))

    def transcribe_short(self, job: Job, file: AudioFile, answer: bytes, *, duration_ms: int) -> End:
        """The same for the short-audio API's answer to a clip of `duration_ms`."""
        if self._is_replaced(file):
            return self._end(job, file, "superseded")
        document = normalize_short_audio(
            answer,
            replace(self._context(job, file, None), api_version=SHORT_AUDIO),
            duration_ms=duration_ms,
            answered_at=self._now(),
            reference_text=job.options.reference_text,
        )
        return self._write(job, file, document)

    def _is_replaced(self, file: AudioFile) -> bool:
        current = self._containers(file.container).info(file.path)
        return current is not None and current.etag != file.etag

    def _write(self, job: Job, file: AudioFile, document: Transcript) -> End:
        exports = {ending: _EXPORTS[ending](document) for ending in self._rules.exports}
        end = self._outcomes.write_transcript(file, job.id, encode(document), exports)
        return self._end(job, file, end, audio_ms=document.duration_ms)

    def fail(self, job: Job, file: AudioFile, reason: str, message: str) -> End:
        """Give a file another attempt where the reason may pass and attempts are left; else write its failed record."""
        current = self._containers(file.container).info(file.path)
        if current and current.etag != file.etag:
            return self._end(job, file, "superseded", reason=reason)
        if current and reason in PASSING_REASONS and file.attempt < self._rules.max_attempts:
            self._retry(job, file)
            return self._end(job, file, "retried", reason=reason)
        if current is None:
            message = f"{message} (The audio no longer exists.)".strip()
        _log.warning("%s/%s failed: %s: %s", file.container, file.path, reason, message, extra=about(file, job.id))
        end = self._outcomes.write_failure(
            file, reason, message, now=self._now(), job_id=job.id, transcription_id=job.transcription_id or ""
        )
        return self._end(job, file, end, reason=reason)

    def _end(self, job: Job, file: AudioFile, end: End, *, reason: str = "", audio_ms: int = 0) -> End:
        self._telemetry.file_ended(FileEnd(file, end, self._now(), job=job, reason=reason, audio_ms=audio_ms))
        return end

    def _retry(self, job: Job, file: AudioFile) -> None:
        delay = self._rules.retry_delay_seconds * _BACKOFF_FACTOR ** (file.attempt - 1)
        self._ledger.ensure_head(Head(group=job.group, options=job.options, manifest=job.manifest))
        now = self._now()
        ticket = Ticket(group=job.group, file=file.next_attempt(now=now), due=now + timedelta(seconds=delay))
        self._ledger.write_ticket(ticket)

    def _context(self, job: Job, file: AudioFile, model: str | None) -> Context:
        return Context(
            container=file.container,
            blob=file.path,
            etag=file.etag,
            job_id=job.id,
            transcription_id=job.transcription_id or "",
            api_version=self._rules.api_version,
            model=model or job.options.model,
            locale=job.options.locale,
            warnings=tuple(warning(code) for code in file.warnings),
        )
