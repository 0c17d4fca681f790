"""What both estimators share: from parameters to a network and a plan, and back to attributes."""

from __future__ import annotations

import numbers
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_random_state

from schuss.errors import SchussWarning, SettingError, TrainingInterrupted
from schuss.method.checks import check_choice, check_integer, check_number
from schuss.method.functions import ACTIVATIONS, Array
from schuss.method.network import Network
from schuss.method.plan import Plan
from schuss.method.rules import GradientDescent, Momentum, Nesterov, Rule
from schuss.method.schedules import check_rate
from schuss.training.loop import train
from schuss.training.run import Run

__all__ = ["activations_of", "fit_network", "plan_of", "sizes_of"]

SOLVERS = ("sgd",)
AUTO_BATCH = 200
LARGE_INPUT = 30.0  # root mean square of a column; pixels from 0 to 16 still train well


def sizes_of(estimator: Any, n_in: int, n_out: int) -> list[int]:
    """Return the layer sizes of the estimator's network."""
    hidden = estimator.hidden_layer_sizes
    hidden = [hidden] if isinstance(hidden, numbers.Integral) else hidden
    if not isinstance(hidden, Sequence | np.ndarray) or isinstance(hidden, str):
        raise SettingError(
            f"hidden_layer_sizes must be an integer or a sequence of integers; got {hidden!r}."
        )
    sizes = [check_integer(f"hidden_layer_sizes[{i}]", n, low=1) for i, n in enumerate(hidden)]
    return [n_in, *sizes, n_out]


def activations_of(estimator: Any, hidden_layers: int) -> list[str]:
    """Return the activation of each hidden layer: one name for all, or one for each."""
    given = estimator.activation
    names = [given] * hidden_layers if isinstance(given, str) else given
    if not isinstance(names, Sequence) or len(names) != hidden_layers:
        raise SettingError(
            f"activation must be one name, or one for each of {hidden_layers} hidden layers; got {given!r}."
        )
    return [check_choice("activation", name, ACTIVATIONS) for name in names]


def plan_of(estimator: Any, n: int) -> Plan:
    """Return the plan that the estimator's parameters describe, for `n` samples."""
    check_choice("solver", estimator.solver, SOLVERS)
    check_number("alpha", estimator.alpha, low=0.0)  # under the names that scikit-learn's users know
    check_number("tol", estimator.tol, low=0.0)
    check_integer("max_iter", estimator.max_iter, low=1)
    if estimator.n_threads is not None:
        check_integer("n_threads", estimator.n_threads, low=1)
    check_integer("n_iter_no_change", estimator.n_iter_no_change, low=1)
    batch = estimator.batch_size
    return Plan(
        rule=_rule_of(estimator),
        epochs=estimator.max_iter,
        batch_size=min(AUTO_BATCH, n) if batch == "auto" else batch,
        seed=_seed_of(estimator.random_state),
        order="philox" if estimator.shuffle else "sequential",
        l2=estimator.alpha,
        patience=estimator.n_iter_no_change,
        min_improvement=estimator.tol,
    )


def _rule_of(estimator: Any) -> Rule:
    rate, momentum = estimator.learning_rate_init, estimator.momentum
    check_rate("learning_rate_init", rate, low=0.0, open_low=True)
    if momentum == 0:
        return GradientDescent(rate)
    return (Nesterov if estimator.nesterovs_momentum else Momentum)(rate, momentum)


def _seed_of(random_state: Any) -> int:
    if isinstance(random_state, numbers.Integral):
        return check_integer("random_state", random_state, low=0, high=2**64 - 1)
    return int(check_random_state(random_state).randint(np.iinfo(np.int32).max))


def fit_network(estimator: Any, network: Network, X: Array, T: Array) -> Run:
    """Train and set the fitted attributes that both estimators have; return the run."""
    plan = plan_of(estimator, len(X))
    _warn_of_scale(X)
    try:
        run = train(network, X, T, plan, engine=estimator.engine, threads=estimator.n_threads)
    except TrainingInterrupted as interrupted:  # as in scikit-learn, Ctrl-C keeps what was learnt
        warnings.warn("Training interrupted by user.", stacklevel=3)
        run = interrupted.run
    if run.stopped == "epochs":
        warnings.warn(
            f"Stochastic Optimizer: Maximum iterations ({plan.epochs}) reached and the optimization "
            "hasn't converged yet.",
            ConvergenceWarning,
            stacklevel=3,
        )
    _set_attributes(estimator, run)
    return run


def _warn_of_scale(X: Array) -> None:
    """Warn of inputs so large that a training by gradient descent is likely to collapse."""
    sizes = np.sqrt(np.mean(np.square(X, dtype=np.float64), axis=0))
    if sizes.max() > LARGE_INPUT:
        column = int(sizes.argmax())
        warnings.warn(
            f"X is far from standardised: column {column} has root mean square {sizes[column]:.3g}. Training "
            "is likely to fail; put a StandardScaler before the network, as in "
            "make_pipeline(StandardScaler(), MLPClassifier()).",
            SchussWarning,
            stacklevel=4,
        )


def _set_attributes(estimator: Any, run: Run) -> None:
    estimator.run_ = run
    estimator.coefs_ = run.weights
    estimator.intercepts_ = run.biases
    estimator.loss_curve_ = run.loss.tolist()
    estimator.loss_ = estimator.loss_curve_[-1] if estimator.loss_curve_ else np.nan
    estimator.best_loss_ = min(estimator.loss_curve_, default=np.nan)
    estimator.n_iter_ = run.epochs
    estimator.t_ = run.epochs * run.n_samples
    estimator.n_layers_ = len(run.network.layers)
    estimator.n_outputs_ = run.network.layers[-1]
    estimator.out_activation_ = run.network.activation[-1]
