"""A rule on a parabola: roots, damping, periods, limits and variances, against the rules' own updates."""

import math
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from schuss.insight.curvature.motion import DAMPING, motion_of
from schuss.insight.curvature.stability import (
    best_momentum,
    best_settings,
    comparable,
    critical_rate,
    effective_rate,
    largest_stable_curvature,
    largest_stable_rate,
    mini_batch_rate,
    rates_like,
    remembered,
)
from schuss.method import memory
from schuss.method.rules import (
    ELEMENT_WISE,
    RULES,
    Adam,
    AggMo,
    AveragedMomentum,
    GradientDescent,
    Momentum,
    Nesterov,
    OuterMomentum,
    QuasiHyperbolic,
    Rule,
)

PLAIN = [kind.name for kind in ELEMENT_WISE if comparable(kind())]


def walked(rule: Rule, rates: list[float], curvature, steps: int, noise=None) -> np.ndarray:
    """Return w of each step from 1, shape (steps + 1, curvatures), by the rule's own update."""
    curvature = np.atleast_1d(curvature)
    theta, memory = np.ones(len(curvature)), np.zeros((len(rule.memory), len(curvature)))
    path = [theta]
    for n in range(steps):
        gradient = curvature * theta + (0.0 if noise is None else noise[n])
        theta, memory = rule.update(theta, memory, gradient, rates)
        theta, memory = np.clip(theta, -1e9, 1e9), np.clip(memory, -1e9, 1e9)
        path.append(theta)
    return np.array(path)


def test_heavy_ball_in_numbers():
    """α = 0.1, η = 0.9, λ = 1: the first steps, the size of the roots, the period and the half-life."""
    motion = motion_of(Momentum(), [0.1, 0.9], 1.0)
    path = walked(Momentum(), [0.1, 0.9], 1.0, 10)[:, 0]

    expected = [1, 0.9, 0.72, 0.486, 0.2268, -0.02916, -0.256608, -0.43565, -0.553224, -0.603717, -0.588789]
    np.testing.assert_allclose(path, expected, atol=1e-6)
    assert motion.factor == pytest.approx(0.9486833, abs=1e-7)
    assert motion.period == pytest.approx(19.528, abs=1e-3)
    assert motion.half_life == pytest.approx(13.158, abs=1e-3)
    assert motion.damping == "under-damped"
    assert motion_of(Momentum(), [3.7, 0.9], 1.0).factor == pytest.approx(0.9486833, abs=1e-7)
    assert motion_of(Momentum(), [3.9, 0.9], 1.0).factor == pytest.approx(1.3162278, abs=1e-7)


@pytest.mark.parametrize("name", PLAIN)
@pytest.mark.parametrize("curvature", [0.3, 1.7, 6.0])
def test_the_roots_are_those_of_the_walk(name, curvature):
    """w(n) is a sum of their powers, so the polynomial with these roots makes it 0; another one does not."""
    rule, rates = rates_like(RULES[name](), 0.11, 0.7)
    motion = motion_of(rule, rates, curvature)
    path = walked(rule, rates, curvature, 30)[:, 0]
    np.testing.assert_allclose(np.convolve(path, np.poly(motion.roots).real, "valid"), 0.0, atol=1e-12)
    other = motion_of(rule, [rates[0] * 1.01, *rates[1:]], curvature)
    assert np.abs(np.convolve(path, np.poly(other.roots).real, "valid")).max() > 1e-6


@pytest.mark.parametrize("name", PLAIN)
def test_stable_is_what_comes_to_rest(name):
    """Over curvatures and momenta a walk comes to rest where the factor is below 1, and only there."""
    seen, curvatures = set(), np.linspace(0.05, 4.2, 84)
    for momentum in (0.0, 0.3, 0.9):
        rule, rates = rates_like(RULES[name](), 1.0, momentum)
        ends = np.abs(walked(rule, rates, curvatures, 3000)[-2:]).max(axis=0)
        for curvature, end in zip(curvatures.tolist(), ends.tolist(), strict=True):
            motion = motion_of(rule, rates, curvature)
            if abs(motion.factor - 1) < 0.005:
                continue
            assert (end < 1e-3) == (motion.damping != "unstable"), (curvature, momentum)
            assert (largest_stable_rate(rule, rates, curvature) > 1.0) == (motion.factor < 1)
            seen.add(motion.damping)
    assert {"over-damped", "unstable"} <= seen <= set(DAMPING)


