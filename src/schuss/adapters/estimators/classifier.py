"""A classifier with scikit-learn's interface."""

from __future__ import annotations

from collections.abc import Callable
from numbers import Real
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from sklearn.base import ClassifierMixin
from sklearn.preprocessing import LabelBinarizer
from sklearn.utils import column_or_1d
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.class_weight import compute_sample_weight
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import unique_labels

from schuss.adapters.estimators import labels
from schuss.adapters.estimators.base import BaseMLP, Validation
from schuss.adapters.estimators.online import class_targets
from schuss.adapters.estimators.parameters import CONSTRAINTS, keep
from schuss.errors import SettingError
from schuss.method.functions import Array, Loss
from schuss.method.network import Network
from schuss.method.rules import Rule
from schuss.method.samples import is_sparse

__all__ = ["MLPClassifier"]


class MLPClassifier(ClassifierMixin, BaseMLP):  # type: ignore[misc]  # scikit-learn has no types
    """A feed-forward network that learns classes, by back-propagation; scikit-learn's interface and model.

    Two classes train one logistic output, more a softmax, labels a logistic output each, several columns
    of classes a softmax each.

    Parameters
    ----------
    hidden_layer_sizes : int or sequence of int, default (100,)
    activation : str or sequence of str, default "relu"
        Of the hidden layers: one name, or one for each.
    solver : {"adam", "sgd", "lbfgs"} or Rule, default "adam"
        An update rule, as ``schuss.Lion(0.001)``, has its own rates: `learning_rate_init` and the other
        parameters of ``sgd`` and ``adam`` are not looked at.
    alpha : float, default 0.0001
        The L2 penalty.
    batch_size : int or "auto", default "auto"
        ``"auto"`` is min(200, n_samples).
    learning_rate : {"constant", "invscaling", "adaptive"}, default "constant"
        For sgd.
    learning_rate_init : float or schedule, default 0.001
    power_t : float, default 0.5
        Of ``"invscaling"``.
    max_iter : int, default 200
        Epochs, or iterations of lbfgs, at most; 0 makes an untrained network.
    shuffle : bool, default True
    random_state : int, RandomState or None
    tol : float, default 1e-4
        What counts as an improvement of the loss, or of the score with early stopping.
    verbose : bool, default False
    warm_start : bool, default False
        Whether `fit` goes on from the fit before, its velocity included.
    momentum : float or schedule, default 0.9
    nesterovs_momentum : bool, default True
    early_stopping : bool, default False
        Whether to keep `validation_fraction` of the rows and stop by the score on them.
    validation_fraction : float, default 0.1
    beta_1, beta_2, epsilon : float, default 0.9, 0.999 and 1e-8
        Of adam.
    n_iter_no_change : int, default 10
        Epochs without an improvement after which to stop.
    max_fun : int, default 15000
        Evaluations of the loss by lbfgs, at most.
    loss : {"log_loss", "focal"}, default "log_loss"
    focal_gamma : float, default 2
    label_smoothing : float, default 0
        Share of each target that is spread over all classes.
    class_weight : dict, "balanced" or None
    dropout : float or sequence of float, default 0
        Share of hidden units silent in a step: one for all hidden layers, or one for each.
    weight_decay : float, default 0
        Decoupled: θ ← (1−α·λ)·θ before each update.
    clip_norm : float or None
        Longest gradient of a batch.
    average : float, default 0
        Average the weights over this share of the epochs, at the end.
    allow_nan : bool, default False
        Fill missing inputs by the column's mean, and mark them.
    transform_layer : int, default -1
        Hidden layer whose outputs `transform` returns.
    preset : {"tabular"} or None
        Sound scaling, schedule and regularisation for tables; see docs/estimators.md.
    engine : {"auto", "native", "reference"}, default "auto"
    n_threads : int or None
    record : path or None
        A folder in which to record each fit by sgd or adam, so that any step of it can be asked about. Where
        it is taken, the next free one of record-2, record-3, …

    Attributes
    ----------
    classes_ : ndarray, shape (n_classes,), or a list of them
    coefs_, intercepts_ : list of ndarray, shapes (fan_in, fan_out) and (fan_out,)
    loss_curve_ : list of float
        Mean loss of each epoch.
    validation_scores_, validation_loss_curve_ : list of float or None
        Accuracy and loss after each epoch, on the data held out or given.
    loss_, best_loss_, best_validation_score_ : float
    n_iter_, t_, n_layers_, n_outputs_, n_features_in_ : int
    out_activation_ : str
    network_ : schuss.Network
    plan_ : schuss.Plan
        Of the last training by sgd or adam; it holds the order of every epoch.
    run_ : schuss.Run
        The last recorded training, opened from the folder ``record_``.
    """

    _parameter_constraints: ClassVar = {
        **CONSTRAINTS,
        "loss": [StrOptions({"log_loss", "focal"})],
        "focal_gamma": [Interval(Real, 0, None, closed="neither")],
        "label_smoothing": [Interval(Real, 0, 1, closed="left")],
        "class_weight": [StrOptions({"balanced"}), dict, list, None],
    }

    def __init__(
        self,
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
        loss: str = "log_loss",
        focal_gamma: float = 2.0,
        label_smoothing: float = 0.0,
        class_weight: Any = None,
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

    def _targets(self, y: Any, dtype: Any, first: bool, incremental: bool) -> NDArray[Any]:
        if first and not incremental:
            self._kind, self._sparse_labels = labels.kind_of(y), is_sparse(y)
            self.classes_ = labels.classes_of(self._kind, y)
        elif self.warm_start and not incremental and self._kind != "multioutput":
            self._check_same_classes(unique_labels(y))
        T = labels.encode(self._kind, self.classes_, y, dtype)
        return self._shaped(T, dtype)

    def _row_targets(self) -> Callable[[Any], Any]:
        if self.label_smoothing or self.loss == "focal":
            return lambda _: None
        return class_targets(self._kind, self.classes_, self._memory.theta.dtype)

    def _check_same_classes(self, classes: NDArray[Any]) -> None:
        if set(classes) != set(self.classes_):
            raise ValueError(
                "warm_start can only be used where `y` has the same classes as in the previous call to fit. "
                f"Previously got {self.classes_}, `y` has {classes}"
            )

    def _shaped(self, T: NDArray[Any], dtype: Any) -> NDArray[Any]:
        """Return the targets in the form that the loss needs, smoothed where that was asked for."""
        share, n = self.label_smoothing, labels.n_outputs_of(self._kind, self.classes_)
        if self.loss == "focal" and self._kind == "binary":
            T = np.hstack([1 - T, T])
        if not share:
            return T
        T = labels.one_hot(T, n, dtype)
        return (1 - share) * T + share * self._even(T.shape[1]).astype(dtype)

    def _even(self, n: int) -> Array:
        """Return what a target that knows nothing would be, for each of n outputs."""
        if self._kind == "multioutput":
            return np.concatenate([np.full(len(c), 1 / len(c)) for c in self.classes_])
        return np.full(n, 1 / n if self._kind == "multiclass" else 0.5)

    def _weights(self, y: Any, sample_weight: Any, incremental: bool) -> Any:
        if self.class_weight is None:
            return sample_weight
        if incremental and self.class_weight == "balanced":
            raise SettingError(
                "class_weight='balanced' is not known to partial_fit, which sees a part of the data; give a "
                "dict, as from sklearn.utils.class_weight.compute_class_weight over all of it."
            )
        given = self.class_weight
        if incremental and isinstance(given, dict) and self._kind in ("binary", "multiclass"):
            given = dict.fromkeys(self.classes_, 1.0) | given  # a part of the data may lack a class
        weights = compute_sample_weight(given, y)
        return weights if sample_weight is None else weights * sample_weight

    def _network(self, n_in: int, hidden: list[int]) -> Network:
        n_out, groups = labels.n_outputs_of(self._kind, self.classes_), None
        soft = self._kind in ("multiclass", "multioutput")
        loss, output = Loss("cross_entropy"), "softmax"
        if not soft:
            loss, output = Loss("binary_cross_entropy"), "logistic"
        if self.loss == "focal":
            if self._kind == "multilabel":
                raise SettingError("loss='focal' is for one class of many; got a matrix of labels.")
            loss, output, n_out = Loss("focal", float(self.focal_gamma)), "softmax", max(n_out, 2)
        if self._kind == "multioutput":
            groups = [len(c) for c in self.classes_]
        return Network([n_in, *hidden, n_out], [*self._activations(hidden), output], loss, groups=groups)

    def _strata(self, T: NDArray[Any]) -> Any:
        return T.round().astype(bool) if self._kind == "binary" and T.shape[1] == 1 else None

    def _score_outputs(self, y: Array, held_out: Validation) -> float:
        T = held_out.T
        if self._kind == "multiclass":
            right = y.argmax(axis=1) == (T if T.ndim == 1 else T.argmax(axis=1))
        else:  # all labels of a row, but columns of classes one by one
            same = (self._decode(y) == self._decode(T)).reshape(len(y), -1)
            right = same.mean(axis=1) if self._kind == "multioutput" else same.all(axis=1)
        return float(np.average(right, weights=held_out.weights))

    def _decode(self, y: Array) -> NDArray[Any]:
        if self._kind == "binary" and y.shape[1] == 2:  # the focal loss has two outputs
            y = y[:, 1:]
        return labels.decode(self._kind, self.classes_, y)

    def predict(self, X: Any) -> Any:
        """Return the most probable class of each row, shape (n,), or what fit was given: (n, n_labels)."""
        found = self._decode(self._outputs(X))
        return csr_matrix(found) if self._kind == "multilabel" and self._sparse_labels else found

    def predict_proba(self, X: Any) -> Any:
        """Return the probability of each class, shape (n, n_classes), columns as in ``classes_``.

        For several columns of classes, a list of such.
        """
        y = self._outputs(X)
        return labels.probabilities(self._kind, self.classes_, y)

    def predict_log_proba(self, X: Any) -> Any:
        """Return the logarithm of `predict_proba`."""
        p = self.predict_proba(X)
        with np.errstate(divide="ignore"):
            return [np.log(part) for part in p] if isinstance(p, list) else np.log(p)

    @available_if(lambda self: self._can_fit_partially())
    def partial_fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any = None,
        classes: Any = None,
        X_val: Any = None,
        y_val: Any = None,
        sample_weight_val: Any = None,
    ) -> MLPClassifier:
        """Go once over `X`, `y`, from where the last call stopped, velocity included, and return self.

        Parameters
        ----------
        classes : array_like, shape (n_classes,), or a list of such
            All classes that will ever come, a list of them for each column of y; needed at the first call.
        X_val, y_val, sample_weight_val : optional
            Data to judge by; with `early_stopping`, the best weights by them are put back after
            `n_iter_no_change` calls without an improvement.
        """
        self._check_parameters()
        self._learn_classes(y, classes)
        return self._partial_fit(X, y, sample_weight, (X_val, y_val, sample_weight_val))

    def _learn_classes(self, y: Any, classes: Any) -> None:
        known = self.classes_ if self.__sklearn_is_fitted__() else None  # a first call that failed told none
        if known is None and classes is None:
            raise ValueError("classes must be passed on the first call to partial_fit.")
        if classes is None:
            return
        several = np.ndim(y) == 2 and np.shape(y)[1] > 1
        by_column = several and isinstance(classes, list | tuple) and all(np.ndim(c) == 1 for c in classes)
        given = [np.unique(column) for column in classes] if by_column else unique_labels(classes)
        if known is not None:
            if not labels.is_same(known, given):
                raise ValueError(
                    f"`classes={classes!r}` is not the same as on last call to partial_fit, was: {known!r}"
                )
            return
        if by_column:
            self._kind, self._sparse_labels, self.classes_ = "multioutput", False, given
            return
        self._sparse_labels = is_sparse(y)
        self._kind = "multilabel" if several else "binary" if len(given) <= 2 else "multiclass"
        self.classes_ = labels.classes_of(self._kind, y) if several else given

    def _finish_sklearn(self, other: Any) -> None:
        binarizer = LabelBinarizer()
        binarizer.fit(np.eye(len(self.classes_), dtype=int) if self._kind == "multilabel" else self.classes_)
        other._label_binarizer, other.classes_ = binarizer, self.classes_

    def _begin_from_sklearn(self, other: Any) -> None:
        kind = other._label_binarizer.y_type_
        self._kind, self.classes_, self._sparse_labels = labels.KINDS[kind], other.classes_, False

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags
