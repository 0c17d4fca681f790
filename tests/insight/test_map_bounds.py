"""Theory over the map: its curves against the eigenvalues of the rules themselves; and the curvature."""

import re
from dataclasses import replace

import numpy as np
import pytest

from engines import ALL, make_engine
from schuss import Adam, AveragedMomentum, Lookahead, Momentum, Network, Plan
from schuss.insight.curvature.batches import BatchCurvature
from schuss.insight.curvature.noise_scale import batches_apart
from schuss.insight.curvature.stability import comparable
from schuss.insight.curvature.surface import Surface
from schuss.insight.stability_map.bounds import FORMULAS, Bound, bounds_of
from schuss.insight.stability_map.sharpness import SEED, Sharpness, sharpness
from schuss.method.rules import ELEMENT_WISE, RULES, QuasiHyperbolic, Rule
from schuss.method.samples import Samples
from schuss.method.schedules import Cosine, Span

MOMENTA = np.array([0.0, 0.1, 0.5, 0.75, 0.9, 0.99])
LINEAR = [kind for kind in ELEMENT_WISE if kind.keeps_by and comparable(kind())]
FLAT, ROUGH = Sharpness(2.5, None), Sharpness(2.5, BatchCurvature(2.0, 1.5, 64))
HAIR = 1e-6


def step_matrix(kind: type, rate: float, momentum: float, curvature: float) -> np.ndarray:
    """Return what a late step of the rule does to (w, memory) on the loss ½·λ·w², as a matrix."""
    rule = kind(**{"learning_rate": rate, kind.keeps_by: momentum})
    rates = rule.at(np.array([1000]), Span(2000, 1, 1))[0].tolist()
    theta, *memory = np.eye(1 + len(rule.memory))
    after, kept = rule.update(theta, np.array(memory), curvature * theta, rates)
    return np.vstack([after, *kept])


def largest_root(matrix: np.ndarray) -> complex:
    return max(np.linalg.eigvals(matrix).tolist(), key=abs)


def radius(matrix: np.ndarray) -> float:
    return abs(largest_root(matrix))


def bound(rule: Rule, name: str, curvature: Sharpness = FLAT) -> Bound:
    return {bound.name: bound for bound in bounds_of(rule, curvature)}[name]


@pytest.mark.parametrize("kind", LINEAR)
def test_the_largest_stable_rate_is_that_of_the_rule_itself(kind: type) -> None:
    """Just below, the rule's own step matrix shrinks; just above, it grows. 2/λ for all does not fit."""
    edges = bound(kind(), "largest stable rate").at(MOMENTA).tolist()
    for edge, momentum in zip(edges, MOMENTA.tolist(), strict=True):
        assert radius(step_matrix(kind, edge * (1 - HAIR), momentum, 2.5)) < 1
        assert radius(step_matrix(kind, edge * (1 + HAIR), momentum, 2.5)) > 1
        assert momentum == 0 or abs(edge - 2 / 2.5) > 0.03
    assert bound(kind(), "gradient descent").at(MOMENTA) == pytest.approx(np.full(6, 2 / 2.5))


@pytest.mark.parametrize("kind", LINEAR)
def test_critical_damping_is_where_the_roots_meet(kind: type) -> None:
    """Below it the largest root is real and above 0; just above it is not."""
    edges = bound(kind(), "critical damping").at(MOMENTA).tolist()
    for edge, momentum in zip(edges, MOMENTA.tolist(), strict=True):
        for by in (0.01, 0.3, 0.9, 1 - 1e-4):
            below = largest_root(step_matrix(kind, edge * by, momentum, 2.5))
            assert below.imag == 0 < below.real
        above = largest_root(step_matrix(kind, edge * (1 + 1e-4), momentum, 2.5))
        assert above.imag or above.real < 0


@pytest.mark.parametrize("kind", [Momentum, AveragedMomentum])
def test_the_bound_of_small_batches_is_that_of_second_moments(kind: type) -> None:
    """At it, the matrix that carries E[w², wv, v²] from step to step has radius 1, to 1e-9."""
    edges = bound(kind(), "small batches", ROUGH).at(MOMENTA).tolist()

    def moments(rate: float, momentum: float) -> np.ndarray:
        step = [step_matrix(kind, rate, momentum, curvature) for curvature in (2.0, 2.0 + 1.5)]
        return np.kron(step[0], step[0]) + np.kron(step[1] - step[0], step[1] - step[0])

    for edge, momentum in zip(edges, MOMENTA.tolist(), strict=True):
        assert radius(moments(edge, momentum)) == pytest.approx(1.0, abs=1e-9)
        assert radius(moments(edge * 0.99, momentum)) < 1 < radius(moments(edge * 1.01, momentum))


@pytest.mark.parametrize("name", FORMULAS)
def test_the_formula_that_is_told_is_the_curve(name: str) -> None:
    """Evaluated as it stands; another rule's is another."""

    def value(formula: str) -> np.ndarray:
        text = re.sub("√([ηβ])", r"sqrt(\1)", formula.replace("−", "-").replace("²", "**2"))
        text = re.sub(r"(?<=[\dηβ)])(?=[ηβλ(])", "*", text)
        return eval(text, {"η": MOMENTA, "β": MOMENTA, "λ": 2.5, "sqrt": np.sqrt})  # noqa: S307  # our own

    for bound_, formula in zip(("largest stable rate", "critical damping"), FORMULAS[name], strict=True):
        curve = bound(RULES[name](), bound_)
        assert curve.told == f"{bound_}, {formula}"
        assert curve.at(MOMENTA) == pytest.approx(value(formula), rel=1e-9)
        for other in FORMULAS.keys() - {name}:
            assert curve.at(MOMENTA) != pytest.approx(value(FORMULAS[other][bound_ == "critical damping"]))


