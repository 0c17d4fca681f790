"""Where exactly a training diverged, found by running the last stride again, step by step.

Recording every step against this case would cost all trainings; replaying costs only the failed one.
"""

from __future__ import annotations

import numpy as np

from schuss.engine.engine import INTERRUPTED, Advance, Engine
from schuss.errors import DivergenceError
from schuss.method.network import Network
from schuss.method.plan import Plan
from schuss.method.samples import Samples
from schuss.method.schedules import at_steps
from schuss.method.state import State

__all__ = ["divergence"]


def divergence(
    engine: Engine, network: Network, start: State, samples: Samples, plan: Plan, stop: int
) -> tuple[DivergenceError, Advance]:
    """Return the error for a training that ran from `start` into a non-finite state before `stop`.

    And the steps up to there, which are finite.
    """
    made = engine.advance(network, start, samples, plan, stop, check_each_step=True)
    step = made.state.step - 1
    before = engine.advance(network, start, samples, plan, step)
    for replay in (made, before):
        if replay.outcome == INTERRUPTED:
            raise replay.error or KeyboardInterrupt
    error = DivergenceError(
        step,
        first_bad_layer(network, made.state),
        _rate_at(plan, "learning_rate", step, len(samples)),
        _rate_at(plan, "momentum", step, len(samples)) or 0.0,
        before.state,
    )
    return error, before


def _rate_at(plan: Plan, name: str, step: int, n: int) -> float | None:
    """Return a rate of the rule as it was set, not what the rule makes of it; None if it has none."""
    if name not in plan.rule.rates:
        return None
    return float(at_steps(getattr(plan.rule, name), np.array([step]), plan.span(n))[0])


def first_bad_layer(network: Network, state: State) -> str | None:
    """Return the name of the layer that the first non-finite weight leads into, or None if none is."""
    bad = np.flatnonzero(~np.isfinite(state.theta))
    if not len(bad):
        bad = np.flatnonzero(~np.isfinite(state.velocity))
    if not len(bad):
        return None
    return network.layer_names[network.layer_of(int(bad[0])) + 1]
