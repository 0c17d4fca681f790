"""The change of one step in two parts: what the memory did, and what the fresh gradient did.

From the recorded states alone. With a rule's expansion Δw = (use·m + now·g)/measure, m ← keep·m + take·g:

    memory = use·m/measure,    fresh = now·g/measure,    g from take·g = m_after − keep·m

Where the memory takes nothing of g, fresh is what memory and weight decay leave. Weight decay is in neither;
nor is rounding, where g can be had.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from schuss.insight.story.steps import Step
from schuss.method.rules.rule import AnyRule, Expansion, Seen

__all__ = ["Parts", "expansion_of", "measure_of", "parts_of"]

Numbers = NDArray[np.float64]


class Parts(NamedTuple):
    """Parts of a change, shape (n_parameters,) each.

    ``memory`` is the sum of ``through * past`` over the rows, element by element, where ``past`` are the
    expansion's rows of the memory before the step and ``through`` has shape (rows, n_parameters or 1).
    """

    change: Numbers
    memory: Numbers
    fresh: Numbers
    through: Numbers


def expansion_of(rule: AnyRule, step: Step) -> Expansion:
    """Return what `step` did to memory and weights, in numbers for all weights or one for each."""
    seen = Seen(step.before.memory.T, step.after.memory.T, None)
    return rule.expansion(np.array([step.rates]), seen, step.after.theta.dtype)


def parts_of(rule: AnyRule, step: Step) -> Parts:
    """Return the parts of what `step` changed under `rule`."""
    keep, take, use, now, measure, _ = expansion_of(rule, step)
    rows = take.shape[1]
    before, after = (state.memory[:rows].astype(np.float64) for state in (step.before, step.after))
    through = (use / measure[:, None]).T
    memory = (through * before).sum(axis=0)
    if rows and take[0, 0] != 0:
        g = (after[0] - keep[0, 0] @ before) / take[0, 0]
        return Parts(step.change, memory, now / measure * g, through)
    decayed = (step.keep - 1.0) * step.before.theta if step.keep != 1.0 else 0.0
    return Parts(step.change, memory, step.change - decayed - memory, through)


def measure_of(rule: AnyRule, step: Step) -> Any:
    """Return by what the rule divides each element of a gradient: √s + ε for Adam, 1 for most."""
    return expansion_of(rule, step).measure if rule.reads_memory else 1.0
