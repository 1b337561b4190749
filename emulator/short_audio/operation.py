"""Recognition of short audio: `POST /speech/recognition/<mode>/cognitiveservices/v1`.

The request is judged by its headers before the audio is let in: a client that sends `Expect: 100-continue` gets its
refusal (400, 401, 403) in place of the 100.
"""

import asyncio
import base64
import binascii
import hashlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal, cast
from uuid import uuid4

from aiohttp import HttpVersion11, web
from pydantic import ValidationError

from emulator.app import Call, Gate, answer
from emulator.content_logs import ContentLogs
from emulator.engines.protocol import (
    AssessingEngine,
    AssessmentRequest,
    AudioRejectedError,
    Engine,
    ProfanityMode,
    PunctuationMode,
    RecognitionRequest,
)
from emulator.errors import ApiError, invalid_argument, invalid_request
from emulator.short_audio.answers import (
    AssessmentParameters,
    Format,
    Json,
    RecognitionStatus,
    assessment,
    recognition,
    without_words,
)
from emulator.short_audio.endpoints import ShortAudioEndpoints

OPERATION = "ShortAudio_Recognize"
"""The name in journal and faults; the service's own documentation has none."""
ASSESSMENT_LIMIT_SECONDS = 30
BYTES_LIMIT = 8_000_000
"""More than 60 seconds have in either format."""
TRANSCRIPT_HEADER = "X-Emulator-Transcript"
"""What the scripted engine is to say; percent-encoding allowed."""
TICKS_PER_SAMPLE = 625


@dataclass(frozen=True, slots=True)
class Mode:
    """A way to speak, with a path of its own (definition EndpointLinks)."""

    name: str
    limit_seconds: int
    punctuation: PunctuationMode

    @property
    def path(self) -> str:
        """Where it is served."""
        return f"/speech/recognition/{self.name}/cognitiveservices/v1"


MODES = (
    Mode("interactive", 15, "Automatic"),
    Mode("conversation", 60, "Automatic"),
    Mode("dictation", 60, "DictatedAndAutomatic"),
)

_CONTENT_TYPES = ("audio/wav", "audio/ogg")
_PROFANITY: dict[str, ProfanityMode] = {"masked": "Masked", "removed": "Removed", "raw": "None"}
_STATUSES: dict[str, RecognitionStatus] = {
    "silence": "InitialSilenceTimeout",
    "noise": "BabbleTimeout",
    "speech": "NoMatch",
}


@dataclass(frozen=True, slots=True)
class _Options:
    """What a request asks for."""

    mode: Mode
    language: str
    model: Path | None
    """Folder of the custom endpoint's model; None is the base model."""
    log_owner: str | None
    """Who keeps the request as a log, if anybody."""
    format: Format
    profanity: ProfanityMode
    content_type: Literal["audio/wav", "audio/ogg"]
    assessment: AssessmentParameters | None
    metadata: dict[str, str]
    """What the scripted engine is told."""

    @property
    def limit_seconds(self) -> int:
        """How long the audio may be."""
        return min(self.mode.limit_seconds, ASSESSMENT_LIMIT_SECONDS if self.assessment else self.mode.limit_seconds)


