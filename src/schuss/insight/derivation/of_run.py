"""The derivation of a recorded run's step: its own weights, memory, rates and samples."""

from __future__ import annotations

from schuss.errors import DataError
from schuss.insight.derivation.derive import derive
from schuss.insight.derivation.value import Derivation
from schuss.method.checks import check_integer
from schuss.method.samples import is_sparse
from schuss.training.run import Run

__all__ = ["derive_run"]


def derive_run(run: Run, step: int, *, weight: str | int | None = None, steps: int = 1) -> Derivation:
    """Return every line of back-propagation for one weight at one step of `run`; see `Run.derive`."""
    replay = run.replay
    check_integer("step", step, low=0, high=replay.stop - 1)
    state = replay.at(step)
    batch = replay.samples.take(run.plan.batch(step, run.n_samples))
    if is_sparse(batch.X):
        raise DataError("the derivation shows every input; sparse ones are too many to show.")
    T = batch.T if batch.T is not None else batch.classes
    return derive(
        run.network,
        batch.X,
        T,
        rule=run.plan,
        theta=state.theta,
        memory=state.memory,
        weight=weight,
        steps=steps,
        step=step,
        weights=batch.weights,
        n_samples=run.n_samples,
    )
