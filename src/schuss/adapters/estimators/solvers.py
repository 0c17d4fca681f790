"""How an estimator trains: the training by its plan, and the fitted attributes after it."""

from __future__ import annotations

import copy
import math
import warnings
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split

from schuss.adapters.estimators.draws import advance_past, generator_of, is_shared
from schuss.adapters.estimators.judging import Judgement
from schuss.adapters.estimators.plans import objective_of, plan_of
from schuss.adapters.estimators.reporting import Narrator
from schuss.errors import DivergenceError, SettingError, TrainingInterrupted
from schuss.method.plan import Plan
from schuss.method.samples import Samples, is_sparse
from schuss.method.schedules import Cosine, Plateau
from schuss.training.lbfgs import minimise
from schuss.training.record import NextFree
from schuss.training.run import Run
from schuss.training.stopping import NO_IMPROVEMENT
from schuss.training.train import train as train_network

if TYPE_CHECKING:
    from schuss.adapters.estimators.base import BaseMLP, Validation
    from schuss.adapters.estimators.reporting import Report
    from schuss.method.functions import Array
    from schuss.training.telling import Callback

__all__ = ["train"]

NOT_FINITE = (
    "Solver produced non-finite parameter weights. The input data may contain large values and need to be "
    "preprocessed."
)


def train(
    estimator: BaseMLP,
    X: Any,
    T: NDArray[Any],
    weights: Any,
    held_out: Validation | None,
    report: Report,
    incremental: bool,
) -> None:
    """Train the estimator's network with its solver, and set the fitted attributes."""
    if estimator.max_iter == 0 and not incremental:
        return
    if estimator.solver == "lbfgs":
        _refuse_for_lbfgs(estimator)
        _train_lbfgs(estimator, X, T, weights, report)
        return
    memory = estimator._memory
    memory.generator = generator = generator_of(estimator.random_state, memory.generator)
    advance_past(generator, *memory.owed)
    memory.owed = (0, 0)  # whatever becomes of this fit
    if held_out is None and estimator.early_stopping:
        if not is_shared(estimator.random_state):  # a fit that fails goes back to the old generator
            generator = copy.deepcopy(generator)
            memory = estimator._memory = replace(memory, generator=generator)
        X, T, weights, held_out = _split(estimator, X, T, weights)
    plan = plan_of(estimator, X.shape[0], incremental)
    _refuse_to_go_on(estimator, plan, incremental)
    narrator = Narrator(estimator)
    judge = None if held_out is None else Judgement(estimator, held_out, plan)
    callbacks = [*([narrator.epoch] if estimator.verbose else []), *report.callbacks()]
    if judge and not estimator.early_stopping:
        callbacks.append(judge.note)
    run = _run(estimator, X, T, weights, plan, judge if estimator.early_stopping else None, callbacks)
    memory.owed = (X.shape[0], _drawn(run) if estimator.shuffle else 0)
    if is_shared(estimator.random_state):
        advance_past(generator, *memory.owed)
        memory.owed = (0, 0)
    _remember(estimator, run, incremental)
    _set_attributes(estimator, run, X.shape[0], judge)
    if run.stopped == NO_IMPROVEMENT and estimator.verbose:
        small = "Learning rate too small. " if isinstance(run.plan.rule.learning_rate, Plateau) else ""
        narrator.plateau(estimator.early_stopping, f"{small}Stopping.")
    planned = isinstance(run.plan.rule.learning_rate, Cosine) or run.plan.average > 0  # to end just there
    if run.stopped == "epochs" and not (incremental or planned):
        warnings.warn(
            f"Stochastic Optimizer: Maximum iterations ({estimator.max_iter}) reached and the optimization "
            "hasn't converged yet.",
            ConvergenceWarning,
            stacklevel=6,
        )


