"""The table of NeuPy's article: one logistic unit, six points, and how many steps each rule takes downhill."""

from __future__ import annotations

import numpy as np

from benchmarks.papers.claim import Claim, Range
from benchmarks.papers.paper import Paper
from schuss import GradientDescent, Momentum, Nesterov, Network, Plan, sweep, train
from schuss.method.rules import Rule

__all__ = ["NEUPY"]

X = np.array([[0.9, 0.3], [0.5, 0.3], [0.2, 0.1], [0.7, 0.5], [0.1, 0.8], [0.1, 0.9]])
T = np.array([[1.0], [1.0], [1.0], [0.0], [0.0], [0.0]])
START = np.array([-4.0, -4.0])
GOAL = 0.125
MOST = 5000
UNIT = Network([2, 1], loss="mean_squared_error", output="logistic", biases=False)
MOMENTA = {0.0: 797, 0.5: 401, 0.8: 166, 0.9: 92, 0.95: 80, 0.97: 91}


def steps(rule: Rule) -> int:
    """Return after how many steps a rule has the loss at or below the goal."""
    plan = Plan(rule, MOST, None, order="sequential", loss_goal=GOAL)
    return first_below(train(UNIT, X, T, plan, theta=START).loss)


def first_below(losses: np.ndarray) -> int:
    """Return how many steps were made before the first loss at or below the goal; MOST where there is none.

    An epoch's loss is that before its step.
    """
    return int(np.argmax(losses <= GOAL)) if (losses <= GOAL).any() else MOST


def table(_trials: int) -> list[Claim]:
    """Compare the numbers of steps."""
    rules: list[tuple[str, int, Rule]] = [
        ("gradient descent, α = .3", 797, GradientDescent(0.3)),
        ("momentum, α = .3, η = .9", 92, Momentum(0.3, 0.9)),
        ("gradient descent, α = 10", 25, GradientDescent(10.0)),
    ]
    lines = [_steps(name, said, steps(rule)) for name, said, rule in rules]
    lines.append(Claim("Nesterov, α = .3, η = .9", "", steps(Nesterov(0.3, 0.9))))
    plan = Plan(Momentum(0.3), MOST + 1, None, order="sequential")
    found = sweep(UNIT, X, T, plan, momentum=[*MOMENTA, 0.99], theta=START).loss
    lines += [
        Claim(f"momentum, α = .3, η = {eta:g}", "", first_below(losses))
        for eta, losses in zip((*MOMENTA, 0.99), found, strict=True)
    ]
    return lines


def _steps(what: str, said: int, ours: int) -> Claim:
    return Claim(what, said, float(ours), Range.exactly(said))


NEUPY = Paper(
    "neupy",
    "Rules down one surface: the article's table",
    "Visualize algorithms based on the backpropagation, neupy.com, 4 July 2015.",
    "One logistic unit of two weights on six points, from (−4, −4), full batches, loss = mean of (t − y)²; "
    f"counted are the steps until the loss is at or below {GOAL}, at most {MOST:,}.",
    0,
    table,
)
