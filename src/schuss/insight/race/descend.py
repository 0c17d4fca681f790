"""One rule down a surface: step after step by itself, with neither data nor engine. The judge looks aside.

E(θ) is looked at after every step, on the landscape itself, so that it costs the rule nothing.
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence

import numpy as np

from schuss.insight.race.counted import Counted
from schuss.insight.race.value import DIVERGED, GOAL, LIMIT, Racer
from schuss.method.functions import Array
from schuss.method.landscape import Landscape
from schuss.method.racers import OnCourse
from schuss.method.rules import Rule, WholeStep
from schuss.method.rules.rule import first_memory, make_step, result_of
from schuss.method.schedules import Span

__all__ = ["Point", "descend", "racer_of"]

# At a point of a trail: steps made, θ, E(θ), how often gradient, loss and curvature were asked for, seconds.
Point = tuple[int, Array, float, tuple[int, int, int], float]


def descend(rule: Rule | WholeStep, land: Landscape, start: Array, steps: int, goal: float | None) -> Racer:
    """Return what `steps` steps of `rule` from `start` (n,) make of it, or fewer: up to E(θ) ≤ `goal`.

    A step that leads to what is not finite ends it too, and does not count.
    """
    counted, seconds, span = Counted(land), 0.0, Span(steps, 1, 1)
    theta, memory = start, first_memory(rule, start)
    points: list[Point] = [(0, theta, land.loss(theta), counted.counts, seconds)]
    goal = -math.inf if goal is None else goal
    stopped = GOAL if points[0][2] <= goal else LIMIT
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):  # divergence is seen by its result
        while len(points) <= steps and stopped == LIMIT:
            made = len(points) - 1
            rates = rule.at(np.array([made]), span)[0].tolist()
            began = time.perf_counter()
            theta, memory, _ = make_step(rule, counted, theta, memory, rates)
            seconds += time.perf_counter() - began
            there = result_of(rule, theta, memory)
            loss = land.loss(there)
            if not (math.isfinite(loss) and np.isfinite(there).all()):
                stopped = DIVERGED
                break
            points.append((made + 1, there, loss, counted.counts, seconds))
            stopped = GOAL if loss <= goal else LIMIT
    return racer_of(rule, points, stopped)


def racer_of(rule: OnCourse, points: Sequence[Point], stopped: str) -> Racer:
    """Return a racer from the points of its trail."""
    at, trail, loss, counts, seconds = zip(*points, strict=True)
    gradients, losses, products = np.array(counts, np.int64).T
    return Racer(
        rule=rule,
        at=np.array(at, np.int64),
        trail=np.array(trail),
        path=np.array(trail),
        loss=np.array(loss, np.float64),
        gradients=gradients,
        losses=losses,
        products=products,
        seconds=np.array(seconds, np.float64),
        stopped=stopped,
    )