def test_which_curves_a_rule_has() -> None:
    """The largest stable rate first; none without curvature, none where theory is silent."""

    def names(rule: Rule, sharpness: Sharpness | None) -> list[str]:
        return [bound.name for bound in bounds_of(rule, sharpness)]

    three = ["largest stable rate", "gradient descent", "critical damping"]
    for kind in LINEAR:
        assert names(kind(), FLAT) == three
        assert names(kind(), ROUGH) == [*three, "small batches"]
        assert names(kind(), None) == []
    assert {kind.name for kind in LINEAR} > {"momentum", "nesterov", "averaged_momentum", "aggmo"}
    assert names(Adam(), FLAT) == names(Lookahead(), FLAT) == []
    assert names(Momentum(Cosine(0.1), 0.9), FLAT) == three  # the map has rates of its own
    assert names(QuasiHyperbolic(nu=Cosine(0.7)), FLAT) == []
    assert names(Momentum(), replace(ROUGH, batches=BatchCurvature(-1.0, 1.5, 64))) == three


def test_other_settings_of_a_rule_count() -> None:
    """With ν = 0 quasi-hyperbolic momentum is gradient descent, whatever β is."""
    stable = "largest stable rate"
    assert bound(QuasiHyperbolic(nu=0.0), stable).at(MOMENTA) == pytest.approx(np.full(6, 0.8))
    assert bound(QuasiHyperbolic(nu=0.7), stable).at(MOMENTA)[3] > 1.0


def linear(n: int = 40) -> tuple[Network, Samples, np.ndarray]:
    """Return a linear network, samples, and the inputs with a 1 for the bias."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((n, 3)) * [1.0, 2.0, 0.5]
    network = Network([3, 1])
    return network, Samples.check(network, X, rng.standard_normal((n, 1))), np.column_stack([X, np.ones(n)])


def surface_of(plan: Plan, engine: str = "reference") -> Surface:
    network, samples, _ = linear()
    return Surface(make_engine(engine), network, samples, plan, plan.batch_of(40))


@pytest.mark.parametrize("engine", ALL)
@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_the_largest_curvature_of_a_linear_network(engine: str, reduction: str) -> None:
    """Is that of XᵀX; of batches' sums, as many times larger as a batch has samples; of each its own."""
    *_, inputs = linear()
    surface = surface_of(Plan(batch_size=10, reduction=reduction, l2=0.3), engine)
    found = sharpness(surface, surface.network.initial(0))
    scale = 10 if reduction == "sum" else 1
    penalty = np.diag([0.3, 0.3, 0.3, 0.0]) / (1 if reduction == "sum" else 10)

    def hessian(rows: np.ndarray) -> np.ndarray:
        return scale * rows.T @ rows / len(rows) + penalty

    values, vectors = np.linalg.eigh(hessian(inputs))
    top = vectors[:, -1]
    bends = [top @ hessian(inputs[rows]) @ top for rows in batches_apart(40, 10, SEED)]
    assert found is not None
    assert found.batches is not None
    assert found.largest == pytest.approx(values[-1], rel=1e-6)
    assert found.batches.mean == pytest.approx(np.mean(bends), rel=1e-4)
    assert found.batches.deviation == pytest.approx(np.std(bends), rel=1e-2)
    assert found.batches.count == 4
    assert abs(np.linalg.eigvalsh(hessian(inputs) - penalty)[-1] / values[-1] - 1) > 1e-3


def test_curvature_of_a_whole_batch_has_no_batches() -> None:
    """There is one, and nothing varies; without any curvature, or beyond all numbers, there is nothing."""
    surface = surface_of(Plan(batch_size=None))
    theta = surface.network.initial(0)
    found = sharpness(surface, theta)
    huge = replace(surface.samples, X=1e200 * surface.samples.X)
    flat = replace(surface.samples, weights=np.zeros(40))

    assert found is not None
    assert found.batches is None
    assert sharpness(replace(surface, samples=huge), 0.0 * theta) is None
    assert sharpness(replace(surface, samples=flat, plan=Plan(reduction="sum")), theta) is None


@pytest.mark.parametrize("as_scikit_learn", [False, True])
@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_all_samples_as_one_batch_have_the_loss_of_the_batches(reduction: str, as_scikit_learn: bool) -> None:
    """Penalties included, in the units that epochs are told in, where all batches are whole."""
    plan = Plan(batch_size=10, reduction=reduction, l2=0.4, l1=0.2, as_scikit_learn=as_scikit_learn)
    network = Network([3, 2])
    X, T = np.random.default_rng(1).standard_normal((2, 40, 3))
    samples = Samples.check(network, X, T[:, :2])
    engine, theta = make_engine("reference"), network.initial(3)
    surface = Surface(engine, network, samples, plan, 10)
    batches = [samples.take(plan.batch(step, 40)) for step in range(4)]
    losses = [engine.gradient(network, theta, batch, plan.objective).loss for batch in batches]
    other = replace(surface, plan=plan.replace(as_scikit_learn=not as_scikit_learn))

    assert surface.loss(theta) == pytest.approx(np.mean(losses), rel=1e-12)
    assert other.loss(theta) != pytest.approx(np.mean(losses), rel=1e-2)
