"""Filter expressions as the service reads them."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.speech import Expression, Filter, Status

FEBRUARY = datetime(2022, 2, 1, 11, tzinfo=UTC)


def test_the_examples_of_the_specification() -> None:
    """What stands as examples in the parameter descriptions comes out letter for letter."""
    assert str(Filter.created_date_time > FEBRUARY) == "createdDateTime gt 2022-02-01T11:00:00Z"
    files = (Filter.name == "myaudio.wav.json") & (Filter.kind == "Transcription")
    assert str(files) == "name eq 'myaudio.wav.json' and kind eq 'Transcription'"
    assert str(Filter.display_name == "test") == "displayName eq 'test'"


def test_every_operator() -> None:
    """eq, ne on all; gt, ge, lt, le on dates; enumerations are text."""
    assert str(Filter.status != Status.FAILED) == "status ne 'Failed'"
    date = Filter.last_action_date_time
    written = [str(one).split()[1] for one in (date == FEBRUARY, date >= FEBRUARY, date < FEBRUARY, date <= FEBRUARY)]
    assert written == ["eq", "ge", "lt", "le"]


def test_brackets_stand_where_they_are_needed() -> None:
    """`and` inside `or` and the other way round are bracketed, so no reader needs to know which binds closer."""
    a, b, c = Filter.locale == "a", Filter.locale == "b", Filter.locale == "c"
    assert str((a | b) & c) == "(locale eq 'a' or locale eq 'b') and locale eq 'c'"
    assert str(a | b & c) == "locale eq 'a' or (locale eq 'b' and locale eq 'c')"
    assert str(a & b & c) == "locale eq 'a' and locale eq 'b' and locale eq 'c'"
    assert str(~(a | b) & c) == "not (locale eq 'a' or locale eq 'b') and locale eq 'c'"
    assert str(~~a) == "not (not (locale eq 'a'))"


def test_dates_are_written_in_utc() -> None:
    """Another zone is converted; a datetime without zone is refused, since it would mean another time elsewhere."""
    there = datetime(2022, 2, 1, 13, 0, 0, 5000, tzinfo=timezone(timedelta(hours=2)))
    assert str(Filter.created_date_time == there) == "createdDateTime eq 2022-02-01T11:00:00.005000Z"
    with pytest.raises(ValueError, match="zone"):
        _ = Filter.created_date_time > FEBRUARY.replace(tzinfo=None)


def test_misuse_is_refused() -> None:
    """Python's `and` would silently drop one side; a wrong type would be refused by the service much later."""
    with pytest.raises(TypeError, match="write &"):
        _ = (Filter.locale == "a") and (Filter.locale == "b")
    with pytest.raises(TypeError, match="locale"):
        _ = Filter.locale == 1
    with pytest.raises(TypeError, match="datetime"):
        _ = Filter.created_date_time == "2022-02-01"


def unquoted(literal: str) -> str:
    """What a reader of the service's syntax takes a quoted literal for; fails where the quotes do not pair."""
    assert literal[0] == literal[-1] == "'"
    inner = literal[1:-1]
    assert "'" not in inner.replace("''", "")
    return inner.replace("''", "'")


@given(st.text())
def test_quotes_cannot_be_broken_out_of(text: str) -> None:
    """Any text comes back whole from between the quotes."""
    assert unquoted(str(Filter.display_name == text).removeprefix("displayName eq ")) == text


def expressions() -> st.SearchStrategy[tuple[Expression, bool]]:
    """Expressions over two literals with known truth, beside what they amount to."""
    leaves = st.sampled_from([(Filter.locale == "T", True), (Filter.locale == "F", False)])

    def combined(inner: st.SearchStrategy[tuple[Expression, bool]]) -> st.SearchStrategy[tuple[Expression, bool]]:
        return st.one_of(
            st.tuples(inner, inner).map(lambda pair: (pair[0][0] & pair[1][0], pair[0][1] and pair[1][1])),
            st.tuples(inner, inner).map(lambda pair: (pair[0][0] | pair[1][0], pair[0][1] or pair[1][1])),
            inner.map(lambda one: (~one[0], not one[1])),
        )

    return st.recursive(leaves, combined, max_leaves=8)


@given(expressions())
def test_the_text_means_what_the_python_means(case: tuple[Expression, bool]) -> None:
    """Read with the usual precedence (not, and, or), the text has the truth value of the Python expression."""
    expression, truth = case
    text = str(expression).replace("locale eq 'T'", "True").replace("locale eq 'F'", "False")
    assert eval(text) is truth  # noqa: S307 - text of True, False, and, or, not and brackets
