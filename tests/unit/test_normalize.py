"""Result files of every shape that the service is known to write become one kind of document, or one kind of error."""

import copy
import datetime as dt
import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.transcripts.document import DisplayWord, Speaker, Transcript, TranscriptWarning, Word, encode
from shared.transcripts.normalize import Context, ResultFileError, normalize, source_of

RESULTS = Path(__file__).parents[1] / "data" / "results"
CONTEXT = Context(
    container="audio",
    blob="calls/monday.wav",
    etag="0x8DC",
    job_id="job-1",
    transcription_id="transcription-1",
    api_version="v3.1",
    locale="en-US",
)


def stored(name: str) -> dict[str, Any]:
    """A result file of tests/data/results, to be changed at will."""
    result: dict[str, Any] = json.loads((RESULTS / name).read_bytes())
    return result


def normalized(result: dict[str, Any], context: Context = CONTEXT) -> Transcript:
    """The document of a result given as an object."""
    return normalize(json.dumps(result).encode(), context)


def one_phrase(**changes: object) -> dict[str, Any]:
    """A result with one phrase "Hello." at 1 s, with `changes`; a value of None leaves the field out."""
    phrase = {
        "recognitionStatus": "Success",
        "channel": 0,
        "offsetInTicks": 10_000_000,
        "durationInTicks": 5_000_000,
        "nBest": [{"confidence": 0.5, "lexical": "hello", "itn": "hello", "maskedITN": "hello", "display": "Hello."}],
    } | changes
    return {"recognizedPhrases": [{name: value for name, value in phrase.items() if value is not None}]}


def test_phrases_grouped_by_channel_come_in_one_order_of_time() -> None:
    """The service groups phrases by channel; document, text and speakers run by time across channels."""
    document = normalized(stored("stereo_v3_1.json"))
    assert [(phrase.start_ms, phrase.channel) for phrase in document.phrases] == [
        (500, 0),
        (2500, 1),
        (6000, 0),
        (6300, 1),
    ]
    assert document.text == "Good morning, how can I help? I'd like to change my address. Of course. Thank you."
    assert document.speakers == [Speaker("Channel 0", 0, None), Speaker("Channel 1", 1, None)]
    assert [phrase.speaker for phrase in document.phrases] == ["Channel 0", "Channel 1"] * 2


def test_float_ticks_become_whole_milliseconds() -> None:
    """Ticks written as 400000.0 give the integers that 400000 gives, for the file, phrases and both kinds of words."""
    result = stored("stereo_v3_1.json")
    assert isinstance(result["recognizedPhrases"][0]["offsetInTicks"], float)
    document = normalized(result)
    first = document.phrases[0]
    assert (document.duration_ms, first.start_ms, first.end_ms) == (8000, 500, 2100)
    assert first.words[1] == Word("morning", 800, 1250, 0.9)
    assert first.display_words[1] == DisplayWord("morning,", 800, 1250)
    assert b"." not in b"".join(part.split(b",")[0] for part in encode(document).split(b'_ms":')[1:])


def test_alternatives_follow_the_best_reading() -> None:
    """Of an nBest of three, the first is the phrase, the others its alternatives; words stand on the first only."""
    first = normalized(stored("stereo_v3_1.json")).phrases[0]
    assert first.display == "Good morning, how can I help?"
    assert [(found.display, found.confidence) for found in first.alternatives] == [
        ("Good morning, how can I help you?", 0.74),
        ("Good morning, how can I?", 0.55),
    ]


@pytest.mark.parametrize("count", range(1, 7))
def test_n_best_of_any_length(count: int) -> None:
    """One to six readings are read, whether or not the later ones have words."""
    result = stored("stereo_v3_1.json")
    best = result["recognizedPhrases"][0]["nBest"][0]
    result["recognizedPhrases"][0]["nBest"] = [best, *({"display": f"Reading {n}."} for n in range(1, count))]
    phrase = normalized(result).phrases[0]
    assert [found.display for found in phrase.alternatives] == [f"Reading {n}." for n in range(1, count)]
    assert len(phrase.words) == len(phrase.display_words) == 6


