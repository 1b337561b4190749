"""The service's filter expressions, written as Python.

    Filter.status == "Succeeded"
    (Filter.created_date_time >= since) & ~(Filter.display_name == "it's mine")

Syntax: parameter `filter` of the list operations in the specification: `eq` and `ne` on every property; `gt`, `ge`,
`lt`, `le` on dates; `and`, `or`, `not`.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal, NoReturn, override

_Connective = Literal["comparison", "and", "or", "not"]


@dataclass(frozen=True, slots=True)
class Expression:
    """A filter; `str()` of it is what goes over the wire."""

    text: str
    connective: _Connective = "comparison"

    def __and__(self, other: "Expression") -> "Expression":
        return Expression(f"{self._inside('and')} and {other._inside('and')}", "and")

    def __or__(self, other: "Expression") -> "Expression":
        return Expression(f"{self._inside('or')} or {other._inside('or')}", "or")

    def __invert__(self) -> "Expression":
        return Expression(f"not ({self.text})", "not")

    def __bool__(self) -> NoReturn:
        raise TypeError("write &, | and ~ between filters: Python's and, or and not cannot be translated")

    @override
    def __str__(self) -> str:
        return self.text

    def _inside(self, connective: _Connective) -> str:
        """The text, in brackets where another connective would take it apart."""
        return self.text if self.connective in ("comparison", "not", connective) else f"({self.text})"


class TextProperty:
    """A property with `==` and `!=`."""

    def __init__(self, wire_name: str) -> None:
        self._wire_name = wire_name

    # Comparisons build expressions, as in every query builder; nothing puts properties into sets or dicts.
    __hash__ = None  # type: ignore[assignment]

    def __eq__(self, value: object) -> Expression:  # type: ignore[override] # see above
        return self._compare("eq", value)

    def __ne__(self, value: object) -> Expression:  # type: ignore[override] # see above
        return self._compare("ne", value)

    def _compare(self, operator: str, value: object) -> Expression:
        return Expression(f"{self._wire_name} {operator} {self._literal(value)}")

    def _literal(self, value: object) -> str:
        if not isinstance(value, str):
            raise TypeError(f"{self._wire_name} is compared with text, not with {type(value).__name__}")
        return "'" + value.replace("'", "''") + "'"


class DateProperty(TextProperty):
    """A property of datetimes with zone, with all six comparisons."""

    def __gt__(self, value: datetime) -> Expression:
        return self._compare("gt", value)

    def __ge__(self, value: datetime) -> Expression:
        return self._compare("ge", value)

    def __lt__(self, value: datetime) -> Expression:
        return self._compare("lt", value)

    def __le__(self, value: datetime) -> Expression:
        return self._compare("le", value)

    @override
    def _literal(self, value: object) -> str:
        if not isinstance(value, datetime):
            raise TypeError(f"{self._wire_name} is compared with a datetime, not with {type(value).__name__}")
        if value.tzinfo is None:
            raise ValueError(
                f"{self._wire_name} is compared with a datetime that has a zone; add tzinfo=UTC or another"
            )
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")


class Filter:
    """The properties that a filter can name; which of them a list knows stands in its docstring."""

    created_date_time = DateProperty("createdDateTime")
    description = TextProperty("description")
    display_name = TextProperty("displayName")
    kind = TextProperty("kind")
    last_action_date_time = DateProperty("lastActionDateTime")
    locale = TextProperty("locale")
    name = TextProperty("name")
    status = TextProperty("status")
    web_url = TextProperty("webUrl")
