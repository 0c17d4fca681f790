"""Which rates of a run change from step to step, and their values, for pictures of either kind."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from schuss.method.schedules import Schedule

if TYPE_CHECKING:
    from schuss.training.run import Run

__all__ = ["varying_rates"]


def varying_rates(run: Run, most: int) -> dict[str, tuple[list[int], list[float]]]:
    """Return for each rate that is not constant some steps that were made, and its values there.

    At most `most` steps, the first and the last among them, as far apart as can be.
    """
    made = run.state.step
    steps = np.unique(np.linspace(0, max(made - 1, 0), min(most, made)).astype(np.int64))
    found = {}
    for name in run.plan.rule.rates:
        rate = getattr(run.plan.rule, name)
        if isinstance(rate, Schedule) and made:
            values = rate.at(steps, run.plan.span(run.n_samples)).tolist()
            if min(values) < max(values):
                found[name] = (steps.tolist(), values)
    return found