def test_silence_is_a_transcript() -> None:
    """Both arrays empty: a document with no text and all of its duration silent."""
    document = normalized(stored("silence.json"))
    assert (document.text, document.channels, document.speakers, document.phrases) == ("", [], [], [])
    statistics = document.statistics
    assert (statistics.speech_ms, statistics.silence_ms, statistics.overlap_ms) == (0, 5000, 0)


def test_whisper_leaves_forms_empty() -> None:
    """A form that the model does not give is null, in phrases and channels; words are counted in the display form."""
    document = normalized(stored("whisper.json"))
    for part in (document.phrases[0], document.channels[0]):
        assert part.display == "The spoken word, as Whisper writes it."
        assert (part.lexical, part.itn, part.masked_itn) == (None, None, None)
    assert document.statistics.speakers[0].words == 7


def test_diarized_speakers_and_identified_languages() -> None:
    """A speaker number makes the label; a phrase without one belongs to its channel; each phrase keeps its locale."""
    document = normalized(stored("diarized_2024_11_15.json"))
    assert document.speakers == [Speaker("Speaker 1", 0, 1), Speaker("Speaker 2", 0, 2), Speaker("Channel 0", 0, None)]
    assert [phrase.locale for phrase in document.phrases] == ["en-US", "es-ES", "en-US"]
    assert document.locales == ["en-US", "es-ES"]


def test_the_same_number_on_two_channels_is_two_speakers() -> None:
    """A label is unique in the document even where two channels have a speaker 1."""
    result = stored("stereo_v3_1.json")
    for phrase in result["recognizedPhrases"]:
        phrase["speaker"] = 1
    assert normalized(result).speakers == [Speaker("Speaker 1", 0, 1), Speaker("Channel 1 Speaker 1", 1, 1)]


def test_locale_is_the_one_asked_for_unless_identified() -> None:
    """Without language identification phrases carry the locale of the request."""
    assert normalized(one_phrase()).phrases[0].locale == "en-US"
    assert normalized(one_phrase(locale="de-DE")).locales == ["de-DE"]


def without(result: dict[str, Any], *endings: str) -> dict[str, Any]:
    """A copy of a result in which no offset and duration is told in the ways with these endings."""
    dropped = {kind + ending for kind in ("offset", "duration") for ending in endings}
    kept: dict[str, Any] = json.loads(
        json.dumps(result),
        object_hook=lambda item: {name: value for name, value in item.items() if name not in dropped},
    )
    return kept


def test_the_same_document_from_ticks_milliseconds_and_durations() -> None:
    """v3.1 tells times in ticks, 2024-11-15 also in milliseconds, both in ISO 8601; any one of them is enough."""
    result = stored("diarized_2024_11_15.json")
    expected = normalized(result)
    assert expected.phrases[0].words
    assert normalized(without(result, "", "Milliseconds")) == expected
    assert normalized(without(result, "", "InTicks")) == expected
    assert normalized(without(result, "InTicks", "Milliseconds")) == expected


def test_numbers_as_strings() -> None:
    """Numbers in quotes are read as numbers."""
    result = one_phrase(channel="1", speaker="2", offsetInTicks="10000000", durationInTicks="5000000.0")
    result["recognizedPhrases"][0]["nBest"][0]["confidence"] = "0.25"
    phrase = normalized(result).phrases[0]
    assert (phrase.start_ms, phrase.end_ms, phrase.speaker, phrase.confidence) == (
        1000,
        1500,
        "Channel 1 Speaker 2",
        0.25,
    )


@pytest.mark.parametrize(
    ("status", "n_best"), [("NoMatch", None), ("InitialSilenceTimeout", []), ("Error", None), ("Success", None)]
)
def test_a_phrase_in_which_nothing_was_recognized(status: str, n_best: list[Any] | None) -> None:
    """It is left out and counted in a warning; the other phrases stay."""
    result = stored("stereo_v3_1.json")
    result["recognizedPhrases"].append(one_phrase(recognitionStatus=status, nBest=n_best)["recognizedPhrases"][0])
    document = normalized(result)
    assert len(document.phrases) == 4
    named = "without text" if status == "Success" else status
    assert document.warnings == [
        TranscriptWarning("phrases_not_recognized", f"In some phrases nothing was recognized: 1 {named}.")
    ]


