"""The published schema, the documents and the classes that they are made of say the same."""

import json
from pathlib import Path
from typing import Any

import jsonschema
import msgspec
import pydantic
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.transcripts.document import Transcript, encode, json_schema
from shared.transcripts.normalize import Context, normalize
from shared.transcripts.wording import columns, count_words, join, pieces

ROOT = Path(__file__).parents[2]
RESULTS = sorted((ROOT / "tests" / "data" / "results").glob("*.json"))
MODEL: pydantic.TypeAdapter[Transcript] = pydantic.TypeAdapter(Transcript)


def published() -> dict[str, Any]:
    """The schema that users read."""
    schema: dict[str, Any] = json.loads((ROOT / "docs" / "transcript.schema.json").read_bytes())
    return schema


def document_of(result: Path) -> Transcript:
    """The document of a stored result."""
    return normalize(result.read_bytes(), Context("audio", "a.wav", "0x1", "j", "t", "v3.1", locale="en-US"))


def test_the_published_schema_is_the_model() -> None:
    """docs/transcript.schema.json is what the command in document.py's docstring writes."""
    assert published() == json_schema()
    jsonschema.Draft202012Validator.check_schema(published())


@pytest.mark.parametrize("result", RESULTS, ids=lambda path: path.stem)
def test_documents_keep_to_the_published_schema(result: Path) -> None:
    """Every document validates, with no key more than the schema names."""
    schema = published()
    for part in (schema, *schema["$defs"].values()):
        part["additionalProperties"] = False
    jsonschema.validate(json.loads(encode(document_of(result))), schema)


@pytest.mark.parametrize("result", RESULTS, ids=lambda path: path.stem)
def test_documents_come_back_through_pydantic_and_msgspec(result: Path) -> None:
    """An encoded document, parsed by either library, is the document again."""
    document = document_of(result)
    assert MODEL.validate_json(encode(document)) == document
    assert msgspec.json.decode(encode(document), type=Transcript) == document


def test_every_key_is_always_there() -> None:
    """The schema requires every field, so a reader never asks whether a key exists."""
    schema = published()
    for part in (schema, *schema["$defs"].values()):
        assert part["required"] == list(part["properties"])
        assert part["description"]


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"duration_ms": -1}, ("duration_ms",)),
        ({"schema_version": "2.0"}, ("schema_version",)),
        ({"source": {"container": "audio", "blob": "a.wav"}}, ("source", "etag")),
        ({"channels": [{"channel": 0}]}, ("channels", 0, "display")),
    ],
)
def test_pydantic_refuses_what_is_no_document(change: dict[str, Any], where: tuple[str | int, ...]) -> None:
    """Limits, versions and required keys are checked by the model, at their place."""
    document = json.loads(encode(document_of(RESULTS[0]))) | change
    with pytest.raises(pydantic.ValidationError) as caught:
        MODEL.validate_python(document)
    assert caught.value.errors()[0]["loc"] == where
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(document, published())


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain", ["plain"]),
        ("中文字。", ["中", "文", "字。"]),
        ("用「Azure」吧", ["用", "「Azure」", "吧"]),  # brackets cling to what they enclose
        ("เก่ามาก", ["เก่า", "มา", "ก"]),  # vowels before and after, and tone marks, stay with their consonant
        ("ខ្មែរ", ["ខ្មែ", "រ"]),  # a stacked consonant and its vowel stay
    ],
)
def test_where_a_line_may_break(text: str, expected: list[str]) -> None:
    """Words of scripts with spaces stay whole; of others, whatever is written around a character stays with it."""
    assert pieces(text) == expected


@given(st.text(alphabet=st.characters(exclude_categories=["Zs", "Zl", "Zp", "Cc", "Cs"]), min_size=1))
def test_pieces_lose_nothing(text: str) -> None:
    """The pieces are the text."""
    assert "".join(pieces(text)) == text


def test_words_and_columns() -> None:
    """Wide characters take two columns; words are between spaces, ideographs count each."""
    assert (columns("abc"), columns("中文"), columns("é")) == (3, 4, 1)
    assert (count_words("it's 5 - o'clock"), count_words("我有 3 只猫。")) == (3, 5)
    assert join(["", "a", "", "b", "中", "文", ""]) == "a b 中文"


def test_the_example_in_the_docs_is_a_document() -> None:
    """docs/transcript.md shows a document as it is."""
    example = (ROOT / "docs" / "transcript.md").read_text().split("```json\n")[1].split("```")[0]
    assert json.loads(encode(MODEL.validate_json(example))) == json.loads(example)
