"""Transcriptions: what is accepted, how jobs go, what they leave, and how all of it is listed and read."""

import io
import json
import wave
from datetime import timedelta
from typing import Any

import pytest
import requests
from jsonschema import Draft7Validator

from emulator import SpeechEmulator
from emulator.locales import TRANSCRIPTION_LOCALES
from tests.contract.specification import Api
from tests.contract.surroundings import START, Audio, wav

UNREACHABLE = "http://127.0.0.1:9/a.wav?sig=secret"
TOO_MANY = {str(number): "" for number in range(11)}


def body(**changes: object) -> dict[str, Any]:
    """A create request that is right, with changes; None leaves a field out."""
    fields = {"displayName": "call", "locale": "en-US", "contentUrls": [UNREACHABLE], **changes}
    return {name: value for name, value in fields.items() if value is not None}


def identified(*locales: str, **more: object) -> dict[str, Any]:
    """A create request with language identification."""
    return body(properties={"languageIdentification": {"candidateLocales": list(locales), **more}})


def finished(api: Api, emulator: SpeechEmulator, **fields: object) -> dict[str, Any]:
    """A transcription that has run."""
    made = api("POST", "/transcriptions", json=body(**fields))
    assert made.status_code == 201, made.text
    emulator.advance(3)
    result: dict[str, Any] = api("GET", made.json()["self"]).json()
    return result


def contents(api: Api, transcription: dict[str, Any]) -> dict[str, Any]:
    """The files of a transcription by name, read as JSON."""
    files = api("GET", transcription["links"]["files"]).json()["values"]
    return {file["name"]: requests.get(file["links"]["contentUrl"], timeout=60).json() for file in files}


@pytest.mark.parametrize(
    ("request_body", "inner"),
    [
        (body(displayName=None), "InvalidPayload"),
        (body(displayName=""), "InvalidPayload"),
        (body(displayName=3), "InvalidPayload"),
        (body(locale="xx-XX"), "InvalidLocale"),
        (body(colour="red"), "InvalidPayload"),
        (body(contentUrls=None), "OnlyOneOfUrlsOrContainerOrDataset"),
        (body(contentContainerUrl=UNREACHABLE), "OnlyOneOfUrlsOrContainerOrDataset"),
        (body(contentUrls=[]), "MissingInputRecords"),
        (body(contentUrls=[UNREACHABLE] * 1001), "ExceededNumberOfRecordingsUris"),
        (body(contentUrls=["a.wav"]), "InvalidRecordingsUri"),
        (body(contentUrls=["ftp://host/a.wav"]), "InvalidRecordingsUri"),
        (body(contentUrls=None, dataset={"self": "http://127.0.0.1/datasets/1"}), "InvalidDataset"),
        (body(project={"self": "http://127.0.0.1/projects/1"}), "InvalidProject"),
        (body(model={"self": "http://127.0.0.1/models/1"}), "InvalidModel"),
        (body(customProperties=TOO_MANY), "InvalidParameterValue"),
        (body(customProperties={"k" * 65: ""}), "InvalidParameterValue"),
        (body(customProperties={"k": "v" * 257}), "InvalidParameterValue"),
        (body(customProperties={"k": 1}), "InvalidPayload"),
        (body(properties={"timeToLive": "31 days"}), "InvalidTimeToLive"),
        (body(properties={"timeToLive": "P32D"}), "InvalidTimeToLive"),
        (body(properties={"timeToLive": "-P1D"}), "InvalidTimeToLive"),
        (body(properties={"punctuationMode": "Some"}), "InvalidPayload"),
        (body(properties={"channels": [-1]}), "InvalidPayload"),
        (body(properties={"diarizationEnabled": "yes"}), "InvalidPayload"),
        (body(properties={"diarization": {"speakers": {"minCount": 0}}}), "InvalidPayload"),
        (body(properties={"diarization": {"speakers": {"maxCount": 36}}}), "InvalidPayload"),
        (body(properties={"diarization": {"speakers": {"minCount": 3, "maxCount": 2}}}), "InvalidParameterValue"),
        (identified("en-US"), "InvalidParameterValue"),
        (identified(*TRANSCRIPTION_LOCALES[:10], "en-US"), "InvalidParameterValue"),
        (identified("de-DE", "fr-FR"), "InvalidLocale"),
        (identified("en-US", "xx-XX"), "InvalidLocale"),
        (identified("en-US", "de-DE", speechModelMapping={"fr-FR": {"self": "http://h/m"}}), "InvalidParameterValue"),
    ],
)
def test_a_create_that_breaks_a_rule_is_refused(api: Api, request_body: object, inner: str) -> None:
    """Each rule has its code; the answer does not repeat what was sent; nothing is made."""
    response = api("POST", "/transcriptions", json=request_body)
    assert response.status_code == 400
    assert response.json()["innerError"]["code"] == inner
    assert "secret" not in response.text
    assert api("GET", "/transcriptions").json()["values"] == []


