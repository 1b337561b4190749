"""Datasets: text and audio by URL, upload and blocks; checked, reported, and kept for those who use them."""

import io
import json
import stat
import zipfile
from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from emulator import JobSeconds, SpeechEmulator
from shared.speech.client import SpeechClient
from shared.speech.credentials import KeyCredential
from shared.speech.types.datasets import (
    DatasetKind,
    DatasetProperties,
    DatasetUpdate,
    NewDataset,
    TextNormalizationKind,
)
from tests.contract.specification import Api
from tests.contract.surroundings import Audio, Receiver, wav

UNREACHABLE = "http://127.0.0.1:9/data.txt?sig=secret"
BOM = "\ufeff"


def body(**fields: object) -> dict[str, Any]:
    """The body of a create operation."""
    return {"displayName": "d", "kind": "Language", "locale": "en-US", "contentUrl": UNREACHABLE, **fields}


def files_of(api: Api, dataset: str) -> dict[str, tuple[str, str]]:
    """Kind and text of each file of a dataset by its name."""
    files = api("GET", f"{dataset}/files").json()["values"]
    return {file["name"]: (file["kind"], api("GET", file["links"]["contentUrl"]).content.decode()) for file in files}


@pytest.mark.parametrize(
    ("fields", "inner"),
    [
        ({"locale": "xx-XX"}, "InvalidLocale"),
        ({"kind": "Video"}, "InvalidPayload"),
        ({"contentUrl": "data.txt"}, "InvalidPayload"),
        ({"project": {"self": "http://127.0.0.1/projects/1"}}, "InvalidProject"),
        ({"displayName": ""}, "InvalidPayload"),
    ],
)
def test_a_create_that_breaks_a_rule_is_refused(api: Api, fields: dict[str, object], inner: str) -> None:
    """Each rule has its code, and nothing is made."""
    response = api("POST", "/datasets", json=body(**fields))
    assert (response.status_code, response.json()["innerError"]["code"]) == (400, inner)
    assert api("GET", "/datasets").json()["values"] == []


def test_language_data_from_a_url(api: Api, emulator: SpeechEmulator, audio: Audio) -> None:
    """Lines are checked one by one: those taken are normalized, the report says why the others were not."""
    text = f"{BOM}Call me  Ishmael.\r\n\r\nsee https://example.org/a\nno no no no no\nHmmmm\n...\nCaf\u00e9 au lait"
    made = api("POST", "/datasets", json=body(contentUrl=audio.url("data.txt", content=text.encode()))).json()
    assert "?" not in made["contentUrl"]
    seen = []
    for seconds in (0, 1, 2):
        emulator.advance(seconds)
        response = api("GET", made["self"])
        seen.append((response.json()["status"], response.headers.get("Retry-After")))
    assert seen == [("NotStarted", "3"), ("Running", "2"), ("Succeeded", None)]
    assert api("GET", made["self"]).json()["properties"] == {"acceptedLineCount": 2, "rejectedLineCount": 4}
    files = files_of(api, made["self"])
    assert files["normalized.txt"] == ("LanguageData", "Call me Ishmael.\nCaf\u00e9 au lait\n")
    assert files["languagedata"] == ("LanguageData", text)
    report = api("GET", made["self"] + "/files?filter=kind eq 'DatasetReport'").json()["values"][0]
    content = api("GET", report["links"]["contentUrl"]).json()
    assert content["acceptedLines"] == [{"from": 1, "to": 1}, {"from": 7, "to": 7}]
    assert [one["line"] for one in content["rejectedLines"]] == [3, 4, 5, 6]


