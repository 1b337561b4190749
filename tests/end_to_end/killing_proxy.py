"""A proxy on loopback that kills a process right after its n-th change of state took effect, before it learns so.

It stands between the Functions host and storage or the Speech service. A crash at any line of the pipeline is, seen
from outside, a crash between two of its requests, so going through all requests goes through all steps.
"""

import asyncio
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from aiohttp import ClientSession, ClientTimeout, DummyCookieJar, TCPConnector, web
from multidict import CIMultiDict
from yarl import URL

_HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "content-length", "host"}


@dataclass
class Steps:
    """Changes of state made through all proxies of one host, in order; the one at `kill_after` (from 1) is its last."""

    kill: Callable[[], None] = lambda: None
    kill_after: int | None = None
    taken: list[str] = field(default_factory=list)
    killed: threading.Event = field(default_factory=threading.Event)
    restarted: bool = False
    """Whether another host has taken the place of the one that was killed; what it does is let through."""
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def take(self, description: str) -> bool:
        """Note a change; True where the process was killed with it."""
        with self._lock:
            if self.restarted:
                return False
            if self.killed.is_set():
                return True
            self.taken.append(description)
            if len(self.taken) != self.kill_after:
                return False
            self.kill()
            self.killed.set()
            return True


class KillingProxy:
    """Forwards everything to `upstream` (`http://host:port`).

    `describe` gets method and path of a request and names it if it changes state, or else returns None. Requests by SAS
    are the Speech service's own and go on after the kill.
    """

    def __init__(self, upstream: str, steps: Steps, describe: Callable[[str, str], str | None]) -> None:
        self._upstream = upstream
        self._steps = steps
        self._describe = describe
        self._ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), daemon=True)
        self.port = 0

    @property
    def is_cut(self) -> bool:
        """Whether nobody is at the near end any more."""
        return self._steps.killed.is_set() and not self._steps.restarted

    @property
    def url(self) -> str:
        """Where the proxy listens."""
        return f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        self._thread.start()
        self._ready.wait()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()

    async def _serve(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        connector = TCPConnector(limit=0, force_close=True)
        async with ClientSession(
            connector=connector, auto_decompress=False, timeout=ClientTimeout(total=60), cookie_jar=DummyCookieJar()
        ) as self._session:
            app = web.Application(client_max_size=2**30)
            app.router.add_route("*", "/{path:.*}", self._forward)
            runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
            await runner.setup()
            site = web.TCPSite(runner, "127.0.0.1", 0)
            await site.start()
            self.port = runner.addresses[0][1]
            self._ready.set()
            await self._stop.wait()
            await runner.cleanup()

    async def _forward(self, request: web.Request) -> web.Response:
        if self.is_cut and "sig=" not in request.raw_path:
            return _cut(request)
        headers = _passed_on(request.headers)
        body = await request.read()
        target = URL(self._upstream + request.raw_path, encoded=True)
        async with self._session.request(
            request.method,
            target,
            headers=headers,
            data=body or None,
            allow_redirects=False,
            skip_auto_headers=("Content-Type", "User-Agent", "Accept", "Accept-Encoding"),  # storage signs headers
        ) as answer:
            content = await answer.read()
            description = self._describe(request.method, request.raw_path) if answer.status < 300 else None
            if description and self._steps.take(description):
                return _cut(request)
            kept = _passed_on(answer.headers)
            if request.method == "HEAD" and (size := answer.headers.get("Content-Length")):
                kept["Content-Length"] = size  # of what a GET would bring
            return web.Response(status=answer.status, body=content, headers=kept)


def _passed_on(headers: Mapping[str, str]) -> CIMultiDict[str]:
    return CIMultiDict((name, value) for name, value in headers.items() if name.lower() not in _HOP_BY_HOP)


def _cut(request: web.Request) -> web.Response:
    """Nobody is there to hear the answer."""
    if request.transport:
        request.transport.abort()
    return web.Response(status=503)
