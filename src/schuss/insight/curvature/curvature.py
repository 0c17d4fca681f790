"""The door: the curvature of a run's loss, at its end or before any step of it."""

from __future__ import annotations

from typing import Any

import numpy as np

from schuss.engine.choice import engine_named, same_kind
from schuss.engine.engine import Engine
from schuss.errors import DataError, SettingError
from schuss.insight.curvature.batches import batches_along
from schuss.insight.curvature.lanczos import Eigenvalue, lanczos
from schuss.insight.curvature.measure import product_in, root_of_measure
from schuss.insight.curvature.noise_scale import measured_noise_scale
from schuss.insight.curvature.surface import Numbers, Surface, drawn_of
from schuss.insight.curvature.value import Curvature
from schuss.method.checks import check_integer
from schuss.method.plan import Plan
from schuss.method.rules.rule import WholeStep
from schuss.method.samples import Samples
from schuss.method.schedules import at_steps, highest
from schuss.method.state import State
from schuss.training.run import Run

__all__ = ["MOST_SAMPLES", "curvature", "rates_before"]

MOST_SAMPLES = 10_000
ENOUGH = 1e-7  # of the largest eigenvalue, for the bounds of both ends


def curvature(
    run: Run,
    X: Any = None,
    T: Any = None,
    *,
    step: int | None = None,
    samples: int = MOST_SAMPLES,
    products: int = 100,
    seed: int = 0,
    engine: str | Engine | None = None,
) -> Curvature:
    """Measure how the loss bends around the weights of a run.

    Parameters
    ----------
    run : Run
    X, T : array_like, optional
        Other samples than those of the training, as in `schuss.train`; needed where the run does not hold
        its own.
    step : int, optional
        Before which step; by default after the last.
    samples : int, default 10000
        Of more samples so many are drawn.
    products : int, default 100
        Hessian products for the eigenvalues, at most; each takes about two gradients.
    seed : int, default 0
        Of what is drawn: samples, batches, and the start of Lanczos.
    engine : str or Engine, optional
        By default the kind that trained.

    Returns
    -------
    Curvature
        In float64, without clipping, dropout and weight decay.

    Raises
    ------
    DataError
        The run does not hold its samples and none are given, or the weights are not finite.
    SettingError
        No such step, or a number that is not allowed.
    ReplayError
        The step cannot be made again here.
    """
    check_integer("samples", samples, low=1)
    check_integer("products", products, low=1)
    check_integer("seed", seed, low=0)
    state = run.state if step is None else run.at(step)
    all_samples = _samples(run, X, T)
    surface = Surface(
        engine_named(engine or same_kind(run.engine)),
        run.network,
        drawn_of(all_samples, samples, seed),
        run.plan,
        run.plan.batch_of(run.n_samples),
    )
    return _measured(surface, state, run.n_samples, len(all_samples), products, seed)


def rates_before(plan: Plan, step: int, n: int) -> list[float]:
    """Return what the rule's update is given at `step`, or at the last one where the plan is over."""
    step = min(step, plan.steps(n) - 1)
    rates: list[float] = plan.rates(step, step + 1, n)[0].tolist()
    return rates


def _rate_before(plan: Plan, step: int, n: int) -> float:
    """Return the learning rate there, as the rule was given it."""
    step = min(step, plan.steps(n) - 1)
    return float(at_steps(plan.rule.learning_rate, np.array([step]), plan.span(n))[0])


def _samples(run: Run, X: Any, T: Any) -> Samples:
    if X is not None:
        if T is None:
            raise SettingError("give targets T with the inputs X.")
        return Samples.check(run.network, X, T, np.float64)
    if isinstance(run.origin, str):
        raise DataError("this run does not hold its samples; give some: curvature(run, X, T).")
    return run.origin


def _measured(surface: Surface, state: State, n: int, of_samples: int, products: int, seed: int) -> Curvature:
    rule, theta = surface.plan.rule, state.theta.astype(np.float64)
    rates = rates_before(surface.plan, state.step, n)
    if not np.isfinite(theta).all():
        raise DataError("the weights hold NaN or infinity; ask before an earlier step.")
    found = lanczos(
        lambda v: surface.product(theta, v),
        theta.size,
        seed=seed,
        most=products,
        tolerance=ENOUGH if theta.size > products else 0.0,  # of a small network all are found
    )
    return Curvature(
        step=state.step,
        network=surface.network,
        n_samples=len(surface.samples),
        of_samples=of_samples,
        batch=surface.batch,
        rule=rule,
        learning_rate=_rate_before(surface.plan, state.step, n),
        highest_rate=highest(rule.learning_rate),
        rates=rates,
        values=found.values,
        bounds=found.bounds,
        complete=found.complete,
        least_positive=found.least_positive,
        in_measure=_in_measure(surface, state, theta, rates, products, seed),
        along=_along(surface, state, theta, rates),
        noise=measured_noise_scale(surface, theta, seed),
        batches=batches_along(surface, theta, found.top, seed),
    )


def _in_measure(
    surface: Surface, state: State, theta: Numbers, rates: list[float], products: int, seed: int
) -> Eigenvalue | None:
    """Return the highest eigenvalue in the rule's own measure; None where it has none, or not yet."""
    rule = surface.plan.rule
    if isinstance(rule, WholeStep) or not rule.reads_memory:
        return None
    root = root_of_measure(rule, state, rates)
    if root is None:
        return None
    product = product_in(surface, theta, root)
    return lanczos(product, theta.size, seed=seed, most=products, both_ends=False)[-1]


def _along(surface: Surface, state: State, theta: Numbers, rates: list[float]) -> float | None:
    """Return v·Hv/v·v of the step that the rule would make on the mean gradient."""
    rule, memory = surface.plan.rule, state.memory.astype(np.float64)
    if isinstance(rule, WholeStep):
        return None
    after, _ = rule.update(theta, memory, surface.gradient(theta), rates)
    v = after - theta
    square = float(v @ v)
    return float(v @ surface.product(theta, v)) / square if square > 0 else 0.0