def test_created_as_asked_with_defaults(api: Api) -> None:
    """The answer has the defaults filled in, read-only fields of the service, and never the content."""
    made = api("POST", "/transcriptions", json=body(status="Failed", self="http://elsewhere", description="d")).json()
    assert made["status"] == "NotStarted"
    assert made["self"].startswith(api.base_url)
    assert made["links"]["files"] == made["self"] + "/files"
    assert made["properties"] == {
        "diarizationEnabled": False,
        "wordLevelTimestampsEnabled": False,
        "displayFormWordLevelTimestampsEnabled": False,
        "channels": [0, 1],
        "punctuationMode": "DictatedAndAutomatic",
        "profanityFilterMode": "Masked",
    }
    assert not made.keys() & {"contentUrls", "contentContainerUrl"}


def test_life_of_a_job(api: Api, emulator: SpeechEmulator, audio: Audio) -> None:
    """NotStarted, Running, Succeeded as the clock goes on; Retry-After until it has finished; then a duration."""
    made = api("POST", "/transcriptions", json=body(contentUrls=[audio.url("a.wav")])).json()
    seen = []
    for seconds in (0, 1, 2):
        emulator.advance(seconds)
        response = api("GET", made["self"])
        seen.append((response.json()["status"], response.headers.get("Retry-After")))
    assert seen == [("NotStarted", "3"), ("Running", "2"), ("Succeeded", None)]
    last = api("GET", made["self"]).json()
    assert last["properties"]["duration"] == "PT2S"
    assert last["lastActionDateTime"] == "2026-01-01T00:00:03Z"


def test_results_and_report(api: Api, emulator: SpeechEmulator, audio: Audio) -> None:
    """Each success has a result by its index in the request; the report has all; one bad file stops no other."""
    urls = [
        audio.url("stereo.wav", content=wav(channels=2), metadata={"transcript": "Hello%20there.%20Hi%21"}),
        UNREACHABLE,
        audio.url("empty.wav", content=b""),
        audio.url("gone.wav").replace("gone.wav", "never.wav"),
        audio.url("bad.wav", metadata={"emulator_fail": "Transient"}),
        audio.url("silence.wav", metadata={"transcript": ""}),
    ]
    job = finished(api, emulator, contentUrls=urls, properties={"wordLevelTimestampsEnabled": True})
    assert job["status"] == "Succeeded"
    files = contents(api, job)
    assert set(files) == {"contenturl_0.json", "contenturl_5.json", "report.json"}
    report = files["report.json"]
    assert (report["successfulTranscriptionsCount"], report["failedTranscriptionsCount"]) == (2, 4)
    assert [one["sourceUrl"] for one in report["details"]] == urls
    kinds = [one.get("errorKind") for one in report["details"]]
    assert kinds == [None, "InvalidUri", "InvalidData", "InvalidUri", "Transient", None]
    stereo = files["contenturl_0.json"]
    assert stereo["source"] == urls[0]
    assert [(one["channel"], one["display"]) for one in stereo["combinedRecognizedPhrases"]] == [
        (0, "Hello there."),
        (1, "Hi!"),
    ]
    best = stereo["recognizedPhrases"][0]["nBest"][0]
    assert [word["word"] for word in best["words"]] == ["hello", "there"]
    assert "displayWords" not in best
    silence = files["contenturl_5.json"]
    assert (silence["combinedRecognizedPhrases"], silence["recognizedPhrases"]) == ([], [])


