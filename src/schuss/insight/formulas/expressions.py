"""What formulas are made of, as frozen values. Knows no network, and not how anything is written.

An expression is evaluated, or filled: its letters are exchanged for numbers, its sums written out.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from typing import Any, TypeVar

import numpy as np

__all__ = [
    "CONSTANTS",
    "Call",
    "Choice",
    "Expression",
    "Formula",
    "Letter",
    "Negative",
    "Number",
    "Power",
    "Product",
    "Quotient",
    "Relation",
    "Rest",
    "Series",
    "Sum",
    "evaluate",
    "mapped",
    "substituted",
]

CONSTANTS = {"½": 0.5, "π": math.pi}


@dataclass(frozen=True)
class Number:
    """A number."""

    value: float


@dataclass(frozen=True)
class Letter:
    """A letter with its index and its argument: δ_j(n−1) has name δ, index j and argument n−1."""

    name: str
    index: str = ""
    at: Expression | None = None


@dataclass(frozen=True)
class Sum:
    """Terms added up; a term that is subtracted is a `Negative`."""

    terms: tuple[Expression, ...]


@dataclass(frozen=True)
class Product:
    """Factors multiplied."""

    factors: tuple[Expression, ...]


@dataclass(frozen=True)
class Quotient:
    """A fraction."""

    above: Expression
    below: Expression


@dataclass(frozen=True)
class Power:
    """A power."""

    base: Expression
    exponent: Expression


@dataclass(frozen=True)
class Negative:
    """Minus something."""

    of: Expression


@dataclass(frozen=True)
class Call:
    """A function of numbers: exp, log, tanh, max, min, sign, √, or abs, which is written |x|."""

    name: str
    arguments: tuple[Expression, ...]


@dataclass(frozen=True)
class Series:
    """Σ over an index, from `low` on where that has to be said."""

    index: str
    body: Expression
    low: str = ""


@dataclass(frozen=True)
class Choice:
    """One value if a relation holds, else another."""

    value: Expression
    condition: Relation
    otherwise: Expression


@dataclass(frozen=True)
class Relation:
    """Expressions with a sign between each two: =, ←, >, <, ≤, ≈."""

    signs: tuple[str, ...]
    sides: tuple[Expression, ...]


@dataclass(frozen=True)
class Rest:
    """The terms of a sum that are not written out: how many, and what they add up to."""

    count: int
    total: float


Expression = (
    Number | Letter | Sum | Product | Quotient | Power | Negative | Call | Series | Choice | Relation | Rest
)
E = TypeVar("E", bound=Expression)


@dataclass(frozen=True)
class Formula:
    """An expression, and what the abbreviations in it stand for: relations ``letter = expression``."""

    main: Expression
    where: tuple[Relation, ...] = ()


def mapped(expression: Expression, change: Callable[[Expression], Expression]) -> Expression:
    """Return `expression` with each of its direct parts exchanged for what `change` makes of it."""

    def part(value: Any) -> Any:
        if isinstance(value, tuple):
            return tuple(part(each) for each in value)
        return change(value) if isinstance(value, Expression) else value

    return replace(expression, **{f.name: part(getattr(expression, f.name)) for f in fields(expression)})


def substituted(expression: Expression, name: str, by: Expression) -> Expression:
    """Return `expression` with the letter `name` exchanged; the letters of `by` take over its argument."""

    def change(part: Expression) -> Expression:
        if isinstance(part, Letter) and part.name == name:
            return by if part.at is None else _at(by, part.at)
        return _tidied(mapped(part, change))

    return change(expression)


def _at(expression: Expression, argument: Expression) -> Expression:
    if isinstance(expression, Letter):
        return replace(expression, at=argument)
    return mapped(expression, lambda part: _at(part, argument))


def _tidied(expression: Expression) -> Expression:
    """Return the same with a minus inside a product taken in front, two of them cancelled."""
    if isinstance(expression, Negative) and isinstance(expression.of, Negative):
        return expression.of.of
    if not isinstance(expression, Product):
        return expression
    factors: list[Expression] = []
    minus = False
    for factor in expression.factors:
        minus ^= isinstance(factor, Negative)
        bare = factor.of if isinstance(factor, Negative) else factor
        factors += bare.factors if isinstance(bare, Product) else (bare,)
    product = Product(tuple(factors))
    return Negative(product) if minus else product


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "exp": np.exp,
    "log": np.log,
    "tanh": np.tanh,
    "sign": np.sign,
    "abs": np.abs,
    "√": np.sqrt,
    "max": max,
    "min": min,
}


def evaluate(expression: Expression) -> float:
    """Return the number that an expression without letters comes to; 0 times anything is 0.

    So 0·log 0 is 0, as the losses have it.
    """
    with np.errstate(all="ignore"):
        return float(_evaluated(expression))


def _evaluated(expression: Expression) -> Any:
    match expression:
        case Number(value) | Rest(_, value):
            return np.float64(value)
        case Letter(name) if name in CONSTANTS:
            return np.float64(CONSTANTS[name])
        case Sum(terms):
            return sum(map(_evaluated, terms))
        case Product(factors):
            values = [_evaluated(factor) for factor in factors]
            return np.float64(0.0) if 0.0 in values else math.prod(values)
        case Quotient(above, below):
            return np.divide(_evaluated(above), _evaluated(below))
        case Power(base, exponent):
            return np.power(_evaluated(base), _evaluated(exponent))
        case Negative(of):
            return -_evaluated(of)
        case Call(name, arguments):
            return FUNCTIONS[name](*map(_evaluated, arguments))
        case Choice(value, condition, otherwise):
            return _evaluated(value if holds(condition) else otherwise)
    raise ValueError(f"no number: {expression!r}")


def holds(relation: Relation) -> bool:
    """Whether a relation without letters holds; only >, < and ≤ ask."""
    left, right = map(evaluate, relation.sides)
    return {">": left > right, "<": left < right, "≤": left <= right}[relation.signs[0]]
