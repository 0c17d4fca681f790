"""The parameters that both estimators have, and what each may be: scikit-learn's, then ours.

The rows are scikit-learn's own kind of constraint, so a bad value is refused in its words.
"""

from __future__ import annotations

from numbers import Integral, Real
from os import PathLike
from typing import Any

import numpy as np
from sklearn.utils._param_validation import Interval, Options, StrOptions

from schuss.engine.choice import ENGINES
from schuss.method.functions import ACTIVATIONS, OUTPUT_ONLY
from schuss.method.rules import RULES
from schuss.method.schedules import SCHEDULES

__all__ = ["CONSTRAINTS", "HIDDEN_ACTIVATIONS", "keep"]


HIDDEN_ACTIVATIONS = tuple(name for name in ACTIVATIONS if name not in OUTPUT_ONLY)
_SCHEDULES = list(SCHEDULES.values())
_SHARE = Interval(Real, 0, 1, closed="left")

CONSTRAINTS: dict[str, list[Any]] = {
    "hidden_layer_sizes": ["array-like", Interval(Integral, 1, None, closed="left")],
    "activation": [StrOptions(set(HIDDEN_ACTIVATIONS)), "array-like"],
    "solver": [StrOptions({"adam", "lbfgs", "sgd"}), *RULES.values()],
    "alpha": [Interval(Real, 0, None, closed="left")],
    "batch_size": [StrOptions({"auto"}), Interval(Integral, 1, None, closed="left")],
    "learning_rate": [StrOptions({"constant", "invscaling", "adaptive"})],
    "learning_rate_init": [Interval(Real, 0, None, closed="neither"), *_SCHEDULES],
    "power_t": [Interval(Real, 0, None, closed="left")],
    "max_iter": [Interval(Integral, 0, None, closed="left")],
    "shuffle": ["boolean"],
    "random_state": ["random_state"],
    "tol": [Interval(Real, 0, None, closed="left")],
    "verbose": ["verbose"],
    "warm_start": ["boolean"],
    "momentum": [Interval(Real, 0, 1, closed="both"), *_SCHEDULES],
    "nesterovs_momentum": ["boolean"],
    "early_stopping": ["boolean"],
    "validation_fraction": [_SHARE],
    "beta_1": [_SHARE],
    "beta_2": [_SHARE],
    "epsilon": [Interval(Real, 0, None, closed="neither")],
    "n_iter_no_change": [Interval(Integral, 1, None, closed="left"), Options(Real, {np.inf})],
    "max_fun": [Interval(Integral, 1, None, closed="left")],
    # ours
    "dropout": [_SHARE, "array-like"],
    "weight_decay": [Interval(Real, 0, None, closed="left")],
    "clip_norm": [Interval(Real, 0, None, closed="neither"), None],
    "average": [_SHARE],
    "allow_nan": ["boolean"],
    "transform_layer": [Interval(Integral, None, None, closed="neither")],
    "preset": [StrOptions({"tabular"}), None],
    "engine": [StrOptions(set(ENGINES))],
    "n_threads": [Interval(Integral, 1, None, closed="left"), None],
    "record": [str, PathLike, None],
}


def keep(estimator: Any, given: dict[str, Any]) -> None:
    """Set the parameters that ``__init__`` was given as attributes, unchanged, as scikit-learn wants it."""
    for name, value in given.items():
        if name not in ("self", "__class__"):
            setattr(estimator, name, value)
