"""A regressor with scikit-learn's interface."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from schuss.adapters.estimators.fitting import activations_of, fit_network, sizes_of
from schuss.method.checks import check_choice
from schuss.method.functions import LOSSES, Array, Loss
from schuss.method.network import Network

__all__ = ["MLPRegressor"]

CLASS_LOSSES = ("cross_entropy", "binary_cross_entropy")


class MLPRegressor(RegressorMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """A feed-forward network that learns numbers, by back-propagation with momentum.

    Parameters
    ----------
    loss : str or schuss.Loss, default "squared_error"
        Also ``"absolute"``, ``"huber"``, ``"quantile"``, ``"poisson"``, ``"mean_squared_error"``.
    hidden_layer_sizes : int or sequence of int, default (100,)
    activation : str or sequence of str, default "relu"
        Of the hidden layers; the output is linear (exp for Poisson).
    solver : {"sgd"}, default "sgd"
    alpha : float, default 0.0001
    batch_size : int or "auto", default "auto"
    learning_rate_init : float or schedule, default 0.01
    max_iter : int, default 200
    shuffle : bool, default True
    random_state : int, RandomState or None, default None
    tol : float, default 1e-4
    momentum : float or schedule, default 0.9
    nesterovs_momentum : bool, default True
    n_iter_no_change : int, default 10
    engine : {"auto", "native", "reference"}, default "auto"
    n_threads : int or None, default None
        As in `schuss.MLPClassifier`.

    Attributes
    ----------
    coefs_, intercepts_, loss_curve_, loss_, best_loss_, n_iter_, t_, n_layers_, n_outputs_,
    n_features_in_, out_activation_, run_
        As in `schuss.MLPClassifier`.
    """

    def __init__(
        self,
        loss: Any = "squared_error",
        hidden_layer_sizes: Any = (100,),
        activation: Any = "relu",
        *,
        solver: str = "sgd",
        alpha: float = 0.0001,
        batch_size: Any = "auto",
        learning_rate_init: Any = 0.01,
        max_iter: int = 200,
        shuffle: bool = True,
        random_state: Any = None,
        tol: float = 1e-4,
        momentum: Any = 0.9,
        nesterovs_momentum: bool = True,
        n_iter_no_change: int = 10,
        engine: str = "auto",
        n_threads: int | None = None,
    ) -> None:
        self.loss = loss
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.solver = solver
        self.alpha = alpha
        self.batch_size = batch_size
        self.learning_rate_init = learning_rate_init
        self.max_iter = max_iter
        self.shuffle = shuffle
        self.random_state = random_state
        self.tol = tol
        self.momentum = momentum
        self.nesterovs_momentum = nesterovs_momentum
        self.n_iter_no_change = n_iter_no_change
        self.engine = engine
        self.n_threads = n_threads

    def fit(self, X: Any, y: Any) -> MLPRegressor:
        """Train on inputs `X` (n, n_features) and numbers `y` (n,) or (n, n_outputs), and return self.

        Raises
        ------
        DataError, SettingError, DivergenceError
        """
        X, y = validate_data(
            self, X, y, dtype=(np.float64, np.float32), order="C", multi_output=True, y_numeric=True
        )
        self._flat = y.ndim == 1
        T = np.asarray(y, dtype=X.dtype).reshape(len(X), -1)
        fit_network(self, self._network(X.shape[1], T.shape[1]), X, T)
        return self

    def _network(self, n_in: int, n_out: int) -> Network:
        loss = self.loss if isinstance(self.loss, Loss) else Loss(self.loss)
        check_choice("loss", loss.name, [name for name in LOSSES if name not in CLASS_LOSSES])
        sizes = sizes_of(self, n_in, n_out)
        names = activations_of(self, len(sizes) - 2)
        return Network(sizes, [*names, loss.kind.partner or "identity"], loss)

    def predict(self, X: Any) -> Array:
        """Return the predicted numbers, shape (n,) or (n, n_outputs) as `y` was."""
        check_is_fitted(self)
        X = validate_data(self, X, dtype=(np.float64, np.float32), order="C", reset=False)
        y = self.run_.predict(X)
        return y.ravel() if self._flat else y
