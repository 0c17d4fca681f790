"""The largest curvature at the first weights, and how it varies from batch to batch along its direction.

By power iteration on central differences of the engine's gradient, in float64: some fifty to a hundred
gradients of all samples. Holds no other question about curvature.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from schuss.engine.engine import Engine
from schuss.method.backprop import Objective
from schuss.method.network import Network
from schuss.method.plan import Plan
from schuss.method.samples import Samples

__all__ = ["Sharpness", "sharpness", "whole"]

Floats = NDArray[np.float64]
Product = Callable[[Floats], Floats]  # of the Hessian and a vector

MOST_PRODUCTS = 200
TOLERANCE = 1e-5
STEP = 1e-5  # of a difference: its errors, of truncation and of rounding, are about 1e-10 of a gradient
BATCHES = 64


@dataclass(frozen=True)
class Sharpness:
    """Curvature at the first weights.

    Attributes
    ----------
    largest : float
        λmax of the loss of all samples, in the units of a batch's loss; positive.
    mean, spread : float
        Mean and standard deviation, over batches, of the curvature along λmax's direction; the spread is 0
        where there is a single batch.
    batches : int
        Over how many: 64 of the first epochs.
    """

    largest: float
    mean: float
    spread: float
    batches: int


def whole(plan: Plan, n: int) -> tuple[Objective, float]:
    """Return what makes of all `n` samples as one batch the mean over the plan's batches, and a factor.

    Sums over samples are the larger the more there are, penalties are not.
    """
    share = plan.batch_of(n) / n
    objective = replace(plan.objective, l2=plan.l2 / share, l1=plan.l1 / share)
    return objective, share if plan.reduction == "sum" else 1.0


def sharpness(
    engine: Engine, network: Network, theta: Floats, samples: Samples, plan: Plan
) -> Sharpness | None:
    """Return the curvature at `theta` (n_parameters,), all float64; None where none is positive."""
    n = len(samples)
    objective, factor = whole(plan, n)
    product = _product(engine, network, theta, samples, replace(objective, clip=None), factor)
    largest, direction = _largest(product, theta.size)
    if not largest > 0:
        return None
    along = _along_batches(engine, network, theta, samples, plan, direction)
    return Sharpness(largest, float(along.mean()), float(along.std()), len(along))


def _product(
    engine: Engine, network: Network, theta: Floats, samples: Samples, objective: Objective, factor: float
) -> Product:
    """Return the product of the Hessian at `theta` with vectors of length 1."""
    step = STEP * (1.0 + float(np.linalg.norm(theta)))

    def product(v: Floats) -> Floats:
        ahead, behind = (
            engine.gradient(network, theta + side * step * v, samples, objective).gradient
            for side in (1.0, -1.0)
        )
        return factor * (ahead - behind) / (2 * step)

    return product


def _largest(product: Product, size: int) -> tuple[float, Floats]:
    """Return the largest eigenvalue, with its direction."""
    first, direction = _dominant(product, size)
    if first >= 0:
        return first, direction
    # the largest in size is negative: with it taken away, none is below 0, and the largest is so in size too
    value, direction = _dominant(lambda v: product(v) - first * v, size)
    return value + first, direction


def _dominant(product: Product, size: int) -> tuple[float, Floats]:
    """Return the eigenvalue that is largest in size, with its direction."""
    v = np.random.default_rng(0).standard_normal(size)
    v /= np.linalg.norm(v)
    value = 0.0
    for _ in range(MOST_PRODUCTS):
        image = product(v)
        before, value = value, float(v @ image)
        length = float(np.linalg.norm(image))
        if length == 0 or abs(value - before) <= TOLERANCE * abs(value):
            break
        v = image / length
    return value, v


def _along_batches(
    engine: Engine, network: Network, theta: Floats, samples: Samples, plan: Plan, direction: Floats
) -> Floats:
    """Return dᵀHd of some of the plan's batches, d the direction: 64, or one where it holds all samples."""
    n, objective = len(samples), replace(plan.objective, clip=None)
    per_epoch, full = plan.steps_per_epoch(n), n // plan.batch_of(n)  # a short batch would count too much
    count = BATCHES if plan.batch_of(n) < n else 1
    steps = [i // full * per_epoch + i % full for i in range(count)]
    batches = (samples.take(plan.batch(step, n)) for step in steps)
    products = (_product(engine, network, theta, batch, objective, 1.0)(direction) for batch in batches)
    return np.array([float(direction @ image) for image in products])
