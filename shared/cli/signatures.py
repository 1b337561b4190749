"""What a method of the Speech client looks like on the command line: its arguments, options and body."""

import inspect
import json
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, get_args, get_origin

import click
from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from shared.cli.output import remark
from shared.cli.values import READABLE, Duration, Kind, explain, kind_of, members_of, scalar_kind
from shared.speech.paging import Paged
from shared.speech.types.common import EntityReference

LARGEST_PAGE = 100
"""The service gives at most so many entries at once (parameter `top`)."""

_HELP = {
    "filter": "The service's filter, such as \"status eq 'Succeeded' and createdDateTime gt 2026-05-01T00:00:00Z\".",
    "skip": "Leave out so many entries at the start.",
    "sas_validity": "How long the files' URLs are to be valid.",
    "timeout_seconds": "Give up after so long.",
    "threads": "How many blocks are sent at once.",
}
_NO_CONTEXT = click.Context(click.Command(None))
_DEFAULTS: Mapping[str, Any] = {"timeout_seconds": "24h"}


@dataclass(frozen=True)
class Signature:
    """A method of a resource, `noun` and `name` being its place in the client."""

    noun: str
    name: str
    method: Callable[..., Any]

    @property
    def parameters(self) -> list[inspect.Parameter]:
        """The method's parameters, without `self`."""
        return list(self._signature.parameters.values())[1:]

    @property
    def _signature(self) -> inspect.Signature:
        return inspect.signature(self.method, eval_str=True)

    @property
    def returned(self) -> Any:  # noqa: ANN401 - any type
        """The type of the result; that of the entries where it is a list in pages."""
        annotation = self._signature.return_annotation
        return get_args(annotation)[0] if self.is_list else annotation

    @property
    def is_list(self) -> bool:
        """Whether the result comes in pages."""
        return get_origin(self._signature.return_annotation) is Paged

    def returns(self, kind: type) -> bool:
        """Whether the result, or each of its entries, is of a kind."""
        returned = self.returned
        return isinstance(returned, type) and issubclass(returned, kind)

    @property
    def progress(self) -> str | None:
        """The parameter that takes a function to be told of progress."""
        called = (one.name for one in self.parameters if _is_callable(one.annotation))
        return next((name for name in called if name.startswith("on_")), None)

    @property
    def usage(self) -> str:
        """The command with its arguments, without options."""
        arguments = [
            one.make_metavar(_NO_CONTEXT) for one in self.click_parameters() if isinstance(one, click.Argument)
        ]
        return " ".join(["speech", self.noun, self.name.replace("_", "-"), *arguments])

    @property
    def body(self) -> tuple[inspect.Parameter, type[BaseModel]] | None:
        """The parameter that is a request's body, and its model."""
        return next(((one, model) for one in self.parameters if (model := _body_model(one))), None)

    def click_parameters(self) -> Iterator[click.Parameter]:
        """What the command takes."""
        for one in self.parameters:
            if not (_is_callable(one.annotation) or _body_model(one)):
                yield self._click_parameter(one)
        if self.body:
            yield from body_options(self.body[1], taken={one.name for one in self.parameters})

    def arguments(self, given: dict[str, Any]) -> dict[str, Any]:
        """The method's arguments from the values of the command; takes out of `given` what it uses."""
        arguments: dict[str, Any] = {}
        for one in self.parameters:
            value = given.pop(one.name, None)
            if value is None or value == ():
                continue
            arguments[one.name] = _argument(one, value)
        if self.body:
            parameter, model = self.body
            if parameter.default is inspect.Parameter.empty or is_given(given):
                arguments[parameter.name] = read_body(model, given)
        return arguments

    def _click_parameter(self, parameter: inspect.Parameter) -> click.Parameter:
        required = parameter.default is inspect.Parameter.empty
        kind = _kind_of_parameter(parameter)
        if required and parameter.kind is inspect.Parameter.POSITIONAL_OR_KEYWORD:
            return click.Argument([parameter.name], type=kind.type, nargs=-1 if kind.several else 1, required=True)
        if self.is_list and parameter.name == "top":
            most = "At most so many entries; otherwise all of them."
            return click.Option(["--top"], type=click.IntRange(min=1), help=most)
        return _option(
            parameter.name,
            _flag(parameter),
            kind,
            help_text=_HELP.get(parameter.name) or _sentence_about(parameter.name, self.method.__doc__ or ""),
            required=required and parameter.name not in _DEFAULTS,
            default=_DEFAULTS.get(parameter.name),
        )


def _body_model(parameter: inspect.Parameter) -> type[BaseModel] | None:
    """The pydantic model that a parameter takes; None where it takes something else."""
    for member in members_of(parameter.annotation):
        if isinstance(member, type) and issubclass(member, BaseModel) and not issubclass(member, EntityReference):
            return member
    return None


