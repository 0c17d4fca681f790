"""A learning-rate range test as a picture: the loss over the rate, and the two rates that it proposes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from schuss.interface.plots import check_picture, write_figure

if TYPE_CHECKING:
    from schuss.insight.range_test import RangeTest

__all__ = ["save_range_test"]

ABOVE = 0.3  # of the fall: how much of the loss above its start is shown


def save_range_test(of: RangeTest, path: Path) -> Path:
    """Draw a range test to `path`, and return the path.

    Raises
    ------
    MissingExtraError, SettingError, OutputError
        As `save_loss_curve`.
    """
    path = check_picture(path)
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.4, 4.0), layout="constrained")
    axes = figure.subplots()
    axes.plot(of.learning_rate, of.loss, color="0.7", lw=0.8, label="each step")
    axes.plot(of.learning_rate, of.smooth, color="#1f5fa8", label="running median")
    marks = (
        ("steepest fall", of.steepest, "--"),
        ("a tenth of the edge", of.tenth, "-."),
        ("edge", of.edge, ":"),
    )
    for name, rate, style in marks:
        if rate is not None:
            axes.axvline(rate, color="#c2571a", ls=style, label=f"{name}, {rate:.3g}")
    low, start = of.smooth.min(), of.smooth[0]
    room = ABOVE * (start - low) or 0.05 * np.abs(low) or 1.0
    axes.set_ylim(low - 0.1 * room, start + room)
    axes.set_xscale("log")
    axes.set_xlabel("learning rate α")
    axes.set_ylabel(f"loss ({of.network.loss.name.replace('_', ' ')})")
    sizes, rule = "-".join(map(str, of.network.layers)), of.plan.rule.name.replace("_", " ")
    axes.set_title(f"{sizes}, {rule}: learning-rate range test", loc="left")
    axes.legend(frameon=False, fontsize=8)
    axes.spines[["top", "right"]].set_visible(False)
    return write_figure(figure, path)