def test_text_of_a_phrase_that_is_no_success_is_kept() -> None:
    """Recognized text is never dropped for the status beside it."""
    assert normalized(one_phrase(recognitionStatus="BabbleTimeout")).text == "Hello."


def test_the_least_that_is_a_result() -> None:
    """All but the phrases, their offsets and their text may be missing, and unknown fields are ignored."""
    result = {
        "recognizedPhrases": [
            {"offsetInTicks": 1, "durationInTicks": 40_000, "nBest": [{"lexical": "hello", "new": [1]}], "new": {}},
            {"offset": "PT1H1.5S", "nBest": [{"display": "there"}]},
        ],
        "somethingNew": {"deep": [1, 2, {"x": None}]},
    }
    document = normalized(result)
    assert document.text == "hello there"
    assert [(phrase.start_ms, phrase.end_ms, phrase.confidence) for phrase in document.phrases] == [
        (0, 4, None),
        (3_601_500, 3_601_500, None),
    ]
    assert (document.created_at, document.duration_ms) == (None, 3_601_500)
    assert [(channel.channel, channel.display) for channel in document.channels] == [(0, "hello there")]


def test_channels_without_combined_phrases() -> None:
    """Where the service does not combine the phrases of a channel, the app does, to the same texts."""
    result = stored("stereo_v3_1.json")
    expected = normalized(result).channels
    del result["combinedRecognizedPhrases"]
    assert normalized(result).channels == expected
    result["combinedRecognizedPhrases"] = None
    assert normalized(result).channels == expected


def test_nulls_are_as_good_as_absent() -> None:
    """Optional fields that are null read as missing."""
    result = one_phrase()
    result["recognizedPhrases"][0] |= {"speaker": None, "locale": None, "recognitionStatus": None, "channel": None}
    result["recognizedPhrases"][0]["nBest"][0] |= {"confidence": None, "words": None, "displayWords": None, "itn": None}
    phrase = normalized(result | {"timestamp": None, "duration": None}).phrases[0]
    assert (phrase.channel, phrase.speaker, phrase.itn, phrase.confidence) == (0, "Channel 0", None, None)


@pytest.mark.parametrize(
    ("ticks", "milliseconds"), [(0, 0), (4_999, 0), (5_000, 1), (14_999, 1), (15_000, 2), (14_999.9, 1), (-7, 0)]
)
def test_rounding_is_half_up(ticks: float, milliseconds: int) -> None:
    """10,000 ticks are a millisecond; halves round up; nothing starts before the audio."""
    assert normalized(one_phrase(offsetInTicks=ticks)).phrases[0].start_ms == milliseconds


def test_a_negative_duration_lasts_no_time() -> None:
    """The 2024-11-15 schema allows negative durations for words; their end is their start."""
    result = one_phrase()
    words = [{"word": "hello", "offsetMilliseconds": 1000, "durationMilliseconds": -80}]
    result["recognizedPhrases"][0]["nBest"][0]["words"] = words
    assert normalized(result).phrases[0].words == [Word("hello", 1000, 1000, None)]


@pytest.mark.parametrize(("confidence", "expected"), [(1.2, 1.0), (-0.1, 0.0), ("NaN", None), ("inf", 1.0), (1, 1.0)])
def test_confidence_stays_within_its_bounds(confidence: object, expected: float | None) -> None:
    """A confidence is between 0 and 1, or null."""
    result = one_phrase()
    result["recognizedPhrases"][0]["nBest"][0]["confidence"] = confidence
    assert normalized(result).phrases[0].confidence == expected


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("2024-05-06T07:08:09Z", "2024-05-06T07:08:09Z"),
        ("2024-05-06T09:08:09.1234567+02:00", "2024-05-06T07:08:09.123456Z"),
        ("2024-05-06T07:08:09", "2024-05-06T07:08:09Z"),
        ("0001-01-01T00:00:00+14:00", None),
        ("yesterday", None),
    ],
)
def test_created_at_is_utc(written: str, expected: str | None) -> None:
    """The timestamp is an instant in UTC, or null where it cannot be read."""
    document = json.loads(encode(normalized(one_phrase() | {"timestamp": written})))
    assert document["created_at"] == expected


