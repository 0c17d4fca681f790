"""The memory of a rule, unrolled: where the term with Δw(n−1) comes from.

A row of the memory that obeys M(n) = decay·M(n−1) + push(n) is the sum of all pushes so far, each faded by
the decay for every step since: M(n) = Σ_i decay^i·push(n−i) + decay^s·M(n−s). Decay and push are read off
the rule's own formula; a memory of another form has no such lines.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from schuss.insight.derivation.update import BEFORE, NOW, Past, Update, has, key_of
from schuss.insight.derivation.value import Check, Line
from schuss.insight.formulas.expressions import (
    Expression,
    Formula,
    Letter,
    Negative,
    Number,
    Power,
    Product,
    Relation,
    Rest,
    Series,
    Sum,
    evaluate,
    mapped,
    substituted,
)
from schuss.insight.formulas.filling import Numbers, filled
from schuss.insight.formulas.parser import parse_expression
from schuss.insight.formulas.writer import TEXT

__all__ = ["memory_lines"]

SHOWN_TERMS = 6  # the newest
EPSILON = float(np.finfo(np.float64).eps)
TWO_AGO, AGO = parse_expression("n−2"), parse_expression("n−i")


def memory_lines(last: Update, past: Sequence[Past]) -> Iterator[Line]:
    """Yield the memory after the step `last`, unrolled over all steps of `past`, which ends with it."""
    statements = dict(last.statements)
    for letter in last.remembered:
        meaning, before = statements[letter], replace(letter, at=BEFORE)
        terms = meaning.terms if isinstance(meaning, Sum) else (meaning,)
        fresh = tuple(term for term in terms if not has(term, before))
        kept = [term for term in terms if has(term, before)]
        if not fresh or len(kept) != 1 or not isinstance(kept[0], Product) or len(kept[0].factors) != 2:
            continue
        decay = next(factor for factor in kept[0].factors if factor != before)
        yield from _Unrolled(past, letter, decay, fresh[0] if len(fresh) == 1 else Sum(fresh)).lines()


@dataclass(frozen=True, eq=False)
class _Unrolled:
    """One row of the memory, M(n) = decay·M(n−1) + push(n), as a sum over the steps."""

    past: Sequence[Past]
    letter: Letter
    decay: Expression
    push: Expression

    @property
    def last(self) -> Past:
        return self.past[-1]

    @property
    def section(self) -> str:
        return f"Where {TEXT.write(self._before)} comes from"

    @property
    def _before(self) -> Expression:
        return Product((self.decay, replace(self.letter, at=BEFORE)))

    @cached_property
    def constant(self) -> bool:
        return all(step.rates == self.last.rates for step in self.past)

    @cached_property
    def term(self) -> Expression:
        """The term of the step n−i: what it put in, times what is left of it."""
        weight: Expression = Letter("c", "i")
        if self.constant:
            weight = Power(self.decay, Letter("i"))
        moved = self._dated(_moved(self.push, NOW, AGO), AGO)
        if isinstance(moved, Negative):
            return Negative(_joined(weight, moved.of))
        return _joined(weight, moved)

    def _dated(self, expression: Expression, step: Expression) -> Expression:
        """Return the same with rates that belong to a step, where they are not the same in all."""
        if not self.constant:
            for rate in self.last.rates:
                expression = substituted(expression, rate, Letter(rate, "", step))
        return expression

    def numbers(self, i: int) -> Numbers:
        """Return what the letters of the term stand for, i steps before the last."""
        letters = self.past[-1 - i].letters
        earlier = {k.replace("(n)", "(n−i)"): v for k, v in letters.items() if k.endswith("(n)")}
        dated = {f"{k}(n−i)": v for k, v in self.past[-1 - i].rates.items()}
        return Numbers(self.last.rates | earlier | dated | {"i": float(i), "c_i": self.kept(i)})

    def kept(self, i: int) -> float:
        """Return what is left of a push after i steps: the product of the decays since."""
        return self._products[i]

    @cached_property
    def _products(self) -> list[float]:
        decay = Formula(self.decay)
        newest_first = [evaluate(filled(decay, Numbers(step.rates))) for step in reversed(self.past)]
        return [1.0, *np.cumprod(newest_first).tolist()]

    @cached_property
    def values(self) -> list[float]:
        """The terms' numbers, the newest first."""
        term = Formula(self.term)
        return [evaluate(filled(term, self.numbers(i))) for i in range(len(self.past))]

    @property
    def first(self) -> float:
        """The memory before all these steps."""
        return self.past[0].letters[key_of(self.letter, BEFORE)]

    @cached_property
    def start(self) -> float:
        """What is left of it."""
        return self.first * self.kept(len(self.past))

    def lines(self) -> Iterator[Line]:
        """Yield the rule put into itself, the terms, and two sums of them."""
        yield self._into_itself()
        for i in range(min(len(self.past), SHOWN_TERMS)):
            yield self._term_line(i)
        if self.start:
            yield self._start_line()
        yield self._memory_sum()
        yield self._whole_sum()

    def _line(self, title: str, general: Expression, made: Expression, result: float, where: str) -> Line:
        step = self.last.step
        return Line(self.section, step, title, Formula(general), made, result, where)

    def _into_itself(self) -> Line:
        """Return M(n) with the rule put in for M(n−1): the newest two steps."""
        general = Relation(("=", "="), (replace(self.letter, at=NOW), *self._twice()))
        now, before = self.last, self.past[-2]
        earlier = {k.replace("(n−1)", "(n−2)").replace("(n)", "(n−1)"): v for k, v in before.letters.items()}
        earlier |= {f"{rate}(n−1)": v for rate, v in before.rates.items()}
        numbers = Numbers({**earlier, **now.letters})
        made = filled(Formula(general.sides[-1]), numbers)
        result = now.letters[key_of(self.letter, NOW)]
        where = f"n = {now.step}; the same for {TEXT.write(replace(self.letter, at=TWO_AGO))}, and so on"
        return self._line("The rule, put into itself", general, made, result, where)

    def _twice(self) -> tuple[Expression, Expression]:
        parts = _moved(self.push, NOW, BEFORE), _moved(self._before, BEFORE, TWO_AGO)
        inner = Sum(tuple(self._dated(part, BEFORE) for part in parts))
        return Sum((self.push, self._before)), Sum((self.push, Product((self.decay, inner))))

    def _term_line(self, i: int) -> Line:
        n = self.past[-1 - i].step
        ago = "this step" if i == 0 else f"{i} step{'s' if i > 1 else ''} ago"
        made = filled(Formula(self.term), self.numbers(i))
        where = f"i = {i}, step {n}"
        if not self.constant:
            where += "; c is the product of the decays since then"
        return self._line(f"From {ago}", self.term, made, self.values[i], where)

    def _start_line(self) -> Line:
        count = len(self.past)
        weight: Expression = Power(self.decay, Letter("s")) if self.constant else Letter("c", "s")
        general = _joined(weight, replace(self.letter, at=parse_expression("n−s")))
        letters = {**self.last.rates, "s": float(count), "c_s": self.kept(count)}
        numbers = Numbers({**letters, f"{self.letter.name}(n−s)": self.first})
        made = filled(Formula(general), numbers)
        where = f"s = {count}, the number of steps shown"
        return self._line("From all steps before these", general, made, self.start, where)

    def _parts(self, first: int) -> Expression:
        """Return the sum of the terms from the `first` on, those that are not shown as one."""
        shown = self.values[first:SHOWN_TERMS]
        terms: list[Expression] = [Number(value) for value in shown]
        rest = self.values[max(first, SHOWN_TERMS) :]
        terms += [Rest(len(rest), float(sum(rest)))] if rest else []
        terms += [Number(self.start)] if self.start else []
        return Sum(tuple(terms)) if len(terms) != 1 else terms[0]

    def _series(self, low: str) -> Expression:
        series: Expression = Series("i", self._bare(), low)
        if isinstance(self.term, Negative):
            series = Negative(series)
        if not self.start:
            return series
        start = self._start_line().general.main
        return Sum((series, start))

    def _bare(self) -> Expression:
        return self.term.of if isinstance(self.term, Negative) else self.term

    def _memory_sum(self) -> Line:
        """Return decay·M(n−1): all terms but the newest."""
        general = Relation(("=",), (self._before, self._series("1")))
        made, letters = self._parts(1), self.last.letters
        value = evaluate(filled(Formula(self._before), Numbers(letters)))
        decay = TEXT.write(self.decay)
        where = (
            f"not derived from E: what the steps before put in, faded by {decay} for every step since then"
        )
        found = self._line("The memory: all terms but the newest", general, made, evaluate(made), where)
        return self._checked(found, value, self._before)

    def _whole_sum(self) -> Line:
        """Return M(n): all terms."""
        general = Relation(("=",), (replace(self.letter, at=NOW), self._series("")))
        made = self._parts(0)
        value = self.last.letters[key_of(self.letter, NOW)]
        found = self._line("All terms", general, made, evaluate(made), "")
        return self._checked(found, value, replace(self.letter, at=NOW))

    def _checked(self, line: Line, value: float, by: Expression) -> Line:
        """Compare a sum with the rule's number: each step rounds a few times, whatever cancels later."""
        size = sum(map(abs, self.values)) + abs(self.start)
        noise = EPSILON * (8 + 4 * len(self.past)) * size
        found = Check.of(f"{TEXT.write(by)} of the rule itself", line.result, value, 0.0, noise)
        return replace(line, check=found)


def _joined(weight: Expression, push: Expression) -> Expression:
    return Product((weight, *(push.factors if isinstance(push, Product) else (push,))))


def _moved(expression: Expression, old: Expression, new: Expression) -> Expression:
    """Return the same at another step."""

    def change(part: Expression) -> Expression:
        if isinstance(part, Letter):
            return replace(part, at=new) if part.at == old else part
        return mapped(part, change)

    return change(expression)
