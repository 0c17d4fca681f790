"""The account of a weight's change: every part of it as a line, and their sum the change itself, exactly.

A change is split twice, by the steps whose gradients made it and by the samples. Each split has a rounding
of its own: what the arithmetic of the training and of this account have rounded off. It is never hidden.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from schuss.insight.account_text import account_text
from schuss.insight.shown import Label, as_html, sample_name

__all__ = ["Account", "Pushes", "quantised", "remainder"]

FINEST = 110  # binary digits below the weight at which a line ends

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Pushes:
    """One split of a change into contributions, with what is left.

    Attributes
    ----------
    keys : int64 ndarray, shape (m,)
        Steps, newest first, or samples, the largest contribution first.
    contribution : float64 ndarray, shape (m,)
        What each gives to the change.
    rounding : tuple of float
        Numbers whose exact sum is what the lines leave of the change.
    bound : float
        How large that may be: what rounding to the training's dtype allows for.
    """

    keys: NDArray[np.int64]
    contribution: Floats
    rounding: tuple[float, ...]
    bound: float


@dataclass(frozen=True, eq=False)
class Account:
    """Why a weight changed from its value before step `start` to that before step `stop`.

    Attributes
    ----------
    name : str
        Of the weight: ``"hidden1[3] <- input[7]"``.
    weight : int
        Its place in theta.
    rule : str
    start, stop : int
    before, after : float
        The weight at both ends.
    first : int
        The first step that is unfolded; older gradients are in `older`.
    coefficient : float64 ndarray, shape (m,)
        What became of each step's gradient term until `stop`: for momentum η once per step since, summed over
        the steps of the range. In the order of ``steps.keys``.
    term : float64 ndarray, shape (m,)
        The gradient term itself: for momentum −α·g, of the samples alone.
    steps, samples : Pushes
        The two splits.
    visits : int64 ndarray, shape (number of samples in ``samples.keys``,)
        How often each sample came.
    silent : int
        How many of all visits gave nothing: a unit silenced by dropout, or an output or slope of zero.
    older : float
        What the memory before step `first` gives: all older gradients in one.
    others : dict of str to float
        Lines of their own: ``"weight decay"``, ``"l2 penalty"``, ``"l1 penalty"``, ``"clipping"``,
        ``"dropout"``; those that the plan has.
    """

    name: str
    weight: int
    rule: str
    start: int
    stop: int
    before: float
    after: float
    first: int
    coefficient: Floats
    term: Floats
    steps: Pushes
    samples: Pushes
    visits: NDArray[np.int64]
    silent: int
    older: float
    others: dict[str, float]

    @property
    def change(self) -> Fraction:
        """The change itself, exactly."""
        return Fraction(self.after) - Fraction(self.before)

    @property
    def now(self) -> float:
        """What the gradients of the steps from `start` on give."""
        return math.fsum(self.steps.contribution[self.steps.keys >= self.start].tolist())

    @property
    def memory(self) -> float:
        """What the gradients before step `start` give, remembered."""
        return math.fsum([*self.steps.contribution[self.steps.keys < self.start].tolist(), self.older])

    def lines(self, split: Pushes) -> list[float]:
        """Return the numbers of all lines of a split, its rounding included."""
        return [*split.contribution.tolist(), self.older, *self.others.values(), *split.rounding]

    @property
    def balances(self) -> bool:
        """Whether both splits add up to the change exactly, with no more rounded off than may be."""
        splits = (self.steps, self.samples)
        ends = [self.before, -self.after]
        exact = all(math.fsum([*self.lines(split), *ends]) == 0.0 for split in splits)  # fsum rounds once
        return exact and all(abs(math.fsum(split.rounding)) <= split.bound for split in splits)

    def to_dict(self) -> dict[str, Any]:
        """Return the account as plain JSON values; the numbers of each split add up to the change exactly."""
        common = {"older": self.older, **self.others}
        columns = zip(*(a.tolist() for a in (self.steps.keys, self.coefficient, self.term)), strict=True)
        by_step = [
            {"step": step, "coefficient": coefficient, "term": term, "contribution": contribution}
            for (step, coefficient, term), contribution in zip(
                columns, self.steps.contribution.tolist(), strict=True
            )
        ]
        rows = zip(self.samples.keys.tolist(), self.visits.tolist(), strict=True)
        by_sample = [
            {"sample": sample, "visits": visits, "contribution": contribution}
            for (sample, visits), contribution in zip(rows, self.samples.contribution.tolist(), strict=True)
        ]
        return {
            "weight": self.name,
            "index": self.weight,
            "rule": self.rule,
            "start": self.start,
            "stop": self.stop,
            "before": self.before,
            "after": self.after,
            "change": float(self.change),
            "now": self.now,
            "memory": self.memory,
            "lines": common,
            "first_step": self.first,
            "by_step": by_step,
            "rounding_by_step": list(self.steps.rounding),
            "by_sample": by_sample,
            "rounding_by_sample": list(self.samples.rounding),
            "silent_visits": self.silent,
            "balances": self.balances,
        }

    def text(self, most: int = 10, label: Label = sample_name) -> str:
        """Return it as lines of text, `most` steps and samples by themselves; `label` names a sample."""
        return account_text(self, most, label)

    def _repr_html_(self) -> str:
        return as_html(self.text())

    def __repr__(self) -> str:
        verdict = "balances" if self.balances else "DOES NOT BALANCE"
        return (
            f"Account({self.name}, steps {self.start} to {self.stop}, {float(self.change):+.6g} = "
            f"{self.now:+.6g} now {self.memory:+.6g} memory, {verdict})"
        )


def quantised(values: Floats, size: float) -> Floats:
    """Return numbers with no binary digit far below those of `size`; what is dropped is rounding.

    Memory faded over thousands of steps would else be written down to the 300th digit, and so would what is
    left of the change.
    """
    exponent = max(math.frexp(size)[1] - FINEST, -1074)
    quantum = math.ldexp(1.0, exponent)
    whole: Floats = np.rint(values / quantum) * quantum
    return whole


def remainder(before: float, after: float, lines: list[float]) -> tuple[float, ...]:
    """Return numbers, the largest first, whose exact sum is what `lines` leave of after − before."""
    numbers, parts = [after, -before, *(-line for line in lines)], list[float]()
    while left := math.fsum(numbers):
        parts.append(left)
        numbers.append(-left)
    return tuple(parts)
