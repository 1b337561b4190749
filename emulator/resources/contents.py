"""Content of entities' files behind signed URLs."""

import asyncio
import mimetypes

from aiohttp import web

from emulator.clock import Clock
from emulator.errors import ApiError, not_found
from emulator.faults import Faults, spoiled
from emulator.signatures import grants
from emulator.store import Store


class FileContents:
    """Serves the bytes of files, as blob storage does for the real service."""

    def __init__(self, *, store: Store, clock: Clock, faults: Faults) -> None:
        self._store = store
        self._clock = clock
        self._faults = faults
        self._key = store.url_key()

    async def get(self, request: web.Request) -> web.StreamResponse:
        """The bytes of a file, streamed from disk; 403 where the signature is not genuine or has expired."""
        file_id = request.match_info["fileId"]
        stamp, signature = request.query.get("se", ""), request.query.get("sig", "")
        if not grants(self._key, file_id, stamp, signature, self._clock.now()):
            raise ApiError(403, "Forbidden", "The signature of the URL is not valid or has expired.")
        file = self._store.file(file_id)
        if not file or file.url:
            raise not_found("The file does not exist any more.")
        path = self._store.file_path(file_id)
        headers = {"Content-Type": mimetypes.guess_type(file.name)[0] or "application/octet-stream"}
        if fault := self._faults.on_result(file.name):
            return web.Response(body=spoiled(await asyncio.to_thread(path.read_bytes), fault), headers=headers)
        return web.FileResponse(path, headers=headers)
