"""A regressor with scikit-learn's interface."""

from __future__ import annotations

from collections.abc import Callable
from numbers import Real
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from sklearn.base import RegressorMixin
from sklearn.metrics import d2_pinball_score, r2_score
from sklearn.utils import column_or_1d
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.metaestimators import available_if

from schuss.adapters.estimators.base import BaseMLP, Validation
from schuss.adapters.estimators.parameters import CONSTRAINTS, keep
from schuss.errors import SettingError
from schuss.method.checks import check_number
from schuss.method.functions import Array, Loss
from schuss.method.network import Network
from schuss.method.rules import Rule

__all__ = ["MLPRegressor"]

LOSSES = ("squared_error", "poisson", "absolute_error", "huber", "quantile")
_SHARE = Interval(Real, 0, 1, closed="neither")


class MLPRegressor(RegressorMixin, BaseMLP):  # type: ignore[misc]  # scikit-learn has no types
    """A feed-forward network that learns numbers, by back-propagation; scikit-learn's interface and model.

    Parameters
    ----------
    loss : {"squared_error", "poisson", "absolute_error", "huber", "quantile"}, default "squared_error"
        Half the squared error, half the Poisson deviance (with an exponential output, for y ≥ 0), |e|,
        Huber's, and the quantile loss.
    hidden_layer_sizes, activation, solver, alpha, batch_size, learning_rate, learning_rate_init, power_t, \
max_iter, shuffle, random_state, tol, verbose, warm_start, momentum, nesterovs_momentum, early_stopping, \
validation_fraction, beta_1, beta_2, epsilon, n_iter_no_change, max_fun
        As in `schuss.MLPClassifier`; early stopping goes by R².
    quantile : float or sequence of float, default 0.5
        Of the quantile loss. Several are learnt at once and predicted in rising order, never crossing.
    huber_delta : float, default 1
        Error from which Huber's loss grows in a straight line.
    dropout, weight_decay, clip_norm, average, allow_nan, transform_layer, preset, engine, n_threads,
    record
        As in `schuss.MLPClassifier`.

    Attributes
    ----------
    coefs_, intercepts_, loss_curve_, validation_scores_, validation_loss_curve_, loss_, best_loss_, \
best_validation_score_, n_iter_, t_, n_layers_, n_outputs_, n_features_in_, out_activation_
        As in `schuss.MLPClassifier`.
    """

    _parameter_constraints: ClassVar = {
        **CONSTRAINTS,
        "loss": [StrOptions(set(LOSSES))],
        "quantile": [_SHARE, "array-like"],
        "huber_delta": [Interval(Real, 0, None, closed="neither")],
    }
    _y_checks: ClassVar = {"y_numeric": True}

    def __init__(
        self,
        loss: str = "squared_error",
        hidden_layer_sizes: Any = (100,),
        activation: Any = "relu",
        *,
        solver: str | Rule = "adam",
        alpha: float = 0.0001,
        batch_size: Any = "auto",
        learning_rate: str = "constant",
        learning_rate_init: Any = 0.001,
        power_t: float = 0.5,
        max_iter: int = 200,
        shuffle: bool = True,
        random_state: Any = None,
        tol: float = 1e-4,
        verbose: bool = False,
        warm_start: bool = False,
        momentum: Any = 0.9,
        nesterovs_momentum: bool = True,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        n_iter_no_change: Any = 10,
        max_fun: int = 15000,
        quantile: Any = 0.5,
        huber_delta: float = 1.0,
        dropout: Any = 0.0,
        weight_decay: float = 0.0,
        clip_norm: float | None = None,
        average: float = 0.0,
        allow_nan: bool = False,
        transform_layer: int = -1,
        preset: str | None = None,
        engine: str = "auto",
        n_threads: int | None = None,
        record: Any = None,
    ) -> None:
        keep(self, locals())

    def _check(self, X: Any, y: Any, reset: bool) -> tuple[Any, Any]:
        X, y = super()._check(X, y, reset)
        return X, column_or_1d(y, warn=True) if y.ndim == 2 and y.shape[1] == 1 else y

    @property
    def _quantiles(self) -> tuple[float, ...]:
        """The quantiles that each target is asked for, in order; one where the loss is another."""
        if self.loss != "quantile" or np.ndim(self.quantile) == 0:
            return (0.5,)
        if np.ndim(self.quantile) != 1 or len(self.quantile) == 0:
            raise SettingError(
                f"quantile must be a number or a list of them in (0, 1); got {self.quantile!r}."
            )
        return tuple(sorted(check_number("quantile", q, low=0, high=1) for q in self.quantile))

    def _targets(self, y: Any, dtype: Any, first: bool, incremental: bool) -> NDArray[Any]:  # noqa: ARG002  # as the classifier's
        T = np.asarray(y, dtype=np.float64 if self.preset else dtype).reshape(len(y), -1)
        if first:
            self._flat = T.shape[1] == 1
            self._n_targets = T.shape[1]
            self._target = None
        if first and self.preset and self.loss != "poisson":  # counts are not shifted
            self._target = [T.mean(axis=0), np.where(T.std(axis=0) > 0, T.std(axis=0), 1.0)]
        if self._target is not None:
            T = ((T - self._target[0]) / self._target[1]).astype(dtype)
        return np.repeat(T, len(self._quantiles), axis=1)

    def _row_targets(self) -> Callable[[Any], Any]:
        dtype, n = self._memory.theta.dtype, self._n_targets
        least = 0.0 if self.loss == "poisson" else -np.inf

        def target(value: Any) -> Any:
            T = np.array(value, dtype=dtype, ndmin=2)
            return T if T.shape == (1, n) and np.isfinite(T).all() and T.min() >= least else None

        return target if len(self._quantiles) == 1 else lambda _: None

    def _network(self, n_in: int, hidden: list[int]) -> Network:
        n_out = self._n_targets * len(self._quantiles)
        loss = self._loss()
        output = loss.kind.partner or "identity"
        return Network([n_in, *hidden, n_out], [*self._activations(hidden), output], loss)

    def _loss(self) -> Loss:
        if self.loss == "huber":
            return Loss("huber", float(self.huber_delta))
        if self.loss == "quantile":
            several = np.ndim(self.quantile) == 1
            return Loss("quantile", self._quantiles * self._n_targets if several else float(self.quantile))
        return Loss("absolute" if self.loss == "absolute_error" else self.loss)

    def _score_outputs(self, y: Array, held_out: Validation) -> float:
        if not np.isfinite(y).all():
            return np.nan
        if len(self._quantiles) > 1:  # they have no R²
            losses = Loss("quantile", self._quantiles * self._n_targets).value(y, y, held_out.T)
            return -float(np.average(losses, weights=held_out.weights))
        return float(r2_score(held_out.T, y, sample_weight=held_out.weights))

    def predict(self, X: Any) -> Array:
        """Return the predicted numbers: (n,) or (n, n_targets) as `y` was; (…, n_quantiles) for several."""
        y = self._outputs(X)
        if self._target is not None:
            mean, scale = (np.repeat(part, len(self._quantiles)) for part in self._target)
            y = y * scale + mean
        if len(self._quantiles) > 1:
            y = np.sort(y.reshape(len(y), self._n_targets, -1), axis=2)
            return y[:, 0] if self._flat else y
        return y.ravel() if self._flat else y

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Return R² of the predictions; of several quantiles the mean of their D² (pinball loss)."""
        if len(self._quantiles) == 1:
            return float(super().score(X, y, sample_weight))
        found = self.predict(X)
        scores = [
            d2_pinball_score(y, found[..., i], sample_weight=sample_weight, alpha=q)
            for i, q in enumerate(self._quantiles)
        ]
        return float(np.mean(scores))

    def _begin_from_sklearn(self, other: Any) -> None:
        self._n_targets = int(other.n_outputs_)
        self._target = None
        self._flat = self._n_targets == 1

    @available_if(lambda self: self._can_fit_partially())
    def partial_fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any = None,
        X_val: Any = None,
        y_val: Any = None,
        sample_weight_val: Any = None,
    ) -> MLPRegressor:
        """Go once over `X`, `y`, from where the last call stopped, velocity included, and return self.

        With `early_stopping`, the best weights by `X_val`, `y_val` are put back after `n_iter_no_change`
        calls without an improvement.
        """
        return self._partial_fit(X, y, sample_weight, (X_val, y_val, sample_weight_val))
