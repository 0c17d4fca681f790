"""What scikit-learn draws from its generator, in its sequence: first weights, the split, the orders.

For an integer ``random_state`` the weights, the rows kept for early stopping and the order of samples
are scikit-learn's own, so that the model is the same.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import check_random_state

from schuss.method.functions import Array
from schuss.method.network import Network
from schuss.method.orders import Shuffled

__all__ = [
    "advance_past",
    "draw_theta",
    "generator_from",
    "generator_of",
    "is_shared",
    "orders_of",
    "plain_generator",
]

Generator = np.random.RandomState


def generator_of(random_state: Any, kept: Generator | None) -> Generator:
    """Return the generator to draw from: the one kept by an earlier fit, or a new one."""
    return check_random_state(random_state) if kept is None else kept


def is_shared(random_state: Any) -> bool:
    """Whether others draw from the generator too, so that it must be left where scikit-learn leaves it."""
    return random_state is None or isinstance(random_state, Generator)


def draw_theta(network: Network, generator: Generator, logistic: bool, dtype: Any) -> Array:
    """Return first weights within ±√(6/(fan_in+fan_out)) (2 instead of 6 if `logistic`), biases too."""
    theta = np.empty(network.n_parameters)
    for w, b in network.views(theta):
        bound = math.sqrt((2.0 if logistic else 6.0) / sum(w.shape))
        w[...] = generator.uniform(-bound, bound, w.shape)
        if b is not None:
            b[...] = generator.uniform(-bound, bound, b.shape)
    return theta.astype(dtype)


def orders_of(generator: Generator, shuffle: bool, n: int) -> Shuffled | str:
    """Return the orders that the generator will draw for epochs of `n` samples."""
    return Shuffled.of(generator) if shuffle and n > 1 else "sequential"


def advance_past(generator: Generator, n: int, epochs: int) -> None:
    """Draw what `epochs` epochs of `n` samples have drawn, and leave the generator there."""
    places = np.arange(n)
    for _ in range(epochs if n > 1 else 0):
        generator.shuffle(places)


def plain_generator(generator: Generator | None) -> list[Any] | None:
    """Return a generator's state in plain values, or None for none and for NumPy's global one."""
    if generator is None or generator is check_random_state(None):
        return None
    name, key, *rest = generator.get_state(legacy=True)
    words: NDArray[np.uint32] = np.asarray(key, np.uint32)
    return [str(name), words, *(float(v) if isinstance(v, float) else int(v) for v in rest)]


def generator_from(plain: list[Any] | None) -> Generator | None:
    """Return the generator that `plain_generator` described."""
    if plain is None:
        return None
    generator = Generator()
    generator.set_state(tuple(plain))
    return generator
