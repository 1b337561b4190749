"""The seam between the app and what exports its telemetry. Nothing heavy is imported here."""

from dataclasses import dataclass
from datetime import datetime

from shared.pipeline.ledger import AudioFile, Job
from shared.speech.transport import Attempt


@dataclass(frozen=True, slots=True)
class FileEnd:
    """How an attempt at a file ended, and what is known of its way there."""

    file: AudioFile
    outcome: str
    """`transcribed`, `failed`, `superseded`, or `retried`: another attempt follows."""
    at: datetime
    job: Job | None = None
    """None for a file that was rejected at intake."""
    reason: str = ""
    audio_ms: int = 0
    """Length of the audio where the service has transcribed it, and so charges for it."""


class Telemetry:
    """Tells nothing: the app without Application Insights."""

    def file_ended(self, end: FileEnd) -> None:
        """An attempt at a file has ended."""

    def tickets_waiting(self, count: int, *, oldest_seconds: float) -> None:
        """So many files wait whose time has come, the first of them for so long."""

    def jobs_open(self, count: int, *, oldest_seconds: float) -> None:
        """So many jobs are open, the first of them for so long."""

    def speech_attempt(self, attempt: Attempt) -> None:
        """The Speech service was called; repetitions count each."""
