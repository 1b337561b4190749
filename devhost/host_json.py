"""host.json: the part of it that the dev host obeys, with the host's defaults.

Reference: "host.json reference for Azure Functions 2.x and later". Unknown sections are left alone, as they belong to
parts that only the real host has. `AzureFunctionsJobHost__extensions__queues__batchSize=1` in the environment overrides
the file, as in Azure.
"""

import json
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel

from .errors import StartupError

_OVERRIDE = "AzureFunctionsJobHost__"
_TIME_SPAN = re.compile(r"(?:(\d+)\.)?(\d{1,2}):(\d{1,2}):(\d{1,2}(?:\.\d+)?)")


def read_time_span(text: object) -> float | None:
    """Seconds of a .NET time span, `[days.]hours:minutes:seconds`; None for "-1", which means no limit."""
    if text == "-1":
        return None
    match = _TIME_SPAN.fullmatch(text) if isinstance(text, str) else None
    if not match:
        raise ValueError('expected a time span such as "00:05:00"')
    days, hours, minutes, seconds = match.groups(default="0")
    return int(days) * 86_400 + int(hours) * 3600 + int(minutes) * 60 + float(seconds)


type TimeSpan = Annotated[float, BeforeValidator(read_time_span)]


class _Section(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, frozen=True, extra="ignore")


class HttpOptions(_Section):
    """`extensions.http`."""

    route_prefix: str = "api"


class QueuesOptions(_Section):
    """`extensions.queues`. Times in seconds."""

    batch_size: int = Field(16, ge=1, le=32)
    new_batch_threshold: int = Field(default_factory=lambda options: options["batch_size"] // 2 * (os.cpu_count() or 1))
    max_dequeue_count: int = Field(5, ge=1)
    visibility_timeout: TimeSpan = 0.0
    max_polling_interval: TimeSpan = 2.0
    message_encoding: Literal["base64", "none"] = "base64"


class BlobsOptions(_Section):
    """`extensions.blobs`."""

    max_degree_of_parallelism: int = Field(default_factory=lambda: 8 * (os.cpu_count() or 1), ge=1)
    poison_blob_threshold: int = Field(5, ge=1)


class _Extensions(_Section):
    http: HttpOptions = HttpOptions()
    queues: QueuesOptions = Field(default_factory=QueuesOptions)
    blobs: BlobsOptions = Field(default_factory=BlobsOptions)


class _Logging(_Section):
    log_level: Mapping[str, str] = Field(default_factory=dict)


class HostJson(_Section):
    """The settings of the host. `function_timeout` in seconds, None for no limit."""

    version: Literal["2.0"]
    function_timeout: Annotated[float | None, BeforeValidator(read_time_span)] = 1800.0
    extensions: _Extensions = Field(default_factory=_Extensions)
    logging: _Logging = Field(default_factory=_Logging)


def read_host_json(path: Path, environment: Mapping[str, str]) -> HostJson:
    """The file's settings with the environment's overrides; StartupError names the setting that is wrong."""
    try:
        document: Any = json.loads(path.read_text(encoding="utf-8-sig"))
        for name, value in environment.items():
            if name.startswith(_OVERRIDE):
                _override(document, name, value)
        return HostJson.model_validate(document)
    except FileNotFoundError:
        raise StartupError(f"There is no {path}: a function app's folder has one, at least {_LEAST}.") from None
    except json.JSONDecodeError as error:
        raise StartupError(f"{path} is not JSON: {error}.") from error
    except ValidationError as error:
        wrong = "; ".join(
            f"{'.'.join(map(str, problem['loc']))}: {problem['msg']} (found {problem['input']!r})"
            for problem in error.errors()
        )
        raise StartupError(f"{path}: {wrong}") from error


_LEAST = '{"version": "2.0"}'


def _override(document: Any, name: str, value: str) -> None:  # noqa: ANN401 - any JSON value
    *sections, last = name.removeprefix(_OVERRIDE).split("__")
    try:
        for section in sections:
            document = document.setdefault(section, {})
        document[last] = value
    except (AttributeError, TypeError):
        raise StartupError(f"{name} in the environment does not fit host.json.") from None