def test_a_job_whose_files_all_failed_is_failed(api: Api, emulator: SpeechEmulator) -> None:
    """It has an error and a report, no result, and no duration."""
    job = finished(api, emulator)
    assert job["status"] == "Failed"
    assert job["properties"]["error"]["code"] == "InvalidUri"
    assert "duration" not in job["properties"]
    assert set(contents(api, job)) == {"report.json"}


def test_stereo_with_diarization_is_invalid_data(api: Api, emulator: SpeechEmulator, audio: Audio) -> None:
    """Diarization needs one channel; with one, phrases have speakers within the limit asked for."""
    speakers = {"diarizationEnabled": True, "diarization": {"speakers": {"minCount": 1, "maxCount": 3}}}
    urls = [audio.url("mono.wav"), audio.url("stereo.wav", content=wav(channels=2))]
    files = contents(api, finished(api, emulator, contentUrls=urls, properties=speakers))
    assert files["report.json"]["details"][1]["errorKind"] == "InvalidData"
    phrases = files["contenturl_0.json"]["recognizedPhrases"]
    assert {phrase["speaker"] for phrase in phrases} == {1, 2, 3}


def test_diarization_takes_four_hours(api: Api, emulator: SpeechEmulator, audio: Audio) -> None:
    """A longer file fails, and is in order without diarization."""
    hours = [audio.url("four.wav", content=slow_wav(14_400)), audio.url("more.wav", content=slow_wav(14_401))]
    files = contents(api, finished(api, emulator, contentUrls=hours, properties={"diarizationEnabled": True}))
    exact, more = files["report.json"]["details"]
    assert exact["status"] == "Succeeded"
    assert (more["errorKind"], more["errorMessage"]) == (
        "InvalidData",
        "Diarization takes recordings of up to 240 minutes; this one is longer.",
    )
    assert finished(api, emulator, contentUrls=hours[1:])["status"] == "Succeeded"


def slow_wav(seconds: int) -> bytes:
    """Silence of one sample a second."""
    file = io.BytesIO()
    with wave.open(file, "wb") as recording:
        recording.setnchannels(1)
        recording.setsampwidth(2)
        recording.setframerate(1)
        recording.writeframes(bytes(2 * seconds))
    return file.getvalue()


@pytest.mark.parametrize(
    ("mode", "display"),
    [("Masked", "Well, ****, no."), ("Removed", "Well,, no."), ("None", "Well, damn, no.")],
)
def test_told_text_is_filtered(api: Api, emulator: SpeechEmulator, audio: Audio, mode: str, display: str) -> None:
    """Profanity modes change display and masked ITN of what the scripted engine is told, never the lexical form."""
    url = audio.url("a.wav", metadata={"transcript": "Well, damn, no."})
    wanted = {"profanityFilterMode": mode, "displayFormWordLevelTimestampsEnabled": True}
    job = finished(api, emulator, contentUrls=[url], properties=wanted)
    (phrase,) = contents(api, job)["contenturl_0.json"]["recognizedPhrases"]
    best = phrase["nBest"][0]
    assert (best["display"], best["lexical"]) == (display, "well damn no")
    assert best["maskedITN"] == display.replace(",", "").rstrip(".").lower()
    assert " ".join(word["displayText"] for word in best["displayWords"]) == display


