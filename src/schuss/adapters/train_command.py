"""The command line that trains what a recipe trains."""

from __future__ import annotations

from collections.abc import Sequence
from shlex import join
from typing import Any

from schuss.insight.tuning.setting import Setting

__all__ = ["train_command"]


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
        "schedule": "cosine",
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
