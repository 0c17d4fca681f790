"""Theory over the map: its curves against the eigenvalues of the rules themselves; and the curvature."""

import numpy as np
import pytest

from engines import ALL, make_engine
from schuss import Adam, GradientDescent, Momentum, Nesterov, Network, Plan
from schuss.insight.stability_map.bounds import CRITICAL, LARGEST_STABLE, bounds_of
from schuss.insight.stability_map.sharpness import Sharpness, _largest, sharpness, whole
from schuss.method.samples import Samples

MOMENTA = np.array([0.0, 0.1, 0.5, 0.75, 0.9, 0.99])
RULES = [Momentum, Nesterov]
HAIR = 1e-6


def step_matrix(rule: type, x: float, momentum: float) -> np.ndarray:
    """Return what a step of the rule does to (w, velocity) on the loss ½·w², as a matrix: x is α."""
    columns = []
    for w, v in ((1.0, 0.0), (0.0, 1.0)):
        theta, memory = rule().update(np.array([w]), np.array([[v]]), np.array([w]), (x, momentum))
        columns.append([theta[0], memory[0, 0]])
    return np.array(columns).T


def radius(matrix: np.ndarray) -> float:
    return float(np.abs(np.linalg.eigvals(matrix)).max())


@pytest.mark.parametrize("momentum", MOMENTA)
@pytest.mark.parametrize("rule", RULES)
def test_the_largest_stable_rate_is_that_of_the_rule_itself(rule: type, momentum: float) -> None:
    """Just below, the rule's own step matrix shrinks; just above, it grows. 2 for all does not fit."""
    _, curve = LARGEST_STABLE[rule.name]
    edge = float(curve(np.array([momentum]))[0])

    assert radius(step_matrix(rule, edge * (1 - HAIR), momentum)) < 1
    assert radius(step_matrix(rule, edge * (1 + HAIR), momentum)) > 1
    if momentum:
        assert (radius(step_matrix(rule, 2.0 * (1 + HAIR), momentum)) > 1) == (rule is Nesterov)
        assert abs(edge - 2.0) > 0.1


@pytest.mark.parametrize("momentum", MOMENTA[1:])
@pytest.mark.parametrize("rule", RULES)
def test_critical_damping_is_where_the_roots_meet(rule: type, momentum: float) -> None:
    """Below it the roots are real, above it they are not, and nowhere is the radius smaller."""
    _, curve = CRITICAL[rule.name]
    x = float(curve(np.array([momentum]))[0])
    below, above = (np.linalg.eigvals(step_matrix(rule, x * by, momentum)) for by in (1 - 1e-4, 1 + 1e-4))
    best = radius(step_matrix(rule, x, momentum))

    assert np.isrealobj(below)
    assert np.iscomplexobj(above)
    assert best <= min(radius(step_matrix(rule, x * by, momentum)) for by in (0.9, 0.99)) + 1e-6


@pytest.mark.parametrize("momentum", MOMENTA)
@pytest.mark.parametrize("spread", [0.3, 1.0, 3.0])
def test_the_bound_of_small_batches_is_that_of_second_moments(momentum: float, spread: float) -> None:
    """At it, the matrix that carries E[w², wv, v²] from step to step has radius 1, to 1e-9."""
    mean = 2.0
    *_, bound = bounds_of(Momentum(), Sharpness(5.0, mean, spread, 64))
    alpha = float(bound.at(np.array([momentum]))[0])

    def moments(rate: float) -> np.ndarray:
        fixed = np.kron(*[step_matrix(Momentum, rate * mean, momentum)] * 2)
        varying = np.kron(*[np.array([[-rate, 0.0], [-rate, 0.0]]) * spread] * 2)
        return fixed + varying

    assert bound.name == "small batches"
    assert radius(moments(alpha)) == pytest.approx(1.0, abs=1e-9)
    assert radius(moments(alpha * 0.99)) < 1 < radius(moments(alpha * 1.01))


def test_the_number_of_the_literature() -> None:
    """η = .9 and αh = .01: α·E[λ²]/E[λ] may be .2094736842."""
    momentum, mean = 0.9, 1.0
    spread = np.sqrt(0.2094736842 / 0.01 - 1)
    *_, bound = bounds_of(Momentum(), Sharpness(1.0, mean, spread, 64))

    assert bound.at(np.array([momentum])) == pytest.approx(0.01, rel=1e-9)