def test_display_words_and_locale(api: Api, emulator: SpeechEmulator, audio: Audio) -> None:
    """Display words stand on the first of nBest only; a phrase has a locale where identification was asked for."""
    job = finished(
        api,
        emulator,
        contentUrls=[audio.url("a.wav", metadata={"transcript": "One two."})],
        properties={
            "displayFormWordLevelTimestampsEnabled": True,
            "languageIdentification": {"candidateLocales": ["en-US", "de-DE"]},
        },
    )
    phrase = contents(api, job)["contenturl_0.json"]["recognizedPhrases"][0]
    assert [word["displayText"] for word in phrase["nBest"][0]["displayWords"]] == ["One", "two."]
    assert all("displayWords" not in other for other in phrase["nBest"][1:])
    assert phrase["locale"] == "en-US"


def test_ticks_are_sometimes_floats(api: Api, emulator: SpeechEmulator, audio: Audio) -> None:
    """Every third phrase has ticks such as 400000.0, so that clients meet them."""
    url = audio.url("a.wav", metadata={"transcript": "One. Two. Three. Four."})
    job = finished(api, emulator, contentUrls=[url])
    phrases = contents(api, job)["contenturl_0.json"]["recognizedPhrases"]
    for name in ("offsetInTicks", "durationInTicks"):
        assert [type(phrase[name]) for phrase in phrases] == [int, int, float, int]


def test_sidecar(api: Api, emulator: SpeechEmulator, audio: Audio) -> None:
    """Without metadata the scripted engine says the text beside the audio, read by the same query."""
    audio.url("a.wav")
    audio.url("a.wav.txt", content=b"From the sidecar.")
    path, _, query = audio.container_url().partition("?")
    job = finished(api, emulator, contentUrls=[f"{path}/a.wav?{query}"])
    combined = contents(api, job)["contenturl_0.json"]["combinedRecognizedPhrases"]
    assert combined[0]["display"] == "From the sidecar."


def test_container(api: Api, emulator: SpeechEmulator, audio: Audio, monkeypatch: pytest.MonkeyPatch) -> None:
    """A container's blobs are all transcribed, however many pages its listing has; sources are their paths."""
    monkeypatch.setattr("emulator.content.PAGE_SIZE", 2)
    names = ["a b.wav", "deep/ü&c.wav", "d.wav", "e.wav", "f.wav"]
    for name in names:
        audio.url(name, metadata={"transcript": "Hello."})
    job = finished(api, emulator, contentUrls=None, contentContainerUrl=audio.container_url())
    assert job["status"] == "Succeeded"
    files = contents(api, job)
    assert files.pop("report.json")["successfulTranscriptionsCount"] == 5
    assert {file["source"] for file in files.values()} == set(names)


def test_a_container_that_cannot_be_listed_fails_the_job(api: Api, emulator: SpeechEmulator, audio: Audio) -> None:
    """A SAS without list permission, or an empty container, is the job's error, and there are no files."""
    for url, code in ((audio.container_url("r"), "InvalidUri"), (audio.container_url(), "InvalidData")):
        job = finished(api, emulator, contentUrls=None, contentContainerUrl=url)
        assert (job["status"], job["properties"]["error"]["code"]) == ("Failed", code)
        assert contents(api, job) == {}


