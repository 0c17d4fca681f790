"""The learning-rate range test: one training whose rate rises from step to step until the loss breaks away.

    α_i = α_0·(α_1/α_0)^{i/(N−1)},  i = 0 … N−1

Source: Smith, WACV 2017. What it says of a rate is measured over a few steps from the first weights; it
proposes, and a training decides.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from schuss.engine.choice import engine_named
from schuss.engine.engine import Engine, EngineInfo
from schuss.engine.finite import all_finite_by
from schuss.errors import DivergenceError, SettingError
from schuss.insight.shown import as_html, number, plain
from schuss.method.checks import check_integer, check_number
from schuss.method.functions import Array
from schuss.method.network import Network
from schuss.method.plan import Plan
from schuss.method.samples import Samples
from schuss.method.schedules import Listed
from schuss.training.setup import fitting_plan
from schuss.training.train import train

__all__ = ["RangeTest", "range_test"]

Floats = NDArray[np.float64]

WINDOWS = 20  # of smoothing in the whole range: each spans a third of a decade where the range has seven
LEAST_STEPS = 20


@dataclass(frozen=True, eq=False)
class RangeTest:
    """What the loss did while the learning rate rose.

    Attributes
    ----------
    network : Network
    plan : Plan
        As it was run, with the rising rate in its rule.
    learning_rate : float64 ndarray, shape (steps,)
        The rate of each step whose loss was finite.
    loss : float64 ndarray, shape (steps,)
        The loss of each step's batch before its update.
    smooth : float64 ndarray, shape (steps,)
        Its running median, over a twentieth of the range.
    diverged_at : int or None
        The step that gave the first number that is not finite.
    engine : EngineInfo
    """

    network: Network
    plan: Plan
    learning_rate: Floats
    loss: Floats
    smooth: Floats
    diverged_at: int | None
    engine: EngineInfo

    @cached_property
    def lowest(self) -> int:
        """The step at which the smoothed loss is lowest."""
        return int(self.smooth.argmin())

    @cached_property
    def steepest(self) -> float | None:
        """The rate at which the smoothed loss falls fastest, by log α; None where it never falls."""
        reach = max(1, _window(len(self.plan.rule.learning_rate.values)) // 2)  # type: ignore[union-attr]  # Listed
        falling = self.smooth[: self.lowest + 1]
        if len(falling) <= 2 * reach:
            return None
        change = falling[2 * reach :] - falling[: -2 * reach]
        place = int(change.argmin())
        return float(self.learning_rate[place + reach]) if change[place] < 0 else None

    @cached_property
    def edge(self) -> float | None:
        """The rate at which the loss has broken away; None where it stays down to the end of the range.

        There the smoothed loss has given back half of its fall, or was no longer finite.
        """
        half = (self.smooth[0] + self.smooth[self.lowest]) / 2
        after = np.flatnonzero(self.smooth[self.lowest :] > half)
        if len(after) and self.lowest:
            return float(self.learning_rate[self.lowest + after[0]])
        return None if self.diverged_at is None else self._rate_of(self.diverged_at)

    @property
    def tenth(self) -> float | None:
        """A tenth of the edge, the other rate that the test proposes."""
        return None if self.edge is None else self.edge / 10

    def _rate_of(self, step: int) -> float:
        return float(self.plan.rule.learning_rate.values[step])  # type: ignore[union-attr]  # it is Listed

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain JSON values."""
        found: dict[str, Any] = plain(
            {
                "steepest": self.steepest,
                "edge": self.edge,
                "tenth_of_edge": self.tenth,
                "diverged_at": self.diverged_at,
                "steps": len(self.loss),
                "learning_rate": self.learning_rate,
                "loss": self.loss,
                "smooth": self.smooth,
                "engine": self.engine.to_dict(),
            }
        )
        return found

    def text(self) -> str:
        """Return what it found as lines of text."""
        low, high = self._rate_of(0), self._rate_of(-1)
        lines = [f"learning rate from {low:.3g} to {high:.3g}, {len(self.loss):,} steps"]
        if self.lowest == 0:
            lines.append("the loss never fell: the range begins too high")
        if self.steepest is not None:
            lines.append(f"steepest fall at {self.steepest:.3g}")
        if self.edge is None:
            lines.append("no edge: the loss stays down to the end; let the range end higher")
        else:
            lines.append(f"edge at {self.edge:.3g}, a tenth of it {self.tenth:.3g}")
        bottom = number(float(self.smooth[self.lowest]))
        lines.append(f"lowest loss {bottom} at {self.learning_rate[self.lowest]:.3g}")
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        return as_html(self.text())

    def __repr__(self) -> str:
        steepest, edge = (number(math.nan if a is None else a, 3) for a in (self.steepest, self.edge))
        return f"RangeTest({len(self.loss):,} steps, steepest fall at {steepest}, edge at {edge})"


