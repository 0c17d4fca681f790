"""A small twin of the deep autoencoders of "On the importance of initialization and momentum".

The original trains for 750,000 steps on 784 pixels and more; a twin on scikit-learn's 8 × 8 digits has other
losses, so what can be reproduced is the order of the columns.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.datasets import load_digits

from benchmarks.papers.claim import Claim, Range
from benchmarks.papers.many import Many
from benchmarks.papers.paper import Paper
from schuss import Listed, Momentum, Nesterov, Network, Plan, Sutskever
from schuss.method.functions import Array
from schuss.method.initial import philox
from schuss.method.plans import Plans
from schuss.method.schedules import Rate, Span

__all__ = ["AUTOENCODER"]

NETWORK = Network([64, 32, 16, 6, 16, 32, 64], "logistic")
BATCH, STEPS, PERIOD, LAST = 200, 6000, 100, 200
CALM = 0.9  # the momentum of the last steps
RATES = (0.125, 0.25, 0.5, 1.0, 2.0, 4.0)
INCOMING = 15  # weights of a unit that are not 0 at first
MOST_SEEDS = 0.6  # 3 of 5
CLASSICAL, LOOKING_AHEAD = "classical", "Nesterov"
KINDS: dict[str, type[Momentum | Nesterov]] = {CLASSICAL: Momentum, LOOKING_AHEAD: Nesterov}
MNIST = {  # the paper's table 1
    (CLASSICAL, 0.0): 2.1,
    (CLASSICAL, 0.9): 1.0,
    (CLASSICAL, 0.99): 0.77,
    (CLASSICAL, 0.995): 0.84,
    (LOOKING_AHEAD, 0.9): 1.0,
    (LOOKING_AHEAD, 0.99): 0.73,
    (LOOKING_AHEAD, 0.995): 0.75,
}


class Losses(NamedTuple):
    """Mean squared error of each seed at its best rate, shape (seeds,): before the last steps, and after."""

    before: NDArray[np.float64]
    after: NDArray[np.float64]


def sparse_weights(seed: int) -> Array:
    """Return first weights: 15 normal ones into each unit, all others and the biases 0."""
    source = np.random.Generator(philox(seed, 1))
    theta = np.zeros(NETWORK.n_parameters, np.float32)
    for layer in NETWORK.views(theta):
        fan_in, fan_out = layer.w.shape
        for j in range(fan_out):
            chosen = source.permutation(fan_in)[:INCOMING]
            layer.w[chosen, j] = source.standard_normal(len(chosen))
    return theta


def schedule(top: float) -> Rate:
    """Return the paper's stairs up to `top`, and the calm of the last steps."""
    if top == 0.0:
        return 0.0
    steps = np.arange(STEPS)
    values = Sutskever(top, PERIOD).at(steps, Span(STEPS))
    return Listed(tuple(np.where(steps < STEPS - LAST, values, min(CALM, top)).tolist()))


def column(name: str, top: float, trials: int) -> Losses:
    """Train every seed with every rate and return the losses at each seed's best."""
    X = (load_digits().data / 16).astype(np.float32)
    epochs = -(-STEPS // -(-len(X) // BATCH))
    base = Plan(KINDS[name](1.0, schedule(top)), epochs, BATCH)
    plans = Plans.grid(base, {"seed": range(trials), "learning_rate": RATES})
    theta = np.stack([sparse_weights(seed) for seed in plans.column("seed")])
    early = Many.start(NETWORK, X, X, plans, theta).to(STEPS - LAST)
    before, after = (mean_errors(many).reshape(trials, -1) for many in (early, early.to(STEPS)))
    best = np.nanargmin(after, axis=1)[:, None]
    return Losses(*(np.take_along_axis(losses, best, 1)[:, 0] for losses in (before, after)))


def mean_errors(many: Many) -> NDArray[np.float64]:
    """Return the mean over the samples of Σ(t − y)² for each network."""
    wrong = many.samples.T - many.outputs
    return np.asarray((wrong * wrong).sum(axis=2, dtype=np.float64).mean(axis=1))


def compare(trials: int) -> list[Claim]:
    """Show each column's mean, and count the seeds that have the paper's order."""
    made = {key: column(*key, trials) for key in MNIST}
    lines = [
        Claim(_called(*key), MNIST[key], float(losses.after.mean()), beside=f"± {losses.after.std():.3f}")
        for key, losses in made.items()
    ]
    plain = made[CLASSICAL, 0.0].after
    for name in KINDS:
        middle, high = made[name, 0.9].after, made[name, 0.99].after
        lines.append(_count(f"{name}: none > .9 > .99", (plain > middle) & (middle > high)))
    for top in (0.99, 0.995):
        for name in KINDS:
            before, after = made[name, top]
            lines.append(_count(f"{_called(name, top)}: the last steps at .9 help", after <= before))
        ahead, behind = made[LOOKING_AHEAD, top].after, made[CLASSICAL, top].after
        lines.append(_count(f"η up to {top:g}: Nesterov ≤ classical", ahead <= behind))
    return lines


def _called(name: str, top: float) -> str:
    return f"{name}, η up to {top:g}" if top else "no momentum"


def _count(order: str, seeds: NDArray[np.bool_]) -> Claim:
    """Return how many seeds have an order."""
    needed = Range(low=math.ceil(MOST_SEEDS * len(seeds)))
    return Claim(order, "", float(seeds.sum()), needed, f"of {len(seeds)} seeds")


AUTOENCODER = Paper(
    "autoencoder",
    "Deep autoencoders: how high momentum may go",
    "Sutskever, Martens, Dahl and Hinton, On the importance of initialization and momentum in deep "
    "learning, ICML 2013, tables 1 and 2. Their losses, shown beside ours, are those of MNIST.",
    "Digits of 8 × 8, 64-32-16-6-16-32-64, logistic, sparse first weights, squared error, batches of "
    f"{BATCH}, {STEPS:,} steps; η rises in the paper's stairs, one every {PERIOD} steps, and is {CALM:g} in "
    f"the last {LAST}; each seed at the best of the rates {', '.join(f'{rate:g}' for rate in RATES)}.",
    5,
    compare,
)
