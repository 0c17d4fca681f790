"""Many small networks at once: `schuss.sweep` beside JAX's vmap and batched NumPy.

    python -m benchmarks.sweep        # needs jax

float32, squared error, momentum; each network has a rate and a momentum of its own, all start from the same
weights and see the samples in the same shuffled order. schuss: whole calls of `sweep`. JAX: one compiled
call, a scan over the steps of vmap over the networks, in the better of two layouts (networks first or last);
compilation is not counted. NumPy: a step of all networks in batched products. Five runs of each in turn, a
ratio is the median of theirs; the weights must agree to 1e-3, for a wrong result has no speed.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from schuss import Network, Plan, Sweep, sweep

__all__ = ["Row", "rows"]

Weights = tuple[NDArray[Any], ...]
NS = "ns/step"  # of one network
RUNS = 5


class Row(NamedTuple):
    """One line of the table: our time and a peer's."""

    name: str
    unit: str
    peer: str
    ours: float
    theirs: float
    ratio: float
    target: float


class Case(NamedTuple):
    """A sweep of two-layer networks, and its numbers as arrays."""

    network: Network
    plan: Plan
    rates: NDArray[np.float32]
    momenta: NDArray[np.float32]
    X: NDArray[np.float32]
    T: NDArray[np.float32]

    @property
    def batches(self) -> NDArray[np.int32]:
        """The samples of each step, shape (steps, batch)."""
        n, epochs = len(self.X), range(self.plan.epochs)
        orders = np.concatenate([self.plan.order_of(epoch, n) for epoch in epochs])
        return orders.reshape(-1, self.plan.batch_of(n))

    @property
    def first(self) -> Weights:
        """The first weights and biases, layer by layer."""
        views = self.network.views(self.network.initial(self.plan.seed, np.float32))
        return tuple(part for view in views for part in (view.w, view.b) if part is not None)

    def ours(self, threads: int | None = None) -> Sweep:
        """Train all of them."""
        return sweep(
            self.network,
            self.X,
            self.T,
            self.plan,
            product=False,
            learning_rate=self.rates,
            momentum=self.momenta,
            threads=threads,
        )


def many(batch: int) -> Case:
    """Return a thousand networks of 2-8-1."""
    source = np.random.default_rng(0)
    X = source.uniform(-1, 1, (256, 2)).astype(np.float32)
    T = np.sin(3 * X[:, :1] * X[:, 1:])
    plan = Plan(epochs=128, batch_size=batch)
    rates = source.uniform(0.001, 0.05, 1000).astype(np.float32)
    return Case(
        Network([2, 8, 1], "tanh"), plan, rates, source.uniform(0, 0.9, 1000).astype(np.float32), X, T
    )


def exclusive_or() -> Case:
    """Return a map of 48 rates by 32 momenta for XOR, 200 epochs of full batches."""
    X = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], np.float32)
    T = np.array([[0], [1], [1], [0]], np.float32)
    rates, momenta = np.meshgrid(np.geomspace(0.01, 0.5, 48), np.linspace(0.0, 0.9, 32), indexing="ij")
    plan = Plan(epochs=200, batch_size=None, order="sequential", seed=1)
    rates, momenta = (column.ravel().astype(np.float32) for column in (rates, momenta))
    return Case(Network([2, 2, 1], "tanh"), plan, rates, momenta, X, T)


def jax_training(case: Case, axis: int) -> Callable[[], Weights]:
    """Return a function that trains in JAX, with the networks along `axis`; it compiles at its first call."""
    import jax
    import jax.numpy as jnp

    X, T, batches = map(jnp.asarray, (case.X, case.T, case.batches))
    rates, momenta, count = jnp.asarray(case.rates), jnp.asarray(case.momenta), len(case.rates)

    def loss(theta: Any, x: Any, t: Any) -> Any:
        w1, b1, w2, b2 = theta
        return 0.5 * jnp.mean((jnp.tanh(jnp.tanh(x @ w1 + b1) @ w2 + b2) - t) ** 2)

    def one(theta: Any, velocity: Any, rate: Any, momentum: Any, x: Any, t: Any) -> Any:
        value, gradient = jax.value_and_grad(loss)(theta, x, t)
        velocity = jax.tree.map(lambda v, g: momentum * v - rate * g, velocity, gradient)
        return jax.tree.map(jnp.add, theta, velocity), velocity, value

    side_by_side = jax.vmap(one, in_axes=(axis, axis, 0, 0, None, None), out_axes=(axis, axis, 0))

    def step(state: Any, rows: Any) -> Any:
        theta, velocity, value = side_by_side(*state, rates, momenta, X[rows], T[rows])
        return (theta, velocity), value

    train = jax.jit(lambda state: jax.lax.scan(step, state, batches))
    first = tuple(jnp.stack([jnp.asarray(part)] * count, axis=axis) for part in case.first)
    start = first, jax.tree.map(jnp.zeros_like, first)

    def run() -> Weights:
        (theta, _), _ = train(start)
        return tuple(np.moveaxis(np.asarray(part), axis, 0) for part in theta)

    return run


