"""A result file of the Speech service becomes the normalized transcript.

Only the fields that the document needs are decoded, straight into msgspec Structs, phrase by phrase: the outline keeps
each phrase as a view of the file's bytes, so the service's bulky form of only one phrase lives at a time. The file's
`source` is a URL that may carry a SAS token; `normalize` never decodes it.

Shapes are those of `transcriptionresult_v3_1.schema.json` and `transcriptionresult_v2024-11-15.schema.json` in
Microsoft's Speech SDK samples, read leniently: every field but `recognizedPhrases` and the offsets may be missing.
"""

import datetime as dt
import functools
import math
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated, Any
from urllib.parse import urlsplit, urlunsplit

import msgspec
from msgspec import Raw, Struct, field

from shared.transcripts.document import (
    Alternative,
    Channel,
    DisplayWord,
    Phrase,
    Source,
    Speaker,
    Transcript,
    TranscriptWarning,
    Word,
)
from shared.transcripts.statistics import measure
from shared.transcripts.wording import join

_TICKS_PER_MS = 10_000
_MAX_TICKS = 10**10 * _TICKS_PER_MS  # 115 days; no file is as long, so more is a broken number
_STATUSES = {"NoMatch", "InitialSilenceTimeout", "BabbleTimeout", "Error", "without text"}
_ChannelNumber = Annotated[int, msgspec.Meta(ge=0)]
_DURATION = re.compile(r"P(?:(\d{1,9})D)?(?:T(?:(\d{1,9})H)?(?:(\d{1,9})M)?(?:(\d{1,9})(?:\.(\d{1,7})\d*)?S)?)?")


class ResultFileError(ValueError):
    """A result file cannot be read; the text says what is wrong and where, and quotes nothing of the content."""


@dataclass(frozen=True)
class Context:
    """What the app knows of a result file beyond its content; the meanings are those of `Transcript`."""

    container: str
    blob: str
    etag: str
    job_id: str
    transcription_id: str
    api_version: str
    model: str | None = None
    locale: str | None = None
    warnings: tuple[TranscriptWarning, ...] = ()


class _Timed(Struct, gc=False):
    """Times in ticks (v3.1), in milliseconds (2024-11-15) or both; each comes as int, float or string."""

    offset_ticks: float | None = field(default=None, name="offsetInTicks")
    duration_ticks: float | None = field(default=None, name="durationInTicks")
    offset_ms: float | None = field(default=None, name="offsetMilliseconds")
    duration_ms: float | None = field(default=None, name="durationMilliseconds")


class _ResultWord(_Timed, gc=False):
    word: str = ""
    confidence: float | None = None


class _ResultDisplayWord(_Timed, gc=False):
    text: str = field(default="", name="displayText")


class _ResultForms(Struct, gc=False):
    lexical: str | None = None
    itn: str | None = None
    masked_itn: str | None = field(default=None, name="maskedITN")
    display: str | None = None


class _ResultAlternative(_ResultForms, gc=False):
    confidence: float | None = None


class _ResultBest(_ResultAlternative, gc=False):
    words: list[_ResultWord] | None = None
    display_words: list[_ResultDisplayWord] | None = field(default=None, name="displayWords")


class _ResultPhrase(_Timed, gc=False):
    status: str | None = field(default=None, name="recognitionStatus")
    channel: _ChannelNumber | None = None
    speaker: int | None = None
    locale: str | None = None
    n_best: list[Raw] | None = field(default=None, name="nBest")


class _ResultChannel(_ResultForms, gc=False):
    channel: _ChannelNumber | None = None


class _Outline(Struct, gc=False):
    phrases: list[Raw] = field(name="recognizedPhrases")
    timestamp: str | None = None
    duration: str | None = None
    duration_ticks: float | None = field(default=None, name="durationInTicks")
    duration_ms: float | None = field(default=None, name="durationMilliseconds")
    channels: list[_ResultChannel] | None = field(default=None, name="combinedRecognizedPhrases")


