"""Many plans that differ in a few settings: rates, penalties, seeds, orders. Values that do nothing.

What varies stands in columns, so that a thousand plans cost little more than one.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, fields, replace
from functools import cached_property
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from schuss.errors import SettingError, did_you_mean
from schuss.method.orders import Order, Shuffled
from schuss.method.plan import Plan
from schuss.method.schedules import Rate, at_steps

__all__ = ["Plans"]

OTHERS = ("seed", "order", "l2", "l1", "weight_decay")  # beside the rates of the rule
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Plans:
    """Plans that are equal but for some columns.

    Parameters
    ----------
    plan : Plan
        What they have in common.
    columns : dict of str to tuple
        For each setting that varies, its value in each plan: a rate of the rule, or one of ``seed``,
        ``order``, ``l2``, ``l1``, ``weight_decay``.
    count : int
        How many there are.

    Raises
    ------
    SettingError
        A setting that may not vary, columns of unequal length, or a value that a plan does not allow.
    """

    plan: Plan
    columns: dict[str, tuple[Any, ...]]
    count: int

    def __post_init__(self) -> None:
        allowed = (*self.plan.rule.rates, *OTHERS)
        for name, column in self.columns.items():
            if name not in allowed:
                hint = did_you_mean(name, allowed)
                raise SettingError(f"what may vary is {', '.join(allowed)}; got {name!r}{hint}.")
            if name not in self._numbers and not all(isinstance(value, Hashable) for value in column):
                raise SettingError(f"{name} must hold a single value for each plan; got {column!r:.80}.")
            if len(column) != self.count:
                raise SettingError(f"{name} must hold {self.count} values, one per plan; got {len(column)}.")
        if self.count < 1:
            raise SettingError("there must be at least one plan; a setting that varies holds no value.")
        for i in sorted(self._telling()):
            self[i]  # a plan checks itself

    @classmethod
    def grid(cls, plan: Plan, values: dict[str, Sequence[Any]]) -> Plans:
        """Return all combinations of `values`; the last setting changes fastest."""
        rows = list(product(*values.values()))
        columns = {name: tuple(row[k] for row in rows) for k, name in enumerate(values)}
        return cls(plan, columns, len(rows))

    @classmethod
    def of(cls, plans: Sequence[Plan]) -> Plans:
        """Return plans given one by one; they may differ in what may vary alone."""
        if not plans or not all(isinstance(plan, Plan) for plan in plans):
            raise SettingError(f"plans must be one or more Plan; got {plans!r:.80}.")
        first = plans[0]
        names = first.rule.rates
        for plan in plans:
            same = type(plan.rule) is type(first.rule) and replace(plan.rule, **_rates(first)) == first.rule  # type: ignore[type-var]  # rules are
            if not same or _common(plan) != _common(first):
                raise SettingError(
                    f"the plans of a sweep may differ in {', '.join((*names, *OTHERS))} alone; got {first} "
                    f"and {plan}."
                )
        columns = {name: tuple(getattr(plan.rule, name) for plan in plans) for name in names}
        columns |= {name: tuple(getattr(plan, name) for plan in plans) for name in OTHERS}
        return cls(first, {n: c for n, c in columns.items() if len(set(c)) > 1}, len(plans))

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, i: int) -> Plan:
        changes = self.settings(i)
        rates = {name: changes.pop(name) for name in self.plan.rule.rates if name in changes}
        rule = replace(self.plan.rule, **rates)  # type: ignore[type-var]  # rules are dataclasses
        return self.plan.replace(rule=rule, **changes)

    def settings(self, i: int) -> dict[str, Any]:
        """Return what varies as plan `i` has it."""
        return {name: column[i] for name, column in self.columns.items()}

    def take(self, rows: Sequence[int]) -> Plans:
        """Return the plans at `rows`, in that order."""
        columns = {name: tuple(column[i] for i in rows) for name, column in self.columns.items()}
        return replace(self, columns=columns, count=len(rows))

    def column(self, name: str) -> tuple[Any, ...]:
        """Return a setting's value in each plan, whether it varies or not."""
        return self.columns.get(name) or (self._shared(name),) * self.count

    def _shared(self, name: str) -> Any:
        return getattr(self.plan if name in OTHERS else self.plan.rule, name)

    @cached_property
    def _numbers(self) -> dict[str, Floats]:
        """The columns of which each value is a number."""
        numbers = (name for name, column in self.columns.items() if set(map(type, column)) == {float})
        return {name: np.array(self.columns[name]) for name in numbers}

    def _as_numbers(self, name: str) -> Floats | None:
        """Return a setting's value in each plan, shape (count,); None where one is no number."""
        if name in self.columns:
            return self._numbers.get(name)
        value = self._shared(name)
        return np.full(self.count, value) if isinstance(value, float) else None

    @cached_property
    def orders(self) -> tuple[list[tuple[Order, int]], NDArray[np.int32]]:
        """The distinct orders of samples, and which of them each plan has, shape (count,).

        An order is a function of its name and the seed, which is 0 here where it plays no part.
        """
        pairs = list(zip(self.column("order"), self.column("seed"), strict=True))
        keys = {pair: (pair[0], pair[1] if _is_drawn(pair[0]) else 0) for pair in dict.fromkeys(pairs)}
        places = {key: place for place, key in enumerate(dict.fromkeys(keys.values()))}
        return list(places), np.array([places[keys[pair]] for pair in pairs], np.int32)

    def rates(self, start: int, stop: int, n: int) -> Floats:
        """Return the rates at steps [start, stop), shape (count, steps or 1 if constant, rates)."""
        if self.plan.rule.as_given and self._constant is not None:
            return self._constant
        columns = [self.column(name) for name in self.plan.rule.rates]
        steps, span = np.arange(start, stop, dtype=np.int64), self.plan.span(n)
        scales, which = np.ones(self.count), np.empty(self.count, np.intp)
        tables: dict[tuple[Rate, ...], Floats] = {}
        places: dict[tuple[Rate, ...], int] = {}
        for i, values in enumerate(zip(*columns, strict=True)):
            key, scales[i] = _without_factor(values)
            if key not in places:
                places[key] = len(places)
                settings = dict(zip(self.plan.rule.rates, key, strict=True))
                tables[key] = replace(self.plan.rule, **settings).at(steps, span)  # type: ignore[type-var]  # rules are
            which[i] = places[key]
        rates = np.array(list(tables.values()))[which]
        rates[:, :, 0] *= scales[:, None]
        return rates

    @cached_property
    def _constant(self) -> Floats | None:
        """The rates, shape (count, 1, rates), where none is a schedule."""
        columns = [column for name in self.plan.rule.rates if (column := self._as_numbers(name)) is not None]
        return np.array(columns).T[:, None].copy() if len(columns) == len(self.plan.rule.rates) else None

    def keeps(self, start: int, stop: int, n: int) -> Floats | None:
        """Return 1−α·λ at steps [start, stop), shaped as `rates` with one number each; None where λ is 0."""
        decays, rates = self.column("weight_decay"), self.column("learning_rate")
        if not any(decays):
            return None
        numbers = self._as_numbers("learning_rate")
        if numbers is not None:
            return 1.0 - (np.array(decays) * numbers)[:, None, None]
        steps, span = np.arange(start, stop, dtype=np.int64), self.plan.span(n)
        values = [1.0 - d * at_steps(rate, steps, span) for d, rate in zip(decays, rates, strict=True)]
        return np.array(values)[:, :, None].copy()

    def _telling(self) -> set[int]:
        """Return plans of which one is out of bounds if any is: extremes of numbers, each other value."""
        rows = {0}
        for name, column in self.columns.items():
            values = self._numbers.get(name)
            if values is not None:
                rows |= {int(values.argmin()), int(values.argmax())}  # either is NaN if one is
            else:
                rows |= {column.index(value) for value in set(column)}
        rates, decays = self._as_numbers("learning_rate"), self._as_numbers("weight_decay")
        if rates is not None and decays is not None:
            return {*rows, int((rates * decays).argmax())}
        return {*rows, *range(self.count)} if "weight_decay" in self.columns else rows


def _is_drawn(order: Order) -> bool:
    """Whether an order hangs on the seed."""
    return order != "sequential" and not isinstance(order, Shuffled)


def _without_factor(rates: tuple[Rate, ...]) -> tuple[tuple[Rate, ...], float]:
    """Return rates that plans share which differ in a constant learning rate alone, and that rate."""
    first, *others = rates
    return ((1.0, *others), first) if isinstance(first, float) else (rates, 1.0)


def _rates(plan: Plan) -> dict[str, Rate]:
    return {name: getattr(plan.rule, name) for name in plan.rule.rates}


def _common(plan: Plan) -> dict[str, Any]:
    varies = {"rule", *OTHERS}
    return {field.name: getattr(plan, field.name) for field in fields(plan) if field.name not in varies}
