"""The form of operation Datasets_Upload, as the body that operation Datasets_Create takes."""

import json
from pathlib import Path

from aiohttp import web

from emulator.errors import invalid_request
from emulator.forms import read_form
from emulator.results import Json

FIELDS_LIMIT = 64 * 1024
"""Bytes of the fields that are no file."""
FIELDS = frozenset({"project", "displayName", "description", "locale", "kind", "customProperties", "email"})
_CONVERTED = frozenset({"project", "customProperties", "email"})


async def read_upload(request: web.Request, data: Path, *, limit: int, strict: bool) -> Json:
    """The form's fields as a body of operation Datasets_Create; the file `data` of at most `limit` bytes goes to disk.

    Raises ApiError for what is no such form, and where the file is missing or empty.
    """
    form = await read_form(request, file="data", to=data, limit=limit, fields_limit=FIELDS_LIMIT)
    if unknown := form.fields.keys() - FIELDS if strict else ():
        raise invalid_request("InvalidPayload", f"There is no field {min(unknown)!r}.")
    if form.file_size is None:
        raise invalid_request("MissingInputRecords", "The form has no file.", target="data")
    if not form.file_size:
        raise invalid_request("EmptyRequest", "The file is empty.", target="data")
    return _body(form.fields)


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