def test_patch_changes_only_what_may_change(api: Api, emulator: SpeechEmulator, audio: Audio) -> None:
    """A merge patch: given fields change, null removes, fixed fields are UnsupportedDelta; a finished job stays so."""
    job = finished(
        api, emulator, contentUrls=[audio.url("a.wav")], description="old", customProperties={"a": "1", "b": "2"}
    )
    patch = {"displayName": "new", "description": None, "customProperties": {"a": None, "c": "3"}}
    headers = {"Content-Type": "application/merge-patch+json"}
    changed = api("PATCH", job["self"], data=json.dumps(patch), headers=headers)
    assert changed.status_code == 200
    expected = {**job, "displayName": "new", "customProperties": {"b": "2", "c": "3"}}
    del expected["description"]
    assert changed.json() == api("GET", job["self"]).json() == expected
    refused = [
        ({"locale": "de-DE"}, "UnsupportedDelta"),
        ({"status": "Failed"}, "UnsupportedDelta"),
        ({"contentUrls": [UNREACHABLE]}, "UnsupportedDelta"),
        ({"colour": "red"}, "InvalidPayload"),
        ({"displayName": None}, "InvalidPayload"),
        ({"customProperties": TOO_MANY}, "InvalidParameterValue"),
        ({"project": {"self": "http://127.0.0.1/projects/1"}}, "InvalidProject"),
    ]
    for delta, inner in refused:
        response = api("PATCH", job["self"], json=delta)
        assert (response.status_code, response.json()["innerError"]["code"]) == (400, inner)
    assert api("GET", job["self"]).json() == expected


def test_delete(api: Api, emulator: SpeechEmulator) -> None:
    """An unfinished job cannot be deleted; a finished one goes with its files; an absent one is 204 too."""
    made = api("POST", "/transcriptions", json=body()).json()
    refused = api("DELETE", made["self"])
    assert refused.status_code == 409
    assert refused.json()["innerError"]["code"] == "DeleteNotAllowed"
    emulator.advance(3)
    file = api("GET", made["links"]["files"]).json()["values"][0]
    assert api("DELETE", made["self"]).status_code == 204
    assert api("DELETE", made["self"]).status_code == 204
    assert api("GET", made["self"]).status_code == 404
    assert requests.get(file["links"]["contentUrl"], timeout=60).status_code == 404
    (seen,) = emulator.transcriptions
    assert seen.deleted == START + timedelta(seconds=3)
    assert seen.content_urls == ("http://127.0.0.1:9/a.wav",)


def test_time_to_live(api: Api, emulator: SpeechEmulator) -> None:
    """A job is deleted by itself when its time to live after completion has passed; zero means never."""
    short = finished(api, emulator, properties={"timeToLive": "PT1H"})
    never = finished(api, emulator, properties={"timeToLive": "PT0S"})
    emulator.advance(3590)
    assert api("GET", short["self"]).status_code == 200
    emulator.advance(10)
    assert api("GET", short["self"]).status_code == 404
    emulator.advance(40 * 86400)
    assert api("GET", never["self"]).status_code == 200


def test_content_urls_expire_and_cannot_be_forged(api: Api, emulator: SpeechEmulator) -> None:
    """A content URL needs no key, is good for 12 hours or for the seconds asked for, and only as it is signed."""
    job = finished(api, emulator)
    files = job["links"]["files"]
    short, long = (
        api("GET", files + query).json()["values"][0]["links"]["contentUrl"]
        for query in ("?sasValidityInSeconds=60", "")
    )
    assert requests.get(short, timeout=60).status_code == 200
    emulator.advance(60)
    statuses = [requests.get(url, timeout=60).status_code for url in (short, long)]
    assert statuses == [403, 200]
    expiry = long.partition("se=")[2].partition("&")[0]
    for forged in (long.replace(expiry, str(int(expiry) + 1)), long[:-1], long.partition("?")[0], long + "é"):
        assert requests.get(forged, timeout=60).status_code == 403
    emulator.advance(12 * 3600)
    assert requests.get(long, timeout=60).status_code == 403
    for seconds in ("0", "-1", "43201"):
        response = api("GET", f"{files}?sasValidityInSeconds={seconds}")
        assert response.json()["innerError"]["code"] == "InvalidSasValidityDuration"


def test_one_file(api: Api, emulator: SpeechEmulator) -> None:
    """A file is read by its id, within its transcription only; files can be filtered."""
    job, other = finished(api, emulator), finished(api, emulator)
    (file,) = api("GET", job["links"]["files"], params={"filter": "kind eq 'TranscriptionReport'"}).json()["values"]
    assert api("GET", file["self"]).json() == file
    assert api("GET", file["self"].replace(job["self"], other["self"])).status_code == 404
    assert api("GET", job["links"]["files"], params={"filter": "name ne 'report.json'"}).json()["values"] == []


