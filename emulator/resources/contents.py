"""Content of entities' files behind signed URLs."""

import mimetypes

from aiohttp import web

from emulator.clock import Clock
from emulator.errors import ApiError, not_found
from emulator.faults import Faults
from emulator.signatures import grants
from emulator.store import Store


class FileContents:
    """Serves the bytes of files, as blob storage does for the real service."""

    def __init__(self, *, store: Store, clock: Clock, faults: Faults) -> None:
        self._store = store
        self._clock = clock
        self._faults = faults
        self._key = store.url_key()

    async def get(self, request: web.Request) -> web.Response:
        """The bytes of a file; 403 where the signature is not genuine or has expired."""
        file_id = request.match_info["fileId"]
        stamp, signature = request.query.get("se", ""), request.query.get("sig", "")
        if not grants(self._key, file_id, stamp, signature, self._clock.now()):
            raise ApiError(403, "Forbidden", "The signature of the URL is not valid or has expired.")
        file = self._store.file(file_id)
        if not file:
            raise not_found("The file does not exist any more.")
        content = self._faults.on_result(file.name, self._store.file_path(file_id).read_bytes())
        content_type = mimetypes.guess_type(file.name)[0] or "application/octet-stream"
        return web.Response(body=content, content_type=content_type)
