"""What an update rule is: names of its rates and memory, and one pure step. Holds no rule itself.

Most rules turn one gradient into a change, weight by weight (`Rule.update`). A `WholeStep` looks at more: at
several gradients or losses, at numbers of the whole step, or at matrices. Both have rates, memory, formula
and expansion. A rule with more memory than one velocity names more rows; the state, the engines and the
files carry as many rows as it names. A number of the whole step is a row that holds it everywhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, NamedTuple, Protocol, runtime_checkable

import numpy as np

from schuss.errors import SettingError
from schuss.method.functions import Array
from schuss.method.landscape import Landscape, Stepped
from schuss.method.schedules import Rate, Span, Steps, Values, at_steps, check_rate

__all__ = [
    "LETTERS",
    "AnyRule",
    "Expansion",
    "Rule",
    "WholeStep",
    "check_rates",
    "element_wise",
    "first_memory",
    "make_step",
    "rates_at",
    "rates_at_one",
    "rounded",
]

# What each rate may be, whichever rule has it.
LIMITS: dict[str, dict[str, Any]] = {
    "learning_rate": {"low": 0.0, "open_low": True},
    "momentum": {"low": 0.0, "high": 1.0},
    "beta_1": {"low": 0.0, "high": 1.0, "open_high": True},
    "beta_2": {"low": 0.0, "high": 1.0, "open_high": True},
    "epsilon": {"low": 0.0, "open_low": True},
    "increase": {"low": 1.0, "open_low": True},
    "max_growth": {"low": 0.0, "open_low": True},
    "ridge": {"low": 0.0},
    "bias_rate": {"low": 0.0, "open_low": True},
    "decrease": {"low": 0.0, "high": 1.0, "open_low": True, "open_high": True},
}

# How formulas write them.
LETTERS = {
    "learning_rate": "α",
    "momentum": "η",
    "beta_1": "β₁",
    "beta_2": "β₂",
    "epsilon": "ε",
    "increase": "Δ⁺",
    "decrease": "Δ⁻",
    "max_growth": "μ",
    "ridge": "r",
    "bias_rate": "α_b",
}


class Expansion(NamedTuple):
    """What steps of a rule do to the first row of its memory, m, and to a weight, in numbers.

        m ← keep·m + take·g
        Δw = use·m + now·g        with the new m

    Each holds a number per step, shape (steps,), as the engine used it: rounded to the dtype of the training.
    So any change is a sum of gradients, each times a number, and one term for the memory before them.
    ``other`` is what a whole-step rule adds to Δw that is no multiple of the weight's own gradient.
    """

    keep: Values
    take: Values
    use: Values
    now: Values
    other: Values | None = None


class AnyRule(Protocol):
    """What every rule has."""

    name: ClassVar[str]
    rates: ClassVar[tuple[str, ...]]  # fields that are numbers or schedules
    memory: ClassVar[tuple[str, ...]]  # what each row of State.memory holds
    as_given: ClassVar[bool]  # whether `at` returns the rates themselves; if not, learning_rate is a factor
    formula: ClassVar[str]
    reads_memory: ClassVar[bool]  # whether its `expansion` depends on the memory's other rows
    keeps_by: ClassVar[str | None]  # the rate by which it keeps its memory from step to step

    @property
    def learning_rate(self) -> Rate:
        """Every rule has one; it is 1 where the rule finds the lengths of its steps by itself."""
        ...

    def at(self, steps: Steps, span: Span) -> Values:
        """Return what a step is given at each of `steps`, shape (steps, rates)."""
        ...

    def expansion(self, rates: Values, memory: Array, dtype: Any) -> Expansion:
        """Return what steps with these `rates`, shape (steps, rates), do to a weight of this dtype.

        `memory`, shape (steps, slots), is that of the weight after each step; it is looked at where
        `reads_memory` says so.
        """
        ...


class Rule(AnyRule, Protocol):
    """A frozen value that turns a gradient into a change of theta, weight by weight."""

    # The formula with the step n in it: what is remembered, in the memory's order, and the change last.
    in_steps: ClassVar[str]

    def update(
        self, theta: Array, memory: Array, gradient: Array, rates: Sequence[float]
    ) -> tuple[Array, Array]:
        """Return the new theta (n,) and memory (slots, n); `rates` is a row of `at`."""
        ...


@runtime_checkable
class WholeStep(AnyRule, Protocol):
    """A frozen value that looks at more than one gradient, weight by weight, to make a step."""

    full_batch: ClassVar[bool]  # whether it compares one step's gradient or loss with another's
    elsewhere: ClassVar[str]  # in words, what `Expansion.other` is; empty where there is none

    def step(self, land: Landscape, theta: Array, memory: Array, rates: Sequence[float]) -> Stepped:
        """Return what a step from theta leaves.

        The first gradient that it asks for is the one that the account of the step is kept in.
        """
        ...


def make_step(
    rule: Rule | WholeStep, land: Landscape, theta: Array, memory: Array, rates: Sequence[float]
) -> Stepped:
    """Return what one step of any rule leaves; `rates` is a row of `at`."""
    if isinstance(rule, WholeStep):
        return rule.step(land, theta, memory, rates)
    loss, gradient = land.gradient(theta)
    return Stepped(*rule.update(theta, memory, gradient, rates), loss)


def element_wise(rule: Rule | WholeStep, purpose: str = "this") -> Rule:
    """Return a rule that goes weight by weight, as `purpose` asks for, or raise SettingError."""
    if isinstance(rule, WholeStep):
        raise SettingError(
            f"{purpose} needs a rule that turns one gradient into a change, weight by weight, such as "
            f"momentum or adam; rule {rule.name!r} looks at more."
        )
    return rule


def first_memory(rule: AnyRule, theta: Array) -> Array:
    """Return the memory before the first step, shape (slots, n): what the rule's `start` says, else zeros."""
    start = getattr(rule, "start", None)
    return np.zeros((len(rule.memory), theta.size), theta.dtype) if start is None else start(theta)


def check_rates(rule: AnyRule) -> None:
    """Turn a new rule's rates into floats or schedules within their limits, or raise SettingError."""
    for name in rule.rates:
        object.__setattr__(rule, name, check_rate(name, getattr(rule, name), **LIMITS[name]))


def rates_at(rule: AnyRule, steps: Steps, span: Span) -> Values:
    """Return the rule's rates at each of `steps`, shape (steps, rates), as they are."""
    if len(steps) == 1:
        return np.array([rates_at_one(rule, steps, span)])
    values = np.empty((len(steps), len(rule.rates)))
    for i, name in enumerate(rule.rates):
        values[:, i] = at_steps(getattr(rule, name), steps, span)
    return values


def rates_at_one(rule: AnyRule, steps: Steps, span: Span) -> list[float]:
    """Return the same for a single step, for which NumPy's calls take longer than the numbers."""
    rates = (getattr(rule, name) for name in rule.rates)
    return [rate if isinstance(rate, float) else float(rate.at(steps, span)[0]) for rate in rates]


def rounded(values: Values, dtype: Any) -> Values:
    """Return `values` as numbers of `dtype`, in float64."""
    return values.astype(dtype).astype(np.float64)
