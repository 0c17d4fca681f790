"""What counts how often a rule asks: a landscape before another, and an engine before another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from schuss.engine.engine import Advance, AdvanceMany, Engine, EngineInfo, Observed, Predictor
from schuss.engine.stepping import WholeSteps, run_steps
from schuss.method.backprop import Gradient
from schuss.method.functions import Array
from schuss.method.landscape import Landscape
from schuss.method.network import Network
from schuss.method.plan import Plan
from schuss.method.plans import Plans
from schuss.method.rules.rule import WholeStep
from schuss.method.samples import Samples
from schuss.method.state import State, States

__all__ = ["Counted", "CountedEngine"]


@dataclass
class Counted:
    """`land` with counters; lives for one racer's way down. A `Landscape`."""

    land: Landscape
    gradients: int = 0
    losses: int = 0
    products: int = 0

    @property
    def counts(self) -> tuple[int, int, int]:
        """How often gradient, loss and curvature were asked for."""
        return self.gradients, self.losses, self.products

    def loss(self, theta: Array) -> float:
        """Return E(θ), and count it."""
        self.losses += 1
        return self.land.loss(theta)

    def gradient(self, theta: Array) -> Gradient:
        """Return E(θ) and its gradient, and count them as one."""
        self.gradients += 1
        return self.land.gradient(theta)

    def curvature_product(self, theta: Array, vector: Array) -> Array:
        """Return the Hessian times a vector, and count it."""
        self.products += 1
        return self.land.curvature_product(theta, vector)

    def matrices(self, theta: Array) -> Sequence[Array]:
        """Return the layers' matrices, which cost nothing."""
        return self.land.matrices(theta)


@dataclass
class CountedEngine:
    """`engine` with counters; lives for one training, of the same bits. An `Engine`."""

    engine: Engine
    gradients: int = 0
    losses: int = 0

    @property
    def counts(self) -> tuple[int, int, int]:
        """How often gradient and loss were asked for; curvature counts as two gradients."""
        return self.gradients, self.losses, 0

    @property
    def info(self) -> EngineInfo:
        """That of the engine behind."""
        return self.engine.info

    def rows_of(self, plan: Plan, step: int, n: int) -> NDArray[np.int32]:
        """Return what the engine behind returns."""
        return self.engine.rows_of(plan, step, n)

    def gradient(self, *args: Any, **how: Any) -> Gradient:
        """Return what the engine behind returns, and count it."""
        self.gradients += 1
        return self.engine.gradient(*args, **how)

    def loss(self, *args: Any, **how: Any) -> float:
        """Return what the engine behind returns, and count it."""
        self.losses += 1
        return self.engine.loss(*args, **how)

    def curvature_product(self, *args: Any) -> Array:
        """Return what the engine behind returns; it takes the time of two gradients, and counts as two."""
        self.gradients += 2
        return self.engine.curvature_product(*args)

    def advance(
        self, network: Network, state: State, samples: Samples, plan: Plan, stop: int, **how: Any
    ) -> Advance:
        """Run steps [state.step, stop) of `plan`; a step by one gradient counts as that."""
        if isinstance(plan.rule, WholeStep):
            whole = WholeSteps(self, network, samples, plan)
            return run_steps(whole, state, len(samples), plan, stop, **how)
        made = self.engine.advance(network, state, samples, plan, stop, **how)
        self.gradients += made.state.step - state.step
        return made

    def outputs(self, network: Network, theta: Array, X: Any) -> Array:
        """Return what the engine behind returns."""
        return self.engine.outputs(network, theta, X)

    def predictor(self, network: Network, theta: Array) -> Predictor:
        """Return what the engine behind returns."""
        return self.engine.predictor(network, theta)

    def observe(
        self, network: Network, state: State, samples: Samples, plan: Plan, stop: int, weights: Any
    ) -> Observed:
        """Return what the engine behind returns."""
        return self.engine.observe(network, state, samples, plan, stop, weights)

    def advance_many(
        self,
        network: Network,
        states: States,
        samples: Samples,
        plans: Plans,
        stop: int,
        *,
        epochs: bool = False,
    ) -> AdvanceMany:
        """Return what the engine behind returns."""
        return self.engine.advance_many(network, states, samples, plans, stop, epochs=epochs)
