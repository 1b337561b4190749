"""`python -m devhost --app DIR`: run a function app until SIGTERM or Ctrl-C."""

import argparse
import asyncio
import logging
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from .errors import StartupError
from .functions import Function
from .host import Host, Options
from .host_json import read_host_json
from .settings import Keys, load_local_settings, read_keys


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the host; 0 after a clean end, 1 where the app can't be run."""
    given = _parser().parse_args(arguments)
    app: Path = given.app.resolve()
    try:
        settings: Path = given.settings or app / "local.settings.json"
        port = load_local_settings(settings, os.environ) if given.settings or settings.exists() else None
        host_json = read_host_json(app / "host.json", os.environ)
        keys = read_keys(given.keys, os.environ)
        port = given.port if given.port is not None else port or 7071
        options = Options(app, port, given.scan_interval, max(1, round(given.message_lease)))
        os.chdir(app)
        complete = asyncio.run(_serve(Host(options, host_json, keys, os.environ), keys))
    except StartupError as error:
        print(f"The app can't be run. {error}", file=sys.stderr)
        return _leave(1)
    return 0 if complete else _leave(0)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m devhost", description=main.__doc__)
    parser.add_argument("--app", type=Path, default=Path(), help="folder with function_app.py and host.json")
    parser.add_argument("--port", type=int, help="port on 127.0.0.1; 0 takes a free one (default: 7071)")
    parser.add_argument("--settings", type=Path, help="settings file (default: local.settings.json of the app)")
    parser.add_argument("--keys", type=Path, help="JSON file with the keys master, function and blobs_extension")
    parser.add_argument(
        "--scan-interval", type=_positive, default=10, metavar="SECONDS", help="between scans for blobs"
    )
    parser.add_argument(
        "--message-lease",
        type=_positive,
        default=30,
        metavar="SECONDS",
        help="until a killed host's messages come back",
    )
    return parser


def _positive(text: str) -> float:
    value = float(text)
    if not value > 0:
        raise argparse.ArgumentTypeError(f"{text} is not more than 0")
    return value


async def _serve(host: Host, keys: Keys) -> bool:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    try:
        await host.start()
        _announce(host, keys)
        await stopped.wait()
    finally:
        complete = await host.stop()
    return complete


def _announce(host: Host, keys: Keys) -> None:
    """Say that the host is ready, where its functions are, and the keys that were made up for this run."""
    base = f"http://127.0.0.1:{host.port}"
    lines = [f"Dev host listening on {base}", "", "Functions:"]
    lines += [f"    {describe(function, base, host.route_prefix)}" for function in host.functions] or ["    none"]
    lines += [f"Generated {name} key: {getattr(keys, name)}" for name in sorted(keys.generated)]
    print("\n".join(lines), flush=True)


def describe(function: Function, base: str, prefix: str) -> str:
    """One line about a function: name, trigger, and where to reach it."""
    properties = function.trigger.properties
    kind = function.trigger.type
    if kind == "httpTrigger":
        methods = ",".join(properties.get("methods") or ["any method"])
        path = "/".join(part.strip("/") for part in (prefix, properties.get("route", function.name)) if part.strip("/"))
        where = f"[{methods}] {base}/{path}"
    else:
        where = f"{kind} {properties.get('path') or properties.get('queueName') or properties.get('schedule')}"
    if kind == "blobTrigger" and properties.get("source") == "EventGrid":
        where += f" by {base}/runtime/webhooks/blobs?functionName={function.full_name}"
    return f"{function.name}: {where}{' (disabled)' if function.disabled else ''}"


def _leave(code: int) -> int:
    """End the process although a function may still run in a thread, which Python would wait for."""
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    sys.exit(main())
