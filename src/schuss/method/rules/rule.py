"""What an update rule is: names of its rates and memory, and one pure step. Holds no rule itself.

Most rules turn one gradient into a change, weight by weight (`Rule.update`). A `WholeStep` looks at more: at
several gradients or losses, at numbers of the whole step, or at matrices. Both have rates, memory, formula
and expansion. A rule with more memory than one velocity names more rows; the state, the engines and the
files carry as many rows as it names. A number of the whole step is a row that holds it everywhere.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar, NamedTuple, Protocol

import numpy as np

from schuss.errors import SettingError
from schuss.method.functions import Array
from schuss.method.landscape import Landscape, Stepped
from schuss.method.schedules import Rate, Span, Steps, Values, at_steps, check_rate

__all__ = [
    "LETTERS",
    "AnyRule",
    "Expansion",
    "Named",
    "Rule",
    "Seen",
    "WholeStep",
    "check_rates",
    "element_wise",
    "first_memory",
    "make_step",
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
    "epsilon": {"low": 2.0**-126},  # in float32 less may be 0, and where no gradient comes 0/0
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
    "beta_3": "β₃",
    "beta": "β",
    "nu": "ν",
    "dampening": "τ",
    "share": "σ",
    "epsilon": "ε",
    "increase": "Δ⁺",
    "decrease": "Δ⁻",
    "max_growth": "μ",
    "ridge": "r",
    "bias_rate": "α_b",
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
    other : float64 ndarray, shape (steps,), or None
        What a whole-step rule adds to Δw that is no multiple of the weight's own gradients.
    """

    keep: Values
    take: Values
    use: Values
    now: Values
    measure: Values
    other: Values | None = None


class Seen(NamedTuple):
    """What a weight had in some steps: the memory before and after each, (steps, slots), and g, (steps,).

    The gradient is None where the states alone are known.
    """

    before: Array
    after: Array
    gradient: Array | None


class Named(Protocol):
    """A frozen dataclass of settings that has a name."""

    name: ClassVar[str]
    rates: ClassVar[tuple[str, ...]]  # fields that are numbers or schedules


class AnyRule(Named, Protocol):
    """What every rule has."""

    memory: ClassVar[tuple[str, ...]]  # what each row of State.memory holds
    as_given: ClassVar[bool]  # whether `at` returns the rates themselves; if not, learning_rate is a factor
    formula: ClassVar[str]
    reads_memory: ClassVar[bool]  # whether its `expansion` hangs on what was seen: its measure, or all of it
    keeps_by: ClassVar[str | None]  # the rate by which it keeps its memory from step to step

    @property
    def learning_rate(self) -> Rate:
        """Every rule has one; it is 1 where the rule finds the lengths of its steps by itself."""
        ...

    def at(self, steps: Steps, span: Span) -> Values:
        """Return what a step is given at each of `steps`, shape (steps, numbers)."""
        ...

    def expansion(self, rates: Values, seen: Seen | None, dtype: Any) -> Expansion:
        """Return what steps with these `rates`, shape (steps, numbers), do to a weight of this dtype.

        Without what was `seen` the measure is 1, as it is always unless `reads_memory`; of a `WholeStep` that
        keeps by what it finds in a step, it keeps nothing then.
        """
        ...


class Rule(AnyRule, Protocol):
    """A frozen value that turns a gradient into a change of theta, weight by weight."""

    # What `at` returns, by the letters of `in_steps`; those of the step itself, as κ(n), are no rates.
    numbers: ClassVar[tuple[str, ...]]
    # The formula with the step n in it: what is remembered, in the memory's order, and the change last.
    in_steps: ClassVar[str]

    def update(
        self, theta: Array, memory: Array, gradient: Array, rates: Sequence[float]
    ) -> tuple[Array, Array]:
        """Return the new theta (n,) and memory (slots, n); `rates` is a row of `at`."""
        ...


class WholeStep(AnyRule):
    """A frozen value that looks at more than one gradient, weight by weight, to make a step."""

    full_batch: ClassVar[bool]  # whether it compares one step's gradient or loss with another's
    elsewhere: ClassVar[str]  # in words, what `Expansion.other` is; empty where there is none

    @abstractmethod
    def step(self, land: Landscape, theta: Array, memory: Array, rates: Sequence[float]) -> Stepped:
        """Return what a step from theta leaves; the first gradient that it asks for is that at `place`."""
        ...

    def start(self, theta: Array) -> Array:
        """Return the memory before the first step, shape (slots, n): zeros, unless a rule says otherwise."""
        return np.zeros((len(self.memory), theta.size), theta.dtype)

    def place(self, theta: Array, memory: Array, rates: Sequence[float]) -> Array:  # noqa: ARG002  # some look
        """Return where the gradient is taken that the account of a step is kept in, shape (n,)."""
        return theta


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


def first_memory(rule: Rule | WholeStep, theta: Array) -> Array:
    """Return the memory before the first step, shape (slots, n)."""
    if isinstance(rule, WholeStep):
        return rule.start(theta)
    return np.zeros((len(rule.memory), theta.size), theta.dtype)


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


def one_row(keep: Values, take: Values, use: Values, now: Values, measure: Values | None = None) -> Expansion:
    """Return the expansion of a rule with one such row, shape (steps,) each; `use` is of the new m here."""
    measure = np.ones(len(keep)) if measure is None else measure
    return Expansion(keep[:, None, None], take[:, None], (use * keep)[:, None], now + use * take, measure)


def without_memory(now: Values, measure: Values | None = None) -> Expansion:
    """Return the expansion of a rule that gradients leave no trace in, shape (steps,) each."""
    n = len(now)
    none = np.zeros((n, 0))
    return Expansion(np.zeros((n, 0, 0)), none, none, now, np.ones(n) if measure is None else measure)


def result_of(rule: AnyRule, theta: Array, memory: Array) -> Array:
    """Return the weights to use, as theta (…, n): itself, unless the rule trains at another point."""
    own = getattr(rule, "result", None)
    result: Array = theta if own is None else own(theta, memory)
    return result