def test_critical_damping():
    """η = (1−√(αλ))² for momentum, αλ = ((1−η)/(1+η))² for Nesterov; a hair of momentum more swings."""
    for rule, eta in ((Momentum(), (1 - math.sqrt(0.2)) ** 2), (Nesterov(), None)):
        momentum = eta if eta is not None else (1 - math.sqrt(0.2)) / (1 + math.sqrt(0.2))
        assert motion_of(rule, [0.2, momentum], 1.0).damping == "critically damped"
        assert motion_of(rule, [0.2, momentum + 0.01], 1.0).damping == "under-damped"
        assert motion_of(rule, [0.2, momentum - 0.01], 1.0).damping == "over-damped"
        assert critical_rate(rule, [0.1, momentum], 1.0) == pytest.approx(0.2, rel=1e-9)
    assert critical_rate(GradientDescent(), [0.1], 2.0) == pytest.approx(0.5)
    assert critical_rate(Momentum(), [0.1, 0.9], 0.0) == math.inf


@pytest.mark.parametrize(
    ("rule", "rates", "curvature", "damping"),
    [
        (GradientDescent(), [0.5], 1.0, "over-damped"),
        (GradientDescent(), [1.5], 1.0, "alternating"),
        (GradientDescent(), [2.5], 1.0, "unstable"),
        (Momentum(), [0.1, 0.5], -1.0, "no valley"),
        (Momentum(), [0.1, 0.5], 0.0, "no valley"),
    ],
)
def test_where_a_setting_sits(rule, rates, curvature, damping):
    """Each kind of damping has its name."""
    motion = motion_of(rule, rates, curvature)
    assert motion.damping == damping
    assert (motion.period == 2) == (motion.roots[0].real < 0)


def test_the_period_is_the_distance_of_crossings():
    """A walk crosses the bottom twice in a period."""
    motion, path = motion_of(Momentum(), [0.02, 0.98], 1.0), walked(Momentum(), [0.02, 0.98], 1.0, 400)[:, 0]
    crossings = np.flatnonzero(np.diff(np.sign(path)))
    gaps = [b - a for a, b in pairwise(crossings.tolist())]
    assert np.mean(gaps) == pytest.approx(motion.period / 2, rel=0.02)


@pytest.mark.parametrize("momentum", [0.0, 0.5, 0.9])
def test_thresholds_of_the_literature(momentum):
    """2/λ, (2+2η)/λ, (2+2η)/((1+2η)·λ), and for a mean of gradients 2·(1+β)/((1−β)·λ)."""
    rates, curvature = [0.3, momentum], 2.5
    assert largest_stable_rate(GradientDescent(), rates[:1], curvature) == pytest.approx(2 / curvature)
    heavy = (2 + 2 * momentum) / curvature
    assert largest_stable_rate(Momentum(), rates, curvature) == pytest.approx(heavy)
    nesterov = heavy / (1 + 2 * momentum)
    assert largest_stable_rate(Nesterov(), rates, curvature) == pytest.approx(nesterov)
    mean = heavy / (1 - momentum)
    assert largest_stable_rate(Adam(), [0.3, momentum, 0.999, 1e-8], curvature) == pytest.approx(mean)
    assert largest_stable_curvature(Momentum(), rates) == pytest.approx(heavy * curvature / 0.3)
    assert largest_stable_rate(Momentum(), rates, -1.0) == math.inf


def test_nesterov_in_numbers():
    """η = 0.9: 1.357142857 for Nesterov, 3.8 for the heavy ball; a mean with β = 0.9: 38."""
    assert largest_stable_rate(Nesterov(), [1.0, 0.9], 1.0) == pytest.approx(1.357142857, abs=1e-9)
    assert largest_stable_rate(Momentum(), [1.0, 0.9], 1.0) == pytest.approx(3.8)
    assert largest_stable_rate(Adam(), [1.0, 0.9, 0.999, 1e-8], 1.0) == pytest.approx(38.0)


