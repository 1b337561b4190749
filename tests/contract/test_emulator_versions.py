"""The versions that are named by their date: their paths, their own operations, and entities of other versions."""

import io
import wave
from datetime import timedelta

import numpy as np
import pytest
import requests

from emulator import SpeechEmulator
from shared.speech.client import SpeechClient
from shared.speech.credentials import KeyCredential
from shared.speech.errors import BadRequest
from shared.speech.types.fast_transcription import TranscribeDefinition
from shared.speech.types.transcriptions import (
    Diarization,
    DiarizationSpeakers,
    LanguageIdentification,
    NewTranscription,
    TranscriptionProperties,
)
from shared.speech.types.webhooks import NewWebHook
from tests.contract.specification import KEY_HEADER, Api
from tests.contract.surroundings import Audio, Receiver

DATED = ("2024-11-15", "2025-10-15")


def client(emulator: SpeechEmulator, version: str) -> SpeechClient:
    """The project's client of a version."""
    return SpeechClient(emulator.endpoint, KeyCredential(emulator.key), api_version=version)


def get(emulator: SpeechEmulator, path: str, **query: str) -> requests.Response:
    """A bare GET."""
    return requests.get(emulator.endpoint + path, params=query, headers={KEY_HEADER: emulator.key}, timeout=60)


@pytest.mark.parametrize("version", DATED)
def test_a_transcription_from_submission_to_its_end(emulator: SpeechEmulator, audio: Audio, version: str) -> None:
    """Submitted, shown in the version's own words, its URLs carry the version, results have milliseconds."""
    speech = client(emulator, version)
    new = NewTranscription(
        display_name="dated",
        locale="en-US",
        content_urls=[audio.url("call.wav", metadata={"transcript": "one two three"})],
        properties=TranscriptionProperties(
            time_to_live=timedelta(hours=6),
            diarization_enabled=True,
            diarization=Diarization(speakers=DiarizationSpeakers(max_count=3)),
            language_identification=LanguageIdentification(candidate_locales=["en-US", "de-DE"], mode="Single"),
        ),
    )
    made = speech.transcriptions.create(new)
    body = get(emulator, f"/speechtotext/transcriptions/{made.id}", **{"api-version": version}).json()
    assert body["self"] == f"{emulator.endpoint}/speechtotext/transcriptions/{made.id}?api-version={version}"
    assert body["properties"]["timeToLiveHours"] == 6
    assert body["properties"]["diarization"] == {"enabled": True, "maxSpeakers": 3}
    assert body["properties"]["languageIdentification"]["mode"] == "Single"
    assert not {"timeToLive", "diarizationEnabled", "email"} & body["properties"].keys()
    emulator.advance(3)
    done = speech.transcriptions.get(made.id)
    assert done.status == "Succeeded"
    assert done.properties
    assert done.properties.duration == timedelta(seconds=2)
    files = {file.name: file for file in speech.transcriptions.list_files(made.id, sas_validity=timedelta(minutes=1))}
    assert files.keys() == {"contenturl_0.json", "report.json"}
    links = [file.links.content_url for file in files.values() if file.links and file.links.content_url]
    result, report = (requests.get(url, timeout=60).json() for url in sorted(links, key=lambda url: url in links[1:]))
    if "details" in result:
        result, report = report, result
    assert result["durationMilliseconds"] == 2000
    assert all("offsetMilliseconds" in phrase for phrase in result["recognizedPhrases"])
    assert report["details"][0].keys() >= {"source", "status"}
    emulator.advance(6 * 3600)
    assert list(speech.transcriptions.list()) == []