def test_paging_and_filter(api: Api, emulator: SpeechEmulator) -> None:
    """Following @nextLink sees every entity once, filtered or not; a page has 100 at most."""
    for number in range(103):
        api("POST", "/transcriptions", json=body(displayName=f"it's {number % 2}"))
        emulator.advance(1)
    first = api("GET", "/transcriptions", params={"top": 2**31 - 1}).json()
    assert len(first["values"]) == 100
    assert len(api("GET", first["@nextLink"]).json()["values"]) == 3
    rest = api("GET", "/transcriptions", params={"skip": 3}).json()
    assert (len(rest["values"]), "@nextLink" in rest) == (100, False)
    page = api("GET", "/transcriptions", params={"top": 7, "filter": "displayName eq 'it''s 1'"}).json()
    names, pages = [one["displayName"] for one in page["values"]], 1
    while following := page.get("@nextLink"):
        page = api("GET", following).json()
        names += [one["displayName"] for one in page["values"]]
        pages += 1
    assert (names, pages) == (["it's 1"] * 51, 8)
    recent = api("GET", "/transcriptions", params={"filter": "createdDateTime ge 2026-01-01T00:01:40Z"}).json()
    assert len(recent["values"]) == 3


def test_locales(api: Api) -> None:
    """The list of locales is that of the engine, and every one of them is accepted."""
    assert "en-US" in api("GET", "/transcriptions/locales").json()


def test_result_matches_the_published_schema(api: Api, emulator: SpeechEmulator, audio: Audio) -> None:
    """Required fields and types of the result file are those of Microsoft's schema transcriptionresult_v3."""
    properties = {"wordLevelTimestampsEnabled": True, "displayFormWordLevelTimestampsEnabled": True}
    url = audio.url("a.wav", content=wav(channels=2))
    result = contents(api, finished(api, emulator, contentUrls=[url], properties=properties))["contenturl_0.json"]
    Draft7Validator(RESULT_SCHEMA).validate(result)
    assert len(result["recognizedPhrases"]) == 4


def _object(**fields: object) -> dict[str, object]:
    """A closed object whose fields are all required, except those whose name ends with an underscore."""
    return {
        "type": "object",
        "properties": {name.rstrip("_"): schema for name, schema in fields.items()},
        "required": [name for name in fields if not name.endswith("_")],
        "additionalProperties": False,
    }


TEXT = {"type": "string"}
COUNT = {"type": "integer", "minimum": 0}
SHARE = {"type": "number", "minimum": 0, "maximum": 1}
DURATION = {"type": "string", "pattern": r"^P(\d+D)?T?(\d+H)?(\d+M)?(\d+(\.\d{1,7})?S)?$"}
FORMS = {"lexical": TEXT, "itn": TEXT, "maskedITN": TEXT, "display": TEXT}
PLACE = {"offset": DURATION, "duration": DURATION, "offsetInTicks": COUNT, "durationInTicks": COUNT}
RESULT_SCHEMA = _object(
    source=TEXT,
    timestamp={"type": "string", "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$"},
    durationInTicks=COUNT,
    duration=DURATION,
    combinedRecognizedPhrases={"type": "array", "items": _object(channel=COUNT, **FORMS)},
    recognizedPhrases={
        "type": "array",
        "items": _object(
            recognitionStatus={"enum": ["Success"]},
            channel=COUNT,
            speaker_=COUNT,
            locale_=TEXT,
            **PLACE,
            nBest={
                "type": "array",
                "minItems": 1,
                "items": _object(
                    confidence=SHARE,
                    **FORMS,
                    words_={"type": "array", "items": _object(word=TEXT, **PLACE, confidence=SHARE)},
                    displayWords_={"type": "array", "items": _object(displayText=TEXT, **PLACE)},
                ),
            },
        ),
    },
)
