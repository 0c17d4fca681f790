"""Small training problems of every kind, each with the oracle's answer. Holds no test and no comparison.

A case keeps away from the corners of relu, absolute error and the like, where the derivative jumps and
one rounding decides the side; and no layer of it is dead, or the comparison would be empty.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np

import oracles
from oracles import Array
from schuss.method.backprop import Objective
from schuss.method.functions import ACTIVATIONS, LOSSES, OUTPUT_ONLY, Loss
from schuss.method.network import Network
from schuss.method.samples import Samples

__all__ = [
    "CASES",
    "DEPTHS",
    "FREE_LOSSES",
    "HIDDEN",
    "PAIRS",
    "Case",
    "case_of",
    "draw_case",
    "draw_targets",
]

HIDDEN = [name for name in ACTIVATIONS if name not in OUTPUT_ONLY]
FREE_LOSSES = [name for name, kind in LOSSES.items() if kind.partner is None]
PAIRS = [(a, loss) for a in HIDDEN for loss in LOSSES]
PAIRS += [(a, loss) for a in OUTPUT_ONLY for loss in FREE_LOSSES]
DEPTHS = {1: (3, 4), 2: (3, 5, 4), 3: (4, 5, 3, 4)}  # sizes that no vector width divides
CASES = [(a, loss, depth) for a, loss in PAIRS for depth in DEPTHS]
PARAMETERS = {"huber": 0.6, "quantile": 0.3, "focal": 1.7}  # not the defaults, so that forgetting them shows
MARGIN = 1e-3  # far beyond any rounding, float32 included


@dataclass(frozen=True, eq=False)
class Case:
    """A network with weights and a batch, and the same in the oracle's words."""

    network: Network
    theta: Array
    samples: Samples
    objective: Objective
    problem: oracles.Problem

    def expected(self) -> tuple[float, Array]:
        """Return loss and gradient as the complex step finds them."""
        return oracles.complex_step(self.problem, self.theta, self.samples.X, self.targets)

    @property
    def targets(self) -> Array:
        return self.samples.targets(self.network.layers[-1])


def draw_targets(rng: np.random.Generator, n: int, network: Network) -> Array:
    """Draw targets (n, n_out) that the network's output can reach, edges of the range included."""
    shape, name = (n, network.layers[-1]), network.loss.name
    if network.loss.kind.partner == "softmax":
        return np.hstack([draw_shares(rng, n, g.stop - g.start) for g in network.group_slices])
    if name == "binary_cross_entropy":
        return np.clip(rng.uniform(-0.3, 1.3, shape), 0.0, 1.0)
    if name == "poisson":
        return rng.poisson(1.5, shape).astype(float)
    low, high = network.activations()[-1].range
    return rng.uniform(max(low, -2.0), min(high, 2.0), shape)


def draw_shares(rng: np.random.Generator, n: int, m: int) -> Array:
    """Draw shares of `m` classes that add up to one, every other row all for one class."""
    shares = rng.dirichlet(np.ones(m), n)
    return np.where(np.arange(n)[:, None] % 2, shares, np.eye(m)[np.arange(n) % m])


def problem_of(network: Network, objective: Objective) -> oracles.Problem:
    """Describe a network and its objective to the oracle."""
    return oracles.Problem(
        network.layers,
        network.activation,
        network.loss.name,
        network.loss.parameter or 0.0,
        network.biases,
        objective.reduction,
        objective.l2,
        objective.l1,
        network.groups,
    )


def draw_case(network: Network, objective: Objective, n: int, seed: int, dtype: str = "float64") -> Case:
    """Draw weights and a batch of `n` samples for `network`."""
    rng = np.random.default_rng(seed)
    fan_in = np.concatenate(
        [np.full(v.w.size + (v.b.size if v.b is not None else 0), len(v.w))
         for v in network.views(np.zeros(network.n_parameters))]
    )  # fmt: skip
    theta = (rng.standard_normal(network.n_parameters) * 1.5 / np.sqrt(fan_in)).astype(dtype)
    X = rng.standard_normal((n, network.layers[0])).astype(dtype)
    samples = Samples.check(network, X, draw_targets(rng, n, network).astype(dtype))
    return Case(network, theta, samples, objective, problem_of(network, objective))


@cache
def case_of(activation: str, loss: str, depth: int, dtype: str = "float64") -> Case:
    """Return the case of `CASES` with these names: `activation` wherever the loss leaves the choice."""
    partner = LOSSES[loss].partner
    hidden = "tanh" if activation in OUTPUT_ONLY else activation
    names = (*[hidden] * (depth - 1), partner or activation)
    network = Network(DEPTHS[depth], names, Loss(loss, PARAMETERS.get(loss)))
    for seed in range(1000):
        case = draw_case(network, Objective("mean", 0.3, 0.2), 7, seed, dtype)
        near = oracles.kink_margin(case.problem, case.theta, case.samples.X, case.targets)
        if near > MARGIN and _alive(case):
            return case
    raise AssertionError(f"no seed gives a usable case of {activation}, {loss}, {depth} layers")


def _alive(case: Case) -> bool:
    """Whether the errors, penalties apart, move every layer."""
    bare = Case(case.network, case.theta, case.samples, Objective(), problem_of(case.network, Objective()))
    return all(np.abs(view.w).max() > 1e-3 for view in case.network.views(bare.expected()[1]))
