"""Surfaces of two weights: their slopes and bends are derivatives, and they are lowest where they say."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from comparisons import assert_near
from oracles import Array, central_differences
from schuss import Network, SettingError
from schuss.method import backprop
from schuss.method.surfaces import SURFACES, Surface
from schuss.method.surfaces.quadratic import quadratic

MADE = [*(make() for make in SURFACES.values()), quadratic(300.0, -75.0), quadratic(1.0, 12.0)]
DIFFERENCES = 2e-8  # of third derivatives of some hundreds, at steps of 6e-6
SMOOTH = [surface for surface in MADE if surface.name != "six-points"]  # whose formulas take complex numbers


def called(surface: Surface) -> str:
    return surface.words.replace(" ", "-")


def places(surface: Surface) -> Array:
    """Return points over the surface's window."""
    (x0, x1), (y0, y1) = surface.window
    return np.random.default_rng(7).uniform([x0, y0], [x1, y1], (12, 2))


def assert_slope(surface: Surface) -> None:
    for theta in places(surface):
        expected = central_differences(surface.loss, theta)
        assert_near(surface.gradient(theta).gradient, expected, DIFFERENCES, "slopes", least=1.0)


def assert_bend(surface: Surface) -> None:
    for theta in places(surface):
        found = np.stack([surface.curvature_product(theta, unit) for unit in np.eye(2)])
        columns = [
            central_differences(lambda at, i=i: surface.gradient(at).gradient[i], theta) for i in (0, 1)
        ]
        assert_near(found, np.stack(columns), DIFFERENCES, "bends", least=1.0)


@pytest.mark.parametrize("surface", MADE, ids=called)
def test_slope_and_bend_are_derivatives(surface: Surface) -> None:
    """Slopes against differences of the value, bends against differences of the slope."""
    assert_slope(surface)
    assert_bend(surface)


@pytest.mark.parametrize("surface", SMOOTH, ids=called)
def test_slopes_are_exact(surface: Surface) -> None:
    """Against the complex step, which takes no difference."""
    for theta in places(surface):
        steps = theta + 1e-30j * np.eye(2)
        expected = np.array([complex(surface.value(step)).imag / 1e-30 for step in steps])
        size = max(1.0, abs(surface.loss(theta)))
        assert_near(surface.gradient(theta).gradient, expected, 1e-13, "slopes", least=size)


def test_broken_twins_are_noticed() -> None:
    """A slope or a bend that is wrong in one term does not pass."""
    good = SURFACES["himmelblau"]()
    factor = np.array([1.0, 1.001])
    wrong_slope = replace(good, slope=lambda theta: good.slope(theta) * factor)
    wrong_bend = replace(good, bend=lambda theta: good.bend(theta) * (1 - 0.001 * np.eye(2)))

    assert_slope(good)
    with pytest.raises(AssertionError, match="slopes differ"):
        assert_slope(wrong_slope)
    with pytest.raises(AssertionError, match="bends differ"):
        assert_bend(wrong_bend)


@pytest.mark.parametrize("surface", SMOOTH, ids=called)
def test_minima_are_where_they_are_said_to_be(surface: Surface) -> None:
    """E is 0 there, the slope too, and both curvatures are positive; nowhere else is E lower."""
    assert surface.minima
    for minimum in map(np.array, surface.minima):
        assert surface.loss(minimum) < 1e-20
        assert np.abs(surface.gradient(minimum).gradient).max() < 1e-9
        assert np.linalg.eigvalsh(surface.bend(minimum)).min() > 0
    assert min(surface.loss(theta) for theta in places(surface)) > 0


def test_known_values() -> None:
    """Rosenbrock's start has 24.2, Himmelblau's middle 170, Beale's 14.203125."""
    assert SURFACES["rosenbrock"]().loss(np.array([-1.2, 1.0])) == pytest.approx(24.2, rel=1e-14)
    assert SURFACES["himmelblau"]().loss(np.zeros(2)) == 170.0
    assert SURFACES["beale"]().loss(np.zeros(2)) == 14.203125


@pytest.mark.parametrize(("condition", "rotation"), [(1.0, 0.0), (50.0, 30.0), (1e6, -100.0)])
def test_a_quadratic_has_the_curvatures_that_were_asked_for(condition: float, rotation: float) -> None:
    """1 along the valley, κ across it."""
    surface = quadratic(condition, rotation)
    angle = np.deg2rad(rotation)
    along = np.array([np.cos(angle), np.sin(angle)])

    assert np.linalg.eigvalsh(surface.bend(np.zeros(2))) == pytest.approx([1.0, condition], rel=1e-9)
    assert surface.curvature_product(np.zeros(2), along) == pytest.approx(along, abs=1e-9 * condition)


def test_the_six_points_are_a_network_on_its_data() -> None:
    """Value and slope are those of back-propagation, the loss is the mean without ½, to the last bit."""
    surface, theta = SURFACES["six-points"](), np.array([1.25, -0.5])
    X = np.array([(0.9, 0.3), (0.5, 0.3), (0.2, 0.1), (0.7, 0.5), (0.1, 0.8), (0.1, 0.9)])
    T = np.array([1.0, 1.0, 1.0, 0.0, 0.0, 0.0])
    network = Network([2, 1], "logistic", "mean_squared_error", output="logistic", biases=False)
    found = backprop.gradient(network, theta, X, T[:, None])
    y = 1 / (1 + np.exp(-X @ theta))

    assert surface.loss(theta) == found.loss
    assert (surface.gradient(theta).gradient == found.gradient).all()
    assert found.loss == pytest.approx(np.mean((T - y) ** 2), rel=1e-14)


@pytest.mark.parametrize("make", SURFACES.values(), ids=SURFACES.keys())
def test_the_dtype_stays(make: Callable[[], Surface]) -> None:
    """Slopes and products of float32 weights are float32, and near those of float64."""
    surface = make()
    for theta in places(surface):
        single = theta.astype(np.float32)
        found, vector = surface.gradient(single), np.array([1, -2], np.float32)
        assert found.gradient.dtype == surface.curvature_product(single, vector).dtype == np.float32
        expected = surface.gradient(single.astype(np.float64)).gradient
        assert_near(found.gradient, expected, 3e-5, "slopes", least=1.0)
    assert surface.matrices(single) == ()


@pytest.mark.parametrize("name", SURFACES)
def test_the_table_holds_what_its_key_says(name: str) -> None:
    """Name, words, formula; a start outside the goal; rules to race."""
    surface = SURFACES[name]()

    assert surface.name == name
    assert surface.words
    assert surface.formula
    assert surface.loss(np.array(surface.start)) > surface.goal > 0
    assert len(surface.racers) >= 5


def test_a_quadratic_refuses_what_is_none() -> None:
    """A condition below 1, and what is no number."""
    for condition in (0.5, float("nan"), -1.0, "50"):
        with pytest.raises(SettingError, match="condition must"):
            quadratic(condition)  # type: ignore[arg-type]  # on purpose
    with pytest.raises(SettingError, match="rotation must"):
        quadratic(10, float("inf"))
