"""The two steps worked by hand in worked_example.py, number by number, on the mathematics itself."""

import numpy as np
import pytest

import worked_example as by_hand
from schuss.method import backprop
from schuss.method.rules import Momentum

LAST_DIGITS = 1e-14  # the literals have sixteen digits


def flat(per_layer: list[np.ndarray]) -> np.ndarray:
    return np.concatenate([layer.ravel() for layer in per_layer])


@pytest.mark.parametrize("step", [0, 1])
def test_every_intermediate_number(step):
    """x_j, y_j, δ_j, E and Δw_kj of each step equal the ones worked by hand."""
    theta = by_hand.START + by_hand.CHANGES[:step].sum(axis=0)
    velocity = by_hand.CHANGES[step - 1] if step else np.zeros(9)
    X, T = by_hand.X[[step]], by_hand.T[[step]]

    trace = backprop.forward(by_hand.NETWORK, theta, X)
    np.testing.assert_allclose(flat(trace.x[1:]), by_hand.NET_INPUTS[step], rtol=LAST_DIGITS)
    np.testing.assert_allclose(flat(trace.y[1:]), by_hand.OUTPUTS[step], rtol=LAST_DIGITS)
    deltas = backprop.error_signals(by_hand.NETWORK, theta, trace, T)
    np.testing.assert_allclose(flat(deltas), by_hand.DELTAS[step], rtol=LAST_DIGITS)

    found = backprop.gradient(by_hand.NETWORK, theta, X, T)
    assert found.loss == pytest.approx(by_hand.LOSSES[step], rel=LAST_DIGITS)
    _, memory = Momentum(0.5, 0.9).update(theta, velocity[None], found.gradient, (0.5, 0.9))
    np.testing.assert_allclose(memory[0], by_hand.CHANGES[step], rtol=1e-13)


def test_the_changes_lead_from_start_to_end():
    """Start plus the two changes is the end: the literals agree among themselves."""
    np.testing.assert_allclose(by_hand.START + by_hand.CHANGES.sum(axis=0), by_hand.END, rtol=1e-15)


def test_the_second_step_shows_the_memory():
    """Without the momentum term, step 1 would change v_1 eighteen times as much."""
    push = 0.5 * by_hand.DELTAS[1][2] * by_hand.OUTPUTS[1][0]
    assert push + 0.9 * by_hand.CHANGES[0, 6] == pytest.approx(by_hand.CHANGES[1, 6], rel=1e-12)
    assert push / by_hand.CHANGES[1, 6] > 18
