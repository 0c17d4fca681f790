"""The column to predict: classes or a number, made into the network's targets, and back.

The column decides between the two tasks unless the caller does. A row without a target is refused,
never dropped or filled.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from schuss.adapters.columns import Column, FloatArray, Kind, name_some, plural
from schuss.adapters.conversion import (
    as_numbers,
    as_words,
    check_finite,
    find_stray_word,
    same_booleans,
)
from schuss.adapters.moments import mean_and_deviation
from schuss.errors import DataError, SettingError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

__all__ = ["TASKS", "Label", "Target", "Task"]

Task = Literal["classification", "regression"]
Label = str | int | float | bool
TASKS: tuple[Task, ...] = ("classification", "regression")

_OTHER_SPELLING = re.compile(r"[-+−]?\s?[$€£¥]?\s?[-+−]?\d[\d.,:/'’  -]*\s?[%$€£¥]?")  # of a number or a date
_CLASSES_MOST = 20  # whole numbers with more distinct values are a quantity
_EXACT = 2.0**53


@dataclass(frozen=True)
class Target:
    """What is predicted; made by `fit` or `from_dict`.

    Attributes
    ----------
    name : str
        The target column.
    task : {"classification", "regression"}
        Whether a class or a number is predicted.
    kind : {"number", "text", "boolean"}
        The column's kind.
    classes : tuple of str, int, float or bool
        The labels in order, as the source has them; empty for regression. Numbers are int if
        all are whole; ``yes`` and ``no`` keep their spelling.
    mean, scale : float
        Of the target, for regression; else 0 and 1.
    report : tuple of str
        What was decided, in sentences for people.
    """

    name: str
    task: Task
    kind: Kind
    classes: tuple[Label, ...]
    mean: float
    scale: float
    report: tuple[str, ...]

    @classmethod
    def fit(cls, column: Column, task: str | None = None) -> Target:
        """Decide the task and fit the scale or the classes.

        Parameters
        ----------
        column : Column
            The target of the rows to learn from; for classification, of all rows, so that no
            class is unknown.
        task : {"classification", "regression"}, optional
            Otherwise: text and booleans are classes. Numbers are classes if they are whole and
            two, or at most 20 and each twice on average.

        Raises
        ------
        DataError
            Missing or infinite targets, dates, a word among numbers, one class, one number.
        SettingError
            A task of another name.
        """
        if task is not None and task not in TASKS:
            raise SettingError(
                f"task {task!r} is unknown{did_you_mean(task, TASKS)}; allowed are {' and '.join(TASKS)}"
            )
        _check_fit(column, task)
        chosen = task or _task_of(column)
        if chosen == "regression":
            return _fit_regression(column)
        return _fit_classification(column, by_rule=task is None)

    def encode(self, column: Column) -> NDArray[Any]:
        """Return the network's targets.

        Returns
        -------
        array
            Classification: int32 of shape (n_rows,), places in `classes`. Regression: float64 of
            shape (n_rows, 1), ``(t - mean) / scale``.

        Raises
        ------
        DataError
            Missing targets, a class that was not there at fitting, text for a number.
        """
        _check_missing(column)
        if self.task == "regression":
            scaled: FloatArray = (as_numbers(column) - self.mean) / self.scale
            return scaled[:, None]
        place = {key: index for index, key in enumerate(self._keys())}
        keys = _keys(column, self.kind)
        for row, key in enumerate(keys, start=1):
            if key not in place:
                raise DataError(self._unknown(row, key))
        return np.array([place[key] for key in keys], dtype=np.int32)

    def decode(self, encoded: NDArray[Any]) -> NDArray[Any]:
        """Return labels or numbers, shape (n_rows,), for what `encode` returns."""
        if self.task == "regression":
            values: FloatArray = np.ravel(encoded).astype(np.float64) * self.scale + self.mean
            return values
        dtype = object if isinstance(self.classes[0], str) else None
        labels: NDArray[Any] = np.array(self.classes, dtype=dtype)[encoded]
        return labels

    def to_dict(self) -> dict[str, Any]:
        """Return JSON-able data; `from_dict` makes the same target of it."""
        return asdict(self) | {"classes": list(self.classes), "report": list(self.report)}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Target:
        """Return the target that `to_dict` described; DataError if the data is damaged."""
        try:
            lists = {key: tuple(data[key]) for key in ("classes", "report")}
            return cls(**{**data, **lists})
        except (KeyError, TypeError) as error:
            raise DataError(f"the description of the target is damaged: {error}") from None

    def _keys(self) -> tuple[Label, ...]:
        return ("false", "true") if self.kind == "boolean" else self.classes

    def _unknown(self, row: int, key: Label) -> str:
        hint = did_you_mean(key, map(str, self.classes)) if isinstance(key, str) else ""
        return (
            f"target {self.name!r}: row {row:,} holds the class {key!r}, which was not there when "
            f"the model was fitted{hint}; its classes are {name_some(map(str, self.classes))}"
        )


def _keys(column: Column, kind: Kind) -> list[Any]:
    """Return one hashable key per row, equal where the class is."""
    if kind == "number":
        return list(as_numbers(column).tolist())
    words = as_words(column)
    return list(same_booleans(words) if kind == "boolean" else words)


def _check_missing(column: Column) -> None:
    rows = np.flatnonzero(column.missing)
    if len(rows):
        raise DataError(
            f"target {column.name!r} is missing in {len(rows):,} of {plural(column.n_rows, 'row')} "
            f"(first in row {rows[0] + 1:,}); fill in these targets or leave out the rows"
        )


def _check_fit(column: Column, task: str | None) -> None:
    _check_missing(column)
    if column.kind == "date":
        raise DataError(
            f"target {column.name!r} holds dates; predict a number instead, such as days since a fixed day"
        )
    if column.kind == "number":
        check_finite(column.name, column.values)
    if task is None and column.kind == "text":
        _check_words(column)
    stray = find_stray_word(column)
    if stray is not None and task != "classification":
        raise DataError(
            f"target {column.name!r}: row {stray[0]:,} holds {stray[1]!r}, but almost all other "
            "rows hold numbers. Correct the value, or say task classification if each distinct "
            "value is a class"
        )
    if column.kind != "number" and task == "regression":
        raise DataError(
            f"target {column.name!r} holds {column.kind}s such as {as_words(column)[0]!r}; "
            "regression needs numbers. Say task classification, or choose another target"
        )


def _check_words(column: Column) -> None:
    """Raise DataError for numbers or dates in another spelling, of which each would be a class."""
    words = as_words(column)
    if not _are_few(column) and all(_OTHER_SPELLING.fullmatch(word) for word in words):
        raise DataError(
            f"target {column.name!r} holds numbers or dates in a spelling such as {words[0]!r}, which is "
            "read as text; write 1234.5 for a number. Say task classification if each distinct text is a "
            "class"
        )


def _are_few(column: Column) -> bool:
    distinct = len(np.unique(column.values))
    return distinct <= 2 or distinct <= min(_CLASSES_MOST, column.n_rows // 2)


def _task_of(column: Column) -> Task:
    if column.kind != "number":
        return "classification"
    whole = not np.any(column.values % 1)
    return "classification" if whole and _are_few(column) else "regression"


def _fit_regression(column: Column) -> Target:
    values = as_numbers(column)
    if values.max() == values.min():
        raise DataError(
            f"target {column.name!r} holds the number {values[0]:g} in every row; there is nothing to predict"
        )
    with np.errstate(all="ignore"):  # an overflow is refused just below
        means, deviations = mean_and_deviation(values[:, None])
    mean, scale = float(means[0]), float(deviations[0])
    if not (np.isfinite(mean) and np.isfinite(scale)):
        raise DataError(f"target {column.name!r} holds numbers too large to average; rescale it")
    report = f"{column.name!r} is predicted as a number (mean {mean:.4g}, deviation {scale:.4g})."
    return Target(column.name, "regression", column.kind, (), mean, scale, (report,))


def _fit_classification(column: Column, *, by_rule: bool) -> Target:
    counts = Counter(_keys(column, column.kind))
    keys = sorted(counts)
    classes = _labels(column, keys)
    if len(classes) < 2:
        raise DataError(
            f"target {column.name!r} holds one class only ({classes[0]!r}); a classifier needs two or more"
        )
    if column.kind == "number" and max(map(abs, keys)) > _EXACT:
        raise DataError(f"target {column.name!r} holds numbers beyond 2**53, which are not exact")
    sizes = [f"{label} ({counts[key]:,})" for label, key in zip(classes, keys, strict=True)]
    report = [f"{column.name!r} has {plural(len(classes), 'class')}: {', '.join(sizes[:10])}"]
    report[0] += f" and {len(sizes) - 10} more." if sizes[10:] else "."
    if by_rule and column.kind == "number" and len(classes) > 2:
        report.append(
            "Its numbers are taken as classes, being few and whole; say task regression to predict a number."
        )
    single = [label for label, key in zip(classes, keys, strict=True) if counts[key] == 1]
    if single:
        report.append(f"One row only, too few to learn and test: {name_some(map(str, single))}.")
    return Target(column.name, "classification", column.kind, classes, 0.0, 1.0, tuple(report))


def _labels(column: Column, keys: list[Any]) -> tuple[Label, ...]:
    if column.kind == "number":
        whole = all(key.is_integer() for key in keys)
        return tuple(int(key) if whole else key for key in keys)
    if column.kind == "text":
        return tuple(keys)
    words = dict(zip(same_booleans(as_words(column)).tolist(), as_words(column).tolist(), strict=True))
    if {word.lower() for word in words.values()} <= {"yes", "no"}:
        return tuple(words[key] for key in keys)
    return tuple(key == "true" for key in keys)
