"""How a rule moves along one direction of a parabola: its damping, its period, and what noise makes of it.

A rule's expansion m ← keep·m + take·g, Δw = use·m + now·g, with g = λ·w + ξ, is a recurrence of two steps:

    w(n+1) = T·w(n) − D·w(n−1) + c·ξ(n) + d·ξ(n−1)
    T = 1 + keep + c·λ,    D = keep·(1 + now·λ),    c = use·take + now,    d = −keep·now

Its roots r are those of r² − T·r + D = 0; w falls as the larger of them to the n-th power. For momentum,
T = 1 + η − αλ and D = η: stable where 0 < αλ < 2 + 2η; swinging where (1−√η)² < αλ < (1+√η)², and then
|r| = √η whatever λ is.
Sources: Qian, Neural Networks 12 (1999); Goh, Why momentum really works, Distill (2017). The general form and
the variances follow from the recurrence.
"""

from __future__ import annotations

import cmath
import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from schuss.method.rules import Rule

__all__ = ["DAMPING", "Motion", "Response", "motion_of", "response_of"]

FLAT, OVER, CRITICAL, UNDER, ALTERNATING, UNSTABLE = DAMPING = (
    "no valley",
    "over-damped",
    "critically damped",
    "under-damped",
    "alternating",
    "unstable",
)
NEAR = 1e-6  # of T², a discriminant within which the roots count as equal


class Response(NamedTuple):
    """A rule's expansion as four numbers."""

    keep: float
    take: float
    use: float
    now: float


def response_of(rule: Rule, rates: list[float]) -> Response:
    """Return what a step of `rule` with `rates`, a row of `Rule.at`, does to memory and weight.

    For a rule that measures each weight by its memory (Adam), in that measure: as if it divided by 1.
    """
    nothing = np.zeros((1, max(2, len(rule.memory))))
    found = Response(*(float(part[0]) for part in rule.expansion(np.array([rates]), nothing, np.float64)))
    return found._replace(use=-rates[0]) if rule.reads_memory else found


@dataclass(frozen=True)
class Motion:
    """The recurrence of a rule on a direction of curvature λ; see the head of this file.

    Attributes
    ----------
    curvature, trace, determinant : float
        λ, T and D.
    push, echo : float
        c and d: what the noise of a gradient does to the next weight, and to the one after it.
    """

    curvature: float
    trace: float
    determinant: float
    push: float
    echo: float

    @property
    def discriminant(self) -> float:
        """T² − 4·D: below 0 the weight swings."""
        return self.trace * self.trace - 4.0 * self.determinant

    @property
    def roots(self) -> tuple[complex, complex]:
        """Both roots, the one of larger size first."""
        half = cmath.sqrt(self.discriminant)
        pair = (self.trace + half) / 2, (self.trace - half) / 2
        return pair if abs(pair[0]) >= abs(pair[1]) else (pair[1], pair[0])

    @property
    def factor(self) -> float:
        """The larger |r|: what one step leaves of the distance, in the long run."""
        return abs(self.roots[0])

    @property
    def damping(self) -> str:
        """One of `DAMPING`."""
        if not self.curvature > 0:
            return FLAT
        if self.factor >= 1:
            return UNSTABLE
        if abs(self.discriminant) <= NEAR * self.trace * self.trace:
            return CRITICAL
        if self.discriminant < 0:
            return UNDER
        return OVER if self.roots[0].real > 0 else ALTERNATING

    @property
    def period(self) -> float:
        """Steps of a whole swing: 2π/θ with cos θ = T/(2·√D); 2 where it alternates, else infinite."""
        if self.discriminant < 0:
            return 2.0 * math.pi / abs(cmath.phase(self.roots[0]))
        return 2.0 if self.roots[0].real < 0 else math.inf

    @property
    def half_life(self) -> float:
        """Steps after which half of the distance is left, swings apart: ln ½/ln |r|."""
        if self.factor >= 1:
            return math.inf
        return math.log(0.5) / math.log(self.factor) if self.factor > 0 else 0.0

    @property
    def variance(self) -> float:
        """Var(w) at rest where each gradient carries noise of variance 1; infinite where there is none.

        For momentum α·(1+η)/(λ·(1−η)·(2·(1+η)−αλ)).
        """
        t, d = self.trace, self.determinant
        below = (1.0 - d) * (1.0 - t + d) * (1.0 + t + d)
        if self.factor >= 1 or not below > 0:
            return math.inf
        c, e = self.push, self.echo
        return ((c * c + e * e) * (1.0 + d) + 2.0 * c * e * t) / below

    @property
    def change_variance(self) -> float:
        """Var(Δw) of the same."""
        if not self.variance < math.inf:
            return math.inf
        together = (self.trace * self.variance + self.push * self.echo) / (1.0 + self.determinant)
        return 2.0 * (self.variance - together)

    @property
    def excess_loss(self) -> float:
        """½·λ·Var(w): what that noise adds to the loss."""
        return 0.5 * self.curvature * self.variance


def motion_of(rule: Rule, rates: list[float], curvature: float) -> Motion:
    """Return how `rule` moves with `rates`, a row of `Rule.at`, where the loss bends by `curvature`."""
    keep, take, use, now = response_of(rule, rates)
    push = use * take + now
    trace, determinant = 1.0 + keep + push * curvature, keep * (1.0 + now * curvature)
    return Motion(curvature, trace, determinant, push, -keep * now)
