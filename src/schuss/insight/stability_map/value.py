"""A stability map: what became of a training at every learning rate and momentum of a grid. A value."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from schuss.engine.engine import EngineInfo
from schuss.errors import SettingError
from schuss.insight.shown import as_html, plain
from schuss.insight.stability_map.bounds import Bound, bounds_of
from schuss.insight.stability_map.classes import CLASSES, CONVERGES, DIVERGES, NEVER, Judged, judged
from schuss.insight.stability_map.setup import momentum_of
from schuss.insight.stability_map.sharpness import Sharpness
from schuss.insight.stability_map.told import map_text
from schuss.method.network import Network
from schuss.method.plan import Plan
from schuss.method.rules.rule import LETTERS, element_wise

__all__ = ["StabilityMap"]

Floats = NDArray[np.float64]
Cell = tuple[int, int]  # places of its learning rate and its momentum


@dataclass(frozen=True, eq=False)
class StabilityMap:
    """The result of `stability_map`: R learning rates times M momenta.

    Attributes
    ----------
    network : Network
    plan : Plan
        What all cells have in common; `plan_of` gives a cell's own.
    learning_rate : float64 ndarray, shape (R,)
        Rising.
    momentum : float64 ndarray, shape (M,)
        Rising; of the rate that `keeps_by` names.
    loss : float64 ndarray, shape (R, M, epochs)
        Mean loss of each epoch; NaN from where a cell was no longer finite.
    diverged_at : int64 ndarray, shape (R, M)
        The step that gave the first number that is not finite; −1: none did.
    trained : bool ndarray, shape (R, M)
        Where False, the cell has not been trained yet, and its class is that of all cells around it.
    start : float
        The loss of the first weights.
    goal : float or None
        The loss to come to; None where none was given and nothing fell.
    sharpness : Sharpness or None
        Curvature at the first weights; None where it is nowhere positive.
    level, levels : int
        Which level of how many this is, from 0.
    n_samples : int
    stopped : str
        ``"levels"``, or ``"interrupted"``.
    engine : EngineInfo
    seconds : float
        Since the first training began.
    """

    network: Network
    plan: Plan
    learning_rate: Floats
    momentum: Floats
    loss: Floats
    diverged_at: NDArray[np.int64]
    trained: NDArray[np.bool_]
    start: float
    goal: float | None
    sharpness: Sharpness | None
    level: int
    levels: int
    n_samples: int
    stopped: str
    engine: EngineInfo
    seconds: float

    @property
    def keeps_by(self) -> str:
        """Which rate of the rule the momenta are: ``"momentum"``, ``"beta"`` of a moving average."""
        return momentum_of(self.plan.rule)

    @property
    def letter(self) -> str:
        """How formulas write it: η, β."""
        return LETTERS[self.keeps_by]

    @cached_property
    def judged(self) -> Judged:
        """What the losses say of each cell; of one that is not trained, nothing."""
        return judged(self.loss, self.start, self.goal)

    @cached_property
    def classes(self) -> NDArray[np.int8]:
        """Places in `CLASSES`, shape (R, M)."""
        coarse = np.ix_(*(np.arange(size) // 2 * 2 for size in self.trained.shape))
        return np.where(self.trained, self.judged.classes, self.judged.classes[coarse])

    @cached_property
    def steps(self) -> NDArray[np.int64]:
        """Steps until the end of the first epoch whose loss is at the goal, shape (R, M); −1: never."""
        epochs = self.judged.epochs
        return np.where(epochs == NEVER, NEVER, epochs * self.plan.steps_per_epoch(self.n_samples))

    @property
    def complete(self) -> bool:
        """Whether every cell has been trained."""
        return bool(self.trained.all())

    @property
    def counts(self) -> dict[str, int]:
        """How many cells each class has."""
        return {name: int((self.classes == place).sum()) for place, name in enumerate(CLASSES)}

    @cached_property
    def ranked(self) -> tuple[Cell, ...]:
        """The converging cells, those with the fewest steps to the goal first, of equal ones the lower end.

        Where none converges, all that do not diverge, the lowest end first.
        """
        chosen, steps = self.trained & (self.classes == CONVERGES), self.steps
        if not chosen.any():
            chosen, steps = self.trained & (self.classes != DIVERGES), np.zeros_like(self.steps)
        order = np.lexsort((self.judged.end[chosen], steps[chosen]))
        return tuple((i, j) for i, j in np.argwhere(chosen)[order].tolist())

    @property
    def best(self) -> Cell | None:
        """The first of `ranked`; None where all cells diverge."""
        return self.ranked[0] if self.ranked else None

    @property
    def lowest(self) -> Cell | None:
        """The cell with the lowest end, whether it came to the goal soon or late; None where all diverge."""
        return min(self.ranked, key=lambda cell: float(self.judged.end[cell]), default=None)

    @property
    def bounds(self) -> tuple[Bound, ...]:
        """Theory's curves for the rule, its largest stable rate first; empty where there are none."""
        return bounds_of(element_wise(self.plan.rule), self.sharpness)

    @cached_property
    def agreement(self) -> dict[str, float]:
        """Share of trained cells of which each stability bound says rightly whether they diverge."""
        diverges = self.classes == DIVERGES
        beyond = {b.name: self.learning_rate[:, None] > b.at(self.momentum) for b in self.bounds if b.divides}
        return {name: float((above == diverges)[self.trained].mean()) for name, above in beyond.items()}

    def plan_of(self, i: int, j: int) -> Plan:
        """Return the plan by which `train` makes cell (i, j), bit for bit.

        Raises
        ------
        SettingError
            There is no such cell.
        """
        if not (0 <= i < len(self.learning_rate) and 0 <= j < len(self.momentum)):
            raise SettingError(
                f"a map of {len(self.learning_rate)} × {len(self.momentum)} has no cell {i, j}."
            )
        rates = {"learning_rate": float(self.learning_rate[i]), self.keeps_by: float(self.momentum[j])}
        return self.plan.replace(rule=replace(self.plan.rule, **rates))  # type: ignore[type-var]  # rules are dataclasses

    def neighbours(self, i: int, j: int) -> NDArray[np.int8]:
        """Return the classes of the cells around a cell, eight of them or fewer at an edge."""
        around = self.classes[max(0, i - 1) : i + 2, max(0, j - 1) : j + 2].ravel().tolist()
        around.remove(int(self.classes[i, j]))
        return np.array(around, np.int8)

    def to_dict(self) -> dict[str, Any]:
        """Return the map as plain JSON values, a list of momenta for each learning rate."""
        bounds = [
            {"name": bound.name, "formula": bound.formula, "learning_rate": bound.at(self.momentum)}
            for bound in self.bounds
        ]
        names = [[CLASSES[place] for place in row] for row in self.classes.tolist()]
        found: dict[str, Any] = plain(
            {
                "network": self.network.to_dict(),
                "plan": self.plan.to_dict(),
                "learning_rate": self.learning_rate,
                "momentum": self.momentum,
                "keeps_by": self.keeps_by,
                "classes": names,
                "steps_to_goal": np.where(self.steps == NEVER, np.nan, self.steps),
                "end_loss": self.judged.end,
                "swing": self.judged.swing,
                "diverged_at": np.where(self.diverged_at == NEVER, np.nan, self.diverged_at),
                "trained": self.trained,
                "counts": self.counts,
                "start_loss": self.start,
                "goal": self.goal,
                "best": self._best_told(),
                "sharpness": None if self.sharpness is None else asdict(self.sharpness),
                "bounds": bounds,
                "agreement": self.agreement,
                "level": self.level,
                "levels": self.levels,
                "stopped": self.stopped,
                "seconds": self.seconds,
                "engine": self.engine.to_dict(),
            }
        )
        return found

    def _best_told(self) -> dict[str, Any] | None:
        if self.best is None:
            return None
        i, j = self.best
        steps = int(self.steps[i, j])
        return {
            "learning_rate": float(self.learning_rate[i]),
            "momentum": float(self.momentum[j]),
            "class": CLASSES[self.classes[i, j]],
            "steps_to_goal": None if steps == NEVER else steps,
            "end_loss": float(self.judged.end[i, j]),
            "last_loss": float(self.loss[i, j, -1]),
            "neighbours_that_converge": int((self.neighbours(i, j) == CONVERGES).sum()),
            "neighbours": len(self.neighbours(i, j)),
        }

    def text(self) -> str:
        """Return the map as lines of text: a picture, what it shows, the best cell."""
        return map_text(self)

    def _repr_html_(self) -> str:
        return as_html(self.text())

    def __repr__(self) -> str:
        told = ", ".join(f"{count:,} {name}" for name, count in self.counts.items())
        size = f"{len(self.learning_rate)} × {len(self.momentum)}"
        return f"StabilityMap({self.network!r}, {self.plan.rule.name}, {size}: {told}, {self.seconds:.3g} s)"
