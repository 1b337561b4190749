"""The `filter` query parameter of list operations: a small parser, free of I/O.

Grammar, from the descriptions of the specification's `filter` parameters (keywords in lower case, as OData has them):

    expression  = conjunction *( "or" conjunction )
    conjunction = term *( "and" term )
    term        = "not" term | "(" expression ")" | property operator literal
    operator    = "eq" | "ne" | "gt" | "ge" | "lt" | "le"
    literal     = "'" text with '' for a quote "'" | a date and time in ISO 8601
"""

import operator
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime

Value = str | datetime | None
Predicate = Callable[[Mapping[str, Value]], bool]

DEPTH_LIMIT = 50
"""How deep parentheses and `not` may nest; more would exhaust the interpreter's stack."""

_TOKEN = re.compile(r"\s*(?:(?P<text>'(?:[^']|'')*')|(?P<mark>[()])|(?P<word>[^\s()']+))")
_EQUALITY: dict[str, Callable[[object, object], bool]] = {"eq": operator.eq, "ne": operator.ne}
_ORDER: dict[str, Callable[[datetime, datetime], bool]] = {
    "gt": operator.gt,
    "ge": operator.ge,
    "lt": operator.lt,
    "le": operator.le,
}


class FilterError(ValueError):
    """The filter is not one that the operation supports; the message says where and why."""


def parse_filter(text: str, properties: Mapping[str, type[str | datetime]]) -> Predicate:
    """A predicate on an entity's values by property name; `properties` are the names supported and their types.

    A text property that an entity does not have equals nothing. Raises FilterError.
    """
    parser = _Parser(_tokens(text), properties)
    predicate = parser.expression(0)
    parser.expect_end()
    return predicate


def _tokens(text: str) -> list[str]:
    tokens, position = [], 0
    text = text.strip()
    while position < len(text):
        match = _TOKEN.match(text, position)
        if not match:
            raise FilterError(f"The filter has a quote at position {position} that is never closed.")
        tokens.append(match.group().strip() if match["text"] is None else match["text"])
        position = match.end()
    return tokens


class _Parser:
    def __init__(self, tokens: list[str], properties: Mapping[str, type[str | datetime]]) -> None:
        self._tokens = tokens
        self._properties = properties
        self._at = 0

    def expression(self, depth: int) -> Predicate:
        terms = [self._conjunction(depth)]
        while self._accept("or"):
            terms.append(self._conjunction(depth))
        return terms[0] if len(terms) == 1 else lambda values: any(term(values) for term in terms)

    def expect_end(self) -> None:
        if self._at < len(self._tokens):
            raise FilterError(f"The filter has '{self._tokens[self._at]}' where 'and', 'or' or its end was expected.")

    def _conjunction(self, depth: int) -> Predicate:
        terms = [self._term(depth)]
        while self._accept("and"):
            terms.append(self._term(depth))
        return terms[0] if len(terms) == 1 else lambda values: all(term(values) for term in terms)

    def _term(self, depth: int) -> Predicate:
        if depth > DEPTH_LIMIT:
            raise FilterError(f"The filter nests deeper than {DEPTH_LIMIT} levels.")
        if self._accept("not"):
            term = self._term(depth + 1)
            return lambda values: not term(values)
        if self._accept("("):
            inner = self.expression(depth + 1)
            if not self._accept(")"):
                raise FilterError("The filter has '(' without ')'.")
            return inner
        return self._comparison()

    def _comparison(self) -> Predicate:
        name = self._next("a property")
        if name not in self._properties:
            raise FilterError(f"The filter has '{name}' where one of {', '.join(self._properties)} was expected.")
        word = self._next("an operator")
        literal = self._next("a value")
        if self._properties[name] is datetime:
            return _dates(name, word, literal)
        return _texts(name, word, literal)

    def _accept(self, token: str) -> bool:
        found = self._at < len(self._tokens) and self._tokens[self._at] == token
        self._at += found
        return found

    def _next(self, wanted: str) -> str:
        if self._at == len(self._tokens):
            raise FilterError(f"The filter ends where {wanted} was expected.")
        self._at += 1
        return self._tokens[self._at - 1]


def _texts(name: str, word: str, literal: str) -> Predicate:
    if word not in _EQUALITY:
        raise FilterError(f"The operator '{word}' is not supported for {name}; use eq or ne.")
    if not literal.startswith("'"):
        raise FilterError(f"The value {literal} of {name} must stand in single quotes.")
    compare, text = _EQUALITY[word], literal[1:-1].replace("''", "'")
    return lambda values: compare(values.get(name), text)


def _dates(name: str, word: str, literal: str) -> Predicate:
    compare = {**_EQUALITY, **_ORDER}.get(word)
    if not compare:
        raise FilterError(f"The operator '{word}' is not supported for {name}; use eq, ne, gt, ge, lt or le.")
    try:
        moment = datetime.fromisoformat(literal.strip("'"))
    except ValueError:
        raise FilterError(f"The value {literal} of {name} must be a date and time in ISO 8601.") from None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)

    def matches(values: Mapping[str, Value]) -> bool:
        value = values.get(name)
        return isinstance(value, datetime) and compare(value, moment)

    return matches
