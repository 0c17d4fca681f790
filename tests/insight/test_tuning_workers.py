"""Trainings beside each other: handed out in order, as many at once as allowed, ended with the search."""

import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from schuss.insight.tuning.workers import AHEAD, Check, Workers


def after(seconds: float, what: Any) -> Callable[[Check], Any]:
    def train(_: Check) -> Any:
        time.sleep(seconds)
        return what

    return train


def test_what_is_made_comes_as_it_was_begun() -> None:
    """Also where a later one ends before an earlier one; and all of it comes."""
    taken = []
    with Workers[int](3) as workers:
        for i in range(12):
            taken += workers.begin(after(0.02 if i % 3 == 0 else 0.0, i))
            assert i + 1 - len(taken) <= AHEAD * 3
        taken += workers.rest()
    assert taken == list(range(12))


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_so_many_run_at_once(threads: int) -> None:
    """No more than were allowed, and all of them: each waits until the others have begun."""
    together, most = threading.Barrier(threads, timeout=30), []

    def train(_: Check) -> int:
        together.wait()
        most.append(threading.active_count())
        return 0

    idle = threading.active_count()
    with Workers[int](threads) as workers:
        for _ in range(2 * threads):
            assert sum(workers.begin(train)) == 0
        assert len(list(workers.rest())) <= 2 * threads
    assert max(most) - idle == threads
    assert threading.active_count() == idle


def test_leaving_by_an_exception_ends_all() -> None:
    """What runs is told to end, and what has not begun never begins."""
    begun, ended = [], []

    def train(check: Check) -> None:
        begun.append(1)
        try:
            while True:
                check(0.5)
                time.sleep(0.001)
        finally:
            ended.append(1)

    def search() -> None:
        with Workers[None](2) as workers:
            for _ in range(4):
                list(workers.begin(train))
            while len(begun) < 2:
                time.sleep(0.001)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        search()
    assert len(begun) == len(ended) == 2


def test_what_a_training_raises_comes_out() -> None:
    """Where its result would be taken; the others end."""

    def fails(_: Check) -> int:
        raise ValueError("no")

    def search() -> None:
        with Workers[int](2) as workers:
            list(workers.begin(fails))
            list(workers.rest())

    with pytest.raises(ValueError, match="no"):
        search()
