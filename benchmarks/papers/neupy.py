"""The table of NeuPy's article: one logistic unit, six points, and how many steps each rule takes down."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from benchmarks.papers.claim import Claim, Range
from benchmarks.papers.many import NEVER, first_below
from benchmarks.papers.paper import Paper
from schuss import GradientDescent, Momentum, Nesterov, Plan, race, sweep
from schuss.insight.race.value import Racer
from schuss.method.rules import IRpropPlus, LineSearch, Newton, Rprop, Rule, WholeStep
from schuss.method.surfaces.six_points import NETWORK, T, X, six_points

__all__ = ["NEUPY"]

RPROP = Rprop(1.2, 0.5, first_step=0.1, smallest=0.1, largest=50.0)
IRPROP = IRpropPlus(1.2, 0.5, first_step=0.1, smallest=0.1, largest=50.0)
TODAY = 0.3  # the first step size in the script as it stands now

PRINTED: list[tuple[str, Rule | WholeStep, int]] = [
    ("gradient descent, α = .3", GradientDescent(0.3), 797),
    ("momentum, α = .3, η = .9", Momentum(0.3, 0.9), 92),
    ("RPROP, first step size .1", RPROP, 20),
    ("iRPROP+, first step size .1", IRPROP, 17),
    ("gradient descent by golden section", LineSearch(), 2),
    ("gradient descent, α = 10", GradientDescent(10.0), 25),
]
BESIDE: list[tuple[str, Rule | WholeStep]] = [
    ("RPROP, first step size .3", replace(RPROP, first_step=TODAY)),
    ("iRPROP+, first step size .3", replace(IRPROP, first_step=TODAY)),
    ("Nesterov, α = .3, η = .9", Nesterov(0.3, 0.9)),
    ("Newton, ridge .01", Newton()),
]
MOMENTA = (0.0, 0.5, 0.8, 0.9, 0.95, 0.97, 0.99)
SURFACE = six_points()
MOST = 5000


def table(_trials: int) -> list[Claim]:
    """Compare the numbers of steps."""
    names, rules, said = zip(*PRINTED, strict=True)
    racers = race(SURFACE, rules=rules, steps=MOST).racers
    lines = [
        Claim(name, steps, float(racer.steps), Range.exactly(steps), _asked(racer))
        for name, steps, racer in zip(names, said, racers, strict=True)
    ]
    others = race(SURFACE, rules=[rule for _, rule in BESIDE], steps=MOST).racers
    lines += [
        Claim(name, "", float(racer.steps), beside=_asked(racer))
        for (name, _), racer in zip(BESIDE, others, strict=True)
    ]
    return [*lines, *momenta()]


def _asked(racer: Racer) -> str:
    """Say how often the rule asked for a gradient or a loss, where that is not once a step."""
    asked = int(racer.evaluations[-1])
    return "" if asked == racer.steps else f"({asked} evaluations)"


def momenta() -> list[Claim]:
    """Show how many steps each momentum takes at the same rate: networks side by side in a sweep."""
    plan = Plan(Momentum(0.3), MOST + 1, None, order="sequential")
    found = sweep(NETWORK, X, T, plan, momentum=MOMENTA, theta=np.array(SURFACE.start))
    steps = [first_below(losses, SURFACE.goal) for losses in found.loss]
    return [_of_sweep(eta, count) for eta, count in zip(MOMENTA, steps, strict=True)]


def _of_sweep(eta: float, count: int) -> Claim:
    what = f"momentum, α = .3, η = {eta:g}"
    return (
        Claim(what, "", math.nan, beside=f"(not in {MOST:,})")
        if count == NEVER
        else Claim(what, "", float(count))
    )


NEUPY = Paper(
    "neupy",
    "Rules down one surface: the article's table",
    "NeuPy, Visualize backpropagation algorithms, 4 July 2015.",
    "One logistic unit of two weights on six points, from (−4, −4), full batches, loss = mean of (t − y)²; "
    f"counted are the steps until the loss is at or below {SURFACE.goal}, at most {MOST:,}.",
    0,
    table,
)
