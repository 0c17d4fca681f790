"""Preprocessing: scikit-learn is the judge of every feature, JSON of what can be stored."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from datetime import datetime, timedelta
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.compose import ColumnTransformer
from sklearn.impute import MissingIndicator, SimpleImputer
from sklearn.pipeline import FeatureUnion, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from schuss.adapters.columns import Table
from schuss.adapters.encoders import MOST_PLACES, WordEncoder
from schuss.adapters.preprocessing import Preprocessor
from schuss.adapters.tables import read_table
from schuss.errors import DataError

if TYPE_CHECKING:
    from numpy.typing import NDArray

NUMBERS = ["mass", "length"]
WORDS = ["town", "street", "member"]


def frame(n: int, seed: int) -> pd.DataFrame:
    """Return numbers with gaps, few and many-valued text, booleans and a target."""
    draw = np.random.RandomState(seed)
    town = draw.choice(["Bern", "Chur", "Genf", None], n)
    mass = draw.normal(4000, 700, n)
    mass[draw.random_sample(n) < 0.1] = np.nan
    street = [f"s{int(k)}" for k in draw.exponential(25, n)]
    return pd.DataFrame(
        {
            "mass": mass,
            "town": pd.Series(town, dtype=object),
            "length": draw.gamma(2, 10, n),
            "street": street,
            "member": draw.random_sample(n) < 0.3,
            "t": draw.randint(0, 2, n),
        }
    )


def judge(fitted: pd.DataFrame, given: pd.DataFrame) -> NDArray[Any]:
    """Return what scikit-learn's own transformers make of it, in our order of columns."""

    def numbers() -> Any:
        filled = SimpleImputer(strategy="constant", fill_value=0.0)
        return FeatureUnion([("value", make_pipeline(StandardScaler(), filled)), ("gap", MissingIndicator())])

    def words(frequency: int | None) -> Any:
        return OneHotEncoder(
            handle_unknown="infrequent_if_exist",
            min_frequency=frequency,
            max_categories=MOST_PLACES,
            sparse_output=False,
        )

    parts = [
        ("mass", numbers(), ["mass"]),
        ("town", words(2), ["town"]),
        ("length", StandardScaler(), ["length"]),
        ("street", words(2), ["street"]),
        ("member", words(None), ["member"]),
    ]
    expected: NDArray[Any] = ColumnTransformer(parts).fit(fitted).transform(given)
    return expected


def test_the_features_are_those_of_scikit_learn() -> None:
    """On the fitted rows and on others, every number is the one that scikit-learn computes."""
    train, test = frame(400, 0), frame(150, 1)
    preprocessor = Preprocessor.fit(read_table(train), exclude=("t",))
    for rows in (train, test):
        features = preprocessor.transform(read_table(rows))
        assert features.dtype == np.float64
        assert features.flags.c_contiguous
        assert features.shape == (len(rows), len(preprocessor.feature_names))
        np.testing.assert_allclose(features, judge(train, rows), rtol=0, atol=1e-12)


def test_the_comparison_with_scikit_learn_rejects_broken_twins() -> None:
    """A mean, a place or a gap that is off by one is noticed."""
    train = frame(400, 0)
    table = read_table(train)
    good = Preprocessor.fit(table, exclude=("t",))
    mass, town, *rest = good.encoders
    twins = [
        (replace(mass, mean=mass.mean * (1 + 1e-9)), town),
        (replace(mass, gaps=False), town),
        (mass, replace(town, places=town.places[::-1])),
    ]
    for pair in twins:
        features = replace(good, encoders=(*pair, *rest)).transform(table)
        expected = judge(train, train)
        same = features.shape == expected.shape and np.allclose(features, expected, rtol=0, atol=1e-12)
        assert not same


def test_fitted_numbers_have_mean_zero_and_deviation_one() -> None:
    """Standardised over the rows that hold a value; a gap is the mean, that is 0."""
    table = read_table({"a": [1.0, None, 4.0, 7.0], "t": [0, 1, 0, 1]})
    features = Preprocessor.fit(table, exclude=("t",)).transform(table)
    root = 1.5**0.5
    assert np.allclose(features, [[-root, 0], [0, 1], [0, 0], [root, 0]], atol=1e-15)


