"""Administration for tests, under `/emulator/` and without a key: look, reset, arm faults, move the clock."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

import orjson
from aiohttp import web
from pydantic import BaseModel, ConfigDict, ValidationError

from emulator.app import answer
from emulator.faults import FAULT_LIST, Seconds
from emulator.journal import Delivery, RequestSeen, TranscriptionSeen
from emulator.results import iso_timestamp

if TYPE_CHECKING:
    from emulator.service import Service


class ClockMove(BaseModel):
    """The body of `POST /emulator/clock`."""

    model_config = ConfigDict(extra="forbid")
    advance_seconds: Seconds


class Administration:
    """The routes under `/emulator/`."""

    def __init__(self, service: "Service") -> None:
        self._service = service

    async def requests(self, _: web.Request) -> web.Response:
        """Requests of operations seen, oldest first."""
        return _listing(self._service.journal.requests)

    async def deliveries(self, _: web.Request) -> web.Response:
        """Web hook notifications, oldest first."""
        return _listing(self._service.journal.deliveries)

    async def transcriptions(self, _: web.Request) -> web.Response:
        """Every transcription that ever was, with its content's URLs without queries."""
        return _listing(self._service.transcriptions())

    async def reset(self, _: web.Request) -> web.Response:
        """Forget all entities and what happened; arm the faults of the start."""
        await self._service.reset()
        return answer(status=204)

    async def faults(self, _: web.Request) -> web.Response:
        """The faults armed, and what each has done."""
        return answer(self._service.faults.state())

    async def arm(self, request: web.Request) -> web.Response:
        """Replace the faults by those of the body, a list."""
        try:
            self._service.faults.arm(FAULT_LIST.validate_json(await request.read()))
        except ValidationError as error:
            return _refusal(error)
        return answer(self._service.faults.state())

    async def clock(self, _: web.Request) -> web.Response:
        """The time of the service."""
        return answer({"now": iso_timestamp(self._service.clock.now())})

    async def move_clock(self, request: web.Request) -> web.Response:
        """Move the clock forward; answers when everything has reacted."""
        try:
            move = ClockMove.model_validate_json(await request.read())
        except ValidationError as error:
            return _refusal(error)
        await self._service.background.advance(move.advance_seconds)
        return await self.clock(request)


def add_admin(app: web.Application, service: "Service") -> None:
    """Add the routes under `/emulator/`."""
    administration = Administration(service)
    app.router.add_get("/emulator/requests", administration.requests)
    app.router.add_get("/emulator/deliveries", administration.deliveries)
    app.router.add_get("/emulator/transcriptions", administration.transcriptions)
    app.router.add_post("/emulator/reset", administration.reset)
    app.router.add_get("/emulator/faults", administration.faults)
    app.router.add_put("/emulator/faults", administration.arm)
    app.router.add_get("/emulator/clock", administration.clock)
    app.router.add_post("/emulator/clock", administration.move_clock)


def _listing(seen: Iterable[RequestSeen | Delivery | TranscriptionSeen]) -> web.Response:
    return web.Response(body=orjson.dumps(list(seen)), content_type="application/json")


def _refusal(error: ValidationError) -> web.Response:
    problems = [
        f"{'.'.join(str(part) for part in one['loc'])}: {one['msg']}" for one in error.errors(include_input=False)
    ]
    return answer({"problems": problems}, status=400)
