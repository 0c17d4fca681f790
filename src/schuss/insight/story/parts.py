"""The change of one step in two parts: what the memory did, and what the fresh gradient did.

From the recorded states alone. With a rule's expansion m ← keep·m + take·g, Δw = use·m + now·g:

    memory = use·keep·m,    fresh = (use·take + now)·g,    g from take·g = m_after − keep·m

Weight decay, and rounding, are in neither.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from schuss.insight.story.steps import Step
from schuss.method.rules import Rule
from schuss.method.rules.rule import Expansion

__all__ = ["Parts", "expansion_of", "measure_of", "parts_of"]

Numbers = NDArray[np.float64]


class Parts(NamedTuple):
    """Parts of a change, shape (n_parameters,) each.

    ``memory`` is ``through * past`` element by element, where ``past`` is the first row of the memory
    before the step.
    """

    change: Numbers
    memory: Numbers
    fresh: Numbers
    through: Numbers


def expansion_of(rule: Rule, step: Step) -> Expansion:
    """Return what `step` did to memory and weights, in numbers for all weights or one for each."""
    memory = step.after.memory.astype(np.float64).T
    return rule.expansion(np.array([step.rates]), memory, step.after.theta.dtype)


def parts_of(rule: Rule, step: Step) -> Parts:
    """Return the parts of what `step` changed under `rule`."""
    change = step.change
    if not len(step.before.memory):
        decayed = (step.keep - 1.0) * step.before.theta if step.keep != 1.0 else 0.0
        return Parts(change, np.zeros_like(change), change - decayed, np.zeros(1))
    keep, take, use, now = expansion_of(rule, step)
    before, after = (state.memory[0].astype(np.float64) for state in (step.before, step.after))
    through = use * keep
    return Parts(change, through * before, (use + now / take) * (after - keep * before), through)


def measure_of(rule: Rule, step: Step) -> Any:
    """Return by what the rule divides each element of a gradient: √s + ε for Adam, else 1."""
    return -step.rates[0] / expansion_of(rule, step).use if rule.reads_memory else 1.0
