"""What both estimators share: fit, partial_fit and the fitted attributes, around one network.

The parts that differ (targets, network, score) are the subclasses'; how a solver trains stands in
`solvers`; what is drawn from the generator in `draws`.
"""

from __future__ import annotations

import numbers
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, _fit_context
from sklearn.utils.validation import _check_sample_weight, validate_data

from schuss.adapters.estimators import solvers
from schuss.adapters.estimators.draws import draw_theta, generator_of
from schuss.adapters.estimators.exchange import ExchangeMixin
from schuss.adapters.estimators.hidden import HiddenLayerMixin
from schuss.adapters.estimators.html import summary
from schuss.adapters.estimators.inputs import InputsMixin
from schuss.adapters.estimators.memory import Memory
from schuss.adapters.estimators.online import learn_row
from schuss.adapters.estimators.parameters import CONSTRAINTS, HIDDEN_ACTIVATIONS
from schuss.adapters.estimators.preset import applied, draw_lecun
from schuss.adapters.estimators.reporting import (
    CALLBACKS_UNDER_WAY,
    CallbackSupportMixin,
    Report,
    callback_management_context,
)
from schuss.errors import SettingError
from schuss.method.checks import check_choice
from schuss.method.functions import Array
from schuss.method.network import Network
from schuss.training.opening import load_run
from schuss.training.run import Run

__all__ = ["BaseMLP", "Validation"]


