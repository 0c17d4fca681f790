"""What is asked after each epoch: the score on data held out, the printing, and scikit-learn's callbacks."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from schuss.adapters.estimators.inputs import as_rows
from schuss.adapters.estimators.solvers import objective_of
from schuss.method.samples import Samples
from schuss.method.state import State
from schuss.training.loop import Callback, Epoch, Judge

if TYPE_CHECKING:
    from schuss.adapters.estimators.base import Validation

__all__ = ["JudgingMixin"]


class JudgingMixin:
    """Judges a state of the training, for early stopping and the validation curves."""

    _judged: list[float]

    def _judge(self, held_out: Validation) -> Judge:
        """Return the function from a state to minus its score; it also notes the loss."""
        memory = self._memory  # type: ignore[attr-defined]  # there by now
        engine = memory.engine(self.engine, self.n_threads)  # type: ignore[attr-defined]  # parameters
        X = as_rows(held_out.X, memory.theta.dtype)
        samples = Samples.check(memory.network, X, held_out.T, memory.theta.dtype, held_out.weights)
        objective = replace(objective_of(self, memory.network), l2=0.0, clip=None)
        self._judged = []

        def judge(state: State) -> float:
            self._judged.append(engine.gradient(memory.network, state.theta, samples, objective).loss)
            y = engine.outputs(memory.network, state.theta, X)
            return -self._score_outputs(y, held_out)

        return judge

    def _score_outputs(self, y: Any, held_out: Validation) -> float:
        raise NotImplementedError

    def _callbacks(self) -> list[Callback]:
        return [_tell] if self.verbose else []  # type: ignore[attr-defined]  # a parameter


def _tell(epoch: Epoch) -> None:
    print(f"Iteration {epoch.number}, loss = {epoch.loss:.8f}")  # what `verbose` asks for
    if epoch.validation_loss is not None and np.isfinite(epoch.validation_loss):
        print(f"Validation score: {-epoch.validation_loss:f}")
