"""One thread that does what a training need not wait for: one thing after the other, beside its steps."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

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
        self._under_way: Future[None] | None = None
        self._error: BaseException | None = None

    def begin(self, work: Callable[[], object]) -> None:
        """Begin with `work` when what is under way has ended; where there are no more threads, do it now.

        Raises
        ------
        Exception
            What the work before, or this, raised.
        """
        if self._under_way is not None:
            self._under_way.result()
        self._raise()
        try:
            self._under_way = self._threads().submit(self._do, work)
        except RuntimeError:  # the system gives no more threads, or Python ends
            work()

    def wait(self) -> None:
        """Wait for all that has begun, and raise what it raised.

        Also for what Ctrl-C kept `begin` from taking note of: the thread does one thing after the other.
        """
        if self._pool is not None:
            try:
                self._pool.submit(int).result()
            except RuntimeError:  # as above
                self._pool.shutdown()
        self._raise()

    def _do(self, work: Callable[[], object]) -> None:
        try:
            work()
        except BaseException as error:  # it is raised where it is waited for
            self._error = error

    def _raise(self) -> None:
        error, self._error = self._error, None
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
