"""What the resources share: an operation's URL, its JSON, and the types around it."""

import json
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote

from pydantic import ValidationError
from pydantic_core import from_json

from shared.speech.errors import redact
from shared.speech.filters import Expression
from shared.speech.paging import Page, Paged
from shared.speech.transport import Answer, Transport
from shared.speech.types.common import Model, StatefulEntity
from shared.speech.versions import ApiVersion
from shared.speech.waiting import Poller, Sighting

type FilterLike = Expression | str


def segment(identifier: str) -> str:
    """An id as one segment of a path. ValueError if it would be none."""
    if identifier in ("", ".", ".."):
        raise ValueError(f"not an id: {identifier!r}")
    return quote(identifier, safe="")


class Resource:
    """Base of the nouns."""

    def __init__(self, transport: Transport, version: ApiVersion, poller: Poller) -> None:
        self._transport = transport
        self._version = version
        self._poller = poller

    def _url(self, operation: str, path: str, query: Mapping[str, object] | None = None) -> str:
        return self._version.url(self._transport.endpoint, operation, path, query or {})

    def _call(
        self,
        operation: str,
        method: str,
        path: str,
        *,
        query: Mapping[str, object] | None = None,
        body: Mapping[str, Any] | None = None,
    ) -> Answer:
        content = None if body is None else json.dumps(body, ensure_ascii=False).encode()
        return self._transport.request(method, self._url(operation, path, query), body=content)

    def _list[M: Model](self, operation: str, path: str, model: type[M], query: Mapping[str, object]) -> Paged[M]:
        """The entries of a list operation; nothing is sent before the first one is asked for."""

        def fetch(url: str) -> Page[M]:
            answer = self._transport.request("GET", url)
            page = json_object(answer)
            values, next_link = page.get("values") or [], page.get("@nextLink")
            if not isinstance(values, list) or not isinstance(next_link, str | None):
                raise answer.malformed("the service's page of a list is not of the specified shape")
            return Page([self._parsed(model, value, answer) for value in values], next_link)

        return Paged(self._url(operation, path, query), fetch)

    def _entity[M: Model](self, model: type[M], answer: Answer) -> M:
        """The entity in the answer. MalformedResponse if there is none."""
        return self._parsed(model, json_object(answer), answer)

    def _wait[E: StatefulEntity](
        self,
        model: type[E],
        operation: str,
        path: str,
        timeout_seconds: float,
        on_progress: Callable[[E], object] | None,
    ) -> E:
        """The entity that `operation` reads, once it is finished."""

        def look() -> Sighting[E]:
            answer = self._call(operation, "GET", path)
            return Sighting(self._entity(model, answer), self._transport.retry_after_seconds(answer))

        return self._poller.wait(look, timeout_seconds=timeout_seconds, on_progress=on_progress)

    def _parsed[M: Model](self, model: type[M], value: object, answer: Answer) -> M:
        if not isinstance(value, dict):
            raise answer.malformed(f"the service sent something else than a {model.__name__}")
        try:
            return model.model_validate(self._version.response_body(value))
        except ValidationError as error:
            wrong = "; ".join(f"{'.'.join(map(str, item['loc']))}: {item['msg']}" for item in error.errors())
        raise answer.malformed(f"the service's {model.__name__} is not of the specified shape: {redact(wrong)}")


def json_object(answer: Answer) -> dict[str, Any]:
    """The JSON object in the answer. MalformedResponse if it holds none."""
    value = json_value(answer)
    if not isinstance(value, dict):
        raise answer.malformed("the service answered with JSON that is no object")
    return value


def json_value(answer: Answer) -> object:
    """The JSON in the answer. MalformedResponse if it holds none."""
    try:
        return from_json(answer.body)
    except ValueError:
        pass
    kind = redact(answer.headers.get("Content-Type", "no content type"))
    raise answer.malformed(f"the service answered with something that is no JSON: {kind}")


def create_body(model: Model) -> dict[str, Any]:
    """What is sent to create an entity: everything that is not None."""
    return model.model_dump(mode="json", exclude_none=True)


def update_body(model: Model) -> dict[str, Any]:
    """What is sent to change an entity: the fields that were given, None as null."""
    return model.model_dump(mode="json", exclude_unset=True)