def body_options(model: type[BaseModel], *, taken: Collection[str] = ()) -> Iterator[click.Parameter]:
    """`--json`, and an option for each field of the body that is one word or several."""
    required = ", ".join(_wire(model, name) for name, field in model.model_fields.items() if field.is_required())
    yield click.Option(
        ["--json", "json_"],
        metavar="FILE|-",
        type=click.File("rb"),
        help=f"The {model.__name__} as JSON; options go before what it says. "
        + (f"It needs {required}." if required else ""),
    )
    for name, field in model.model_fields.items():
        kind = scalar_kind(field.annotation)
        if kind and name not in taken and not _is_secret(name, field):
            yield _option(f"field_{name}", name, kind, help_text=f"Field {_wire(model, name)}.")


def is_given(given: Mapping[str, Any]) -> bool:
    """Whether the command line says anything of a body."""
    return any(value is not None and value != () for value in given.values())


def read_body[M: BaseModel](model: type[M], given: dict[str, Any]) -> M:
    """The body from `--json` and the options of its fields. UsageError where it is wrong."""
    source = given.pop("json_", None)
    content = _json_object(source) if source else {}
    for name in model.model_fields:
        value = given.pop(f"field_{name}", None)
        if value is not None and value != ():
            kind = kind_of(model.model_fields[name].annotation)
            content[_wire(model, name)] = dict(value) if kind.pairs else list(value) if kind.several else value
    if source is None and not content:
        raise click.UsageError("nothing to send: give --json FILE or an option for a field (see --help)")
    try:
        body = model.model_validate(content)
    except ValidationError as error:
        raise click.UsageError(f"the {model.__name__} is wrong: {explain(error)}") from None
    for place in _unknown(body):
        remark(f"{place} is no known field of {model.__name__}; it is sent as it is")
    return body


def _json_object(source: BinaryIO) -> dict[str, Any]:
    try:
        content = json.loads(source.read())
    except ValueError as error:
        raise click.UsageError(f"--json: no valid JSON: {error}") from None
    if not isinstance(content, dict):
        raise click.UsageError("--json: it must hold a JSON object")
    return content


def _unknown(body: BaseModel, place: str = "") -> Iterator[str]:
    """Fields that the model does not know, which are sent since a newer service may."""
    yield from (f"{place}{name}" for name in body.model_extra or ())
    for name in type(body).model_fields:
        value = getattr(body, name)
        if isinstance(value, BaseModel):
            yield from _unknown(value, f"{place}{_wire(type(body), name)}.")


def _wire(model: type[BaseModel], name: str) -> str:
    return model.model_fields[name].alias or name


def _is_callable(annotation: Any) -> bool:  # noqa: ANN401 - any type
    return any(get_origin(member) is Callable or member is Callable for member in members_of(annotation))


def _argument(parameter: inspect.Parameter, value: Any) -> Any:  # noqa: ANN401 - any value
    kind = _kind_of_parameter(parameter)
    if _is_key(parameter):
        return value.read_text(encoding="utf-8").strip()
    if _is_seconds(parameter):
        seconds = value.total_seconds()
        return seconds if float in members_of(parameter.annotation) else round(seconds)
    if isinstance(value, Path) and bytes in members_of(parameter.annotation):
        return value.read_bytes()
    if kind.pairs:
        return dict(value)
    return list(value) if kind.several else value


def _kind_of_parameter(parameter: inspect.Parameter) -> Kind:
    if _is_seconds(parameter):
        return Kind(Duration())
    return Kind(READABLE) if _is_key(parameter) else kind_of(parameter.annotation)


def _flag(parameter: inspect.Parameter) -> str:
    if _is_key(parameter):
        return f"{parameter.name}_file"
    return parameter.name.removesuffix("_seconds") if _is_seconds(parameter) else parameter.name


def _sentence_about(name: str, text: str) -> str:
    """What a docstring says of a parameter: the first sentence that names it."""
    found = re.search(rf"(?:^|(?<=[.;)] ))[^.;]*`{name}`[^.;]*", " ".join(text.split()))
    return f"{found[0].strip()}." if found else ""


def _is_key(parameter: inspect.Parameter) -> bool:
    """Whether it is a secret, which is read from a file: everybody on a machine sees its command lines."""
    return parameter.name.endswith("_key")


def _is_secret(name: str, field: FieldInfo) -> bool:
    """Whether a field is for --json only: it is kept out of `repr`, and is not a URL, which may be one without SAS."""
    return not field.repr and "url" not in name


def _is_seconds(parameter: inspect.Parameter) -> bool:
    return parameter.name.endswith("_seconds") and bool({int, float} & set(members_of(parameter.annotation)))


def _option(
    name: str, flag: str, kind: Kind, *, help_text: str, required: bool = False, default: object = None
) -> click.Option:
    dashed = flag.replace("_", "-")
    if kind.type is click.BOOL:
        return click.Option([f"--{dashed}/--no-{dashed}", name], default=None, help=help_text, required=required)
    return click.Option(
        [f"--{dashed}", name],
        type=kind.type,
        multiple=kind.several,
        help=help_text + (" Repeatable." if kind.several else ""),
        required=required,
        default=default,
    )
