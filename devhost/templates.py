"""Binding expressions: path patterns that match blobs (`audio/{folder}/{name}.wav`), templates that are filled in."""

import re
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime

_PART = re.compile(r"\{\{|\}\}|\{([^{}]*)\}")


class TemplateError(ValueError):
    """A pattern or template that can't be read, or an expression without a value."""


class PathPattern:
    """A blob trigger's `path`: a container, and a pattern of blob names whose expressions may hold slashes."""

    def __init__(self, path: str) -> None:
        self.container, _, blob = path.partition("/")
        if not self.container or "{" in self.container:
            raise TemplateError(f"path {path!r} must begin with the name of a container.")
        self.prefix = re.split(r"[{}]", blob, maxsplit=1)[0]
        self._regex = re.compile(_capture(blob) if blob else ".*", re.DOTALL)

    def match(self, blob: str) -> dict[str, str] | None:
        """The values of the expressions in a blob's name; None where the name does not match."""
        found = self._regex.fullmatch(blob)
        return found.groupdict() if found else None


def _capture(pattern: str) -> str:
    """The regular expression of a pattern. `{{` and `}}` stand for braces."""
    text, end = "", 0
    names: set[str] = set()
    for part in _PART.finditer(pattern):
        text += re.escape(pattern[end : part.start()])
        end = part.end()
        name = part[1]
        if name is None:
            text += re.escape(part[0][0])
        elif name in names:
            text += f"(?P={name})"
        elif name.isidentifier():
            names.add(name)
            text += f"(?P<{name}>.*)"
        else:
            raise TemplateError(f"{{{name}}} in the path pattern {pattern!r} is not a name.")
    return text + re.escape(pattern[end:])


def fill_in(template: str, values: Mapping[str, str]) -> str:
    """The template with each `{expression}` replaced; names match without case, as in Azure.

    Beside the trigger's values there are `{rand-guid}`, `{sys.randguid}`, `{DateTime}` and `{sys.utcnow}`.
    Raises TemplateError where an expression has no value.
    """
    known = {name.lower(): value for name, value in values.items()}

    def value(part: re.Match[str]) -> str:
        if part[1] is None:
            return part[0][0]
        name = part[1].lower()
        if name in {"rand-guid", "sys.randguid"}:
            return str(uuid.uuid4())
        if name in {"datetime", "sys.utcnow"}:
            return datetime.now(UTC).strftime("%Y-%m-%dT%H-%M-%SZ")
        if name not in known:
            there = ", ".join(f"{{{name}}}" for name in sorted(values)) or "none"
            raise TemplateError(f"{{{part[1]}}} in {template!r} has no value; the trigger offers: {there}.")
        return known[name]

    return _PART.sub(value, template)
