"""A small problem of finding settings: few rows, tiny networks, trained in a moment. Holds no test."""

from typing import Any

import numpy as np

from schuss import Cosine, Momentum, Network, Plan
from schuss.insight.tuning.clock import Clock
from schuss.insight.tuning.folds import Fold, Problem
from schuss.insight.tuning.found import Found
from schuss.insight.tuning.journal import Journal
from schuss.insight.tuning.search import search
from schuss.insight.tuning.setting import Setting

__all__ = ["START", "make", "quick_problem", "quick_search"]

START = Setting((4,), "tanh", 0.05, 0.9, 8, 4, 0.01, 0.0)
N = 40


def make(setting: Setting, seed: int, n_in: int, n: int) -> tuple[Network, Plan]:  # noqa: ARG001  # as all
    """Return a network of at most 4 units and a plan of at most 6 epochs for a setting."""
    hidden = tuple(min(4, units) for units in setting.hidden)
    network = Network([n_in, *hidden, 1], [*[setting.activation] * len(hidden), "identity"])
    plan = Plan(
        rule=Momentum(Cosine(setting.learning_rate), setting.momentum),
        epochs=min(6, setting.epochs),
        batch_size=setting.batch_size,
        seed=seed,
        l2=setting.l2,
        dropout=setting.dropout,
    )
    return network, plan


def quick_problem(seed: int = 0) -> Problem:
    """Return rows dealt to 3 folds, twice."""
    rng = np.random.default_rng(5)
    X = rng.uniform(-1, 1, (N, 3))
    T = np.sin(2 * X[:, :1]) + X[:, 1:2] * X[:, 2:] + 0.1 * rng.standard_normal((N, 1))

    def fold(repeat: int, number: int) -> Fold:
        place = np.random.default_rng(repeat).permutation(N) % 3 == number
        return Fold(X[~place], T[~place], X[place], T[place], np.array([2.0]))

    return Problem(make, fold, n_folds=3, repeats=2, n_rows=N, measure="rmse", seed=seed)


def quick_search(trials: int | None = 12, journal: Journal | None = None, **how: Any) -> Found:
    """Search from START."""
    return search(
        quick_problem(how.get("seed", 0)),
        (START,),
        journal=journal or Journal({}),
        clock=how.pop("clock", Clock(None)),
        trials=trials,
        **how,
    )
