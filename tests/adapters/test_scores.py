"""The scores are the textbook's, computed here by hand, and scikit-learn's to the last bit."""

import math

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn import metrics

from schuss.adapters.scores import scores_of
from schuss.adapters.tables import read_table
from schuss.adapters.targets import Target

TABLE = read_table(
    {
        "kind": ["a", "b", "c", "a"],
        "flag": ["yes", "no", "no", "yes"],
        "other": ["no", "no", "yes", "yes"],
        "size": [1.0, 2.5, 4.0, 8.5],
    }
)


def test_classes_are_scored_by_accuracy_and_log_loss() -> None:
    """Three of four right; the log loss is the mean of −log p of the true class."""
    y = np.array([[0.7, 0.2, 0.1], [0.1, 0.8, 0.1], [0.5, 0.3, 0.2], [0.6, 0.3, 0.1]])
    scores = scores_of([Target.fit(TABLE.column("kind"))], y, TABLE)

    assert scores["accuracy"] == 0.75
    expected = -np.mean([math.log(p) for p in (0.7, 0.8, 0.2, 0.6)])
    assert scores["log_loss"] == pytest.approx(expected)


def test_two_classes_are_scored_from_one_output() -> None:
    """The output is the probability of the second class: yes."""
    y = np.array([[0.9], [0.2], [0.6], [0.7]])
    scores = scores_of([Target.fit(TABLE.column("flag"))], y, TABLE)

    assert scores["accuracy"] == 0.75
    expected = -np.mean([math.log(p) for p in (0.9, 0.8, 0.4, 0.7)])
    assert scores["log_loss"] == pytest.approx(expected)


def test_several_answers_must_all_be_right() -> None:
    """A row counts if each of its targets is right; losses add up."""
    targets = [Target.fit(TABLE.column(name)) for name in ("flag", "other")]
    y = np.array([[0.9, 0.1], [0.2, 0.3], [0.6, 0.8], [0.7, 0.4]])
    scores = scores_of(targets, y, TABLE)

    assert scores["accuracy"] == 0.5
    rows = [(0.9, 0.9), (0.8, 0.7), (0.4, 0.8), (0.7, 0.4)]
    assert scores["log_loss"] == pytest.approx(-np.mean([math.log(p * q) for p, q in rows]))


def test_numbers_are_scored_in_their_own_unit() -> None:
    """RMSE and the mean absolute error undo the standardising; R² compares with the mean."""
    target = Target.fit(TABLE.column("size"))
    truth, told = np.array([1.0, 2.5, 4.0, 8.5]), np.array([1.5, 2.0, 5.0, 8.0])
    scores = scores_of([target], ((told - target.mean) / target.scale)[:, None], TABLE)

    assert scores["rmse"] == pytest.approx(math.sqrt(np.mean((told - truth) ** 2)))
    assert scores["mae"] == pytest.approx(np.mean(np.abs(told - truth)))
    spread = ((truth - truth.mean()) ** 2).sum()
    assert scores["r2"] == pytest.approx(1 - ((told - truth) ** 2).sum() / spread)


def test_one_row_has_no_r2() -> None:
    """A single number has no spread to compare with; the other scores stand."""
    target = Target.fit(TABLE.column("size"))
    scores = scores_of([target], np.zeros((1, 1)), TABLE.take(np.array([1])))

    assert set(scores) == {"rmse", "mae"}
    assert scores["mae"] == pytest.approx(abs(target.mean - 2.5))


@pytest.mark.parametrize("p", [0.0, 1.0])
def test_certainty_in_the_wrong_is_a_finite_loss(p: float) -> None:
    """A probability of exactly 0 for what happened does not make the score infinite."""
    for name, y in (("flag", np.full((4, 1), p)), ("kind", np.eye(3)[[0, 0, 0, 0]])):
        scores = scores_of([Target.fit(TABLE.column(name))], y, TABLE)
        assert math.isfinite(scores["log_loss"])
        assert scores["log_loss"] > 5


def drawn_classes(seed: int) -> tuple[NDArray[np.float32], list[str]]:
    """Return probabilities of four classes, some of them 0 or 1, and true labels."""
    draw = np.random.default_rng(seed)
    y = draw.dirichlet(np.full(4, 10.0 ** -(seed % 3)), 80).astype(np.float32)
    return y, [f"c{code}" for code in [0, 1, 2, 3, *draw.integers(0, 4, 76)]]


@pytest.mark.parametrize("seed", range(12))
def test_scores_of_classes_are_those_of_scikit_learn(seed: int) -> None:
    """Every bit; the comparison rejects probabilities of the classes in another order."""
    y, labels = drawn_classes(seed)
    table = read_table({"kind": labels})
    scores = scores_of([Target.fit(table.column("kind"))], y, table)
    exact = y.astype(np.float64) / y.astype(np.float64).sum(axis=1, keepdims=True)
    told = [f"c{code}" for code in y.argmax(axis=1)]

    assert scores["accuracy"] == metrics.accuracy_score(labels, told)
    assert scores["log_loss"] == metrics.log_loss(labels, exact, labels=["c0", "c1", "c2", "c3"])
    assert scores["log_loss"] != metrics.log_loss(labels, exact[:, ::-1], labels=["c0", "c1", "c2", "c3"])


@pytest.mark.parametrize("seed", range(12))
def test_scores_of_numbers_are_those_of_scikit_learn(seed: int) -> None:
    """Every bit, for one target and two; the comparison rejects predictions and truth exchanged."""
    draw = np.random.default_rng(seed)
    table = read_table({"a": draw.standard_normal(50) * 5, "b": draw.standard_normal(50) + 9})
    targets = [Target.fit(table.column(name), "regression") for name in ("a", "b")][: 1 + seed % 2]
    y = draw.standard_normal((50, len(targets))).astype(np.float32)
    scores = scores_of(targets, y, table)
    truth = np.column_stack([target.encode(table.column(target.name)) for target in targets])
    mean, scale = ([getattr(target, name) for target in targets] for name in ("mean", "scale"))
    told, true = y * np.array(scale) + mean, truth * np.array(scale) + mean

    assert scores["r2"] == metrics.r2_score(true, told)
    assert scores["rmse"] == metrics.root_mean_squared_error(true, told)
    assert scores["mae"] == metrics.mean_absolute_error(true, told)
    assert scores["r2"] != metrics.r2_score(told, true)


def test_a_truth_that_never_varies_has_the_r2_of_scikit_learn() -> None:
    """1 where every prediction is right, else 0."""
    target, table = Target.fit(TABLE.column("size")), TABLE.take(np.array([1, 1]))
    standard = target.encode(table.column("size"))[:, None]

    assert scores_of([target], standard, table)["r2"] == metrics.r2_score([2.5, 2.5], [2.5, 2.5]) == 1
    assert scores_of([target], standard + 1, table)["r2"] == metrics.r2_score([2.5, 2.5], [3.5, 3.5]) == 0
