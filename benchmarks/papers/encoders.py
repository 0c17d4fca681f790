"""The encoders of the early speed contests: N inputs through a few hidden units back to N outputs."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from benchmarks.papers.claim import Claim, Range
from benchmarks.papers.many import NEVER, epochs_until, share
from benchmarks.papers.paper import Paper
from schuss import GradientDescent, Init, Momentum, Network, Plan
from schuss.method.rules import Quickprop, Rprop, Rule, WholeStep

__all__ = ["ENCODERS", "SETTING", "encoder", "epochs", "line"]

NEAR = 0.4  # outputs up to .4 count as 0, from .6 on as 1
EPOCHS, WHOLE_EPOCHS = 3000, 1500  # the second of rules whose steps are made one by one
FEW = 20  # trials, where most run to the last epoch
QUARTER = 0.25  # of a mean that was printed alone: the share that back-propagation's spread is of its mean
PRINTED: list[tuple[str, float | str, Range, tuple[int, int], Rule | WholeStep]] = [
    ("10-5-10, back-propagation, α = 1.9", "121 ± 30", Range.around(121, 30), (10, 5), GradientDescent(1.9)),
    ("10-5-10, Quickprop, α = 1.5", "21 ± 3", Range.around(21, 3), (10, 5), Quickprop(1.5, 1.75)),
    ("10-5-10, RPROP, first step size 2", "19 ± 3", Range.around(19, 3), (10, 5), Rprop(first_step=2.0)),
    ("10-5-10, RPROP, first step size .1", 30, Range.around(30, QUARTER * 30), (10, 5), Rprop()),
    ("12-2-12, RPROP, first step size .1", 367, Range.around(367, QUARTER * 367), (12, 2), Rprop()),
]
NO_DATA = "the data are not at hand."
OUT_OF_REACH = [
    ("10-5-10, α = 1.7, .1 added to every slope", 74, "schuss trains down the slopes as they are."),
    ("Nine Men's Morris, RPROP", 30, NO_DATA),
    ("Figure-Ground, RPROP", 29, NO_DATA),
]
BESIDE: list[tuple[str, tuple[int, int], Rule]] = [
    ("4-2-4, α = .25, η = .9", (4, 2), Momentum(0.25, 0.9)),
    ("8-3-8, α = 1.9, η = 0", (8, 3), GradientDescent(1.9)),
    ("8-3-8, α = .1, η = .9", (8, 3), Momentum(0.1, 0.9)),
    ("8-3-8, α = .5, η = .5", (8, 3), Momentum(0.5, 0.5)),
]
NARROW = (
    "most trainings do not arrive here. How the paper draws first weights, and counts trainings that never "
    "arrive, was not at hand."
)


def encoder(n: int, hidden: int, rule: Rule | WholeStep) -> tuple[Network, Plan]:
    """Return an n-hidden-n encoder and the plan of its training."""
    most = WHOLE_EPOCHS if isinstance(rule, WholeStep) else EPOCHS
    plan = Plan(rule, most, None, order="sequential", reduction="sum")
    return Network([n, hidden, n], "logistic", init=Init("uniform", 1.0)), plan


def epochs(n: int, hidden: int, rule: Rule | WholeStep, trials: int) -> NDArray[np.int64]:
    """Return how many epochs an n-hidden-n encoder needed from each of many first weights."""
    network, plan = encoder(n, hidden, rule)
    return epochs_until(network, np.eye(n), np.eye(n), plan, trials, NEAR)


def line(
    what: str,
    published: float | str,
    found: NDArray[np.int64],
    accepted: Range | None = None,
    words: str = "",
) -> Claim:
    """Return mean and spread of those that got there."""
    there = found[found != NEVER]
    mean = float(there.mean()) if len(there) else math.nan
    spread = f"± {there.std(ddof=1):.1f} " if len(there) > 1 else ""
    return Claim(what, published, mean, accepted, f"{spread}{share(found)}", words, digits=3)


def contest(trials: int) -> list[Claim]:
    """Compare epochs with the published means and spreads."""
    lines = []
    for name, said, accepted, sizes, rule in PRINTED:
        narrow = sizes == (12, 2)
        found = epochs(*sizes, rule, min(trials, FEW) if narrow else trials)
        lines.append(line(name, said, found, accepted, NARROW if narrow else ""))
    lines += [Claim(name, said, None, words=words) for name, said, words in OUT_OF_REACH]
    for name, sizes, other in BESIDE:
        lines.append(line(name, "", epochs(*sizes, other, trials)))
    return lines


SETTING = (
    "Logistic units, first weights uniform in ±1, summed gradient, full batches. An output is right up to .4 "
    f"for 0 and from .6 on for 1; at most {EPOCHS:,} epochs, {WHOLE_EPOCHS:,} of Quickprop and RPROP. Mean ± "
    "standard deviation of those that get there."
)

ENCODERS = Paper(
    "encoders",
    "Encoders: epochs until every output is right",
    "Riedmiller and Braun, A direct adaptive method for faster backpropagation learning, 1993, and Fahlman, "
    "An empirical study of learning speed in back-propagation networks, 1988. Their numbers stand here as "
    "later texts quote them.",
    SETTING,
    100,
    contest,
)
