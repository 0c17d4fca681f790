"""Successive halving: many settings looked at shortly, the better ones on more and more folds, in rounds.

A round draws some shapes and a few settings of each: half of the shapes anywhere, half near the best so far.
All are trained on one fold with a part of their epochs; one of three of them climbs the ladder of the folds.
The first rounds are small, so that something comes of a search that has time for little.
Time decides when to stop, and nothing else: rounds are the same for the same seed.

Source: Jamieson & Talwalkar, AISTATS 2016.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from schuss.insight.tuning.evaluator import OutOfTime
from schuss.insight.tuning.folds import Unit
from schuss.insight.tuning.ladder import Ladder
from schuss.insight.tuning.setting import Setting
from schuss.insight.tuning.space import Space

__all__ = ["Halving"]

FEWEST, SHAPES, OF_EACH = 2, 8, 4  # shapes of the first round, and at most; settings of each
ANYWHERE = 2  # one shape of so many is drawn anywhere
SHORT = 1 / 3  # of the epochs, in the first look
ELITE = 6  # settings near which others are drawn


@dataclass
class Halving:
    """A search under way.

    Attributes
    ----------
    ladder : Ladder
    space : Space
    starts : sequence of Setting
        The first is what all others must beat.
    trials : int or None
        How many settings are tried, starts included.
    seed : int
        Of the draws.
    """

    ladder: Ladder
    space: Space
    starts: Sequence[Setting]
    trials: int | None
    seed: int
    tried: dict[Setting, None] = field(default_factory=dict)  # a set in the order of trying

    def run(self) -> None:
        """Search until the trials are used up; OutOfTime or Ctrl-C may end it before."""
        self.ladder.climb(self._new(self.starts[:1]))
        number = 0
        while self.trials is None or len(self.tried) < self.trials:
            rng = np.random.default_rng([self.seed, number])
            self._round(number, self._new(self._drawn(rng, number)))
            number += 1

    def _round(self, number: int, pool: Sequence[Setting]) -> None:
        evaluator = self.ladder.evaluator
        first_look = (Unit(0, number % evaluator.problem.n_folds, SHORT),)
        try:
            evaluator.measure(pool, first_look)
        except OutOfTime:  # there may be time for the folds of what is less work
            self.ladder.climb(self.ladder.better(pool, first_look))
            raise
        self.ladder.climb(self.ladder.better(pool, first_look))

    def _new(self, settings: Sequence[Setting]) -> list[Setting]:
        """Return those of the settings that are new, no more than may be tried, and count them."""
        new = [each for each in dict.fromkeys(settings) if each not in self.tried]
        new = new if self.trials is None else new[: self.trials - len(self.tried)]
        self.tried.update(dict.fromkeys(new))
        return new

    def _drawn(self, rng: np.random.Generator, number: int) -> list[Setting]:
        elite = self._elite() if number else self.starts
        drawn = [] if number else list(self.starts[1:])
        for i in range(min(SHAPES, FEWEST * (number + 1))):
            near = elite[int(rng.integers(len(elite)))] if i % ANYWHERE else None
            first = self.space.draw_shape(rng, near)
            others = (self.space.draw_rates(rng, first, near=near is not None) for _ in range(OF_EACH - 1))
            drawn += [first, *others]
        return drawn

    def _elite(self) -> Sequence[Setting]:
        """Return the settings with the best scores on a whole repeat."""
        evaluator = self.ladder.evaluator
        scores = {each: evaluator.score(each, evaluator.problem.units(1)) for each in self.tried}
        finite = sorted((each for each in scores if scores[each] < math.inf), key=scores.__getitem__)
        return finite[:ELITE] or self.starts
