"""What data held out says of a state: its score, for early stopping, and its loss."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from schuss.adapters.estimators.inputs import as_rows
from schuss.adapters.estimators.memory import Memory
from schuss.adapters.estimators.solvers import objective_of
from schuss.method.samples import Samples
from schuss.method.state import State
from schuss.training.loop import Judge

if TYPE_CHECKING:
    from schuss.adapters.estimators.base import Validation

__all__ = ["JudgingMixin"]


class JudgingMixin:
    """Judges a state of the training, for early stopping and the validation curves."""

    engine: str
    n_threads: int | None
    _memory: Memory
    _judged: list[float]

    def _judge(self, held_out: Validation) -> Judge:
        """Return the function from a state to minus its score; it also notes the loss."""
        memory = self._memory
        engine = memory.engine(self.engine, self.n_threads)
        X = as_rows(held_out.X, memory.theta.dtype)
        samples = Samples.check(memory.network, X, held_out.T, memory.theta.dtype, held_out.weights)
        objective = replace(objective_of(self), l2=0.0, clip=None)
        self._judged = []

        def judge(state: State) -> float:
            self._judged.append(engine.gradient(memory.network, state.theta, samples, objective).loss)
            y = engine.outputs(memory.network, state.theta, X)
            return -self._score_outputs(y, held_out)

        return judge

    def _score_outputs(self, y: Any, held_out: Validation) -> float:
        raise NotImplementedError
