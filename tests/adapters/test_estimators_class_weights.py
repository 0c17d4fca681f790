"""Class weights: the same as sample weights, in `fit` and in `partial_fit`."""

import numpy as np
import pytest
from by_hand import QUICK, classes, real, same_weights

from schuss import MLPClassifier

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("focal", [False, True])
def test_class_weights_are_sample_weights(n_classes: int, focal: bool) -> None:
    """A dict, one with classes left out, "balanced", n/(k·count); they multiply with the caller's weights."""
    X, y = (values[20:] for values in classes(n_classes))
    own = np.random.default_rng(0).uniform(0.5, 2.0, len(y))
    balanced = len(y) / (n_classes * np.bincount(y))
    loss = {"loss": "focal"} if focal else {}
    plain = MLPClassifier(**QUICK, **loss)

    for given, weights in (
        ({0: 3.0, 1: 0.5, 2: 1.0}, np.array([3.0, 0.5, 1.0])),
        ({1: 5.0}, np.array([1.0, 5.0, 1.0])),
        ("balanced", balanced),
    ):
        weighted = MLPClassifier(**QUICK, **loss, class_weight=given)
        assert same_weights(weighted.fit(X, y), plain.fit(X, y, sample_weight=weights[y]))
        assert not same_weights(weighted, plain.fit(X, y))
        both = weighted.fit(X, y, sample_weight=own)
        assert same_weights(both, plain.fit(X, y, sample_weight=own * weights[y]))


def test_class_weights_count_in_partial_fit() -> None:
    """A dict is known there too, also on a part of the data in which a class is missing."""
    X, y = classes()
    part = y != 2
    weighted = MLPClassifier(**QUICK, class_weight={1: 4.0, 2: 9.0}).fit(X, y)
    plain = MLPClassifier(**QUICK).fit(X, y, sample_weight=np.array([1.0, 4.0, 9.0])[y])
    weighted.partial_fit(X[part], y[part])
    assert not same_weights(weighted, plain)
    assert same_weights(
        weighted, plain.partial_fit(X[part], y[part], sample_weight=np.array([1.0, 4.0])[y[part]])
    )


def test_a_rare_class_is_found_where_classes_are_balanced() -> None:
    """Of seven tumours among benign ones more are found with "balanced" than without."""
    X, y = real("breast_cancer")
    rows = np.r_[np.flatnonzero(y == 1), np.flatnonzero(y == 0)[30:37]]
    X, y = X[rows, :3], y[rows]
    even, plain = (
        MLPClassifier((), max_iter=300, learning_rate_init=0.02, random_state=0, class_weight=w).fit(X, y)
        for w in ("balanced", None)
    )
    found, missed = ((model.predict(X) == 0)[y == 0].mean() for model in (even, plain))
    assert found > missed + 0.2
