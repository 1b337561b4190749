"""The emulator's filter parser: what it means, what it refuses."""

import contextlib
import re
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator.filters import DEPTH_LIMIT, FilterError, Value, parse_filter

PROPERTIES: dict[str, type[str | datetime]] = {"displayName": str, "status": str, "createdDateTime": datetime}
TEXTS = st.text(alphabet="ab' ()é", max_size=4)
MOMENTS = st.datetimes(datetime(2026, 1, 1), datetime(2026, 1, 3), timezones=st.just(UTC)).map(  # noqa: DTZ001 - the time zone is added
    lambda moment: moment.replace(microsecond=0)
)
ENTITIES = st.fixed_dictionaries({"displayName": TEXTS | st.none(), "status": TEXTS, "createdDateTime": MOMENTS})


def quoted(text: str) -> str:
    """A text as a literal."""
    return "'" + text.replace("'", "''") + "'"


@st.composite
def comparisons(draw: st.DrawFn) -> tuple[str, str]:
    """A comparison as a filter and as the Python that means the same."""
    symbols = {"eq": "==", "ne": "!=", "gt": ">", "ge": ">=", "lt": "<", "le": "<="}
    if draw(st.booleans()):
        word, moment = draw(st.sampled_from(sorted(symbols))), draw(MOMENTS)
        stamp = moment.strftime("%Y-%m-%dT%H:%M:%SZ")
        return f"createdDateTime {word} {stamp}", f"(v['createdDateTime'] {symbols[word]} {moment.timestamp()})"
    word, name = draw(st.sampled_from(["eq", "ne"])), draw(st.sampled_from(["displayName", "status"]))
    text = draw(TEXTS)
    return f"{name} {word} {quoted(text)}", f"(v['{name}'] {symbols[word]} {text!r})"


def combined(inner: st.SearchStrategy[tuple[str, str]]) -> st.SearchStrategy[tuple[str, str]]:
    """Filters of filters; Python's precedence of not, and, or is the same."""
    pairs = st.tuples(inner, st.sampled_from(["and", "or"]), inner)
    return (
        inner.map(lambda one: (f"({one[0]})", f"({one[1]})"))
        | inner.map(lambda one: (f"not ({one[0]})", f"(not ({one[1]}))"))
        | pairs.map(lambda one: (f"{one[0][0]} {one[1]} {one[2][0]}", f"{one[0][1]} {one[1]} {one[2][1]}"))
    )


@given(st.recursive(comparisons(), combined, max_leaves=8), ENTITIES)
def test_a_filter_means_what_the_same_python_means(pair: tuple[str, str], entity: dict[str, Value]) -> None:
    """Precedence, parentheses, quotes and comparisons are those of the grammar."""
    text, python = pair
    moment = entity["createdDateTime"]
    assert isinstance(moment, datetime)
    values = {**entity, "createdDateTime": moment.timestamp()}
    assert parse_filter(text, PROPERTIES)(entity) == eval(python, {"v": values})  # noqa: S307 - made above


@given(st.text(max_size=40) | st.text(alphabet="not() '", max_size=60))
def test_any_text_is_a_filter_or_a_filter_error(text: str) -> None:
    """Nothing else escapes the parser."""
    with contextlib.suppress(FilterError):
        assert callable(parse_filter(text, PROPERTIES))


@pytest.mark.parametrize(
    ("text", "telling"),
    [
        ("colour eq 'red'", "'colour'"),
        ("displayName gt 'a'", "'gt'"),
        ("displayName like 'a'", "'like'"),
        ("displayName eq a", "single quotes"),
        ("displayName eq 'a", "never closed"),
        ("displayName eq", "ends where a value"),
        ("", "ends where a property"),
        ("(displayName eq 'a'", "without ')'"),
        ("displayName eq 'a' status eq 'b'", "'status'"),
        ("createdDateTime gt yesterday", "ISO 8601"),
        ("displayName EQ 'a'", "'EQ'"),
        ("not " * (DEPTH_LIMIT + 2) + "status eq 'a'", "nests deeper"),
        ("(" * 100_000, "nests deeper"),
    ],
)
def test_what_is_not_supported_is_told(text: str, telling: str) -> None:
    """The message says what is wrong."""
    with pytest.raises(FilterError, match=re.escape(telling)):
        parse_filter(text, PROPERTIES)
