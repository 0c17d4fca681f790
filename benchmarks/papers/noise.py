"""How far noise shakes a weight about its minimum: the closed forms, held against a million training steps.

A single weight, E = ½(t − w)² with t normal about 0: the gradient is w − t, a quadratic's with curvature
λ = 1 and additive noise of variance σ² = 1. So batches of one sample of ordinary training are the model.
"""

from __future__ import annotations

import numpy as np

from benchmarks.papers.claim import Claim, Range
from benchmarks.papers.paper import Paper
from schuss import Momentum, Nesterov, Network, Plan
from schuss.engine.choice import engine_named
from schuss.method.functions import Array
from schuss.method.initial import philox
from schuss.method.samples import Samples
from schuss.method.state import State

__all__ = ["NOISE", "heavy_ball_variance", "nesterov_variance"]

RATE = 0.1
STEPS = 1_000_000
FORGOTTEN = 1_000  # steps at first, in which the start is forgotten
SHARE = 0.03
ONE_WEIGHT = Network([1, 1], "identity", biases=False)


def heavy_ball_variance(rate: float, momentum: float) -> tuple[float, float]:
    """Return Var w = ασ²(1+η)/(λ(1−η)(2(1+η)−αλ)) and Var Δw = 2α²σ²/((1−η)(2(1+η)−αλ)), λ = σ = 1."""
    below = (1.0 - momentum) * (2.0 * (1.0 + momentum) - rate)
    return rate * (1.0 + momentum) / below, 2.0 * rate**2 / below


def nesterov_variance(rate: float, momentum: float) -> float:
    """Return Var w = ασ²(1+ηq)/(λ(1−ηq)(1+q(1+2η))), q = 1−αλ, λ = σ = 1."""
    q = 1.0 - rate
    kept = momentum * q
    return rate * (1.0 + kept) / ((1.0 - kept) * (1.0 + q * (1.0 + 2.0 * momentum)))


def trails(rule: Momentum | Nesterov, seed: int) -> tuple[Array, Array]:
    """Return the weight and its velocity before each step, shapes (steps,)."""
    targets = np.random.Generator(philox(seed, 0)).standard_normal((STEPS, 1))
    samples = Samples.check(ONE_WEIGHT, np.ones((STEPS, 1)), targets)
    plan = Plan(rule, 1, 1, order="sequential")
    seen = engine_named("native").observe(ONE_WEIGHT, State.start(np.zeros(1), 1), samples, plan, STEPS, [0])
    return seen.theta[FORGOTTEN:, 0], seen.memory[FORGOTTEN:, 0, 0]


def compare(trials: int) -> list[Claim]:
    """Compare the mean variance over the trials with the closed forms."""
    lines = []
    for momentum in (0.0, 0.5, 0.9):
        made = [trails(Momentum(RATE, momentum), seed) for seed in range(trials)]
        wide, fast = (np.mean([np.var(trail[k]) for trail in made]) for k in (0, 1))
        where, speed = heavy_ball_variance(RATE, momentum)
        lines.append(_line(f"heavy ball, η = {momentum:g}: Var w", where, wide))
        lines.append(_line(f"heavy ball, η = {momentum:g}: Var Δw", speed, fast))
    for momentum in (0.5, 0.9):
        made = [trails(Nesterov(RATE, momentum), seed) for seed in range(trials)]
        # the form that is stored looks ahead by η·v
        wide = np.mean([np.var(theta - momentum * velocity) for theta, velocity in made])
        lines.append(_line(f"Nesterov, η = {momentum:g}: Var w", nesterov_variance(RATE, momentum), wide))
    return lines


def _line(what: str, formula: float, ours: float) -> Claim:
    return Claim(what, formula, float(ours), Range.around(formula, SHARE * formula))


NOISE = Paper(
    "noise",
    "Variance under gradient noise, against the closed form",
    "Var w = ασ²(1+η)/(λ(1−η)(2(1+η)−αλ)), from the discrete Lyapunov equation.",
    f"One weight, α = {RATE:g}, λ = σ² = 1, batches of one sample, {STEPS:,} steps; the first {FORGOTTEN:,} "
    "are left out.",
    1,
    compare,
    "closed form",
)
