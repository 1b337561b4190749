"""A client that holds every answer against the official specification, where `SPEECH_API_SPEC` says where that is."""

import json
import os
import re
from functools import cache
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

import requests
from jsonschema import Draft4Validator

BASE_PATH = "/speechtotext/v3.1"
KEY_HEADER = "Ocp-Apim-Subscription-Key"


@cache
def specification() -> dict[str, Any] | None:
    """The specification (Swagger 2.0), with objects closed so that a field it does not know is an error."""
    location = os.environ.get("SPEECH_API_SPEC")
    if not location:
        return None
    spec: dict[str, Any] = json.loads(Path(location).read_text(encoding="utf-8"))
    definitions = spec["definitions"]
    spec["definitions"] = {name: _closed(definition, definitions) for name, definition in definitions.items()}
    for operation in (operation for methods in spec["paths"].values() for operation in methods.values()):
        operation.pop("x-ms-examples", None)  # they refer to files that are not here
    return spec


def _closed(definition: dict[str, Any], definitions: dict[str, Any]) -> dict[str, Any]:
    """A definition that takes no other properties than its own and those that it inherits."""
    if "properties" not in definition:
        return definition
    parents = [definitions[parent["$ref"].rpartition("/")[2]] for parent in definition.get("allOf", ())]
    properties = dict(definition["properties"])
    for parent in parents:
        properties |= _closed(parent, definitions)["properties"]
    closed = {name: value for name, value in definition.items() if name != "allOf"}
    return closed | {"properties": properties, "additionalProperties": False}


def operation_of(method: str, path: str) -> dict[str, Any] | None:
    """The specification's operation for a request, literal paths before those with parameters."""
    spec = specification()
    for template in sorted(spec["paths"] if spec else (), key=lambda one: one.count("{")):
        pattern = re.sub(r"\\{\w+\\}", "[^/:]+", re.escape(template))
        if spec and re.fullmatch(pattern, path) and method.lower() in spec["paths"][template]:
            operation: dict[str, Any] = spec["paths"][template][method.lower()]
            return operation
    return None


def check_against_specification(response: requests.Response) -> None:
    """Status, body and required headers of an answer must be those of its operation; other paths are not looked at."""
    spec = specification()
    path = urlsplit(response.request.url or "").path
    if not spec or not path.startswith(BASE_PATH):
        return
    operation = operation_of(response.request.method or "", str(path).removeprefix(BASE_PATH))
    described = (operation or {"responses": {}})["responses"].get(str(response.status_code))
    if described is None:
        assert response.status_code >= 400, f"{response.status_code} is not in the specification of {path}"
        described = {"schema": {"$ref": "#/definitions/Error"}}
    schema = described.get("schema")
    if schema is None:
        assert not response.content, f"{path} answers {response.status_code} with a body"
        return
    Draft4Validator({**schema, "definitions": spec["definitions"]}).validate(response.json())
    if response.status_code == 201:
        assert response.headers["Location"] == response.json()["self"]


class Api:
    """Sends requests with one subscription's key and checks every answer."""

    def __init__(self, base_url: str, key: str) -> None:
        self.base_url = base_url
        self._session = requests.Session()
        self._session.headers[KEY_HEADER] = key

    def __call__(self, method: str, where: str, **options: Any) -> requests.Response:  # noqa: ANN401 - whatever requests takes
        """Send a request to a path below the base, or to a whole URL."""
        url = where if "://" in where else self.base_url + where
        response = self._session.request(method, url, timeout=60, **options)
        check_against_specification(response)
        return response

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._session.close()
