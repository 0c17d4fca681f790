"""In which order an epoch visits the samples: pure functions of a key and the epoch.

``"philox"`` is Fisher–Yates from the counter-based generator Philox, keyed by (seed, epoch);
``"sequential"`` takes the samples as they stand; `Blocks` shuffles blocks of neighbours, and the samples
within each, for data on a disk; `Shuffled` is scikit-learn's: each epoch shuffles the order of the one
before, with NumPy's legacy generator (MT19937) from a given state.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from schuss.errors import SettingError, did_you_mean
from schuss.method.checks import check_integer
from schuss.method.initial import philox

__all__ = [
    "ORDERS",
    "Blocks",
    "Order",
    "Shuffled",
    "block_starts",
    "check_order",
    "order_from_json",
    "order_to_json",
    "philox_order",
]

ORDERS = ("philox", "sequential")
KEY_BYTES = 4 * 624


def philox_order(seed: int, epoch: int, n: int, block: int | None = None) -> NDArray[np.int32]:
    """Return the samples 0 … n−1 in the order of `epoch`, shape (n,).

    Fisher–Yates from the last place down; place i swaps with place ⌊r·(i+1)/2⁶⁴⌋, where r are the
    raw 64-bit numbers of Philox 4x64-10 with key (seed, epoch) and counter 0. The bias of that
    division is below n/2⁶⁴. With `block`, blocks of so many neighbours are shuffled first, then the
    samples of each block in turn, with the numbers that follow.
    """
    raw = iter(philox(seed, epoch).random_raw(n + -(-n // (block or n or 1))).tolist())
    if block is None:
        return np.array(_shuffled(list(range(n)), raw), dtype=np.int32)
    starts = _shuffled(list(range(0, n, block)), raw)  # as block_starts
    blocks = (_shuffled(list(range(start, min(start + block, n))), raw) for start in starts)
    return np.array([sample for samples in blocks for sample in samples], dtype=np.int32)


def block_starts(seed: int, epoch: int, n: int, block: int) -> list[int]:
    """Return the first sample of each block in the order in which `philox_order` visits them in `epoch`."""
    starts = list(range(0, n, block))
    return _shuffled(starts, iter(philox(seed, epoch).random_raw(len(starts)).tolist()))


def _shuffled(order: list[int], raw: Iterator[int]) -> list[int]:
    for i in range(len(order) - 1, 0, -1):
        j = next(raw) * (i + 1) >> 64
        order[i], order[j] = order[j], order[i]
    return order


@dataclass(frozen=True)
class Blocks:
    """Blocks of neighbouring samples in a shuffled order, and the samples of each block shuffled.

    An epoch reads its data a block at a time, so what lies on a disk, as a memory-mapped array, is read
    in long pieces. Let a block hold some ten megabytes of rows, and many batches.

    Parameters
    ----------
    size : int
        Samples of a block.
    """

    size: int

    def __post_init__(self) -> None:
        object.__setattr__(self, "size", check_integer("size", self.size, low=1, high=2**31 - 1))


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


Order = str | Blocks | Shuffled


def check_order(order: Any) -> Order:
    """Return `order` if it is one, or raise SettingError."""
    if isinstance(order, Blocks | Shuffled) or (isinstance(order, str) and order in ORDERS):
        return order
    hint = did_you_mean(order, ORDERS) if isinstance(order, str) else ""
    allowed = f"{', '.join(ORDERS)}, Blocks(size) or a Shuffled"
    raise SettingError(f"order must be one of {allowed}; got {order!r}{hint}.")


def order_to_json(order: Order) -> Any:
    """Return an order as plain JSON."""
    return order if isinstance(order, str) else asdict(order)


def order_from_json(value: Any) -> Order:
    """Return the order that `order_to_json` described."""
    if isinstance(value, str):
        return value
    return Blocks(**value) if "size" in value else Shuffled(**value)
