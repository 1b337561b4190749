"""The form of operation Datasets_Upload (multipart/form-data, RFC 7578): its file is streamed to disk."""

import json
from pathlib import Path

from aiohttp import BodyPartReader, web
from aiohttp.http_exceptions import HttpProcessingError

from emulator.errors import ApiError, invalid_request
from emulator.results import Json

FIELD_LIMIT = 64 * 1024
"""Bytes of a field that is no file."""
FIELDS = frozenset({"project", "displayName", "description", "locale", "kind", "customProperties", "email"})
_CONVERTED = frozenset({"project", "customProperties", "email"})
_CHUNK = 1 << 18


async def read_form(request: web.Request, data: Path, *, limit: int, strict: bool) -> Json:
    """The form's fields as a body of operation Datasets_Create; the file `data` of at most `limit` bytes goes to disk.

    Raises ApiError for what is no such form, and where the file is missing or empty.
    """
    if request.content_type != "multipart/form-data":
        raise ApiError(415, "UnsupportedMediaType", "The content type must be multipart/form-data.")
    fields: dict[str, str] = {}
    sizes: list[int] = []
    try:
        async for part in await request.multipart():
            if not isinstance(part, BodyPartReader) or part.name is None:
                raise _malformed("A part of the form has no name.")
            if part.name == "data":
                sizes.append(await _store(part, data, limit))
            elif part.name in FIELDS or not strict:
                fields[part.name] = await _text(part)
            else:
                raise invalid_request("InvalidPayload", f"There is no field {part.name!r}.")
    except (ValueError, HttpProcessingError):
        raise _malformed("The body is not multipart/form-data as its content type says.") from None
    _check_files(sizes)
    return _body(fields)


def _check_files(sizes: list[int]) -> None:
    """Raise ApiError where not exactly one file came, with something in it."""
    if not sizes:
        raise invalid_request("MissingInputRecords", "The form has no file.", target="data")
    if len(sizes) > 1:
        raise _malformed("The form has more than one file.")
    if not sizes[0]:
        raise invalid_request("EmptyRequest", "The file is empty.", target="data")


async def _store(part: BodyPartReader, data: Path, limit: int) -> int:
    size = 0
    with data.open("wb") as file:
        while chunk := await part.read_chunk(_CHUNK):
            size += file.write(chunk)
            if size > limit:
                message = f"The file is larger than {limit // 1_000_000:,} MB."
                raise ApiError(413, "InvalidRequest", message, inner="InvalidPayload", target="data")
    return size


async def _text(part: BodyPartReader) -> str:
    raw = b""
    while chunk := await part.read_chunk():
        raw += chunk
        if len(raw) > FIELD_LIMIT:
            raise invalid_request("InvalidPayload", "The field is too long.", target=part.name)
    try:
        return raw.decode()
    except UnicodeDecodeError:
        raise invalid_request("InvalidPayload", "The field is not UTF-8.", target=part.name) from None


def _body(fields: dict[str, str]) -> Json:
    body: Json = {name: value for name, value in fields.items() if name not in _CONVERTED}
    if "project" in fields:
        body["project"] = {"self": fields["project"]}
    if "email" in fields:
        body["properties"] = {"email": fields["email"]}
    if "customProperties" in fields:
        try:
            body["customProperties"] = json.loads(fields["customProperties"])
        except ValueError:
            message = "The custom properties are not JSON."
            raise invalid_request("InvalidPayload", message, target="customProperties") from None
    return body


def _malformed(message: str) -> ApiError:
    return invalid_request("InvalidRequestBodyFormat", message)
