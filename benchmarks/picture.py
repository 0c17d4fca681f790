"""The picture: how often faster than each peer, on a log axis, and which share of the peak."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.lines import Line
from benchmarks.parts.train import OURS, PART

COLOURS = {
    "jax": "#0072b2",
    "torch": "#d55e00",
    "torch_tuned": "#e69f00",
    "sklearn": "#009e73",
    "numpy": "#56b4e9",
    "tensorflow": "#cc79a7",
}
NAMES = {"torch_tuned": "PyTorch by hand", "torch": "PyTorch", "jax": "JAX", "sklearn": "scikit-learn"}
NAMES |= {"numpy": "NumPy", "tensorflow": "TensorFlow"}
SHARES = {"share of 1 core": "#999999", "share of 2 cores": "#444444"}


def draw(path: Path, machine: dict[str, Any], lines: Sequence[Line]) -> bool:
    """Draw the training cases to a file; False if there are none."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    lines = [line for line in lines if line.part == PART]
    cases = list(dict.fromkeys(line.case for line in lines))
    if not cases:
        return False
    height = max(4.0, 1.0 + 0.75 * len(cases))
    figure, (left, right) = plt.subplots(1, 2, figsize=(12, height), width_ratios=(2.2, 1), sharey=True)
    bars(left, cases, lines, COLOURS, 1.0)
    left.set(xscale="log", xlabel="times as fast as …", title="Time of a step: peer / schuss")
    left.axvline(1, color="black", linewidth=0.8)
    left.xaxis.set_major_formatter("{x:g}")
    bars(right, cases, lines, SHARES, 0.0)
    right.set(xlim=(0, 1), xlabel="share of the multiply-add peak", title="Share of the machine")
    left.set_yticks(np.arange(len(cases)), cases)
    left.invert_yaxis()
    figure.suptitle(
        f"schuss {machine['versions'][OURS]}, {machine['processor']}, {machine['instruction set']}, "
        f"{machine['date'][:10]}",
        fontsize=10,
    )
    figure.tight_layout()
    figure.savefig(path, dpi=120)
    plt.close(figure)
    return True


def bars(
    axes: Any, cases: Sequence[str], lines: Sequence[Line], colours: dict[str, str], start: float
) -> None:
    """Draw a group of bars for each case from `start`, with a mark where each should reach."""
    thickness = 0.8 / len(colours)
    for k, (who, colour) in enumerate(colours.items()):
        shown = [line for line in lines if line.who == who and line.ratio is not None]
        if not shown:
            continue
        places = np.array([cases.index(line.case) + (k + 0.5) * thickness - 0.4 for line in shown])
        ends = np.array([line.ratio for line in shown])
        axes.barh(places, ends - start, thickness * 0.9, left=start, color=colour, label=NAMES.get(who, who))
        for place, line in zip(places, shown, strict=True):
            if line.target is not None:
                axes.vlines(
                    line.target, place - thickness * 0.4, place + thickness * 0.4, "black", linewidth=2.5
                )
    axes.plot([], [], color="black", linewidth=2.5, label="target")
    axes.grid(axis="x", alpha=0.3)
    axes.set_axisbelow(True)
    below = -0.65 / axes.figure.get_figheight()  # inches under the axes, more or less
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, below), ncols=4, fontsize=8, frameon=False)
