"""Transcription while the caller waits: operation Transcriptions_Transcribe of the versions named by their date."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from uuid import uuid4

import orjson
from aiohttp import web

from emulator.app import Call, answer
from emulator.content import ContentReader
from emulator.engines.protocol import (
    TICKS_PER_SECOND,
    AudioRejectedError,
    Diarization,
    Engine,
    Phrase,
    RecognitionRequest,
)
from emulator.errors import ApiError, invalid_request
from emulator.forms import read_form
from emulator.models import KnownModels
from emulator.payloads.common import EntityReference, read_payload
from emulator.payloads.fast_transcription import (
    TranscribeDefinition,
    TranscribeDefinitionOf2024,
    TranscribeDefinitionOf2025,
)
from emulator.records import ModelPath
from emulator.results import TICKS_PER_MILLISECOND, Json
from emulator.short_audio.operation import TRANSCRIPT_HEADER

AUDIO_LIMIT = 250_000_000
AUDIO_HOURS = 2
"""Bytes and duration of the audio (operation Transcriptions_Transcribe)."""
DEFINITION_LIMIT = 1_000_000


class FastTranscription:
    """The one operation; recordings lie in `folder` while they are recognized."""

    def __init__(
        self, *, engine: Engine, locales: Sequence[str], models: KnownModels, reader: ContentReader, folder: Path
    ) -> None:
        self._engine = engine
        self._locales = locales
        self._models = models
        self._reader = reader
        self._folder = folder

    async def transcribe(self, call: Call) -> web.Response:
        """Recognize the part `audio` of a form, or what `audioUrl` names, as the form's part `definition` says."""
        audio = self._folder / f"{uuid4()}.audio"
        try:
            definition = await self._receive(call, audio)
            return answer(await self._transcribed(audio, definition, self._request(call, audio, definition)))
        finally:
            audio.unlink(missing_ok=True)

    async def _receive(self, call: Call, audio: Path) -> TranscribeDefinition:
        form = await read_form(call.request, file="audio", to=audio, limit=AUDIO_LIMIT, fields_limit=DEFINITION_LIMIT)
        definition = _definition(call, form.fields.get("definition", "{}"))
        if not form.file_size and isinstance(definition, TranscribeDefinitionOf2025) and definition.audio_url:
            await self._download(definition.audio_url, audio)
        elif not form.file_size:
            raise invalid_request("EmptyRequest", "The form has no part audio with content.", target="audio")
        return definition

    async def _download(self, url: str, audio: Path) -> None:
        try:
            await self._reader.download(url, audio, limit=AUDIO_LIMIT)
        except AudioRejectedError as error:
            raise invalid_request("InvalidRecordingsUri", str(error), target="audioUrl") from None

    async def _transcribed(self, audio: Path, definition: TranscribeDefinition, request: RecognitionRequest) -> Json:
        try:
            if not definition.channels:
                await asyncio.to_thread(_merge_channels, audio)
            recognized = await self._engine.recognize(request)
        except AudioRejectedError as error:
            raise ApiError(422, "UnprocessableEntity", f"The audio cannot be transcribed. {error}") from None
        if recognized.duration_ticks > AUDIO_HOURS * 3600 * TICKS_PER_SECOND:
            raise ApiError(422, "UnprocessableEntity", f"The audio is longer than {AUDIO_HOURS} hours.")
        channels: Sequence[int | None] = definition.channels or (None,)
        shown = [phrase for phrase in recognized.phrases if phrase.alternatives]
        shown.sort(key=lambda phrase: phrase.offset_ticks)
        return {
            "durationMilliseconds": recognized.duration_ticks // TICKS_PER_MILLISECOND,
            "combinedPhrases": [_combined(channel, shown) for channel in channels],
            "phrases": [_phrase(phrase, request.locale, channels=bool(definition.channels)) for phrase in shown],
        }

    def _request(self, call: Call, audio: Path, definition: TranscribeDefinition) -> RecognitionRequest:
        """What the engine is asked; of the locales the first that it recognizes, as it does not detect the language."""
        told = call.request.headers.get(TRANSCRIPT_HEADER)
        wanted = definition.locales or self._locales
        locale = next((locale for locale in wanted if locale in self._locales), None)
        if locale is None:
            raise invalid_request("InvalidLocale", "None of the locales is supported.", target="locales")
        diarization = definition.diarization
        return RecognitionRequest(
            audio=audio,
            source="fast-transcription",
            locale=locale,
            channels=tuple(definition.channels) or (0,),
            word_timestamps=True,
            display_word_timestamps=True,
            diarization=Diarization(1, diarization.max_speakers) if diarization and diarization.enabled else None,
            profanity=definition.profanity_filter_mode,
            model=self._models.folder(self._models_of(call, definition).get(locale)),
            metadata={} if told is None else {"transcript": told},
        )

    def _models_of(self, call: Call, definition: TranscribeDefinition) -> dict[str, ModelPath]:
        """The models that version 2024-11-15 can name, by locale."""
        named = definition.models if isinstance(definition, TranscribeDefinitionOf2024) else {}
        return {
            locale: self._models.referenced(
                call, EntityReference(url=url), locale=locale, target=f"definition.models.{locale}"
            )
            for locale, url in named.items()
        }


