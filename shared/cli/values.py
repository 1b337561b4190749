"""Values on the command line: what a Python type is as a click type."""

import re
import types
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import Enum
from pathlib import Path
from typing import Annotated, Any, BinaryIO, Literal, TypeAliasType, Union, get_args, get_origin, override

import click
from pydantic import TypeAdapter, ValidationError

from shared.speech.types.common import EntityReference, OpenEnum

_SHORT_DURATION = re.compile(r"(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+(?:\.\d+)?)s)?", re.IGNORECASE)
_duration = TypeAdapter(timedelta)


class Duration(click.ParamType[timedelta]):
    """A timedelta: `6h`, `1d12h`, `90s`, or ISO 8601 such as `PT6H`."""

    name = "duration"

    @override
    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> timedelta:
        if isinstance(value, timedelta):
            return value
        short = _SHORT_DURATION.fullmatch(value)
        if value and short:
            days, hours, minutes, seconds = (float(number or 0) for number in short.groups())
            return timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)
        try:
            return _duration.validate_strings(value.upper())
        except ValidationError:
            raise click.BadParameter(f"{value!r} is no duration: write 6h, 1d12h, 90s or PT6H", ctx, param) from None


class Moment(click.ParamType[datetime]):
    """A datetime in ISO 8601; one without a zone is UTC."""

    name = "datetime"

    @override
    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        if isinstance(value, datetime):
            return value
        try:
            moment = datetime.fromisoformat(value)
        except ValueError:
            self.fail(f"{value!r} is no time: write 2026-05-01 or 2026-05-01T12:00:00Z", param, ctx)
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


class Day(click.ParamType[date]):
    """A day in ISO 8601."""

    name = "date"

    @override
    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> date:
        if isinstance(value, date):
            return value
        try:
            return date.fromisoformat(value)
        except ValueError:
            self.fail(f"{value!r} is no day: write 2026-05-01", param, ctx)


class Member(click.ParamType[Enum]):
    """A member of an enum by its value, whatever its case; an OpenEnum takes others, too, for a newer service."""

    def __init__(self, enum: type[Enum]) -> None:
        self._enum = enum
        self.name = "|".join(str(member.value) for member in enum)

    @override
    def get_metavar(self, param: click.Parameter, ctx: click.Context) -> str:
        return f"[{self.name}]"  # click would write the values in capitals

    @override
    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Enum:
        if isinstance(value, self._enum):
            return value
        for member in self._enum:
            if str(member.value).lower() == value.lower():
                return member
        if issubclass(self._enum, OpenEnum):
            return self._enum(value)
        raise click.BadParameter(f"{value!r} is none of {self.name}", ctx, param)


class Pair(click.ParamType[tuple[str, str]]):
    """One entry of a mapping: `KEY=VALUE`."""

    name = "key=value"

    @override
    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, str]:
        if isinstance(value, tuple):
            return value
        key, equals, text = value.partition("=")
        if not (key and equals):
            self.fail(f"{value!r} is not of the form KEY=VALUE", param, ctx)
        return key, text


class Reference(click.ParamType[EntityReference]):
    """Another entity, by its URL (`self`)."""

    name = "url"

    @override
    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> EntityReference:
        if isinstance(value, EntityReference):
            return value
        if not value.startswith(("http://", "https://")):
            self.fail(f"{value!r} is no URL: give the `self` of the entity", param, ctx)
        return EntityReference(self_url=value)


class Json(click.ParamType[Any]):
    """A value of any other type as JSON: its text, or `@FILE`."""

    name = "json|@file"

    def __init__(self, annotation: Any) -> None:  # noqa: ANN401 - any type
        self._adapter: TypeAdapter[Any] = TypeAdapter(annotation)

    @override
    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if not isinstance(value, str):
            return value
        try:
            text = Path(value[1:]).read_text(encoding="utf-8") if value.startswith("@") else value
            return self._adapter.validate_json(text)
        except OSError as error:
            self.fail(f"{value[1:]}: {error.strerror}", param, ctx)
        except ValidationError as error:
            self.fail(explain(error), param, ctx)


READABLE = click.Path(exists=True, dir_okay=False, path_type=Path)

_SCALARS: Mapping[Any, Callable[[], click.ParamType[Any]]] = {
    str: lambda: click.STRING,
    int: lambda: click.INT,
    float: lambda: click.FLOAT,
    bool: lambda: click.BOOL,
    datetime: Moment,
    date: Day,
    timedelta: Duration,
    EntityReference: Reference,
}


@dataclass(frozen=True)
class Kind:
    """How a value of a Python type is given: its click type, and whether it comes as several or as pairs."""

    type: click.ParamType[Any]
    several: bool = False
    pairs: bool = False


def members_of(annotation: Any) -> list[Any]:  # noqa: ANN401 - any type
    """The types that an annotation allows, aliases resolved, without None."""
    if isinstance(annotation, TypeAliasType):
        return members_of(annotation.__value__)
    if get_origin(annotation) is Annotated:
        return members_of(get_args(annotation)[0])
    if get_origin(annotation) in (Union, types.UnionType):
        return [member for part in get_args(annotation) for member in members_of(part)]
    return [] if annotation in (None, type(None)) else [annotation]


def scalar_kind(annotation: Any) -> Kind | None:  # noqa: ANN401 - any type
    """How a value of this type is given, where that is one word (or several) rather than JSON."""
    members = members_of(annotation)
    if any(member in (Path, BinaryIO, bytes) for member in members):
        return Kind(READABLE)
    for member in members:
        if kind := _kind_of(member):
            return kind
    return None


def _kind_of(member: Any) -> Kind | None:  # noqa: ANN401 - any type
    origin, arguments = get_origin(member), get_args(member)
    if member in _SCALARS:
        return Kind(_SCALARS[member]())
    if origin is Literal:
        return Kind(click.Choice([str(value) for value in arguments]))
    if isinstance(member, type) and origin is None and issubclass(member, Enum):
        return Kind(Member(member))
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return Kind(Pair(), several=True, pairs=True) if arguments == (str, str) else None
    if isinstance(origin, type) and issubclass(origin, Collection):
        inner = scalar_kind(arguments[0])
        return Kind(inner.type, several=True) if inner and not inner.several else None
    return None


def kind_of(annotation: Any) -> Kind:  # noqa: ANN401 - any type
    """How a value of this type is given."""
    return scalar_kind(annotation) or Kind(Json(annotation))


def explain(error: ValidationError) -> str:
    """What is wrong in a value, and where; the value itself, which may be a secret, is not shown."""
    problems = error.errors(include_url=False, include_input=False)
    return "; ".join(
        f"{'.'.join(map(str, problem['loc']))}: {problem['msg']}" if problem["loc"] else problem["msg"]
        for problem in problems
    )
