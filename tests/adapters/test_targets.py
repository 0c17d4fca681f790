"""Targets: which task a column asks for, and the way to the network and back."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from sklearn.preprocessing import LabelEncoder, StandardScaler

from schuss.adapters.recognition import (
    MISSING_WORDS,
    column_from_array,
    column_from_values,
    column_from_words,
)
from schuss.adapters.tables import read_table
from schuss.adapters.targets import Target
from schuss.errors import DataError, SettingError

if TYPE_CHECKING:
    from schuss.adapters.columns import Column


def values(*cells: Any) -> Column:
    return column_from_values("t", cells)


def words(*cells: str) -> Column:
    return column_from_words("t", cells, numbers=True, missing=MISSING_WORDS)


DECISIONS: list[tuple[list[Any], str]] = [
    (["a", "b"], "classification"),
    ([True, False], "classification"),
    ([0, 1], "classification"),
    ([0, 1, 2, 3] * 2, "classification"),
    ([0.5, 1.5, 0.5, 1.5], "regression"),
    (list(range(20)) * 2, "classification"),
    (list(range(21)) * 2, "regression"),
    ([10, 20, 30, 40, 50], "regression"),
]


@pytest.mark.parametrize(("cells", "task"), DECISIONS)
def test_the_column_decides_the_task(cells: list[Any], task: str) -> None:
    """Text, booleans and few whole numbers that repeat are classes; other numbers are not."""
    assert Target.fit(values(*cells)).task == task


def test_the_caller_may_decide_otherwise() -> None:
    """A task that is given overrides the rule, both ways."""
    assert Target.fit(values(0, 1, 0), task="regression").classes == ()
    assert Target.fit(values(0.5, 1.5, 0.5), task="classification").classes == (0.5, 1.5)


LABELS: list[tuple[Column, tuple[Any, ...]]] = [
    (values(3.0, 1.0, 3.0, 1.0), (1, 3)),
    (values("b", "a"), ("a", "b")),
    (values(True, False), (False, True)),
    (words("true", "FALSE"), (False, True)),
    (words("Yes", "No", "Yes"), ("No", "Yes")),
    (words("ja", "nein"), ("ja", "nein")),
]


@pytest.mark.parametrize(("column", "classes"), LABELS)
def test_labels_are_what_the_source_holds(column: Column, classes: tuple[Any, ...]) -> None:
    """Whole numbers are int, booleans bool, yes and no keep their spelling; all sorted."""
    target = Target.fit(column)
    assert target.classes == classes
    assert [type(label) for label in target.classes] == [type(label) for label in classes]
    back = target.decode(target.encode(column))
    assert json.dumps(back.tolist())  # plain values, not NumPy's
    assert set(back.tolist()) == set(classes)


@given(st.lists(st.sampled_from(["x", "y", "ü", "Z"]), min_size=2))
def test_classes_are_numbered_as_scikit_learn_does(cells: list[str]) -> None:
    """LabelEncoder gives the same places; decoding gives the labels back."""
    assume(len(set(cells)) > 1)
    column = values(*cells)
    target = Target.fit(column)
    encoded = target.encode(column)
    judge = LabelEncoder().fit_transform(np.array(cells, dtype=object))
    assert encoded.dtype == np.int32
    assert encoded.tolist() == judge.tolist()
    assert target.decode(encoded).tolist() == cells
    twin = replace(target, classes=target.classes[::-1])
    assert twin.encode(column).tolist() != judge.tolist()


@given(st.lists(st.floats(-1e6, 1e6).map(lambda x: round(x, 3)), min_size=3))
def test_numbers_are_standardised_as_scikit_learn_does(cells: list[float]) -> None:
    """StandardScaler gives the same targets; decoding gives the numbers back."""
    assume(len(set(cells)) > 1)
    column = values(*cells)
    target = Target.fit(column, task="regression")
    encoded = target.encode(column)
    judge = StandardScaler().fit_transform(np.array(cells)[:, None])
    assert encoded.shape == (len(cells), 1)
    assert np.array_equal(encoded, judge)
    # A few roundings of numbers up to 1e6.
    assert np.allclose(target.decode(encoded), cells, rtol=1e-12, atol=1e-9)
    assert np.allclose(target.decode(encoded.astype(np.float32)), cells, rtol=1e-5, atol=1)


@pytest.mark.parametrize(
    "column", [values("a", "b", "b"), values(1, 2, 2, 1), values(1.5, 2, 7), words("yes", "no")]
)
def test_json_and_back_gives_the_same_target(column: Column) -> None:
    """A target that went through JSON is equal and encodes alike."""
    target = Target.fit(column)
    back = Target.from_dict(json.loads(json.dumps(target.to_dict(), allow_nan=False)))
    assert back == target
    assert back.encode(column).tobytes() == target.encode(column).tobytes()


def test_a_column_read_as_another_kind_is_encoded_by_what_it_means() -> None:
    """Labels that are all digits in one file, or booleans as words, find their class."""
    codes = Target.fit(words("007", "A7", "007", "A7"))
    assert codes.encode(words("007", "007")).tolist() == [0, 0]
    flags = Target.fit(words("Yes", "No"))
    assert flags.encode(values(True, False)).tolist() == [1, 0]
    assert flags.encode(words("yes", "NO")).tolist() == [1, 0]
    digits = Target.fit(words("3", "4", "3", "4"))
    assert digits.encode(column_from_array("t", np.array([4, 3], np.int8))).tolist() == [1, 0]
    assert digits.encode(values("4", "3")).tolist() == [1, 0]


def test_what_was_decided_is_reported() -> None:
    """Class sizes, numbers taken as classes, and classes of one row are said."""
    assert Target.fit(values("a", "b", "b")).report == (
        "'t' has 2 classes: a (1), b (2).",
        "One row only, too few to learn and test: 'a'.",
    )
    assert "say task regression" in Target.fit(values(1, 2, 3, 1, 2, 3)).report[1]
    assert Target.fit(values(1, 2.5)).report == ("'t' is predicted as a number (mean 1.75, deviation 0.75).",)


BAD: dict[str, tuple[Column, str | None, str]] = {
    "missing": (values("a", None, "b", None), None, r"missing in 2 of 4 rows \(first in row 2\)"),
    "missing number": (values(1.5, None), None, "missing in 1 of 2 rows"),
    "infinite": (values(1.5, np.inf), None, "row 2 is infinite"),
    "one class": (values("a", "a"), None, r"one class only \('a'\)"),
    "one number": (values(2.5, 2.5), "regression", "2.5 in every row"),
    "text regression": (values("a", "b"), "regression", "texts such as 'a'; regression needs"),
    "boolean regression": (values(True, False), "regression", "booleans such as 'true'"),
    "dates": (values(date(2024, 1, 1), date(2024, 1, 2)), None, "holds dates"),
    "stray word": (words("1.5", "2.5", "x", "3"), None, "row 3 holds 'x', but almost all"),
    "too large": (values(1.5e308, -1.5e308, 1.2e308), "regression", "too large"),
    "inexact": (values(2.0**60, 1.0, 2.0**60, 1.0), None, r"beyond 2\*\*53"),
}


@pytest.mark.parametrize("case", BAD)
def test_a_target_that_cannot_be_learned_is_refused(case: str) -> None:
    """The message says what was found and what to do."""
    column, task, message = BAD[case]
    with pytest.raises(DataError, match=message):
        Target.fit(column, task)


def test_a_word_among_numbers_may_be_a_class_if_the_caller_says_so() -> None:
    """An explicit task of classification takes each distinct value as a class."""
    assert Target.fit(words("1.5", "2.5", "x", "3"), "classification").classes[-1] == "x"


def test_an_unknown_task_is_answered_with_the_nearest() -> None:
    """The allowed tasks are named."""
    with pytest.raises(SettingError, match=r"did you mean 'regression'\?.*allowed are"):
        Target.fit(values(1, 2), task="regresion")


def test_rows_that_do_not_fit_the_target_are_refused() -> None:
    """A class of which the model knows nothing, or a gap, is named with its row."""
    target = Target.fit(values("setosa", "virginica"))
    with pytest.raises(DataError, match=r"row 2 holds the class 'virginca'.*mean 'virginica'"):
        target.encode(values("setosa", "virginca"))
    with pytest.raises(DataError, match="missing in 1 of 1 row"):
        target.encode(values(None))
    with pytest.raises(DataError, match="row 1 holds the class 7"):
        Target.fit(values(0, 1)).encode(values(7, 0))
    with pytest.raises(DataError, match="row 2 holds 'x', but the model needs a number"):
        Target.fit(values(1.5, 2)).encode(values("1", "x"))
    with pytest.raises(DataError, match="damaged"):
        Target.from_dict({"name": "t"})


@pytest.mark.parametrize("spelling", ["-{},{:02d}", "${},{:03d}", "{:02d}.{:02d}.2020", "{}.{:03d},5 €"])
def test_numbers_in_another_spelling_are_no_classes(spelling: str) -> None:
    """Each of sixty would be one; asked for, they are, and few of them are as well."""
    words = [spelling.format(i % 28 + 1, i % 12 + 1 + i // 12) for i in range(60)]
    with pytest.raises(DataError, match=r"in a spelling such as .*, which is read as text"):
        Target.fit(read_table({"y": words}).column("y"))

    assert Target.fit(read_table({"y": words}).column("y"), "classification").task == "classification"
    few = read_table({"y": [words[i % 3] for i in range(60)]}).column("y")
    assert len(Target.fit(few).classes) == 3
    others = read_table({"y": [f"{word} a" for word in words]}).column("y")
    assert len(Target.fit(others).classes) == len(set(words))