def range_test(
    network: Network,
    X: Any,
    T: Any,
    plan: Plan | None = None,
    *,
    low: float = 1e-6,
    high: float = 10.0,
    steps: int = 200,
    engine: str | Engine = "auto",
    threads: int | None = None,
    dtype: Any = None,
    theta: Array | None = None,
    weights: Any = None,
    **settings: Any,
) -> RangeTest:
    """Train with a learning rate that rises geometrically from `low` to `high`, and say what the loss did.

    Parameters
    ----------
    network, X, T, engine, threads, dtype, theta, weights
        As for `train`.
    plan : Plan, optional
        How to train; or give its fields as keywords: ``rule=Momentum(momentum=0.5), batch_size=16``. The
        learning rate of its rule gives way to the rising one; epochs and what stops or averages a training
        play no part.
    low, high : float, default 1e-6 and 10
        The ends of the range, 0 < low < high.
    steps : int, default 200
        At least so many, at least 20: whole epochs. Where an epoch has more, so many batches are drawn.

    Returns
    -------
    RangeTest
        Its ``steepest`` and its ``tenth`` are the two rates that are usually proposed. A training that
        diverges raises nothing.

    Raises
    ------
    DataError, SettingError
        As `train`, and a range that is none.
    TrainingInterrupted
        Ctrl-C.
    """
    low = check_number("low", low, low=0.0, open_low=True)
    high = check_number("high", high, low=low, open_low=True)
    steps = check_integer("steps", steps, low=LEAST_STEPS)
    samples = Samples.check(network, X, T, dtype, weights, all_finite_by(threads))
    samples, plan = _fitted(samples, fitting_plan(plan, settings, len(samples)), steps)
    if "learning_rate" not in plan.rule.rates:
        raise SettingError(f"rule {plan.rule.name!r} has no learning rate to be tested.")
    rising = np.geomspace(low, high, plan.steps(len(samples)))
    plan = plan.replace(rule=replace(plan.rule, learning_rate=Listed(tuple(rising.tolist()))))  # type: ignore[type-var]  # rules are dataclasses
    chosen = engine_named(engine, threads)
    targets = samples.T if samples.T is not None else samples.classes
    diverged_at = None
    try:
        run = train(network, samples.X, targets, plan, engine=chosen, theta=theta, weights=samples.weights)
    except DivergenceError as error:
        run, diverged_at = error.run, error.step
    loss = run.step_loss
    if not len(loss):
        raise SettingError(
            f"the first step, at a rate of {low:g}, already diverged; let the range begin lower."
        )
    smooth = _running_median(loss, _window(len(rising)))
    return RangeTest(network, plan, rising[: len(loss)], loss, smooth, diverged_at, chosen.info)


def _fitted(samples: Samples, plan: Plan, steps: int) -> tuple[Samples, Plan]:
    """Return samples and a plan of `steps` steps or, in whole epochs, as few more as can be."""
    n = len(samples)
    per_epoch = plan.steps_per_epoch(n)
    if per_epoch > steps:
        samples = samples.take(np.sort(plan.order_of(0, n)[: steps * plan.batch_of(n)]))
        per_epoch = steps
    epochs = -(-steps // per_epoch)
    return samples, plan.replace(epochs=epochs, average=0.0, loss_goal=None, patience=None)


def _window(steps: int) -> int:
    """Return an odd number of steps, about a twentieth of all."""
    return steps // WINDOWS // 2 * 2 + 1


def _running_median(values: Floats, width: int) -> Floats:
    """Return the median of the `width` values around each; of fewer at the ends.

    Unlike a mean that runs along, it moves neither the fall nor the edge to higher rates.
    """
    half = width // 2
    return np.array([np.median(values[max(0, i - half) : i + half + 1]) for i in range(len(values))])
