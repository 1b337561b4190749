"""The types: what a newer service may send, and what must not be shown."""

from datetime import UTC, datetime, timedelta

import pytest
from pydantic import ValidationError

from shared.speech import (
    FileKind,
    MalformedResponse,
    NewTranscription,
    Status,
    Transcription,
    TranscriptionReport,
    TranscriptionUpdate,
    WebHookProperties,
    entity_id,
)
from shared.speech.resources.resource import create_body, update_body

SENT = {
    "self": "https://host/speechtotext/v3.1/transcriptions/ba7ea6f5-3065-40b7-b49a-a90f48584683",
    "displayName": "n",
    "locale": "en-US",
    "status": "Paused",
    "createdDateTime": "2024-05-06T07:08:09.1234567",
    "links": None,
    "properties": {"duration": "PT1H0.5S", "punctuationMode": "Poetic", "newer": [1]},
    "newer": {"field": 1},
}


def test_a_newer_service_is_understood() -> None:
    """Unknown values and fields are kept, null is no value, seven digits of a second and a lacking zone are read."""
    parsed = Transcription.model_validate(SENT)
    assert isinstance(parsed.status, Status)
    assert parsed.status == "Paused"
    assert not parsed.status.is_terminal
    assert parsed.links is None
    assert parsed.created_date_time == datetime(2024, 5, 6, 7, 8, 9, 123456, tzinfo=UTC)
    assert parsed.properties is not None
    assert parsed.properties.duration == timedelta(hours=1, seconds=0.5)
    written = parsed.model_dump(mode="json", exclude_unset=True)
    assert written == SENT | {"createdDateTime": "2024-05-06T07:08:09.123456Z"}


def test_open_enumerations() -> None:
    """Known values are members; any other text makes one that equals it, and something else makes none."""
    assert FileKind("Audio") is FileKind.AUDIO
    assert FileKind("Video") == "Video"
    assert "Video" not in FileKind.__members__
    with pytest.raises(ValueError, match="3"):
        FileKind(3)  # type: ignore[arg-type] # what is tested


@pytest.mark.parametrize(
    ("url", "identifier"),
    [
        (SENT["self"], "ba7ea6f5-3065-40b7-b49a-a90f48584683"),
        ("https://host/speechtotext/transcriptions/abc?api-version=2025-10-15#x", "abc"),
        ("https://elsewhere/transcriptions/abc/files/d%20e", "d e"),
    ],
)
def test_ids_come_from_the_path(url: str, identifier: str) -> None:
    """The last segment of the path, whatever host and query are."""
    assert entity_id(url) == identifier


@pytest.mark.parametrize("url", ["", "https://host", "https://host/transcriptions/"])
def test_a_url_without_an_id(url: str) -> None:
    """It is refused rather than taken for an empty id."""
    with pytest.raises(ValueError, match="no such segment"):
        entity_id(url)


def test_references_have_ids() -> None:
    """The model that a transcription names is known by its id, whatever host its URL has."""
    model = {"self": "https://elsewhere/speechtotext/models/base/abc?api-version=2025-10-15"}
    parsed = Transcription.model_validate(SENT | {"model": model})
    assert parsed.model is not None
    assert parsed.model.id == "abc"


def test_bodies() -> None:
    """A create sends what is not None, an update what was given, with null for None."""
    new = NewTranscription(display_name="n", locale="en-US", description=None, content_urls=["https://h/a.wav"])
    assert create_body(new) == {"displayName": "n", "locale": "en-US", "contentUrls": ["https://h/a.wav"]}
    assert update_body(TranscriptionUpdate(description=None, custom_properties={"k": "v"})) == {
        "description": None,
        "customProperties": {"k": "v"},
    }


def test_secrets_are_not_shown() -> None:
    """Neither `repr` nor a validation error shows a SAS or a secret."""
    new = NewTranscription(display_name="n", locale="en-US", content_urls=["https://h/a.wav?sig=s3cr3t"])
    assert "s3cr3t" not in repr(new) + repr(WebHookProperties(secret="s3cr3t"))
    with pytest.raises(ValidationError) as caught:
        NewTranscription.model_validate({"displayName": "n", "contentUrls": "https://h/a.wav?sig=s3cr3t"})
    assert "s3cr3t" not in str(caught.value)


def test_reports() -> None:
    """Both spellings of the source are read; anything that is no report is said to be none."""
    content = b'{"successfulTranscriptionsCount": 1, "details": [{"sourceUrl": "a"}, {"source": "b", "status": "New"}]}'
    report = TranscriptionReport.from_json(content)
    assert [one.audio_url for one in report.details] == ["a", "b"]
    for broken in (b"", b"[]", b"<html>", content[:-2], b'{"details": 1}'):
        with pytest.raises(MalformedResponse, match="report"):
            TranscriptionReport.from_json(broken)
