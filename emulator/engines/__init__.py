"""Recognizers that the emulator can run: each a module `emulator.engines.<name>` with a function `create`."""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path
from typing import cast

from emulator.engines import whisper_languages
from emulator.engines.protocol import Engine, EngineUnavailableError
from emulator.locales import TRANSCRIPTION_LOCALES

_PROCESSORS = os.cpu_count() or 1


@dataclass(frozen=True, slots=True)
class EngineKind:
    """What the service must know of an engine before it runs."""

    locales: tuple[str, ...]
    """The locales it recognizes, or can with the right model."""
    reads_sidecars: bool
    """Whether it wants the text of `<audio URL>.txt`."""
    default_workers: int
    """How many files it recognizes at once unless told."""
    needs_model: bool = False
    """Whether the user names a folder with its model; such an engine is an optional install."""
    needs_locale: bool = False
    """Whether its model does not tell which locale it is for, so that the user must."""


ENGINES = {
    "faster-whisper": EngineKind(
        locales=whisper_languages.LOCALES, reads_sidecars=False, default_workers=1, needs_model=True
    ),
    "pocketsphinx": EngineKind(locales=("en-US",), reads_sidecars=False, default_workers=_PROCESSORS),
    "scripted": EngineKind(locales=TRANSCRIPTION_LOCALES, reads_sidecars=True, default_workers=16),
    "vosk": EngineKind(
        locales=TRANSCRIPTION_LOCALES,
        reads_sidecars=False,
        default_workers=_PROCESSORS,
        needs_model=True,
        needs_locale=True,
    ),
}


def kind_of(name: str, locales: Sequence[str] = ()) -> EngineKind:
    """The kind of an engine, which recognizes only `locales` where some are given.

    EngineUnavailableError for a locale that it lacks, or where none is given and it needs one; KeyError for a name that
    is not in ENGINES.
    """
    kind = ENGINES[name]
    known = {locale.lower(): locale for locale in kind.locales}
    if unknown := [locale for locale in locales if locale.lower() not in known]:
        raise EngineUnavailableError(f"The engine {name} does not recognize {', '.join(unknown)}.")
    if kind.needs_locale and not locales:
        message = f"A model of {name} does not tell its locale: name it with --locale, such as --locale en-US."
        raise EngineUnavailableError(message)
    return replace(kind, locales=tuple(known[locale.lower()] for locale in locales)) if locales else kind


def create(name: str, *, workers: int, model: Path | None = None) -> Engine:
    """Start an engine with the model in a folder, where it needs one; only the chosen one is imported.

    EngineUnavailableError where its package, its folder or its model is missing; KeyError for a name that is not in
    ENGINES.
    """
    if not ENGINES[name].needs_model:
        if model:
            raise EngineUnavailableError(f"The engine {name} has its own model: leave out --model.")
        return _module_function(name)(workers=workers)
    if model is None:
        raise EngineUnavailableError(f"The engine {name} needs a model: name its folder with --model.")
    if not model.is_dir():
        raise EngineUnavailableError(f"There is no folder {model}: --model names the folder of an unpacked model.")
    return _module_function(name)(workers=workers, model=model)


def _module_function(name: str) -> Callable[..., Engine]:
    package = name.replace("-", "_")
    try:
        module = import_module(f"emulator.engines.{package}")
    except ModuleNotFoundError as error:
        if error.name != package:
            raise
        message = f"The engine {name} is not installed: pip install -r requirements-{name}.txt"
        raise EngineUnavailableError(message) from None
    return cast("Callable[..., Engine]", module.create)
