"""Sharpness followed over a training: a callback that measures, compares and warns. It changes nothing.

Where batches are all samples, training lets the highest eigenvalue of the Hessian rise until it hovers at
what the rule holds out on a parabola: 2/α for gradient descent, (2+2η)/α for momentum, (2+2η)/(α·(1+2η))
for Nesterov. There the loss is not monotone and falls all the same. Well above it, it diverges.
For Adam and others that divide by their memory it is the highest eigenvalue in the rule's own measure
(`schuss.insight.curvature.measure`) that hovers there: at (2+2β₁)/((1−β₁)·α) for Adam, 38/α at β₁ = .9.
Far above it such a rule swings, and so divides by more and comes back; that is no divergence, and no warning.
Sources: Cohen, Kaur, Li, Kolter & Talwalkar, Gradient descent on neural networks typically occurs at the edge
of stability, ICLR 2021; Cohen et al., Adaptive gradient methods at the edge of stability, arXiv:2207.14484.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from schuss.engine.choice import engine_named
from schuss.engine.engine import Engine
from schuss.errors import DataError, SchussWarning, SettingError
from schuss.insight.curvature.curvature import MOST_SAMPLES, rates_before
from schuss.insight.curvature.lanczos import Eigenvalue, lanczos
from schuss.insight.curvature.measure import product_in, root_of_measure
from schuss.insight.curvature.stability import largest_stable_curvature, largest_stable_rate
from schuss.insight.curvature.surface import Numbers, Surface, drawn_of
from schuss.method.checks import check_integer, check_number
from schuss.method.rules import Rule
from schuss.method.rules.rule import element_wise
from schuss.method.samples import Samples
from schuss.training.telling import Epoch

__all__ = ["SharpnessRow", "SharpnessTracker"]

NEAR = 1e-3  # of the sharpness: its bound need not be smaller
MOST_PRODUCTS = 40
FAR = 2.0  # times the threshold: hovering was never seen beyond 1.7


class SharpnessRow(NamedTuple):
    """One measurement, before step `step`; the sharpness, in the rule's own measure, is known to `bound`."""

    step: int
    loss: float
    sharpness: float
    bound: float
    threshold: float
    ratio: float


class SharpnessTracker:
    """Follow the sharpness over a training: ``train(…, callbacks=[SharpnessTracker(X, T, every=10)])``.

    Parameters
    ----------
    X, T : array_like
        The samples of the training, as they were given to `schuss.train`.
    every : int, default 1
        Epochs between two measurements, each of which takes some ten gradients or twenty. The first epoch is
        measured too.
    samples : int, default 10000
        Of more samples so many are drawn.
    seed : int, default 0
        Of what is drawn.
    warn_above : float, default 2
        Ratio of sharpness and threshold beyond which it warns. Around 1 a training on all samples is at
        home; one that goes far beyond is on its way to divergence. Of rules such as Adam it never warns.
    engine : str or Engine, default "auto"

    Attributes
    ----------
    rows : list of SharpnessRow
    warnings : list of str
        What was warned of. The first one is a `SchussWarning` as well.
    """

    def __init__(
        self,
        X: Any,
        T: Any,
        *,
        every: int = 1,
        samples: int = MOST_SAMPLES,
        seed: int = 0,
        warn_above: float = FAR,
        engine: str | Engine = "auto",
    ) -> None:
        self._every = check_integer("every", every, low=1)
        self._most = check_integer("samples", samples, low=1)
        self._seed = check_integer("seed", seed, low=0)
        self._warn_above = check_number("warn_above", warn_above, low=0.0, open_low=True)
        self._given = X, T
        self._engine = engine_named(engine)
        self._samples: Samples | None = None
        self._n = 0
        self._top: Numbers | None = None
        self.rows: list[SharpnessRow] = []
        self.warnings: list[str] = []

    def __call__(self, epoch: Epoch) -> None:
        """Measure, if it is time; warn, if it is far beyond the threshold."""
        if epoch.number % self._every and epoch.number != 1:
            return
        self.rows.append(self._measured(epoch, element_wise(epoch.plan.rule, "sharpness")))
        self._warn(epoch)

    def _measured(self, epoch: Epoch, rule: Rule) -> SharpnessRow:
        samples, plan, step = self._drawn(epoch), epoch.plan, epoch.state.step
        rates = rates_before(plan, step, self._n)
        root = root_of_measure(rule, epoch.state, rates)
        if root is None:
            raise SettingError(
                f"rule {rule.name!r} divides each step by that step alone, so its sharpness has no "
                "threshold; follow one such as momentum or adam."
            )
        surface = Surface(self._engine, epoch.network, samples, plan, plan.batch_of(self._n))
        theta = epoch.state.theta.astype(np.float64)
        highest = self._highest(product_in(surface, theta, root), theta.size)
        threshold = largest_stable_curvature(rule, rates)
        ratio = highest.value / threshold
        return SharpnessRow(step, epoch.loss, highest.value, highest.bound, threshold, ratio)

    def _highest(self, product: Callable[[Numbers], Numbers], n: int) -> Eigenvalue:
        """Return the highest eigenvalue, looked for where it was the last time."""
        try:
            found = lanczos(
                product,
                n,
                seed=self._seed,
                start=self._top,
                most=MOST_PRODUCTS,
                tolerance=NEAR,
                both_ends=False,
            )
        except DataError:  # beyond all numbers; the training will say so itself
            return Eigenvalue(math.inf, math.inf)
        self._top = found.top
        return found[-1]

    def _drawn(self, epoch: Epoch) -> Samples:
        if self._samples is None:
            samples = Samples.check(epoch.network, *self._given, np.float64)
            self._n = len(samples)
            if epoch.number * epoch.plan.steps_per_epoch(self._n) != epoch.state.step:
                raise SettingError(
                    f"the tracker has {self._n:,} samples, and the training another number: it made "
                    f"{epoch.state.step:,} steps in {epoch.number:,} epochs. Give those of the training; "
                    "samples=… draws fewer of them."
                )
            self._samples = drawn_of(samples, self._most, self._seed)
        return self._samples

    def _warn(self, epoch: Epoch) -> None:
        row, plan = self.rows[-1], epoch.plan
        if plan.rule.reads_memory or not row.ratio > self._warn_above:  # swings enlarge what it divides by
            return
        rates = rates_before(plan, row.step, self._n)
        stable = largest_stable_rate(plan.rule, rates, row.sharpness)
        message = (
            f"step {row.step:,}: the sharpness {row.sharpness:.4g} is {row.ratio:.3g} times what "
            f"{plan.rule.name.replace('_', ' ')} is stable at with a learning rate of {rates[0]:g}; "
            f"the rate would have to be below {stable:.3g}."
        )
        if not self.warnings:
            warnings.warn(message, SchussWarning, stacklevel=2)
        self.warnings.append(message)

    def __repr__(self) -> str:
        last = f", ratio {self.rows[-1].ratio:.3g} at step {self.rows[-1].step:,}" if self.rows else ""
        return f"SharpnessTracker({len(self.rows)} rows{last})"
