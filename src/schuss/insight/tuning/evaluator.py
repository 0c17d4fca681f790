"""Settings into scores: those of one shape are trained in one sweep on each fold, sweeps beside each other.

A sweep has one processor, so that none waits for another at its end; many settings of one shape are cut into
a sweep for each processor. What the journal holds already is not trained again: a search that is repeated
with the same seed goes on where it stopped.
"""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

from schuss.engine.engine import Engine
from schuss.engine.threads import usual_threads
from schuss.errors import SettingError
from schuss.insight.sweep import sweep
from schuss.insight.swept import Member
from schuss.insight.tuning.clock import Clock
from schuss.insight.tuning.folds import Fold, Problem, Unit
from schuss.insight.tuning.journal import Journal, Measured
from schuss.insight.tuning.setting import Setting, Shape
from schuss.insight.tuning.workers import Check, Workers
from schuss.method.checks import check_integer

__all__ = ["Evaluator", "OutOfTime"]


class OutOfTime(Exception):  # noqa: N818  # it ends a search, and no user sees it
    """What was to be trained next does not fit into the time that is left."""


class Task(NamedTuple):
    """Settings of one shape to be trained on one unit, with the work that it is and of which kind."""

    group: Sequence[Setting]
    unit: Unit
    work: float
    kind: Hashable


class Trained(NamedTuple):
    """What came of a task, and how long it took."""

    measured: Sequence[Measured]
    seconds: float


@dataclass
class Evaluator:
    """Measures settings, as long as there is time.

    Attributes
    ----------
    problem : Problem
    journal : Journal
    clock : Clock
    engine
        As for `sweep`.
    threads : int, optional
        How many sweeps run beside each other.
    trained : callable
        Called after each sweep.
    """

    problem: Problem
    journal: Journal
    clock: Clock
    engine: str | Engine = "auto"
    threads: int | None = None
    trained: Callable[[], object] = lambda: None

    def measure(self, settings: Iterable[Setting], units: Sequence[Unit]) -> None:
        """Measure each setting on each unit, fold after fold.

        Raises
        ------
        OutOfTime
            There was no time for some of it; the rest is in the journal.
        KeyboardInterrupt
            Ctrl-C; what was under way is lost.
        """
        begun: deque[Task] = deque()
        all_done = True
        with Workers[Trained](self._threads) as workers:

            def take(trained: Iterable[Trained]) -> None:
                for each in trained:
                    self._note(begun.popleft(), each)

            for task in self._tasks(list(dict.fromkeys(settings)), units):
                before = sum(self.clock.seconds(each.work, each.kind) for each in begun) / workers.threads
                if self.clock.has(task.work, task.kind, before):
                    begun.append(task)
                    take(workers.begin(partial(self._train, task)))
                else:
                    all_done = False
            take(workers.rest())
        if not all_done:
            raise OutOfTime

    def score(self, setting: Setting, units: Iterable[Unit]) -> float:
        """Return the mean score of a setting on units; infinite where one is not measured or diverged."""
        scores = self.scores(setting, units)
        return sum(scores) / len(scores) if scores else math.inf

    def scores(self, setting: Setting, units: Iterable[Unit]) -> list[float]:
        """Return the score of a setting on each of the units; infinite where it is not measured."""
        found = (self.journal.found.get((setting, unit)) for unit in units)
        return [math.inf if each is None else each.score for each in found]

    def level(self, setting: Setting) -> int:
        """Return on how many whole repeats a setting is measured."""
        level = 0
        while level < self.problem.repeats and all(
            (setting, unit) in self.journal.found for unit in self.problem.units(level + 1)
        ):
            level += 1
        return level

    def seconds(self, setting: Setting, n: int) -> float:
        """Return how long a training with `n` samples will take, about."""
        work = self.problem.work(setting) * n / self.problem.sizes[0]
        return self.clock.seconds(work, _kind(setting))

    @property
    def _threads(self) -> int:
        return usual_threads() if self.threads is None else check_integer("threads", self.threads, low=1)

    def _tasks(self, settings: Sequence[Setting], units: Sequence[Unit]) -> Iterator[Task]:
        for unit in units:
            groups: dict[Shape, list[Setting]] = {}
            for setting in settings:
                if (setting, unit) not in self.journal.found:
                    groups.setdefault(setting.shape, []).append(setting)
            for group in groups.values():
                work = self.problem.work(group[0].shortened(unit.share))
                size = -(-len(group) // self._threads)
                for part in (group[i : i + size] for i in range(0, len(group), size)):
                    yield Task(part, unit, len(part) * work, _kind(group[0]))

    def _note(self, task: Task, trained: Trained) -> None:
        self.clock.learn(task.work, task.kind, trained.seconds)
        self.journal.add(trained.measured)
        self.trained()

    def _train(self, task: Task, check: Check) -> Trained:
        began = time.perf_counter()
        group, unit = task.group, task.unit
        fold = self.problem.fold(unit.repeat, unit.fold)
        n, n_in = fold.X.shape
        seed = (self.problem.seed + unit.repeat) % 2**64
        made = [self.problem.make(setting.shortened(unit.share), seed, n_in, n) for setting in group]
        network = made[0][0]
        if any(other != network for other, _ in made):
            raise SettingError("settings of one shape must make one network.")
        plans = [plan for _, plan in made]
        found = sweep(network, fold.X, fold.T, plans=plans, engine=self.engine, threads=1, progress=check)
        measured = [
            Measured(setting, unit, _score(found[i], fold), found[i].diverged_at)
            for i, setting in enumerate(group)
        ]
        return Trained(measured, time.perf_counter() - began)


def _score(member: Member, fold: Fold) -> float:
    if member.diverged_at is not None:
        return math.inf
    return fold.score(member.predict(fold.X_unseen), member.sweep.network.loss.name)


def _kind(setting: Setting) -> tuple[object, ...]:
    """Return what decides how much work is done in a second."""
    return setting.hidden, setting.activation, setting.batch_size, setting.dropout > 0
