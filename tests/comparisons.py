"""How two results are compared, one place for each kind, so that a broken twin meets the same judge."""

import numpy as np

from oracles import Array
from schuss.method.backprop import Gradient
from schuss.method.state import State

__all__ = ["TOLERANCE", "assert_gradient", "assert_near", "assert_same_bits", "assert_states_near"]

# Relative to the largest element. A sum of some dozen rounded terms errs by a few ε of that size
# (ε = 1.1e−16 and 6e−8), and a layer more multiplies it by a weight or two: a hundredfold is
# ample, and a wrong formula misses by a tenth or more.
TOLERANCE = {"float64": 2e-14, "float32": 3e-6}


def assert_near(
    actual: Array, expected: Array, tolerance: float, what: str = "values", least: float = 1e-300
) -> None:
    """Fail unless `actual` differs from `expected` by at most `tolerance` of the largest element.

    Where terms cancel, the result is smaller than they were but its rounding is not: `least` is the
    size of the terms.
    """
    assert actual.shape == expected.shape, f"{what}: {actual.shape} against {expected.shape}"
    size = max(float(np.abs(expected).max(initial=0.0)), least)
    worst = float(np.abs(actual - expected).max(initial=0.0)) / size
    assert worst <= tolerance, f"{what} differ by {worst:.3g} of the largest, {tolerance:g} allowed"


def assert_gradient(found: Gradient, expected: tuple[float, Array], tolerance: float | None = None) -> None:
    """Fail unless loss and gradient agree with an oracle's."""
    if tolerance is None:
        tolerance = TOLERANCE[found.gradient.dtype.name]
    assert_near(np.array([found.loss]), np.array([expected[0]]), tolerance, "losses")
    assert_near(found.gradient, expected[1], tolerance, "gradients")


def assert_same_bits(a: State, b: State) -> None:
    """Fail unless two states are equal to the last bit, step and dtype included."""
    assert a.step == b.step
    differing = int((a.theta != b.theta).sum())
    assert a.digest() == b.digest(), f"{differing} of {a.theta.size} weights differ"


def assert_states_near(a: State, b: State, tolerance: float) -> None:
    """Fail unless weights and memory of two states agree within `tolerance` of the largest."""
    assert a.step == b.step
    assert_near(a.theta, b.theta, tolerance, "weights")
    for mine, other in zip(a.memory, b.memory, strict=True):
        # a velocity is the learning rate, 0.001 or more in these tests, times terms of order 1
        assert_near(mine, other, tolerance, "memory", least=1e-3)
