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
    rates = dict(zip(plan.rule.rates, plan.rates(step, step + 1, len(samples))[0], strict=True))
    error = DivergenceError(
        step,
        first_bad_layer(network, made.state),
        float(rates["learning_rate"]) if "learning_rate" in rates else None,
        float(rates.get("momentum", 0.0)),
        before.state,
    )
    return error, before


def first_bad_layer(network: Network, state: State) -> str | None:
    """Return the name of the layer that the first non-finite weight leads into, or None if none is."""
    bad = np.flatnonzero(~np.isfinite(state.theta))
    if not len(bad):
        bad = np.flatnonzero(~np.isfinite(state.velocity))
    if not len(bad):
        return None
    return network.layer_names[network.layer_of(int(bad[0])) + 1]