def test_what_the_context_tells_stands_in_the_document() -> None:
    """The app's knowledge of the file, its warnings first."""
    warning = TranscriptWarning("diarization_dropped", "Stereo audio cannot be diarized.")
    document = normalized(
        one_phrase(recognitionStatus="NoMatch", nBest=None),
        Context("c", "b", "e", "j", "t", "2024-11-15", model="m", locale="de-DE", warnings=(warning,)),
    )
    assert (document.source.container, document.source.blob, document.source.etag) == ("c", "b", "e")
    assert (document.job_id, document.transcription_id, document.api_version) == ("j", "t", "2024-11-15")
    assert (document.model, document.locale, document.locales) == ("m", "de-DE", [])
    assert document.warnings[0] == warning
    assert len(document.warnings) == 2


def test_statistics_count_overlaps_once() -> None:
    """Speech is the union of the phrases, overlap is where two speakers speak; shares are of all talk."""
    result = {"durationInTicks": 100_000_000, "recognizedPhrases": []}
    for channel, start, end in [(0, 0, 4), (0, 3, 5), (1, 4, 8)]:
        phrase = one_phrase(channel=channel, offsetInTicks=start * 10**7, durationInTicks=(end - start) * 10**7)
        result["recognizedPhrases"] += phrase["recognizedPhrases"]
    statistics = normalized(result).statistics
    assert (statistics.speech_ms, statistics.silence_ms, statistics.overlap_ms) == (8000, 2000, 1000)
    agent, caller = statistics.speakers
    assert (agent.speaker, agent.speech_ms, agent.words, agent.words_per_minute) == ("Channel 0", 5000, 2, 24.0)
    assert (agent.talk_share, caller.talk_share) == (0.5556, 0.4444)


def test_languages_without_spaces() -> None:
    """Chinese phrases are joined without a space, and each of their characters counts as a word."""
    phrases = [
        {"offsetInTicks": n, "durationInTicks": 10**7, "nBest": [{"display": text}]}
        for n, text in enumerate(["你好,", "世界。", "OK"])
    ]
    document = normalized({"recognizedPhrases": phrases})
    assert document.text == "你好, 世界。 OK"
    assert document.statistics.speakers[0].words == 5


def test_a_byte_order_mark_is_no_matter() -> None:
    """Some writers put a byte order mark before UTF-8."""
    assert normalize(b"\xef\xbb\xbf" + json.dumps(one_phrase()).encode(), CONTEXT).text == "Hello."


def test_the_sas_of_the_source_stays_out() -> None:
    """`source` is a URL with a SAS token; nothing of it is in the document, and `source_of` gives it without query."""
    result = (RESULTS / "stereo_v3_1.json").read_bytes()
    assert b"sig=" in result
    assert b"windows.net" not in encode(normalize(result, CONTEXT))
    assert source_of(result) == "https://account.blob.core.windows.net/audio/calls/monday.wav"
    assert source_of(b'{"source": "https://user:password@host/a%20b?sig=1#f"}') == "https://host/a%20b"
    assert source_of(b"{}") is None


SECRET = "https://account.blob.core.windows.net/a.wav?sig=c2VjcmV0"
BEFORE = f'{{"source": "{SECRET}", '.encode()


