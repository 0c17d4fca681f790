"""How a rule moves along one direction of a parabola: its damping, its period, and what noise makes of it.

A rule's expansion Δw = use·m + now·g, m ← keep·m + take·g, with g = λ·w + ξ, is a linear map of (w, m):

    (w, m) ← A·(w, m) + b·ξ,    A = [[1 + now·λ, use], [take·λ, keep]],    b = (now, take)

A weight falls as the larger of A's eigenvalues r to the n-th power. For momentum they are the roots of
r² − (1+η−αλ)·r + η = 0: stable where 0 < αλ < 2 + 2η; swinging where (1−√η)² < αλ < (1+√η)², and then
|r| = √η whatever λ is. The covariance P of (w, m) at rest solves P = A·P·Aᵀ + b·bᵀ.
Sources: Qian, Neural Networks 12 (1999); Goh, Why momentum really works, Distill (2017). The general form and
the variances follow from the map.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from schuss.method.rules.rule import AnyRule, Expansion

__all__ = ["DAMPING", "Motion", "motion_of", "response_of", "step_of"]

Numbers = NDArray[np.float64]

FLAT, OVER, CRITICAL, UNDER, ALTERNATING, UNSTABLE = DAMPING = (
    "no valley",
    "over-damped",
    "critically damped",
    "under-damped",
    "alternating",
    "unstable",
)
NEAR = 1e-6  # of (r₁+r₂)², how near to 0 (r₁−r₂)² is where they count as equal


def response_of(rule: AnyRule, rates: list[float]) -> Expansion:
    """Return what a step of `rule` with `rates`, a row of `Rule.at`, does to memory and weight.

    For a rule that measures each weight by its memory (Adam), in that measure: as if it divided by 1.
    """
    return rule.expansion(np.array([rates]), None, np.float64)


def step_of(response: Expansion, curvature: float) -> Numbers:
    """Return A, shape (1+rows, 1+rows)."""
    keep, take, use, now, *_ = response
    return np.block([[np.array([[1.0]]), use], [np.zeros((keep.shape[1], 1)), keep[0]]]) + np.outer(
        np.append(now, take[0]), np.append(curvature, np.zeros(keep.shape[1]))
    )


@dataclass(frozen=True, eq=False)
class Motion:
    """The map of a rule on a direction of curvature λ; see the head of this file.

    Attributes
    ----------
    curvature : float
        λ.
    step : float64 ndarray, shape (1+rows, 1+rows)
        A.
    noise : float64 ndarray, shape (1+rows,)
        b: what the noise of a gradient does to weight and memory at once.
    """

    curvature: float
    step: Numbers
    noise: Numbers

    @property
    def roots(self) -> list[complex]:
        """A's eigenvalues, the largest first."""
        found: list[complex] = np.linalg.eigvals(self.step).tolist()
        return sorted((complex(r) for r in found), key=lambda r: (-abs(r), -r.imag))

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
        first, *others = self.roots
        if others and abs((first - others[0]) ** 2) <= NEAR * abs((first + others[0]) ** 2):
            return CRITICAL
        if first.imag:
            return UNDER
        return OVER if first.real > 0 else ALTERNATING

    @property
    def period(self) -> float:
        """Steps of a whole swing: 2π over the angle of the larger r; 2 where it alternates, else infinite."""
        first = self.roots[0]
        if first.imag:
            return 2.0 * math.pi / abs(np.angle(first))
        return 2.0 if first.real < 0 else math.inf

    @property
    def half_life(self) -> float:
        """Steps after which half of the distance is left, swings apart: ln ½/ln |r|."""
        if self.factor >= 1:
            return math.inf
        return math.log(0.5) / math.log(self.factor) if self.factor > 0 else 0.0

    @property
    def _rest(self) -> Numbers | None:
        """P where each gradient carries noise of variance 1; None where nothing comes to rest."""
        if self.factor >= 1:
            return None
        n = len(self.noise)
        map_of_p = np.eye(n * n) - np.kron(self.step, self.step)
        rest = np.linalg.solve(map_of_p, np.outer(self.noise, self.noise).ravel())
        return rest.reshape(n, n).astype(np.float64)

    @property
    def variance(self) -> float:
        """Var(w) at rest where each gradient carries noise of variance 1; infinite where there is none.

        For momentum α·(1+η)/(λ·(1−η)·(2·(1+η)−αλ)).
        """
        rest = self._rest
        return math.inf if rest is None else float(rest[0, 0])

    @property
    def change_variance(self) -> float:
        """Var(Δw) of the same."""
        rest = self._rest
        if rest is None:
            return math.inf
        change = self.step[0] - np.eye(len(self.noise))[0]
        return float(change @ rest @ change + self.noise[0] ** 2)

    @property
    def excess_loss(self) -> float:
        """½·λ·Var(w): what that noise adds to the loss."""
        return 0.5 * self.curvature * self.variance


def motion_of(rule: AnyRule, rates: list[float], curvature: float) -> Motion:
    """Return how `rule` moves with `rates`, a row of `Rule.at`, where the loss bends by `curvature`."""
    response = response_of(rule, rates)
    return Motion(curvature, step_of(response, curvature), np.append(response.now, response.take[0]))
