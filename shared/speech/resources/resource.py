"""What the resources share: an operation's request, its JSON, and the types around it."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any

from pydantic import ValidationError
from pydantic_core import from_json

from shared.speech.errors import SpeechError, redact
from shared.speech.filters import Expression
from shared.speech.operations import OPERATIONS
from shared.speech.paging import Page, Paged
from shared.speech.transport import Answer, Transport
from shared.speech.types.common import Located, Model, Stateful
from shared.speech.types.files import File
from shared.speech.versions import ApiVersion
from shared.speech.waiting import Poller, Sighting

_PAUSES_BEFORE_LOOKING = (1.0, 4.0)
"""Seconds after each uncertain create, so that the service can show what it has made."""

type FilterLike = Expression | str


class Resource:
    """Base of the nouns. Operations are named by their id; their `identifiers` fill the path's parameters in order."""

    def __init__(self, transport: Transport, version: ApiVersion, poller: Poller) -> None:
        self._transport = transport
        self._version = version
        self._poller = poller

    def _url(self, operation: str, *identifiers: str, query: Mapping[str, object] | None = None) -> str:
        path = OPERATIONS[operation].path_of(*identifiers)
        return self._version.url(self._transport.endpoint, operation, path, query or {})

    def _call(
        self,
        operation: str,
        *identifiers: str,
        query: Mapping[str, object] | None = None,
        body: Mapping[str, Any] | None = None,
        secrets: tuple[str, ...] = (),
    ) -> Answer:
        """Send an operation with a JSON object, or with nothing."""
        url = self._url(operation, *identifiers, query=query)
        content = None if body is None else json_bytes(self._version.request_body(operation, dict(body)))
        return self._transport.request(
            OPERATIONS[operation].method, url, body=content, secrets=secrets, operation=operation
        )

    def _send(
        self,
        operation: str,
        *identifiers: str,
        content: bytes | Iterable[bytes],
        content_type: str = "application/octet-stream",
        query: Mapping[str, object] | None = None,
    ) -> Answer:
        """Send an operation with content that is no JSON object."""
        url = self._url(operation, *identifiers, query=query)
        headers = {"Content-Type": content_type}
        return self._transport.request(
            OPERATIONS[operation].method, url, body=content, headers=headers, operation=operation
        )

    def _list[M: Model](
        self, operation: str, model: type[M], *identifiers: str, query: Mapping[str, object]
    ) -> Paged[M]:
        """The entries of a list operation; nothing is sent before the first one is asked for."""

        def fetch(url: str) -> Page[M]:
            answer = self._transport.request("GET", url, operation=operation)
            page = json_object(answer)
            values, next_link = page.get("values") or [], page.get("@nextLink")
            if not isinstance(values, list) or not isinstance(next_link, str | None):
                raise answer.malformed("the service's page of a list is not of the specified shape")
            return Page([self._parsed(model, value, answer) for value in values], next_link)

        return Paged(self._url(operation, *identifiers, query=query), fetch)

    def _create[M: Located](
        self,
        operation: str,
        listing: str,
        model: type[M],
        new: Model,
        *,
        find: FilterLike | None,
        secrets: tuple[str, ...] = (),
    ) -> M:
        """The new entity; with `find` looked for by `listing`, and created again at most once, if it may be there."""
        may_have = False
        try:
            for pause in _PAUSES_BEFORE_LOOKING:
                try:
                    return self._entity(model, self._call(operation, body=create_body(new), secrets=secrets))
                except SpeechError as error:
                    may_have = may_have or error.may_have_taken_effect
                    if find is None or not error.may_have_taken_effect:
                        raise
                    failure = error
                self._poller.sleep(pause)
                for found in self._list(listing, model, query={"filter": find}):
                    return found
            raise failure
        except SpeechError as error:
            error.may_have_taken_effect = may_have  # in either attempt, also where looking has failed
            raise

    def _list_files(
        self, operation: str, identifier: str, sas_validity: timedelta | None, **query: object
    ) -> Paged[File]:
        """The entries of an operation that lists files."""
        return self._list(operation, File, identifier, query={**self._version.sas_validity(sas_validity), **query})

    def _file(self, operation: str, identifier: str, file_id: str, sas_validity: timedelta | None) -> File:
        """The file that an operation reads."""
        query = self._version.sas_validity(sas_validity)
        return self._entity(File, self._call(operation, identifier, file_id, query=query))

    def _locales(self, operation: str) -> Sequence[str]:
        """The locales that an operation lists."""
        answer = self._call(operation)
        return texts(json_value(answer), answer)

    def _entity[M: Model](self, model: type[M], answer: Answer) -> M:
        """The entity in the answer. MalformedResponse if there is none."""
        return self._parsed(model, json_object(answer), answer)

    def _wait[E: Stateful](
        self,
        operation: str,
        model: type[E],
        identifier: str,
        *,
        timeout_seconds: float,
        on_progress: Callable[[E], object] | None,
    ) -> E:
        """The entity that `operation` reads, once it is finished."""

        def look() -> Sighting[E]:
            answer = self._call(operation, identifier)
            return Sighting(self._entity(model, answer), self._transport.retry_after_seconds(answer))

        return self._poller.wait(look, timeout_seconds=timeout_seconds, on_progress=on_progress)

    def _parsed[M: Model](self, model: type[M], value: object, answer: Answer) -> M:
        if not isinstance(value, dict):
            raise answer.malformed(f"the service sent something else than a {model.__name__}")
        try:
            return model.model_validate(self._version.response_body(value) if issubclass(model, Located) else value)
        except ValidationError as error:
            wrong = "; ".join(f"{'.'.join(map(str, item['loc']))}: {item['msg']}" for item in error.errors())
        raise answer.malformed(f"the service's {model.__name__} is not of the specified shape: {redact(wrong)}")


def json_bytes(value: object) -> bytes:
    """A value as it is sent."""
    return json.dumps(value, ensure_ascii=False).encode()


def texts(value: object, answer: Answer) -> list[str]:
    """A list of texts in an answer. MalformedResponse if it is none."""
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise answer.malformed("the service's list is not of the specified shape")
    return value


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
