"""From folds to certainty: settings are compared on one repeat of the folds after the other, with the best.

The best gives way to what is better on the folds that both have been measured on; whoever is clearly worse
there drops out, and the rest go on to more folds.

Source: the comparison on common folds is that of Hutter, Hoos & Leyton-Brown, LION 2011.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from schuss.insight.tuning.evaluator import Evaluator
from schuss.insight.tuning.folds import Unit, shared
from schuss.insight.tuning.setting import Setting

__all__ = ["Ladder"]

KEPT = 3  # one of so many goes on


@dataclass
class Ladder:
    """The best setting so far, and what others must do to take its place.

    Attributes
    ----------
    evaluator : Evaluator
    start : Setting
        What everything is compared with in the end; it is measured wherever the best is.
    best : Setting
        The start at first.
    """

    evaluator: Evaluator
    start: Setting
    best: Setting = field(init=False)

    def __post_init__(self) -> None:
        self.best = self.start

    def climb(self, pool: Sequence[Setting]) -> None:
        """Let settings go up against the best as far as they can; OutOfTime or Ctrl-C may end it."""
        problem, champion = self.evaluator.problem, self.best
        for level in range(1, problem.repeats + 1):
            units, group = problem.units(level), (champion, self.start, *pool)
            try:
                self.evaluator.measure(group, units)
            finally:  # also where time ends here
                self.best = self._successor(champion, group)
            better = [each for each in self.better(pool, units) if each != champion]
            pool = [each for each in better if self.promising(each, champion, units)]
            if not pool:  # the champion alone needs no more folds
                return

    def settle(self) -> None:
        """Make the best of all that were measured on as many whole repeats as the best its successor."""
        level = self.evaluator.level(self.best)
        if level:
            others = (each for each in self.evaluator.journal.settings if self.evaluator.level(each) >= level)
            units = self.evaluator.problem.units(level)
            self.best = min((self.best, *others), key=lambda each: self.evaluator.score(each, units))

    def chosen(self, starts: Sequence[Setting]) -> Setting:
        """Return the setting to take in the end: that with the lowest score that can be counted on.

        Of many settings the lowest mean is partly luck, the more so the fewer rows there are. So the starts,
        which are few, give one of them to compare with; then all do that were measured on as many whole
        repeats as the best.
        """
        level = self.evaluator.level(self.best)
        known = [each for each in self.evaluator.journal.settings if self.evaluator.level(each) >= level]
        if not level or self.start not in known:
            return self.best
        units = self.evaluator.problem.units(level)
        yardstick = self._surest([each for each in starts if each in known], self.start, units)
        return self._surest(known, yardstick, units)

    def _surest(self, pool: Sequence[Setting], than: Setting, units: Sequence[Unit]) -> Setting:
        """Return who is better than a setting by the most, less the standard error of that; else `than`."""
        charge = shared(len(units), self.evaluator.problem.n_folds)

        def counted_on(each: Setting) -> float:
            gap, error = self._gap(each, than, units)
            return gap + charge * error if gap < 0 else math.inf

        surest = min(pool, key=counted_on, default=than)
        return surest if counted_on(surest) < 0 else than

    def better(self, pool: Sequence[Setting], units: Sequence[Unit]) -> list[Setting]:
        """Return one of `KEPT` settings that did not diverge, the best first."""
        scores = {each: self.evaluator.score(each, units) for each in pool}
        finite = sorted((each for each in pool if scores[each] < math.inf), key=scores.__getitem__)
        return finite[: math.ceil(len(pool) / KEPT)]

    def promising(self, setting: Setting, champion: Setting, units: Sequence[Unit]) -> bool:
        """Whether a setting is no worse than the champion by more than a standard error."""
        gap, error = self._gap(setting, champion, units)
        return not gap > error

    def _successor(self, champion: Setting, group: Sequence[Setting]) -> Setting:
        """Return the best of a group, each measured on a whole repeat at least."""
        best = champion
        for each in group:
            if self.evaluator.level(each) and self._beats(each, best):
                best = each
        return best

    def _beats(self, setting: Setting, best: Setting) -> bool:
        """Whether a setting is better on all that both have been measured on.

        One that is measured on more folds gives way only to what is better by more than a standard error.
        """
        found, problem = self.evaluator.journal.found, self.evaluator.problem
        both = [u for u in problem.units(problem.repeats) if (setting, u) in found and (best, u) in found]
        gap, error = self._gap(setting, best, both)
        return gap < (-error if self.evaluator.level(setting) < self.evaluator.level(best) else 0.0)

    def _gap(self, mine: Setting, theirs: Setting, units: Sequence[Unit]) -> tuple[float, float]:
        """Return how much higher a score is than another, fold by fold, and its standard error.

        NaN where nothing is known: of fewer than two units, or if both diverged.
        """
        ours, others = (np.array(self.evaluator.scores(each, units)) for each in (mine, theirs))
        if np.isinf(ours).any() != np.isinf(others).any():
            return math.inf if np.isinf(ours).any() else -math.inf, 0.0
        if len(units) < 2 or np.isinf(ours).any():
            return math.nan, math.nan
        gap = ours - others
        return float(gap.mean()), float(gap.std(ddof=1) / math.sqrt(len(gap)))
