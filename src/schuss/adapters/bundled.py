"""The real data sets, whose files scikit-learn ships: read by themselves where they are as expected.

To import scikit-learn takes longer than to train on any of them. Where a file lies elsewhere, or is another,
it is asked after all.
"""

from __future__ import annotations

import gzip
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["BUNDLED", "bundled"]

Arrays = Mapping[str, NDArray[Any]]
Numbers = NDArray[np.float64]


def _rows(file: Path, delimiter: str | None = ",", skip: int = 0) -> Numbers:
    """Return the numbers in a file, packed or not; those of each line in a row."""
    with gzip.open(file, "rt") if file.suffix == ".gz" else file.open(encoding="utf-8") as opened:
        lines = opened.readlines()[skip:]
    if not lines:
        raise ValueError(file)
    return np.loadtxt(lines, delimiter=delimiter, ndmin=2)


def _counted(folder: Path, name: str) -> tuple[Numbers, NDArray[Any]]:
    """Return inputs and classes of a file whose first line says how many rows and inputs, and the names."""
    file = folder / name
    with file.open(encoding="utf-8") as lines:
        n_rows, n_inputs, *names = next(lines, "").strip().split(",")
    rows = _rows(file, skip=1)
    if rows.shape != (int(n_rows), int(n_inputs) + 1):
        raise ValueError(file)
    return rows[:, :-1], np.asarray(names)[rows[:, -1].astype(np.int64)]


def _digits(folder: Path) -> tuple[Numbers, NDArray[Any]]:
    rows = _rows(folder / "digits.csv.gz")
    return rows[:, :-1], rows[:, -1].astype(np.int64)


def _diabetes(folder: Path) -> tuple[Numbers, NDArray[Any]]:
    inputs, targets = (_rows(folder / f"diabetes_{part}.csv.gz", None) for part in ("data_raw", "target"))
    return inputs, targets.ravel()


@dataclass(frozen=True)
class Bundled:
    """Where a set stands: scikit-learn's function for it, and how its files are read; its columns' names."""

    loader: str
    read: Callable[[Path], tuple[Numbers, NDArray[Any]]]
    target: str
    inputs: tuple[str, ...]
    n_rows: int
    settings: Mapping[str, Any] = field(default_factory=dict)

    def from_files(self) -> tuple[Numbers, NDArray[Any]] | None:
        """Return inputs (n_rows, inputs) and targets, or None where the files are not as expected."""
        package = find_spec("sklearn")
        if not package or not package.origin:
            return None
        try:
            inputs, targets = self.read(Path(package.origin).parent / "datasets" / "data")
        except (OSError, EOFError, ValueError, IndexError):
            return None
        expected = inputs.shape == (self.n_rows, len(self.inputs)) and targets.shape == (self.n_rows,)
        return (inputs, targets) if expected else None

    def from_library(self) -> tuple[Numbers, NDArray[Any]]:
        """Ask scikit-learn; classes by their names unless these are numbers."""
        import sklearn.datasets

        bunch = getattr(sklearn.datasets, self.loader)(**self.settings)
        names = np.asarray(bunch.get("target_names", []))
        return bunch.data, names[bunch.target] if names.dtype.kind == "U" else bunch.target


_NUCLEI = (
    "radius",
    "texture",
    "perimeter",
    "area",
    "smoothness",
    "compactness",
    "concavity",
    "concave points",
    "symmetry",
    "fractal dimension",
)
_NUCLEUS = (
    *(f"mean {of}" for of in _NUCLEI),
    *(f"{of} error" for of in _NUCLEI),
    *(f"worst {of}" for of in _NUCLEI),
)
_WINE = (
    "alcohol",
    "malic_acid",
    "ash",
    "alcalinity_of_ash",
    "magnesium",
    "total_phenols",
    "flavanoids",
    "nonflavanoid_phenols",
    "proanthocyanins",
    "color_intensity",
    "hue",
    "od280/od315_of_diluted_wines",
    "proline",
)

BUNDLED: Mapping[str, Bundled] = {
    "digits": Bundled(
        loader="load_digits",
        read=_digits,
        target="digit",
        inputs=tuple(f"pixel_{i}_{j}" for i, j in product(range(8), repeat=2)),
        n_rows=1797,
    ),
    "iris": Bundled(
        loader="load_iris",
        read=lambda folder: _counted(folder, "iris.csv"),
        target="species",
        inputs=("sepal length (cm)", "sepal width (cm)", "petal length (cm)", "petal width (cm)"),
        n_rows=150,
    ),
    "wine": Bundled(
        loader="load_wine",
        read=lambda folder: _counted(folder, "wine_data.csv"),
        target="cultivar",
        inputs=_WINE,
        n_rows=178,
    ),
    "breast-cancer": Bundled(
        loader="load_breast_cancer",
        read=lambda folder: _counted(folder, "breast_cancer.csv"),
        target="diagnosis",
        inputs=_NUCLEUS,
        n_rows=569,
    ),
    "diabetes": Bundled(
        loader="load_diabetes",
        read=_diabetes,
        target="progression",
        inputs=("age", "sex", "bmi", "bp", *(f"s{k}" for k in range(1, 7))),
        n_rows=442,
        settings={"scaled": False},
    ),
}
"""The sets by the names that schuss has for them."""


def bundled(name: str) -> Arrays:
    """Return the columns of a set, arrays (n_rows,), by name; the target is the last."""
    of = BUNDLED[name]
    inputs, targets = of.from_files() or of.from_library()
    return {**dict(zip(of.inputs, inputs.T, strict=True)), of.target: targets}
