"""Successive halving: many settings tried shortly, the better ones on more folds, until nothing is left.

A round draws some shapes and a few settings of each: half of the shapes anywhere, half near the best so far.
All are trained on one fold with a part of their epochs; the best of them on a whole repeat of the folds, and
the best of those on one more repeat at a time, each against the best so far on the same folds. Time decides
when to stop, and nothing else: rounds are the same for the same seed.

Source: Jamieson & Talwalkar, AISTATS 2016; the folds as a second budget, and the comparison with the best on
the folds that both have seen, as in Hutter, Hoos & Leyton-Brown, LION 2011.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from schuss.insight.tuning.evaluator import Evaluator
from schuss.insight.tuning.folds import Unit
from schuss.insight.tuning.setting import Setting
from schuss.insight.tuning.space import Space

__all__ = ["Halving"]

SHAPES, OF_EACH = 8, 4  # of a round
SHORT = 1 / 3  # of the epochs, in the first look
KEPT = 3  # one of so many goes on
ELITE = 6  # settings near which others are drawn


@dataclass
class Halving:
    """A search under way; `best` is where it stands.

    Attributes
    ----------
    evaluator : Evaluator
    space : Space
    starts : sequence of Setting
        The first is what all others must beat.
    trials : int or None
        How many settings are tried, starts included.
    seed : int
        Of the draws.
    """

    evaluator: Evaluator
    space: Space
    starts: Sequence[Setting]
    trials: int | None = None
    seed: int = 0
    tried: dict[Setting, None] = field(default_factory=dict)  # in order, as a set that remembers it

    def run(self) -> None:
        """Search until the trials are used up; OutOfTime or TrainingInterrupted end it before."""
        self.best = self.starts[0]
        self._take(self.starts[:1])
        self.evaluator.measure(self.starts[:1], self.evaluator.problem.units(1))
        number = 0
        while self._more() > 0:
            self._round(number, self._candidates(np.random.default_rng([self.seed, number]), number))
            number += 1

    def _more(self) -> float:
        return math.inf if self.trials is None else self.trials - len(self.tried)

    def _take(self, settings: Sequence[Setting]) -> list[Setting]:
        """Return those of the settings that are new, no more than may be tried, and count them."""
        new = [each for each in dict.fromkeys(settings) if each not in self.tried]
        new = new if self.trials is None else new[: self.trials - len(self.tried)]
        self.tried.update(dict.fromkeys(new))
        return new

    def _candidates(self, rng: np.random.Generator, number: int) -> list[Setting]:
        elite = self._elite() if number else self.starts
        drawn = [] if number else list(self.starts[1:])
        for i in range(SHAPES):
            near = elite[int(rng.integers(len(elite)))] if i % 2 else None
            first = self.space.draw_shape(rng, near)
            others = (self.space.draw_rates(rng, first, near=i % 2 == 1) for _ in range(OF_EACH - 1))
            drawn += [first, *others]
        return self._take(drawn)

    def _elite(self) -> Sequence[Setting]:
        scores = {each: self.evaluator.score(each, self.evaluator.problem.units(1)) for each in self.tried}
        finite = sorted((each for each in scores if scores[each] < math.inf), key=scores.__getitem__)
        return finite[:ELITE] or self.starts

    def _round(self, number: int, pool: list[Setting]) -> None:
        problem, champion = self.evaluator.problem, self.best
        first_look = (Unit(0, number % problem.n_folds, SHORT),)
        self.evaluator.measure(pool, first_look)
        pool = self._better(pool, first_look)
        for level in range(1, problem.repeats + 1):
            units, group = problem.units(level), (champion, self.starts[0], *pool)
            try:
                self.evaluator.measure(group, units)
            finally:  # also where time ends here
                self.best = self._best_of(champion, group, units)
            pool = [each for each in self._better(pool, units) if self._promising(each, champion, units)]
            if not pool:
                return

    def _best_of(self, champion: Setting, group: Sequence[Setting], units: Sequence[Unit]) -> Setting:
        """Return the best of a group on the units that all of it has been measured on.

        A champion that has been measured on more of them gives way only to what is clearly better.
        """
        found = self.evaluator.journal.found
        both = [unit for unit in units if all((each, unit) in found for each in group)]
        best = min(group, key=lambda each: self.evaluator.score(each, both))
        tested = self.evaluator.level(champion) > self.evaluator.level(best)
        gap, error = self._gap(best, champion, both)
        return champion if tested and not gap < -error else best

    def _better(self, pool: list[Setting], units: Sequence[Unit]) -> list[Setting]:
        """Return one of `KEPT` settings, the best first."""
        scores = {each: self.evaluator.score(each, units) for each in pool}
        finite = sorted((each for each in pool if scores[each] < math.inf), key=scores.__getitem__)
        return finite[: math.ceil(len(pool) / KEPT)]

    def _promising(self, setting: Setting, champion: Setting, units: Sequence[Unit]) -> bool:
        """Whether a setting is no worse than the champion by more than a standard error."""
        gap, error = self._gap(setting, champion, units)
        return not gap > error

    def _gap(self, mine: Setting, theirs: Setting, units: Sequence[Unit]) -> tuple[float, float]:
        """Return how much higher a score is than another, fold by fold, and its standard error.

        NaN where nothing is known: of fewer than two units, or if both diverged.
        """
        ours, others = (np.array(self.evaluator.scores(each, units)) for each in (mine, theirs))
        if not (np.isfinite(ours).all() and np.isfinite(others).all()):
            return float(np.isfinite(others).all()) - float(np.isfinite(ours).all()) or math.nan, 0.0
        if len(units) < 2:
            return math.nan, math.nan
        gap = ours - others
        return float(gap.mean()), float(gap.std(ddof=1) / math.sqrt(len(gap)))
