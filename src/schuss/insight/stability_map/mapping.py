"""The making of a stability map: level after level, in each the cells at borders between classes first."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from schuss.engine.choice import engine_named
from schuss.engine.engine import Engine
from schuss.engine.finite import all_finite_by
from schuss.insight.stability_map.cells import Cells
from schuss.insight.stability_map.classes import default_goal
from schuss.insight.stability_map.setup import Ends, Setup, checked_plan, set_up
from schuss.insight.stability_map.value import StabilityMap
from schuss.method.functions import Array
from schuss.method.network import Network
from schuss.method.plan import Plan
from schuss.method.samples import Samples
from schuss.training.setup import check_weighs, first_state, fitting_plan

__all__ = ["refinements", "stability_map"]


def stability_map(
    network: Network,
    X: Any,
    T: Any,
    plan: Plan | None = None,
    *,
    learning_rates: Ends | None = None,
    momenta: Ends = (0.0, 0.99),
    coarse: int = 5,
    levels: int = 4,
    goal: float | None = None,
    watch: Callable[[StabilityMap], object] | None = None,
    engine: str | Engine = "auto",
    threads: int | None = None,
    dtype: Any = None,
    theta: Array | None = None,
    weights: Any = None,
    **settings: Any,
) -> StabilityMap:
    """Train at every learning rate and momentum of a grid and say what became of each training.

    Every cell is a training of its own from the same first weights, with the same order of samples.

    Parameters
    ----------
    network, X, T, engine, threads, dtype, theta, weights
        As for `train`.
    plan : Plan, optional
        What all cells have in common; or give its fields as keywords. Its rule goes weight by weight and
        keeps its memory by a momentum, which the grid replaces with the learning rate; it has 5 epochs or
        more.
    learning_rates : (float, float), optional
        The lowest and the highest; by default from a thousandth to five times the largest stable rate of
        gradient descent, 2/λmax at the first weights, or to twice the rule's own where that is more; around
        its default rate for a rule that measures each weight by its memory.
    momenta : (float, float), default (0, 0.99)
        Of the rate by which the rule keeps its memory: ``momentum``, or one such as ``beta``.
    coarse : int, default 5
        How many rates and how many momenta the first level has; each finer level halves their distances.
    levels : int, default 4
        The fourth level of 5 × 5 has 33 × 33 cells.
    goal : float, optional
        The loss at which a training has arrived; by default that of nine tenths of the fall of the best cell
        of the first level in which any fell.
    watch : callable, optional
        Called with the map so far whenever more of it is known.

    Returns
    -------
    StabilityMap
        Of the finest level. After Ctrl-C, of the finest that was complete; its `stopped` says so.

    Raises
    ------
    DataError, SettingError
        Bad data or settings; nothing was trained. A cell that diverges raises nothing.
    KeyboardInterrupt
        Ctrl-C before the first level was complete.
    """
    samples = Samples.check(network, X, T, dtype, weights, all_finite_by(threads))
    check_weighs(samples)
    plan = checked_plan(fitting_plan(plan, settings, len(samples)))
    first = first_state(network, plan, samples.X.dtype, theta).theta
    setup = set_up(
        *(network, samples, plan, engine_named(engine, threads), first),
        learning_rates=learning_rates,
        momenta=momenta,
        coarse=coarse,
        levels=levels,
        goal=goal,
    )
    finest = None
    try:
        for found in refinements(setup):
            finest = found if found.complete else finest
            if watch is not None:
                watch(found)
    except KeyboardInterrupt:
        if finest is None:
            raise
        return replace(finest, stopped="interrupted")
    assert finest is not None  # noqa: S101  # there is a first level, and it ends complete
    return finest


def refinements(setup: Setup) -> Iterator[StabilityMap]:
    """Yield a map that grows: the coarse level; of each finer one first the borders, then all of it.

    The cells of such a stage are trained in one sweep.
    """
    began, cells, goal = time.perf_counter(), Cells(setup), setup.goal
    for level in range(setup.grid.levels):
        for stage in cells.stages(level, goal):
            cells.train(level, stage)
            known = cells.of(level)
            goal = default_goal(known.loss[known.trained], setup.start) if goal is None else goal
            yield StabilityMap(
                setup.network,
                setup.plan,
                setup.grid.learning_rate(level),
                setup.grid.momentum(level),
                *known,
                start=setup.start,
                goal=goal,
                sharpness=setup.sharpness,
                level=level,
                levels=setup.grid.levels,
                n_samples=len(setup.samples),
                stopped="levels",
                engine=setup.engine.info,
                seconds=time.perf_counter() - began,
            )
