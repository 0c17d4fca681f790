"""What was found of the curvature at some weights, and what follows from these numbers: a frozen value."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from schuss.insight.curvature.batches import BatchCurvature
from schuss.insight.curvature.lanczos import Eigenvalue
from schuss.insight.curvature.motion import Motion, motion_of
from schuss.insight.curvature.noise_scale import NoiseScale
from schuss.insight.curvature.stability import (
    Best,
    best_settings,
    comparable,
    effective_rate,
    largest_stable_curvature,
    largest_stable_rate,
    mini_batch_rate,
    rates_like,
)
from schuss.insight.shown import as_html, plain
from schuss.method import memory
from schuss.method.network import Network
from schuss.method.rules import ELEMENT_WISE, GradientDescent, Momentum, Rule, WholeStep

__all__ = ["Curvature"]

Numbers = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Curvature:
    """How the loss of an average batch bends around some weights, and what the rule makes of that.

    Attributes
    ----------
    step : int
        The weights are those before this step.
    network : Network
    n_samples, of_samples, batch : int
        Samples looked at, of how many; the size of a batch.
    rule : Rule or WholeStep
        Of a `WholeStep` its own threshold, motion, rates and next step are None.
    learning_rate : float
        α at this step, as the rule was given it.
    highest_rate : float
        The highest that its schedule ever gives it.
    rates : list of float
        What the rule's update is given at this step.
    values, bounds : float64 ndarray, shape (k,)
        From Lanczos, ascending: an eigenvalue of the Hessian lies within ``bounds[i]`` of ``values[i]``.
    complete : bool
        Whether these are all distinct eigenvalues.
    least_positive : Eigenvalue or None
        The lowest that is above 0 beyond doubt. Unless complete there may be lower ones.
    in_measure : Eigenvalue or None
        For a rule that measures each weight by its memory (Adam): the highest in that measure.
    along : float or None
        v·Hv/v·v of the step v that the rule would make on the mean gradient.
    noise : NoiseScale or None
    batches : BatchCurvature or None
        None where a batch is all samples.
    """

    step: int
    network: Network
    n_samples: int
    of_samples: int
    batch: int
    rule: Rule | WholeStep
    learning_rate: float
    highest_rate: float
    rates: list[float]
    values: Numbers
    bounds: Numbers
    complete: bool
    least_positive: Eigenvalue | None
    in_measure: Eigenvalue | None
    along: float | None
    noise: NoiseScale | None
    batches: BatchCurvature | None

    @property
    def highest(self) -> Eigenvalue:
        """λmax of the Hessian: the sharpness."""
        return Eigenvalue(float(self.values[-1]), float(self.bounds[-1]))

    @property
    def lowest(self) -> Eigenvalue:
        """λmin: below 0 the weights stand on a saddle."""
        return Eigenvalue(float(self.values[0]), float(self.bounds[0]))

    @property
    def condition(self) -> float:
        """κ = λmax/λmin of the positive part: at least this, and just this where all are known."""
        least = self.least_positive
        return math.inf if least is None else self.highest.value / (least.value + least.bound)

    @property
    def element_wise(self) -> Rule | None:
        """The rule, if it goes weight by weight; None of one that looks at a whole step."""
        return None if isinstance(self.rule, WholeStep) else self.rule

    @property
    def sharpness(self) -> float | None:
        """The highest eigenvalue as the rule meets it: in its own measure; None before that is known."""
        if self.element_wise is not None and self.element_wise.reads_memory:
            return None if self.in_measure is None else self.in_measure.value
        return self.highest.value

    @property
    def threshold(self) -> float | None:
        """The sharpness above which the rule overshoots ever further with its present rates."""
        return None if self.element_wise is None else largest_stable_curvature(self.element_wise, self.rates)

    @property
    def ratio(self) -> float | None:
        """Sharpness over threshold."""
        if self.sharpness is None or self.threshold is None:
            return None
        return self.sharpness / self.threshold

    @property
    def momentum(self) -> float:
        """η at this step, or what the rule has in its place; 0 without memory."""
        if self.rule.keeps_by is None:
            return 0.0
        return self.rates[self.rule.rates.index(self.rule.keeps_by)]

    @property
    def rates_by_name(self) -> dict[str, float]:
        """What the rule was given at this step; numbers of its own that are no rates come after these."""
        return dict(zip(self.rule.rates, self.rates, strict=False))

    @property
    def effective_rate(self) -> float | None:
        """How far a lasting push moves a weight per step: α/(1−η) for momentum."""
        return None if self.element_wise is None else effective_rate(self.element_wise, self.rates)

    @property
    def half_life(self) -> float | None:
        """Steps after which half of a push is forgotten; None without memory."""
        return memory.half_life(self.momentum)

    @property
    def stable_rates(self) -> dict[str, float]:
        """The largest stable learning rate of each rule at this momentum.

        Of rules that measure each weight by their memory only this run's own is known.
        """
        found = {}
        for usual in filter(comparable, (kind() for kind in ELEMENT_WISE)):
            rule, rates = rates_like(usual, self.learning_rate, self.momentum)
            found[rule.name] = largest_stable_rate(rule, rates, self.highest.value)
        if self.rule.reads_memory and self.ratio is not None:
            found[self.rule.name] = self.learning_rate / self.ratio if self.ratio > 0 else math.inf
        return found

    @property
    def batch_rate(self) -> float | None:
        """The largest learning rate that these batches leave stable in the mean square."""
        if self.batches is None or self.element_wise is None or self.element_wise.reads_memory:
            return None
        return mini_batch_rate(self.element_wise, self.rates, self.batches.mean, self.batches.deviation**2)

    @property
    def best_batch_rate(self) -> float | None:
        """The same at the momentum of `best`."""
        if self.batches is None or not self.best:
            return None
        rule, rates = rates_like(Momentum(), *self.best["momentum"][:2])
        return mini_batch_rate(rule, rates, self.batches.mean, self.batches.deviation**2)

    @property
    def sharpest(self) -> Motion | None:
        """How the rule moves along the sharpest direction."""
        if self.sharpness is None or self.element_wise is None:
            return None
        return motion_of(self.element_wise, self.rates, self.sharpness)

    @property
    def flattest(self) -> Motion | None:
        """The same along the least curved direction of the positive part."""
        if self.least_positive is None or self.element_wise is None or self.element_wise.reads_memory:
            return None
        return motion_of(self.element_wise, self.rates, self.least_positive.value)

    @property
    def noise_amplification(self) -> float | None:
        """Var(w) along the sharpest direction, in that of gradient descent at the same learning rate."""
        if self.sharpest is None or self.rule.reads_memory:
            return None
        rule, rates = rates_like(GradientDescent(), self.learning_rate, 0.0)
        plain_variance = motion_of(rule, rates, self.sharpest.curvature).variance
        variance = self.sharpest.variance
        return variance / plain_variance if max(variance, plain_variance) < math.inf else None

    @property
    def best(self) -> dict[str, Best]:
        """The best settings for a parabola with these curvatures: a guide near these weights, no more."""
        if self.least_positive is None:
            return {}
        return best_settings(self.least_positive.value, self.highest.value)

    def to_dict(self) -> dict[str, Any]:
        """Return all of it as plain JSON values, null for what is infinite or unknown."""
        told = {
            **{name: getattr(self, name) for name in _TOLD},
            "network": self.network.to_dict(),
            "rule": self.rule.name,
            "rates": self.rates_by_name,
            **{name: _fields(getattr(self, name)) for name in _PARTS},
            "noise_scale": None if self.noise is None else self.noise.scale,
            "best": {name: best._asdict() for name, best in self.best.items()},
            "sharpest": _motion(self.sharpest),
            "flattest": _motion(self.flattest),
        }
        found: dict[str, Any] = plain(told)
        return found

    def text(self) -> str:
        """Return it in plain words, a screenful."""
        from schuss.insight.curvature.text import text_of

        return text_of(self)

    def _repr_html_(self) -> str:
        return as_html(self.text())

    def __repr__(self) -> str:
        ratio = "" if self.ratio is None else f", {self.ratio:.3g} of what is stable"
        return f"Curvature(step {self.step:,}, highest eigenvalue {self.highest.value:.6g}{ratio})"


_TOLD = (
    *("step", "n_samples", "of_samples", "batch", "learning_rate", "highest_rate", "momentum"),
    *("values", "bounds", "complete", "condition", "along", "sharpness", "threshold", "ratio"),
    *("stable_rates", "batch_rate", "effective_rate", "half_life", "noise_amplification"),
)
_PARTS = ("highest", "lowest", "least_positive", "in_measure", "batches")


def _fields(part: Any) -> dict[str, Any] | None:
    return None if part is None else vars(part)


def _motion(motion: Motion | None) -> dict[str, Any] | None:
    if motion is None:
        return None
    names = ("curvature", "damping", "factor", "period", "half_life", "variance")
    return {name: getattr(motion, name) for name in names}