class _SourceOnly(Struct):
    source: str | None = None


_OUTLINE = msgspec.json.Decoder(_Outline, strict=False)
_PHRASE = msgspec.json.Decoder(_ResultPhrase, strict=False)
_BEST = msgspec.json.Decoder(_ResultBest, strict=False)
_ALTERNATIVE = msgspec.json.Decoder(_ResultAlternative, strict=False)
_ANYTHING: msgspec.json.Decoder[Any] = msgspec.json.Decoder()
_SOURCE = msgspec.json.Decoder(_SourceOnly)


class _NoTimesError(Exception):
    """Neither ticks nor milliseconds stand where they should."""


def normalize(result: bytes, context: Context) -> Transcript:
    """The normalized transcript of the result file `result`.

    Raises `ResultFileError` where the file is truncated, not UTF-8, not JSON or not a transcription result.
    """
    outline = _decode(_OUTLINE, _without_mark(result), "$")
    phrases: list[Phrase] = []
    unrecognized: Counter[str] = Counter()
    for index, raw in enumerate(outline.phrases):
        phrase = _phrase(raw, f"$.recognizedPhrases[{index}]", context.locale)
        if isinstance(phrase, Phrase):
            phrases.append(phrase)
        else:
            unrecognized[phrase] += 1
    phrases.sort(key=lambda phrase: (phrase.start_ms, phrase.channel))
    duration_ms = _duration_ms(outline, phrases)
    speakers = _speakers(phrases)
    locales = list(dict.fromkeys(phrase.locale for phrase in phrases if phrase.locale))
    return Transcript(
        schema_version="1.0",
        source=Source(context.container, context.blob, context.etag),
        job_id=context.job_id,
        transcription_id=context.transcription_id,
        api_version=context.api_version,
        model=context.model,
        locale=context.locale,
        locales=locales,
        created_at=_timestamp(outline.timestamp),
        duration_ms=duration_ms,
        text=join(phrase.display for phrase in phrases),
        channels=_channels(outline.channels or [], phrases),
        speakers=speakers,
        phrases=phrases,
        statistics=measure(phrases, speakers, duration_ms),
        warnings=[*context.warnings, *_unrecognized(unrecognized)],
    )


def source_of(result: bytes) -> str | None:
    """The URL of the audio that the result file `result` is of, without its query (a SAS token); None if it has none.

    Raises `ResultFileError` as `normalize` does. Decodes nothing else of the file.
    """
    source = _decode(_SOURCE, _without_mark(result), "$").source
    if source is None:
        return None
    try:
        parts = urlsplit(source)
    except ValueError:
        raise ResultFileError("the result file's $.source is not a URL") from None
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


def _without_mark(result: bytes) -> memoryview:
    """The bytes after a UTF-8 byte order mark, if there is one, without a copy."""
    return memoryview(result)[3 if result.startswith(b"\xef\xbb\xbf") else 0 :]


def _decode[T](decoder: msgspec.json.Decoder[T], data: memoryview | Raw | bytes, path: str) -> T:
    """`data`, which stands at the JSON path `path` of a result file, decoded."""
    try:
        return decoder.decode(data)
    except UnicodeDecodeError as error:
        problem = f"text that is not UTF-8 at {path} ({error.reason})"
    except msgspec.ValidationError as error:
        problem = f"not a transcription result: {_at(str(error), path)}"
    except msgspec.DecodeError as error:
        problem = f"{error} at {path}"
    except RecursionError:
        problem = f"values nested too deeply at {path}"
    raise ResultFileError(f"the result file cannot be read: {problem}")


def _at(message: str, path: str) -> str:
    """msgspec's message with its path, relative to the decoded part, made one of the whole file."""
    what, found, where = message.partition(" - at `$")
    return f"{what} at {path}{where.removesuffix('`')}" if found else f"{what} at {path}"


