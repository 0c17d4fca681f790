"""What an estimator tells while it trains: its printing, and scikit-learn's callbacks (1.9 and newer)."""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

from schuss.method.functions import Array
from schuss.method.schedules import Plateau
from schuss.training.telling import Callback, Epoch

try:
    from sklearn.callback import CallbackSupportMixin
    from sklearn.callback._callback_support import callback_management_context
except ImportError:  # before 1.9

    class CallbackSupportMixin:  # type: ignore[no-redef]  # stands in for it
        """No callbacks in this scikit-learn."""

    def callback_management_context(estimator: Any) -> Any:  # noqa: ARG001  # likewise
        """Return a context of nothing."""
        return nullcontext()


if TYPE_CHECKING:
    from schuss.adapters.estimators.base import BaseMLP

CALLBACKS_UNDER_WAY = ("_callback_fit_ctx", "_skl_callbacks_to_teardown")
"""Where scikit-learn notes on the estimator which callbacks it has still to end."""

__all__ = ["CALLBACKS_UNDER_WAY", "CallbackSupportMixin", "Narrator", "Report", "callback_management_context"]


class Report:
    """Opens a task of scikit-learn's for the fit and for each epoch, and passes on a wish to stop."""

    def __init__(self, estimator: BaseMLP, X: Any, y: Any, tasks: int) -> None:
        self._estimator, self._data = estimator, {"X": X, "y": y}
        self._context: Any = None
        if getattr(estimator, "_skl_callbacks", None) or hasattr(estimator, "_parent_callback_ctx"):
            self._context = estimator._init_callback_context(max_subtasks=tasks)
            self._context.call_on_fit_task_begin(estimator=estimator, **self._data)

    def callbacks(self) -> list[Callback]:
        """Return what the loop is to call after each epoch."""
        return [] if self._context is None else [self.epoch]

    def epoch(self, epoch: Epoch) -> bool:
        """Tell of an epoch; True stops the training."""
        return self.weights(epoch.plan.result(epoch.state), "epoch")

    def weights(self, theta: Array, name: str) -> bool:
        """Tell of the weights that a task called `name` ended with; True stops the training."""
        if self._context is None:
            return False
        context = self._context.subcontext(task_name=name)
        context.call_on_fit_task_begin(estimator=self._estimator, **self._data)
        return bool(
            context.call_on_fit_task_end(
                estimator=self._estimator,
                **self._data,
                reconstruction_attributes=lambda: self._estimator._with_weights(theta),
            )
        )

    def end(self) -> None:
        """Tell that the fit is over."""
        if self._context is not None:
            self._context.call_on_fit_task_end(
                estimator=self._estimator, **self._data, reconstruction_attributes={}
            )


class Narrator:
    """Prints what scikit-learn prints where `verbose` asks for it."""

    def __init__(self, estimator: BaseMLP) -> None:
        self._estimator = estimator
        self._drops = 0

    def epoch(self, epoch: Epoch) -> None:
        """Print an epoch, after the plateau before it if there was one."""
        rate = epoch.plan.rule.learning_rate
        if isinstance(rate, Plateau) and len(rate.drops) > self._drops:
            self._drops = len(rate.drops)
            self.plateau(epoch.validation_loss is not None, f"Setting learning rate to {rate.last:f}")
        print(f"Iteration {epoch.number}, loss = {epoch.loss:.8f}")
        if epoch.validation_loss is not None:
            print(f"Validation score: {-epoch.validation_loss:f}")

    def plateau(self, judged: bool, what: str) -> None:
        """Print that nothing was gained, and what is done about it."""
        print(
            f"{'Validation score' if judged else 'Training loss'} did not improve more than "
            f"tol={self._estimator.tol:f} for {self._estimator.n_iter_no_change} consecutive epochs. {what}"
        )
