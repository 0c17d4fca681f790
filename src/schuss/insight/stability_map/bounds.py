"""Theory's curves over a map: where a quadratic of the given curvature is stable, where it begins to swing.

They are those of `curvature.stability`, for any rule whose steps on a quadratic are linear. In a direction of
curvature λ, with x = αλ:

    momentum   stable for x < 2(1+η)            critically damped at x = (1−√η)²
    Nesterov   stable for x < (2+2η)/(1+2η)     critically damped at x = ((1−η)/(1+η))²
    gradient descent, η = 0, for comparison: x < 2

Sources: Qian, Neural Networks 12 (1999); Cohen et al., ICLR 2021.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from schuss.insight.curvature.stability import (
    comparable,
    critical_rate,
    largest_stable_rate,
    mini_batch_rate,
    rates_like,
)
from schuss.insight.stability_map.sharpness import Sharpness
from schuss.method.rules import AveragedMomentum, GradientDescent, Momentum, Nesterov, Rule

__all__ = ["FORMULAS", "Bound", "bounds_of"]

Floats = NDArray[np.float64]
OfRates = Callable[[Rule, list[float]], float]  # from a rule and a row of its `at` to a learning rate

# The largest stable rate and that of critical damping as they are told, of rules that have short ones.
FORMULAS: dict[str, tuple[str, str]] = {
    Momentum.name: ("2(1+η)/λ", "(1−√η)²/λ"),
    Nesterov.name: ("(2+2η)/((1+2η)λ)", "((1−η)/(1+η))²/λ"),
    AveragedMomentum.name: ("2(1+β)/((1−β)λ)", "(1−√β)²/((1−β)λ)"),
}


@dataclass(frozen=True)
class Bound:
    """A curve over the map: a learning rate for each momentum.

    Attributes
    ----------
    name : str
        ``"largest stable rate"``, ``"gradient descent"``, ``"critical damping"``, ``"small batches"``.
    formula : str
        Empty where there is no short one.
    rule : Rule
        Whose curve it is.
    rate : callable
        From the rule with some momentum, and its rates, to the learning rate.
    divides : bool
        Whether theory calls the rates above it unstable.
    """

    name: str
    formula: str
    rule: Rule
    rate: OfRates
    divides: bool = True

    def at(self, momentum: Floats) -> Floats:
        """Return the learning rate at each of some momenta."""
        return np.array([self.rate(*rates_like(self.rule, 1.0, each)) for each in momentum.tolist()])

    @property
    def told(self) -> str:
        """Its name, with its formula if there is one."""
        return f"{self.name}, {self.formula}" if self.formula else self.name


def bounds_of(rule: Rule, sharpness: Sharpness | None) -> tuple[Bound, ...]:
    """Return the curves for a rule, its largest stable rate first; none where theory has nothing to say."""
    if sharpness is None or not comparable(rates_like(rule, 1.0, 0.0)[0]):
        return ()
    largest, batches = sharpness.largest, sharpness.batches
    stable, critical = FORMULAS.get(rule.name, ("", ""))

    def stable_at(rule: Rule, rates: list[float]) -> float:
        return largest_stable_rate(rule, rates, largest)

    def critical_at(rule: Rule, rates: list[float]) -> float:
        return critical_rate(rule, rates, largest)

    found = [
        Bound("largest stable rate", stable, rule, stable_at),
        Bound("gradient descent", "2/λ", GradientDescent(), stable_at),
        Bound("critical damping", critical, rule, critical_at, divides=False),
    ]
    if batches is not None and batches.deviation > 0 and batches.mean > 0:
        mean, variance = batches.mean, batches.deviation**2

        def bounded_at(rule: Rule, rates: list[float]) -> float:
            return mini_batch_rate(rule, rates, mean, variance)

        found.append(Bound("small batches", "bounded in mean square", rule, bounded_at))
    return tuple(found)