def _phrase(raw: Raw | bytes, path: str, default_locale: str | None) -> Phrase | str:
    """The phrase at `path`, or the recognition status of one in which nothing was recognized."""
    found = _decode(_PHRASE, raw, path)
    if not found.n_best:
        return found.status if found.status and found.status != "Success" else "without text"
    best = _decode(_BEST, found.n_best[0], f"{path}.nBest[0]")
    try:
        start_ms, end_ms = _span(found, path)
        words = [Word(word.word, *_span(word, path), _share(word.confidence)) for word in best.words or ()]
        display_words = [DisplayWord(word.text, *_span(word, path)) for word in best.display_words or ()]
    except _NoTimesError:
        if isinstance(raw, bytes):  # ticks were put in already, as far as they are told at all
            raise ResultFileError(f"the result file cannot be read: no time that can be read in {path}") from None
        return _phrase(_with_ticks(raw, path), path, default_locale)
    channel = found.channel or 0
    return Phrase(
        *_forms(best),
        start_ms=start_ms,
        end_ms=end_ms,
        channel=channel,
        speaker=_label(channel, found.speaker),
        locale=found.locale or default_locale,
        confidence=_share(best.confidence),
        words=words,
        display_words=display_words,
        alternatives=_alternatives(found.n_best, path) if len(found.n_best) > 1 else [],
    )


def _alternatives(n_best: list[Raw], path: str) -> list[Alternative]:
    found = [_decode(_ALTERNATIVE, raw, f"{path}.nBest[{rank}]") for rank, raw in enumerate(n_best) if rank]
    return [Alternative(*_forms(alternative), _share(alternative.confidence)) for alternative in found]


def _forms(found: _ResultForms) -> tuple[str, str | None, str | None, str | None]:
    """Display, lexical, itn, masked itn. Whisper models leave forms empty; a missing display form is the next best."""
    lexical, itn, masked_itn = found.lexical or None, found.itn or None, found.masked_itn or None
    return found.display or masked_itn or itn or lexical or "", lexical, itn, masked_itn


def _span(item: _Timed, path: str) -> tuple[int, int]:
    """Start and end in milliseconds, rounded half up; `path` is where `item` or the phrase around it stands."""
    start, length = item.offset_ticks, item.duration_ticks
    if start is None:
        start = _ticks_of_ms(item.offset_ms)
    if length is None:
        length = _ticks_of_ms(item.duration_ms)
    end = start + length
    if not 0 <= start <= end <= _MAX_TICKS:
        start, end = _clamped(start, end, path)
    return int(start / _TICKS_PER_MS + 0.5), int(end / _TICKS_PER_MS + 0.5)  # exact: _MAX_TICKS is far below 2**53


def _ticks_of_ms(milliseconds: float | None) -> float:
    if milliseconds is None:
        raise _NoTimesError
    return milliseconds * _TICKS_PER_MS


def _clamped(start: float, end: float, path: str) -> tuple[float, float]:
    """Negative offsets begin at 0 and negative durations (the schema allows them for words) last 0."""
    if not -_MAX_TICKS <= start <= _MAX_TICKS or not -_MAX_TICKS <= end <= _MAX_TICKS:  # so that NaN ends here, too
        raise ResultFileError(f"the result file cannot be read: a time that is out of range in {path}")
    start = max(start, 0)
    return start, max(start, end)


def _share(confidence: float | None) -> float | None:
    """The confidence within 0 and 1; None for NaN."""
    if confidence is None or 0 <= confidence <= 1:
        return confidence
    return None if math.isnan(confidence) else float(confidence > 1)


@functools.lru_cache(maxsize=256)
def _label(channel: int, speaker: int | None) -> str:
    """What a speaker is called: without diarization each channel counts as a speaker."""
    if speaker is None:
        return f"Channel {channel}"
    return f"Channel {channel} Speaker {speaker}" if channel else f"Speaker {speaker}"