def test_an_unseen_word_goes_to_the_place_of_the_rare() -> None:
    """Where training had rare words, an unseen one, or a gap, is one of them."""
    fitted = read_table({"a": ["x", "x", "y", "y", "z"], "b": ["p", "p", "q", "q", None]})
    preprocessor = Preprocessor.fit(fitted)
    assert preprocessor.feature_names == ["a=x", "a=y", "a other", "b=p", "b=q", "b other"]
    unseen = read_table({"a": ["new", None], "b": ["new", "p"]})
    assert preprocessor.transform(unseen).tolist() == [[0, 0, 1, 0, 0, 1], [0, 0, 1, 1, 0, 0]]


def test_without_a_shared_place_an_unseen_word_stands_at_the_centre_of_the_known() -> None:
    """Each place holds its share of the training rows, missing ones included; known words keep one 1."""
    fitted = {"a": ["x"] * 2 + ["y"] * 4 + [None] * 2, "b": [True] * 6 + [False] * 2}
    preprocessor = Preprocessor.fit(read_table(fitted))
    assert preprocessor.feature_names == ["a=x", "a=y", "a missing", "b=false", "b=true"]
    rows = read_table({"a": ["new", "y", None], "b": [None, "yes", "new"]})
    assert preprocessor.transform(rows).tolist() == [
        [0.25, 0.5, 0.25, 0.25, 0.75],
        [0, 1, 0, 0, 1],
        [0, 0, 1, 0.25, 0.75],
    ]


def test_a_gap_where_training_had_none_is_an_unseen_word() -> None:
    """It has the features of any other value that was not there at fitting."""
    preprocessor = Preprocessor.fit(read_table({"a": ["x", "x", "y", "y", "y"]}))
    gap, new = preprocessor.transform(read_table({"a": [None, "new"]}))
    assert gap.tolist() == new.tolist() == [2 / 5, 3 / 5]


@given(st.lists(st.integers(2, 500), min_size=2, max_size=MOST_PLACES))
@settings(deadline=None, max_examples=60)
def test_the_shares_are_exact_but_for_the_division(counts: list[int]) -> None:
    """Each is the float64 nearest to the true share, so that they add up to 1 within half an epsilon."""
    column = [f"w{k:02}" for k, count in enumerate(counts) for _ in range(count)]
    (encoder,) = Preprocessor.fit(read_table({"w": column})).encoders
    assert isinstance(encoder, WordEncoder)
    assert not encoder.shared
    assert encoder.unseen == tuple(float(Fraction(count, sum(counts))) for count in counts)
    assert abs(sum(map(Fraction, encoder.unseen)) - 1) <= Fraction(1, 2**53)


def test_the_first_layer_receives_from_an_unseen_word_what_it_received_on_average(
    rng: np.random.Generator,
) -> None:
    """The weights of the training rows' words, averaged word by word, are its net input.

    All zeros and the same share for each word, as broken twins, are told apart.
    """
    words = ["Bern"] * 2 + ["Chur"] * 9 + ["Genf"] * 31 + [None] * 5
    preprocessor = Preprocessor.fit(read_table({"town": words}))
    weights = rng.standard_normal((4, 6))  # from the four places to six units
    leads_from = dict(zip(["Bern", "Chur", "Genf", None], weights.tolist(), strict=True))
    average = [math.fsum(leads_from[word][j] for word in words) / len(words) for j in range(6)]

    def is_average(features: NDArray[Any]) -> bool:
        return np.allclose(features @ weights, average, rtol=0, atol=1e-14)  # four products of order 1

    assert is_average(preprocessor.transform(read_table({"town": ["new"]}))[0])
    assert not is_average(np.zeros(4))
    assert not is_average(np.full(4, 1 / 4))


def test_many_valued_text_keeps_the_most_frequent_values() -> None:
    """Of 60 values, the 49 that occur most have a place, and the report says so."""
    column = [f"v{k:02}" for k in range(60) for _ in range(2 + (k < 49))]
    preprocessor = Preprocessor.fit(read_table({"v": column}))
    assert preprocessor.feature_names == [f"v=v{k:02}" for k in range(49)] + ["v other"]
    (sentence,) = preprocessor.report
    assert sentence.startswith("'v' has 60 values: a place each for the 49 most frequent (87%")


