"""The orders of epochs as the kernel draws them, the last ones kept for the next call. An engine has one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from schuss.engine.shuffles import Draw, Shuffles
from schuss.method.orders import Blocks, Order, Shuffled
from schuss.method.plan import Plan
from schuss.method.plans import Plans

__all__ = ["KernelOrders"]

Orders = NDArray[np.int32]


class KernelOrders:
    """Orders drawn by `draw` (seed, first epoch, out, block) and, for scikit-learn's, by `shuffle`."""

    def __init__(self, draw: Callable[[int, int, Orders, int], Any], shuffle: Draw) -> None:
        self._draw, self._shuffle = draw, shuffle
        self._shuffles: Shuffles | None = None
        self._drawn: tuple[tuple[int, ...], Orders] | None = None

    def of_step(self, plan: Plan, step: int, n: int) -> Orders:
        """Return the samples of `step`."""
        size, (epoch, place) = plan.batch_of(n), divmod(step, plan.steps_per_epoch(n))
        if plan.order == "sequential":
            return np.arange(place * size, min((place + 1) * size, n), dtype=np.int32)
        (order,) = self._of(plan.order, plan.seed, epoch, epoch + 1, n)
        return order[place * size : (place + 1) * size]

    def of_plan(self, plan: Plan, start: int, stop: int, n: int) -> Orders | None:
        """Return the orders of the epochs that steps [start, stop) touch, shape (epochs, n)."""
        if n == 1 or plan.order == "sequential":
            return None
        per_epoch = plan.steps_per_epoch(n)
        return self._of(plan.order, plan.seed, start // per_epoch, -(-stop // per_epoch), n)

    def of_plans(self, plans: Plans, start: int, stop: int, n: int) -> tuple[Orders | None, Orders]:
        """Return the distinct orders, shape (distinct, epochs, n), and which of them each plan has."""
        distinct, which = plans.orders
        if n == 1 or distinct == [("sequential", 0)]:
            return None, which
        per_epoch = plans.plan.steps_per_epoch(n)
        epochs = start // per_epoch, -(-stop // per_epoch)
        return np.stack([self._of(order, seed, *epochs, n) for order, seed in distinct]), which

    def _of(self, order: Order, seed: int, first: int, last: int, n: int) -> Orders:
        """Return the orders of epochs [first, last), shape (epochs, n)."""
        if isinstance(order, Shuffled):
            shuffles = self._shuffles  # read once: another thread may train with this engine too
            if shuffles is None or shuffles.key != (order, n):
                shuffles = self._shuffles = Shuffles(order, n, self._shuffle)
            return shuffles.orders(first, last)
        if order == "sequential":
            return np.tile(np.arange(n, dtype=np.int32), (last - first, 1))
        block = order.size if isinstance(order, Blocks) else n
        known = self._drawn  # read once, as above
        if known is None or known[0] != (seed, block, n, first, last):
            orders = np.empty((last - first, n), np.int32)
            self._draw(seed, first, orders, block)
            known = self._drawn = (seed, block, n, first, last), orders
        return known[1]
