"""Newton's rule: where it arrives at once, when it raises its ridge, and what it refuses."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from plain_network import PlainNetwork
from problems import NETWORK, draw_data
from schuss.errors import SettingError
from schuss.method.backprop import Gradient
from schuss.method.rules import Newton
from schuss.method.rules.rule import first_memory
from schuss.method.surfaces import SURFACES
from surfaces import Quadratic, descend

BOWL = Quadratic((0.02, 0.1, 0.3, 0.7, 1.0, 1.9))


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    """Let no threads wait for each other over matrices this small."""
    with threadpool_limits(1):
        yield


def test_newton_needs_one_step_on_a_quadratic():
    """Without a ridge; with one it does not arrive."""
    thetas, _ = descend(Newton(ridge=0.0), BOWL, BOWL.start, 1)
    assert np.abs(thetas[1]).max() < 1e-12
    thetas, _ = descend(Newton(ridge=0.1), BOWL, BOWL.start, 1)
    assert np.abs(thetas[1]).max() > 1e-3


def test_newton_names_the_size_that_it_can_do():
    """Before the first step, and what else there is."""
    assert first_memory(Newton(), np.zeros(1000)).shape == (4, 1000)
    with pytest.raises(SettingError, match=r"at most 1,000 weights.*1,001.*conjugate_gradients"):
        first_memory(Newton(), np.zeros(1001))


@pytest.mark.parametrize("lowest", [0.0, -0.5])
def test_newton_asks_for_a_ridge_where_there_is_no_way_down(lowest):
    """A valley that is flat along one direction, and a saddle."""
    valley = Quadratic((0.0, 1.0))
    valley.H = np.diag([lowest, 1.0])
    with pytest.raises(SettingError, match=f"lowest curvature is {lowest:.3g}.*ridge above 0"):
        descend(Newton(ridge=0.0), valley, valley.start, 1)


class OfNetwork:
    """A network's loss, by hand; of the place that was asked for last it keeps the Hessian."""

    def __init__(self) -> None:
        self.plain = PlainNetwork(*draw_data(), hidden=7)
        self.loss = self.plain.loss
        self.at: Any = None

    def gradient(self, theta: Any) -> Gradient:
        return Gradient(float(self.loss(theta)), self.plain.gradient(theta))

    def curvature_product(self, theta: Any, vector: Any) -> Any:
        if self.at is not theta:
            self.at, self.bent = theta, self.plain.hessian(theta)
        return self.bent @ vector


class Trusting(Newton):
    """Newton that never asks whether the loss is higher after a step."""

    def step(self, land, theta, memory, rates):
        return super().step(Flattering(land), theta, memory, rates)


class Flattering:
    """A landscape whose loss is low wherever it is asked for by itself."""

    def __init__(self, land: Any) -> None:
        self.gradient, self.curvature_product = land.gradient, land.curvature_product

    def loss(self, theta: Any) -> float:  # noqa: ARG002  # as Landscape has it
        return -1.0


@pytest.mark.parametrize("seed", range(3))
def test_newtons_default_is_safe_on_a_network(seed):
    """A hundred full steps never raise the loss, and leave a hundredth of it; unasked, they run away."""
    land, start = OfNetwork(), NETWORK.initial(seed, "float64")
    losses = [land.loss(theta) for theta in descend(Newton(), land, start, 100)[0]]
    assert np.diff(losses).max() <= 1e-15
    assert losses[-1] < 0.01 * losses[0]
    trusting = [land.loss(theta) for theta in descend(Trusting(), land, start, 100)[0]]
    assert max(trusting) > 100 * trusting[0]


def test_newtons_ridge_goes_up_tenfold_and_down_by_steps():
    """On Rosenbrock's valley it is raised where a full step would climb, and comes down to what was given."""
    valley = SURFACES["rosenbrock"]()
    thetas, memories = descend(Newton(ridge=0.01), valley, np.array([-1.2, 1.0]), 30)
    ridges = memories[1:, 3, 0]
    assert ridges[-1] == 0.01 < ridges.max()
    np.testing.assert_allclose(np.log10(ridges) % 1, np.log10(0.01) % 1, atol=1e-9)
    assert (np.diff(np.log10(ridges)) > -1.5).all()
    assert (np.diff([valley.loss(theta) for theta in thetas]) <= 0).all()
    np.testing.assert_allclose(thetas[-1], 1.0, atol=1e-6)
    quadratic = descend(Newton(), BOWL, BOWL.start, 5)[1]
    assert (quadratic[1:, 3] == 0.01).all()


def test_newton_says_by_its_step_that_a_hessian_is_not_finite():
    """The weights are not finite either, and the training says that it diverged."""
    steep = Quadratic((1.0, 1.0))
    steep.curvature_product = lambda theta, vector: np.full(2, np.inf)  # noqa: ARG005  # as Landscape has it
    thetas, _ = descend(Newton(), steep, np.array([1.0, 1.0]), 1)
    assert not np.isfinite(thetas[1]).any()
    thetas, _ = descend(Newton(), BOWL, BOWL.start, 1)
    assert np.isfinite(thetas[1]).all()


def test_newton_leaves_a_saddle():
    """The ridge is raised, so that each step leads downhill; one that is large enough stays as it is."""
    saddle = Quadratic((0.0, 1.0))
    saddle.H, saddle.start = np.diag([-0.5, 1.0]), np.array([0.1, 1.0])
    thetas, _ = descend(Newton(ridge=0.1), saddle, saddle.start, 5)
    assert (np.diff([saddle.loss(theta) for theta in thetas]) < 0).all()
    np.testing.assert_allclose(thetas[1], saddle.start * [1 + 0.5 / 0.1, 1 - 1 / 1.6])
    thetas, _ = descend(Newton(ridge=0.7), saddle, saddle.start, 1)
    np.testing.assert_allclose(thetas[1], saddle.start * [1 + 0.5 / 0.2, 1 - 1 / 1.7])
