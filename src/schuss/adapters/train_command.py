"""The command line that trains what a recipe trains."""

from __future__ import annotations

from collections.abc import Sequence
from shlex import join
from typing import Any

from schuss.adapters.recipe import WARM_UP
from schuss.insight.tuning.setting import Setting

__all__ = ["RISE_AND_FALL", "train_command"]

RISE_AND_FALL = f"cosine,warm_up={WARM_UP:g}"  # the recipe's own schedule as --schedule takes it


def train_command(
    setting: Setting, data: str, targets: Sequence[str], seed: int, others: dict[str, Any]
) -> str:
    """Return ``schuss train …`` for a setting, to be pasted into a shell.

    Parameters
    ----------
    others : dict
        Further options by their names in Python; those that are None are left out.
    """
    options: dict[str, Any] = {
        "hidden": ",".join(map(str, setting.hidden)) or "0",
        "activation": setting.activation,
        "learning_rate": setting.learning_rate,
        "schedule": RISE_AND_FALL,
        "momentum": setting.momentum,
        "batch_size": setting.batch_size,
        "epochs": setting.epochs,
        "l2": setting.l2,
        "dropout": setting.dropout,
        "seed": seed,
        **{name: value for name, value in others.items() if value is not None},
    }
    words = ["schuss", "train", data]
    for target in targets:
        words += ["--target", target]
    for name, value in options.items():
        words += [f"--{name.replace('_', '-')}", str(value)]
    return join(words)
