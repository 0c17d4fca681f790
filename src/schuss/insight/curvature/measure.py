"""The measure of a rule such as Adam, which divides each element of its step by its memory of the slopes.

With P the diagonal of what it divides by, such a rule makes on a parabola of Hessian H the steps that it
would make, dividing by 1, on one of P^−½·H·P^−½. So that matrix's highest eigenvalue is what its threshold
is for.
Source: Cohen et al., Adaptive gradient methods at the edge of stability, arXiv:2207.14484 (2022).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from schuss.insight.curvature.motion import response_of
from schuss.insight.curvature.surface import Numbers, Surface
from schuss.method.rules import Rule
from schuss.method.rules.rule import Seen
from schuss.method.state import State

__all__ = ["product_in", "root_of_measure"]


def root_of_measure(rule: Rule, state: State, rates: list[float]) -> Numbers | float | None:
    """Return P^−½, shape (n,); 1 for a rule that divides by nothing.

    None where the memory does not hold it: before the first step, and for Lion, which divides each step by
    that step alone.
    """
    if not rule.reads_memory:
        return 1.0
    memory = state.memory.astype(np.float64)
    if not memory[len(response_of(rule, rates).take[0]) :].any():
        return None
    seen = Seen(memory.T, memory.T, None)
    root: Numbers = 1.0 / np.sqrt(rule.expansion(np.array([rates]), seen, np.float64).measure)
    return root


def product_in(surface: Surface, theta: Numbers, root: Numbers | float) -> Callable[[Numbers], Numbers]:
    """Return v -> P^−½·H·P^−½·v at `theta`."""
    return lambda v: root * surface.product(theta, root * v)
