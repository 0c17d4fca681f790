"""Kinds: what a word or a value means, and one kind read as another."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schuss.adapters.conversion import (
    as_dates,
    as_numbers,
    as_words,
    find_stray_word,
    same_booleans,
)
from schuss.adapters.date_parts import PARTS, circle, places
from schuss.adapters.recognition import (
    MISSING_WORDS,
    column_from_array,
    column_from_values,
    column_from_words,
    parse_date,
    parse_number,
)
from schuss.errors import DataError

if TYPE_CHECKING:
    from schuss.adapters.columns import Column


def words(*given: str | None) -> Column:
    return column_from_words("c", given, numbers=True, missing=MISSING_WORDS)


@pytest.mark.parametrize("word", ["1", "+3", "-0.5", ".5", "5.", "1e5", "1E-3", "007", "-inf"])
def test_a_decimal_number_is_a_number(word: str) -> None:
    """Python's float is the judge of its value."""
    assert parse_number(word) == float(word)


@pytest.mark.parametrize(
    "word", ["", "1,000", "3,5", "1_000", "0x10", "1e", "e5", ".", "+", "1 2", "\u0663", "\u0131nf"]
)
def test_what_could_mean_two_things_is_no_number(word: str) -> None:
    """Thousands, decimal commas, hexadecimal and foreign digits stay text."""
    assert parse_number(word) is None