def numpy_training(case: Case) -> Callable[[], Weights]:
    """Return a function that trains by batched products, networks first."""
    count, batches = len(case.rates), case.batches
    rates, momenta = case.rates[:, None, None], case.momenta[:, None, None]

    def run() -> Weights:
        w1, b1, w2, b2 = (
            np.repeat(part.reshape(1, -1, part.shape[-1]), count, axis=0) for part in case.first
        )
        weights = [w1, b1, w2, b2]
        velocities = [np.zeros_like(w) for w in weights]
        for rows in batches:
            x, t = case.X[rows], case.T[rows]
            hidden = np.tanh(x @ w1 + b1)
            y = np.tanh(hidden @ w2 + b2)
            delta = (y - t) * (1 - y * y) / len(rows)
            below = (delta @ w2.transpose(0, 2, 1)) * (1 - hidden * hidden)
            gradients = [x.T @ below, below.sum(1, keepdims=True)]
            gradients += [hidden.transpose(0, 2, 1) @ delta, delta.sum(1, keepdims=True)]
            for weight, velocity, gradient in zip(weights, velocities, gradients, strict=True):
                np.multiply(velocity, momenta, out=velocity)
                np.subtract(velocity, rates * gradient, out=velocity)
                np.add(weight, velocity, out=weight)
        return w1, b1[:, 0], w2, b2[:, 0]

    return run


def flat(weights: Weights) -> NDArray[Any]:
    """Return layers' arrays as rows of theta, shape (networks, n_parameters)."""
    return np.concatenate([part.reshape(len(part), -1) for part in weights], axis=1)


def seconds_of(action: Callable[[], object]) -> float:
    """Return how long an action takes."""
    began = time.perf_counter()
    action()
    return time.perf_counter() - began


def in_turn(ours: Callable[[], object], theirs: Callable[[], object]) -> tuple[float, float, float]:
    """Return both median times, and the median ratio of theirs to ours."""
    taken = [(seconds_of(ours), seconds_of(theirs)) for _ in range(RUNS)]
    mine, others = zip(*taken, strict=True)
    return statistics.median(mine), statistics.median(others), statistics.median(b / a for a, b in taken)


def compared(case: Case, peers: list[Callable[[], Weights]]) -> tuple[float, float, float]:
    """Return our time, that of the best peer and the ratio; all must have trained the same networks."""
    theta = case.ours().theta
    for peer in peers:
        np.testing.assert_allclose(flat(peer()), theta, rtol=0, atol=1e-3)
    return in_turn(case.ours, min(peers, key=lambda peer: min(seconds_of(peer) for _ in range(3))))


def rows() -> Iterator[Row]:
    """Measure everything; a ratio is how many times faster we are, or two threads than one."""
    for batch in (4, 32):
        case, name = many(batch), f"1000 × 2-8-1, batch {batch}"
        scale = 1e9 / (len(case.rates) * case.plan.steps(len(case.X)))
        ours, theirs, ratio = compared(case, [jax_training(case, axis) for axis in (0, -1)])
        yield Row(name, NS, "JAX vmap", ours * scale, theirs * scale, ratio, 10.0)
        ours, alone, ratio = in_turn(case.ours, partial(case.ours, threads=1))
        yield Row(name, NS, "one thread", ours * scale, alone * scale, ratio, 1.9)
    case = exclusive_or()
    ours, theirs, ratio = compared(case, [numpy_training(case)])
    yield Row("48 × 32 map of XOR", "ms", "batched NumPy", ours * 1e3, theirs * 1e3, ratio, 5.25)


def main() -> None:
    """Print the table."""
    print(f"{NS}: nanoseconds per step of one network")
    print(f"{'':<60}{'schuss':>9}{'peer':>9}{'ratio':>8}{'target':>8}")
    for row in rows():
        name = f"{row.name}, {row.unit}, against {row.peer}"
        print(f"{name:<60}{row.ours:>9.2f}{row.theirs:>9.2f}{row.ratio:>8.2f}{row.target:>8.2f}")


if __name__ == "__main__":
    main()
