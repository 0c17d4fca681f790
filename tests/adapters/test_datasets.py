"""The embedded sets: what they claim is what they hold."""

from __future__ import annotations

import gzip
import subprocess
import sys
from importlib.machinery import ModuleSpec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sklearn.datasets
from sklearn.linear_model import Perceptron
from sklearn.neighbors import KNeighborsClassifier

from schuss.adapters import bundled
from schuss.adapters.bundled import BUNDLED, Bundled
from schuss.adapters.datasets import DATASETS, Dataset, load
from schuss.adapters.preprocessing import Preprocessor
from schuss.adapters.targets import Target
from schuss.errors import DataError


def arrays(dataset: Dataset) -> tuple[Any, Any]:
    """Return inputs (n, d) and targets (n, k) as they are."""
    return dataset.table.matrix(dataset.inputs), dataset.table.matrix(dataset.targets)


def test_the_list_of_sets_is_the_promised_one() -> None:
    """Five real sets and six for teaching."""
    assert list(DATASETS) == [
        *["digits", "iris", "wine", "breast-cancer", "diabetes"],
        *["xor", "parity", "encoder-8-3-8", "two-spirals", "circles", "six-points"],
    ]


@pytest.mark.parametrize("name", DATASETS)
def test_a_set_is_as_large_as_it_says_and_can_be_learned_from(name: str) -> None:
    """Rows, inputs, targets and task stated beside the name are those of the table."""
    dataset = load(name)
    table = dataset.table
    assert table.name == dataset.name == name
    assert table.n_rows == dataset.n_rows
    assert len(dataset.inputs) == dataset.n_inputs
    assert table.targets == dataset.targets
    assert Preprocessor.fit(table, exclude=dataset.targets).transform(table).shape[0] > 0
    if len(dataset.targets) == 1:
        assert Target.fit(table.column(dataset.targets[0])).task == dataset.task
    assert "\n" not in dataset.description


@pytest.mark.parametrize(
    ("name", "loader", "settings"),
    [
        ("digits", "load_digits", {}),
        ("iris", "load_iris", {}),
        ("wine", "load_wine", {}),
        ("breast-cancer", "load_breast_cancer", {}),
        ("diabetes", "load_diabetes", {"scaled": False}),
    ],
)
def test_a_real_set_is_scikit_learns(name: str, loader: str, settings: dict[str, Any]) -> None:
    """Values, rows and classes are those of the bundled loader."""
    X, y = getattr(sklearn.datasets, loader)(return_X_y=True, **settings)
    dataset = load(name)
    names = getattr(sklearn.datasets, loader)().feature_names
    assert np.array_equal(dataset.table.matrix(dataset.inputs), X)
    assert dataset.inputs == tuple(map(str, names))
    column = dataset.table.column(dataset.targets[0])
    target = Target.fit(column)
    if dataset.task == "regression":
        assert np.array_equal(column.values, y)
    elif name == "digits":
        assert target.classes == tuple(range(10))
        assert np.array_equal(column.values, y)
    else:
        names = getattr(sklearn.datasets, loader)().target_names
        assert target.decode(target.encode(column)).tolist() == names[y].tolist()


@pytest.mark.parametrize("name", BUNDLED)
def test_a_real_set_is_read_without_scikit_learn(name: str) -> None:
    """The files are as expected here, and hold what its loader gives, in the same types."""
    read, given = BUNDLED[name].from_files(), BUNDLED[name].from_library()
    assert read is not None
    for mine, theirs in zip(read, given, strict=True):
        assert np.array_equal(mine, theirs)
        assert mine.dtype == theirs.dtype
        assert not np.array_equal(mine[::-1], theirs)


def package_at(folder: Path) -> ModuleSpec:
    """Return what Python would find of a scikit-learn that lies in this folder."""
    return ModuleSpec("sklearn", None, origin=str(folder / "__init__.py"))


PACKED = {
    "too few numbers": gzip.compress(b"0,1,2\n"),
    "words": gzip.compress(b"a,b\n"),
    "cut": gzip.compress(b"0," * 1000)[:-9],
    "not packed": b"0,1,2\n",
}
COUNTED = {
    "too few rows": b"150,4,setosa,versicolor,virginica\n5.1,3.5,1.4,0.2,0\n",
    "other numbers": b"1,4,setosa,versicolor,virginica\n5.1,3.5,1.4,0.2,0\n",
    "a class without a name": b"1,1,setosa\n5.1,3\n",
    "words": b"a,b\nc,d\n",
    "packed": gzip.compress(b"150,4\n"),
    "no rows": b"150,4,setosa,versicolor,virginica\n",
    "nothing in it": b"",
}
PARTS = ("data_raw", "target")
OTHERS = [
    *[(name, there, []) for name in BUNDLED for there in ("no package", "nowhere", "no file")],
    *[("digits", there, [("digits.csv.gz", PACKED[there])]) for there in PACKED],
    *[("iris", there, [("iris.csv", COUNTED[there])]) for there in COUNTED],
    ("diabetes", "one of two", [("diabetes_data_raw.csv.gz", gzip.compress(b"1 2\n"))]),
    (
        "diabetes",
        "too few",
        [(f"diabetes_{x}.csv.gz", gzip.compress(b"1 2\n")) for x in ("data_raw", "target")],
    ),
]


