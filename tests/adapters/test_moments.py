"""Mean and deviation of columns, to the bits of scikit-learn's scaler."""

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.preprocessing import StandardScaler

from schuss.adapters.moments import mean_and_deviation


def columns(seed: int) -> NDArray[np.float64]:
    """Return columns of all sizes: far from zero, with gaps, and of equal numbers but for their rounding."""
    draw = np.random.default_rng(seed)
    n, k = int(draw.integers(2, 400)), int(draw.integers(1, 8))
    X = draw.standard_normal((n, k)) * 10.0 ** draw.integers(-8, 9, k) + 10.0 ** draw.integers(-5, 9, k)
    if seed % 3 == 0:
        X[1:][draw.random((n - 1, k)) < 0.2] = np.nan
    if seed % 4 == 0:
        X[:, 0] = draw.standard_normal() * (1 + 1e-16 * draw.standard_normal(n))
    return X


def theirs(X: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    scaler = StandardScaler().fit(X)
    return scaler.mean_, scaler.scale_


@pytest.mark.parametrize("seed", range(60))
def test_both_are_those_of_scikit_learn(seed: int) -> None:
    """Every bit, also in rows that do not lie together."""
    for X in (columns(seed), np.asfortranarray(columns(seed))):
        for found, expected in zip(mean_and_deviation(X), theirs(X), strict=True):
            assert np.array_equal(found, expected)


def test_another_order_of_arithmetic_is_noticed() -> None:
    """The comparison rejects NumPy's own deviation, which differs in the last digits."""
    assert not all(
        np.array_equal(np.nanstd(columns(seed), axis=0), theirs(columns(seed))[1]) for seed in (1, 2)
    )


def test_equal_numbers_deviate_by_one() -> None:
    """So they can be divided by it; a single number does too, and gaps do not count."""
    mean, deviation = mean_and_deviation(np.array([[5.0, 0.1, np.nan], [5.0, 0.1, 7.0], [5.0, 0.1, np.nan]]))

    assert mean.tolist() == pytest.approx([5.0, 0.1, 7.0], rel=1e-15)
    assert deviation.tolist() == [1.0, 1.0, 1.0]
