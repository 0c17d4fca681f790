"""A search from start to end: a driver proposes, the evaluator measures, and it stops in good order."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol

from schuss.engine.engine import Engine
from schuss.insight.tuning.clock import Clock
from schuss.insight.tuning.effects import effects
from schuss.insight.tuning.evaluator import Evaluator, OutOfTime
from schuss.insight.tuning.folds import Problem
from schuss.insight.tuning.found import Found, standings
from schuss.insight.tuning.halving import Halving
from schuss.insight.tuning.journal import Journal
from schuss.insight.tuning.ladder import Ladder
from schuss.insight.tuning.setting import Setting
from schuss.insight.tuning.space import Space

__all__ = ["Driver", "MakeDriver", "Reached", "search"]


class Driver(Protocol):
    """What decides which settings are tried."""

    def run(self) -> None:
        """Search until there is nothing left to try."""
        ...


MakeDriver = Callable[[Ladder, Space, Sequence[Setting], int | None, int], Driver]


class Reached(NamedTuple):
    """Where a search stands; given to its ``progress``.

    Attributes
    ----------
    tried : int
        Settings so far.
    best : Setting
    score, start : float
        Of the best and of the start on the same folds; lower is better. Infinite while not known.
    spent, left : float
        Seconds; `left` is infinite without a budget.
    """

    tried: int
    best: Setting
    score: float
    start: float
    spent: float
    left: float


def search(
    problem: Problem,
    starts: Sequence[Setting],
    *,
    journal: Journal,
    clock: Clock,
    trials: int | None = None,
    seed: int = 0,
    driver: MakeDriver = Halving,
    engine: str | Engine = "auto",
    threads: int | None = None,
    progress: Callable[[Reached], object] | None = None,
) -> Found:
    """Search for settings until the trials or the time are used up, or Ctrl-C is pressed.

    Parameters
    ----------
    problem : Problem
    starts : sequence of Setting
        Tried first. The best that is returned is at least as good as the first of them.
    journal : Journal
        What it holds already is not measured again.
    clock : Clock
        Its budget includes a training on all rows after the search, of the best and of the start.
    trials : int, optional
        How many settings are tried at most. The same number gives the same result, if time does not end it.
    seed : int
    driver : callable
        Makes what decides.
    engine, threads
        As for `schuss.sweep`.
    progress : callable, optional
        Given a `Reached` after each sweep.
    """
    evaluator = Evaluator(problem, journal, clock, engine, threads)
    n, _ = problem.sizes
    space = Space.around(starts[0], n, problem.work)
    ladder = Ladder(evaluator, starts[0])
    deciding = driver(ladder, space, starts, trials, seed)

    def tell() -> None:
        both = {ladder.best, starts[0]}
        clock.reserved = sum(evaluator.seconds(each, problem.n_rows) for each in both)
        if progress is not None:
            units = problem.units(max(1, evaluator.level(ladder.best)))
            best, start = (evaluator.score(each, units) for each in (ladder.best, starts[0]))
            progress(Reached(len(journal.settings), ladder.best, best, start, clock.spent, clock.left))

    evaluator.trained = tell
    stopped = "trials"
    try:
        deciding.run()
    except OutOfTime:
        stopped = "budget"
    except KeyboardInterrupt:
        stopped = "interrupted"
    ladder.settle()  # a study that is gone on with may know a better one
    measured = tuple(journal.found.values())
    found = standings(measured, starts[0])
    return Found(
        best=found[ladder.chosen(starts)],
        start=found[starts[0]],
        standings=tuple(found.values()),
        measured=measured,
        effects=effects(measured, n),
        measure=problem.measure,
        n=n,
        folds=problem.n_folds,
        stopped=stopped,
        seconds=clock.spent,
    )
