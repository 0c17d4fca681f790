"""What data held out says of each epoch: the score, for early stopping, and the loss."""

from __future__ import annotations

from typing import TYPE_CHECKING

from schuss.adapters.estimators.inputs import as_rows
from schuss.method.backprop import Objective
from schuss.method.plan import Plan
from schuss.method.samples import Samples
from schuss.method.state import State
from schuss.training.telling import Epoch

if TYPE_CHECKING:
    from schuss.adapters.estimators.base import BaseMLP, Validation

__all__ = ["Judgement"]

LOSS = Objective("mean", as_scikit_learn=True)  # of the samples alone, without penalties


class Judgement:
    """Judges a state of the training, and keeps what it found.

    Attributes
    ----------
    scores, losses : list of float
        After each epoch.
    """

    def __init__(self, estimator: BaseMLP, held_out: Validation, plan: Plan) -> None:
        self.scores: list[float] = []
        self.losses: list[float] = []
        memory = estimator._memory
        self._estimator, self._held_out, self._network = estimator, held_out, memory.network
        self._result = plan.result
        self._engine = memory.engine(estimator.engine, estimator.n_threads)
        dtype = memory.theta.dtype
        X = as_rows(held_out.X, dtype)
        self._samples = Samples.check(memory.network, X, held_out.T, dtype, held_out.weights)

    def __call__(self, state: State) -> float:
        """Return minus the score of a state, which is lower for better."""
        theta = self._result(state)
        loss = self._engine.loss(self._network, theta, self._samples, LOSS)
        y = self._engine.outputs(self._network, theta, self._samples.X)
        self.losses.append(loss)
        self.scores.append(self._estimator._score_outputs(y, self._held_out))
        return -self.scores[-1]

    def note(self, epoch: Epoch) -> None:
        """Judge the state after an epoch, for the record alone."""
        self(epoch.state)
