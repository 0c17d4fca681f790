"""One step of an update rule, seen from one weight: its statements, and the numbers of their letters.

Both come from the rule's own formula, ``in_steps``, and its own `update`, whichever rule it is.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple

import numpy as np

from schuss.insight.derivation.backward_lines import is_plain
from schuss.insight.derivation.scene import Scene
from schuss.insight.formulas.expressions import (
    Expression,
    Formula,
    Letter,
    Relation,
    evaluate,
    mapped,
    substituted,
)
from schuss.insight.formulas.filling import Numbers, filled
from schuss.insight.formulas.parser import parse_expression
from schuss.insight.formulas.writer import TEXT
from schuss.method.functions import Array
from schuss.method.rules.rule import LETTERS, Rule, element_wise, rates_at
from schuss.method.state import State

__all__ = ["BEFORE", "NOW", "Past", "Update", "has", "key_of"]

NOW, BEFORE = parse_expression("n"), parse_expression("n−1")


class Past(NamedTuple):
    """A step that is over: its number, and what the letters of the rule stood for, rates apart."""

    step: int
    letters: dict[str, float]
    rates: dict[str, float]


@dataclass(frozen=True, eq=False)
class Update:
    """One step of the rule, seen from one weight."""

    scene: Scene
    n_samples: int

    @property
    def rule(self) -> Rule:
        """The rule, which goes weight by weight."""
        return element_wise(self.scene.plan.rule)

    @cached_property
    def gradient(self) -> Array:
        """The whole gradient, clipped where the plan says so, shape (n_parameters,)."""
        full, clip = self.scene.gradient, self.scene.plan.clip
        norm = float(np.linalg.norm(full))
        return full if clip is None or norm <= clip else full * (clip / norm)

    @cached_property
    def done(self) -> tuple[Array, Array]:
        """Change of all weights, and memory, as the rule itself computes them."""
        state, plan = self.scene.state, self.scene.plan
        rates = plan.rates(state.step, state.step + 1, self.n_samples)[0].tolist()
        return self.rule.update(np.zeros_like(state.theta), state.memory, self.gradient, rates)

    @property
    def keep(self) -> float:
        """What weight decay leaves of a weight; 1 without."""
        n = self.scene.state.step
        decays = self.scene.plan.weight_decay and self.scene.place.k is not None
        return float(self.scene.plan.keeps(n, n + 1, self.n_samples)[0]) if decays else 1.0

    @property
    def after(self) -> State:
        """The state after the step."""
        state, plan = self.scene.state, self.scene.plan
        n = state.step
        keep = float(plan.keeps(n, n + 1, self.n_samples)[0])
        theta = self.scene.network.decayed(state.theta, keep) + self.done[0]
        return State(theta, self.done[1], n + 1)

    @cached_property
    def rates(self) -> dict[str, float]:
        """The rates by their letters."""
        rule, steps = self.scene.plan.rule, np.array([self.scene.state.step])
        values = rates_at(rule, steps, self.scene.plan.span(self.n_samples))[0]
        return {LETTERS[name]: float(v) for name, v in zip(rule.rates, values, strict=True)}

    @cached_property
    def of_step(self) -> dict[str, float]:
        """The numbers of the rule that are no rates but belong to this step, as κ(n)."""
        state, plan = self.scene.state, self.scene.plan
        values = plan.rates(state.step, state.step + 1, self.n_samples)[0].tolist()
        numbers = zip(self.rule.numbers, values, strict=True)
        return {letter: value for letter, value in numbers if letter.endswith("(n)")}

    @cached_property
    def statements(self) -> list[tuple[Letter, Expression]]:
        """What the rule computes, one after the other: a letter, and what it becomes."""
        found = []
        for text in self.rule.in_steps.split(";"):
            relation = self._named(parse_expression(text))
            assert isinstance(relation, Relation)  # noqa: S101  # for the type checker
            letter, meaning = relation.sides
            assert isinstance(letter, Letter)  # noqa: S101  # the same
            found.append((letter, meaning))
        return found

    def _named(self, expression: Expression) -> Expression:
        """Put the names of this weight in, and −δ_j·y_k for g where that is always all of it."""
        bias = self.scene.place.k is None
        change = Letter("Δb", "j") if bias else Letter("Δw", "kj")
        named = substituted(expression, "Δw", change)
        if not is_plain(self.scene) or self.scene.plan.clip is not None:  # also where only other steps clip
            return named
        return substituted(named, "g", parse_expression("−δ_j" if bias else "−δ_j·y_k"))

    @cached_property
    def remembered(self) -> list[Letter]:
        """The letters of the memory, in its order: those that their own statement has at n−1."""
        return [a for a, b in self.statements if has(b, replace(a, at=BEFORE))]

    @property
    def past(self) -> Past:
        """What the memory has to know of this step when it is over."""
        return Past(self.scene.state.step, self.letters, self.rates)

    @cached_property
    def letters(self) -> dict[str, float]:
        """What every letter of the rule stands for in this step."""
        scene, place = self.scene, self.scene.place
        known = {
            **self.rates,
            **self.of_step,
            "u": float(scene.state.step + getattr(scene.plan.rule, "age", 0) + 1),
            "g(n)": float(self.gradient[place.index]),
            "δ(n)": float(scene.delta(place.layer)[place.j]),
            "y(n)": 1.0 if place.k is None else float(scene.y(place.layer - 1)[place.k]),
        }
        for row, letter in enumerate(self.remembered):
            known[key_of(letter, BEFORE)] = float(scene.state.memory[row, place.index])
            known[key_of(letter, NOW)] = float(self.done[1][row, place.index])
        for letter, meaning in self.statements:
            known.setdefault(key_of(letter, letter.at), evaluate(filled(Formula(meaning), Numbers(known))))
        change = self.statements[-1][0]
        known[key_of(change, NOW)] = float(self.done[0][place.index])
        return known


def key_of(letter: Letter, at: Expression | None) -> str:
    """Return the name under which the numbers of a step hold a letter, such as ``Δw(n−1)``."""
    index = letter.index if at is None else ""  # α_n is a name of its own
    return TEXT.write(Letter(letter.name, index, at)).replace(" ", "")


def has(expression: Expression, letter: Letter) -> bool:
    """Whether a letter, argument included, stands anywhere in an expression."""
    found = False

    def look(part: Expression) -> Expression:
        nonlocal found
        found = found or part == letter
        return mapped(part, look)

    look(expression)
    return found
