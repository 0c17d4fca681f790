"""What is done beside a training is done in order, one thing at a time, and is heard of when it fails."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NoReturn

import pytest

from schuss.training.background import Background


@pytest.fixture
def background() -> Iterator[Background]:
    made = Background()
    yield made
    made.close()


def test_each_begins_when_the_one_before_has_ended(background: Background) -> None:
    """All by one thread that is not the caller's, and the caller goes on meanwhile."""
    began, may_end, done = threading.Event(), threading.Event(), list[tuple[int, int]]()

    def first() -> None:
        began.set()
        assert may_end.wait(60)
        done.append((1, threading.get_ident()))

    background.begin(first)
    assert began.wait(60)
    assert not done
    may_end.set()
    for number in (2, 3):
        background.begin(lambda number=number: done.append((number, threading.get_ident())))
        assert [n for n, _ in done][: number - 1] == list(range(1, number))
    background.wait()
    assert [n for n, _ in done] == [1, 2, 3]
    assert {by for _, by in done} != {threading.get_ident()}
    assert len({by for _, by in done}) == 1


def fail() -> NoReturn:
    raise OSError("no room")


def test_an_error_is_raised_where_the_work_is_waited_for(background: Background) -> None:
    """Once, by the next question; then all is as before."""
    done = list[int]()
    background.begin(fail)
    with pytest.raises(OSError, match="no room"):
        background.begin(lambda: done.append(1))
    background.begin(fail)
    with pytest.raises(OSError, match="no room"):
        background.wait()
    background.wait()
    background.begin(lambda: done.append(2))
    background.wait()
    assert done == [2]


def test_closing_waits_and_keeps_silent() -> None:
    """Whatever the work comes to; there need not have been any."""
    background, done = Background(), list[int]()
    background.close()
    background.begin(lambda: done.append(1))
    background.close()
    assert done == [1]
    background = Background()
    background.begin(fail)
    background.close()


def test_without_more_threads_it_is_done_at_once(
    background: Background, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the caller, who then hears of its error too."""

    def refuse(*_: object) -> NoReturn:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(ThreadPoolExecutor, "submit", refuse)
    done = list[int]()
    background.begin(lambda: done.append(threading.get_ident()))
    assert done == [threading.get_ident()]
    with pytest.raises(OSError, match="no room"):
        background.begin(fail)


def test_what_an_interruption_hid_is_waited_for_too(
    background: Background, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-C in the moment after the work was handed over: nothing may be done before it has ended."""
    submit, done, may_end = ThreadPoolExecutor.submit, list[int](), threading.Event()

    def interrupted(self: ThreadPoolExecutor, work: Any, *given: Any) -> NoReturn:
        submit(self, work, *given)
        raise KeyboardInterrupt

    def work() -> None:
        assert may_end.wait(60)
        done.append(1)

    with monkeypatch.context() as patch:
        patch.setattr(ThreadPoolExecutor, "submit", interrupted)
        with pytest.raises(KeyboardInterrupt):
            background.begin(work)
    threading.Timer(0.05, may_end.set).start()
    background.wait()
    assert done == [1]
