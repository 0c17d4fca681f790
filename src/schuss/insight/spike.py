"""A spike of the loss, explained: a value that can be read, shown and sent on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

from schuss.insight.jumps import Jump
from schuss.insight.shown import as_html, columns, number, plain
from schuss.insight.spike_causes import named_rows
from schuss.insight.spike_change import Change

__all__ = ["Carried", "Confirmed", "Spike"]

SHOWN = 6  # rows, and past steps, in the text


class Carried(NamedTuple):
    """A row of the jump's batch, its error there, and its share of the batch's errors."""

    row: int
    error: float
    share: float


@dataclass(frozen=True)
class Spike:
    """A jump of the loss, and why it came.

    Attributes
    ----------
    step, onset : int
        The step of the highest loss, and the first one of the jump.
    before, loss : float
        Median loss of the steps before the onset; loss at `step`.
    cause : str
        ``"samples"``, ``"momentum"``, ``"learning rate"`` or ``"no single cause"``.
    rows : tuple of int
        Which samples, if it is samples.
    why : str
        The evidence, in a sentence.
    changes : dict
        What to change in a fork of the run: ``without``, ``momentum`` or ``learning_rate``; empty without a
        single cause.
    fork_from : int
        The step to fork from.
    trials : dict
        How much of the jump was left (1: all of it) in the runs that were tried.
    hardness : float
        Share of the rise by which the batch lay above a fixed sample of all rows at the same weights; the
        rest is that the weights were worse.
    carried : tuple of Carried
        The rows of the batch with the largest errors.
    change : Change
        The step that did most of it.
    """

    step: int
    onset: int
    before: float
    loss: float
    cause: str
    rows: tuple[int, ...]
    why: str
    changes: dict[str, Any]
    fork_from: int
    trials: dict[str, float]
    hardness: float
    carried: tuple[Carried, ...]
    change: Change
    jump: Jump

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain JSON values."""
        names = ("step", "onset", "before", "loss", "cause", "rows", "why", "changes", "fork_from", "trials")
        told = {name: getattr(self, name) for name in (*names, "hardness")}
        carried = [row._asdict() for row in self.carried]
        return plain({**told, "carried": carried, "change": self.change.to_dict()})

    def text(self, label: Callable[[int], str] = "row {}".format) -> str:
        """Return it as lines of text; `label` says how a row is called in the list of rows."""
        what = f"Step {self.step:,}: the loss jumped from {number(self.before)} to {number(self.loss)}"
        began = f" (from step {self.onset:,} on)" if self.onset < self.step else ""
        named = f": row {named_rows(self.rows)}" if self.rows else ""
        lines = [f"{what}{began}.", f"Cause: {self.cause}{named}.", f"Because {self.why}.", ""]
        blocks = [[*self._predicted(), ""], [*self._past(), ""], [*self._rows(label), ""], self._advice()]
        return "\n".join([*lines, *(line for block in blocks for line in block)])

    def _predicted(self) -> list[str]:
        c = self.change
        rows = [
            ["fresh gradient", number(c.fresh_first), number(c.fresh_second)],
            ["memory", number(c.memory_first), number(c.memory_second)],
            ["change", number(c.first), number(c.second)],
        ]
        stable, eta = number(c.largest_stable_rate), f" at momentum {c.momentum:g}" if c.momentum else ""
        return [
            f"Step {c.step:,} changed the loss of {c.data} by {number(c.actual)}; predicted:",
            *columns(["part", "first order", "second order"], rows),
            f"curvature {number(c.curvature)} along it, {number(c.fresh_curvature)} along the gradient",
            f"learning rate {number(c.learning_rate)}, largest stable one{eta} {stable}",
            f"length of the gradient {number(c.gradient[0])}, then {number(c.gradient[1])}",
            f"length of the memory {number(c.velocity[0])}, then {number(c.velocity[1])}",
        ]

    def _past(self) -> list[str]:
        past = self.change.past
        if not past:
            return ["no memory"]
        most = sorted(past, key=lambda p: -abs(p.first))[:SHOWN]
        rest = sum(p.first for p in past if p not in most) + self.change.older
        rows = [[f"step {p.step:,}", f"{p.left:.3f}", number(p.first)] for p in most]
        return columns(["memory of", "left", "first order"], [*rows, ["all others", "", number(rest)]])

    def _rows(self, label: Callable[[int], str]) -> list[str]:
        rows = [[label(c.row), number(c.error), f"{c.share:.0%}"] for c in self.carried[:SHOWN]]
        return columns([f"in the batch of step {self.step:,}", "error", "share"], rows)

    def _advice(self) -> list[str]:
        if not self.changes:
            return ["No single change would take it away."]
        ((name, value),) = self.changes.items()
        said = f"without row {named_rows(value)}" if name == "without" else f"with {name}={value:.4g}"
        return [f"To see it gone: fork from step {self.fork_from:,} {said}."]

    def _repr_html_(self) -> str:
        return as_html(self.text())

    def __repr__(self) -> str:
        return f"Spike(step {self.step:,}, loss {self.before:.4g} to {self.loss:.4g}, {self.cause})"


@dataclass(frozen=True)
class Confirmed:
    """What the fork that a spike asks for made of it.

    Attributes
    ----------
    spike : Spike
    loss : float
        Of the same step in the fork.
    left : float
        How much of the jump is left on a fixed sample of all rows; 1: all of it. NaN where the weights had
        not got worse.
    gone : bool
    """

    spike: Spike
    loss: float
    left: float
    gone: bool

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain JSON values."""
        told = {"loss_before": self.spike.loss, "loss_after": self.loss, "left": self.left, "gone": self.gone}
        where = {"step": self.spike.step, "changes": self.spike.changes, "fork_from": self.spike.fork_from}
        return plain({**where, **told})

    def text(self) -> str:
        """Return it as a line of text."""
        verdict = "the spike is gone" if self.gone else "the spike is still there"
        losses = f"loss {number(self.spike.loss)} in the run, {number(self.loss)} in the fork"
        return f"Step {self.spike.step:,}: {losses} from step {self.spike.fork_from:,}; {verdict}."

    def _repr_html_(self) -> str:
        return as_html(self.text())

    def __repr__(self) -> str:
        return f"Confirmed({self.text()})"
