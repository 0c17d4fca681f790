"""What both estimators share: from scikit-learn's parameters to a network and a plan, and back to attributes."""

from __future__ import annotations

import numbers
import warnings
from typing import Any

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_random_state

from schuss.errors import SettingError, TrainingInterrupted
from schuss.method.checks import check_choice
from schuss.method.functions import Array
from schuss.method.network import Network
from schuss.method.plan import Plan
from schuss.method.rules import GradientDescent, Momentum, Nesterov, Rule
from schuss.training.loop import train
from schuss.training.run import Run

__all__ = ["fit_network", "plan_of", "sizes_of"]

SOLVERS = ("sgd",)
AUTO_BATCH = 200


def sizes_of(estimator: Any, n_in: int, n_out: int) -> list[int]:
    """Return the layer sizes of the estimator's network."""
    hidden = estimator.hidden_layer_sizes
    hidden = [hidden] if isinstance(hidden, numbers.Integral) else list(hidden)
    return [n_in, *hidden, n_out]


def plan_of(estimator: Any, n: int) -> Plan:
    """Return the plan that the estimator's parameters describe, for `n` samples."""
    check_choice("solver", estimator.solver, SOLVERS)
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
    if momentum == 0:
        return GradientDescent(rate)
    return (Nesterov if estimator.nesterovs_momentum else Momentum)(rate, momentum)


def _seed_of(random_state: Any) -> int:
    if isinstance(random_state, numbers.Integral):
        if random_state < 0:
            raise SettingError(f"random_state must be at least 0; got {random_state}.")
        return int(random_state)
    return int(check_random_state(random_state).randint(np.iinfo(np.int32).max))


def fit_network(estimator: Any, network: Network, X: Array, T: Array) -> Run:
    """Train and set the fitted attributes that both estimators have; return the run."""
    plan = plan_of(estimator, len(X))
    try:
        run = train(network, X, T, plan, engine=estimator.engine, threads=estimator.n_threads)
    except TrainingInterrupted as interrupted:  # as in scikit-learn, Ctrl-C keeps what was learnt
        warnings.warn("Training interrupted by user.", stacklevel=4)
        run = interrupted.run
    if run.stopped == "epochs":
        warnings.warn(
            f"Stochastic Optimizer: Maximum iterations ({plan.epochs}) reached and the optimization "
            "hasn't converged yet.",
            ConvergenceWarning,
            stacklevel=4,
        )
    _set_attributes(estimator, run)
    return run


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
