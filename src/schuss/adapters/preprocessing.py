"""From a table to the numbers that a network sees, and a report of what was done to each column.

Chooses the columns to learn from, gives each its encoder, and is plain numbers and words itself: no
pickle, no code. It is fitted on whatever rows it is given; to hold out test rows is the caller's
part. It does not look at the target.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from schuss.adapters.choice import check_table, choose_columns
from schuss.adapters.columns import FloatArray, Table, name_some
from schuss.adapters.conversion import as_numbers
from schuss.adapters.encoders import (
    FARTHEST,
    DateEncoder,
    Encoder,
    NumberEncoder,
    WordEncoder,
    encoder_from_dict,
    fit_dates,
    fit_numbers,
    fit_words,
)
from schuss.errors import DataError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from schuss.adapters.columns import Column

__all__ = ["Preprocessor"]

_COMMA_NUMBER = re.compile(r"[+-]?[0-9]+(?:,[0-9]+)+(?:\.[0-9]*)?")


@dataclass(frozen=True, repr=False)
class Preprocessor:
    """Columns in, features out; made by `fit` or `from_dict`.

    Attributes
    ----------
    encoders : tuple of Encoder
        One per column that is used, in the order of the table it was fitted to.
    left_out, excluded : tuple of str
        The columns that carried nothing, and those that the caller excluded.
    report : tuple of str
        What was done, in sentences for people.
    """

    encoders: tuple[Encoder, ...]
    left_out: tuple[str, ...]
    excluded: tuple[str, ...]
    report: tuple[str, ...]

    @classmethod
    def fit(cls, table: Table, exclude: Collection[str] = ()) -> Preprocessor:
        """Fit to the rows of a table.

        Parameters
        ----------
        table : Table
            The rows to learn from; hold test rows out before.
        exclude : collection of str
            Columns to pass over: the target, at least.

        Raises
        ------
        DataError
            An excluded column is not there; a value is infinite; a word stands among numbers;
            no column carries anything to learn from.
        """
        for name in exclude:
            table.column(name)
        check_table(table, exclude)
        columns, left_out = choose_columns(table, exclude)
        report = [f"Left out because {why}: {name_some(names)}." for why, names in left_out.items()]
        if not columns:
            raise DataError(f"{table.name} has nothing to learn from: no column is left. {' '.join(report)}")
        encoders = _fit_encoders(columns)
        return cls(
            encoders=encoders,
            left_out=tuple(name for names in left_out.values() for name in names),
            excluded=tuple(exclude),
            report=(*report, *_report(columns, encoders)),
        )

    @property
    def input_names(self) -> list[str]:
        """The columns that a table to `transform` must have."""
        return [encoder.name for encoder in self.encoders]

    @property
    def feature_names(self) -> list[str]:
        """The names of the features, as many as `transform` returns columns."""
        return [name for encoder in self.encoders for name in encoder.feature_names]

    def transform(self, table: Table) -> FloatArray:
        """Return the features of a table's rows.

        Parameters
        ----------
        table : Table
            Has the columns `input_names`, in any order; further ones are passed over.

        Returns
        -------
        array, shape (n_rows, n_features), float64, rows contiguous
            Finite throughout.

        Raises
        ------
        DataError
            A column is not there, or holds text or infinity where numbers are needed.
        """
        self._check_columns(table)
        features = np.empty((table.n_rows, len(self.feature_names)))
        start = 0
        for encoder in self.encoders:
            part = encoder.transform(table.columns[encoder.name])
            features[:, start : start + part.shape[1]] = part
            start += part.shape[1]
        return features

    def to_dict(self) -> dict[str, Any]:
        """Return JSON-able data; `from_dict` makes of it a preprocessor with the same bits."""
        return {
            "columns": [encoder.to_dict() for encoder in self.encoders],
            "left_out": list(self.left_out),
            "excluded": list(self.excluded),
            "report": list(self.report),
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Preprocessor:
        """Return the preprocessor that `to_dict` described; DataError if the data is damaged."""
        try:
            return cls(
                encoders=tuple(encoder_from_dict(column) for column in data["columns"]),
                left_out=tuple(data["left_out"]),
                excluded=tuple(data["excluded"]),
                report=tuple(data["report"]),
            )
        except (KeyError, TypeError) as error:
            raise DataError(f"the description of the preprocessing is damaged: {error}") from None

    def _check_columns(self, table: Table) -> None:
        absent = [name for name in self.input_names if name not in table.columns]
        if absent:
            others = [name for name in table.columns if name not in self.input_names]
            raise DataError(
                f"{table.name} lacks {name_some(absent)}{did_you_mean(absent[0], others)}, from "
                f"which the model predicts; it has {name_some(table.columns)}"
            )

    def __repr__(self) -> str:
        """Return ``Preprocessor(4 columns -> 6 features)``."""
        return f"Preprocessor({len(self.encoders)} columns -> {len(self.feature_names)} features)"


def _fit_encoders(columns: list[Column]) -> tuple[Encoder, ...]:
    numbers = [column for column in columns if column.kind == "number"]
    fitted: dict[str, Encoder] = {}
    if numbers:  # together, because a fit per column costs more than the arithmetic
        fitted = {encoder.name: encoder for encoder in fit_numbers(numbers)}
    for column in columns:
        if column.kind == "date":
            fitted[column.name] = fit_dates(column)
        elif column.kind != "number":
            fitted[column.name] = fit_words(column)
    return tuple(fitted[column.name] for column in columns)


def _report(columns: list[Column], encoders: tuple[Encoder, ...]) -> list[str]:
    filled = [
        f"{column.name!r} ({int(column.missing.sum()):,})"
        for column, encoder in zip(columns, encoders, strict=True)
        if f"{column.name} missing" in encoder.feature_names
    ]
    report = []
    if filled:
        shown = ", ".join(filled[:8]) + (f" and {len(filled) - 8} more" if filled[8:] else "")
        report.append(f"Missing values are filled and marked by a feature of their own: {shown}.")
    held = [encoder.name for c, encoder in zip(columns, encoders, strict=True) if _is_held(c, encoder)]
    if held:
        report.append(f"Values beyond {FARTHEST:g} deviations are held there: {name_some(held)}.")
    for column, encoder in zip(columns, encoders, strict=True):
        if isinstance(encoder, WordEncoder):
            report += _report_words(column, encoder)
        if isinstance(encoder, DateEncoder):
            parts = ", ".join(["day", *encoder.parts])
            report.append(f"The dates in {column.name!r} are used as: {parts}.")
    return report


def _is_held(column: Column, encoder: Encoder) -> bool:
    """Whether values of the column lie farther from the mean than the encoder lets count."""
    if not isinstance(encoder, NumberEncoder) or encoder.scale is None:
        return False
    away = np.abs(as_numbers(column) - encoder.mean)
    return bool(np.nanmax(away) > FARTHEST * encoder.scale)


def _report_words(column: Column, encoder: WordEncoder) -> list[str]:
    report = []
    words = [word for word in column.values.tolist() if isinstance(word, str)]
    commas = [word for word in words if _COMMA_NUMBER.fullmatch(word)]
    if 2 * len(commas) > column.n_rows:
        report.append(
            f"{column.name!r} is read as text, because the comma in {commas[0]!r} can mean two "
            "things; write 1234.5 for a number."
        )
    if encoder.shared:
        own = sum(word in encoder.places for word in column.values)
        report.append(
            f"{column.name!r} has {len(set(words)):,} values: a place each for the "
            f"{len(encoder.places)} most frequent ({own / column.n_rows:.0%} of the rows), one "
            "shared by the rest."
        )
    return report
