"""The encoders of the early speed contests: N inputs through a few hidden units back to N outputs."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from benchmarks.papers.claim import Claim, Range
from benchmarks.papers.many import NEVER, epochs_until
from benchmarks.papers.paper import Paper
from schuss import GradientDescent, Init, Momentum, Network, Plan
from schuss.method.rules import Rprop, Rule, WholeStep

__all__ = ["ENCODERS", "EQUAL_RATES"]

NEAR = 0.4  # outputs up to .4 count as 0, from .6 on as 1
EPOCHS = 3000
FEW = 30  # trials where most run to the last epoch, one step at a time
NARROW = "NARROW"


def epochs(n: int, hidden: int, rule: Rule | WholeStep, trials: int) -> NDArray[np.int64]:
    """Return how many epochs an n-hidden-n encoder needed from each of many first weights."""
    network = Network([n, hidden, n], "logistic", init=Init("uniform", 1.0))
    plan = Plan(rule, EPOCHS, None, order="sequential", reduction="sum")
    return epochs_until(network, np.eye(n), np.eye(n), plan, range(trials), NEAR)


def line(
    what: str,
    published: float | str,
    found: NDArray[np.int64],
    accepted: Range | None = None,
    words: str = "",
) -> Claim:
    """Return mean and spread of those that got there; NaN where none did."""
    there = found[found != NEVER]
    mean, spread = (there.mean(), there.std(ddof=1)) if len(there) > 1 else (math.nan, math.nan)
    beside = f"± {spread:.1f}, {len(there)} of {len(found)}"
    return Claim(what, published, float(mean), accepted, beside, words, digits=3)


def contest(trials: int) -> list[Claim]:
    """Compare epochs with the published means and spreads."""
    few = min(trials, FEW)
    return [
        line(
            "10-5-10, back-propagation, α = 1.9, η = 0",
            "121 ± 30",
            epochs(10, 5, GradientDescent(1.9), trials),
            Range.around(121, 30),
        ),
        line("10-5-10, RPROP, first step size 2", "19 ± 3", epochs(10, 5, Rprop(first_step=2.0), trials), Range.around(19, 3)),
        line(
            "10-5-10, RPROP, first step size .1", 30, epochs(10, 5, Rprop(first_step=0.1), trials), Range.around(30, 0.25 * 30)
        ),
        line("12-2-12, RPROP, first step size .1", 367, epochs(12, 2, Rprop(first_step=0.1), few), Range.around(367, 0.25 * 367), NARROW),
        line("4-2-4, α = .25, η = .9", "", epochs(4, 2, Momentum(0.25, 0.9), trials)),
        line("8-3-8, α = 1.9, η = 0", "", epochs(8, 3, GradientDescent(1.9), trials)),
        line("8-3-8, α = .1, η = .9", "", epochs(8, 3, Momentum(0.1, 0.9), trials)),
        line("8-3-8, α = .5, η = .5", "", epochs(8, 3, Momentum(0.5, 0.5), trials)),
    ]


def equal_rates(trials: int) -> list[Claim]:
    """Train with one α/(1−η) and ever more momentum."""
    made = {eta: epochs(10, 5, Momentum(1.9 * (1 - eta), eta), trials) for eta in (0.0, 0.5, 0.8, 0.9)}
    shares = {eta: float(np.mean(found != NEVER)) for eta, found in made.items()}
    lines = [
        line(f"α = {1.9 * (1 - eta):.2g}, η = {eta:g}: epochs", "", found) for eta, found in made.items()
    ]
    lines.append(Claim("share that gets there, η = 0", 1, shares[0.0], Range.exactly(1)))
    lines.append(Claim("share that gets there, η = .9", 1, shares[0.9], Range.exactly(1), words=OVERSHOOT))
    return lines


OVERSHOOT = (
    "equal α/(1−η) is equal behaviour for small steps alone. Here the steps are large: with much momentum the "
    "first ones overshoot into saturation, where the slope is nearly 0."
)

ENCODERS = Paper(
    "encoders",
    "Encoders: epochs until every output is right",
    "Riedmiller and Braun, A direct adaptive method for faster backpropagation learning, ICNN 1993; Fahlman, An "
    "empirical study of learning speed in back-propagation networks, CMU-CS-88-162, 1988.",
    "Logistic units, first weights uniform in ±1, summed gradient, full batches; right is an output up to .4 for "
    f"0 and from .6 on for 1; at most {EPOCHS:,} epochs. Mean ± standard deviation of those that get there.",
    100,
    contest,
)

EQUAL_RATES = Paper(
    "equal-rates",
    "Equal α/(1−η) is not equal behaviour",
    "The rule of thumb that only α/(1−η) matters, on the 10-5-10 encoder at α/(1−η) = 1.9.",
    ENCODERS.setting,
    50,
    equal_rates,
)
