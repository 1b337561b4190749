"""Every operation of the specification has a route; keys, subscriptions and errors are the service's."""

import inspect
import re

import pytest
import requests

from emulator import SpeechEmulator
from emulator.resources.datasets import Datasets
from emulator.resources.endpoints import Endpoints
from emulator.resources.evaluations import Evaluations
from emulator.resources.health import ServiceHealth
from emulator.resources.models import Models
from emulator.resources.operations import Operations
from emulator.resources.projects import Projects
from emulator.resources.transcriptions import Transcriptions
from emulator.resources.webhooks import WebHooks
from tests.contract.operations import NEW_IN_2024, OPERATIONS
from tests.contract.specification import KEY_HEADER, Api, specification
from tests.contract.surroundings import OTHER_KEY

UUID = "11111111-2222-4333-8444-555555555555"
IMPLEMENTED = (
    "Datasets_", "Endpoints_", "Evaluations_", "Models_", "Projects_", "Transcriptions_", "WebHooks_", "ServiceHealth_",
)  # fmt: skip


def test_the_table_is_that_of_the_specification() -> None:
    """The hand-written table names exactly the specification's operations."""
    spec = specification()
    if spec is None:
        pytest.skip("SPEECH_API_SPEC is not set")
    told = {
        (method.upper(), path, operation["operationId"])
        for path, methods in spec["paths"].items()
        for method, operation in methods.items()
    }
    assert set(OPERATIONS) == told
    assert len(OPERATIONS) == 74


def test_every_operation_has_a_route(api: Api) -> None:
    """Each of the 74 operations is reached by its method and path: it answers, or answers 501 with its own name."""
    for method, path, operation in OPERATIONS:
        url = path.replace("{locale}", "en-US").replace("{logId}", "log")
        response = api(method, re.sub(r"{\w+}", UUID, url))
        if operation.startswith(IMPLEMENTED):
            assert response.status_code in {200, 202, 204, 400, 404, 415}, operation
        else:
            assert response.status_code == 501, operation
            assert operation in response.json()["message"]


def test_every_public_coroutine_of_a_handler_is_an_operation() -> None:
    """A misspelled method would silently be no operation."""
    told = {operation.lower() for _, _, operation in (*OPERATIONS, *NEW_IN_2024)}
    for handler in (
        Datasets,
        Endpoints,
        Evaluations,
        Models,
        Operations,
        Projects,
        Transcriptions,
        WebHooks,
        ServiceHealth,
    ):
        for name, member in vars(handler).items():
            if inspect.iscoroutinefunction(member) and not name.startswith("_"):
                assert f"{handler.__name__}_{name.replace('_', '')}".lower() in told


def test_requests_reach_the_operation_of_their_path(api: Api, emulator: SpeechEmulator) -> None:
    """Literal paths win over parameters, and actions (`:ping`) over entities."""
    api("GET", "/transcriptions/locales")
    api("GET", f"/transcriptions/{UUID}")
    api("POST", f"/webhooks/{UUID}:ping")
    api("POST", "/datasets/upload")
    seen = [request.operation for request in emulator.requests]
    assert seen == ["Transcriptions_ListSupportedLocales", "Transcriptions_Get", "WebHooks_Ping", "Datasets_Upload"]


def test_keys(emulator: SpeechEmulator) -> None:
    """A wrong key is 401, a missing one 403, a token 401 while the emulator is strict."""
    cases: list[tuple[dict[str, str], int, str]] = [
        ({KEY_HEADER: "wrong"}, 401, "Unauthorized"),
        ({}, 403, "Forbidden"),
        ({"Authorization": "Bearer token"}, 401, "Unauthorized"),
    ]
    for headers, status, code in cases:
        response = requests.get(f"{emulator.base_url}/transcriptions", headers=headers, timeout=60)
        assert (response.status_code, response.json()["code"]) == (status, code)


def test_loose_takes_any_token_and_unknown_fields() -> None:
    """What strictness refuses is forgiven with `--loose`."""
    body = {"displayName": "h", "webUrl": "http://hooks.example/x", "events": {}, "colour": "red"}
    with SpeechEmulator(strict=False) as emulator:
        token = {"Authorization": "Bearer token"}
        assert requests.get(f"{emulator.base_url}/webhooks", headers=token, timeout=60).status_code == 200
    with SpeechEmulator() as emulator, Api(emulator.base_url, emulator.key) as api:
        assert api("POST", "/webhooks", json=body).status_code == 400


def test_subscriptions_do_not_see_each_other(api: Api, emulator: SpeechEmulator) -> None:
    """An entity of one key is not there for another: not listed, not read, not changed, not deleted."""
    body = {"displayName": "t", "locale": "en-US", "contentUrls": ["http://127.0.0.1:9/a.wav"]}
    made = api("POST", "/transcriptions", json=body).json()["self"]
    emulator.advance(5)
    with Api(emulator.base_url, OTHER_KEY) as other:
        assert other("GET", "/transcriptions").json()["values"] == []
        assert other("GET", made).status_code == 404
        assert other("PATCH", made, json={"description": "mine"}).status_code == 404
        assert other("GET", f"{made}/files").status_code == 404
        assert other("DELETE", made).status_code == 204
    assert api("GET", made).status_code == 200


@pytest.mark.parametrize(
    ("method", "path", "options", "status", "code", "inner"),
    [
        ("GET", "/nothing", {}, 404, "NotFound", None),
        ("PUT", "/transcriptions", {}, 405, "NotAllowed", None),
        ("GET", f"/transcriptions/{UUID}", {}, 404, "NotFound", None),
        ("GET", "/transcriptions/no-uuid", {}, 400, "InvalidArgument", "InvalidParameterValue"),
        ("GET", "/transcriptions?top=x", {}, 400, "InvalidArgument", "InvalidParameterValue"),
        ("GET", "/transcriptions?skip=-1", {}, 400, "InvalidArgument", "UnsupportedPagination"),
        ("GET", "/transcriptions?top=0", {}, 400, "InvalidArgument", "UnsupportedPagination"),
        ("GET", "/transcriptions?filter=colour eq 'red'", {}, 400, "InvalidArgument", "UnsupportedFilter"),
        ("POST", "/transcriptions", {"data": "x"}, 415, "UnsupportedMediaType", None),
        (
            "POST",
            "/transcriptions",
            {"data": "{", "headers": {"Content-Type": "application/json"}},
            400,
            "InvalidRequest",
            "InvalidRequestBodyFormat",
        ),
        (
            "POST",
            "/transcriptions",
            {"headers": {"Content-Type": "application/json"}},
            400,
            "InvalidRequest",
            "EmptyRequest",
        ),
        ("POST", "/transcriptions", {"json": []}, 400, "InvalidRequest", "InvalidPayload"),
    ],
)
def test_errors(
    api: Api, *, method: str, path: str, options: dict[str, object], status: int, code: str, inner: str | None
) -> None:
    """Errors have the specification's body and codes."""
    response = api(method, path, **options)
    assert response.status_code == status
    assert response.json()["code"] == code
    assert response.json().get("innerError", {}).get("code") == inner


def test_health(api: Api) -> None:
    """The service says that it is healthy."""
    assert api("GET", "/healthstatus").json()["status"] == "Healthy"