def test_upload_in_one_request(api: Api, emulator: SpeechEmulator) -> None:
    """The form's fields are the dataset's, its file is the data."""
    fields = {
        "displayName": "words",
        "description": "d",
        "locale": "en-US",
        "kind": "Pronunciation",
        "customProperties": '{"a": "b"}',
        "email": "a@example.org",
    }
    data = b"3CPO\tthree  c p o\nno tab\ntwo words\tx\nCNTK\tc n t k\n"
    made = api("POST", "/datasets/upload", data=fields, files={"data": ("p.txt", data)}).json()
    assert (made["kind"], made["description"], made["customProperties"]) == ("Pronunciation", "d", {"a": "b"})
    assert made["properties"]["email"] == "a@example.org"
    emulator.advance(3)
    assert api("GET", made["self"]).json()["properties"] == {"acceptedLineCount": 2, "rejectedLineCount": 2}
    files = files_of(api, made["self"])
    assert files["normalized.txt"] == ("PronunciationData", "3CPO\tthree c p o\nCNTK\tc n t k\n")
    assert files["pronunciationdata"] == ("PronunciationData", data.decode())


@pytest.mark.parametrize(
    ("fields", "files", "inner"),
    [
        ({}, {"other": "text"}, "InvalidPayload"),
        ({}, {}, "MissingInputRecords"),
        ({}, {"data": b""}, "EmptyRequest"),
        ({"customProperties": "{"}, {"data": b"x"}, "InvalidPayload"),
        ({"customProperties": "{}", "kind": ""}, {"data": b"x"}, "InvalidPayload"),
        ({"displayName": "n" * 70_000}, {"data": b"x"}, "InvalidPayload"),
        ({"kind": "Pronunciation"}, {"data": bytes(1_000_001)}, "InvalidPayload"),
    ],
)
def test_an_upload_that_breaks_a_rule_is_refused(
    api: Api, fields: dict[str, str], files: dict[str, str | bytes], inner: str
) -> None:
    """Each rule has its code, and nothing is made."""
    form = {"displayName": "d", "locale": "en-US", "kind": "Language", **fields}
    parts = [(name, (None, value)) for name, value in {**form, **files}.items()]
    response = api("POST", "/datasets/upload", files=parts)
    assert response.status_code in {400, 413}
    assert response.json()["innerError"]["code"] == inner
    assert api("GET", "/datasets").json()["values"] == []


@pytest.mark.parametrize(
    ("form", "inner"),
    [
        (b"", "InvalidRequestBodyFormat"),
        (b"no form", "InvalidRequestBodyFormat"),
        (b"--b\r\nno header\r\n\r\nx\r\n--b--\r\n", "InvalidRequestBodyFormat"),
        (b"--b\r\nContent-Disposition: form-data\r\n\r\nx\r\n--b--\r\n", "InvalidRequestBodyFormat"),
        (b'--b\r\nContent-Disposition: form-data; name="\xff"\r\n\r\nx\r\n--b--\r\n', "InvalidPayload"),
    ],
)
def test_a_body_that_is_no_form_is_refused(api: Api, emulator: SpeechEmulator, form: bytes, inner: str) -> None:
    """It is the request that is at fault, and not the emulator; so for the other operation that takes a form."""
    multipart, text = ({"Content-Type": kind} for kind in ("multipart/form-data; boundary=b", "text/plain"))
    response = api("POST", "/datasets/upload", data=form, headers=multipart)
    assert (response.status_code, response.json()["innerError"]["code"]) == (400, inner)
    transcribe = f"{emulator.endpoint}/speechtotext/transcriptions:transcribe?api-version=2025-10-15"
    assert api("POST", transcribe, data=form, headers=multipart).status_code == 400
    for path in ("/datasets/upload", transcribe):
        assert api("POST", path, data=form, headers=text).status_code == 415


