"""The log on standard output: time, level, function and invocation, logger, text; levels from host.json."""

import logging
import sys
import time
from collections.abc import Mapping

from azure_functions_runtime import invocation_id_cv

from .errors import StartupError

_LEVELS = {
    "Trace": logging.DEBUG,
    "Debug": logging.DEBUG,
    "Information": logging.INFO,
    "Warning": logging.WARNING,
    "Error": logging.ERROR,
    "Critical": logging.CRITICAL,
    "None": logging.CRITICAL + 1,
}


class _Formatter(logging.Formatter):
    converter = staticmethod(time.gmtime)
    default_time_format = "%Y-%m-%dT%H:%M:%S"
    default_msec_format = "%s.%03dZ"


class FunctionFilter(logging.Filter):
    """Adds the function and the invocation id to a record, and drops what is below the function's level."""

    def __init__(self, running: Mapping[str, str], levels: Mapping[str, int]) -> None:
        super().__init__()
        self._running = running
        self._levels = levels

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the record is shown."""
        invocation_id = invocation_id_cv.get()
        function = self._running.get(invocation_id) if invocation_id else None
        record.function = f"[{function} {invocation_id}] " if function else ""
        return record.levelno >= function_level(function, self._levels)


def function_level(function: str | None, levels: Mapping[str, int]) -> int:
    """The least level that is shown of a function (None: of the host) by host.json's `logLevel`."""
    categories = [f"Function.{function}.User", f"Function.{function}", "Function"] if function else ["Host"]
    return next((levels[category] for category in (*categories, "default") if category in levels), logging.INFO)


def read_levels(log_level: Mapping[str, str]) -> dict[str, int]:
    """host.json's `logLevel` as levels of Python's logging; StartupError names an unknown one."""
    unknown = [f"{category}: {level}" for category, level in log_level.items() if level.capitalize() not in _LEVELS]
    if unknown:
        raise StartupError(f"host.json, logging.logLevel, {'; '.join(unknown)}: expected one of {', '.join(_LEVELS)}.")
    return {category: _LEVELS[level.capitalize()] for category, level in log_level.items()}


def configure_logging(running: Mapping[str, str], levels: Mapping[str, int]) -> None:
    """Send every log record to standard output."""
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(_Formatter("%(asctime)s %(levelname)-7s %(function)s%(name)s: %(message)s"))
    handler.addFilter(FunctionFilter(running, levels))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(min([logging.INFO, *levels.values()]))
    for chatty in ("azure.core.pipeline.policies.http_logging_policy", "azure.functions", "asyncio"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
