"""What differs between the API versions, as translations of bodies, paths and parameters."""

import json
from datetime import timedelta

import pytest

from shared.speech import (
    Diarization,
    DiarizationSpeakers,
    LanguageIdentification,
    LanguageIdentificationMode,
    NewTranscription,
    Transcription,
    TranscriptionProperties,
    UnsupportedOperation,
)
from shared.speech.resources.resource import create_body
from shared.speech.versions import api_version

DATED = ["2024-11-15", "2025-10-15"]
ENDPOINT = "https://name.cognitiveservices.azure.com"


def new(**properties: object) -> NewTranscription:
    """A transcription to create with these properties."""
    return NewTranscription(
        display_name="n",
        locale="en-US",
        content_urls=["https://h/a.wav"],
        properties=TranscriptionProperties(**properties),
    )


def sent(version: str, **properties: object) -> object:
    """The properties that go over the wire."""
    return api_version(version).request_body("Transcriptions_Create", create_body(new(**properties)))["properties"]


def test_urls() -> None:
    """v3.1 has its version in the path, the newer ones in the query; creating is a submit there."""
    for operation, path in (("Transcriptions_Create", "/transcriptions"), ("Transcriptions_List", "/transcriptions")):
        url = api_version("3.1").url(ENDPOINT, operation, path, {"top": None})
        assert url == f"{ENDPOINT}/speechtotext/v3.1/transcriptions"
    newer = api_version("2025-10-15")
    expected = f"{ENDPOINT}/speechtotext/transcriptions:submit?api-version=2025-10-15"
    assert newer.url(ENDPOINT, "Transcriptions_Create", "/transcriptions", {}) == expected
    filtered = newer.url(ENDPOINT, "Transcriptions_List", "/transcriptions", {"top": 5, "filter": "locale eq 'a b&c'"})
    assert filtered.endswith("/transcriptions?top=5&filter=locale%20eq%20%27a%20b%26c%27&api-version=2025-10-15")


def test_unknown_versions() -> None:
    """A name that the client does not speak is refused with those that it does; `v3.1` is `3.1`."""
    assert api_version("v3.1") is api_version("3.1")
    with pytest.raises(ValueError, match=r"'3\.0'.*3\.1, 3\.2, 2024-11-15, 2025-10-15"):
        api_version("3.0")


@pytest.mark.parametrize("version", DATED)
def test_missing_operations(version: str) -> None:
    """An operation that a version lacks is refused by name."""
    with pytest.raises(UnsupportedOperation, match=f"{version}.*ServiceHealth_Get"):
        api_version(version).url(ENDPOINT, "ServiceHealth_Get", "/healthstatus", {})


def test_v3_1_is_sent_as_the_types_say() -> None:
    """ISO 8601 durations and the two diarization fields, nothing that was not given."""
    speakers = Diarization(speakers=DiarizationSpeakers(min_count=1, max_count=5))
    assert sent("3.1", time_to_live=timedelta(days=31), diarization_enabled=True, diarization=speakers) == {
        "timeToLive": "P31D",
        "diarizationEnabled": True,
        "diarization": {"speakers": {"minCount": 1, "maxCount": 5}},
    }


@pytest.mark.parametrize("version", DATED)
def test_newer_versions_have_hours_and_one_diarization_object(version: str) -> None:
    """timeToLiveHours and diarization {enabled, maxSpeakers} stand for v3.1's fields."""
    speakers = Diarization(speakers=DiarizationSpeakers(max_count=5))
    day = timedelta(days=1)
    several = {"timeToLiveHours": 24, "diarization": {"enabled": True, "maxSpeakers": 5}}
    two = {"timeToLiveHours": 24, "diarization": {"enabled": True, "maxSpeakers": 2}}
    assert sent(version, time_to_live=day, diarization_enabled=True, diarization=speakers) == several
    assert sent(version, time_to_live=day, diarization=speakers) == several
    assert sent(version, time_to_live=day, diarization_enabled=True) == two
    assert sent(version, time_to_live=timedelta(hours=6, seconds=1), punctuation_mode="None") == {
        "timeToLiveHours": 7,
        "punctuationMode": "None",
    }


@pytest.mark.parametrize("time_to_live", [None, timedelta(hours=5), timedelta(days=32)])
def test_newer_versions_require_a_time_to_live(time_to_live: timedelta | None) -> None:
    """6 to 744 hours; anything else is refused before the service does."""
    with pytest.raises(ValueError, match="time_to_live"):
        sent("2024-11-15", time_to_live=time_to_live)


def test_language_identification_mode_is_new() -> None:
    """v3.1 would ignore or refuse the mode, so it is refused by name."""
    mode = LanguageIdentification(candidate_locales=["en-US", "de-DE"], mode=LanguageIdentificationMode.SINGLE)
    assert sent("2024-11-15", time_to_live=timedelta(days=1), language_identification=mode) == {
        "timeToLiveHours": 24,
        "languageIdentification": {"candidateLocales": ["en-US", "de-DE"], "mode": "Single"},
    }
    with pytest.raises(UnsupportedOperation, match="mode"):
        sent("3.1", language_identification=mode)


def test_newer_answers_read_like_v3_1() -> None:
    """A transcription as 2025-10-15 sends it has the same Python fields as one of v3.1."""
    newer = {
        "self": f"{ENDPOINT}/speechtotext/transcriptions/ba7ea6f5-3065-40b7-b49a-a90f48584683?api-version=2025-10-15",
        "displayName": "n",
        "locale": "en-US",
        "createdDateTime": "2019-01-07T11:34:12Z",
        "properties": {
            "timeToLiveHours": 48,
            "diarization": {"enabled": True, "maxSpeakers": 5},
            "durationMilliseconds": 42_500,
            "channels": [0, 1],
        },
        "status": "Succeeded",
    }
    older = json.loads(json.dumps(newer))
    older["properties"] = {
        "timeToLive": "P2D",
        "diarizationEnabled": True,
        "diarization": {"speakers": {"maxCount": 5}},
        "duration": "PT42.5S",
        "channels": [0, 1],
    }
    read = Transcription.model_validate(api_version("2025-10-15").response_body(newer))
    assert read == Transcription.model_validate(api_version("3.1").response_body(older))
    assert read.id == "ba7ea6f5-3065-40b7-b49a-a90f48584683"
    assert read.properties is not None
    assert read.properties.duration == timedelta(seconds=42.5)


@pytest.mark.parametrize(
    "odd", [None, [], "x", {"durationMilliseconds": None}, {"timeToLiveHours": 10**400}, {"diarization": 1}]
)
def test_strange_properties_break_no_translation(odd: object) -> None:
    """What is not of the newer shape is left for the types to judge."""
    assert api_version("2025-10-15").response_body({"properties": odd}) == {"properties": odd}


@pytest.mark.parametrize(
    ("version", "parameter"), [("3.1", ("sasValidityInSeconds", 5400)), ("2024-11-15", ("sasLifetimeMinutes", 90))]
)
def test_sas_validity(version: str, parameter: tuple[str, int]) -> None:
    """The lifetime of file URLs is asked for in seconds or in minutes."""
    assert api_version(version).sas_validity(timedelta(minutes=90)) == dict([parameter])
    assert list(api_version(version).sas_validity(None).values()) == [None]
