"""Requests that a public tool makes up from the specification, right and wrong ones, for every operation of v3.1."""

from importlib import import_module
from typing import Any

import pytest
import requests
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from emulator import SpeechEmulator
from tests.contract.custom_speech import Entities
from tests.contract.operations import OPERATIONS
from tests.contract.specification import BASE_PATH, KEY_HEADER, specification

schemathesis = pytest.importorskip("schemathesis", reason="pip install -r requirements-checks.txt")
pytestmark = pytest.mark.skipif(specification() is None, reason="SPEECH_API_SPEC is not set")

EXAMPLES = 20
"""Requests made up for each operation."""


@pytest.fixture(scope="module")
def schema(lasting_emulator: SpeechEmulator) -> Any:  # noqa: ANN401 - schemathesis has no type to name here
    """The specification as the tool reads it."""
    spec = {**(specification() or {}), "basePath": BASE_PATH, "schemes": ["http"]}
    spec["host"] = lasting_emulator.endpoint.removeprefix("http://")
    return schemathesis.openapi.from_dict(spec)


@pytest.mark.parametrize("operation_id", [operation for _, _, operation in OPERATIONS])
def test_no_request_breaks_the_service_or_the_specification(
    lasting_emulator: SpeechEmulator,
    entities: Entities,
    schema: Any,  # noqa: ANN401
    operation_id: str,
) -> None:
    """Whatever is asked: no 5xx, and an answer whose status, type and body the specification knows."""
    operation = schema.find_operation_by_id(operation_id)
    known = entities.path_parameters(operation_id)
    conformance = import_module("schemathesis.specs.openapi.checks")
    checks = [
        schemathesis.checks.not_a_server_error,
        conformance.status_code_conformance,
        conformance.response_schema_conformance,
    ]

    @settings(
        max_examples=EXAMPLES,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(), is_known=st.booleans())
    def ask(case: Any, is_known: bool) -> None:  # noqa: ANN401 - hypothesis gives it by name
        if is_known and case.method.upper() != "DELETE":
            case.path_parameters = {**(case.path_parameters or {}), **known}
        response = case.call(
            base_url=lasting_emulator.base_url, headers={KEY_HEADER: lasting_emulator.key}, session=session
        )
        case.validate_response(response, checks=checks)

    with requests.Session() as session:
        session.headers[KEY_HEADER] = lasting_emulator.key
        ask()
