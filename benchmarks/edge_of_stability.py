"""Sharpness at the edge of stability: where full batches take it, in units of what the rule holds out.

    python -m benchmarks.edge_of_stability [--plot PICTURE]

Cohen et al. (ICLR 2021) find that gradient descent on all samples lets the highest eigenvalue of the Hessian
rise to 2/α and hover there; with momentum it is (2+2η)/α, with Nesterov's (2+2η)/(α·(1+2η)). The loss is then
not monotone, and falls all the same.

Set-up: the first 200 digits, pixels in [0, 1], 64-30-30-10, tanh, identity output, E = ½·mean‖t−y‖² over the
samples, weights from U(±1/√fan-in) with seed 0, biases 0, 4,000 steps in float64. The sharpness is measured
every 20 steps by Lanczos to a thousandth. Promised for the first three: the mean ratio of the last quarter of
the steps lies in [0.95, 1.08]. The fourth stays below its threshold in these 4,000 steps.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np
from sklearn.datasets import load_digits

import schuss
from benchmarks.machine import processor
from schuss.method.rules import Rule

RULES: tuple[Rule, ...] = (
    schuss.GradientDescent(0.2),
    schuss.Momentum(0.2, 0.5),
    schuss.Nesterov(0.1, 0.5),
    schuss.Momentum(0.2, 0.9),
)
PROMISED, RANGE = 3, (0.95, 1.08)
STEPS, EVERY = 4000, 20
NETWORK = schuss.Network(
    [64, 30, 30, 10], "tanh", output="identity", init=schuss.Init("lecun_uniform", 3**-0.5)
)


class Found(NamedTuple):
    """What one training came to: ratios at some steps, that of the last quarter, and how often it rose."""

    rule: Rule
    tracker: schuss.SharpnessTracker
    ratios: tuple[float, ...]
    last_quarter: float
    rises: float
    seconds: float


def trained(rule: Rule) -> Found:
    """Train with full batches and follow the sharpness."""
    digits = load_digits()
    X, T = digits.data[:200] / 16, np.eye(10)[digits.target[:200]]
    tracker = schuss.SharpnessTracker(X, T, every=EVERY)
    began = time.perf_counter()
    run = schuss.train(NETWORK, X, T, rule=rule, batch_size=None, epochs=STEPS, callbacks=[tracker])
    seconds = time.perf_counter() - began
    ratio = {row.step: row.ratio for row in tracker.rows}
    late = [value for step, value in ratio.items() if step > 0.75 * STEPS]
    late_losses = run.step_loss[len(run.step_loss) // 4 :]
    rises = float((np.diff(late_losses) > 0).mean())
    marks = tuple(ratio[int(STEPS * share)] for share in (0.25, 0.5, 1.0))
    return Found(rule, tracker, marks, float(np.mean(late)), rises, seconds)


def line_of(found: Found, promised: bool) -> str:
    """Return a row of the table."""
    name = found.rule.name.replace("_", " ")
    rates = " ".join(f"{getattr(found.rule, rate):g}" for rate in found.rule.rates)
    low, high = RANGE
    verdict = ("yes" if low <= found.last_quarter <= high else "NO") if promised else "not promised"
    at = "  ".join(f"{ratio:6.3f}" for ratio in found.ratios)
    return (
        f"{name:<17} {rates:<8} {at}  {found.last_quarter:12.3f}  {verdict:<12}  {found.rises:10.0%}  "
        f"{found.seconds:7.2f}"
    )


def draw(found: list[Found], path: Path) -> None:
    """Draw the sharpness of all trainings, a panel each."""
    from matplotlib.figure import Figure

    from schuss.interface.curvature_plots import draw_sharpness
    from schuss.interface.plots import save_figure

    figure = Figure(figsize=(8.0, 5.6), layout="constrained")
    for axes, each in zip(figure.subplots(2, 2, sharex=True).flat, found, strict=True):
        draw_sharpness(axes, each.tracker)
        rates = ", ".join(
            f"{rate.replace('_', ' ')} {getattr(each.rule, rate):g}" for rate in each.rule.rates
        )
        axes.set_title(f"{each.rule.name.replace('_', ' ')}, {rates}", loc="left", fontsize=9)
        axes.spines[["top", "right"]].set_visible(False)
        axes.set_xlabel("step")
    save_figure(figure, path)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description="Sharpness at the edge of stability.")
    parser.add_argument("--plot", type=Path, help="draw it to this PNG, SVG or PDF")
    given = parser.parse_args()
    print(processor())
    print(
        "sharpness / threshold after a quarter, half and all of 4,000 steps; its mean over the last quarter"
    )
    print(
        f"{'rule':<17} {'rates':<8} {'1,000':>6}  {'2,000':>6}  {'4,000':>6}  {'last quarter':>12}  "
        f"{'in [.95, 1.08]':<12} {'loss rises':>10} {'seconds':>8}"
    )
    found = []
    for i, rule in enumerate(RULES):
        found.append(trained(rule))
        print(line_of(found[-1], i < PROMISED), flush=True)
    if given.plot:
        draw(found, given.plot)
        print(f"picture written to {given.plot}")


if __name__ == "__main__":
    main()
