"""The dev host's routes, binding expressions, and translation of HTTP messages."""

from http.cookies import SimpleCookie
from types import SimpleNamespace
from typing import Any

import pytest
from azure_functions_runtime.bindings.datumdef import parse_to_rpc_http_cookie_list
from hypothesis import given
from hypothesis import strategies as st

from devhost import protos
from devhost.functions import Binding, Function
from devhost.http import compile_routes, http_response
from devhost.protos import RpcHttp, TypedData
from devhost.routes import compile_route
from devhost.templates import PathPattern, TemplateError, fill_in


@pytest.mark.parametrize(
    ("template", "path", "parameters"),
    [
        ("api/items/{id:int}", "api/items/42", {"id": "42"}),
        ("api/items/{id:int}", "api/items/x", None),
        ("api/items/{id:int?}", "api/items", {}),
        ("api/{lang=en}", "api", {"lang": "en"}),
        ("api/{lang=en}", "api/de", {"lang": "de"}),
        ("api/files/{*path}", "api/files/a/b%20c.txt", {"path": "a/b c.txt"}),
        ("api/files/{*path}", "api/files", {}),
        ("api/{name}", "api/a%2Fb", {"name": "a/b"}),
        ("api/{name}", "api/a/b", None),
        ("api/{name}", "API/x", {"name": "x"}),
        ("api/{a}-{b}.txt", "api/x-y.txt", {"a": "x", "b": "y"}),
        ("/", "", {}),
    ],
)
def test_routes_match_as_in_asp_net(template: str, path: str, parameters: dict[str, str] | None) -> None:
    """Constraints, optional and default values, rests of paths; without case; values decoded once."""
    assert compile_route(template).match(path) == parameters


@pytest.mark.parametrize("template", ["api/{id:regex}", "api/{", "api/{a b}"])
def test_routes_that_are_not_read_are_errors(template: str) -> None:
    """A constraint or parameter that the dev host does not know is said, not ignored."""
    with pytest.raises(ValueError, match="route"):
        compile_route(template)


def http_function(name: str, route: str) -> Function:
    """An HTTP function with a route."""
    trigger = Binding("req", "httpTrigger", {"route": route, "methods": ["get"], "direction": "IN"})
    return Function(name, name, trigger, (), (), None, disabled=False)


def test_the_most_literal_route_comes_first() -> None:
    """Literal segments beat constrained ones, those beat plain ones, and rests of paths come last."""
    functions = [http_function(route, route) for route in ("{*all}", "items/{id}", "items/{id:int}", "items/new")]
    order = [function.name for _, methods, function in compile_routes(functions, "api") if methods == {"GET"}]
    assert order == ["items/new", "items/{id:int}", "items/{id}", "{*all}"]


@pytest.mark.parametrize(
    ("path", "blob", "values"),
    [
        ("audio/{name}", "a/b/c.wav", {"name": "a/b/c.wav"}),
        ("audio/{name}.wav", "a.mp3", None),
        ("audio/{folder}/{name}.{ending}", "a/b/c.d.wav", {"folder": "a/b", "name": "c.d", "ending": "wav"}),
        ("audio/in/{name}", "out/x", None),
        ("audio", "anything/at all", {}),
        ("audio/{{a}}-{name}", "{a}-x", {"name": "x"}),
        ("audio/a+b.wav", "a+b.wav", {}),
    ],
)
def test_path_patterns_match_blob_names(path: str, blob: str, values: dict[str, str] | None) -> None:
    """Expressions may hold slashes and take as much as they can; the rest is literal, doubled braces too."""
    pattern = PathPattern(path)
    assert pattern.container == "audio"
    assert pattern.match(blob) == values


@given(st.text(min_size=1), st.text())
def test_a_matched_name_can_be_rebuilt(folder: str, name: str) -> None:
    """Filling in a pattern with what it captured gives the blob's name, whatever characters it has."""
    blob = f"in/{folder}/{name}.wav"
    values = PathPattern("audio/in/{folder}/{name}.wav").match(blob)
    assert values is not None
    assert fill_in("in/{folder}/{name}.wav", values) == blob


@pytest.mark.parametrize("path", ["{container}/x", "", "audio/{not a name}"])
def test_path_patterns_that_are_not_read_are_errors(path: str) -> None:
    """A pattern needs a fixed container and names in its braces."""
    with pytest.raises(TemplateError):
        PathPattern(path)


def test_templates_are_filled_in() -> None:
    """Expressions match without case, made-up values differ each time, and a missing one is said with what there is."""
    assert fill_in("copies/{Name}-{{x}}", {"name": "a/b"}) == "copies/a/b-{x}"
    assert fill_in("{rand-guid}", {}) != fill_in("{rand-guid}", {})
    assert fill_in("{DateTime}", {}).endswith("Z")
    with pytest.raises(TemplateError, match=r"\{nope\}.*\{name\}"):
        fill_in("{nope}", {"name": "x"})


def http_message(**fields: Any) -> TypedData:  # noqa: ANN401 - of a stand-in message
    """A function's HttpResponse as the worker passes it on."""
    plain: dict[str, Any] = {"status_code": "200", "headers": {}, "cookies": None, "body": TypedData(bytes=b"")}
    return TypedData(http=RpcHttp(**{**plain, **fields}))


def test_responses_are_translated() -> None:
    """Status, headers and body pass; headers that the server owns do not; nothing is 204 and text is 200."""
    answer = http_response(
        http_message(status_code="201", headers={"X-A": "b", "Content-Length": "99"}, body=TypedData(bytes=b"abc"))
    )
    assert (answer.status, answer.body, answer.headers["X-A"]) == (201, b"abc", "b")
    assert answer.headers.get("Content-Length") != "99"
    assert http_response(None).status == 204
    assert http_response(TypedData(string="text")).text == "text"


def test_cookies_keep_their_attributes() -> None:
    """What a function sets as Set-Cookie, through the worker's own translation, is what the client gets."""
    text = (
        "a=1; Domain=x.org; Path=/p; Max-Age=0; Secure; HttpOnly; SameSite=Lax; Expires=Wed, 21 Oct 2026 07:28:00 GMT"
    )
    cookies = parse_to_rpc_http_cookie_list([SimpleCookie(text), SimpleCookie("b=2")], protos)
    answer = http_response(http_message(cookies=cookies))
    first, second = answer.cookies["a"], answer.cookies["b"]
    assert (first.value, first["domain"], first["path"], first["max-age"]) == ("1", "x.org", "/p", "0")
    assert (first["secure"], first["httponly"], first["samesite"]) == (True, True, "Lax")
    assert first["expires"] == "Wed, 21 Oct 2026 07:28:00 GMT"
    assert (second.value, second["path"], second["secure"]) == ("2", "/", "")


def test_typed_data_knows_its_kind() -> None:
    """A stand-in has exactly the field that is set, as protobuf's oneof; others raise AttributeError."""
    data = TypedData(string="x")
    assert (data.WhichOneof("data"), data.value) == ("string", "x")
    assert not hasattr(data, "TypedData")
    assert TypedData().WhichOneof("data") is None
    assert isinstance(protos.RpcRetryOptions(a=1), SimpleNamespace)
