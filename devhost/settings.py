"""App settings: local.settings.json into the environment, `%NAME%` in bindings, connections, keys."""

import json
import re
import secrets
from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .errors import StartupError

DEFAULT_CONNECTION = "AzureWebJobsStorage"
_REFERENCE = re.compile(r"%([^%]+)%")
_DEVELOPMENT_STORAGE = (
    "DefaultEndpointsProtocol=http;AccountName=devstoreaccount1;"
    "AccountKey=Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==;"
    "BlobEndpoint=http://127.0.0.1:10000/devstoreaccount1;QueueEndpoint=http://127.0.0.1:10001/devstoreaccount1;"
)
"""What `UseDevelopmentStorage=true` stands for: Azurite's documented account, which is no secret."""


class MissingSettingError(Exception):
    """An app setting that a binding refers to is not there; the text is its name."""


def load_local_settings(path: Path, environment: MutableMapping[str, str]) -> int | None:
    """Put `Values` of local.settings.json into the environment where not set already; its `Host.LocalHttpPort`.

    Raises StartupError for a file that is no such settings file, or an encrypted one.
    """
    document = _read_object(path)
    if document.get("IsEncrypted"):
        raise StartupError(f"{path} is encrypted; run `func settings decrypt` where Core Tools are.")
    for name, value in document.get("Values", {}).items():
        if isinstance(value, dict | list):
            raise StartupError(f"{path}: the value of {name!r} must be text, not {type(value).__name__}.")
        environment.setdefault(name, value if isinstance(value, str) else json.dumps(value))
    port = document.get("Host", {}).get("LocalHttpPort")
    return int(port) if port is not None else None


def _read_object(path: Path) -> dict[str, Any]:
    try:
        document = json.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise StartupError(f"{path} can't be read: {error.strerror}.") from error
    except ValueError as error:
        raise StartupError(f"{path} is not JSON: {error}.") from error
    if not isinstance(document, dict):
        raise StartupError(f"{path} must hold a JSON object.")
    return document


def resolve(text: str, environment: Mapping[str, str]) -> str:
    """The text with each `%NAME%` replaced by that app setting; MissingSettingError where one is not set."""

    def value(match: re.Match[str]) -> str:
        name = match[1].replace(":", "__")
        if name not in environment:
            raise MissingSettingError(match[1])
        return environment[name]

    return _REFERENCE.sub(value, text)


def connection_string(name: str, environment: Mapping[str, str]) -> str:
    """The connection string of a binding's `connection`; `AzureWebJobs<name>` comes before `<name>`, as in Azure."""
    for setting in (f"AzureWebJobs{name}", name):
        if environment.get(setting):
            value = environment[setting]
            return _DEVELOPMENT_STORAGE if value.strip(";").lower() == "usedevelopmentstorage=true" else value
    raise MissingSettingError(name)


def is_disabled(function: str, environment: Mapping[str, str]) -> bool:
    """Whether `AzureWebJobs.<function>.Disabled` (or with underscores, as on Linux) is set to true or 1."""
    names = (f"AzureWebJobs.{function}.Disabled", f"AzureWebJobs_{function}_Disabled")
    return any(environment.get(name, "").strip().lower() in {"true", "1"} for name in names)


@dataclass(frozen=True)
class Keys:
    """The access keys of the host: of everything, of functions, and of Event Grid's webhook."""

    master: str
    function: str
    blobs_extension: str
    generated: frozenset[str]
    """The names of those that were made up for this run."""


def read_keys(path: Path | None, environment: Mapping[str, str]) -> Keys:
    """The keys of the file, else of the environment, else random ones.

    The file holds a JSON object with `master`, `function` and `blobs_extension`; the environment's names are
    `DEVHOST_MASTER_KEY`, `DEVHOST_FUNCTION_KEY` and `DEVHOST_BLOBS_EXTENSION_KEY`.
    """
    given = _read_object(path) if path else {}
    names = ("master", "function", "blobs_extension")
    found = {name: given.get(name) or environment.get(f"DEVHOST_{name.upper()}_KEY") for name in names}
    generated = frozenset(name for name in names if not found[name])
    return Keys(**{name: key or secrets.token_urlsafe(32) for name, key in found.items()}, generated=generated)
