"""Forms with a file (multipart/form-data, RFC 7578) as operations take them: the file is streamed to disk."""

from dataclasses import dataclass, field
from pathlib import Path

from aiohttp import BodyPartReader, web
from aiohttp.http_exceptions import HttpProcessingError

from emulator.errors import ApiError, invalid_request

_CHUNK = 1 << 18


@dataclass(slots=True)
class Form:
    """What came: the texts of the fields by name, and how many bytes the file has, or None where there is none."""

    fields: dict[str, str] = field(default_factory=dict)
    file_size: int | None = None


async def read_form(request: web.Request, *, file: str, to: Path, limit: int, fields_limit: int) -> Form:
    """Read a form whose field `file` has at most `limit` bytes, and its other fields so many in all.

    Raises ApiError for what is no such form, or is larger.
    """
    if request.content_type != "multipart/form-data":
        raise ApiError(415, "UnsupportedMediaType", "The content type must be multipart/form-data.")
    form = Form()
    try:
        async for part in await request.multipart():
            if not isinstance(part, BodyPartReader) or part.name is None:
                raise _malformed("A part of the form has no name.")
            if part.name != file:
                fields_limit -= await _take_field(part, form, fields_limit)
            elif form.file_size is None:
                form.file_size = await _save(part, to, limit)
            else:
                raise _malformed("The form has more than one file.")
    except (ValueError, HttpProcessingError):
        raise _malformed("The body is not multipart/form-data as its content type says.") from None
    return form


async def _take_field(part: BodyPartReader, form: Form, limit: int) -> int:
    """Read a field of at most `limit` bytes; how many it has."""
    raw = bytearray()
    while chunk := await part.read_chunk():
        raw += chunk
        if len(raw) > limit:
            raise invalid_request("InvalidPayload", "The fields of the form are too long.", target=part.name)
    try:
        form.fields[part.name or ""] = raw.decode()
    except UnicodeDecodeError:
        raise invalid_request("InvalidPayload", "The field is not UTF-8.", target=part.name) from None
    return len(raw)


async def _save(part: BodyPartReader, to: Path, limit: int) -> int:
    """Write the file; how many bytes it has."""
    size = 0
    with to.open("wb") as file:
        while chunk := await part.read_chunk(_CHUNK):
            size += file.write(chunk)
            if size > limit:
                message = f"The file is larger than {limit // 1_000_000:,} MB."
                raise ApiError(413, "InvalidRequest", message, inner="InvalidPayload", target=part.name)
    return size


def _malformed(message: str) -> ApiError:
    return invalid_request("InvalidRequestBodyFormat", message)
