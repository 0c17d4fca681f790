"""The most multiply-adds a second of one core and of two, measured next to what is judged by them."""

from __future__ import annotations

from itertools import pairwise, starmap

import numpy as np

from schuss.engine import _kernel
from schuss.engine.native import chosen_set

SECONDS = 0.01  # short, so that one of them is undisturbed
TIMES = 8
CORES = (1, 2)


def peaks(dtype: str) -> dict[int, float]:
    """Return floating-point operations per second by the number of cores: the best of a few short runs."""
    size, isa = np.dtype(dtype).itemsize, chosen_set()
    return {n: max(_kernel.peak(isa, size, n, SECONDS) for _ in range(TIMES)) for n in CORES}


def larger(before: dict[int, float], after: dict[int, float]) -> dict[int, float]:
    """Return the larger of two measurements; two cores can do no less than one."""
    best = {n: max(before[n], after[n]) for n in CORES}
    return best | {2: max(best.values())}


def flops_per_sample(layers: tuple[int, ...]) -> float:
    """Return the operations of a step for each sample: forward, gradient and backward, two each.

    The first layer needs no backward pass. Activations, loss and update are not counted.
    """
    pairs = list(pairwise(layers))
    return 4.0 * pairs[0][0] * pairs[0][1] + sum(starmap(lambda a, b: 6.0 * a * b, pairs[1:]))
