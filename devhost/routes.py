"""Route templates of HTTP functions, as ASP.NET reads them: `items/{id:int?}`, `files/{*path}`, `{lang=en}`."""

import re
from dataclasses import dataclass
from urllib.parse import unquote

_CONSTRAINTS = {
    "": r"[^/]+",
    "alpha": r"[A-Za-z]+",
    "bool": r"(?i:true|false)",
    "int": r"-?\d+",
    "long": r"-?\d+",
    "guid": r"[0-9A-Fa-f]{8}-(?:[0-9A-Fa-f]{4}-){3}[0-9A-Fa-f]{12}",
}
_PARAMETER = re.compile(
    r"\{(?P<rest>\*{0,2})(?P<name>\w+)(?::(?P<kind>\w+))?(?:=(?P<default>[^}?]*))?(?P<optional>\?)?\}"
)


@dataclass(frozen=True)
class Route:
    """A compiled template. `rank` orders routes: the lowest that matches wins."""

    template: str
    pattern: re.Pattern[str]
    defaults: dict[str, str]
    rank: tuple[int, ...]

    def match(self, raw_path: str) -> dict[str, str] | None:
        """The parameters in a path, percent-encoded as it came, without the leading slash; None where it differs."""
        found = self.pattern.fullmatch(raw_path)
        if not found:
            return None
        given = {name: unquote(value) for name, value in found.groupdict().items() if value is not None}
        return {**self.defaults, **given}


def compile_route(template: str) -> Route:
    """Read a template; ValueError names what is wrong or not supported in it."""
    defaults: dict[str, str] = {}
    rank: list[int] = []
    expression = ""
    for position, segment in enumerate(template.strip("/").split("/")):
        slash = "/" if position else ""
        parameter = _PARAMETER.fullmatch(segment)
        if parameter is None:
            expression += slash + "".join(_part(part, template) for part in re.split(r"(\{[^{}]*\})", segment))
            rank.append(1 if "{" in segment else 0)
            continue
        if parameter["default"] is not None:
            defaults[parameter["name"]] = parameter["default"]
        group = f"{slash}(?P<{parameter['name']}>{_expression(parameter, template)})"
        may_lack = parameter["optional"] or parameter["default"] is not None or parameter["rest"]
        expression += f"(?:{group})?" if may_lack else group
        rank.append(4 if parameter["rest"] else 2 if parameter["kind"] else 3)
    return Route(template, re.compile(expression, re.IGNORECASE), defaults, tuple(rank))


def _part(part: str, template: str) -> str:
    parameter = _PARAMETER.fullmatch(part)
    if parameter:
        return f"(?P<{parameter['name']}>{_expression(parameter, template)})"
    if "{" in part or "}" in part:
        raise ValueError(f"{part!r} in the route {template!r} is no route parameter that the dev host reads")
    return re.escape(part)


def _expression(parameter: re.Match[str], template: str) -> str:
    if parameter["rest"]:
        return ".*"
    try:
        return _CONSTRAINTS[parameter["kind"] or ""]
    except KeyError as unknown:
        raise ValueError(
            f"the constraint {unknown} in the route {template!r} is not one of {', '.join(filter(None, _CONSTRAINTS))}"
        ) from None
