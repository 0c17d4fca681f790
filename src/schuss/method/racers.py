"""Who can race: every update rule, and L-BFGS, which is none. `RACERS` is the table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from schuss.method.checks import check_integer
from schuss.method.rules import RULES, Rule, WholeStep

__all__ = ["RACERS", "Lbfgs", "OnCourse"]


@dataclass(frozen=True)
class Lbfgs:
    """L-BFGS, whose steps SciPy makes: its memory is SciPy's, so it is no rule, and has no single step.

    Parameters
    ----------
    pairs : int, default 10
        Steps with their changes of the gradient that it remembers.
    """

    pairs: int = 10

    name: ClassVar[str] = "lbfgs"
    rates: ClassVar[tuple[str, ...]] = ()
    keeps_by: ClassVar[str | None] = None

    def __post_init__(self) -> None:
        check_integer("pairs", self.pairs, low=1)


OnCourse = Rule | WholeStep | Lbfgs

RACERS: dict[str, type[Any]] = {**RULES, Lbfgs.name: Lbfgs}
