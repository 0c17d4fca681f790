"""An expression as plain text, the way formulas stand in the docstrings: δ_j = (t_j − y_j)·f′(x_j).

The methods above the line decide what is the same in every script, above all where parentheses stand; those
below it say how letters, powers and fractions are written, and are what LaTeX and MathML say otherwise.
Numbers are rounded for reading, to so many digits.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from schuss.insight.formulas.expressions import (
    Call,
    Choice,
    Expression,
    Formula,
    Letter,
    Negative,
    Number,
    Power,
    Product,
    Quotient,
    Relation,
    Rest,
    Series,
    Sum,
)

__all__ = ["ATOM", "NAME", "SUBSCRIPTS", "TEXT", "Writer", "rounded"]

# What a letter's name is made of: Δ, a stem, a number below it, a prime.
NAME = re.compile(r"^(Δ?)(\w*?)([₀-₉]*)(′?)$")
RELATION, CHOICE, SUM, PRODUCT, POWER, ATOM = range(6)  # how tightly each binds
SUBSCRIPTS = str.maketrans("₀₁₂₃₄₅₆₇₈₉", "0123456789")
_RAISED = str.maketrans("−0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def rounded(value: float, digits: int) -> tuple[str, str]:
    """Return a number of so many digits and its power of ten, "" where it needs none; the minus is a −."""
    mantissa, _, exponent = f"{value + 0.0:.{digits}g}".partition("e")
    return mantissa.replace("-", "−"), str(int(exponent)).replace("-", "−") if exponent else ""


def _binding(expression: Expression) -> int:
    """Return how tightly the outermost sign of `expression` binds."""
    match expression:
        case Relation():
            return RELATION
        case Choice():
            return CHOICE
        case Sum() | Negative():
            return SUM
        case Number(value) if value < 0:
            return SUM
        case Product() | Series():
            return PRODUCT
        case Quotient():
            return PRODUCT
        case Power():
            return POWER
    return ATOM


class Writer:
    """Writes plain text; `digits` of each number."""

    times = "·"

    def formula(self, formula: Formula, digits: int = 6) -> str:
        """Return a formula with its abbreviations behind it."""
        parts = [self.write(part, digits) for part in (formula.main, *formula.where)]
        return self.join(parts, self.sign(",", gap_after=True))

    def write(self, expression: Expression, digits: int = 6) -> str:  # noqa: C901  # a case per kind
        """Return an expression in this script."""
        match expression:
            case Number(value):
                return self.value(value, digits)
            case Letter():
                return self.letter(expression, digits)
            case Sum(terms):
                return self._sum(terms, digits)
            case Product(factors):
                return self._product(factors, digits)
            case Quotient(above, below):
                return self.quotient(above, below, digits)
            case Power(base, exponent):
                return self.power(base, exponent, digits)
            case Negative(of):
                return self.join([self.sign("−", prefix=True), self._within(of, PRODUCT, digits)])
            case Call(name, arguments):
                return self.call(name, arguments, digits)
            case Series(index, body, low):
                return self.join([self.series(index, low), self._within(body, PRODUCT, digits)])
            case Choice():
                return self.choice(expression, digits)
            case Relation():
                return self._relation(expression, digits)
            case Rest(count, total):
                return self.rest(f"{count:,}", self.value(total, digits))

    def value(self, value: float, digits: int) -> str:
        """Return a number."""
        return self.number(*rounded(value, digits))

    def _within(self, expression: Expression, binding: int, digits: int) -> str:
        """Return a part, in parentheses if it binds less tightly than what it stands in."""
        text = self.write(expression, digits)
        loose = _binding(expression) < binding
        if isinstance(expression, Number) and rounded(expression.value, digits)[1]:
            loose = loose or binding > PRODUCT
        return self.parentheses(text) if loose else text

    def _sum(self, terms: Iterable[Expression], digits: int) -> str:
        parts: list[str] = []
        for term in terms:
            minus = isinstance(term, Negative)
            bare = term.of if isinstance(term, Negative) else term
            if isinstance(bare, Number) and bare.value < 0 and not minus and parts:
                minus, bare = True, Number(-bare.value)
            if parts or minus:
                parts.append(self.sign("−" if minus else "+", prefix=not parts))
            at_front = not parts and isinstance(bare, Number)
            parts.append(self.write(bare, digits) if at_front else self._within(bare, PRODUCT, digits))
        return self.join(parts)

    def _product(self, factors: tuple[Expression, ...], digits: int) -> str:
        last = len(factors) - 1
        parts = [
            self._within(f, POWER if isinstance(f, Series) and i < last else PRODUCT, digits)
            for i, f in enumerate(factors)
        ]
        return self.join(parts, self.sign(self.times))

    def _relation(self, relation: Relation, digits: int) -> str:
        parts = [self._within(relation.sides[0], CHOICE, digits)]
        for sign, side in zip(relation.signs, relation.sides[1:], strict=True):
            parts += [self.sign(sign), self._within(side, CHOICE, digits)]
        return self.join(parts)

    def listed(self, expressions: Iterable[Expression], digits: int) -> str:
        """Return expressions with commas between them."""
        return self.join([self.write(e, digits) for e in expressions], self.sign(",", gap_after=True))

    # --- what each script has to say; the plain one says it first ---

    def join(self, parts: Iterable[str], between: str = "") -> str:
        """Return parts one after the other."""
        return between.join(parts)

    def sign(self, sign: str, *, prefix: bool = False, gap_after: bool = False) -> str:
        """Return an operator: between two terms, in front of the first, or with a gap behind."""
        if prefix or sign == self.times:
            return sign
        return f"{sign} " if gap_after else f" {sign} "

    def parentheses(self, text: str) -> str:
        """Return something in parentheses."""
        return f"({text})"

    def number(self, mantissa: str, exponent: str) -> str:
        """Return a number, written with a power of ten where there is an exponent."""
        return f"{mantissa}·10{exponent.translate(_RAISED)}" if exponent else mantissa

    def letter(self, letter: Letter, digits: int) -> str:
        """Return a letter with its index and argument."""
        index = f"_{letter.index}" if letter.index else ""
        at = "" if letter.at is None else self.parentheses(self.closely(letter.at, digits))
        return f"{letter.name}{index}{at}"

    def closely(self, expression: Expression, digits: int) -> str:
        """Return an argument or exponent, without gaps."""
        return self.write(expression, digits).replace(" ", "")

    def quotient(self, above: Expression, below: Expression, digits: int) -> str:
        """Return a fraction."""
        return f"{self._within(above, PRODUCT, digits)}/{self._within(below, POWER, digits)}"

    def power(self, base: Expression, exponent: Expression, digits: int) -> str:
        """Return a power."""
        stem = self._within(base, ATOM, digits)
        if isinstance(exponent, Number) and exponent.value.is_integer():
            return stem + f"{exponent.value:.0f}".replace("-", "−").translate(_RAISED)
        loose = _binding(exponent) < ATOM
        inner = self.closely(exponent, digits)
        return f"{stem}^{self.parentheses(inner) if loose else inner}"

    def call(self, name: str, arguments: tuple[Expression, ...], digits: int) -> str:
        """Return a function of its arguments."""
        inner = self.listed(arguments, digits)
        if name == "abs":
            return f"|{inner}|"
        if isinstance(arguments[0], Letter) and arguments[0].at is None and name in ("log", "√", "tanh"):
            return f"{name} {inner}" if name != "√" else f"√{inner}"
        return f"{name}({inner})"

    def series(self, index: str, low: str) -> str:
        """Return the sign of a sum."""
        return f"Σ_({index}≥{low}) " if low else f"Σ_{index} "

    def choice(self, choice: Choice, digits: int) -> str:
        """Return a value, its condition, and what holds otherwise."""
        value, otherwise = self.write(choice.value, digits), self.write(choice.otherwise, digits)
        return f"{value} if {self.write(choice.condition, digits)} else {otherwise}"

    def rest(self, count: str, total: str) -> str:
        """Return what stands for the terms that are not written out."""
        return f"[{count} more: {total}]"


TEXT = Writer()
