"""Lists: filtered, then cut by `skip` and `top`, with `@nextLink` to what follows."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from emulator.app import Call
from emulator.errors import invalid_argument
from emulator.filters import FilterError, Value, parse_filter
from emulator.results import Json

TOP_LIMIT = 100
"""The default of `top`, and the most that one page has."""


def select[E](
    call: Call,
    entities: Sequence[E],
    properties: Mapping[str, type[str | datetime]],
    values: Callable[[E], Mapping[str, Value]],
) -> Sequence[E]:
    """The entities that the query's `filter` selects; `values` gives what it may ask for."""
    text = call.request.query.get("filter")
    if not text:
        return entities
    try:
        matches = parse_filter(text, properties)
    except FilterError as error:
        raise invalid_argument("UnsupportedFilter", str(error), target="filter") from None
    return [entity for entity in entities if matches(values(entity))]


def page[E](call: Call, entities: Sequence[E], show: Callable[[E], Json]) -> tuple[list[E], Json]:
    """The entities of the page asked for, and the list's body. `top` above 100 counts as 100."""
    skip = _count(call, "skip", default=0, least=0)
    top = min(_count(call, "top", default=TOP_LIMIT, least=1), TOP_LIMIT)
    shown = list(entities[skip : skip + top])
    body: Json = {"values": [show(entity) for entity in shown]}
    if skip + top < len(entities):
        following = call.request.rel_url.update_query(skip=str(skip + top), top=str(top))
        body["@nextLink"] = call.links.endpoint + str(following)
    return shown, body


def _count(call: Call, name: str, *, default: int, least: int) -> int:
    value = call.integer(name)
    if value is not None and value < least:
        raise invalid_argument("UnsupportedPagination", f"The parameter {name} must be at least {least}.", target=name)
    return default if value is None else value
