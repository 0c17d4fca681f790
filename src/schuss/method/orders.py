"""In which order an epoch visits the samples: pure functions of a key and the epoch.

``"philox"`` is Fisher–Yates from the counter-based generator Philox, keyed by (seed, epoch);
``"sequential"`` takes the samples as they stand; `Shuffled` is scikit-learn's: each epoch shuffles the
order of the one before, with NumPy's legacy generator (MT19937) from a given state.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from schuss.errors import SettingError
from schuss.method.checks import check_choice, check_integer
from schuss.method.initial import philox

__all__ = ["ORDERS", "Order", "Shuffled", "check_order", "order_from_json", "order_to_json", "philox_order"]

ORDERS = ("philox", "sequential")
KEY_BYTES = 4 * 624


def philox_order(seed: int, epoch: int, n: int) -> NDArray[np.int32]:
    """Return the samples 0 … n−1 in the order of `epoch`, shape (n,).

    Fisher–Yates from the last place down; place i swaps with place ⌊r·(i+1)/2⁶⁴⌋, where r are the
    raw 64-bit numbers of Philox 4x64-10 with key (seed, epoch) and counter 0. The bias of that
    division is below n/2⁶⁴.
    """
    order = list(range(n))
    raw = philox(seed, epoch).random_raw(max(n - 1, 0))
    for i, r in zip(range(n - 1, 0, -1), raw.tolist(), strict=True):
        j = r * (i + 1) >> 64
        order[i], order[j] = order[j], order[i]
    return np.array(order, dtype=np.int32)


@dataclass(frozen=True)
class Shuffled:
    """The orders that repeated `sklearn.utils.shuffle` draws from a RandomState.

    Parameters
    ----------
    key : str
        The 624 words of the generator's state, in hexadecimal, little-endian.
    position : int
        The generator's place in them, in [0, 624].
    """

    key: str
    position: int

    def __post_init__(self) -> None:
        check_integer("position", self.position, low=0, high=624)
        if not isinstance(self.key, str) or len(self.key) != 2 * KEY_BYTES:
            raise SettingError(f"key must be {2 * KEY_BYTES} hexadecimal digits; got {self.key!r:.40}.")

    @classmethod
    def of(cls, generator: np.random.RandomState) -> Shuffled:
        """Return the orders that `generator` would draw next; it is left as it is."""
        _, key, position, *_ = generator.get_state(legacy=True)
        return cls(np.asarray(key, "<u4").tobytes().hex(), int(position))

    @property
    def words(self) -> NDArray[np.uint32]:
        """The generator's words, shape (624,)."""
        return np.frombuffer(bytes.fromhex(self.key), "<u4").astype(np.uint32)

    def generator(self) -> np.random.RandomState:
        """Return a new generator in that state."""
        generator = np.random.RandomState()
        generator.set_state(("MT19937", self.words, self.position, 0, 0.0))
        return generator

    def drawn(self, n: int) -> Iterator[NDArray[np.int32]]:
        """Yield the orders of epochs 0, 1, …, shape (n,), for ever."""
        generator, order = self.generator(), np.arange(n, dtype=np.int32)
        while True:
            places = np.arange(n)
            generator.shuffle(places)
            order = order[places]
            yield order

    def orders(self, n: int, first: int, last: int) -> NDArray[np.int32]:
        """Return the orders of epochs [first, last), shape (epochs, n); all before `first` are drawn too."""
        return np.array(list(islice(self.drawn(n), first, last)), np.int32).reshape(last - first, n)

    def __repr__(self) -> str:
        return f"Shuffled({self.key[:8]}…, {self.position})"


Order = str | Shuffled


def check_order(order: Any) -> Order:
    """Return `order` if it is one, or raise SettingError."""
    return order if isinstance(order, Shuffled) else check_choice("order", order, ORDERS)


def order_to_json(order: Order) -> Any:
    """Return an order as plain JSON."""
    return order if isinstance(order, str) else {"key": order.key, "position": order.position}


def order_from_json(value: Any) -> Order:
    """Return the order that `order_to_json` described."""
    return value if isinstance(value, str) else Shuffled(value["key"], value["position"])
