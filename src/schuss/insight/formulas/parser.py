"""From a formula as it is written in the tables, such as ``½·Σ_j (t_j−y_j)²``, to an expression.

formula    relation {"," letter "=" relation}          the abbreviations stand behind
relation   choice {sign choice}                        signs = ← > < ≤ ≈
choice     sum ["if" relation "else" choice]
sum        ["−"] product {("+" | "−") product}
product    power {("·" | "/") power}                   from left to right; Σ_j takes the rest of it
power      atom ["²" | "³" | "^" atom]
"""

from __future__ import annotations

import re
from functools import cache

from schuss.insight.formulas.expressions import (
    CONSTANTS,
    FUNCTIONS,
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
    Series,
    Sum,
)

__all__ = ["parse", "parse_expression"]

_TOKEN = re.compile(
    r"\s*(?:(∂\w+/∂[^\W²³]+)|(\d+(?:\.\d+)?)|(Σ_\w+)|([½π])|([^\W\d_½π²³][^\W_²³]*′?(?:_[^\W²³]+)?)|([−+·/²³^()|,√=←><≤≈]))"
)
_POWERS = {"²": 2.0, "³": 3.0}


@cache
def parse(text: str) -> Formula:
    """Return the formula that `text` writes.

    Raises
    ------
    ValueError
        It cannot be read; the message names the place.
    """
    reader = _Reader(text)
    main = reader.relation()
    where = []
    while reader.take(","):
        found = reader.relation()
        if not isinstance(found, Relation):
            raise reader.error("an abbreviation, letter = expression,")
        where.append(found)
    if reader.ahead:
        raise reader.error("the end")
    return Formula(main, tuple(where))


def parse_expression(text: str) -> Expression:
    """Return the expression that `text` writes, which has no abbreviations."""
    return parse(text).main


class _Reader:
    """Reads tokens one after the other; a method for each line of the grammar."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens = _tokens(text)
        self.place = 0

    @property
    def ahead(self) -> str:
        return self.tokens[self.place] if self.place < len(self.tokens) else ""

    def take(self, *wanted: str) -> str:
        token = self.ahead
        if token not in wanted:
            return ""
        self.place += 1
        return token

    def need(self, token: str) -> None:
        if not self.take(token):
            raise self.error(repr(token))

    def error(self, wanted: str) -> ValueError:
        return ValueError(f"{wanted} is missing before {self.ahead!r} in the formula {self.text!r}")

    def relation(self) -> Expression:
        sides, signs = [self.choice()], []
        while sign := self.take("=", "←", ">", "<", "≤", "≈"):
            signs.append(sign)
            sides.append(self.choice())
        return Relation(tuple(signs), tuple(sides)) if signs else sides[0]

    def choice(self) -> Expression:
        value = self.sum()
        if not self.take("if"):
            return value
        condition = self.relation()
        if not isinstance(condition, Relation):
            raise self.error("a condition")
        self.need("else")
        return Choice(value, condition, self.choice())

    def sum(self) -> Expression:
        terms = [Negative(self.product()) if self.take("−") else self.product()]
        while sign := self.take("+", "−"):
            term = self.product()
            terms.append(term if sign == "+" else Negative(term))
        return Sum(tuple(terms)) if len(terms) > 1 else terms[0]

    def product(self) -> Expression:
        result = self.power()
        while sign := self.take("·", "/"):
            right = self.power()
            if sign == "/":
                result = Quotient(result, right)
            else:
                left = result.factors if isinstance(result, Product) else (result,)
                result = Product((*left, right))
        return result

    def power(self) -> Expression:
        base = self.atom()
        if mark := self.take(*_POWERS):
            return Power(base, Number(_POWERS[mark]))
        return Power(base, self.atom()) if self.take("^") else base

    def atom(self) -> Expression:
        if self.take("("):
            inner = self.relation()
            self.need(")")
            return inner
        if self.take("|"):
            inner = self.sum()
            self.need("|")
            return Call("abs", (inner,))
        token = self.ahead
        self.place += 1
        if token.startswith("Σ_"):
            return Series(token[2:], self.product())
        if token in FUNCTIONS:
            return Call(token, self.arguments() if self.ahead == "(" else (self.atom(),))
        if token in CONSTANTS:
            return Letter(token)
        if token[:1].isdigit():
            return Number(float(token))
        if not token[:1].isalpha() and not token.startswith("∂"):
            self.place -= 1
            raise self.error("a letter or a number")
        return self.letter(token)

    def letter(self, token: str) -> Letter:
        name, _, index = token.partition("_") if "/" not in token else (token, "", "")
        at = self.arguments() if self.ahead == "(" else (None,)
        return Letter(name, index, at[0])

    def arguments(self) -> tuple[Expression, ...]:
        self.need("(")
        found = [self.choice()]
        while self.take(","):
            found.append(self.choice())
        self.need(")")
        return tuple(found)


def _tokens(text: str) -> list[str]:
    tokens, place = [], 0
    text = text.rstrip()
    while place < len(text):
        match = _TOKEN.match(text, place)
        if match is None:
            raise ValueError(f"{text[place:]!r} cannot be read in the formula {text!r}")
        tokens.append(match[0].strip())
        place = match.end()
    return tokens
