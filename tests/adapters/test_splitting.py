"""Which rows are kept for testing: seeded, disjoint, complete, with the classes' shares."""

import numpy as np
import pytest
from sklearn.model_selection import train_test_split

from schuss import SettingError
from schuss.adapters import splitting
from schuss.adapters.columns import Table
from schuss.adapters.splitting import split_rows
from schuss.adapters.tables import read_table
from schuss.adapters.targets import Target


def table_of(labels: list[str]) -> tuple[Table, list[Target]]:
    table = read_table({"x": list(range(len(labels))), "y": labels})
    return table, [Target.fit(table.column("y"))]


def numbers(n: int) -> tuple[Table, list[Target]]:
    table = read_table({"x": list(range(n)), "y": np.linspace(0, 1, n).tolist()})
    return table, [Target.fit(table.column("y"), "regression")]


@pytest.mark.parametrize("share", [0.1, 0.2, 0.5, 0.9])
@pytest.mark.parametrize("n", [50, 101])
def test_the_two_parts_are_disjoint_and_complete(n: int, share: float) -> None:
    """Every row is on one side, in the table's order, and the test's share is as asked."""
    fit, test = split_rows(*numbers(n), share, 0)

    assert sorted([*fit, *test]) == list(range(n))
    assert len(test) == round(share * n)
    assert fit.tolist() == sorted(fit)
    assert test.tolist() == sorted(test)


def test_the_seed_decides_the_rows() -> None:
    """The same seed gives the same rows; seeds of 64 bits are allowed."""
    draws = [split_rows(*numbers(60), 0.2, seed)[1].tolist() for seed in (0, 0, 1, 2**63)]

    assert draws[0] == draws[1] != draws[2]
    assert len(draws[3]) == 12


def test_by_default_small_tables_keep_no_rows() -> None:
    """Below 50 rows all are trained on; from there a fifth is kept."""
    assert [len(split_rows(*numbers(n), None, 0)[1]) for n in (2, 49, 50, 100)] == [0, 0, 10, 20]
    assert len(split_rows(*numbers(100), 0.0, 0)[1]) == 0


def test_classes_keep_their_shares() -> None:
    """A class of a tenth of the rows is a tenth of the test rows, for every seed."""
    labels = ["rare"] * 10 + ["common"] * 90
    for seed in range(20):
        _, test = split_rows(*table_of(labels), 0.2, seed)
        assert sum(row < 10 for row in test) == 2


def theirs(labels: list[str], n_test: int, seed: int) -> list[list[int]]:
    """Return the rows of both parts as scikit-learn draws them."""
    parts = train_test_split(
        np.arange(len(labels)), test_size=n_test, random_state=seed % 2**32, stratify=labels
    )
    return [sorted(part.tolist()) for part in parts]


def draws(seed: int) -> tuple[list[str], float]:
    """Return labels of a few classes, each of two rows or more, and a share to test on."""
    draw = np.random.default_rng(seed)
    k = int(draw.integers(2, 9))
    shares = draw.dirichlet(np.full(k, draw.choice([0.3, 1, 20])))
    codes = [*range(k), *range(k), *draw.choice(k, int(draw.integers(30, 200)), p=shares)]
    return [f"c{code}" for code in draw.permutation(codes)], float(draw.uniform(0.3, 0.7))


@pytest.mark.parametrize("seed", [*range(40), 2**32 - 1, 2**63 + 5])
def test_the_rows_are_those_of_scikit_learn(seed: int) -> None:
    """With classes that keep their shares, and without; so a run finds its rows again whoever drew them."""
    labels, share = draws(seed)
    fit, test = split_rows(*table_of(labels), share, seed)
    assert [fit.tolist(), test.tolist()] == theirs(labels, len(test), seed)

    fit, test = split_rows(*numbers(len(labels)), share, seed)
    rows = train_test_split(np.arange(len(labels)), test_size=len(test), random_state=seed % 2**32)
    assert [fit.tolist(), test.tolist()] == [sorted(part.tolist()) for part in rows]


def test_ties_that_are_not_drawn_by_lot_are_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The comparison rejects a split that gives what is left over to the first classes."""

    def first_classes(counts: np.ndarray, n: int, _draw: np.random.RandomState) -> np.ndarray:
        given = counts * n // counts.sum()
        given[: n - given.sum()] += 1
        return given

    labels = [f"c{i % 4}" for i in range(60)]
    assert [rows.tolist() for rows in split_rows(*table_of(labels), 0.3, 0)] == theirs(labels, 18, 0)
    monkeypatch.setattr(splitting, "_apportioned", first_classes)
    assert [rows.tolist() for rows in split_rows(*table_of(labels), 0.3, 0)] != theirs(labels, 18, 0)


@pytest.mark.parametrize(
    "labels",
    [["lonely"] + ["a", "b"] * 30, [f"c{i % 25}" for i in range(60)]],
    ids=["a class of one row", "more classes than test rows"],
)
def test_classes_too_small_to_share_are_split_all_the_same(labels: list[str]) -> None:
    """The split is then made without regard to them."""
    fit, test = split_rows(*table_of(labels), 0.2, 0)

    assert len(test) == round(0.2 * len(labels))
    assert not set(fit) & set(test)


@pytest.mark.parametrize("share", [1.0, 0.999, 0.001])
def test_a_share_that_leaves_a_side_empty_is_refused(share: float) -> None:
    """Both numbers of rows are told."""
    with pytest.raises(SettingError, match=r"of 60 rows leaves \d+ to train on and \d+ to test on"):
        split_rows(*numbers(60), share, 0)


@pytest.mark.parametrize("share", [-0.1, 1.1, float("nan"), float("inf")])
def test_a_share_outside_zero_to_one_is_refused(share: float) -> None:
    """With what is allowed."""
    with pytest.raises(SettingError, match=r"test_size must lie in \[0, 1\]"):
        split_rows(*numbers(60), share, 0)
