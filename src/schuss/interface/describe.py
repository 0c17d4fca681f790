"""What a model is, in lines for people and as JSON."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from schuss.interface.lengths import lengths
from schuss.interface.rates import varying_rates
from schuss.method import memory
from schuss.method.rules import rule_to_dict
from schuss.method.schedules import Rate, Schedule, highest

if TYPE_CHECKING:
    from schuss.adapters.model import Model
    from schuss.training.run import Run

__all__ = [
    "NAMES",
    "described",
    "effective_rate",
    "half_life",
    "length_pictures",
    "loss_picture",
    "rate_pictures",
    "rate_text",
    "score_line",
]

NAMES = {
    "accuracy": "accuracy",
    "log_loss": "log loss",
    "r2": "R²",
    "rmse": "RMSE",
    "mae": "mean absolute error",
}
BLOCKS = "▁▂▃▄▅▆▇█"


def score_line(scores: dict[str, float]) -> str:
    """Return scores in a line: ``accuracy 0.9805  log loss 0.08707``."""
    return "  ".join(f"{NAMES.get(name, name)} {value:.4g}" for name, value in scores.items())


def rate_text(rate: Rate) -> str:
    """Return a rate in words."""
    return rate.words if isinstance(rate, Schedule) else f"{rate:g}"


def effective_rate(run: Run) -> float | None:
    """Return α/(1−η): how far a lasting push moves a weight per step, at the highest of each.

    None of a rule of which that is not true: one that divides, averages, goes back, or searches.
    """
    rule = run.plan.rule
    if (
        "learning_rate" not in rule.rates
        or set(rule.rates) - {"learning_rate", "momentum"}
        or (rule.memory and "momentum" not in rule.rates)
    ):
        return None
    return memory.effective_rate(highest(rule.learning_rate), highest(getattr(rule, "momentum", 0.0)))


def half_life(run: Run) -> float | None:
    """Return ln ½ / ln η: after how many steps half of a push is forgotten; None without memory.

    η is the rate by which the rule keeps its memory, whatever its name.
    """
    keeps_by = run.plan.rule.keeps_by
    return memory.half_life(0.0 if keeps_by is None else highest(getattr(run.plan.rule, keeps_by)))


def loss_picture(run: Run, width: int = 60, height: int = 4) -> list[str]:
    """Return the loss of the epochs as a small picture in block characters, on a log scale."""
    losses = [x for x in run.loss.tolist() if x > 0 and math.isfinite(x)]
    if len(losses) < 2:
        return []
    columns = [math.log(x) for x in resampled(losses, min(width, len(losses)))]
    low, high = min(columns), max(columns)
    lines = _bars(columns, height, f"{math.exp(high):.3g}", f"{math.exp(low):.3g}")
    lines.append(f"{'loss':>9} {'epoch 1':<{max(len(columns) - len(str(len(run.loss))), 8)}}{len(run.loss)}")
    return lines


def rate_pictures(run: Run, width: int = 60, height: int = 2) -> list[list[str]]:
    """Return each rate that is not constant over the run's steps as a small picture."""
    return [_rate_picture(name, *drawn, height) for name, drawn in varying_rates(run, width).items()]


def length_pictures(run: Run, width: int = 60, height: int = 2) -> list[list[str]]:
    """Return how long gradient and change were as small pictures, on a log scale, where that is known."""
    found, pictures = lengths(run, width), list[list[str]]()
    for name, (steps, values) in found.items():
        if name in ("gradient", "change") and min(values) > 0:
            labels = f"{max(values):.3g}", f"{min(values):.3g}"
            bars = _bars([math.log(value) for value in values], height, *labels)
            pictures.append(_over_steps(f"length of the {name}", steps, bars))
    return pictures


def _rate_picture(name: str, steps: list[int], values: list[float], height: int) -> list[str]:
    lines = _bars(values, height, f"{max(values):.3g}", f"{min(values):.3g}")
    return _over_steps(name.replace("_", " "), steps, lines)


def _over_steps(name: str, steps: list[int], lines: list[str]) -> list[str]:
    """Return bars, one for each of `steps`, with a name over them and the first and the last step below."""
    first, last = f"step {steps[0]}", str(steps[-1])
    return [name, *lines, f"{'':>9} {first:<{max(len(steps) - len(last), len(first) + 1)}}{last}"]


def _bars(columns: Sequence[float], height: int, top: str, bottom: str) -> list[str]:
    """Return columns as bars from their lowest to their highest, in `height` lines with these two labels."""
    low, high = min(columns), max(columns)
    levels = [round((c - low) / (high - low or 1) * (8 * height - 1)) + 1 for c in columns]
    lines = []
    for row in range(height - 1, -1, -1):
        bars = "".join(" " if n <= 8 * row else BLOCKS[min(n - 8 * row, 8) - 1] for n in levels)
        label = {height - 1: top, 0: bottom}.get(row, "")
        lines.append(f"{label:>9} {bars}".rstrip())
    return lines


def resampled(values: Sequence[float], count: int) -> list[float]:
    """Return `count` values, each the mean of its share of `values`."""
    edges = [round(i * len(values) / count) for i in range(count + 1)]
    return [sum(values[a:b]) / (b - a) for a, b in pairwise(edges)]


def described(model: Model) -> dict[str, Any]:
    """Return a model as plain JSON values."""
    run = model.run
    return {
        "network": run.network.to_dict(),
        "n_parameters": run.network.n_parameters,
        "rule": rule_to_dict(run.plan.rule),
        "effective_rate": effective_rate(run),
        "half_life_steps": half_life(run),
        "plan": run.plan.to_dict(),
        "epochs": run.epochs,
        "steps": run.state.step,
        "stopped": run.stopped,
        "loss": run.loss.tolist(),
        "lengths": {
            name: {"step": steps, "mean": values} for name, (steps, values) in lengths(run, 1000).items()
        },
        "seconds": run.seconds,
        "samples_per_second": run.samples_per_second,
        "dtype": run.theta.dtype.name,
        "engine": run.engine.to_dict(),
        "n_train": run.n_samples,
        "n_test": model.n_test,
        "test": model.scores,
        "targets": [target.to_dict() for target in model.targets],
        "weights_sha256": run.state.digest(),
    }
