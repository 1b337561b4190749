"""The functions of an app as the worker describes them, checked and with their app settings resolved."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from .errors import StartupError
from .settings import DEFAULT_CONNECTION, MissingSettingError, connection_string, is_disabled, resolve
from .templates import PathPattern, TemplateError

_TRIGGERS = {"httpTrigger", "blobTrigger", "queueTrigger", "timerTrigger"}
_STORAGE = {"blobTrigger", "blob", "queueTrigger", "queue"}
_SUPPORTED = _TRIGGERS | _STORAGE | {"http"}


@dataclass(frozen=True)
class Binding:
    """One binding of a function: what its decorator says, in function.json's terms."""

    name: str
    type: str
    properties: Mapping[str, Any]

    @property
    def is_output(self) -> bool:
        """Whether data leaves the function by it."""
        return bool(self.properties["direction"] == "OUT")

    @property
    def connection(self) -> str:
        """The name of its storage connection."""
        return self.properties.get("connection") or DEFAULT_CONNECTION

    @property
    def uses_storage(self) -> bool:
        """Whether it needs a storage connection."""
        return self.type in _STORAGE

    @property
    def is_deferred(self) -> bool:
        """Whether the parameter is an SDK type, which gets a reference to the blob instead of its bytes."""
        return bool(self.properties.get("properties", {}).get("SupportsDeferredBinding"))

    @property
    def wants_text(self) -> bool:
        """Whether `data_type` asks for text."""
        return bool(self.properties.get("dataType") == "STRING")

    def text(self, name: str) -> str:
        """A property that must be there as text."""
        return str(self.properties[name])


@dataclass(frozen=True)
class Function:
    """A function: its trigger, other inputs, outputs, retry options of its decorator, and whether it is disabled."""

    id: str
    name: str
    trigger: Binding
    inputs: tuple[Binding, ...]
    outputs: tuple[Binding, ...]
    retry: Any
    disabled: bool

    @property
    def bindings(self) -> tuple[Binding, ...]:
        """All of its bindings, the trigger first."""
        return (self.trigger, *self.inputs, *self.outputs)

    @property
    def full_name(self) -> str:
        """The name that Azure uses in blobs, messages and Event Grid's webhook."""
        return f"Host.Functions.{self.name}"


def read_functions(metadata: Iterable[Any], environment: Mapping[str, str]) -> list[Function]:
    """The app's functions; StartupError names function, binding and setting of what can't be run."""
    return [_read_function(function, environment) for function in metadata]


def _read_function(metadata: Any, environment: Mapping[str, str]) -> Function:  # noqa: ANN401 - a stand-in message
    raw = [json.loads(text) for text in metadata.raw_bindings]
    bindings = [_read_binding(metadata.name, properties, environment) for properties in raw]
    triggers = [binding for binding in bindings if binding.type in _TRIGGERS]
    if len(triggers) != 1:
        raise StartupError(f"function {metadata.name}: has {len(triggers)} triggers; a function has one.")
    return Function(
        id=metadata.function_id,
        name=metadata.name,
        trigger=triggers[0],
        inputs=tuple(binding for binding in bindings if not binding.is_output and binding is not triggers[0]),
        outputs=tuple(binding for binding in bindings if binding.is_output and binding.type != "http"),
        retry=metadata.retry_options,
        disabled=is_disabled(metadata.name, environment),
    )


def _read_binding(function: str, raw: Mapping[str, Any], environment: Mapping[str, str]) -> Binding:
    where = f"function {function}, binding {raw['name']!r} ({raw['type']})"
    if raw["type"] not in _SUPPORTED:
        raise StartupError(f"{where}: the dev host has HTTP, blob, queue and timer bindings only.")
    try:
        properties = {
            name: resolve(value, environment) if isinstance(value, str) else value for name, value in raw.items()
        }
        binding = Binding(raw["name"], raw["type"], properties)
        if binding.uses_storage:
            connection_string(binding.connection, environment)
        if binding.type == "blobTrigger":
            PathPattern(binding.text("path"))
    except MissingSettingError as missing:
        raise StartupError(
            f"{where}: the app setting {missing} is not set. Set it in the environment or under Values in "
            "local.settings.json (a storage connection is a connection string here)."
        ) from None
    except TemplateError as error:
        raise StartupError(f"{where}: {error}") from None
    return binding