def _definition(call: Call, text: str) -> TranscribeDefinition:
    """The definition as the call's API version has it; raises ApiError where it is wrong or asks for a translation."""
    try:
        body: object = orjson.loads(text)
    except orjson.JSONDecodeError:
        message = "The definition is not valid JSON."
        raise invalid_request("InvalidRequestBodyFormat", message, target="definition") from None
    if call.links.version == "2024-11-15":
        return read_payload(TranscribeDefinitionOf2024, body, strict=call.strict)
    definition = read_payload(TranscribeDefinitionOf2025, body, strict=call.strict)
    enhanced = definition.enhanced_mode
    if enhanced and enhanced.enabled and enhanced.task not in {None, "transcribe"}:
        message = f"The emulator transcribes; it has no task {enhanced.task!r}."
        raise invalid_request("InvalidPayload", message, target="definition.enhancedMode.task")
    return definition


def _merge_channels(audio: Path) -> None:
    """Make the audio one of a single channel, the mean of its channels. Raises AudioRejectedError."""
    import soundfile  # noqa: PLC0415

    from emulator.engines.audio import SAMPLE_RATE, open_audio  # noqa: PLC0415 - numpy and libsndfile

    merged = audio.with_suffix(".merged")
    try:
        with (
            open_audio(audio) as stream,
            soundfile.SoundFile(merged, "w", SAMPLE_RATE, 1, "PCM_16", format="WAV") as one,
        ):
            for block in stream.blocks:
                one.write(block.mean(axis=1).astype("int16"))
        merged.replace(audio)
    finally:
        merged.unlink(missing_ok=True)


def _combined(channel: int | None, phrases: Sequence[Phrase]) -> Json:
    texts = [phrase.alternatives[0].display for phrase in phrases if channel is None or phrase.channel == channel]
    body: Json = {} if channel is None else {"channel": channel}
    return {**body, "text": " ".join(texts)}


def _phrase(phrase: Phrase, locale: str, *, channels: bool) -> Json:
    best = phrase.alternatives[0]
    body: Json = {"channel": phrase.channel} if channels else {}
    if phrase.speaker is not None:
        body["speaker"] = phrase.speaker
    body |= {**_span(best.display, phrase.offset_ticks, phrase.duration_ticks)}
    if best.display_words:
        body["words"] = [_span(word.text, word.offset_ticks, word.duration_ticks) for word in best.display_words]
    return {**body, "locale": phrase.locale or locale, "confidence": best.confidence}


def _span(text: str, offset: int, duration: int) -> Json:
    return {
        "text": text,
        "offsetMilliseconds": offset // TICKS_PER_MILLISECOND,
        "durationMilliseconds": duration // TICKS_PER_MILLISECOND,
    }