def test_which_curves_a_rule_has() -> None:
    """The largest stable rate first; none without curvature, none where theory is silent."""
    flat, rough = Sharpness(2.0, 2.0, 0.0, 1), Sharpness(2.0, 2.0, 0.5, 64)

    def names(rule: object, sharpness: Sharpness | None) -> list[str]:
        return [bound.name for bound in bounds_of(rule, sharpness)]

    three = ["largest stable rate", "gradient descent", "critical damping"]
    assert names(Momentum(), flat) == names(Nesterov(), rough) == three
    assert names(Momentum(), rough) == [*three, "small batches"]
    assert names(Momentum(), None) == names(Adam(), flat) == names(GradientDescent(), flat) == []
    assert bounds_of(Momentum(), flat)[0].at(np.array([0.5])) == pytest.approx(1.5)


def linear(n: int = 40) -> tuple[Network, Samples, np.ndarray]:
    """Return a linear network, samples, and the Hessian of its ½·mean squared error."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((n, 3)) * [1.0, 2.0, 0.5]
    network = Network([3, 1])
    inputs = np.column_stack([X, np.ones(n)])
    return network, Samples.check(network, X, rng.standard_normal((n, 1))), inputs.T @ inputs / n


@pytest.mark.parametrize("engine", ALL)
@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_the_largest_curvature_of_a_linear_network(engine: str, reduction: str) -> None:
    """Is that of XᵀX; of batches' sums, as many times larger as a batch has samples."""
    network, samples, hessian = linear()
    plan = Plan(batch_size=10, reduction=reduction, l2=0.3)
    found = sharpness(make_engine(engine), network, network.initial(0), samples, plan)
    scale = 10 if reduction == "sum" else 1
    penalty = np.diag([0.3, 0.3, 0.3, 0.0]) / (1 if reduction == "sum" else 10)
    expected = np.linalg.eigvalsh(hessian * scale + penalty)[-1]

    assert found is not None
    assert found.largest == pytest.approx(expected, rel=1e-4)
    assert found.mean == pytest.approx(expected, rel=0.1)  # of 64 batches that together are not quite all
    assert found.batches == 64
    assert found.spread > 0
    assert abs(np.linalg.eigvalsh(hessian * scale)[-1] / expected - 1) > 1e-3


def test_curvature_of_a_whole_batch_has_no_spread() -> None:
    """There is one batch, and its curvature is the mean."""
    network, samples, _ = linear()
    found = sharpness(make_engine(ALL[-1]), network, network.initial(0), samples, Plan(batch_size=None))

    assert (found.spread, found.batches) == (0.0, 1)
    assert found.mean == pytest.approx(found.largest, rel=1e-4)


def test_the_largest_is_not_the_largest_in_size() -> None:
    """Of −5, 3 and 1 it is 3; of −5 and −1 it is −1, and then there is no bound."""
    for diagonal, expected in (((-5.0, 3.0, 1.0), 3.0), ((-5.0, -1.0), -1.0), ((2.0, 4.0), 4.0)):
        value, direction = _largest(np.diag(diagonal).__matmul__, len(diagonal))
        assert value == pytest.approx(expected, rel=1e-4)
        assert abs(direction[diagonal.index(expected)]) > 0.99


def test_all_samples_as_one_batch_have_the_loss_of_the_batches() -> None:
    """Penalties included, whichever the reduction, where all batches are whole."""
    network, samples, _ = linear()
    engine, theta = make_engine("reference"), network.initial(3)
    for reduction in ("mean", "sum"):
        plan = Plan(batch_size=10, reduction=reduction, l2=0.4, l1=0.2)
        parts = [samples.take(plan.batch(step, 40)) for step in range(4)]
        batches = [engine.gradient(network, theta, part, plan.objective).loss for part in parts]
        objective, factor = whole(plan, 40)
        loss = factor * engine.gradient(network, theta, samples, objective).loss
        assert loss == pytest.approx(np.mean(batches), rel=1e-12)
