"""The data sets that need no file: five real ones from scikit-learn, six made for teaching.

Nothing is downloaded. The made sets are functions of the formulas below and come out the same on
every machine, because their coordinates are rounded beyond the last digit that machines differ in.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from typing import Any, Literal

import numpy as np

from schuss.adapters.bundled import BUNDLED, Arrays, bundled
from schuss.adapters.columns import Table
from schuss.adapters.recognition import column_from_array
from schuss.errors import DataError, did_you_mean

__all__ = ["DATASETS", "Dataset", "load"]


@dataclass(frozen=True)
class Dataset:
    """An embedded set.

    Attributes
    ----------
    name : str
        As in ``schuss train NAME``.
    description : str
        One line.
    task : {"classification", "regression"}
        What its targets ask for.
    targets : tuple of str
        The target columns; all others are inputs.
    n_rows, n_inputs : int
        Size, known without building the table.
    build : callable
        Returns the columns as arrays of shape (n_rows,), by name.
    """

    name: str
    description: str
    task: Literal["classification", "regression"]
    targets: tuple[str, ...]
    n_rows: int
    n_inputs: int
    build: Callable[[], Arrays]

    @cached_property
    def table(self) -> Table:
        """The table, built when first asked for; its ``targets`` are the set's."""
        columns = {key: column_from_array(key, array) for key, array in self.build().items()}
        return Table(columns, self.name, self.targets)

    @property
    def inputs(self) -> tuple[str, ...]:
        """The names of the input columns."""
        return tuple(name for name in self.table.columns if name not in self.targets)


def load(name: str) -> Dataset:
    """Return the embedded set called ``name``; DataError if there is none."""
    if name not in DATASETS:
        raise DataError(
            f"there is no embedded set {name!r}{did_you_mean(name, DATASETS)}; "
            f"the sets are {', '.join(DATASETS)}"
        )
    return DATASETS[name]


def _real(
    name: str, description: str, task: Literal["classification", "regression"] = "classification"
) -> Dataset:
    of = BUNDLED[name]
    return Dataset(name, description, task, (of.target,), of.n_rows, len(of.inputs), lambda: bundled(name))


def _points(points: Any, *classes: Any) -> Arrays:
    """Return columns x1, x2, ... of the points (n, d) and the targets t, or t1, t2, ..."""
    inputs = np.asarray(points, dtype=np.float64)
    columns = {f"x{k}": column for k, column in enumerate(inputs.T, start=1)}
    targets = np.asarray(classes, dtype=np.float64)
    names = ["t"] if len(targets) == 1 else [f"t{k}" for k in range(1, len(targets) + 1)]
    return {**columns, **dict(zip(names, targets, strict=True))}


def _xor() -> Arrays:
    return _points(list(product((0, 1), repeat=2)), [0, 1, 1, 0])


def _parity() -> Arrays:
    bits = list(product((0, 1), repeat=4))
    return _points(bits, [sum(row) % 2 for row in bits])


def _encoder() -> Arrays:
    return _points(np.eye(8), *np.eye(8))


def _two_spirals() -> Arrays:
    """Two arms, r = 6.5 (104 - i) / 104, angle = i pi / 16, i = 0..96; (r sin, r cos) is 1.

    The mirrored point is 0. Lang & Witbrock, Learning to tell two spirals apart, 1988, in the
    order of the CMU benchmark collection.
    """
    i = np.arange(97)
    radius, angle = 6.5 * (104 - i) / 104, i * np.pi / 16
    arm = np.column_stack([radius * np.sin(angle), radius * np.cos(angle)]).round(12)
    points = np.stack([arm, -arm], axis=1).reshape(-1, 2)
    return _points(points, np.tile([1, 0], 97))


def _circles() -> Arrays:
    """200 points on a ring of radius 1 (t = 0), 200 on one of radius 1/2 (t = 1), noise 0.08."""
    draw = np.random.RandomState(np.random.Philox(key=194))
    target = np.arange(400) % 2
    angle = 2 * np.pi * draw.random_sample(400)
    ring = np.column_stack([np.cos(angle), np.sin(angle)]) / (1 + target)[:, None]
    return _points((ring + 0.08 * draw.standard_normal((400, 2))).round(9), target)


def _six_points() -> Arrays:
    from schuss.method.surfaces.six_points import T, X

    return _points(X, T[:, 0])


_EIGHT = tuple(f"t{k}" for k in range(1, 9))

_ALL = (
    _real("digits", "handwritten digits, 8 x 8 grey levels from 0 to 16, ten classes"),
    _real("iris", "sepals and petals of three species of iris"),
    _real("wine", "thirteen chemical measurements of wines from three cultivars"),
    _real("breast-cancer", "cell nuclei in breast masses, malignant or benign (Wisconsin)"),
    _real("diabetes", "progression of diabetes one year after ten measurements", "regression"),
    Dataset(
        name="xor",
        description="exclusive or: the four corners that no single layer can part",
        task="classification",
        targets=("t",),
        n_rows=4,
        n_inputs=2,
        build=_xor,
    ),
    Dataset(
        name="parity",
        description="whether the number of ones among four bits is odd",
        task="classification",
        targets=("t",),
        n_rows=16,
        n_inputs=4,
        build=_parity,
    ),
    Dataset(
        name="encoder-8-3-8",
        description="eight one-hot rows to be repeated through three hidden units",
        task="regression",
        targets=_EIGHT,
        n_rows=8,
        n_inputs=8,
        build=_encoder,
    ),
    Dataset(
        name="two-spirals",
        description="two spirals of 97 points wound around each other (CMU)",
        task="classification",
        targets=("t",),
        n_rows=194,
        n_inputs=2,
        build=_two_spirals,
    ),
    Dataset(
        name="circles",
        description="a noisy ring inside another, 200 points each",
        task="classification",
        targets=("t",),
        n_rows=400,
        n_inputs=2,
        build=_circles,
    ),
    Dataset(
        name="six-points",
        description="the six points of the NeuPy article on learning algorithms",
        task="classification",
        targets=("t",),
        n_rows=6,
        n_inputs=2,
        build=_six_points,
    ),
)

DATASETS: Mapping[str, Dataset] = {dataset.name: dataset for dataset in _ALL}
"""The embedded sets by name."""
