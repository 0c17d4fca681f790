"""One thread that does what a training need not wait for: one thing after the other, beside its steps."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from concurrent.futures import Future, ThreadPoolExecutor

__all__ = ["Background"]


class Background:
    """What is under way, if anything: never more than one thing, so that little waits in memory.

    The thread is made for the first of them, and kept: a new one may share a processor with its maker for
    some ten milliseconds.
    """

    def __init__(self) -> None:
        self._pool: ThreadPoolExecutor | None = None
        self._under_way: Future[Any] | None = None

    def begin(self, work: Callable[[], object]) -> None:
        """Begin with `work` when what is under way has ended; where there are no more threads, do it now.

        Raises
        ------
        Exception
            What the work before, or this, raised.
        """
        self.wait()
        try:
            self._under_way = self._threads().submit(work)
        except RuntimeError:  # the system gives no more threads, or Python ends
            work()

    def wait(self) -> None:
        """Wait for what is under way, and raise what it raised."""
        if self._under_way is not None:
            error = self._under_way.exception()
            self._under_way = None
            if error is not None:
                raise error

    def close(self) -> None:
        """Wait for what is under way, whatever it raises, and let the thread go."""
        if self._pool is not None:
            self._pool.shutdown()

    def _threads(self) -> ThreadPoolExecutor:
        if self._pool is None:
            from concurrent.futures import ThreadPoolExecutor  # seldom needed, and takes a while to load

            self._pool = ThreadPoolExecutor(1)
        return self._pool