@pytest.mark.parametrize(
    ("rule", "rates"),
    [
        (GradientDescent(0.1), [0.1]),
        (Momentum(0.1, 0.9), [0.1, 0.9]),
        (Nesterov(0.1, 0.9), [0.1, 0.9]),
        (OuterMomentum(0.1, 0.9, nesterov=True), [0.1, 0.9, 1.0, 0.9, 1.0]),
        (AveragedMomentum(0.1, 0.9), [0.1, 0.9]),
        (QuasiHyperbolic(0.1, 0.9, 0.7), [0.1, 0.9, 0.7]),
        (AggMo(0.1), [0.1, 0.0, 0.9, 0.99]),
    ],
    ids=lambda value: getattr(value, "name", ""),
)
def test_the_largest_stable_rate_parts_falling_from_rising(rule, rates):
    """On a parabola a rate just below it comes to rest, one just above it does not."""
    curvature = 2.5
    limit = largest_stable_rate(rule, rates, curvature)

    def end(rate: float) -> float:
        theta, memory = np.ones(1), np.zeros((len(rule.memory), 1))
        for _ in range(3000):
            theta, memory = rule.update(theta, memory, curvature * theta, [rate, *rates[1:]])
            if abs(theta[0]) > 1e6:
                break
        return abs(float(theta[0]))

    assert end(0.99 * limit) < 1e-3
    assert end(1.01 * limit) > 1e3
    assert largest_stable_rate(rule, rates, -1.0) == math.inf


def test_the_largest_stable_rate_of_adam_is_that_of_its_mean():
    """With the squares' root held at 1: m ← β·m + (1−β)·g, θ ← θ − α·m."""
    limit = largest_stable_rate(Adam(), [0.1, 0.9, 0.999, 1e-8], 2.5)
    for factor, settles in ((0.99, True), (1.01, False)):
        theta, mean = 1.0, 0.0
        for _ in range(3000):
            mean = 0.9 * mean + 0.1 * 2.5 * theta
            theta = min(theta - factor * limit * mean, 1e9)
        assert (abs(theta) < 1e-3) == settles


def test_variances_in_numbers():
    """α = 0.1, λ = 1: 0.0526 without momentum, 0.5135 with 0.9, whose steps have 0.0541."""
    assert motion_of(GradientDescent(), [0.1], 1.0).variance == pytest.approx(0.0526315789, abs=1e-10)
    motion = motion_of(Momentum(), [0.1, 0.9], 1.0)
    assert motion.variance == pytest.approx(0.5135135135, abs=1e-10)
    assert motion.change_variance == pytest.approx(0.0540540541, abs=1e-10)
    assert motion.excess_loss == motion.variance / 2
    assert motion_of(Momentum(), [3.9, 0.9], 1.0).variance == math.inf


@pytest.mark.parametrize("name", PLAIN)
def test_the_variance_is_that_of_all_past_noise(name):
    """The noise of each step fades as one push does; its squares, and those of its changes, add up."""
    rule, rates = rates_like(RULES[name](), 0.2, 0.6)
    motion = motion_of(rule, rates, 1.3)
    noise = np.zeros((3000, 1))
    still = walked(rule, rates, 1.3, 3000, noise)[:, 0]
    noise[0] = 1.0
    faded = walked(rule, rates, 1.3, 3000, noise)[:, 0] - still

    assert motion.variance == pytest.approx(float(faded @ faded), rel=1e-9)
    assert motion.change_variance == pytest.approx(float(np.diff(faded) @ np.diff(faded)), rel=1e-9)
    assert motion.change_variance != pytest.approx(motion.variance, rel=1e-3)