def _with_ticks(raw: Raw | bytes, path: str) -> bytes:
    """The phrase with ticks put in where only ISO 8601 durations tell the times."""
    phrase = _decode(_ANYTHING, raw, path)
    _put_ticks(phrase, path)
    best = phrase["nBest"][0]
    for words in ("words", "displayWords"):
        for index, word in enumerate(best.get(words) or ()):
            _put_ticks(word, f"{path}.nBest[0].{words}[{index}]")
    return msgspec.json.encode(phrase)


def _put_ticks(item: dict[str, Any], path: str) -> None:
    for name in ("offset", "duration"):
        if item.get(f"{name}InTicks") is None and item.get(f"{name}Milliseconds") is None:
            ticks = _ticks_of_duration(item.get(name))
            if ticks is None and name == "offset":
                raise ResultFileError(f"the result file cannot be read: no time that can be read at {path}.offset")
            item[f"{name}InTicks"] = ticks or 0


def _ticks_of_duration(duration: object) -> int | None:
    """The ticks of an ISO 8601 duration of days to seconds, None for anything else."""
    found = _DURATION.fullmatch(duration) if isinstance(duration, str) and duration[-1:] not in "PT" else None
    if not found:
        return None
    days, hours, minutes, seconds = (int(part or 0) for part in found.groups()[:4])
    return (((days * 24 + hours) * 60 + minutes) * 60 + seconds) * 10_000_000 + int((found[5] or "").ljust(7, "0"))


def _duration_ms(outline: _Outline, phrases: list[Phrase]) -> int:
    """The audio's length; where the service does not tell it, the end of the last phrase."""
    ticks = outline.duration_ticks
    if ticks is None and outline.duration_ms is None:
        ticks = _ticks_of_duration(outline.duration)
    length = _Timed(0, ticks, 0, outline.duration_ms)
    try:
        return _span(length, "$")[1]
    except _NoTimesError:
        return max((phrase.end_ms for phrase in phrases), default=0)


def _timestamp(text: str | None) -> dt.datetime | None:
    """The instant in UTC (a time without a zone is taken as UTC); None where it is missing or not ISO 8601."""
    try:
        instant = dt.datetime.fromisoformat(text or "")
        return instant.astimezone(dt.UTC) if instant.tzinfo else instant.replace(tzinfo=dt.UTC)
    except (ValueError, OverflowError):
        return None


def _speakers(phrases: list[Phrase]) -> list[Speaker]:
    found = {phrase.speaker: phrase.channel for phrase in phrases}
    return [Speaker(label, channel, _number(label)) for label, channel in found.items()]


def _number(label: str) -> int | None:
    _, diarized, number = label.rpartition("Speaker ")
    return int(number) if diarized else None


def _channels(combined: list[_ResultChannel], phrases: list[Phrase]) -> list[Channel]:
    """All that was said on each channel: as the service combined it, else the channel's phrases joined."""
    channels = {found.channel or 0: Channel(*_forms(found), found.channel or 0) for found in combined}
    for number in {phrase.channel for phrase in phrases} - channels.keys():
        own = [phrase for phrase in phrases if phrase.channel == number]
        channels[number] = Channel(
            display=join(phrase.display for phrase in own),
            lexical=join(phrase.lexical or "" for phrase in own) or None,
            itn=join(phrase.itn or "" for phrase in own) or None,
            masked_itn=join(phrase.masked_itn or "" for phrase in own) or None,
            channel=number,
        )
    return [channels[number] for number in sorted(channels)]


def _unrecognized(statuses: Counter[str]) -> Iterable[TranscriptWarning]:
    """One warning for the phrases in which nothing was recognized, if there are any."""
    if statuses:
        kinds = ", ".join(f"{count} {status if status in _STATUSES else 'other'}" for status, count in statuses.items())
        yield TranscriptWarning("phrases_not_recognized", f"In some phrases nothing was recognized: {kinds}.")