@given(st.datetimes(timezones=st.just(UTC)))
def test_an_iso_date_time_is_days_since_1970(moment: datetime) -> None:
    """The value is the exact quotient of microseconds, rounded once."""
    micros = (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
    assert parse_date(moment.isoformat()) == micros / 86_400_000_000
    assert parse_date(moment.isoformat(" ").replace("+00:00", "Z")) == micros / 86_400_000_000


@pytest.mark.parametrize("word", ["2013-02-30", "20130101", "02/03/2013", "2013-1-1", "2013-01"])
def test_other_notations_are_no_dates(word: str) -> None:
    """A day that is not in the calendar, or not written in full, stays what it is."""
    assert parse_date(word) is None


KINDS: list[tuple[list[str], str]] = [
    (["1", "2.5", "NA"], "number"),
    (["1", "2.5", "x"], "text"),
    (["0", "1"], "number"),
    (["TRUE", "false", ""], "boolean"),
    (["yes", "No", "n/a"], "boolean"),
    (["yes", "true"], "text"),
    (["yes", "maybe"], "text"),
    (["2013-01-01", "2013-01-01T05:00", "?"], "date"),
    (["2013-01-01", "1"], "text"),
    (["", "NULL", "None"], "number"),
]


@pytest.mark.parametrize(("given_words", "kind"), KINDS)
def test_the_whole_column_decides_its_kind(given_words: list[str], kind: str) -> None:
    """One word of another kind makes text of a column; missing words decide nothing."""
    column = words(*given_words)
    assert column.kind == kind
    marks = [word.lower() in MISSING_WORDS for word in given_words]
    assert column.missing.tolist() == marks


@pytest.mark.parametrize(
    ("array", "kind", "expected"),
    [
        (np.array([True, False]), "boolean", [1.0, 0.0]),
        (np.array([1, 2], np.uint8), "number", [1.0, 2.0]),
        (np.array([1.5, np.nan], np.float32), "number", [1.5, None]),
        (np.array(["a", "b"]), "text", ["a", "b"]),
        (np.array(["1", "2"]), "text", ["1", "2"]),
        (np.array(["2024-01-02T12", "NaT"], "datetime64[ns]"), "date", [19724.5, None]),
        (np.array([1, None, 2.5], object), "number", [1.0, None, 2.5]),
    ],
)
def test_an_array_is_of_the_kind_of_its_dtype(
    array: np.ndarray[Any, Any], kind: str, expected: list[Any]
) -> None:
    """NaN and NaT are missing; text in an array is never a number."""
    column = column_from_array("c", array)
    assert column.kind == kind
    assert [v for v, gap in zip(column.values, column.missing, strict=True) if not gap] == [
        value for value in expected if value is not None
    ]
    assert column.missing.tolist() == [value is None for value in expected]


@pytest.mark.parametrize(
    ("cells", "kind", "expected"),
    [
        ([True, None, np.False_], "boolean", [1.0, None, 0.0]),
        ([1, Decimal("2.5"), np.float32(3), pd.NA], "number", [1.0, 2.5, 3.0, None]),
        ([date(1970, 1, 2), pd.NaT, datetime(1970, 1, 1, 6)], "date", [1.0, None, 0.25]),
        ([datetime(1970, 1, 2, tzinfo=timezone(timedelta(hours=6)))], "date", [0.75]),
        (["x", 1, True, 2.5, None], "text", ["x", "1", "true", "2.5", None]),
        ([1, True], "text", ["1", "true"]),
        ([None, float("nan")], "number", [None, None]),
        ([10**400, 1], "number", [np.inf, 1.0]),
    ],
)
def test_python_values_are_of_their_own_kind(cells: list[Any], kind: str, expected: list[Any]) -> None:
    """Mixed with text or booleans, numbers are text; zoned times become UTC."""
    column = column_from_values("c", cells)
    assert column.kind == kind
    shown = [None if m else v for v, m in zip(column.values, column.missing, strict=True)]
    assert shown == expected


def test_codes_are_recovered_as_they_were_written() -> None:
    """A column read as numbers, dates or booleans still knows its characters."""
    for given_words in (["007", "1e5", None], ["2013-01-01", None], ["Yes", "NO"]):
        column = words(*given_words)
        assert column.kind != "text"
        assert as_words(column).tolist() == list(given_words)
        assert as_words(column.take(np.array([1, 0]))).tolist() == [given_words[1], given_words[0]]


def test_values_without_characters_are_written_plainly() -> None:
    """Whole numbers have no decimals, booleans are true and false, dates are ISO."""
    for cells, expected in [
        ([3.0, 0.1, None], ["3", "0.1", None]),
        ([True, False, None], ["true", "false", None]),
        ([date(2024, 2, 29), None], ["2024-02-29", None]),
        ([datetime(2024, 2, 29, 6, 30)], ["2024-02-29T06:30:00.000000"]),
    ]:
        assert as_words(column_from_values("c", cells)).tolist() == expected


def test_text_counts_as_numbers_or_dates_where_all_of_it_is() -> None:
    """A frame's text of numbers is numbers to a model that needs them; likewise dates."""
    column = column_from_values("c", ["1", "2.5", None])
    assert np.array_equal(as_numbers(column), [1, 2.5, np.nan], equal_nan=True)
    mixed = column_from_values("c", ["x", "2013-01-01"]).take(np.array([1]))
    assert as_dates(mixed).tolist() == [parse_date("2013-01-01")]
    assert np.isnan(as_dates(words("", ""))).all()
    assert as_numbers(column_from_values("c", [True, False])).tolist() == [1, 0]


def test_what_is_not_a_number_is_refused_with_its_row_and_value() -> None:
    """Rows count from 1; the first offender is named."""
    with pytest.raises(DataError, match=r"column 'c': row 3 holds 'abc', but the model needs"):
        as_numbers(words("1", "", "abc", "x"))
    with pytest.raises(DataError, match=r"row 1 holds 'Yes'"):
        as_numbers(words("Yes", "No"))
    with pytest.raises(DataError, match=r"row 2 is infinite \(-inf\)"):
        as_numbers(words("1", "-inf"))
    with pytest.raises(DataError, match=r"row 1 holds '5', but the model needs a date"):
        as_dates(words("5"))


def test_spellings_of_a_boolean_are_one() -> None:
    """YES is true; a word that is no boolean stays."""
    spelled = same_booleans(np.array(["YES", "true", "No", "maybe", None], dtype=object))
    assert spelled.tolist() == ["true", "true", "false", "maybe", None]


@pytest.mark.parametrize(
    ("given_words", "stray"),
    [
        (["1.5", "2", "abc", "3"], (3, "abc")),
        (["4", "5", "6", "", "x"], (5, "x")),
        ([str(i) for i in range(30)] + ["unknown"] * 3, (31, "unknown")),
        ([str(i % 3) for i in range(30)] + ["x"], None),  # few values, repeated: codes
        ([str(i) for i in range(7)] + ["A/5 21171"] * 3, None),  # too many to be slips
        (["1.5", "abc"], None),
        (["1.5", "2.5", "3"], None),
    ],
)
def test_a_word_among_measured_numbers_is_found(
    given_words: list[str], stray: tuple[int, str] | None
) -> None:
    """A slip in a column of quantities is told from a column of codes."""
    assert find_stray_word(words(*given_words)) == stray


def test_parts_of_a_date_are_those_of_the_calendar() -> None:
    """Month, weekday and hour agree with datetime for every hour of 60 years, by sample."""
    start = datetime(1950, 1, 1)
    moments = [start + timedelta(hours=1009 * i) for i in range(520)]
    days = np.asarray(column_from_values("c", moments).values)
    assert places("month", days).tolist() == [m.month - 1 for m in moments]
    assert places("weekday", days).tolist() == [m.weekday() for m in moments]
    assert places("hour", days).tolist() == [m.hour for m in moments]
    assert places("hour", days + 0.01).tolist() != [(m.hour + 1) % 24 for m in moments]


@pytest.mark.parametrize("part", PARTS)
def test_a_cycle_closes_on_a_circle(part: str) -> None:
    """Places lie on the unit circle, neighbours equally far apart; missing is the middle."""
    days = np.arange(0, 400, 1 / 24)
    points = circle(part, days)
    distinct = np.array([points[places(part, days) == k][0] for k in range(PARTS[part])])
    assert np.allclose((points**2).sum(axis=1), 1, atol=1e-11)
    steps = np.linalg.norm(distinct - np.roll(distinct, 1, axis=0), axis=1)
    assert np.allclose(steps, 2 * np.sin(np.pi / PARTS[part]), atol=1e-11)
    assert circle(part, np.array([np.nan])).tolist() == [[0, 0]]