def test_noise_of_nesterov_where_it_does_not_look_ahead():
    """φ = θ − η·v has α·(1+η·q)/(λ·(1−η·q)·(1+q·(1+2η))), q = 1−αλ; the same recurrence, pushed by −α."""
    alpha, eta, q = 0.2, 0.6, 1 - 0.2 * 1.3
    closed = alpha * (1 + eta * q) / (1.3 * (1 - eta * q) * (1 + q * (1 + 2 * eta)))
    motion = motion_of(Nesterov(), [alpha, eta], 1.3)
    assert replace(motion, noise=np.array([-alpha, -alpha / eta])).variance == pytest.approx(
        closed, rel=1e-12
    )
    assert motion.variance > 1.2 * closed


def test_the_variance_is_that_of_a_noisy_walk(rng):
    """200,000 steps with noise have it within three per cent."""
    noise = rng.standard_normal((2100, 100))
    path = walked(Momentum(), [0.1, 0.9], np.ones(100), 2100, noise)
    assert path[100:].var() == pytest.approx(0.5135135135, rel=0.03)


@pytest.mark.parametrize(
    ("condition", "name", "rate", "momentum", "factor"),
    [
        (25, "momentum", 1 / 9, 4 / 9, 2 / 3),
        (25, "nesterov", 0.0526316, 0.6267890, 0.7705843),
        (25, "gradient_descent", 1 / 13, 0.0, 0.9230769),
        (100, "momentum", 0.0330578512, 0.6694214876, 0.8181818182),
        (100, "nesterov", 0.0132890365, 0.7932747263, 0.8847219165),
        (100, "gradient_descent", 2 / 101, 0.0, 0.9801980198),
    ],
)
def test_best_settings(condition, name, rate, momentum, factor):
    """The published numbers; no curvature in between falls slower, and no other momentum does better."""
    best = best_settings(1.0, float(condition))[name]
    assert best == pytest.approx((rate, momentum, factor), abs=5e-8)

    def slowest(eta: float) -> float:
        rule, rates = rates_like(RULES[name](), best.learning_rate, eta)
        return max(motion_of(rule, rates, c).factor for c in np.linspace(1.0, condition, 500))

    assert slowest(best.momentum) == pytest.approx(best.factor, abs=1e-6)
    if best.momentum:
        assert min(slowest(best.momentum + d) for d in (0.02, -0.02)) > best.factor + 1e-3


def test_the_best_momentum_at_a_given_rate():
    """At the best rate it is the best momentum; at another no momentum on a grid does better."""
    best = best_settings(1.0, 100.0)["momentum"]
    assert best_momentum(best.learning_rate, 1.0, 100.0) == pytest.approx(best.momentum, rel=1e-12)
    eta = best_momentum(0.01, 1.0, 100.0)

    def slowest(momentum: float) -> float:
        return max(motion_of(Momentum(), [0.01, momentum], c).factor for c in np.linspace(1.0, 100.0, 200))

    assert slowest(eta) == pytest.approx(math.sqrt(eta), abs=1e-6)
    assert min(slowest(float(m)) for m in np.linspace(0.0, 0.99, 100)) >= math.sqrt(eta) - 1e-6


def test_best_settings_of_a_parabola_can_circle_for_ever():
    """On a convex loss with curvatures in [1, 25] momentum falls into a cycle of three; descent does not."""

    def slope(x: float) -> float:
        return 25 * x if x < 1 else x + 24 if x < 2 else 25 * x - 24

    best = best_settings(1.0, 25.0)["momentum"]
    before = x = 3.3
    path = [x]
    for _ in range(600):
        before, x = x, x - best.learning_rate * slope(x) + best.momentum * (x - before)
        path.append(x)
    expected = sorted([792 / 1225, -2208 / 1225, 2592 / 1225])
    np.testing.assert_allclose(sorted(path[-3:]), expected, atol=1e-12)
    plain = 3.3
    for _ in range(600):
        plain -= best_settings(1.0, 25.0)["gradient_descent"].learning_rate * slope(plain)
    assert abs(plain) < 1e-12


