"""One column into features: three encoders, fitted once and kept as plain numbers.

    number   (value - mean) / scale, held within ±8, 0 where missing; a feature for missing if any
             was at fitting
    date     the same for the day number; month, weekday and hour as points on a circle
    words    one place per value; one more, shared, for the rare, if any were at fitting

A word that was not there at fitting goes to the shared place. Where there is none, it stands at the
centre of the known words: each place holds its share of the training rows. A place of its own would
bring an untrained weight into the prediction, and all zeros lie outside of everything trained on; the
centre lies between the training rows, and the first layer receives from it what the column gave there
on average.
An encoder knows its own column only. It neither chooses columns nor reports on them.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from schuss.adapters.conversion import as_dates, as_numbers, as_words, same_booleans
from schuss.adapters.date_parts import PARTS, circle, places
from schuss.adapters.moments import mean_and_deviation
from schuss.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from schuss.adapters.columns import Column, FloatArray

__all__ = [
    "FARTHEST",
    "MOST_PLACES",
    "DateEncoder",
    "Encoder",
    "NumberEncoder",
    "WordEncoder",
    "encoder_from_dict",
    "fit_dates",
    "fit_numbers",
    "fit_words",
]

MOST_PLACES = 50
"""A column of words gets no more places than this, the shared one included."""

FARTHEST = 8.0
"""A number counts as at most so many deviations from the mean: one misplaced decimal point, a wind of
1000 miles an hour, would else outweigh thousands of rows and make the training diverge."""


class Encoder(Protocol):
    """What the preprocessor asks of an encoder."""

    @property
    def name(self) -> str:
        """The column that it encodes."""

    @property
    def feature_names(self) -> list[str]:
        """One name per feature."""

    def transform(self, column: Column) -> FloatArray:
        """Return the features, shape (n_rows, n_features); DataError for impossible values."""

    def to_dict(self) -> dict[str, Any]:
        """Return JSON-able data from which `encoder_from_dict` makes the same encoder."""


@dataclass(frozen=True)
class NumberEncoder:
    """Standardised numbers: ``(x - mean) / scale``, the mean (0) where x is missing.

    ``scale`` None: the column held one number and gaps, and only the gaps are a feature.
    """

    name: str
    mean: float
    scale: float | None
    gaps: bool

    @property
    def feature_names(self) -> list[str]:
        """The column's name, and ``"<name> missing"`` if there were gaps at fitting."""
        value = [] if self.scale is None else [self.name]
        return value + ([f"{self.name} missing"] if self.gaps else [])

    def transform(self, column: Column) -> FloatArray:
        """Return the features, shape (n_rows, 0 to 2)."""
        return _standardise(as_numbers(column), self.mean, self.scale, gaps=self.gaps)

    def to_dict(self) -> dict[str, Any]:
        """Return JSON-able data."""
        return {"kind": "number", **vars(self)}


@dataclass(frozen=True)
class DateEncoder:
    """Dates: the standardised day number, and the ``parts`` of the calendar that varied.

    A part's place in its cycle is a point (sin, cos), so that December is next to January; a
    missing date lies in the middle of the circle.
    """

    name: str
    mean: float
    scale: float | None
    gaps: bool
    parts: tuple[str, ...]

    @property
    def feature_names(self) -> list[str]:
        """Day, gaps, then sine and cosine of each part."""
        day = [] if self.scale is None else [f"{self.name} day"]
        gaps = [f"{self.name} missing"] if self.gaps else []
        circle = [f"{self.name} {part} {way}" for part in self.parts for way in ("sin", "cos")]
        return day + gaps + circle

    def transform(self, column: Column) -> FloatArray:
        """Return the features, shape (n_rows, n_features)."""
        days = as_dates(column)
        features = _standardise(days, self.mean, self.scale, gaps=self.gaps)
        return np.hstack([features, *(circle(part, days) for part in self.parts)])

    def to_dict(self) -> dict[str, Any]:
        """Return JSON-able data."""
        return {"kind": "date", **vars(self), "parts": list(self.parts)}


@dataclass(frozen=True)
class WordEncoder:
    """One-hot words.

    Attributes
    ----------
    places : tuple of str or None
        The values with a place of their own, in order; None stands for missing.
    unseen : tuple of float, length n_places
        The features of any other value: 1 in the shared place, which comes last; if there is
        none, each place's share of the rows at fitting.
    booleans : bool
        Whether the column was one of booleans, whose spelling does not matter.
    """

    name: str
    places: tuple[str | None, ...]
    unseen: tuple[float, ...]
    booleans: bool

    @property
    def shared(self) -> bool:
        """Whether one more place is shared by all values without their own."""
        return len(self.unseen) > len(self.places)

    @property
    def feature_names(self) -> list[str]:
        """``"town=Bern"`` for each place, ``"town missing"``, ``"town other"``."""
        own = [f"{self.name} missing" if p is None else f"{self.name}={p}" for p in self.places]
        return own + ([f"{self.name} other"] if self.shared else [])

    def transform(self, column: Column) -> FloatArray:
        """Return the features, shape (n_rows, n_places); each row adds up to 1."""
        words = _words(column, booleans=self.booleans)
        place = {word: k for k, word in enumerate(self.places)}
        codes = np.fromiter((place.get(w, len(place)) for w in words), np.intp, len(words))
        rows = np.vstack([np.eye(len(place), len(self.unseen)), self.unseen])
        return rows[codes]

    def to_dict(self) -> dict[str, Any]:
        """Return JSON-able data."""
        told = {"places": list(self.places), "unseen": list(self.unseen)}
        return {"kind": "words", **vars(self), **told}


