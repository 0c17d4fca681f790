"""Muon: the momentum of each layer's matrix is made nearly orthogonal, so that it moves in all directions.

    m ← η·m + (1−η)·g,    u = η·m + (1−η)·g
    X = U/‖U‖,    five times  X ← (a·1 + b·A + c·A²)·X,  A = X·Xᵀ        of each layer's matrix U of u
    ΔW = −α·√max(1, fan_out/fan_in)·X,    Δb = −α_b·u of each bias

a, b, c = 3.4445, −4.7750, 2.0315 bring the singular values to about .7 to 1.2. The smaller of X·Xᵀ and
Xᵀ·X is used. A row of X is P·U with one matrix P, so a weight's own part is P_kk·u, and the rest of its
change comes from the other weights.
Source: Jordan et al., Muon: An optimizer for hidden layers in neural networks (2024).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from schuss.method.functions import Array
from schuss.method.landscape import Landscape, Stepped
from schuss.method.rules.rule import Expansion, Seen, check_rates, one_row, rates_at, rounded
from schuss.method.schedules import Rate, Span, Steps, Values

__all__ = ["Muon"]

A, B, C = 3.4445, -4.7750, 2.0315
TIMES = 5
TINY = 1e-7  # beside the length of a matrix, which might be 0


@dataclass(frozen=True)
class Muon:
    """ΔW = −α·√max(1, fan_out/fan_in)·orthogonal(U);  Δb = −α_b·u;  u the momentum, looking ahead.

    Parameters
    ----------
    learning_rate : float or schedule, default 0.02
        α > 0, of the matrices.
    momentum : float or schedule, default 0.95
        η in [0, 1].
    bias_rate : float or schedule, default 0.02
        α_b > 0, of the biases, which are no matrices.
    """

    learning_rate: Rate = 0.02
    momentum: Rate = 0.95
    bias_rate: Rate = 0.02

    name: ClassVar[str] = "muon"
    rates: ClassVar[tuple[str, ...]] = ("learning_rate", "momentum", "bias_rate")
    memory: ClassVar[tuple[str, ...]] = ("mean", "own", "others")
    as_given: ClassVar[bool] = True
    formula: ClassVar[str] = "m ← η·m + (1−η)·g;  ΔW = −α·√max(1, fan_out/fan_in)·orthogonal(η·m + (1−η)·g)"
    reads_memory: ClassVar[bool] = True
    keeps_by: ClassVar[str | None] = "momentum"
    full_batch: ClassVar[bool] = False
    elsewhere: ClassVar[str] = "the other weights of the layer"

    def __post_init__(self) -> None:
        check_rates(self)

    def at(self, steps: Steps, span: Span) -> Values:
        """Return the rates at each of `steps`, shape (steps, 3)."""
        return rates_at(self, steps, span)

    def step(self, land: Landscape, theta: Array, memory: Array, rates: Sequence[float]) -> Stepped:
        """Return theta with its matrices moved by orthogonal ones, its biases by momentum."""
        learning_rate, momentum, bias_rate = rates
        loss, gradient = land.gradient(theta)
        mean = momentum * memory[0] + (1.0 - momentum) * gradient
        ahead = momentum * mean + (1.0 - momentum) * gradient
        own = np.full_like(theta, -bias_rate)
        change = -bias_rate * ahead
        parts = (land.matrices(vector) for vector in (ahead, own, change))
        for U, share, moved in zip(*parts, strict=True):
            orthogonal, kept = orthogonalised(U)
            rate = -learning_rate * max(1.0, U.shape[1] / U.shape[0]) ** 0.5
            moved[...], share[...] = rate * orthogonal, rate * kept
        return Stepped(theta + change, np.stack([mean, own, change - own * ahead]), loss)

    def expansion(self, rates: Values, seen: Seen | None, dtype: Any) -> Expansion:
        """Return keep = η, take = 1−η, and use and now by what is a weight's own; see `Rule.expansion`."""
        momentum, fresh = rounded(rates[:, 1], dtype), rounded(1.0 - rates[:, 1], dtype)
        if seen is None:
            return one_row(momentum, fresh, momentum, fresh)
        _, own, others = seen.after.astype(np.float64).T
        return one_row(momentum, fresh, own * momentum, own * fresh)._replace(other=others)


def orthogonalised(U: Array) -> tuple[Array, Array]:
    """Return a matrix of U's directions with singular values near 1, and each element's own share of it.

    The share, which broadcasts to U's shape, is the diagonal of the P with orthogonal = P·U or U·P.
    """
    if U.shape[0] > U.shape[1]:
        across, share = orthogonalised(U.T)
        return across.T, share.T
    size = float(np.linalg.norm(U)) + TINY
    X, P = U / size, np.eye(len(U), dtype=U.dtype) / size
    one = np.eye(len(U), dtype=U.dtype)
    for _ in range(TIMES):
        gram = X @ X.T
        turn = A * one + B * gram + C * (gram @ gram)
        X, P = turn @ X, turn @ P
    return X, np.diagonal(P)[:, None]
