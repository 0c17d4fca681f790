"""Reading ahead in a memory-mapped file: a thread looks at what the next steps see while these run.

Only where an order visits neighbours together, `Blocks` or ``"sequential"``. It changes no result; the
operating system keeps what fits, and lets go of what was used first. It is asked for pages as large as it
has: where an order jumps, Linux else reads in the smallest, and each costs the same time to make, map and
let go.
"""

from __future__ import annotations

import mmap
import threading
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import numpy as np

from schuss.method.orders import Blocks, block_starts
from schuss.method.plan import Plan
from schuss.method.samples import is_sparse

__all__ = ["ReadAhead", "file_under", "read_ahead"]

BYTES_AT_ONCE = 2**25
MAPPED = 2**26  # smaller files are read once and stay


def file_under(X: Any) -> mmap.mmap | None:
    """Return the mapping that an array lies in, or None."""
    while X is not None and not isinstance(X, mmap.mmap):
        X = getattr(X, "base", None)
    return X


class ReadAhead:
    """The rows of `X` (n, n_in), dense and contiguous in `file`, as the steps of `plan` visit them."""

    def __init__(self, X: Any, file: mmap.mmap, plan: Plan) -> None:
        self._plan, self._n = plan, len(X)
        self._bytes = np.frombuffer(file, np.uint8)
        self._offset, self._row = X.ctypes.data - self._bytes.ctypes.data, X.strides[0]
        self._thread: threading.Thread | None = None
        self._seen: list[tuple[int, int]] = []
        if hasattr(mmap, "MADV_HUGEPAGE"):
            with suppress(OSError):  # a system built without
                file.madvise(mmap.MADV_HUGEPAGE)
        self._rows = max(1, BYTES_AT_ONCE // self._row)

    def until(self, step: int, stop: int) -> int:
        """Return up to which step, at most `stop`, to run before more is asked for."""
        return min(stop, step + max(1, self._rows // self._plan.batch_of(self._n)))

    def ask(self, start: int, stop: int) -> None:
        """Have a thread look at a byte of each page under the rows of steps [start, stop)."""
        self._thread = threading.Thread(target=self._look, args=(self._thread, start, stop), daemon=True)
        self._thread.start()

    def _look(self, before: threading.Thread | None, start: int, stop: int) -> None:
        if before is not None:
            before.join()
        before_it, self._seen = self._seen, list(self._spans(start, stop))
        for first, last in self._seen:
            if (first, last) in before_it:  # a block that the steps before began
                continue
            page = (self._offset + first * self._row) // mmap.PAGESIZE * mmap.PAGESIZE
            self._bytes[page : self._offset + last * self._row : mmap.PAGESIZE].max()

    def _spans(self, start: int, stop: int) -> Iterator[tuple[int, int]]:
        """Yield ranges of rows that hold all of those steps', each within one block of one epoch."""
        per_epoch, batch = self._plan.steps_per_epoch(self._n), self._plan.batch_of(self._n)
        order, n = self._plan.order, self._n
        while start < stop:
            epoch, place = divmod(start, per_epoch)
            end = min(stop, (epoch + 1) * per_epoch)
            first, last = place * batch, min(n, (place + end - start) * batch)
            if isinstance(order, Blocks):
                starts = block_starts(self._plan.seed, epoch, n, order.size)
                # one more, since the last block is short and may come first
                for at in starts[first // order.size : -(-last // order.size) + 1]:
                    yield at, min(n, at + order.size)
            else:
                yield first, last
            start = end


def read_ahead(X: Any, plan: Plan) -> ReadAhead | None:
    """Return what asks for rows on a disk in time, if they lie there and neighbours come together."""
    together = plan.order == "sequential" or isinstance(plan.order, Blocks)
    file = file_under(X) if together and not is_sparse(X) and X.nbytes >= MAPPED else None
    return None if file is None else ReadAhead(X, file, plan)