def test_upload_in_blocks(api: Api, emulator: SpeechEmulator) -> None:
    """The dataset waits until its blocks are committed; the blocks named, in that order, are the data."""
    made = api("POST", "/datasets", json=body(contentUrl=None)).json()
    emulator.advance(60)
    assert api("GET", made["self"]).json()["status"] == "NotStarted"
    blocks, octets = made["links"]["uploadBlocks"], {"Content-Type": "application/octet-stream"}
    for name, text in (("Yg==", b"two\n"), ("YQ==", b"wrong\n"), ("YQ==", b"one\n"), ("Yw==", b"unused\n")):
        assert api("PUT", blocks, params={"blockid": name}, data=text, headers=octets).status_code == 201
    listed = api("GET", made["links"]["listBlocks"]).json()
    assert [(one["name"], one["size"]) for one in listed["uncommittedBlocks"]] == [
        ("YQ==", 4),
        ("Yg==", 4),
        ("Yw==", 7),
    ]
    commit = [{"kind": "Latest", "id": "YQ=="}, {"kind": "Uncommitted", "id": "Yg=="}, {"id": "YQ=="}]
    assert api("POST", made["links"]["commitBlocks"], json=commit).status_code == 200
    listed = api("GET", made["links"]["listBlocks"]).json()
    assert [one["name"] for one in listed["committedBlocks"]] == ["YQ==", "Yg==", "YQ=="]
    assert listed["uncommittedBlocks"] == []
    emulator.advance(3)
    assert files_of(api, made["self"])["languagedata"] == ("LanguageData", "one\ntwo\none\n")
    assert api("PUT", blocks, params={"blockid": "YQ=="}, data=b"x", headers=octets).status_code == 409
    assert api("POST", made["links"]["commitBlocks"], json=commit).status_code == 409


def test_blocks_that_break_a_rule_are_refused(api: Api) -> None:
    """Ids are Base64 of one length, blocks of at most 8 MiB; a dataset that waits for them can be deleted."""
    made = api("POST", "/datasets", json=body(contentUrl=None)).json()
    blocks, octets = made["links"]["uploadBlocks"], {"Content-Type": "application/octet-stream"}
    cases: list[tuple[str, bytes, int, str]] = [
        ("a", b"x", 400, "InvalidParameterValue"),
        ("YR==", b"x", 400, "InvalidParameterValue"),
        ("", b"x", 400, "InvalidParameterValue"),
        ("A" * 88, b"x", 400, "InvalidParameterValue"),
        ("YQ==", b"", 400, "EmptyRequest"),
        ("YQ==", bytes(8 * 1024 * 1024 + 1), 413, "InvalidPayload"),
    ]
    for name, content, status, inner in cases:
        response = api("PUT", blocks, params={"blockid": name}, data=content, headers=octets)
        assert (response.status_code, response.json()["innerError"]["code"]) == (status, inner), name
    assert api("GET", blocks).json()["uncommittedBlocks"] == []
    whole = bytes(8 * 1024 * 1024)
    assert api("PUT", blocks, params={"blockid": "YQ=="}, data=whole, headers=octets).status_code == 201
    longer = api("PUT", blocks, params={"blockid": "YWFhYQ=="}, data=b"x", headers=octets)
    assert longer.status_code == 400
    for entries, inner in (([], "MissingInputRecords"), ([{"id": "Yg=="}], "InvalidPayload"), ({}, "InvalidPayload")):
        response = api("POST", made["links"]["commitBlocks"], json=entries)
        assert (response.status_code, response.json()["innerError"]["code"]) == (400, inner)
    assert api("DELETE", made["self"]).status_code == 204
    assert api("GET", made["self"]).status_code == 404


