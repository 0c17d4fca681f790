"""A classifier with scikit-learn's interface."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from schuss.adapters.estimators.fitting import activations_of, fit_network, sizes_of
from schuss.errors import DataError
from schuss.method.functions import Array
from schuss.method.network import Network

__all__ = ["MLPClassifier"]


class MLPClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """A feed-forward network that learns classes, by back-propagation with momentum.

    Two classes train one logistic output, more train a softmax.

    Parameters
    ----------
    hidden_layer_sizes : int or sequence of int, default (100,)
    activation : str or sequence of str, default "relu"
        Of the hidden layers: one name, or one for each.
    solver : {"sgd"}, default "sgd"
    alpha : float, default 0.0001
        The L2 penalty, as in scikit-learn.
    batch_size : int or "auto", default "auto"
        ``"auto"`` is min(200, n_samples).
    learning_rate_init : float or schedule, default 0.05
    max_iter : int, default 200
        Epochs, at most.
    shuffle : bool, default True
    random_state : int, RandomState or None, default None
    tol : float, default 1e-4
        The loss must fall by this much within `n_iter_no_change` epochs, else training stops.
    momentum : float or schedule, default 0.9
    nesterovs_momentum : bool, default True
    n_iter_no_change : int, default 10
    engine : {"auto", "native", "reference"}, default "auto"
    n_threads : int or None, default None

    Attributes
    ----------
    classes_ : ndarray, shape (n_classes,)
    coefs_ : list of ndarray, shapes (fan_in, fan_out)
    intercepts_ : list of ndarray, shapes (fan_out,)
    loss_curve_ : list of float
        Mean loss of each epoch.
    loss_, best_loss_ : float
    n_iter_, t_, n_layers_, n_outputs_, n_features_in_ : int
    out_activation_ : str
    run_ : schuss.Run
        The training itself.
    """

    def __init__(
        self,
        hidden_layer_sizes: Any = (100,),
        activation: Any = "relu",
        *,
        solver: str = "sgd",
        alpha: float = 0.0001,
        batch_size: Any = "auto",
        learning_rate_init: Any = 0.05,
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

    def fit(self, X: Any, y: Any) -> MLPClassifier:
        """Train on inputs `X` (n, n_features) and classes `y` (n,), and return self.

        Raises
        ------
        DataError, SettingError, DivergenceError
        """
        X, y = validate_data(self, X, y, dtype=(np.float64, np.float32), order="C")
        check_classification_targets(y)
        self.classes_, codes = np.unique(y, return_inverse=True)
        if len(self.classes_) < 2:
            raise DataError(f"y must hold at least two classes; it holds only {self.classes_[0]!r}.")
        fit_network(self, self._network(X.shape[1]), X, codes.astype(np.int32))
        return self

    def _network(self, n_in: int) -> Network:
        two = len(self.classes_) == 2
        loss, output = ("binary_cross_entropy", "logistic") if two else ("cross_entropy", "softmax")
        sizes = sizes_of(self, n_in, 1 if two else len(self.classes_))
        names = activations_of(self, len(sizes) - 2)
        return Network(sizes, [*names, output], loss)

    def predict_proba(self, X: Any) -> Array:
        """Return the probability of each class, shape (n, n_classes), columns as in ``classes_``."""
        check_is_fitted(self)
        X = validate_data(self, X, dtype=(np.float64, np.float32), order="C", reset=False)
        y = self.run_.predict(X)
        return np.hstack([1 - y, y]) if len(self.classes_) == 2 else y

    def predict_log_proba(self, X: Any) -> Array:
        """Return the logarithm of `predict_proba`, shape (n, n_classes)."""
        with np.errstate(divide="ignore"):
            return np.asarray(np.log(self.predict_proba(X)))

    def predict(self, X: Any) -> NDArray[Any]:
        """Return the most probable class of each row, shape (n,)."""
        check_is_fitted(self)
        return np.asarray(self.classes_[self.predict_proba(X).argmax(axis=1)])