def _drawn(run: Run) -> int:
    """Return how many orders have been begun."""
    return -(-run.state.step // run.plan.steps_per_epoch(run.n_samples))


def _refuse_to_go_on(estimator: BaseMLP, plan: Plan, incremental: bool) -> None:
    """Raise SettingError where a rule cannot go on from the weights that it returned, or on other samples."""
    if incremental and getattr(plan.rule, "full_batch", False):
        raise SettingError(
            f"{plan.rule.name} compares one step with the next, so each must see the same samples: use "
            "fit, or another rule for partial_fit."
        )
    if hasattr(plan.rule, "result") and (incremental or estimator.warm_start):
        raise SettingError(
            f"{plan.rule.name} trains at another point than the weights that it returns, and cannot go on "
            "from these: use fit without warm_start, or another rule."
        )


def _refuse_for_lbfgs(estimator: BaseMLP) -> None:
    """Raise SettingError where something is asked for that L-BFGS has no place for."""
    asked = {
        "dropout": np.size(estimator.dropout) > 1 or estimator.dropout != 0,
        "weight_decay": estimator.weight_decay != 0,
        "clip_norm": estimator.clip_norm is not None,
        "average": estimator.average != 0,
        "record": estimator.record is not None,
    }
    names = ", ".join(name for name, is_asked in asked.items() if is_asked)
    if names:
        raise SettingError(f"{names}: for solver 'sgd' or 'adam'; lbfgs has no steps to act on.")


def _train_lbfgs(estimator: BaseMLP, X: Any, T: NDArray[Any], weights: Any, report: Report) -> None:
    memory = estimator._memory
    samples = Samples.check(memory.network, X, T, memory.theta.dtype, weights)
    found = minimise(
        memory.engine(estimator.engine, estimator.n_threads),
        memory.network,
        samples,
        objective_of(estimator),
        memory.theta,
        iterations=estimator.max_iter,
        evaluations=estimator.max_fun,
        tolerance=estimator.tol,
        callback=partial(_heard, report, bool(estimator.verbose)),
    )
    if not np.isfinite(found.theta).all():
        raise ValueError(NOT_FINITE)
    memory.theta[...] = found.theta
    estimator.n_iter_, estimator.loss_ = found.iterations, np.float64(found.loss)
    if not found.converged:
        warnings.warn(_lbfgs_words(found, estimator.max_iter), ConvergenceWarning, stacklevel=7)


def _heard(report: Report, verbose: bool, theta: Array, loss: float) -> bool:
    if verbose:
        print(f"L-BFGS, loss = {loss:.8f}")  # what `verbose` asks for
    return report.weights(theta, "lbfgs-iter")


def _lbfgs_words(found: Any, max_iter: int) -> str:
    words = f"lbfgs failed to converge after {found.iterations} iteration(s) (status={found.status}):\n"
    words += f"{found.message}\n"
    if found.iterations == max_iter:
        words += f"\nIncrease the number of iterations to improve the convergence (max_iter={max_iter})."
    return words + (
        "\nYou might also want to scale the data as shown in:\n"
        "    https://scikit-learn.org/stable/modules/preprocessing.html"
    )


def _split(estimator: BaseMLP, X: Any, T: NDArray[Any], weights: Any) -> tuple[Any, Any, Any, Validation]:
    """Split as scikit-learn does: rows of one logistic output stay in proportion."""
    from schuss.adapters.estimators.base import Validation

    X = X.tocsr() if is_sparse(X) else X
    kept, held = train_test_split(
        np.arange(X.shape[0]),
        random_state=estimator._memory.generator,
        test_size=estimator.validation_fraction,
        stratify=estimator._strata(T),
    )
    if len(held) < 2:
        raise ValueError(
            "The validation set is too small. Increase 'validation_fraction' or the size of your dataset."
        )
    of_kept, of_held = (None, None) if weights is None else (weights[kept], weights[held])
    return X[kept], T[kept], of_kept, Validation(X[held], T[held], of_held)


def _run(
    estimator: BaseMLP,
    X: Any,
    T: NDArray[Any],
    weights: Any,
    plan: Plan,
    judge: Judgement | None,
    callbacks: list[Callback],
) -> Run:
    memory = estimator._memory
    kept = memory.slots if memory.rule == plan.rule.name else None
    if estimator.record == "":
        raise SettingError("record must name a folder; got an empty name.")
    place = None if estimator.record is None else NextFree(Path(estimator.record))
    try:
        return train_network(
            memory.network,
            X,
            T,
            plan,
            engine=memory.engine(estimator.engine, estimator.n_threads),
            dtype=memory.theta.dtype,
            theta=memory.theta,
            memory=kept,
            weights=weights,
            validation=judge,
            reached=memory.reached_by(judge is not None),
            callbacks=callbacks,
            record=place,
        )
    except TrainingInterrupted as interrupted:
        warnings.warn("Training interrupted by user.", stacklevel=7)
        return interrupted.run
    except DivergenceError as error:
        if judge is None:
            error.args = (f"{NOT_FINITE} {error}",)
            raise
        warnings.warn(f"{error} The best weights before that are kept.", ConvergenceWarning, stacklevel=7)
        return error.run


def _remember(estimator: BaseMLP, run: Run, incremental: bool) -> None:
    memory = estimator._memory
    if run.folder is not None:
        estimator.record_ = str(run.folder)
    memory.age = (memory.age if memory.rule == run.plan.rule.name else 0) + run.state.step
    memory.rule, memory.slots = run.plan.rule.name, run.state.memory
    memory.theta[...] = run.plan.result(run.state) if run.average is None else run.average
    memory.reached, memory.judged, memory.plan = run.reached, estimator.early_stopping, run.plan
    rate = run.plan.rule.learning_rate
    memory.rate = rate.last if isinstance(rate, Plateau) else None
    if run.best is not None:
        memory.best = run.plan.result(run.best), run.best.memory
    ended = not incremental or run.stopped == NO_IMPROVEMENT
    if estimator.early_stopping and ended and memory.best is not None and run.average is None:
        memory.theta[...], memory.slots = memory.best


def _set_attributes(estimator: BaseMLP, run: Run, n: int, judge: Judgement | None) -> None:
    estimator.loss_curve_ += list(run.loss)
    estimator.loss_ = estimator.loss_curve_[-1] if estimator.loss_curve_ else np.nan
    estimator.n_iter_ = run.epochs
    estimator.t_ += run.epochs * n
    if not estimator.early_stopping:
        estimator.best_loss_ = np.float64(run.reached.best)
    if judge is None:
        return
    if run.stopped == "diverged":
        judge.scores.append(math.nan)
    estimator.validation_scores_ = [*(estimator.validation_scores_ or []), *judge.scores]
    estimator.validation_loss_curve_ = [*(estimator.validation_loss_curve_ or []), *judge.losses]
    finite = filter(math.isfinite, estimator.validation_scores_)
    estimator.best_validation_score_ = max(finite, default=-math.inf)