def encoder_from_dict(data: Mapping[str, Any]) -> Encoder:
    """Return the encoder that `Encoder.to_dict` described; DataError if it is of no known kind."""
    fields = {key: value for key, value in data.items() if key != "kind"}
    if data["kind"] == "number":
        return NumberEncoder(**fields)
    if data["kind"] == "date":
        return DateEncoder(**{**fields, "parts": tuple(fields["parts"])})
    if data["kind"] == "words":
        told = {"places": tuple(fields["places"]), "unseen": tuple(fields["unseen"])}
        return WordEncoder(**{**fields, **told})
    raise DataError(f"an encoder of kind {data['kind']!r} is unknown; known: number, date, words")


def fit_numbers(columns: Sequence[Column]) -> list[NumberEncoder]:
    """Return an encoder for each column of numbers, fitted in one go."""
    matrix = np.column_stack([as_numbers(column) for column in columns])
    means, scales = _fit_scaler([column.name for column in columns], matrix)
    gaps = [bool(np.isnan(values).any()) for values in matrix.T]
    return [
        NumberEncoder(column.name, mean, scale, gaps=gap)
        for column, mean, scale, gap in zip(columns, means, scales, gaps, strict=True)
    ]


def fit_dates(column: Column) -> DateEncoder:
    """Return an encoder for a column of dates."""
    days = as_dates(column)
    (mean,), (scale,) = _fit_scaler([column.name], days[:, None])
    present = days[~np.isnan(days)]
    parts = tuple(part for part in PARTS if len(np.unique(places(part, present))) > 1)
    return DateEncoder(column.name, mean, scale, gaps=bool(np.isnan(days).any()), parts=parts)


def fit_words(column: Column) -> WordEncoder:
    """Return an encoder for a column of text or booleans.

    Among text, values that occur once share a place, and so do the least frequent of more than
    `MOST_PLACES` values.
    """
    booleans = column.kind == "boolean"
    words = _words(column, booleans=booleans).tolist()
    count = Counter(words)
    known = sorted(count, key=lambda word: (word is None, word or ""))
    places = tuple(known if booleans else _frequent(known, count))
    if len(places) < len(known):
        unseen = (*(0.0 for _ in places), 1.0)
    else:
        unseen = tuple(count[word] / len(words) for word in places)
    return WordEncoder(column.name, places, unseen, booleans=booleans)


def _frequent(known: list[str | None], count: Counter[str | None]) -> list[str | None]:
    """Return the words with a place of their own; where not all can, of equally frequent ones the later."""
    several = [word for word in known if count[word] > 1]
    if len(several) < MOST_PLACES:
        return several
    most = set(sorted(several, key=count.__getitem__)[1 - MOST_PLACES :])
    return [word for word in several if word in most]


def _words(column: Column, *, booleans: bool) -> NDArray[Any]:
    return same_booleans(as_words(column)) if booleans else as_words(column)


def _fit_scaler(names: Sequence[str], matrix: FloatArray) -> tuple[list[float], list[float | None]]:
    """Return mean and scale of each column of the matrix (n, k); scale None for one value."""
    with np.errstate(all="ignore"):  # an overflow is refused by name just below
        means, deviations = mean_and_deviation(matrix)
        one_value = np.nanmax(matrix, axis=0) == np.nanmin(matrix, axis=0)
    for name, mean, scale in zip(names, means, deviations, strict=True):
        if not (np.isfinite(mean) and np.isfinite(scale)):
            raise DataError(
                f"column {name!r} holds numbers too large to average (float64 ends at 1.8e308); "
                "rescale it or leave it out"
            )
    scales = [None if one else s for s, one in zip(deviations.tolist(), one_value, strict=True)]
    return means.tolist(), scales


def _standardise(values: FloatArray, mean: float, scale: float | None, *, gaps: bool) -> FloatArray:
    """Return the standardised values with 0 for NaN, then 1 for NaN, each if it is a feature."""
    missing = np.isnan(values)
    features = []
    if scale is not None:
        standard = np.clip((values - mean) / scale, -FARTHEST, FARTHEST)
        features.append(np.where(missing, 0.0, standard))
    if gaps:
        features.append(missing.astype(np.float64))
    return np.stack(features, axis=1) if features else np.empty((len(values), 0))
