"""The emulator's result files: durations, forms, order, and the scripted engine's times."""

import asyncio
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator.engines.protocol import (
    TICKS_PER_SECOND,
    Alternative,
    Diarization,
    Phrase,
    RecognitionRequest,
    RecognizedAudio,
)
from emulator.engines.scripted import BYTES_PER_SECOND, ScriptedEngine
from emulator.results import FileOutcome, iso_duration, iso_timestamp, report_document, result_document

DURATION = re.compile(r"P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)(?:\.(\d+))?S)?)?")


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "PT0S"),
        (0.68, "PT0.68S"),
        (1, "PT1S"),
        (60, "PT1M"),
        (180.08, "PT3M0.08S"),
        (185.08, "PT3M5.08S"),
        (3600, "PT1H"),
        (90_000.5, "P1DT1H0.5S"),
        (86_400, "P1D"),
    ],
)
def test_durations_are_written_as_the_service_does(seconds: float, text: str) -> None:
    """Zero parts are left out, and trailing zeros of the fraction."""
    assert iso_duration(round(seconds * TICKS_PER_SECOND)) == text


@given(st.integers(min_value=0, max_value=10**14))
def test_no_tick_is_lost_in_a_duration(ticks: int) -> None:
    """The text gives the ticks back, exactly."""
    match = DURATION.fullmatch(iso_duration(ticks))
    assert match
    days, hours, minutes, seconds = (int(part or 0) for part in match.groups()[:4])
    whole = ((days * 24 + hours) * 60 + minutes) * 60 + seconds
    assert whole * TICKS_PER_SECOND + int((match[5] or "").ljust(7, "0")) == ticks


def test_timestamps_are_utc() -> None:
    """Whatever the time zone, the text is UTC and ends with Z."""
    moment = datetime.fromisoformat("2026-01-01T01:30:00.5+02:00")
    assert iso_timestamp(moment) == "2025-12-31T23:30:00Z"


def phrase(channel: int, second: int, text: str) -> Phrase:
    """A phrase of one second."""
    best = Alternative(0.9, text.lower(), text.lower(), f"{text}!", f"{text}.")
    return Phrase(channel, second * TICKS_PER_SECOND, TICKS_PER_SECOND, (best,))


def test_phrases_are_grouped_by_channel() -> None:
    """Each channel's phrases stand together in order of time, and combine in the four forms."""
    audio = RecognizedAudio(
        9 * TICKS_PER_SECOND,
        (0, 1),
        (phrase(1, 0, "Hi"), phrase(0, 3, "There"), phrase(1, 4, "Bye"), phrase(0, 1, "You")),
    )
    result = result_document(audio, source="http://host/a.wav?sig=s", timestamp=datetime(2026, 1, 1, tzinfo=UTC))
    assert result["combinedRecognizedPhrases"] == [
        {
            "channel": 0,
            "lexical": "you there",
            "itn": "you there",
            "maskedITN": "You! There!",
            "display": "You. There.",
        },
        {"channel": 1, "lexical": "hi bye", "itn": "hi bye", "maskedITN": "Hi! Bye!", "display": "Hi. Bye."},
    ]
    phrases = result["recognizedPhrases"]
    assert isinstance(phrases, list)
    assert [(one["channel"], one["offset"]) for one in phrases] == [(0, "PT1S"), (0, "PT3S"), (1, "PT0S"), (1, "PT4S")]
    assert (result["source"], result["duration"], result["timestamp"]) == (
        "http://host/a.wav?sig=s",
        "PT9S",
        "2026-01-01T00:00:00Z",
    )


def test_report_counts_and_keeps_the_order() -> None:
    """Successes and failures are counted; only failures have an error."""
    report = report_document([FileOutcome("a"), FileOutcome("b", "InvalidData", "broken"), FileOutcome("c")])
    assert report == {
        "successfulTranscriptionsCount": 2,
        "failedTranscriptionsCount": 1,
        "details": [
            {"sourceUrl": "a", "status": "Succeeded"},
            {"sourceUrl": "b", "status": "Failed", "errorMessage": "broken", "errorKind": "InvalidData"},
            {"sourceUrl": "c", "status": "Succeeded"},
        ],
    }


@given(
    text=st.text(alphabet="ab.!? \né'", max_size=60),
    size=st.integers(min_value=1, max_value=200_000),
    speakers=st.integers(min_value=0, max_value=35),
)
def test_scripted_times_are_plausible(
    tmp_path_factory: pytest.TempPathFactory, text: str, size: int, speakers: int
) -> None:
    """Phrases and words follow each other within the audio; all of the text is said; the same twice."""
    file = tmp_path_factory.getbasetemp() / "scripted.bin"
    file.write_bytes(b"x" * size)
    request = RecognitionRequest(
        audio=Path(file),
        source="http://host/a",
        locale="en-US",
        metadata={"transcript": text},
        word_timestamps=True,
        display_word_timestamps=True,
        diarization=Diarization(1, speakers) if speakers else None,
    )
    result = asyncio.run(ScriptedEngine().recognize(request))
    assert result == asyncio.run(ScriptedEngine().recognize(request))
    assert result.duration_ticks == size * TICKS_PER_SECOND // BYTES_PER_SECOND
    assert " ".join(one.alternatives[0].display for one in result.phrases).split() == text.split()
    end = 0
    for one in result.phrases:
        assert end <= one.offset_ticks
        end = one.offset_ticks + one.duration_ticks
        assert one.speaker is None if not speakers else 1 <= (one.speaker or 0) <= speakers
        for words in (one.alternatives[0].words, one.alternatives[0].display_words):
            at = one.offset_ticks
            for word in words:
                assert word.offset_ticks == at
                at += word.duration_ticks
            assert at <= end
    assert end <= result.duration_ticks
