"""What an update rule is: names of its rates and memory, and one pure step. Holds no rule itself.

A rule with more memory than one velocity names more rows; the state, the engines and the files carry
as many rows as it names.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, NamedTuple, Protocol

import numpy as np

from schuss.method.functions import Array
from schuss.method.schedules import Rate, Span, Steps, Values, at_steps, check_rate

__all__ = [
    "LETTERS",
    "Expansion",
    "Rule",
    "Seen",
    "check_rates",
    "one_row",
    "rates_at",
    "rates_at_one",
    "result_of",
    "rounded",
    "without_memory",
]

# What each rate may be, whichever rule has it.
LIMITS: dict[str, dict[str, Any]] = {
    "learning_rate": {"low": 0.0, "open_low": True},
    "momentum": {"low": 0.0, "high": 1.0},
    "beta_1": {"low": 0.0, "high": 1.0, "open_high": True},
    "beta_2": {"low": 0.0, "high": 1.0, "open_high": True},
    "beta_3": {"low": 0.0, "high": 1.0, "open_high": True},
    "beta": {"low": 0.0, "high": 1.0, "open_high": True},
    "nu": {"low": 0.0, "high": 1.0},
    "dampening": {"low": 0.0, "high": 1.0, "open_high": True},
    "share": {"low": 0.0, "high": 1.0, "open_low": True},
    "epsilon": {"low": 0.0, "open_low": True},
}

# How formulas write them.
LETTERS = {
    "learning_rate": "α",
    "momentum": "η",
    "beta_1": "β₁",
    "beta_2": "β₂",
    "beta_3": "β₃",
    "beta": "β",
    "nu": "ν",
    "dampening": "τ",
    "share": "σ",
    "epsilon": "ε",
}


class Expansion(NamedTuple):
    """What steps of a rule do to its memory and to a weight, in numbers; m is the memory before the step.

        Δw = (use·m + now·g)/measure
        m ← keep·m + take·g

    m are the first `rows` rows of the memory: those that gradients enter as they are. There is a number or a
    matrix per step, as the engine used them, rounded to the dtype of the training. So any change is a sum of
    gradients, each times a number, and one term for the memory before them.

    Attributes
    ----------
    keep : float64 ndarray, shape (steps, rows, rows)
    take, use : float64 ndarray, shape (steps, rows)
    now : float64 ndarray, shape (steps,)
    measure : float64 ndarray, shape (steps,)
        What the other rows of the memory, or its signs, divide by; 1 for most rules.
    """

    keep: Values
    take: Values
    use: Values
    now: Values
    measure: Values


class Seen(NamedTuple):
    """What a weight had in some steps: the memory before and after each, (steps, slots), and g, (steps,).

    The gradient is None where the states alone are known.
    """

    before: Array
    after: Array
    gradient: Array | None


class Rule(Protocol):
    """A frozen value that turns a gradient into a change of theta."""

    name: ClassVar[str]
    rates: ClassVar[tuple[str, ...]]  # fields that are numbers or schedules
    # What `at` returns, by the letters of `in_steps`; those of the step itself, as κ(n), are no rates.
    numbers: ClassVar[tuple[str, ...]]
    memory: ClassVar[tuple[str, ...]]  # what each row of State.memory holds
    as_given: ClassVar[bool]  # whether `at` returns the rates themselves; if not, learning_rate is a factor
    formula: ClassVar[str]
    reads_memory: ClassVar[bool]  # whether the `measure` of its `expansion` is not 1
    keeps_by: ClassVar[str | None]  # the rate by which it keeps its memory from step to step
    # The formula with the step n in it: what is remembered, in the memory's order, and the change last.
    in_steps: ClassVar[str]

    @property
    def learning_rate(self) -> Rate:
        """Every rule has one."""
        ...

    def at(self, steps: Steps, span: Span) -> Values:
        """Return what `update` is given at each of `steps`, shape (steps, numbers)."""
        ...

    def update(
        self, theta: Array, memory: Array, gradient: Array, rates: Sequence[float]
    ) -> tuple[Array, Array]:
        """Return the new theta (n,) and memory (slots, n); `rates` is a row of `at`."""
        ...

    def expansion(self, rates: Values, seen: Seen | None, dtype: Any) -> Expansion:
        """Return what steps with these `rates`, shape (steps, numbers), do to a weight of this dtype.

        Without what was `seen` the measure is 1, as it is always unless `reads_memory`.
        """
        ...


def check_rates(rule: Rule) -> None:
    """Turn a new rule's rates into floats or schedules within their limits, or raise SettingError."""
    for name in rule.rates:
        object.__setattr__(rule, name, check_rate(name, getattr(rule, name), **LIMITS[name]))


def rates_at(rule: Rule, steps: Steps, span: Span) -> Values:
    """Return the rule's rates at each of `steps`, shape (steps, rates), as they are."""
    if len(steps) == 1:
        return np.array([rates_at_one(rule, steps, span)])
    values = np.empty((len(steps), len(rule.rates)))
    for i, name in enumerate(rule.rates):
        values[:, i] = at_steps(getattr(rule, name), steps, span)
    return values


def rates_at_one(rule: Rule, steps: Steps, span: Span) -> list[float]:
    """Return the same for a single step, for which NumPy's calls take longer than the numbers."""
    rates = (getattr(rule, name) for name in rule.rates)
    return [rate if isinstance(rate, float) else float(rate.at(steps, span)[0]) for rate in rates]


def rounded(values: Values, dtype: Any) -> Values:
    """Return `values` as numbers of `dtype`, in float64."""
    return values.astype(dtype).astype(np.float64)


def one_row(keep: Values, take: Values, use: Values, now: Values, measure: Values | None = None) -> Expansion:
    """Return the expansion of a rule with one such row, shape (steps,) each; `use` is of the new m here."""
    measure = np.ones(len(keep)) if measure is None else measure
    return Expansion(keep[:, None, None], take[:, None], (use * keep)[:, None], now + use * take, measure)


def without_memory(now: Values, measure: Values | None = None) -> Expansion:
    """Return the expansion of a rule that gradients leave no trace in, shape (steps,) each."""
    n = len(now)
    none = np.zeros((n, 0))
    return Expansion(np.zeros((n, 0, 0)), none, none, now, np.ones(n) if measure is None else measure)


def result_of(rule: Rule, theta: Array, memory: Array) -> Array:
    """Return the weights to use, as theta (…, n): itself, unless the rule trains at another point."""
    own = getattr(rule, "result", None)
    result: Array = theta if own is None else own(theta, memory)
    return result