@pytest.mark.parametrize(
    ("result", "expected"),
    [
        (b"", "truncated at $"),
        (BEFORE + b'"recognizedPhrases": [{"channel": 0', "truncated at $"),
        (BEFORE + b'"recognizedPhrases": [] ]', f"(byte {len(BEFORE) + 24}) at $"),
        (b"\xff\xfe{\x00}\x00", "(byte 0) at $"),
        (b"<html>404</html>", "(byte 0) at $"),
        (b"[]", "Expected `object`, got `array` at $"),
        (b"{}", "missing required field `recognizedPhrases` at $"),
        (BEFORE + b'"recognizedPhrases": null}', "Expected `array`, got `null` at $.recognizedPhrases"),
        (BEFORE + b'"recognizedPhrases": [1]}', "Expected `object`, got `int` at $.recognizedPhrases[0]"),
        (BEFORE + b'"recognizedPhrases": [{"channel": -1}]}', "`int` >= 0 at $.recognizedPhrases[0].channel"),
        (
            BEFORE + b'"recognizedPhrases": [{"nBest": [{}]}]}',
            "no time that can be read at $.recognizedPhrases[0].offset",
        ),
        (
            BEFORE + b'"recognizedPhrases": [{"offsetInTicks": "null", "nBest": [{}]}]}',
            "no time that can be read in $.recognizedPhrases[0]",
        ),
        (
            BEFORE + b'"recognizedPhrases": [{"offset": "PT", "nBest": [{}]}]}',
            "no time that can be read at $.recognizedPhrases[0].offset",
        ),
        (
            BEFORE + b'"recognizedPhrases": [{"offsetInTicks": 1e300, "durationInTicks": 1, "nBest": [{}]}]}',
            "out of range in $.recognizedPhrases[0]",
        ),
        (
            BEFORE + b'"recognizedPhrases": [{"offsetInTicks": "NaN", "durationInTicks": 1, "nBest": [{}]}]}',
            "out of range in $.recognizedPhrases[0]",
        ),
        (
            BEFORE + b'"recognizedPhrases": [{"offsetInTicks": 1e999}]}',
            "out of range at $.recognizedPhrases[0].offsetInTicks",
        ),
        (BEFORE + b'"durationInTicks": ' + b"9" * 5000 + b', "recognizedPhrases": []}', "range at $.durationInTicks"),
        (
            BEFORE + b'"recognizedPhrases": [{"nBest": [{"display": "\xff"}]}]}',
            "not UTF-8 at $.recognizedPhrases[0].nBest[0]",
        ),
        (BEFORE + b'"recognizedPhrases": [{"nBest": [{"display": "\\ud800"}]}]}', "hex escape (byte"),
        (
            BEFORE + b'"recognizedPhrases": [{"nBest": [{"words": [{}, {"word": 1}]}]}]}',
            "got `int` at $.recognizedPhrases[0].nBest[0].words[1].word",
        ),
        (BEFORE + b'"new": ' + b"[" * 100_000, "nested too deeply at $"),
        (BEFORE + b'"timestamp": {"url": "' + SECRET.encode() + b'"}, "recognizedPhrases": []}', "at $.timestamp"),
    ],
)
def test_a_broken_file_says_what_and_where(result: bytes, expected: str) -> None:
    """One error for every kind of damage, with the place, without the content."""
    with pytest.raises(ResultFileError) as caught:
        normalize(result, CONTEXT)
    assert expected in str(caught.value)
    assert "sig=" not in str(caught.value)
    assert len(str(caught.value)) < 200


def test_source_of_a_broken_file() -> None:
    """`source_of` has the same error."""
    with pytest.raises(ResultFileError, match="truncated"):
        source_of(b'{"source": "https://')
    with pytest.raises(ResultFileError, match="not a URL"):
        source_of(b'{"source": "https://[?sig=1"}')


@given(st.data())
def test_damage_anywhere_gives_a_document_or_the_error(data: st.DataObject) -> None:
    """Whatever value stands in a place of the result, nothing but `ResultFileError` is raised, and documents encode."""
    result = copy.deepcopy(stored("stereo_v3_1.json"))
    place: Any = result
    while True:
        key = data.draw(st.sampled_from(sorted(place)) if isinstance(place, dict) else st.integers(0, len(place) - 1))
        if not (isinstance(place[key], dict | list) and place[key] and data.draw(st.booleans())):
            break
        place = place[key]
    number = (
        st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.sampled_from(["NaN", "1e400", "-inf"])
    )
    place[key] = data.draw(
        st.recursive(st.none() | st.booleans() | number | st.text(), lambda inner: st.lists(inner, max_size=3))
    )
    try:
        document = normalized(result)
    except ResultFileError:
        return
    assert msgspec.json.decode(encode(document), type=Transcript) == document


@given(st.data())
def test_damaged_bytes_give_a_document_or_the_error(data: st.DataObject) -> None:
    """Any byte changed and any cut: nothing but `ResultFileError` is raised."""
    result = bytearray((RESULTS / "diarized_2024_11_15.json").read_bytes())
    result[data.draw(st.integers(0, len(result) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.none() | st.integers(0, len(result)))
    try:
        document = normalize(bytes(result[:cut]), CONTEXT)
    except ResultFileError:
        return
    assert document.created_at is None or document.created_at.tzinfo is dt.UTC
