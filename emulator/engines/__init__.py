"""Recognizers that the emulator can run: each a module `emulator.engines.<name>` with a function `create`."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import cast

from emulator.engines.protocol import Engine
from emulator.locales import TRANSCRIPTION_LOCALES


@dataclass(frozen=True, slots=True)
class EngineKind:
    """What the service must know of an engine before it runs."""

    locales: tuple[str, ...]
    """The locales it recognizes."""
    reads_sidecars: bool
    """Whether it wants the text of `<audio URL>.txt`."""
    default_workers: int
    """How many files it recognizes at once unless told."""


ENGINES = {
    "pocketsphinx": EngineKind(locales=("en-US",), reads_sidecars=False, default_workers=os.cpu_count() or 1),
    "scripted": EngineKind(locales=TRANSCRIPTION_LOCALES, reads_sidecars=True, default_workers=16),
}


def create(name: str, *, workers: int) -> Engine:
    """Start an engine; only the chosen one is imported. KeyError for a name that is not in ENGINES."""
    if name not in ENGINES:
        raise KeyError(name)
    module = import_module(f"emulator.engines.{name}")
    make = cast("Callable[..., Engine]", module.create)
    return make(workers=workers)
