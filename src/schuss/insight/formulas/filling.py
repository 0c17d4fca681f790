"""From a general formula to one with numbers in it: letters exchanged, sums written out, cases decided."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import numpy as np

from schuss.insight.formulas.expressions import (
    CONSTANTS,
    Choice,
    Expression,
    Formula,
    Letter,
    Number,
    Relation,
    Rest,
    Series,
    Sum,
    evaluate,
    holds,
    mapped,
)
from schuss.insight.formulas.writer import TEXT

__all__ = ["Numbers", "Run", "filled"]


class Run(NamedTuple):
    """What an index runs over: all its values, and those of them whose terms are written out."""

    all: Sequence[int]
    shown: Sequence[int]


@dataclass(frozen=True)
class Numbers:
    """What letters stand for.

    Attributes
    ----------
    letters : mapping
        By name, or by name and argument where it has one, as ``Δw(n−1)``: a number, or an array that the
        letter's index, or that of its argument, picks from.
    at : mapping of str to int
        The values of the indices that are fixed.
    over : mapping of str to Run
        What the others run over.
    """

    letters: Mapping[str, Any]
    at: Mapping[str, int] = field(default_factory=dict)
    over: Mapping[str, Run] = field(default_factory=dict)


def filled(formula: Formula, numbers: Numbers) -> Expression:
    """Return the main part of a formula with numbers in the place of its letters.

    Raises
    ------
    KeyError
        A letter stands for nothing.
    """
    shortened = {_letter(side.sides[0]).name: side for side in formula.where}
    return _Filling(numbers, shortened).fill(formula.main)


def _letter(expression: Expression) -> Letter:
    if not isinstance(expression, Letter):
        raise TypeError(f"an abbreviation is one letter; got {expression!r}.")
    return expression


@dataclass(frozen=True)
class _Filling:
    numbers: Numbers
    shortened: Mapping[str, Relation]

    def fill(self, expression: Expression) -> Expression:
        match expression:
            case Letter(name) if name in CONSTANTS:
                return expression
            case Letter():
                return Number(self.value(expression))
            case Series(index, body):
                return self.terms(index, body)
            case Choice(value, condition, otherwise):
                decided = mapped(condition, self.fill)
                assert isinstance(decided, Relation)  # noqa: S101  # for the type checker
                return self.fill(value if holds(decided) else otherwise)
            case Sum(terms):
                return self.added(terms)
        return mapped(expression, self.fill)

    def added(self, terms: Sequence[Expression]) -> Sum:
        """Return a sum in which the terms of an inner one stand side by side with the others."""
        flat: list[Expression] = []
        for term in map(self.fill, terms):
            flat += term.terms if isinstance(term, Sum) else (term,)
        return Sum(tuple(flat))

    def value(self, letter: Letter) -> float:
        """Return what a letter stands for."""
        if letter.name in self.shortened:
            return self.abbreviated(letter)
        letters, key, picks = self.numbers.letters, letter.name, letter.index
        if letter.at is not None:
            argument = TEXT.closely(letter.at, 6)
            if f"{key}({argument})" in letters:
                key, picks = f"{key}({argument})", argument
            else:  # f′(x_k): the argument says where
                picks = _letter(letter.at).index
        if f"{key}_{letter.index}" in letters:
            key = f"{key}_{letter.index}"
        found = letters[key]
        return float(found if np.ndim(found) == 0 else found[tuple(self.numbers.at[i] for i in picks)])

    def abbreviated(self, letter: Letter) -> float:
        """Return what an abbreviation comes to; p_k is what stands behind p_j, with k in the place of j."""
        short, meaning = self.shortened[letter.name].sides
        at = dict(self.numbers.at)
        if (index := _letter(short).index) != letter.index:
            at[index] = at[letter.index]
        return evaluate(replace(self, numbers=replace(self.numbers, at=at)).fill(meaning))

    def terms(self, index: str, body: Expression) -> Expression:
        """Return the terms of a sum: those to be shown, and what the others add up to."""
        run = self.numbers.over[index]
        terms: list[Expression] = [self.term(index, i, body) for i in run.shown]
        others = [i for i in run.all if i not in set(run.shown)]
        if others:
            total = sum(evaluate(self.term(index, i, body)) for i in others)
            terms.append(Rest(len(others), total))
        return Sum(tuple(terms)) if len(terms) > 1 else terms[0]

    def term(self, index: str, i: int, body: Expression) -> Expression:
        at = {**self.numbers.at, index: i}
        return replace(self, numbers=replace(self.numbers, at=at)).fill(body)
