"""Datasets: text and audio by URL, upload and blocks; checked, reported, and kept for those who use them."""

from typing import Any

import pytest

from emulator import SpeechEmulator
from tests.contract.specification import Api
from tests.contract.surroundings import Audio

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