def test_a_date_becomes_its_day_and_the_parts_that_vary() -> None:
    """Day standardised; month, weekday, hour on circles; what never varies is no feature."""
    start = datetime(2024, 1, 1)
    days: list[Any] = [start + timedelta(days=20 * i) for i in range(10)]
    table = read_table({"d": [*days, None], "h": [start + timedelta(hours=i) for i in range(11)]})
    preprocessor = Preprocessor.fit(table)
    assert preprocessor.feature_names == [
        *["d day", "d missing", "d month sin", "d month cos", "d weekday sin", "d weekday cos"],
        *["h day", "h hour sin", "h hour cos"],
    ]
    features = preprocessor.transform(table)
    numbers = np.arange(10)
    assert np.allclose(features[:10, 0], (numbers - 4.5) / numbers.std())
    assert features[10, :6].tolist() == [0, 1, 0, 0, 0, 0]
    angles = 2 * np.pi * np.array([day.weekday() for day in days]) / 7
    assert np.allclose(features[:10, 4:6], np.column_stack([np.sin(angles), np.cos(angles)]))


def test_what_carries_nothing_is_left_out_and_reported() -> None:
    """Empty, constant and identifying columns are named with the reason."""
    n = 30
    table = read_table(
        {
            "empty": [None] * n,
            "flat": [3.5] * n,
            "one word": ["x"] * n,
            "name": [f"person {i}" for i in range(n)],
            "PassengerId": list(range(101, 101 + n)),
            "owner id": [f"o{i // 2 if i < 20 else i}" for i in range(n)],
            "day": list(range(n)),
            "x": [i % 7 for i in range(n)],
            "t": [0, 1] * (n // 2),
        }
    )
    preprocessor = Preprocessor.fit(table, exclude=("t",))
    assert preprocessor.input_names == ["day", "x"]
    assert preprocessor.report == (
        "Left out because no row holds a value: 'empty'.",
        "Left out because all rows hold the same value: 'flat', 'one word'.",
        "Left out because rows seldom share a text, as in an identifier: 'name', 'owner id'.",
        "Left out because it numbers the rows: 'PassengerId'.",
    )
    assert preprocessor.left_out == (*["empty", "flat", "one word", "name", "owner id", "PassengerId"],)


def test_one_number_with_gaps_is_known_by_its_gaps() -> None:
    """A column of one number and gaps gives a single feature: whether it is missing."""
    table = read_table({"a": [5, None, 5]})
    preprocessor = Preprocessor.fit(table)
    assert preprocessor.feature_names == ["a missing"]
    assert preprocessor.transform(table).tolist() == [[0], [1], [0]]
    assert preprocessor.report == (
        "Missing values are filled and marked by a feature of their own: 'a' (1).",
    )


def test_numbers_with_a_comma_are_pointed_out() -> None:
    """1,234 is not guessed at: it is text, and the report says why."""
    table = read_table({"price": ["1,234", "3,5", "1,234", "3,5"] * 2})
    (sentence,) = Preprocessor.fit(table).report
    assert sentence.startswith("'price' is read as text, because the comma in '1,234'")


def test_order_of_columns_and_further_columns_do_not_matter() -> None:
    """Columns are found by name; those unknown at fitting are passed over and listed."""
    table = read_table(frame(60, 2))
    preprocessor = Preprocessor.fit(table, exclude=("t",))
    other = Table({**dict(reversed(table.columns.items()))}, "other")
    assert np.array_equal(preprocessor.transform(other), preprocessor.transform(table))


def test_a_column_whose_kind_looks_different_later_is_understood() -> None:
    """One ticket of digits, a bare 'yes', an empty column: each is read as at fitting."""
    fitted = read_table({"ticket": ["007", "A7", "007", "A7"], "ok": ["Yes", "No", "Yes", "No"]})
    preprocessor = Preprocessor.fit(fitted)
    assert preprocessor.feature_names == ["ticket=007", "ticket=A7", "ok=false", "ok=true"]
    later = read_table({"ticket": ["007"], "ok": [True]})
    assert preprocessor.transform(later).tolist() == [[1, 0, 0, 1]]
    empty = read_table({"ticket": [None], "ok": [None]})
    assert preprocessor.transform(empty).tolist() == [[0.5, 0.5, 0.5, 0.5]]


def test_a_csv_column_of_codes_is_understood_when_all_are_digits(tmp_path: Any) -> None:
    """007 in a file of its own is a number to the reader and still the code to the model."""
    (tmp_path / "fit.csv").write_text("code\n007\nA7\n007\nA7\n")
    (tmp_path / "new.csv").write_text("code\n007\n")
    preprocessor = Preprocessor.fit(read_table(tmp_path / "fit.csv"))
    assert preprocessor.transform(read_table(tmp_path / "new.csv")).tolist() == [[1, 0]]


numbers = st.floats(-1e9, 1e9) | st.none()


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(numbers, st.sampled_from(["a", "b", "ü\n", None])), min_size=3))
def test_json_and_back_gives_the_same_bits(rows: list[tuple[float | None, str | None]]) -> None:
    """A preprocessor that went through JSON is equal and transforms to the last bit alike, also new words."""
    n = len(rows)
    table = read_table(
        {
            "x": [row[0] for row in rows],
            "w": [row[1] for row in rows],
            "d": [datetime(2024, 1, 1) + timedelta(hours=7 * i) for i in range(n)],
        }
    )
    preprocessor = Preprocessor.fit(table)
    text = json.dumps(preprocessor.to_dict(), allow_nan=False)
    back = Preprocessor.from_dict(json.loads(text))
    assert back == preprocessor
    unseen = read_table({"x": [None], "w": ["new"], "d": [datetime(2025, 1, 1)]})
    for given_rows in (table, unseen):
        features = preprocessor.transform(given_rows)
        assert back.transform(given_rows).tobytes() == features.tobytes()
        assert np.isfinite(features).all()


