"""Settings into scores: those of one shape are trained side by side in one sweep on each fold.

What the journal holds already is not trained again: a search that is repeated with the same seed goes on
where it stopped.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from schuss.engine.engine import Engine
from schuss.engine.native import usual_threads
from schuss.errors import SettingError
from schuss.insight.sweep import sweep
from schuss.insight.swept import Member
from schuss.insight.tuning.clock import Clock
from schuss.insight.tuning.folds import Fold, Problem, Unit
from schuss.insight.tuning.journal import Journal, Measured
from schuss.insight.tuning.setting import Setting, Shape

__all__ = ["Evaluator", "OutOfTime"]


class OutOfTime(Exception):  # noqa: N818  # it ends a search, and no user sees it
    """What was to be trained next does not fit into the time that is left."""


@dataclass
class Evaluator:
    """Measures settings, as long as there is time.

    Attributes
    ----------
    problem : Problem
    journal : Journal
    clock : Clock
    engine, threads
        As for `sweep`.
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
        TrainingInterrupted
            Ctrl-C; what was under way is lost.
        """
        settings, all_done = list(dict.fromkeys(settings)), True
        for unit in units:
            groups: dict[Shape, list[Setting]] = {}
            for setting in settings:
                if (setting, unit) not in self.journal.found:
                    groups.setdefault(setting.shape, []).append(setting)
            for group in groups.values():
                all_done &= self._had_time(group, unit)
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

    def _had_time(self, group: list[Setting], unit: Unit) -> bool:
        """Train a group, if there is time for it, and return whether there was."""
        waves = math.ceil(len(group) / (self.threads or usual_threads()))
        work, kind = waves * self.problem.work(group[0].shortened(unit.share)), _kind(group[0])
        if not self.clock.has(work, kind):
            return False
        began = time.perf_counter()
        measured = self._swept(group, unit)
        self.clock.learn(work, kind, time.perf_counter() - began)
        self.journal.add(measured)
        self.trained()
        return True

    def _swept(self, group: list[Setting], unit: Unit) -> list[Measured]:
        fold = self.problem.fold(unit.repeat, unit.fold)
        n, n_in = fold.X.shape
        seed = (self.problem.seed + unit.repeat) % 2**64
        made = [self.problem.make(setting.shortened(unit.share), seed, n_in, n) for setting in group]
        network = made[0][0]
        if any(other != network for other, _ in made):
            raise SettingError("settings of one shape must make one network.")
        found = sweep(
            network,
            fold.X,
            fold.T,
            plans=[plan for _, plan in made],
            engine=self.engine,
            threads=self.threads,
        )
        return [
            Measured(setting, unit, _score(found[i], fold), found[i].diverged_at)
            for i, setting in enumerate(group)
        ]


def _score(member: Member, fold: Fold) -> float:
    if member.diverged_at is not None:
        return math.inf
    return fold.score(member.predict(fold.X_unseen), member.sweep.network.loss.name)


def _kind(setting: Setting) -> tuple[object, ...]:
    """Return what decides how much work is done in a second."""
    return setting.hidden, setting.activation, setting.batch_size, setting.dropout > 0
