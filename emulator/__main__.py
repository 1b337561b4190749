"""The command line: `python -m emulator --help`."""

import argparse
import asyncio
import logging
import signal
import sys
from pathlib import Path

from emulator.clock import Clock
from emulator.engines import ENGINES
from emulator.engines.protocol import EngineUnavailableError
from emulator.faults import SECONDS_LIMIT, Fault, parse_fault
from emulator.jobs import JobSeconds
from emulator.service import run_until
from emulator.settings import DEFAULT_KEY, Settings
from emulator.storage_connection import StorageConnection

PORT_LIMIT = 65535


def main(arguments: list[str] | None = None) -> int:
    """Run the emulator until SIGTERM or SIGINT; returns the exit code."""
    given = _parser().parse_args(arguments)
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    settings = Settings(
        engine=given.engine,
        model=given.model,
        locales=tuple(given.locale),
        port=given.port,
        location=given.location,
        keys=tuple(given.key or [DEFAULT_KEY]),
        storages=given.storage,
        strict=not given.loose,
        workers=given.workers,
        job_seconds=given.job_seconds,
        requests_per_10_seconds=given.requests_per_10_seconds,
        faults=given.fault,
        seed=given.seed,
    )
    try:
        asyncio.run(_serve(settings))
    except (OSError, EngineUnavailableError) as error:
        print(f"The emulator cannot run: {error}", file=sys.stderr)
        return 1
    return 0


async def _serve(settings: Settings) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    await run_until(settings, Clock(), stop)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m emulator")
    parser.description = "An emulator of the Speech-to-text REST API, on loopback."
    parser.add_argument("--port", type=_port, default=8300, help="port to listen on; 0 for a free one (8300)")
    parser.add_argument("--location", type=Path, metavar="DIR", help="keep state here; otherwise it is in memory")
    parser.add_argument("--engine", choices=sorted(ENGINES), default="pocketsphinx", help="the recognizer")
    parser.add_argument("--model", type=Path, metavar="DIR", help="folder of the model, for vosk and faster-whisper")
    parser.add_argument(
        "--locale",
        action="append",
        default=[],
        metavar="LOCALE",
        help="a locale to recognize; repeatable, needed for vosk (all of the engine)",
    )
    parser.add_argument(
        "--key", type=_key, action="append", metavar="KEY", help=f"a subscription's key; repeatable ({DEFAULT_KEY})"
    )
    parser.add_argument(
        "--storage",
        type=_storage,
        action="append",
        default=[],
        metavar="CONNECTION",
        help="storage whose URLs need no SAS: a connection string, or its URL with a SAS; repeatable",
    )
    parser.add_argument("--loose", action="store_true", help="forgive what the service would refuse")
    parser.add_argument("--workers", type=_positive, metavar="N", help="files recognized at once")
    parser.add_argument(
        "--job-seconds",
        type=_job_seconds,
        default=JobSeconds(),
        metavar="WAIT,RUN",
        help="how long a job is NotStarted and then Running at least (0,0)",
    )
    parser.add_argument(
        "--requests-per-10-seconds",
        type=_positive,
        metavar="N",
        help="quota of each subscription's requests, beyond which they are 429; the service's is 100 (none)",
    )
    parser.add_argument(
        "--fault",
        type=_fault,
        action="append",
        default=[],
        metavar="KIND[,NAME=VALUE...]",
        help="something that goes wrong, such as throttle,operation=Transcriptions_Create,count=2; repeatable",
    )
    parser.add_argument("--seed", type=int, default=0, help="for what faults leave to chance (0)")
    return parser


def _port(text: str) -> int:
    if not text.isdecimal() or int(text) > PORT_LIMIT:
        raise argparse.ArgumentTypeError(f"{text!r} is not a port, 0 to {PORT_LIMIT}")
    return int(text)


def _key(text: str) -> str:
    if not text:
        raise argparse.ArgumentTypeError("a key cannot be empty")
    return text


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of at least 1")
    return int(text)


def _job_seconds(text: str) -> JobSeconds:
    try:
        waiting, running = (float(part) for part in text.split(","))
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not two numbers such as 1,5") from None
    if not (0 <= waiting <= SECONDS_LIMIT and 0 <= running <= SECONDS_LIMIT):
        raise argparse.ArgumentTypeError(f"{text!r} is not two numbers from 0 to {SECONDS_LIMIT}")
    return JobSeconds(waiting, running)


def _storage(text: str) -> StorageConnection:
    try:
        return StorageConnection.parse(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _fault(text: str) -> Fault:
    try:
        return parse_fault(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


if __name__ == "__main__":
    sys.exit(main())
