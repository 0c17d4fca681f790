"""The search for NaN and infinity in large data, by several threads: one does not keep memory busy."""

from __future__ import annotations

from schuss.engine.mapped import file_under
from schuss.engine.threads import usual_threads
from schuss.method.checks import check_integer
from schuss.method.functions import Array
from schuss.method.samples import AllFinite, all_finite

__all__ = ["all_finite_by"]

NUMBERS_AT_ONCE = 2**22  # of a thread, before it looks up: a millisecond or two
MOST_THREADS = 4  # read as fast as any number


def all_finite_by(threads: int | None) -> AllFinite:
    """Return `all_finite`, by at most so many threads; by default as many as the process may use."""
    most = usual_threads() if threads is None else check_integer("threads", threads, low=1)

    def search(values: Array) -> bool:
        rows = max(1, NUMBERS_AT_ONCE // max(1, values[:1].size))
        parts = [values[i : i + rows] for i in range(0, len(values), rows)]
        several = min(len(parts), MOST_THREADS, most)
        if several < 2 or file_under(values) is not None:  # the system reads ahead of one at a time
            return all_finite(values)
        return _together(parts, several)

    return search


def _together(parts: list[Array], threads: int) -> bool:
    from concurrent.futures import ThreadPoolExecutor  # takes some milliseconds

    with ThreadPoolExecutor(threads) as pool:
        answers = pool.map(all_finite, parts)
        try:
            return all(answers)
        finally:
            answers.close()  # type: ignore[attr-defined]  # a generator, which takes back what nobody has begun
