"""Answers of short audio become the normalized transcript."""

import datetime as dt
import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from pydantic import TypeAdapter

from shared.transcripts.document import Transcript, encode
from shared.transcripts.exports import to_srt, to_text, to_webvtt
from shared.transcripts.normalize import Context, ResultFileError, normalize
from shared.transcripts.short_audio import API_VERSION, normalize_short_audio

SCHEMA = json.loads((Path(__file__).parents[2] / "docs" / "transcript.schema.json").read_bytes())
CONTEXT = Context("audio", "clips/a.wav", "0x1", "job", "", API_VERSION, locale="en-US")
READING = {"Lexical": "good morning", "ITN": "good morning", "MaskedITN": "good morning", "Display": "Good morning."}
WORDS = [
    {
        "Word": "good",
        "Offset": "700000",
        "Duration": 2.7e6,
        "AccuracyScore": 100.0,
        "ErrorType": "None",
        "Phonemes": [{"Phoneme": "g", "AccuracyScore": 99, "Offset": 700000, "Duration": 900000}],
    },
    {"Word": "my", "Offset": 3400000, "Duration": 1000000, "AccuracyScore": 50, "ErrorType": "Insertion"},
    {"Word": "morning", "AccuracyScore": 0.0, "ErrorType": "Omission"},
]
SCORES = {"AccuracyScore": 75, "FluencyScore": 90.5, "CompletenessScore": 50, "PronScore": 61.25}


def document_of(answer: object, **options: Any) -> Transcript:  # noqa: ANN401 - the function's own options
    """The document, which is checked against schema and model, and can be exported."""
    content = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
    document = normalize_short_audio(content, CONTEXT, duration_ms=2_000, **options)
    jsonschema.validate(json.loads(encode(document)), SCHEMA)
    assert TypeAdapter(Transcript).validate_json(encode(document)) == document
    for export in (to_webvtt, to_srt, to_text):
        export(document)
    return document


def test_it_is_the_document_of_the_same_batch_result() -> None:
    """A detailed answer gives what a batch result of the same phrase gives."""
    second = {"Confidence": 0.5, "Lexical": "good moaning", "ITN": None, "MaskedITN": "", "Display": "Good moaning."}
    answer = {
        "RecognitionStatus": "Success",
        "Offset": 700000,
        "Duration": "8400000",
        "NBest": [{"Confidence": 0.9, **READING}, second],
    }
    forms = {"lexical": "good morning", "itn": "good morning", "maskedITN": "good morning", "display": "Good morning."}
    phrase = {
        "recognitionStatus": "Success",
        "channel": 0,
        "offsetInTicks": 700000,
        "durationInTicks": 8400000,
        "nBest": [
            {"confidence": 0.9, **forms},
            {"confidence": 0.5, "lexical": "good moaning", "display": "Good moaning."},
        ],
    }
    result = {"durationInTicks": 20_000_000, "timestamp": "2026-01-02T03:04:05Z", "recognizedPhrases": [phrase]}
    at = dt.datetime(2026, 1, 2, 3, 4, 5, tzinfo=dt.UTC)
    assert document_of(answer, answered_at=at) == normalize(json.dumps(result).encode(), CONTEXT)


def test_a_simple_answer_has_one_text() -> None:
    """Its display text is all there is."""
    answer = {"RecognitionStatus": "Success", "DisplayText": "Hello.", "Offset": "5000", "Duration": "15000"}
    document = document_of(answer)
    assert document.text == "Hello."
    assert (document.phrases[0].start_ms, document.phrases[0].end_ms) == (1, 2)
    assert (document.phrases[0].lexical, document.phrases[0].confidence) == (None, None)
    assert (document.duration_ms, document.locales, document.pronunciation) == (2_000, ["en-US"], None)
    assert [(channel.channel, channel.display) for channel in document.channels] == [(0, "Hello.")]


def test_scores_come_with_the_words_of_the_text() -> None:
    """Words left out are in the assessment, without times, and not among the words said."""
    reading = {"Confidence": 0.9, **READING, **SCORES, "Words": WORDS}
    answer = {"RecognitionStatus": "Success", "Offset": 700000, "Duration": 8400000, "NBest": [reading]}
    document = document_of(answer, reference_text="Good morning.")
    assert [(word.text, word.start_ms, word.end_ms) for word in document.phrases[0].words] == [
        ("good", 70, 340),
        ("my", 340, 440),
    ]
    scores = document.pronunciation
    assert scores
    assert (scores.reference_text, scores.scale) == ("Good morning.", 100)
    assert (scores.accuracy, scores.fluency, scores.completeness) == (75, 90.5, 50)
    assert (scores.overall, scores.prosody) == (61.25, None)
    assert [(word.text, word.error, word.accuracy, word.start_ms, word.end_ms) for word in scores.words] == [
        ("good", "None", 100, 70, 340),
        ("my", "Insertion", 50, 340, 440),
        ("morning", "Omission", 0, None, None),
    ]
    (sound,) = scores.words[0].phonemes
    assert (sound.text, sound.accuracy, sound.start_ms, sound.end_ms) == ("g", 99, 70, 160)


def test_accuracy_alone_is_an_assessment() -> None:
    """What was not asked for is null or empty."""
    reading = {**READING, "AccuracyScore": 4.5}
    scores = document_of({"RecognitionStatus": "Success", "NBest": [reading]}, scale=5).pronunciation
    assert scores
    assert (scores.accuracy, scores.scale, scores.fluency, scores.overall, scores.words) == (4.5, 5, None, None, [])


@pytest.mark.parametrize("status", ["NoMatch", "InitialSilenceTimeout", "BabbleTimeout", "Success"])
def test_no_words_are_a_transcript_with_a_warning(status: str) -> None:
    """It says why there are none."""
    document = document_of({"RecognitionStatus": status, "Offset": 0, "Duration": 2 * 10**7})
    assert (document.text, document.phrases, document.pronunciation) == ("", [], None)
    (warning,) = document.warnings
    assert (status if status != "Success" else "without text") in warning.message


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (b"<html>", "cannot be read"),
        (b"{}", "RecognitionStatus"),
        (b'{"RecognitionStatus": "Succ', "truncated"),
        (b'{"RecognitionStatus": "Success", "NBest": 3}', "NBest"),
        (b'{"RecognitionStatus": "Error"}', "status Error"),
        (b'{"RecognitionStatus": "\xff"}', "cannot be read"),
    ],
)
def test_what_is_no_answer_is_an_error(answer: bytes, told: str) -> None:
    """One that says what is wrong; so is the service's own failure, which may be tried again."""
    with pytest.raises(ResultFileError, match=told):
        document_of(answer)
