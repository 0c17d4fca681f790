"""Pictures for files: PNG and SVG through matplotlib, which the extra ``plot`` brings."""

from __future__ import annotations

import io
from itertools import accumulate
from pathlib import Path
from typing import TYPE_CHECKING

from schuss.errors import MissingExtraError, SettingError
from schuss.interface.lengths import lengths
from schuss.interface.rates import varying_rates
from schuss.training.record import check_place, write_whole

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from schuss.insight.account import Account
    from schuss.training.run import Run

__all__ = ["check_picture", "save_figure", "save_loss_curve", "save_waterfall"]

STYLES = (("#3a7d44", "-"), ("#c2571a", "--"), ("#1f5fa8", ":"))
FORMATS = (".png", ".svg", ".pdf")


def check_picture(path: Path) -> Path:
    """Return `path` if a picture can be drawn to it; asked before long work, so that it is not lost.

    Raises
    ------
    MissingExtraError, SettingError, OutputError
        As `save_loss_curve`.
    """
    path = Path(path)
    if path.suffix.lower() not in FORMATS:
        raise SettingError(f"a picture is one of {', '.join(FORMATS)}; got {path.name!r}.")
    try:
        import matplotlib.figure  # noqa: F401  # asked whether it is there
    except ImportError as error:
        raise MissingExtraError("drawing a picture", "plot") from error
    return check_place(path)


def save_loss_curve(run: Run, path: Path) -> Path:
    """Draw the loss by epoch, on a log scale, to `path`, and return the path.

    Under it lengths of gradient, memory and change, where the run has them, and each rate that changes.

    Raises
    ------
    MissingExtraError
        matplotlib is not installed.
    SettingError
        A file name that is none of PNG, SVG or PDF.
    OutputError
        The file cannot be written.
    """
    path = check_picture(path)
    from matplotlib.figure import Figure

    rates, long = varying_rates(run, 1000), lengths(run, 1000)
    heights = [3.0] + [1.5] * bool(long) + [1.0] * len(rates)
    figure = Figure(figsize=(6.4, sum(heights) + 1.0), layout="constrained")
    axes, *others = figure.subplots(len(heights), sharex=True, height_ratios=heights, squeeze=False)[:, 0]
    epochs = range(1, len(run.loss) + 1)
    axes.plot(epochs, run.loss, color="#1f5fa8", label="training")
    if len(run.validation_loss):
        axes.plot(epochs, run.validation_loss, color="#c2571a", ls="--", label="validation")
        axes.legend(frameon=False)
    axes.set_yscale("log")
    axes.set_ylabel(f"loss ({run.network.loss.name.replace('_', ' ')})")
    sizes = "-".join(map(str, run.network.layers))
    axes.set_title(f"{sizes}, {run.plan.rule.name.replace('_', ' ')}", loc="left")
    per_epoch = run.plan.steps_per_epoch(run.n_samples)
    if long:
        _draw_lengths(others[0], long, per_epoch)
    for below, (name, (steps, values)) in zip(others[bool(long) :], rates.items(), strict=True):
        below.plot([step / per_epoch for step in steps], values, color="#3a7d44", drawstyle="steps-post")
        below.set_ylabel(name.replace("_", " "), fontsize=8)
        below.spines[["top", "right"]].set_visible(False)
    (others or [axes])[-1].set_xlabel("epoch")
    axes.spines[["top", "right"]].set_visible(False)
    return save_figure(figure, path)


def _draw_lengths(axes: Axes, long: dict[str, tuple[list[int], list[float]]], per_epoch: int) -> None:
    for (name, (steps, values)), (color, style) in zip(reversed(long.items()), STYLES, strict=False):
        at = [step / per_epoch for step in steps]
        axes.plot(at, values, color=color, ls=style, lw=1.0, label=name)
    axes.set_yscale("log")
    axes.set_ylabel("length", fontsize=8)
    axes.legend(
        frameon=False, fontsize=7, ncols=3, loc="lower left", bbox_to_anchor=(0.0, 1.0), borderaxespad=0
    )
    axes.spines[["top", "right"]].set_visible(False)


def save_waterfall(account: Account, path: Path, most: int = 24) -> Path:
    """Draw how a weight's change came about, a bar for each line of its account, and return the path.

    Raises
    ------
    MissingExtraError, SettingError, OutputError
        As `save_loss_curve`.
    """
    path = check_picture(path)
    from matplotlib.figure import Figure

    from schuss.insight.account_text import entries

    lines = entries(account, most)
    figure = Figure(figsize=(6.4, 0.8 + 0.22 * len(lines)), layout="constrained")
    axes = figure.subplots()
    begins = [0.0, *accumulate(line.value for line in lines)]
    colors = ["#1f5fa8" if line.value >= 0 else "#c2571a" for line in lines]
    axes.barh(range(len(lines)), [line.value for line in lines], left=begins[:-1], color=colors, height=0.7)
    axes.use_sticky_edges = False
    axes.axvline(0, color="0.4", lw=0.8)
    axes.axvline(float(account.change), color="0.4", lw=0.8, ls=":")
    axes.set_yticks(range(len(lines)), [line.name for line in lines], fontsize=8)
    axes.invert_yaxis()
    axes.set_xlabel("change so far; the dotted line is the whole change")
    axes.set_title(f"{account.name}, steps {account.start} to {account.stop}", loc="left")
    axes.spines[["top", "right"]].set_visible(False)
    return save_figure(figure, path)


def save_figure(figure: Figure, path: Path) -> Path:
    """Write a figure in the format that the path's ending says, whole or not at all, and return the path."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format=path.suffix[1:].lower(), dpi=150)
    return write_whole(path, buffer.getvalue())
