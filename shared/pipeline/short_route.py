"""The short route: a clip is recognized at once, through the short-audio API, and ends as the same normalized document.

The committer of its group does it, so no two instances send a clip at once. A crash between the answer and its being
written costs a second recognition of the clip.
"""

import logging
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

from shared.pipeline.ledger import AudioFile, Head, Job, Ledger, Ticket, new_job
from shared.pipeline.options import TranscriptionOptions
from shared.pipeline.settling import FileSettler
from shared.pipeline.speech_resources import SpeechResources, Turns, did_nothing
from shared.speech.audio_clip import ASSESSMENT_LIMIT_SECONDS, LIMIT_SECONDS, AudioClip, UnsupportedAudio
from shared.speech.errors import (
    BadRequest,
    ServerError,
    SpeechConnectionError,
    SpeechError,
    SpeechTimeout,
    Throttled,
)
from shared.speech.recognition import Profanity, SpeechRecognizer
from shared.speech.types.recognition import (
    DetailedRecognition,
    Dimension,
    GradingSystem,
    Granularity,
    PronunciationAssessment,
)
from shared.storage import BlobContainer
from shared.telemetry.logs import about
from shared.transcripts.normalize import ResultFileError

_log = logging.getLogger("dropscribe.short")

MAX_CLIP_BYTES = 4_000_000
"""No clip is larger: 60 s of 16 kHz mono PCM are 1.9 MB."""

_CLIPS_AT_ONCE = 4

_PATIENCE = timedelta(seconds=30)
"""Time for which a clip that no resource takes is tried; then another attempt is made of it, with its own pause."""

_PROFANITY: dict[str, Profanity] = {"None": "raw", "Masked": "masked", "Removed": "removed", "Tags": "masked"}


def unsuitable(content: bytes, options: TranscriptionOptions) -> str | None:
    """Why audio cannot take the short route with these options, or None where it can."""
    if options.diarization or options.model or options.candidate_locales:
        return "the short route knows no diarization, model or candidate locales"
    limit = ASSESSMENT_LIMIT_SECONDS if options.reference_text else LIMIT_SECONDS
    try:
        AudioClip(content, limit_seconds=limit)
    except UnsupportedAudio as error:
        return str(error)
    return None


def _assessment(reference_text: str) -> PronunciationAssessment:
    """Everything that can be scored, out of 100."""
    return PronunciationAssessment(
        reference_text=reference_text,
        grading_system=GradingSystem.HUNDRED_MARK,
        granularity=Granularity.PHONEME,
        dimension=Dimension.COMPREHENSIVE,
        enable_miscue=True,
    )


class ShortRoute:
    """Recognizes waiting clips."""

    def __init__(
        self,
        *,
        resources: SpeechResources,
        containers: Callable[[str], BlobContainer],
        ledger: Ledger,
        settler: FileSettler,
        now: Callable[[], datetime],
        sleep: Callable[[float], None],
    ) -> None:
        self._resources = resources
        self._containers = containers
        self._ledger = ledger
        self._settler = settler
        self._now = now
        self._sleep = sleep

    def carry_out(self, head: Head, tickets: Sequence[Ticket]) -> None:
        """Bring each ticket's clip to its end. SpeechError where the service refuses the app: nothing is lost."""
        if not tickets:
            return
        job = new_job(head, [ticket.file for ticket in tickets], now=self._now())
        with ThreadPoolExecutor(_CLIPS_AT_ONCE) as threads:
            list(threads.map(lambda ticket: self._carry_out(job, ticket), tickets))

    def _carry_out(self, job: Job, ticket: Ticket) -> None:
        found = self._containers(ticket.file.container).read(ticket.file.path)
        if found and found[1].etag == ticket.file.etag:
            end = self._end(job, ticket.file, found[0])
            _log.info("%s: %s", ticket.file.path, end, extra=about(ticket.file, job.id))
        self._ledger.delete_tickets([ticket])

    def _end(self, job: Job, file: AudioFile, content: bytes) -> str:
        if why := unsuitable(content, job.options):
            return self._settler.fail(job, file, "NotShortAudio", why)
        try:
            answer = self._ask(file, content, job.options)
        except (Throttled, ServerError, SpeechConnectionError, SpeechTimeout) as error:
            return self._settler.fail(job, file, "Transient", str(error))
        except BadRequest as error:
            return self._settler.fail(job, file, "RefusedByService", str(error))
        body = answer.model_dump_json(by_alias=True, exclude_none=True).encode()
        try:
            return self._settler.transcribe_short(job, file, body, duration_ms=round(AudioClip(content).seconds * 1000))
        except ResultFileError as error:
            return self._settler.fail(job, file, "Internal", str(error))

    def _ask(self, file: AudioFile, content: bytes, options: TranscriptionOptions) -> DetailedRecognition:
        """The answer of the first resource that takes the clip; SpeechError of the last one that did not."""
        turns = Turns(
            self._resources.in_turn(None, key=file.key),
            until=self._now() + _PATIENCE,
            now=self._now,
            sleep=self._sleep,
        )
        refusal: SpeechError | None = None
        for resource in turns:
            try:
                return _recognize(resource.recognizer, content, options)
            except SpeechError as error:
                if not did_nothing(error):
                    raise
                refusal = error
                turns.pass_over(resource, error)
        raise refusal or SpeechTimeout("no Speech resource was asked in time")


def _recognize(recognizer: SpeechRecognizer, content: bytes, options: TranscriptionOptions) -> DetailedRecognition:
    reference = options.reference_text
    return recognizer.recognize(
        content,
        language=options.locale,
        format="detailed",
        profanity=_PROFANITY[options.profanity],
        pronunciation=_assessment(reference) if reference else None,
    )
