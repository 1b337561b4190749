"""The emulator as a library: a service in a thread of this process, for tests."""

import asyncio
import threading
from collections.abc import Callable, Coroutine, Iterable, Sequence
from pathlib import Path
from typing import Self

from emulator.clock import Clock
from emulator.faults import Fault
from emulator.jobs import NO_WAIT, JobSeconds
from emulator.journal import Delivery, RequestSeen, TranscriptionSeen
from emulator.service import Service, run_service
from emulator.settings import DEFAULT_KEY, Settings
from emulator.storage_connection import StorageConnection

CALL_SECONDS = 180.0
"""How long a call into the service's thread may take."""


class SpeechEmulator:
    """The service on a free port of loopback, between `with` and the end of its block.

    `key` is the first subscription's key, `other_keys` make further subscriptions. On a standing clock
    (`Clock(at=...)`) jobs, retries and expiry go on only when `advance` is called.
    """

    def __init__(
        self,
        *,
        engine: str = "scripted",
        model: Path | None = None,
        locales: Sequence[str] = (),
        key: str = DEFAULT_KEY,
        other_keys: Sequence[str] = (),
        clock: Clock | None = None,
        faults: Sequence[Fault] = (),
        seed: int = 0,
        location: Path | None = None,
        port: int = 0,
        storages: Sequence[StorageConnection] = (),
        strict: bool = True,
        workers: int | None = None,
        job_seconds: JobSeconds = NO_WAIT,
        requests_per_10_seconds: int | None = None,
    ) -> None:
        self.key = key
        self._settings = Settings(
            engine=engine,
            model=model,
            locales=locales,
            port=port,
            location=location,
            keys=(key, *other_keys),
            storages=storages,
            strict=strict,
            workers=workers,
            job_seconds=job_seconds,
            requests_per_10_seconds=requests_per_10_seconds,
            faults=faults,
            seed=seed,
        )
        self._clock = clock or Clock()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), name="speech-emulator", daemon=True)
        self._ready = threading.Event()
        self._failure: BaseException | None = None
        self._loop: asyncio.AbstractEventLoop
        self._stop: asyncio.Event
        self._service: Service

    @property
    def endpoint(self) -> str:
        """Scheme, host and port; the service's base path is `/speechtotext/v3.1` below it."""
        return self._service.endpoint

    @property
    def base_url(self) -> str:
        """The base of all operations."""
        return self._service.links.base

    @property
    def requests(self) -> list[RequestSeen]:
        """Requests of operations seen, oldest first."""
        return self._in_loop(lambda: list(self._service.journal.requests))

    @property
    def deliveries(self) -> list[Delivery]:
        """Web hook notifications, oldest first."""
        return self._in_loop(lambda: list(self._service.journal.deliveries))

    @property
    def transcriptions(self) -> list[TranscriptionSeen]:
        """Every transcription that ever was, deleted ones too, with its content's URLs without queries."""
        return self._in_loop(self._service.transcriptions)

    def arm(self, faults: Iterable[Fault]) -> None:
        """Replace the faults by these."""
        self._in_loop(lambda: self._service.faults.arm(faults))

    def settle(self) -> None:
        """Wait until jobs and deliveries have done all that the clock lets them do."""
        self._await(self._service.background.settle())

    def advance(self, seconds: float) -> None:
        """Move the clock forward and wait until everything has reacted."""
        self._await(self._service.background.advance(seconds))

    def reset(self) -> None:
        """Forget all entities and what happened; arm the faults of the start."""
        self._await(self._service.reset())

    def __enter__(self) -> Self:
        self._thread.start()
        self._ready.wait()
        if self._failure:
            raise self._failure
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()
        if self._failure:
            raise self._failure

    async def _serve(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        try:
            async with run_service(self._settings, self._clock) as self._service:
                self._ready.set()
                await self._stop.wait()
        except Exception as error:  # noqa: BLE001 - raised again where the emulator was started
            self._failure = error
            self._ready.set()

    def _in_loop[R](self, look: Callable[[], R]) -> R:
        """The state belongs to the service's thread, so it is looked at there."""

        async def run() -> R:
            return look()

        return self._await(run())

    def _await[R](self, work: Coroutine[object, object, R]) -> R:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(CALL_SECONDS)