@pytest.mark.parametrize(("name", "there", "files"), OTHERS, ids=[f"{o[0]}-{o[1]}" for o in OTHERS])
def test_a_real_set_is_found_wherever_scikit_learn_keeps_it(
    name: str, there: str, files: list[tuple[str, bytes]], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Where the usual files are not there or are others, scikit-learn reads its own: the same columns."""
    usual = DATASETS[name].build()
    nothing = {"no package": None, "nowhere": ModuleSpec("sklearn", None)}
    found = nothing.get(there, package_at(tmp_path))
    (tmp_path / "datasets" / "data").mkdir(parents=True)
    for file, content in files:
        (tmp_path / "datasets" / "data" / file).write_bytes(content)
    asked = list[str]()
    ask = Bundled.from_library
    monkeypatch.setattr(bundled, "find_spec", lambda name: found if name == "sklearn" else None)
    monkeypatch.setattr(Bundled, "from_library", lambda of: asked.append(of.loader) or ask(of))
    again = DATASETS[name].build()

    assert asked == [BUNDLED[name].loader]
    assert list(again) == list(usual)
    assert all(np.array_equal(again[column], usual[column]) for column in usual)
    assert all(again[column].dtype == usual[column].dtype for column in usual)


def test_the_small_sets_are_their_definitions() -> None:
    """Exclusive or, parity, the encoder and the six points, spelled out once more."""
    X, T = arrays(load("xor"))
    assert T[:, 0].tolist() == [int(a != b) for a, b in X]
    X, T = arrays(load("parity"))
    assert len(np.unique(X, axis=0)) == 16
    assert T[:, 0].tolist() == [bin(int("".join(str(int(b)) for b in x), 2)).count("1") % 2 for x in X]
    X, T = arrays(load("encoder-8-3-8"))
    assert np.array_equal(X, np.eye(8))
    assert np.array_equal(T, np.eye(8))
    X, T = arrays(load("six-points"))
    assert X.tolist() == [[0.9, 0.3], [0.5, 0.3], [0.2, 0.1], [0.7, 0.5], [0.1, 0.8], [0.1, 0.9]]
    assert T[:, 0].tolist() == [1, 1, 1, 0, 0, 0]


def test_two_spirals_are_those_of_the_benchmark() -> None:
    """The first points are those printed by the original program, to its five decimals.

    Point i lies at radius 6.5 (104 - i) / 104 and angle i pi / 16; i = 8 is a quarter turn.
    """
    X, T = arrays(load("two-spirals"))
    assert X[:2].tolist() == [[0, 6.5], [0, -6.5]]
    assert np.allclose(X[2], [1.25588, 6.31373], atol=5e-5)
    assert np.allclose(X[16], [6, 0], atol=1e-12)  # i = 8: 6.5 * 96 / 104 = 6
    assert np.array_equal(X[::2], -X[1::2])
    assert T[:, 0].tolist() == [1, 0] * 97
    radii = np.hypot(*X[::2].T)
    assert np.allclose(np.diff(radii), -1 / 16)
    assert Perceptron(random_state=0).fit(X, T[:, 0]).score(X, T[:, 0]) < 0.7


def test_circles_are_two_rings_and_the_same_every_time() -> None:
    """The first numbers are fixed; neighbours tell the rings apart, a line does not."""
    X, T = arrays(load("circles"))
    again = DATASETS["circles"].build()
    assert np.array_equal(np.column_stack([again["x1"], again["x2"]]), X)
    assert X[0].tolist() == pytest.approx(FIRST_CIRCLE, abs=0)
    radii = np.hypot(*X.T)
    for ring, radius in ((0, 1.0), (1, 0.5)):
        assert abs(np.median(radii[T[:, 0] == ring]) - radius) < 0.03
    half = np.arange(400) < 200
    assert KNeighborsClassifier(5).fit(X[half], T[half, 0]).score(X[~half], T[~half, 0]) > 0.95
    assert Perceptron(random_state=0).fit(X, T[:, 0]).score(X, T[:, 0]) < 0.7


FIRST_CIRCLE = [-0.165729436, 0.913713962]


def test_an_unknown_set_is_answered_with_the_nearest() -> None:
    """All names are listed."""
    with pytest.raises(DataError, match=r"'irsi' \(did you mean 'iris'\?\); the sets are digits"):
        load("irsi")


def test_the_list_costs_no_import_of_scikit_learn() -> None:
    """Names and descriptions are known before anything heavy is imported."""
    code = (
        "import sys; from schuss.adapters.datasets import DATASETS; import schuss.adapters.tables, "
        "schuss.adapters.preprocessing, schuss.adapters.targets; "
        "heavy = {'sklearn', 'scipy', 'pandas', 'pyarrow'} & set(sys.modules); "
        "sys.exit(f'imported {heavy}' if heavy else 0)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)  # noqa: S603  # our own interpreter
