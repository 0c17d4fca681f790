"""What curvature allows: the largest stable rates, the best settings for a parabola, memory in steps.

Everything here is exact for a parabola and a guide elsewhere: Lessard, Recht and Packard show a convex loss
with curvatures in [1, 25] on which momentum with its best settings for these circles for ever
(docs/curvature.md has the example).
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from schuss.insight.curvature.motion import motion_of, response_of, step_of
from schuss.method.rules import Rule
from schuss.method.rules.rule import AnyRule, Expansion
from schuss.method.schedules import Span

__all__ = [
    "Best",
    "best_momentum",
    "best_settings",
    "comparable",
    "critical_rate",
    "effective_rate",
    "largest_stable_curvature",
    "largest_stable_rate",
    "mini_batch_rate",
    "rates_like",
    "remembered",
]


BISECTIONS = 50
CLIMB = 2.0 ** np.append(np.arange(-40.0, 0.0, 0.5), 0.0)  # in shares of the largest stable rate
LATE = np.arange(1000, 1020)  # steps at which a beginning no longer shows


class Best(NamedTuple):
    """Settings of a rule under which the slowest direction falls fastest, by `factor` per step."""

    learning_rate: float
    momentum: float
    factor: float


def largest_stable_rate(rule: AnyRule, rates: list[float], curvature: float) -> float:
    """Return the learning rate above which a rule overshoots ever further on a parabola of this curvature λ.

    The steps on it are a linear map of (m, w). An eigenvalue reaches −1 where
    −2/λ = now − use·(1+keep)⁻¹·take: at 2/λ for gradient descent, 2·(1+η)/λ for momentum,
    2·(1+η)/((1+2η)·λ) for Nesterov, 2·(1+β₁)/((1−β₁)·λ) for Adam with λ in its own measure. Infinite
    where the curvature is not above 0. Of a rule whose numbers change it is that of this step for ever.
    """
    if not curvature > 0:
        return math.inf
    keep, take, use, now, *_ = response_of(rule, rates)
    turned = np.linalg.solve(np.eye(len(take[0])) + keep[0], take[0])
    return float(rates[0] * -2.0 / (now[0] - use[0] @ turned) / curvature)


def largest_stable_curvature(rule: AnyRule, rates: list[float]) -> float:
    """Return the curvature above which a rule with these `rates` overshoots ever further."""
    return largest_stable_rate(rule, rates, 1.0) / rates[0]


def critical_rate(rule: AnyRule, rates: list[float], curvature: float) -> float:
    """Return the learning rate above which a rule begins to swing on a parabola of this curvature λ.

    There the two largest roots of its motion meet: (1−√η)²/λ for momentum, ((1−η)/(1+η))²/λ for Nesterov;
    without memory the only root comes to 0, at 1/λ. Some rules cease to swing at rates still higher; this is
    the first of their borders. Infinite where the curvature is not above 0.
    """
    if not curvature > 0:
        return math.inf

    def swings(rate: float) -> bool:
        first = motion_of(rule, [rate, *rates[1:]], curvature).roots[0]
        return first.imag != 0 or first.real <= 0

    highest = largest_stable_rate(rule, rates, curvature)
    tried = (highest * by for by in CLIMB)
    low, high = 0.0, next(rate for rate in tried if swings(rate) or rate == highest)
    for _ in range(BISECTIONS):
        middle = (low + high) / 2
        low, high = (low, middle) if swings(middle) else (middle, high)
    return high


def rates_like(rule: Rule, learning_rate: float, momentum: float) -> tuple[Rule, list[float]]:
    """Return a rule with these two, and else as `rule` is, and a late row of its `at`."""
    given = {"learning_rate": learning_rate} | ({rule.keeps_by: momentum} if rule.keeps_by else {})
    like: Rule = replace(rule, **given)  # type: ignore[type-var]  # rules are dataclasses
    rates: list[float] = like.at(LATE[:1], Span(len(LATE), 1, 1))[0].tolist()
    return like, rates


def comparable(rule: AnyRule) -> bool:
    """Return whether a rule is linear, with numbers that stay and a momentum of its own, if any."""
    if rule.reads_memory or (rule.memory and rule.keeps_by is None):
        return False
    if not all(isinstance(getattr(rule, name), float) for name in rule.rates):
        return False
    rows = rule.at(LATE, Span(len(LATE), 1, 1))
    return bool((rows == rows[0]).all())


def mini_batch_rate(rule: AnyRule, rates: list[float], mean: float, variance: float) -> float:
    """Return the largest learning rate that is stable in the mean square where batches bend differently.

    The curvature of a batch is drawn anew each step, with mean h and variance s². The second moments of
    (m, w) then follow a linear map; they stay bounded up to this rate. For momentum it is
    2·h·(1−η²)/(s²·(1+η) + h²·(1−η)): without variance 2·(1+η)/h, as for all samples at once; where variance
    rules, 2·(1−η)·h/s²: there momentum takes its share of the rate instead of adding to it.
    (Our derivation; that the limit has these two ends is observed by Andreyev et al., arXiv:2604.14108.)
    """
    if not mean > 0:
        return math.inf
    low, high = 0.0, largest_stable_rate(rule, rates, mean)
    for _ in range(BISECTIONS):
        middle = (low + high) / 2
        if _growth(response_of(rule, [middle, *rates[1:]]), mean, variance) < 1:
            low = middle
        else:
            high = middle
    return high


def _growth(response: Expansion, mean: float, variance: float) -> float:
    """Return by how much a step multiplies the second moments of (w, m) in the long run."""
    step = step_of(response, mean)
    bend = step_of(response, mean + 1.0) - step
    return float(np.abs(np.linalg.eigvals(np.kron(step, step) + variance * np.kron(bend, bend))).max())


def best_settings(lowest: float, highest: float) -> dict[str, Best]:
    """Return the best settings of rules for a parabola with curvatures in [lowest, highest], both above 0.

    Gradient descent: α = 2/(λ₁+λ₂). Momentum (Polyak): α = (2/(√λ₁+√λ₂))², η = ((√κ−1)/(√κ+1))².
    Nesterov (Lessard, Recht & Packard 2016): α = 4/(3·λ₂+λ₁), η = (√(3κ+1)−2)/(√(3κ+1)+2).
    """
    condition = highest / lowest
    root, nesterov = math.sqrt(condition), math.sqrt(3.0 * condition + 1.0)
    plain, fast = (condition - 1.0) / (condition + 1.0), (root - 1.0) / (root + 1.0)
    return {
        "gradient_descent": Best(2.0 / (lowest + highest), 0.0, plain),
        "momentum": Best((2.0 / (math.sqrt(lowest) + math.sqrt(highest))) ** 2, fast * fast, fast),
        "nesterov": Best(
            4.0 / (3.0 * highest + lowest), (nesterov - 2.0) / (nesterov + 2.0), 1.0 - 2.0 / nesterov
        ),
    }


def best_momentum(learning_rate: float, lowest: float, highest: float) -> float:
    """Return the η for which momentum at this rate falls fastest in its slowest direction.

    max (1−√(αλ))² over both ends; needs α·highest < 4. The error then falls by √η per step.
    """
    return max((1.0 - math.sqrt(learning_rate * curvature)) ** 2 for curvature in (lowest, highest))


def effective_rate(rule: AnyRule, rates: list[float]) -> float:
    """Return how far a lasting push moves a weight per step: α/(1−η) for momentum and for Nesterov."""
    keep, take, use, now, *_ = response_of(rule, rates)
    rest = np.eye(len(take[0])) - keep[0]
    if len(rest) and not np.linalg.det(rest) > 0:
        return math.inf
    return float(-now[0] - use[0] @ np.linalg.solve(rest, take[0]))


def remembered(momentum: float, steps: int) -> float:
    """Return 1 − η^k: which share of a velocity the last k pushes make under a lasting gradient."""
    return 1.0 - momentum**steps
