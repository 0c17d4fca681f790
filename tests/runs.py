"""Ways to make the same training run: at once, in pieces, step by step. Holds no test."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import numpy as np
import scipy.sparse

from cases import draw_targets
from schuss.engine.engine import Advance, Engine
from schuss.method.network import Network
from schuss.method.plan import Plan
from schuss.method.samples import Samples
from schuss.method.state import State

__all__ = ["change_of", "draw_run", "draw_sparse_run", "in_pieces", "one_call", "step_by_step"]


def draw_run(
    network: Network, plan: Plan, n: int, seed: int = 0, dtype: Any = "float64", *, weighted: bool = False
) -> tuple[Samples, State]:
    """Draw `n` samples for `network` and return them with the state before the first step."""
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, network.layers[0])).astype(dtype)
    T = draw_targets(rng, n, network).astype(dtype)
    weights = rng.choice([0.0, 0.5, 1.0, 3.0], n) if weighted else None
    samples = Samples.check(network, X, T, weights=weights)
    return samples, plan.start(network.initial(plan.seed, dtype))


def draw_sparse_run(
    network: Network, plan: Plan, n: int, density: float = 0.05, dtype: Any = "float64"
) -> tuple[Samples, Samples, State]:
    """Draw a run whose inputs are mostly zeros; return its samples as CSR and dense, and the state.

    Some rows are empty, one is full, and one number is a zero that the CSR matrix holds all the same.
    """
    samples, start = draw_run(network, plan, n, dtype=dtype)
    rng = np.random.default_rng(1)
    X = np.where(rng.random(samples.X.shape) < density, samples.X, 0).astype(dtype)
    X[1 :: max(n // 5, 2)] = 0
    X[n // 2] = samples.X[n // 2]
    csr = scipy.sparse.csr_matrix(X)
    row = int(np.flatnonzero(csr.indptr)[0]) - 1  # the first that is not empty
    X[row, csr.indices[0]] = csr.data[0] = 0
    return replace(samples, X=csr), replace(samples, X=X), start


def change_of(plan: Plan, before: State, after: State) -> Any:
    """Return the vector whose length the third norm of a step is: what was added to weights, shape (n,)."""
    adds_memory = plan.rule.name == "momentum" and plan.weight_decay == 0
    return after.memory[0] if adds_memory else after.theta - before.theta


def one_call(
    engine: Engine, network: Network, state: State, samples: Samples, plan: Plan, stop: int, **how: Any
) -> Advance:
    """Run to `stop` in one call, and fail unless it got there."""
    result = engine.advance(network, state, samples, plan, stop, **how)
    assert result.outcome == "done", result
    assert (result.state.step, len(result.losses)) == (stop, stop - state.step)
    return result


def in_pieces(
    engine: Engine, network: Network, state: State, samples: Samples, plan: Plan, stops: Iterable[int]
) -> Advance:
    """Run to each of `stops` in turn, a call each."""
    losses = []
    for stop in stops:
        result = one_call(engine, network, state, samples, plan, stop)
        state = result.state
        losses.append(result.losses)
    return result._replace(losses=np.concatenate(losses))


def step_by_step(
    engine: Engine, network: Network, state: State, samples: Samples, plan: Plan, stop: int
) -> Advance:
    """Run to `stop` by what `advance` promises to equal: the engine's gradient and the rule's update."""
    losses, n = [], len(samples)
    while state.step < stop:
        batch = samples.take(plan.batch(state.step, n))
        dropout = plan.dropout_at(state.step, network.depth - 1)
        loss, gradient = engine.gradient(network, state.theta, batch, plan.objective, dropout)
        rates = plan.rates(state.step, state.step + 1, n)[0].tolist()
        (keep,) = plan.keeps(state.step, state.step + 1, n).tolist()
        decayed = network.decayed(state.theta, keep)
        theta, memory = plan.rule.update(decayed, state.memory, gradient, rates)
        losses.append(loss)
        state = State(theta, memory, state.step + 1)
    return Advance(state, np.array(losses), "done")
