"""One α/(1−η), ever more momentum: whether only their quotient matters."""

from __future__ import annotations

import numpy as np

from benchmarks.papers.claim import Claim, Range
from benchmarks.papers.encoders import SETTING, encoder, epochs, line
from benchmarks.papers.many import NEVER, Many, seeded
from benchmarks.papers.paper import Paper
from schuss import Momentum

__all__ = ["EQUAL_RATES"]

EFFECTIVE = 1.9  # α/(1−η)
MOMENTA = (0.0, 0.5, 0.8, 0.9)
MUCH = 0.8
EARLY = 20  # epochs, after which the slopes are looked at
OVERSHOOT = (
    "equal α/(1−η) is equal behaviour for small steps alone. Here they are large: with much momentum the "
    "first ones overshoot into saturation, where the slope y(1−y) is small."
)


def compare(trials: int) -> list[Claim]:
    """Train 10-5-10 encoders, and look at the slopes of their outputs on the way."""
    rules = [Momentum(EFFECTIVE * (1 - eta), eta) for eta in MOMENTA]
    made = [epochs(10, 5, rule, trials) for rule in rules]
    names = [f"α = {rule.learning_rate:.2g}, η = {rule.momentum:g}" for rule in rules]
    lines = [line(f"{name}: epochs", "", found) for name, found in zip(names, made, strict=True)]
    for name, rule in zip(names, rules, strict=True):
        lines.append(
            Claim(f"{name}: mean y(1−y) after {EARLY} epochs", "", mean_slope(rule, trials), digits=3)
        )
    for name, found, eta in zip(names, made, MOMENTA, strict=True):
        share, words = float(np.mean(found != NEVER)), OVERSHOOT if eta >= MUCH else ""
        lines.append(Claim(f"{name}: share that gets there", 1, share, Range.exactly(1), words=words))
    return lines


def mean_slope(rule: Momentum, trials: int) -> float:
    """Return the mean slope of all outputs after EARLY epochs."""
    network, plan = encoder(10, 5, rule)
    y = Many.start(network, np.eye(10), np.eye(10), seeded(plan, trials)).to(EARLY).outputs
    return float((y * (1 - y)).mean())


EQUAL_RATES = Paper(
    "equal-rates",
    "Equal α/(1−η) is not equal behaviour",
    f"The rule of thumb that only α/(1−η) matters, on the 10-5-10 encoder at α/(1−η) = {EFFECTIVE:g}.",
    SETTING,
    50,
    compare,
    "rule of thumb",
)