def archive(files: Mapping[str, bytes]) -> bytes:
    """A zip archive."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, content in files.items():
            packed.writestr(name, content)
    return file.getvalue()


def uploaded(api: Api, kind: str, data: bytes) -> str:
    """Upload data; the URL of the dataset."""
    fields = {"displayName": "d", "locale": "en-US", "kind": kind}
    made: str = api("POST", "/datasets/upload", data=fields, files={"data": ("data", data)}).json()["self"]
    return made


def finished(api: Api, emulator: SpeechEmulator, kind: str, data: bytes) -> dict[str, Any]:
    """Upload data; the dataset when its import has finished."""
    made = uploaded(api, kind, data)
    emulator.advance(3)
    body: dict[str, Any] = api("GET", made).json()
    return body


def report_of(api: Api, dataset: str) -> dict[str, Any]:
    """The report file of a dataset."""
    (report,) = api("GET", dataset + "/files?filter=kind eq 'DatasetReport'").json()["values"]
    content: dict[str, Any] = api("GET", report["links"]["contentUrl"]).json()
    return content


def test_acoustic_data(api: Api, emulator: SpeechEmulator) -> None:
    """Audio is really read; audio and transcripts that do not fit each other, or are broken, are named with reasons."""
    good, stereo, cut = wav(seconds=1), wav(channels=2), wav()[:-100]
    transcripts = (
        "a.wav\tcall me Ishmael\nb.wav\tstereo\nc.wav\t cut short \nnone.wav\tx\nno tab\na.wav\ttwice\nd.wav\t!\n"
    )
    files = {"x/a.wav": good, "x/b.wav": stereo, "x/c.wav": cut, "x/d.wav": good, "x/e.mp3": b"no audio"}
    data = archive({**files, "x/trans.txt": transcripts.encode(), "__MACOSX/x/._a.wav": b"x", "x/.DS_Store": b"x"})
    dataset = finished(api, emulator, "Acoustic", data)
    assert dataset["status"] == "Succeeded"
    assert dataset["properties"] == {"acceptedLineCount": 1, "rejectedLineCount": 6, "duration": "PT1S"}
    listed = {file["name"]: file for file in api("GET", dataset["self"] + "/files").json()["values"]}
    kinds = {name: file["kind"] for name, file in listed.items()}
    assert kinds == {
        "x/a.wav": "Audio",
        "acousticdata.zip": "AcousticDataArchive",
        "trans.txt": "AcousticDataTranscriptionV2",
        "report.json": "DatasetReport",
    }
    assert listed["x/a.wav"]["properties"] == {"size": len(good), "duration": "PT1S"}
    assert api("GET", listed["x/a.wav"]["links"]["contentUrl"]).content == good
    assert api("GET", listed["acousticdata.zip"]["links"]["contentUrl"]).content == data
    assert api("GET", listed["trans.txt"]["links"]["contentUrl"]).text == "x/a.wav\tcall me Ishmael\n"
    report = report_of(api, dataset["self"])
    reasons = {file["name"]: file.get("reason", "") for file in report["files"]}
    assert "mono" in reasons["x/b.wav"]
    assert "cut short" in reasons["x/c.wav"]
    assert reasons.keys() == files.keys()
    assert [one["line"] for one in report["rejectedLines"]] == [2, 3, 4, 5, 6, 7]
    assert "'none.wav'" in report["rejectedLines"][2]["reason"]


def test_names_that_macos_writes(api: Api, emulator: SpeechEmulator) -> None:
    """A name in decomposed Unicode is that of the transcripts, though they are written composed."""
    files = {"cafe\u0301.wav": wav(), "trans.txt": "\ufeffcaf\u00e9.wav\thello".encode()}
    dataset = finished(api, emulator, "Acoustic", archive(files))
    assert dataset["properties"]["acceptedLineCount"] == 1


def test_audio_alone(api: Api, emulator: SpeechEmulator) -> None:
    """Lines are files; what is no audio is rejected."""
    dataset = finished(api, emulator, "AudioFiles", archive({"a.wav": wav(), "b.wav": wav(), "trans.txt": b"x"}))
    assert dataset["properties"] == {"acceptedLineCount": 2, "rejectedLineCount": 1, "duration": "PT4S"}


STRUCTURED = """// animals
@ list pet =
- cat
- dog
@ list food =
- pizza
- {@pet}
@ speech:phoneticlexicon
- cat/k ae t
- dog
#Sentences_1
- what {@pet} do you have
- my {@pet} likes {@food}
- my {@car} is fast
- a {broken reference
- no list
? what
"""


def test_structured_text(api: Api, emulator: SpeechEmulator) -> None:
    """Sentences are written out with the items of their lists; the lexicon becomes pronunciation data."""
    dataset = finished(api, emulator, "LanguageMarkdown", STRUCTURED.encode())
    files = files_of(api, dataset["self"])
    assert files["normalized.txt"][1].splitlines() == [
        "what cat do you have",
        "what dog do you have",
        "my cat likes pizza",
        "my dog likes pizza",
        "no list",
    ]
    assert files["pronunciations.txt"] == ("PronunciationData", "cat\t/k ae t/\n")
    assert [one["line"] for one in report_of(api, dataset["self"])["rejectedLines"]] == [7, 10, 14, 15, 17]
    assert dataset["properties"] == {"acceptedLineCount": 7, "rejectedLineCount": 5}


def test_long_lists_are_not_multiplied(api: Api, emulator: SpeechEmulator) -> None:
    """Of lists with too many combinations every item occurs, and no more."""
    items = "\n".join(f"- item {number}" for number in range(2000))
    text = f"@ list long =\n{items}\n@ list short =\n- a\n- b\n#S\n- {{@long}} and {{@short}}\n"
    dataset = finished(api, emulator, "LanguageMarkdown", text.encode())
    lines = files_of(api, dataset["self"])["normalized.txt"][1].splitlines()
    assert len(lines) == 2000
    assert lines[:2] == ["item 0 and a", "item 1 and b"]


def lying() -> bytes:
    """An archive of which far more would come out than its directory says."""
    data = bytearray(archive({"a.wav": bytes(70_000_000)}))
    for signature, place in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        start = data.index(signature) + place
        data[start : start + 4] = (1000).to_bytes(4, "little")
    return bytes(data)


def encrypted() -> bytes:
    """An archive with a file that is marked as encrypted."""
    data = bytearray(archive({"a.wav": wav()}))
    for signature, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.index(signature) + place] |= 1
    return bytes(data)


def link() -> bytes:
    """An archive with a symbolic link."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as packed:
        entry = zipfile.ZipInfo("a.wav")
        entry.external_attr = (stat.S_IFLNK | 0o777) << 16
        packed.writestr(entry, "/etc/hostname")
    return file.getvalue()


REFUSED: list[tuple[str, Callable[[], bytes], str, str]] = [
    ("Language", "caf\u00e9".encode, "NoUtf8WithBom", "no byte order mark"),
    ("Language", lambda: "\ufeffcaf\u00e9".encode("utf-16-le"), "NoUtf8WithBom", "UTF-16"),
    ("Language", lambda: "plain".encode("utf-16-le"), "NoUtf8WithBom", "zero bytes"),
    ("Language", lambda: b"\xef\xbb\xbfcaf\xe9", "NoUtf8WithBom", "Line 1 is not UTF-8"),
    ("Language", lambda: b"\xef\xbb\xbf", "InvalidData", "Nothing in the data"),
    ("Language", lambda: b"!\n?", "InvalidData", "line 1: The line has no words"),
    ("Language", lambda: b"x" * 70_000, "InvalidData", "Line 1 is longer"),
    ("Pronunciation", lambda: b"word", "InvalidData", "line 1"),
    ("LanguageMarkdown", lambda: b"plain text", "InvalidData", "line 1: The line begins"),
    ("LanguageMarkdown", lambda: b"@ list a =\n- b", "InvalidData", "no lines to use"),
    ("AudioFiles", lambda: b"plain text", "InvalidData", "no zip archive"),
    ("AudioFiles", lambda: archive({"a\tb.wav": wav()}), "InvalidData", "is no file's name"),
    ("AudioFiles", lambda: archive({"a.wav": wav()})[:-30], "InvalidData", "no zip archive"),
    ("AudioFiles", lambda: archive({"../a.wav": wav()}), "InvalidData", "leads out"),
    ("AudioFiles", lambda: archive({"/a.wav": wav()}), "InvalidData", "leads out"),
    ("AudioFiles", lambda: archive({"C:/a.wav": wav()}), "InvalidData", "leads out"),
    ("AudioFiles", link, "InvalidData", "symbolic link"),
    ("AudioFiles", encrypted, "InvalidData", "encrypted"),
    ("AudioFiles", lambda: archive({"a.wav": wav(), "b.zip": b"PK"}), "InvalidData", "archive itself"),
    ("AudioFiles", lambda: archive({"b.wav": archive({"b.wav": wav()})}), "InvalidData", "archive itself"),
    ("AudioFiles", lambda: archive({f"{n}.wav": b"" for n in range(10_001)}), "InvalidData", "more than 10,000 files"),
    ("AudioFiles", lambda: archive({"a.wav": bytes(70_000_000)}), "InvalidData", "far more than its own size"),
    ("AudioFiles", lying, "InvalidData", "damaged"),
    ("AudioFiles", lambda: archive({"a.wav": b"x"}), "InvalidData", "a.wav: The file is no WAV audio"),
    ("Acoustic", lambda: archive({"a.wav": wav()}), "InvalidData", "no file with transcripts"),
    ("Acoustic", lambda: archive({"a.wav": wav(), "b.txt": b"", "c.txt": b""}), "InvalidData", "more than one file"),
    ("Acoustic", lambda: archive({"a.wav": wav(), "trans.txt": b"b.wav\tx"}), "InvalidData", "a.wav: The transcripts"),
]


@pytest.mark.parametrize(("kind", "data", "code", "says"), REFUSED)
def test_data_that_is_refused(  # noqa: PLR0917 - fixtures and parameters
    api: Api, emulator: SpeechEmulator, kind: str, data: Callable[[], bytes], code: str, says: str
) -> None:
    """The dataset is Failed with an error that says why."""
    dataset = finished(api, emulator, kind, data())
    assert dataset["status"] == "Failed"
    assert dataset["properties"]["error"]["code"] == code
    assert says in dataset["properties"]["error"]["message"]


def test_loose_takes_what_strictness_refuses() -> None:
    """UTF-8 without a byte order mark, and audio of other formats."""
    with SpeechEmulator(strict=False) as emulator, Api(emulator.base_url, emulator.key) as api:
        text = uploaded(api, "Language", "caf\u00e9".encode())
        audio = uploaded(api, "AudioFiles", archive({"a.wav": wav(channels=2)}))
        emulator.settle()
        for dataset in (text, audio):
            assert api("GET", dataset).json()["status"] == "Succeeded"


def test_a_transcription_of_a_dataset(api: Api, emulator: SpeechEmulator) -> None:
    """Each audio file is transcribed; the dataset cannot go meanwhile; one of text is refused."""
    files = {"a.wav": wav(seconds=1), "b/c.wav": wav(seconds=3), "trans.txt": b"a.wav\tfirst one\nb/c.wav\tsecond one"}
    dataset = finished(api, emulator, "Acoustic", archive(files))
    request = {"displayName": "t", "locale": "en-US", "dataset": {"self": dataset["self"]}}
    made = api("POST", "/transcriptions", json=request).json()
    assert made["dataset"] == {"self": dataset["self"]}
    refused = api("DELETE", dataset["self"])
    assert (refused.status_code, refused.json()["innerError"]["code"]) == (409, "InUseViolation")
    emulator.advance(3)
    assert api("GET", made["self"]).json()["properties"]["duration"] == "PT4S"
    results = {name: json.loads(text) for name, (_, text) in files_of(api, made["self"]).items()}
    assert results.keys() == {"a.wav.json", "b/c.wav.json", "report.json"}
    assert results["b/c.wav.json"]["source"] == "b/c.wav"
    assert results["a.wav.json"]["combinedRecognizedPhrases"][0]["lexical"] == "first one"
    assert results["report.json"]["successfulTranscriptionsCount"] == 2
    assert api("DELETE", dataset["self"]).status_code == 204
    text = finished(api, emulator, "Language", b"text")
    for unfit in (text["self"], dataset["self"]):
        response = api("POST", "/transcriptions", json={**request, "dataset": {"self": unfit}})
        assert (response.status_code, response.json()["innerError"]["code"]) == (400, "InvalidDataset")


def test_conflicts_and_what_cannot_be_changed(api: Api, emulator: SpeechEmulator, audio: Audio) -> None:
    """A dataset stays while it is imported and while a model is made from it; kind and locale cannot be changed."""
    url = audio.url("data.txt", content=b"some text")
    made = api("POST", "/datasets", json=body(contentUrl=url)).json()["self"]
    refused = api("DELETE", made)
    assert (refused.status_code, refused.json()["innerError"]["code"]) == (409, "DeleteNotAllowed")
    emulator.advance(3)
    changed = api("PATCH", made, json={"displayName": "new", "customProperties": {"a": "b"}}).json()
    assert (changed["displayName"], changed["customProperties"]) == ("new", {"a": "b"})
    for fixed in ({"kind": "Acoustic"}, {"locale": "de-DE"}, {"contentUrl": url}):
        assert api("PATCH", made, json=fixed).json()["innerError"]["code"] == "UnsupportedDelta"
    model = {"displayName": "m", "locale": "en-US", "datasets": [{"self": made}]}
    model = api("POST", "/models", json=model).json()
    refused = api("DELETE", made)
    assert (refused.status_code, refused.json()["innerError"]["code"]) == (409, "InUseViolation")
    emulator.advance(3)
    assert api("DELETE", model["self"]).status_code == 204
    assert api("DELETE", made).status_code == 204
    assert api("GET", made).status_code == 404


def test_web_hooks_hear_of_datasets(api: Api, emulator: SpeechEmulator, receiver: Receiver) -> None:
    """The four events of a dataset, in order; one that waits for its blocks is only created."""
    names = [f"dataset{stage}" for stage in ("Creation", "Processing", "Completion", "Deletion")]
    hook = {"displayName": "h", "webUrl": receiver.url, "events": dict.fromkeys(names, True)}
    assert api("POST", "/webhooks", json=hook).status_code == 201
    emulator.settle()
    waiting = api("POST", "/datasets", json=body(contentUrl=None)).json()["self"]
    emulator.advance(10)
    assert receiver.events() == ["DatasetCreation"]
    put_block(api, f"{waiting}/blocks", "YQ==", b"text")
    api("POST", f"{waiting}/blocks:commit", json=[{"id": "YQ=="}])
    emulator.advance(3)
    api("DELETE", waiting)
    emulator.settle()
    assert receiver.events() == ["DatasetCreation", "DatasetProcessing", "DatasetCompletion", "DatasetDeletion"]


def test_a_url_that_cannot_be_read(api: Api, emulator: SpeechEmulator, audio: Audio) -> None:
    """The dataset is Failed with the error's kind, and nothing repeats the URL's query."""
    missing = audio.url("there.txt", content=b"x").replace("there.txt", "missing.txt")
    for url in (UNREACHABLE, missing):
        made = api("POST", "/datasets", json=body(contentUrl=url)).json()["self"]
        emulator.advance(3)
        response = api("GET", made)
        assert response.json()["properties"]["error"]["code"] == "InvalidUri"
        assert "sig=" not in response.text


def test_kinds_can_be_filtered_and_listed_by_locale(api: Api, emulator: SpeechEmulator) -> None:
    """`kind` is a property of the filter; every locale has every kind."""
    finished(api, emulator, "Language", b"text")
    words = finished(api, emulator, "Pronunciation", b"3CPO\tthree c p o")
    listed = api("GET", "/datasets?filter=kind eq 'Pronunciation'").json()["values"]
    assert [one["self"] for one in listed] == [words["self"]]
    locales = api("GET", "/datasets/locales").json()
    assert set(locales["en-US"]) == {"Language", "Acoustic", "Pronunciation", "AudioFiles", "LanguageMarkdown"}


def test_an_import_begins_again_after_a_restart(tmp_path: Path) -> None:
    """What was uploaded before a restart, whole or in blocks, is imported after it; blocks can go on meanwhile."""
    with SpeechEmulator(location=tmp_path, job_seconds=JobSeconds(0, 60)) as emulator:
        with Api(emulator.base_url, emulator.key) as api:
            whole = uploaded(api, "AudioFiles", archive({"a.wav": wav()}))
            blocks = api("POST", "/datasets", json=body(contentUrl=None)).json()["self"]
            put_block(api, f"{blocks}/blocks", "YQ==", b"one\n")
        path = emulator.base_url
    with SpeechEmulator(location=tmp_path) as emulator, Api(emulator.base_url, emulator.key) as api:
        whole, blocks = (one.replace(path, emulator.base_url) for one in (whole, blocks))
        put_block(api, f"{blocks}/blocks", "Yg==", b"two\n")
        api("POST", f"{blocks}/blocks:commit", json=[{"id": "YQ=="}, {"id": "Yg=="}])
        emulator.settle()
        assert api("GET", whole).json()["properties"]["acceptedLineCount"] == 1
        assert files_of(api, blocks)["normalized.txt"] == ("LanguageData", "one\ntwo\n")


def test_text_that_is_not_normalized(emulator: SpeechEmulator, audio: Audio) -> None:
    """Newer versions can have lines as they are, and say so; v3.1 has no such property."""
    new = NewDataset(
        display_name="d",
        locale="en-US",
        kind=DatasetKind.LANGUAGE,
        content_url=audio.url("data.txt", content=b"so  far\nwww.example.org\n"),
        properties=DatasetProperties(text_normalization_kind=TextNormalizationKind.NONE),
    )
    with SpeechClient(emulator.endpoint, KeyCredential(emulator.key), api_version="2025-10-15") as speech:
        made = speech.datasets.create(new)
        emulator.advance(3)
        done = speech.datasets.get(made.id)
        assert done.properties
        assert done.properties.text_normalization_kind == TextNormalizationKind.NONE
        assert (done.properties.accepted_line_count, done.properties.rejected_line_count) == (1, 1)
    with Api(emulator.base_url, emulator.key) as api:
        path = f"{emulator.base_url}/datasets/{made.id}"
        assert files_of(api, path)["normalized.txt"] == ("LanguageData", "so  far\n")
        refused = api("POST", "/datasets", json=body(properties={"textNormalizationKind": "None"}))
        assert refused.json()["innerError"]["code"] == "InvalidPayload"


@pytest.mark.parametrize("version", ["3.1", "2024-11-15", "2025-10-15"])
def test_the_client_drives_all_of_it(emulator: SpeechEmulator, version: str) -> None:
    """Create, upload in blocks and whole, read, list, update, files and delete, through the project's client."""
    with SpeechClient(emulator.endpoint, KeyCredential(emulator.key), api_version=version) as speech:
        new = NewDataset(display_name="d", locale="en-US", kind=DatasetKind.ACOUSTIC)
        data = archive({"a.wav": wav(), "trans.txt": b"a.wav\thello"})
        made = speech.datasets.create(new)
        speech.datasets.upload_in_blocks(made.id, io.BytesIO(data), block_bytes=100)
        emulator.advance(3)
        done = speech.datasets.wait(made.id, timeout_seconds=10)
        assert done.properties
        assert (done.status, done.properties.accepted_line_count) == ("Succeeded", 1)
        assert done.properties.duration == timedelta(seconds=2)
        committed = speech.datasets.get_blocks(made.id).committed_blocks or []
        assert sum(block.size or 0 for block in committed) == len(data)
        files = {file.name: file for file in speech.datasets.list_files(made.id)}
        assert speech.datasets.get_file(made.id, files["a.wav"].id).kind == "Audio"
        assert speech.datasets.update(made.id, DatasetUpdate(description="new")).description == "new"
        assert set(speech.datasets.list_supported_locales()["en-US"]) == set(DatasetKind) - {"OutputFormatting"}
        if version == "3.1":
            other = speech.datasets.upload(NewDataset(**{**dict(new), "kind": "AudioFiles"}), io.BytesIO(data))
            emulator.advance(3)
            assert speech.datasets.wait(other.id, timeout_seconds=10).status == "Succeeded"
            speech.datasets.delete(other.id)
        assert [one.id for one in speech.datasets.list()] == [made.id]
        speech.datasets.delete(made.id)
        assert list(speech.datasets.list()) == []


def put_block(api: Api, url: str, name: str, content: bytes) -> None:
    """Upload a block."""
    headers = {"Content-Type": "application/octet-stream"}
    assert api("PUT", url, params={"blockid": name}, data=content, headers=headers).status_code == 201
