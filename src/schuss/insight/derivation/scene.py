"""What one step of back-propagation looks like from one weight: numbers of a sample, units on the way.

Holds the numbers that the lines of a derivation are filled with; writes no line itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from schuss.insight.formulas.filling import Numbers, Run
from schuss.method.backprop import Trace, error_signals, forward
from schuss.method.backprop import gradient as batch_gradient
from schuss.method.dropout import Dropout
from schuss.method.functions import Array
from schuss.method.network import LayerWeights, Network
from schuss.method.plan import Plan
from schuss.method.samples import Samples
from schuss.method.state import State

__all__ = ["FEW", "Place", "Scene"]

FEW = 4  # layers of up to so many units are shown whole; of longer sums so many terms


@dataclass(frozen=True)
class Place:
    """Where a weight stands: it leads from unit k of layer `layer` − 1 to unit j of layer `layer`."""

    index: int
    layer: int
    k: int | None  # None: from the bias
    j: int

    @classmethod
    def of(cls, network: Network, index: int) -> Place:
        """Return the place of weight `index`."""
        layer, k, j = network.place_of(index)
        return cls(index, layer + 1, None if k == network.layers[layer] else k, j)


@dataclass(frozen=True, eq=False)
class Scene:
    """A step: state before it, batch, and which sample of it is looked at. float64 throughout."""

    network: Network
    state: State
    batch: Samples
    plan: Plan
    place: Place
    sample: int = 0
    dropout: Dropout | None = field(default=None, repr=False)
    first: int = 0  # the step whose lines are shown in full

    @property
    def targets(self) -> Array:
        """Targets of the batch, shape (n, n_out)."""
        return self.batch.targets(self.network.layers[-1])

    @cached_property
    def trace(self) -> Trace:
        """Net inputs and outputs of all units for the whole batch."""
        return forward(self.network, self.state.theta, self.batch.X, self.dropout)

    @cached_property
    def deltas(self) -> list[Array]:
        """Error signals of each layer after the input, shapes (n, units)."""
        return error_signals(self.network, self.state.theta, self.trace, self.targets)

    @cached_property
    def layers(self) -> list[LayerWeights]:
        """Weights and biases into each layer after the input."""
        return self.network.views(self.state.theta)

    def x(self, layer: int) -> Array:
        """Return the net inputs of a layer for the sample, shape (units,)."""
        return np.asarray(self.trace.x[layer][self.sample])

    def y(self, layer: int) -> Array:
        """Return the outputs of a layer for the sample, shape (units,)."""
        return np.asarray(self.trace.y[layer][self.sample])

    def bare(self, layer: int) -> Array:
        """Return the outputs of a hidden layer before dropout, shape (units,)."""
        f = self.network.activations()[layer - 1]
        return self.y(layer) if self.mask(layer) is None else np.asarray(f.value(self.x(layer)))

    def mask(self, layer: int) -> Array | None:
        """Return what dropout multiplies the outputs of a layer by, shape (units,), or None."""
        mask = self.trace.masks[layer]
        return None if mask is None else np.asarray(mask[self.sample])

    def slope(self, layer: int) -> Array:
        """Return f′ at the net inputs of a layer, shape (units,)."""
        return np.asarray(self.network.activations()[layer - 1].slope(self.x(layer), self.bare(layer)))

    def delta(self, layer: int) -> Array:
        """Return the error signals of a layer for the sample, shape (units,)."""
        return np.asarray(self.deltas[layer - 1][self.sample])

    def name(self, layer: int, unit: int) -> str:
        """Return a unit's name, as in the names of weights."""
        return f"{self.network.layer_names[layer]}[{unit}]"

    def units(self, layer: int) -> list[int]:
        """Return which units of a layer are shown: all of a few, else the weight's own or the first."""
        size = self.network.layers[layer]
        if size <= FEW:
            return list(range(size))
        if layer == self.place.layer:
            return [self.place.j]
        if layer == self.place.layer - 1 and self.place.k is not None:
            return [self.place.k]
        return list(range(FEW - 1))

    def run(self, layer: int, within: slice | None = None) -> Run:
        """Return an index that runs over a layer, or a group of it; of a long one a few terms are shown."""
        every = range(self.network.layers[layer])[within or slice(None)]
        shown = list(every[:FEW])
        own = {self.place.layer: self.place.j, self.place.layer - 1: self.place.k}.get(layer)
        if own is not None and own in every and own not in shown:
            shown[-1] = own
        return Run(every, shown)

    def samples_run(self) -> Run:
        """Return an index that runs over the batch; a few samples are shown, that which is looked at too."""
        every = range(len(self.batch))
        shown = list(every[:FEW])
        if self.sample not in shown:
            shown[-1] = self.sample
        return Run(every, shown)

    def group(self, unit: int) -> slice:
        """Return the group of outputs that an output belongs to."""
        return next(g for g in self.network.group_slices if g.start <= unit < g.stop)

    def outputs_numbers(self, unit: int | None = None) -> Numbers:
        """Return what the letters of a loss stand for, at one output or over all."""
        last, parameter = self.network.depth, self.network.loss.parameter
        letters: Mapping[str, Any] = {
            "x": self.x(last),
            "y": self.y(last),
            "t": self.targets[self.sample],
            "m": self.network.layers[-1],
            "d": parameter,
            "q": parameter,
            "γ": parameter,
        }
        over = {"j": self.run(last), "k": self.run(last, None if unit is None else self.group(unit))}
        return Numbers(letters, {} if unit is None else {"j": unit}, over)

    # --- the batch as a whole ---

    @property
    def total_weight(self) -> float:
        """What the samples of the batch weigh together."""
        return float(len(self.batch) if self.batch.weights is None else self.batch.weights.sum())

    def loss(self, theta: Array) -> float:
        """Return the number that is minimised, at other weights."""
        objective = self.plan.replace(as_scikit_learn=False, clip=None).objective
        return batch_gradient(
            *(self.network, theta, self.batch.X, self.targets, objective),
            weights=self.batch.weights,
            dropout=self.dropout,
        ).loss

    @cached_property
    def gradient(self) -> Array:
        """Gradient of the batch before clipping, shape (n_parameters,)."""
        objective = self.plan.replace(clip=None).objective
        return batch_gradient(
            *(self.network, self.state.theta, self.batch.X, self.targets, objective),
            weights=self.batch.weights,
            dropout=self.dropout,
        ).gradient

    def slope_by_differences(self) -> tuple[float, float]:
        """Return (E(w+h) − E(w−h))/2h for the weight, and how much of it rounding may have made.

        h = ε^(1/3), where cutting off the series and rounding E cost about as much.
        """
        theta = self.state.theta
        h = float(np.finfo(np.float64).eps ** (1 / 3)) * max(1.0, abs(float(theta[self.place.index])))
        up, down = theta.copy(), theta.copy()
        up[self.place.index] += h
        down[self.place.index] -= h
        width = float(up[self.place.index] - down[self.place.index])  # the step as it was rounded
        higher, lower = self.loss(up), self.loss(down)
        noise = 16 * float(np.finfo(np.float64).eps) * (abs(higher) + abs(lower) + 1.0) / width
        return (higher - lower) / width, noise