class ShortAudio:
    """The one operation; recordings lie in `folder` while they are recognized."""

    def __init__(
        self, *, engine: Engine, locales: Sequence[str], folder: Path, endpoints: ShortAudioEndpoints, logs: ContentLogs
    ) -> None:
        self._engine = engine
        self._locales = {locale.lower(): locale for locale in locales}
        self._folder = folder
        self._endpoints = endpoints
        self._logs = logs

    def add_to(self, app: web.Application, gate: Gate) -> None:
        """Route the operation; aiohttp itself would send the 100 before the request is judged."""
        for mode in MODES:
            recognize = gate.operation(OPERATION, partial(self.recognize, mode=mode))
            app.router.add_post(mode.path, recognize, expect_handler=_no_word_yet)

    async def recognize(self, call: Call, *, mode: Mode) -> web.Response:
        """Recognize or assess the body."""
        options = self._options(call, mode)
        await _agree(call.request)
        audio = self._folder / f"{uuid4()}.{options.content_type.removeprefix('audio/')}"
        try:
            digest = await _receive(call.request, audio)
            return answer(await self._answer(audio, digest, options))
        finally:
            audio.unlink(missing_ok=True)

    async def _answer(self, audio: Path, digest: str, options: _Options) -> Json:
        from emulator.engines import clip  # noqa: PLC0415 - numpy and libsndfile, which nothing else here needs

        read = partial(clip.read_clip, content_type=options.content_type, limit_seconds=options.limit_seconds)
        try:
            samples = await asyncio.to_thread(read, audio)
        except clip.ClipRefusedError as error:
            raise invalid_request("InvalidPayload", str(error)) from None
        except AudioRejectedError:
            return without_words("Error", duration_ticks=0, format=options.format)
        ticks = len(samples) * TICKS_PER_SAMPLE
        try:
            found = await self._recognized(audio, digest, options)
        except AudioRejectedError as error:
            if error.kind == "InvalidReferenceText":
                raise _bad_assessment(str(error)) from None
            return without_words("Error", duration_ticks=ticks, format=options.format)
        if not found:
            sound = await asyncio.to_thread(clip.sound_of, samples)
            found = without_words(_STATUSES[sound], duration_ticks=ticks, format=options.format)
        if options.log_owner:
            await self._logs.add(options.log_owner, await asyncio.to_thread(clip.wav_of, samples), found)
        return found

    async def _recognized(self, audio: Path, digest: str, options: _Options) -> Json | None:
        if options.assessment:
            return await self._assessed(audio, options, options.assessment)
        request = RecognitionRequest(
            audio=audio,
            source=f"short-audio/{digest}",
            locale=options.language,
            metadata=options.metadata,
            channels=(0,),
            profanity=options.profanity,
            punctuation=options.mode.punctuation,
            model=options.model,
        )
        recognized = await self._engine.recognize(request)
        return recognition(recognized.phrases, options.format)

    async def _assessed(self, audio: Path, options: _Options, asked: AssessmentParameters) -> Json | None:
        if not isinstance(self._engine, AssessingEngine):
            raise ApiError(501, "NotAllowed", "This engine does not assess pronunciation.")
        request = AssessmentRequest(
            audio=audio,
            locale=options.language,
            reference_text=asked.reference_text,
            profanity=options.profanity,
            metadata=options.metadata,
            model=options.model,
        )
        assessed = await self._engine.assess(request)
        return assessment(assessed, asked, options.format) if assessed else None

    def _options(self, call: Call, mode: Mode) -> _Options:
        request = call.request
        language = self._locales.get(request.query.get("language", "").lower())
        if language is None:
            message = f"The language must be one of {', '.join(sorted(self._locales.values()))}."
            raise invalid_argument("InvalidLocale", message, target="language")
        endpoint = self._endpoints.named(call, language)
        if request.content_type not in _CONTENT_TYPES:
            message = (
                "The content type must be audio/wav; codecs=audio/pcm; samplerate=16000 or audio/ogg; codecs=opus."
            )
            raise invalid_request("InvalidPayload", message, target="Content-Type")
        is_logged = _choice(request, "storeAudio", ("false", "true")) == "true"
        return _Options(
            mode=mode,
            language=language,
            model=endpoint.model,
            log_owner=endpoint.log_owner if is_logged or endpoint.is_logged else None,
            format=cast("Format", _choice(request, "format", ("simple", "detailed"))),
            profanity=_PROFANITY[_choice(request, "profanity", tuple(_PROFANITY))],
            content_type=cast("Literal['audio/wav', 'audio/ogg']", request.content_type),
            assessment=_assessment(request),
            metadata={"transcript": told} if (told := request.headers.get(TRANSCRIPT_HEADER)) is not None else {},
        )


def _choice(request: web.Request, name: str, choices: Sequence[str]) -> str:
    """A query parameter without regard to case; the first choice where it is not given."""
    value = request.query.get(name, choices[0]).lower()
    if value not in choices:
        raise invalid_argument("InvalidParameterValue", f"{name} must be one of {', '.join(choices)}.", target=name)
    return value


def _assessment(request: web.Request) -> AssessmentParameters | None:
    """The parameters of a pronunciation assessment, by header (newer) or by query (older)."""
    encoded = request.headers.get("Pronunciation-Assessment") or request.query.get("pronunciationScoreParams")
    if encoded is None:
        return None
    try:
        return AssessmentParameters.model_validate_json(base64.b64decode(encoded, validate=True))
    except (binascii.Error, UnicodeDecodeError):
        raise _bad_assessment("The parameters must be Base64 of JSON in UTF-8.") from None
    except ValidationError as error:
        first = error.errors(include_input=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        raise _bad_assessment(f"{place}: {first['msg']}") from None


def _bad_assessment(message: str) -> ApiError:
    return invalid_argument("InvalidParameterValue", message, target="Pronunciation-Assessment")


async def _no_word_yet(_: web.Request) -> None:
    """Leave the 100 to the operation."""


async def _agree(request: web.Request) -> None:
    """Send `100 Continue` to a client that waits for it."""
    if request.headers.get("Expect", "").lower() == "100-continue" and request.version >= HttpVersion11:
        await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        request.writer.output_size = 0  # the response proper has not begun


async def _receive(request: web.Request, audio: Path) -> str:
    """Write the body into a file as it comes; returns its digest."""
    digest = hashlib.sha256()
    size = 0
    with audio.open("wb") as file:
        async for chunk in _chunks(request):
            size += file.write(chunk)
            digest.update(chunk)
            if size > BYTES_LIMIT:
                raise invalid_request("InvalidPayload", "The audio is far longer than 60 seconds.")
    if not size:
        raise invalid_request("EmptyRequest", "The request has no audio.")
    return digest.hexdigest()[:16]


async def _chunks(request: web.Request) -> AsyncIterator[bytes]:
    try:
        async for chunk in request.content.iter_any():
            yield chunk
    except (ConnectionResetError, web.RequestPayloadError):
        raise invalid_request("InvalidPayload", "The body broke off.") from None
