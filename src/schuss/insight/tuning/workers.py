"""Trainings beside each other, each on one processor; what they make is handed out as they were begun."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Generic, TypeVar

__all__ = ["Check", "Workers"]

Made = TypeVar("Made")
Check = Callable[[object], None]  # to be called now and then: it raises once all is to end
AHEAD = 2  # for each worker, so that none waits while what another made is looked at


class _Over(Exception):  # noqa: N818  # it ends a training that nobody waits for
    """The search was left."""


class Workers(Generic[Made]):
    """A context in which trainings run beside each other; leaving it by an exception ends them.

    Parameters
    ----------
    threads : int
        How many run at once.
    """

    def __init__(self, threads: int) -> None:
        self.threads = threads
        self._pool = ThreadPoolExecutor(threads, "schuss-tune")
        self._under_way: deque[Future[Made]] = deque()
        self._over = threading.Event()

    def __enter__(self) -> Workers[Made]:
        """Return itself."""
        return self

    def __exit__(self, error: type[BaseException] | None, *_: object) -> None:
        """Wait for what runs; after an exception it is told to end, and what has not begun never does."""
        if error is not None:
            self._over.set()
        self._pool.shutdown(cancel_futures=error is not None)

    def begin(self, train: Callable[[Check], Made]) -> Iterator[Made]:
        """Begin a training as soon as a worker is free; yield what earlier ones made, if many are begun."""
        self._under_way.append(self._pool.submit(train, self._check))
        yield from self._taken(AHEAD * self.threads)

    def rest(self) -> Iterator[Made]:
        """Yield what is under way, as it ends."""
        yield from self._taken(0)

    def _taken(self, left: int) -> Iterator[Made]:
        while len(self._under_way) > left:
            yield self._under_way.popleft().result()

    def _check(self, _: object = None) -> None:
        if self._over.is_set():
            raise _Over
