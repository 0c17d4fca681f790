"""The loss of an average batch around some weights: its value, its gradient and how it bends, in float64.

A penalty is divided by the weight of its batch (`backprop`), so it bends the loss of a batch more than that
of all samples at once. What training walks on is the average over batches of the size that the plan says.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from schuss.engine.engine import Engine
from schuss.method.backprop import Objective
from schuss.method.network import Network
from schuss.method.plan import Plan
from schuss.method.samples import Samples

__all__ = ["Surface", "drawn_of"]

Numbers = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Surface:
    """The loss of an average batch.

    Attributes
    ----------
    engine : Engine
    network : Network
    samples : Samples
        In float64.
    plan : Plan
        Whose batches are meant.
    batch : int
        Their size.
    """

    engine: Engine
    network: Network
    samples: Samples
    plan: Plan
    batch: int

    def objective(self, n: int, reduction: str | None = None) -> Objective:
        """Return how `n` samples add up so that their penalty is that of one batch."""
        more = n / self.batch
        wanted = reduction or self.plan.reduction
        return Objective(wanted, self.plan.l2 * more, self.plan.l1 * more)

    def _share(self, n: int) -> float:
        """Return what the sum over `n` samples is multiplied by to be that over a batch."""
        return self.batch / n if self.plan.reduction == "sum" else 1.0

    def loss(self, theta: Numbers) -> float:
        """Return the loss at `theta`, as an epoch tells it."""
        n = len(self.samples)
        objective = replace(self.objective(n), as_scikit_learn=self.plan.as_scikit_learn)
        made = self.engine.gradient(self.network, theta, self.samples, objective)
        return self._share(n) * made.loss

    def gradient(self, theta: Numbers) -> Numbers:
        """Return the gradient at `theta`, shape (n_parameters,)."""
        n = len(self.samples)
        made = self.engine.gradient(self.network, theta, self.samples, self.objective(n))
        return self._share(n) * made.gradient

    def product(self, theta: Numbers, vector: Numbers, rows: NDArray[Any] | None = None) -> Numbers:
        """Return H·v at `theta`, or that of the batch of `rows` alone."""
        samples = self.samples if rows is None else self.samples.take(rows)
        n = len(samples)
        made = self.engine.curvature_product(self.network, theta, samples, self.objective(n), vector)
        return self._share(n) * made


def drawn_of(samples: Samples, most: int, seed: int) -> Samples:
    """Return at most so many of `samples`, drawn with `seed`, in float64."""
    n = len(samples)
    if n > most:
        samples = samples.take(np.sort(np.random.default_rng(seed).permutation(n)[:most]))
    wide = {
        name: None if (a := getattr(samples, name)) is None else a.astype(np.float64, copy=False)
        for name in ("X", "T", "weights")
    }
    return replace(samples, **wide)
