"""A table as the problem of a search: its folds as arrays, its settings as recipes, where to start."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from schuss.adapters.columns import Table
from schuss.adapters.fitting import Prepared, encoded, prepare_rows
from schuss.adapters.recipe import MOMENTUM, Recipe, outputs_of, peak_of, rise_and_fall
from schuss.adapters.splitting import deal_rows
from schuss.adapters.targets import Target
from schuss.insight.tuning.folds import Fold, Problem
from schuss.insight.tuning.setting import Setting
from schuss.insight.tuning.space import UNUSED
from schuss.method.network import Network
from schuss.method.plan import Plan
from schuss.method.rules import Momentum

__all__ = ["folds_of", "problem_of", "recipe_of", "starts_for"]

KEPT_BYTES = 2**29  # of folds in memory
# rows up to which -> (folds, how often they are dealt anew): small tables are noisy, large ones are dear
FOLDS = {1000: (5, 4), 3000: (5, 3)}
FOLDS_BEYOND = (3, 2)


def folds_of(n: int) -> tuple[int, int]:
    """Return how many folds `n` rows are dealt to, and how often."""
    return next((how for most, how in FOLDS.items() if n <= most), FOLDS_BEYOND)


def recipe_of(setting: Setting, seed: int) -> Recipe:
    """Return the recipe that trains with a setting."""
    return Recipe(
        hidden=setting.hidden,
        activation=setting.activation,
        learning_rate=rise_and_fall(setting.learning_rate),
        momentum=setting.momentum,
        epochs=setting.epochs,
        batch_size=setting.batch_size,
        l2=setting.l2,
        dropout=setting.dropout,
        seed=seed,
    )


def starts_for(n: int, n_fold: int, targets: Sequence[Target]) -> tuple[Setting, ...]:
    """Return the settings to try first: what `schuss train` takes by itself for `n` rows, and three others.

    Two were good on the tables of benchmarks/tables.py that the preset was chosen on; the last has no hidden
    layer, which is hard to beat where rows are few or the truth is simple.
    """
    plan, network = Recipe().plan(n), Recipe().network(1, targets)
    first = Setting(
        hidden=network.layers[1:-1],
        activation=network.activation[0],
        learning_rate=peak_of(Momentum),
        momentum=MOMENTUM,
        batch_size=min(plan.batch_of(n), n_fold),
        epochs=plan.epochs,
        l2=plan.l2,
        dropout=0.0,
    )
    batch, epochs = first.batch_size, max(10, min(60, -(-2_000_000 // n)))
    smooth = Setting((128, 128), "silu", 0.03, 0.9, batch, first.epochs, first.l2, 0.3)
    kinked = Setting((128, 128), "relu", 0.1, 0.9, batch, epochs, first.l2 / 4, 0.1)
    linear = Setting((), UNUSED, 0.03, 0.9, batch, epochs, first.l2 / 3, 0.0)
    return first, smooth, kinked, linear


def problem_of(table: Table, prepared: Prepared, seed: int) -> Problem:
    """Return the problem of finding settings for what was prepared of a table.

    Each fold is prepared as `fit_model` would prepare it: scales and preprocessing are fitted on the rows to
    train on alone.
    """
    table, targets, dtype = table.take(prepared.rows), prepared.targets, prepared.X.dtype.name
    n_folds, repeats = folds_of(table.n_rows)

    @lru_cache(max(1, KEPT_BYTES // prepared.X.nbytes))
    def fold(repeat: int, number: int) -> Fold:
        rows = np.arange(table.n_rows)
        unseen = deal_rows(table, targets, n_folds, (seed, repeat)) == number
        found = prepare_rows(table, targets, rows[~unseen], rows[unseen], dtype)
        test = table.take(rows[unseen])
        X_unseen = found.preprocessor.transform(test).astype(dtype)
        scale = np.array([target.scale for target in found.targets])
        return Fold(found.X, found.T, X_unseen, encoded(found.targets, test), scale)

    def make(setting: Setting, seed: int, n_in: int, n: int) -> tuple[Network, Plan]:
        recipe = recipe_of(setting, seed)
        return recipe.network(n_in, targets), recipe.plan(n)

    measure = "rmse" if outputs_of(targets) == "numbers" else "log_loss"
    return Problem(make, fold, n_folds, repeats, table.n_rows, measure, seed)