def test_an_older_version_cannot_read_a_newer_transcription(emulator: SpeechEmulator, audio: Audio, api: Api) -> None:
    """400 that says which version can; not in its lists; the newer one reads what the older one made."""
    options = TranscriptionProperties(time_to_live=timedelta(hours=6))
    new = NewTranscription(display_name="x", locale="en-US", content_urls=[audio.url("a.wav")], properties=options)
    newer = client(emulator, "2025-10-15").transcriptions.create(new)
    older = client(emulator, "3.1").transcriptions.create(new)
    refused = api("GET", f"/transcriptions/{newer.id}")
    assert refused.status_code == 400
    assert "2025-10-15 or higher" in refused.json()["message"]
    assert api("DELETE", f"/transcriptions/{newer.id}").status_code == 400
    assert [one["displayName"] for one in api("GET", "/transcriptions").json()["values"]] == ["x"]
    seen = client(emulator, "2025-10-15").transcriptions.get(older.id)
    assert seen.properties
    assert seen.properties.time_to_live == timedelta(hours=6)
    with pytest.raises(BadRequest):
        client(emulator, "2024-11-15").transcriptions.get(newer.id)


def test_what_a_version_lacks_is_not_there(emulator: SpeechEmulator) -> None:
    """Gone paths are 404, a gone method 405; a version that is not named, or not known, is 400."""
    assert get(emulator, "/speechtotext/projects", **{"api-version": "2024-11-15"}).status_code == 404
    assert get(emulator, "/speechtotext/healthstatus", **{"api-version": "2025-10-15"}).status_code == 404
    gone = requests.post(
        f"{emulator.endpoint}/speechtotext/transcriptions?api-version=2025-10-15",
        json={},
        headers={KEY_HEADER: emulator.key},
        timeout=60,
    )
    assert gone.status_code == 405
    for query in ({}, {"api-version": "2021-01-01"}):
        unknown = get(emulator, "/speechtotext/transcriptions", **query)
        assert unknown.status_code == 400
        assert unknown.json()["target"] == "api-version"


def test_a_web_hook_gets_only_events_of_its_own_version(
    emulator: SpeechEmulator, audio: Audio, receiver: Receiver
) -> None:
    """A hook of 2024-11-15 hears of that version's transcriptions, with a `self` of that version, and of no others."""
    speech = client(emulator, "2024-11-15")
    speech.webhooks.create(
        NewWebHook(display_name="hook", web_url=receiver.url, events={"transcriptionCompletion": True})
    )
    emulator.settle()
    options = TranscriptionProperties(time_to_live=timedelta(hours=6))
    new = NewTranscription(display_name="x", locale="en-US", content_urls=[audio.url("a.wav")], properties=options)
    made = speech.transcriptions.create(new)
    client(emulator, "3.1").transcriptions.create(new)
    emulator.advance(3)
    assert receiver.events() == ["TranscriptionCompletion"]
    assert f"/speechtotext/transcriptions/{made.id}?api-version=2024-11-15" in receiver.received[-1].body.decode()


def test_fast_transcription(emulator: SpeechEmulator) -> None:
    """Both channels merged, or each for itself; audio that is none is refused."""
    speech = client(emulator, "2025-10-15")
    merged = speech.transcriptions.transcribe(stereo(), filename="a.wav")
    assert merged.duration == timedelta(seconds=2)
    assert [one.channel for one in merged.combined_phrases] == [None]
    apart = speech.transcriptions.transcribe(
        stereo(), filename="a.wav", definition=TranscribeDefinition(locales=["en-US"], channels=[0, 1])
    )
    assert [one.channel for one in apart.combined_phrases] == [0, 1]
    assert {phrase.channel for phrase in apart.phrases} == {0, 1}
    assert all(phrase.words for phrase in apart.phrases)
    refused = requests.post(
        f"{emulator.endpoint}/speechtotext/transcriptions:transcribe?api-version=2025-10-15",
        files={"audio": ("a.wav", b"no audio at all")},
        headers={KEY_HEADER: emulator.key},
        timeout=60,
    )
    assert refused.status_code == 422
    assert refused.json()["code"] == "UnprocessableEntity"


def stereo() -> io.BytesIO:
    """Two seconds of a tone on each of two channels."""
    file = io.BytesIO()
    tone = (8000 * np.sin(np.arange(32_000) / 8)).astype("int16")
    with wave.open(file, "wb") as audio:
        audio.setnchannels(2)
        audio.setsampwidth(2)
        audio.setframerate(16_000)
        audio.writeframes(np.column_stack([tone, tone]).tobytes())
    file.seek(0)
    return file
