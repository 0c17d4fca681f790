"""Momentum begun anew where it has carried too far: the training itself fills in when."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import ClassVar

import numpy as np

from schuss.errors import SettingError
from schuss.method.checks import check_choice, check_integer, check_number
from schuss.method.schedules.momenta import Nesterov1983
from schuss.method.schedules.plateau import Plateau
from schuss.method.schedules.schedule import Rate, Schedule, Span, Steps, Values, at_steps, so_many

__all__ = ["FUNCTION", "GRADIENT", "Restart"]

FUNCTION, GRADIENT = "function", "gradient"
WORDS = {FUNCTION: "the loss rose", GRADIENT: "a step went uphill"}


@dataclass(frozen=True)
class Restart(Schedule):
    """Another schedule, or a number, begun anew at each restart, whose own step has no momentum.

    value(n) = 0             at a restart: v ← 0·v − α·g, so the velocity is forgotten
    value(n) = then(n − r)   after the restart r, or from step 0 on

    The training fills in `restarts`, so the plan of a finished run says when they came. It restarts after an
    epoch

    function: whose loss is above that of the epoch before, where that began no earlier than the last restart
    gradient: whose only step, of a full batch, went uphill: g·Δw > 0, g being taken before the step

    With full batches an epoch is a step. A loss is known once its step is made; so what it calls for begins
    with the next.

    Source: O'Donoghue & Candès, "Adaptive restart for accelerated gradient schemes", 2015, section 3.2.

    Parameters
    ----------
    then : float or schedule, default Nesterov1983()
        Of the steps since the last restart. Neither a Plateau nor another Restart.
    when : {"function", "gradient"}, default "function"
    restarts : tuple of int
        Steps without momentum, in order.
    """

    then: Rate = field(default_factory=Nesterov1983)
    when: str = FUNCTION
    restarts: tuple[int, ...] = ()

    name: ClassVar[str] = "restart"

    def __post_init__(self) -> None:
        if isinstance(self.then, Plateau | Restart):
            raise SettingError(
                f"a {type(self.then).__name__} cannot follow a Restart; give a number or another schedule."
            )
        if not isinstance(self.then, Schedule):
            self._set("then", check_number("then", self.then, low=0.0))
        check_choice("when", self.when, WORDS)
        if not isinstance(self.restarts, list | tuple):
            raise SettingError(f"restarts must list steps, as (30, 60); got {self.restarts!r}.")
        restarts = {check_integer("restarts", step, low=0) for step in self.restarts}
        self._set("restarts", tuple(sorted(restarts)))

    @property
    def bounds(self) -> tuple[float, float]:
        """The lowest and the highest value."""
        return 0.0, self.then.bounds[1] if isinstance(self.then, Schedule) else self.then

    @property
    def words(self) -> str:
        """Say it in words."""
        then = self.then.words if isinstance(self.then, Schedule) else f"{self.then:g}"
        return f"{then}, begun anew {so_many(len(self.restarts), 'time')} where {WORDS[self.when]}"

    @property
    def last(self) -> int:
        """The step of the last restart, or 0."""
        return self.restarts[-1] if self.restarts else 0

    def restarted(self, step: int) -> Restart:
        """Return the same with one more restart at `step`."""
        return replace(self, restarts=(*self.restarts, step))

    def until(self, step: int) -> Restart:
        """Return the same with the restarts up to `step` alone."""
        return replace(self, restarts=tuple(restart for restart in self.restarts if restart <= step))

    def at(self, steps: Steps, span: Span) -> Values:
        """Return the value at each of `steps`, counted from 0."""
        restarts = np.array(self.restarts, np.int64)
        begun = np.concatenate([[0], restarts])[np.searchsorted(restarts, steps, side="right")]
        return np.where(np.isin(steps, restarts), 0.0, at_steps(self.then, steps - begun, span))
