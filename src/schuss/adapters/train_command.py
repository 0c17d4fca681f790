"""The command line that trains what a search or a range test proposes."""

from __future__ import annotations

from collections.abc import Sequence
from shlex import join
from typing import Any

from schuss.adapters.recipe import WARM_UP
from schuss.insight.tuning.setting import Setting

__all__ = ["RISE_AND_FALL", "options_of", "terms_of", "train_command"]

RISE_AND_FALL = f"cosine,warm_up={WARM_UP:g}"  # the recipe's own schedule as --schedule takes it


def train_command(data: str, targets: Sequence[str], options: dict[str, Any]) -> str:
    """Return ``schuss train …``, to be pasted into a shell.

    Parameters
    ----------
    options : dict
        By their names in Python; those that are None or False are left out, of True the name is enough, and
        a list stands for an option given several times.
    """
    words = ["schuss", "train", data]
    for target in targets:
        words += ["--target", target]
    for name, given in options.items():
        for value in given if isinstance(given, list) else [given]:
            if value is not None and value is not False:
                words += [f"--{name.replace('_', '-')}", *([] if value is True else [str(value)])]
    return join(words)


def terms_of(seed: int, task: str | None, test_size: float | None, dtype: str, engine: str) -> dict[str, Any]:
    """Return the options that make the same rows, first weights and bits; None where that is the default."""
    return {
        "seed": seed,
        "task": task,
        "test_size": test_size,
        "dtype": None if dtype == "float32" else dtype,
        "engine": None if engine in ("auto", "native") else engine,
    }


def options_of(setting: Setting) -> dict[str, Any]:
    """Return the options that name a setting, its rate as the height of the recipe's schedule."""
    return {
        "hidden": ",".join(map(str, setting.hidden)) or "0",
        "activation": setting.activation,
        "learning_rate": setting.learning_rate,
        "schedule": RISE_AND_FALL,
        "momentum": setting.momentum,
        "batch_size": setting.batch_size,
        "epochs": setting.epochs,
        "l2": setting.l2,
        "dropout": setting.dropout,
    }
