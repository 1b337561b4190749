"""The service's result file and report as JSON values: pure, no I/O.

Shapes: the JSON schemas `transcriptionresult_v3` and `_v3_1` that Microsoft publishes with the Speech SDK's samples.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from emulator.engines.protocol import TICKS_PER_SECOND, Alternative, Phrase, RecognizedAudio, Word

FLOAT_EVERY = 3
"""In every third phrase ticks are written as floats (`400000.0`), as the service does now and then."""

TICKS_PER_MILLISECOND = TICKS_PER_SECOND // 1000

Json = dict[str, object]


@dataclass(frozen=True, slots=True)
class FileOutcome:
    """How one audio file ended; `error_kind` is None where it succeeded."""

    source: str
    error_kind: str | None = None
    error_message: str = ""


def iso_duration(ticks: int) -> str:
    """ISO 8601 duration as the service writes it: `PT0.68S`, `PT3M0.08S`, `PT1H`, `PT0S`."""
    seconds, fraction = divmod(ticks, TICKS_PER_SECOND)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    exact = f"{seconds}.{fraction:07d}".rstrip("0").rstrip(".")
    day = f"{days}D" if days else ""
    time = (f"{hours}H" if hours else "") + (f"{minutes}M" if minutes else "") + (f"{exact}S" if exact != "0" else "")
    return f"P{day}" + (f"T{time}" if time else "") if day or time else "PT0S"


def shown_duration(ticks: int, *, dated: bool) -> Json:
    """A duration among the properties of an entity or file: the versions named by their date have milliseconds."""
    return {"durationMilliseconds": ticks // TICKS_PER_MILLISECOND} if dated else {"duration": iso_duration(ticks)}


def iso_timestamp(moment: datetime) -> str:
    """ISO 8601 date and time as the service writes it: `2024-08-16T11:02:24Z`."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def result_document(audio: RecognizedAudio, *, source: str, timestamp: datetime, milliseconds: bool = False) -> Json:
    """The result file of one audio file; phrases stand channel by channel, each channel in order of time.

    With `milliseconds` times stand in milliseconds too, as since version 2024-11-15.
    """
    phrases = sorted(audio.phrases, key=lambda phrase: (phrase.channel, phrase.offset_ticks))
    channels = sorted({phrase.channel for phrase in phrases})
    body: Json = {
        "source": source,
        "timestamp": iso_timestamp(timestamp),
        "durationInTicks": audio.duration_ticks,
        "duration": iso_duration(audio.duration_ticks),
        "combinedRecognizedPhrases": [
            _combined(channel, [phrase for phrase in phrases if phrase.channel == channel]) for channel in channels
        ],
        "recognizedPhrases": [
            _phrase(phrase, floats=number % FLOAT_EVERY == FLOAT_EVERY - 1) for number, phrase in enumerate(phrases)
        ],
    }
    if milliseconds:
        _add_milliseconds(body)
    return body


def _add_milliseconds(value: object) -> None:
    """Beside every time in ticks put the same in milliseconds."""
    if isinstance(value, list):
        for item in value:
            _add_milliseconds(item)
    elif isinstance(value, dict):
        for name in ("offset", "duration"):
            if (ticks := value.get(f"{name}InTicks")) is not None:
                value[f"{name}Milliseconds"] = int(ticks) // TICKS_PER_MILLISECOND
        for item in list(value.values()):
            _add_milliseconds(item)


def report_document(outcomes: Sequence[FileOutcome], *, source_name: str = "sourceUrl") -> Json:
    """The transcription report of all files of a request, in its order.

    A file's source is called `sourceUrl`, and `source` since version 2024-11-15.
    """
    failed = sum(outcome.error_kind is not None for outcome in outcomes)
    return {
        "successfulTranscriptionsCount": len(outcomes) - failed,
        "failedTranscriptionsCount": failed,
        "details": [_detail(outcome, source_name) for outcome in outcomes],
    }


def _detail(outcome: FileOutcome, source_name: str) -> Json:
    if outcome.error_kind is None:
        return {source_name: outcome.source, "status": "Succeeded"}
    return {
        source_name: outcome.source,
        "status": "Failed",
        "errorMessage": outcome.error_message,
        "errorKind": outcome.error_kind,
    }


def _combined(channel: int, phrases: Sequence[Phrase]) -> Json:
    best = [phrase.alternatives[0] for phrase in phrases if phrase.alternatives]
    return {
        "channel": channel,
        "lexical": _joined(form.lexical for form in best),
        "itn": _joined(form.itn for form in best),
        "maskedITN": _joined(form.masked_itn for form in best),
        "display": _joined(form.display for form in best),
    }


def _joined(texts: Iterable[str]) -> str:
    return " ".join(text for text in texts if text)


def _phrase(phrase: Phrase, *, floats: bool) -> Json:
    body: Json = {"recognitionStatus": "Success", "channel": phrase.channel}
    if phrase.speaker is not None:
        body["speaker"] = phrase.speaker
    if phrase.locale is not None:
        body["locale"] = phrase.locale
    return {
        **body,
        **_place(phrase.offset_ticks, phrase.duration_ticks, floats=floats),
        "nBest": [_alternative(form, floats=floats) for form in phrase.alternatives],
    }


def _alternative(form: Alternative, *, floats: bool) -> Json:
    body: Json = {
        "confidence": form.confidence,
        "lexical": form.lexical,
        "itn": form.itn,
        "maskedITN": form.masked_itn,
        "display": form.display,
    }
    if form.words:
        body["words"] = [
            {"word": word.text, **_spot(word, floats=floats), "confidence": word.confidence} for word in form.words
        ]
    if form.display_words:
        body["displayWords"] = [{"displayText": word.text, **_spot(word, floats=floats)} for word in form.display_words]
    return body


def _spot(word: Word, *, floats: bool) -> Json:
    return _place(word.offset_ticks, word.duration_ticks, floats=floats)


def _place(offset: int, duration: int, *, floats: bool) -> Json:
    return {
        "offset": iso_duration(offset),
        "duration": iso_duration(duration),
        "offsetInTicks": float(offset) if floats else offset,
        "durationInTicks": float(duration) if floats else duration,
    }
