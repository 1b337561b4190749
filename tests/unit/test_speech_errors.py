"""Errors: what they carry, and what they never show."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

import shared.speech.errors as tree
from shared.speech.errors import InnerError, ServerError, SpeechError, SpeechStatusError, error_of_status, redact

BODY = {
    "code": "InvalidRequest",
    "message": "The request is invalid.",
    "target": "contentUrls",
    "details": [{"code": "InvalidArgument", "message": "one"}],
    "innerError": {
        "code": "InvalidUri",
        "message": "https://a.blob.core.windows.net/c/b.wav?sv=1&sig=SECRET is not readable",
        "innerError": {"code": "InvalidPermissions", "message": "no list"},
    },
}


@pytest.mark.parametrize(
    ("status", "name"),
    [
        (400, "BadRequest"),
        (401, "Unauthorized"),
        (403, "Forbidden"),
        (404, "NotFound"),
        (409, "Conflict"),
        (422, "SpeechStatusError"),
        (429, "Throttled"),
        (500, "ServerError"),
        (503, "ServiceUnavailable"),
    ],
)
def test_a_class_for_each_status(status: int, name: str) -> None:
    """Each status has its class; one without is told by its base."""
    assert type(error_of_status(status, {}, b"")).__name__ == name


def test_the_tree_is_drawn_as_it_is() -> None:
    """Every class stands in the module's drawing, under its base."""
    drawn: list[tuple[int, str]] = []
    for line in (tree.__doc__ or "").splitlines():
        name = line.strip("│├└─ ").split(" ")[0]
        if isinstance(found := getattr(tree, name, None), type) and issubclass(found, SpeechError):
            drawn.append((line.index(name) // 4, name))
    parents: dict[int, str] = {}
    for depth, name in drawn:
        parents[depth] = name
        assert getattr(tree, name).__base__.__name__ == (parents[depth - 1] if depth else "Exception")
    classes = {n for n, c in vars(tree).items() if isinstance(c, type) and issubclass(c, SpeechError)}
    assert {name for _, name in drawn} == classes


def test_the_specified_body_is_taken_apart() -> None:
    """Code, message, target, details, the chain of inner errors and the request id are there, without the SAS."""
    error = error_of_status(400, {"apim-request-id": "r1"}, json.dumps(BODY).encode())
    assert (error.status, error.code, error.target, error.request_id) == (400, "InvalidRequest", "contentUrls", "r1")
    assert error.details == (InnerError("InvalidArgument", "one"),)
    assert [inner.code for inner in error.inner_errors] == ["InvalidUri", "InvalidPermissions"]
    assert error.inner_errors[0].message == "https://a.blob.core.windows.net/c/b.wav?[redacted] is not readable"
    assert "InvalidUri" in str(error)
    assert "SECRET" not in str(error)


def test_a_gateway_in_front_of_the_service_wraps_its_errors() -> None:
    """The shape that answers a wrong key is read as well."""
    error = error_of_status(401, {}, b'{"error": {"code": "401", "message": "Access denied"}}')
    assert (error.code, error.message) == ("401", "Access denied")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>502</html>",
        b"\xff\xfe",
        b"[]",
        b"null",
        b'{"code": 5, "message": {}, "details": {}, "innerError": []}',
        b'{"details": [1, null]}',
        b"[" * 60_000,
        b'{"code": "x"',
    ],
)
def test_any_body_makes_an_error(body: bytes) -> None:
    """HTML, truncated JSON and wrong types still give the status's error."""
    error = error_of_status(502, {}, body)
    assert type(error) is ServerError
    assert "502" in str(error)


@given(
    st.binary(max_size=300)
    | st.recursive(
        st.none() | st.text(), lambda v: st.dictionaries(st.sampled_from(sorted(BODY)), v) | st.lists(v)
    ).map(lambda v: json.dumps(v).encode()),
    st.integers(400, 599),
)
def test_no_body_breaks_the_error(body: bytes, status: int) -> None:
    """Errors are made of whatever came, and nothing else is raised."""
    assert isinstance(error_of_status(status, {}, body), SpeechStatusError)


def test_an_echoed_key_is_removed() -> None:
    """A service that echoes headers does not get the key into a log."""
    body = json.dumps({"code": "x", "message": "you sent Ocp-Apim-Subscription-Key: k3y", "target": "k3y"}).encode()
    error = error_of_status(400, {"x-ms-request-id": "k3y"}, body, secrets=["k3y"])
    assert "k3y" not in str(error) + repr(vars(error))


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("GET https://h/p?sig=S HTTP", "GET https://h/p?[redacted] HTTP"),
        ("https://user:pass@h/p", "https://h/p"),
        ('url="HTTPS://h:1/p?a=b&sig=S", more', 'url="HTTPS://h:1/p?[redacted]", more'),
        ("with url: /c/b?sv=1&sig=S&x=2 (Caused", "with url: /c/b?sv=1&sig=[redacted]&x=2 (Caused"),
        ("https://h/p#sig=S", "https://h/p?[redacted]"),
        ("two https://a/?x=1 and https://b/?y=2.", "two https://a/?[redacted] and https://b/?[redacted]"),
        ("nothing to hide? no", "nothing to hide? no"),
    ],
)  # fmt: skip
def test_redaction(text: str, shown: str) -> None:
    """Queries, fragments, user names and bare signatures go; the rest stays readable."""
    assert redact(text) == shown