def test_effective_rate_and_memory_in_numbers():
    """α/(1−η) for both momenta, α for the others; half-lives and shares of the last pushes."""
    assert effective_rate(Momentum(), [0.1, 0.9]) == pytest.approx(1.0)
    assert effective_rate(Nesterov(), [0.1, 0.9]) == pytest.approx(1.0)
    assert effective_rate(GradientDescent(), [0.1]) == 0.1
    assert effective_rate(Adam(), [0.1, 0.9, 0.999, 1e-8]) == pytest.approx(0.1)
    assert effective_rate(Momentum(), [0.1, 1.0]) == math.inf
    lives = [memory.half_life(eta) for eta in (0.5, 0.8, 0.9, 0.95, 0.99, 0.999)]
    np.testing.assert_allclose(lives, [1, 3.106, 6.579, 13.513, 68.968, 692.80], rtol=1e-4)
    assert (memory.half_life(0.0), memory.half_life(1.0)) == (None, math.inf)
    assert remembered(0.9, 10) == pytest.approx(0.6513216, abs=1e-7)


def test_a_lasting_push_moves_by_the_effective_rate():
    """After many steps under a gradient of 1, each step is that long."""
    for name in PLAIN:
        rule, rates = rates_like(RULES[name](), 0.1, 0.8)
        theta, memory = np.zeros(1), np.zeros((len(rule.memory), 1))
        for _ in range(300):
            before = theta
            theta, memory = rule.update(theta, memory, np.ones(1), rates)
        assert before[0] - theta[0] == pytest.approx(effective_rate(rule, rates), rel=1e-9)


def growth_of(rule: Rule, rates: list[float], mean: float, deviation: float) -> float:
    """Return the growth of second moments where the curvature is h ± s, from the rule's own updates."""
    maps = []
    for curvature in (mean + deviation, mean - deviation):
        theta, *memory = np.eye(1 + len(rule.memory))
        rows = np.array(memory).reshape(-1, theta.size)
        after, kept = rule.update(theta, rows, curvature * theta, rates)
        maps.append(np.vstack([after, *kept]))
    return float(np.abs(np.linalg.eigvals(np.mean([np.kron(A, A) for A in maps], axis=0))).max())


@pytest.mark.parametrize("name", PLAIN)
@pytest.mark.parametrize("deviation", [0.0, 0.4, 5.0])
def test_the_limit_of_batches_is_where_second_moments_stop_falling(name, deviation):
    """There the largest eigenvalue of their map is 1; below it is smaller, above larger."""
    rule, rates = rates_like(RULES[name](), 0.1, 0.7)
    limit = mini_batch_rate(rule, rates, 1.5, deviation**2)
    growths = [growth_of(rule, [f * limit, *rates[1:]], 1.5, deviation) for f in (0.98, 1.0, 1.02)]
    assert growths[0] < 1 - 1e-6
    assert growths[1] == pytest.approx(1.0, abs=1e-6)
    assert growths[2] > 1 + 1e-6
    assert mini_batch_rate(rule, rates, -1.0, deviation**2) == math.inf


@pytest.mark.parametrize("momentum", [0.0, 0.5, 0.9])
@pytest.mark.parametrize("variance", [0.0, 0.2, 30.0])
def test_the_limit_of_batches_under_momentum_has_a_formula(momentum, variance):
    """2·h·(1−η²)/(s²·(1+η) + h²·(1−η)); without variance Nesterov's is another."""
    h, rates = 1.5, [0.1, momentum]
    closed = 2 * h * (1 - momentum**2) / (variance * (1 + momentum) + h * h * (1 - momentum))
    assert mini_batch_rate(Momentum(), rates, h, variance) == pytest.approx(closed, rel=1e-6)
    if momentum and not variance:
        assert mini_batch_rate(Nesterov(), rates, h, variance) != pytest.approx(closed, rel=1e-2)


def test_the_limit_of_batches_in_numbers():
    """Without variance 2·(1+η)/h; where η = 0.9 and αh = 0.01, α·E[λ²]/E[λ] reaches 0.20947368."""
    assert mini_batch_rate(Momentum(), [0.1, 0.9], 2.0, 0.0) == pytest.approx(1.9)
    square = 0.2094736842 - 0.01  # α·s²/h with α = 0.01, h = 1
    assert mini_batch_rate(Momentum(), [0.1, 0.9], 1.0, square / 0.01) == pytest.approx(0.01, rel=1e-6)