class BaseMLP(HiddenLayerMixin, InputsMixin, ExchangeMixin, CallbackSupportMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """The network behind `MLPClassifier` and `MLPRegressor`."""

    _parameter_constraints: ClassVar = CONSTRAINTS

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any = None,
        X_val: Any = None,
        y_val: Any = None,
        sample_weight_val: Any = None,
    ) -> Any:
        """Train on `X` (n, n_features) and `y`, and return self.

        Parameters
        ----------
        X : array_like or sparse matrix, shape (n, n_features)
        y : array_like, shape (n,) or (n, n_outputs)
        sample_weight : array_like, shape (n,), optional
        X_val, y_val, sample_weight_val : optional
            Data to judge each epoch by, for ``validation_scores_`` and ``validation_loss_curve_``; with
            `early_stopping` instead of a part of `X`.

        Raises
        ------
        ValueError
            Bad data or settings; also, as DivergenceError, weights that became non-finite.
        """
        return self._fit(X, y, sample_weight, (X_val, y_val, sample_weight_val), incremental=False)

    def _fit(self, X: Any, y: Any, sample_weight: Any, validation: Any, incremental: bool) -> Any:
        before = dict(self.__dict__)
        if incremental and self.preset:
            raise SettingError(f"preset={self.preset!r} plans a whole training; use fit, or leave it out.")
        if incremental and self.record is not None:
            raise SettingError("record is for fit; a call of partial_fit is no training of its own.")
        try:
            with applied(self, X):
                return self._fit_whole(X, y, sample_weight, validation, incremental)
        except BaseException:  # a fit that fails leaves the estimator as it was
            under_way = {k: v for k, v in self.__dict__.items() if k in CALLBACKS_UNDER_WAY}
            self.__dict__.clear()
            self.__dict__.update(before | under_way)
            raise

    def _fit_whole(self, X: Any, y: Any, sample_weight: Any, validation: Any, incremental: bool) -> Any:
        sizes = hidden_sizes(self.hidden_layer_sizes)
        first = not hasattr(self, "_memory") or not (self.warm_start or incremental)
        X, y = self._check(X, y, reset=first)
        if sample_weight is not None:
            sample_weight = _check_sample_weight(sample_weight, X)
        given = first and (self.warm_start or incremental) and self._given_theta()
        self._learn_inputs(X, first)
        X = self._prepared(X)
        T = self._targets(y, X.dtype, first, incremental)
        weights = self._weights(y, sample_weight, incremental)
        network = self._network(self._n_inputs(X), sizes)
        if first:
            self._start(network, X.dtype, given)
        elif network.layers != self._memory.network.layers:
            raise SettingError(
                f"the network fitted before has layers {self._memory.network.layers}; these parameters and "
                f"data ask for {network.layers}. Fit without warm_start."
            )
        if network != self._memory.network:  # a new Memory: a fit that fails goes back to the old
            self._memory = replace(self._memory, network=network)
        report = Report(self, X, y, 1 if incremental else self.max_iter)
        held_out = self._held_out(validation, incremental)
        solvers.train(self, X, T, weights, held_out, report, incremental)
        report.end()
        return self

    @property
    def run_(self) -> Run:
        """The last recorded training."""
        if "record_" not in self.__dict__:
            raise AttributeError("no fit was recorded; give record=FOLDER and fit.")
        return load_run(self.record_)

    def _with_weights(self, theta: Array) -> dict[str, Any]:
        """Return the attributes that make a copy of this estimator predict with `theta`."""
        return {"_memory": replace(self._memory, theta=theta.copy())}

    def _can_fit_partially(self) -> bool:
        """Return True, or raise the AttributeError that hides `partial_fit`."""
        if self.solver == "lbfgs":
            raise AttributeError(
                f"partial_fit is only available for stochastic optimizers. {self.solver} is not stochastic."
            )
        return True

    def _check_parameters(self) -> None:
        """Check the parameters at the first call of `partial_fit`; its speed forbids it at each."""
        if not self.__sklearn_is_fitted__():
            self._validate_params()

    def _partial_fit(self, X: Any, y: Any, sample_weight: Any, validation: Any) -> Any:
        self._check_parameters()
        plain = sample_weight is None and validation[0] is None and self.__sklearn_is_fitted__()
        if plain and learn_row(self, X, y):
            return self
        with callback_management_context(self):  # as `fit` has it from scikit-learn
            return self._fit(X, y, sample_weight, validation, incremental=True)

    def _start(self, network: Network, dtype: Any, given: Any) -> None:
        generator = generator_of(self.random_state, None)
        theta = network.pack(*given).astype(dtype) if given else self._draw(network, generator, dtype)
        self._memory = Memory(network, theta, generator)
        self.n_iter_, self.t_ = 0, 0
        self.n_outputs_, self.n_layers_ = network.layers[-1], len(network.layers)
        self.out_activation_ = network.activation[-1]
        if self.solver != "lbfgs":
            self.loss_curve_: list[float] = []
            self.validation_loss_curve_: list[float] | None = None
            judged = self.early_stopping
            self.validation_scores_: list[float] | None = [] if judged else None
            self.best_validation_score_ = -np.inf if judged else None
            self.best_loss_ = None if judged else np.inf

    def _draw(self, network: Network, generator: np.random.RandomState, dtype: Any) -> Array:
        """Return first weights: scikit-learn's, or the preset's."""
        if self.preset:
            return draw_lecun(network, generator, dtype)
        logistic = isinstance(self.activation, str) and self.activation == "logistic"
        return draw_theta(network, generator, logistic, dtype)

    def _check(self, X: Any, y: Any, reset: bool) -> tuple[Any, Any]:
        """Return X and y as arrays, X finite (or with gaps where they are allowed) and of a float dtype."""
        return validate_data(
            self,
            X,
            y,
            accept_sparse=["csr", "csc"],
            multi_output=True,
            dtype=(np.float64, np.float32),
            ensure_all_finite="allow-nan" if self.allow_nan else True,
            reset=reset,
            **self._y_checks,
        )

    _y_checks: ClassVar[dict[str, Any]] = {}

    def _held_out(self, validation: Any, incremental: bool) -> Validation | None:
        """Return the data given to judge by, in the network's terms, or None."""
        X, y, weights = validation
        if (X is None) != (y is None):
            raise SettingError("give X_val and y_val together, or neither.")
        if X is None:
            if incremental and self.early_stopping:
                raise SettingError(
                    "partial_fit does not support early_stopping=True without validation data; give it "
                    "X_val and y_val."
                )
            return None
        if self.solver == "lbfgs":
            raise SettingError("X_val is judged after each epoch of sgd or adam; lbfgs has none.")
        X, y = self._check(X, y, reset=False)
        X = self._prepared(X)
        if weights is not None:
            weights = _check_sample_weight(weights, X)
        return Validation(X, self._targets(y, X.dtype, False, True), weights)

    def __sklearn_is_fitted__(self) -> bool:
        """Whether there are weights."""
        return "_memory" in self.__dict__

    def __getstate__(self) -> dict[str, Any]:
        state = dict(super().__getstate__())
        if "_memory" in state:
            state["_memory"] = self._memory.to_plain()
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        if isinstance(self.__dict__.get("_memory"), dict):
            self._memory = Memory.from_plain(self.__dict__["_memory"])

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.input_tags.allow_nan = self.allow_nan
        return tags

    def _html_repr(self) -> str:
        view: str = super()._html_repr()
        return view + summary(self) if self.__sklearn_is_fitted__() else view

    def _finish_sklearn(self, other: Any) -> None:
        """Set what else scikit-learn's estimator needs to predict."""

    def _begin_from_sklearn(self, other: Any) -> None:
        """Take over what else is needed from scikit-learn's estimator."""

    @classmethod
    @cache
    def _names(cls) -> list[str]:
        """Return the names of the parameters."""
        names: list[str] = cls._get_param_names()
        return names

    def _row_targets(self) -> Callable[[Any], Any]:
        """Return the function from y of a row to its target, or None where that is not plain."""
        raise NotImplementedError

    def _targets(self, y: Any, dtype: Any, first: bool, incremental: bool) -> NDArray[Any]:
        """Return y as the network's targets (rows x outputs), and learn what the leaf keeps of y."""
        raise NotImplementedError

    def _score_outputs(self, y: Array, held_out: Validation) -> float:
        """Return the leaf's score of the outputs for the rows held out."""
        raise NotImplementedError

    def _strata(self, T: NDArray[Any]) -> Any:  # noqa: ARG002  # the classifier looks at the targets
        return None

    def _weights(self, y: Any, sample_weight: Any, incremental: bool) -> Any:  # noqa: ARG002  # likewise
        return sample_weight

    def _network(self, n_in: int, hidden: list[int]) -> Network:
        """Return a new network with the leaf's output activation."""
        raise NotImplementedError

    def _activations(self, hidden: list[int]) -> list[str]:
        """Return the activation of each hidden layer: one name for all, or one for each."""
        given = self.activation
        names = [given] * len(hidden) if isinstance(given, str) else list(given)
        if len(names) != len(hidden):
            raise SettingError(
                f"activation must be one name, or one for each of {len(hidden)} hidden layers; got {given!r}."
            )
        return [check_choice("activation", name, HIDDEN_ACTIVATIONS) for name in names]


class Validation:
    """Data to judge a state by: inputs, targets, and weights or None."""

    def __init__(self, X: Any, T: NDArray[Any], weights: Any) -> None:
        self.X, self.T, self.weights = X, T, weights


def hidden_sizes(given: Any) -> list[int]:
    """Return the sizes of the hidden layers as a list."""
    sizes = list(given) if hasattr(given, "__iter__") else [given]
    if not all(isinstance(n, numbers.Integral) and not isinstance(n, bool) for n in sizes):
        raise ValueError(f"hidden_layer_sizes must be whole numbers, got {sizes}.")
    if any(n <= 0 for n in sizes):
        raise ValueError(f"hidden_layer_sizes must be > 0, got {sizes}.")
    return [int(n) for n in sizes]