def fitted() -> Preprocessor:
    table = read_table({"age": [1.0, 2.0, 3.0], "town": ["a", "a", "b"], "t": [0, 1, 0]})
    return Preprocessor.fit(table, exclude=("t",))


BAD_ROWS: dict[str, tuple[dict[str, Any], str]] = {
    "no column": ({"Age": [1], "town": ["a"]}, r"lacks 'age' \(did you mean 'Age'\?\)"),
    "text": ({"age": ["1", "old"], "town": ["a", "b"]}, "'age': row 2 holds 'old'"),
    "infinite": ({"age": [1, np.inf], "town": ["a", "b"]}, r"'age': row 2 is infinite"),
    "date": ({"age": [datetime(2024, 1, 1)], "town": ["a"]}, "'age': row 1 holds '2024-01-01'"),
}


@pytest.mark.parametrize("case", BAD_ROWS)
def test_rows_that_do_not_fit_the_model_are_refused(case: str) -> None:
    """The message names the column, the row and the value."""
    rows, message = BAD_ROWS[case]
    with pytest.raises(DataError, match=message):
        fitted().transform(read_table(rows))


BAD_FITS: dict[str, tuple[dict[str, Any], str]] = {
    "infinite": ({"a": [1.0, 2.0, -np.inf]}, r"'a': row 3 is infinite \(-inf\)"),
    "stray word": ({"a": ["1.5", "2.5", "x", "3.5"]}, "'a': row 3 holds 'x', but almost all"),
    "too large": ({"a": [1e308, 1.5e308, -1e308]}, "'a' holds numbers too large to average"),
    "nothing": ({"a": [1, 1, 1]}, "nothing to learn from.*same value: 'a'"),
}


@pytest.mark.parametrize("case", BAD_FITS)
def test_a_table_that_cannot_be_learned_from_is_refused(case: str) -> None:
    """Nothing is fitted to infinite values, slips or columns without content."""
    columns, message = BAD_FITS[case]
    with pytest.raises(DataError, match=message):
        Preprocessor.fit(read_table(columns))


def test_an_excluded_column_must_exist() -> None:
    """A misspelt target is noticed before it is learned from as an input."""
    with pytest.raises(DataError, match="did you mean 'target'"):
        Preprocessor.fit(read_table({"x": [1, 2], "target": [0, 1]}), exclude=("traget",))


@pytest.mark.parametrize(
    "damage", [{"columns": [{}]}, {"columns": [{"kind": "number"}]}, {"report": None}, {}]
)
def test_a_damaged_description_is_refused(damage: dict[str, Any]) -> None:
    """A description that lacks something is named as damaged, not half read."""
    data = fitted().to_dict() | damage if damage else {}
    with pytest.raises(DataError, match="damaged"):
        Preprocessor.from_dict(data)
    unknown = fitted().to_dict() | {"columns": [{"kind": "pickle"}]}
    with pytest.raises(DataError, match="'pickle' is unknown"):
        Preprocessor.from_dict(unknown)


def test_the_representation_says_how_much_goes_in_and_comes_out() -> None:
    """A preprocessor prints its columns and features."""
    assert repr(fitted()) == "Preprocessor(2 columns -> 3 features)"
