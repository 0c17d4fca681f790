"""Theory's curves over a map: where a quadratic of the given curvature is stable, where critically damped.

In a direction of curvature λ, with x = αλ:

    momentum   stable for x < 2(1+η)            critically damped at x = (1−√η)²
    Nesterov   stable for x < (2+2η)/(1+2η)     critically damped at x = ((1−η)/(1+η))²
    gradient descent, η = 0, for comparison: x < 2

With momentum and batches whose curvature along the direction has mean h and variance s², the mean square is
stable for s²α(1+η) < h(1−η)(2(1+η)−αh).
Sources: Qian, Neural Networks 12 (1999); Cohen et al., ICLR 2021; the last is derived for schuss and checked
against the second-moment matrix in the tests.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from schuss.insight.stability_map.sharpness import Sharpness
from schuss.method.rules import Momentum, Nesterov, Rule

__all__ = ["CRITICAL", "LARGEST_STABLE", "Bound", "bounds_of"]

Floats = NDArray[np.float64]
Curve = Callable[[Floats], Floats]  # from momenta to α·λ

LARGEST_STABLE: dict[str, tuple[str, Curve]] = {
    Momentum.name: ("2(1+η)/λ", lambda momentum: 2 + 2 * momentum),
    Nesterov.name: ("(2+2η)/((1+2η)λ)", lambda momentum: (2 + 2 * momentum) / (1 + 2 * momentum)),
}

CRITICAL: dict[str, tuple[str, Curve]] = {
    Momentum.name: ("(1−√η)²/λ", lambda momentum: (1 - np.sqrt(momentum)) ** 2),
    Nesterov.name: ("((1−η)/(1+η))²/λ", lambda momentum: ((1 - momentum) / (1 + momentum)) ** 2),
}


@dataclass(frozen=True)
class Bound:
    """A curve over the map: a learning rate for each momentum.

    Attributes
    ----------
    name : str
        ``"largest stable rate"``, ``"gradient descent"``, ``"critical damping"``, ``"small batches"``.
    formula : str
    curve : callable
        From momenta, a float64 ndarray, to α·λmax.
    largest : float
        λmax.
    divides : bool
        Whether theory calls the rates above it unstable.
    """

    name: str
    formula: str
    curve: Curve
    largest: float
    divides: bool = True

    def at(self, momentum: Floats) -> Floats:
        """Return the learning rate at each of some momenta."""
        return self.curve(np.asarray(momentum, np.float64)) / self.largest


def bounds_of(rule: Rule, sharpness: Sharpness | None) -> tuple[Bound, ...]:
    """Return the curves for a rule, its largest stable rate first; none where theory has nothing to say."""
    if sharpness is None or rule.name not in LARGEST_STABLE:
        return ()
    largest = sharpness.largest
    found = [
        Bound("largest stable rate", *LARGEST_STABLE[rule.name], largest),
        Bound("gradient descent", "2/λ", lambda momentum: np.full_like(momentum, 2.0), largest),
        Bound("critical damping", *CRITICAL[rule.name], largest, divides=False),
    ]
    if sharpness.spread > 0 and sharpness.mean > 0 and rule.name == Momentum.name:
        found.append(Bound("small batches", "bounded in mean square", _mean_square(sharpness), largest))
    return tuple(found)


def _mean_square(sharpness: Sharpness) -> Curve:
    """Return α·λmax at which the mean square stops shrinking, for curvatures that vary with the batch.

    α = 2h(1−η²)/(s²(1+η) + h²(1−η)), the inequality above solved for α.
    """
    h, variance, largest = sharpness.mean, sharpness.spread**2, sharpness.largest

    def curve(momentum: Floats) -> Floats:
        rates = 2 * h * (1 - momentum**2) / (variance * (1 + momentum) + h**2 * (1 - momentum))
        return largest * rates

    return curve
