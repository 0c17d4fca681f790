"""Online learning: `partial_fit` with one row goes a quick way, and nobody can tell but by the clock."""

from typing import Any

import numpy as np
import pytest
from by_hand import QUICK, classes, numbers, same_weights

from schuss import Cosine, MLPClassifier, MLPRegressor

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

ONE_ROW: list[dict[str, Any]] = [
    {},
    {"solver": "sgd"},
    {"solver": "sgd", "momentum": 0},
    {"weight_decay": 0.1},
    {"clip_norm": 0.1, "alpha": 1.0},
    {"solver": "sgd", "learning_rate_init": Cosine(0.1)},  # these go the whole way too
    {"solver": "sgd", "momentum": Cosine(0.9)},
    {"solver": "sgd", "learning_rate": "invscaling"},
    {"solver": "sgd", "learning_rate": "adaptive", "tol": 1.0},
    {"dropout": 0.5},
]


@pytest.mark.parametrize("kind", [MLPClassifier, MLPRegressor])
@pytest.mark.parametrize("how", ONE_ROW, ids=str)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_single_row_is_learned_the_quick_way_to_the_same_bits(
    kind: Any, how: dict[str, Any], dtype: str
) -> None:
    """A float array of one row skips checks; a list of one row goes the whole way; no one can tell."""
    X, y = classes(dtype=dtype) if kind is MLPClassifier else numbers(dtype=dtype)
    quick, slow, other = (kind(**QUICK, **how).fit(X, y) for _ in range(3))
    for i in range(6):
        quick.partial_fit(X[i : i + 1], y[i : i + 1])
        slow.partial_fit(X[i : i + 1].tolist(), y[i : i + 1])
        other.partial_fit(X[i : i + 1], y[i + 1 : i + 2])
    quick.partial_fit(X, y)  # many rows go on from there
    slow.partial_fit(X, y)

    assert same_weights(quick, slow)
    assert not same_weights(quick, other.partial_fit(X, y))
    for name in ("loss_curve_", "loss_", "best_loss_", "n_iter_", "t_"):
        assert getattr(quick, name) == getattr(slow, name), name
    np.testing.assert_array_equal(quick._memory.slots, slow._memory.slots)


CHANGED: list[dict[str, Any]] = [
    {"loss": "huber", "huber_delta": 0.01},
    {"activation": "tanh"},
    {"learning_rate_init": 0.1},
    {"solver": "adam"},
    {"alpha": 10.0},
]


@pytest.mark.parametrize("how", CHANGED, ids=str)
def test_parameters_set_between_rows_hold_from_the_next_row(how: dict[str, Any]) -> None:
    """The quick way notices them as the whole way does, at the first row and after some."""
    X, y = numbers()
    models = [MLPRegressor(**QUICK, solver="sgd").fit(X, y) for _ in range(4)]
    quick, slow, late, never = models
    for i in range(4):
        for model in models:
            if i == (2 if model is late else 0) and model is not never:
                model.set_params(**how)
            rows = X[i : i + 1].tolist() if model is slow else X[i : i + 1]
            model.partial_fit(rows, y[i : i + 1])
    assert same_weights(quick, slow)
    assert not same_weights(late, quick)
    assert not same_weights(late, never)
    with pytest.raises(ValueError, match="Fit without warm_start"):
        quick.set_params(hidden_layer_sizes=(7,)).partial_fit(X[:1], y[:1])
