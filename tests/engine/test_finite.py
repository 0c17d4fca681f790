"""The search for NaN and infinity by several threads finds what one finds."""

import threading
import time

import numpy as np
import pytest

from schuss import DataError, Network, SettingError, train
from schuss.engine import finite
from schuss.engine.finite import all_finite_by
from schuss.method.samples import Samples, all_finite

ROWS, COLUMNS = 4096, 4


@pytest.fixture(autouse=True)
def small_parts(monkeypatch):
    """Cut small arrays as large ones are: a part has 16 rows."""
    monkeypatch.setattr(finite, "NUMBERS_AT_ONCE", 16 * COLUMNS)


@pytest.fixture
def searchers(monkeypatch):
    """Note which thread searches each part."""
    seen = []

    def search(values):
        seen.append(threading.get_ident())
        return all_finite(values)

    monkeypatch.setattr(finite, "all_finite", search)
    return seen


@pytest.mark.parametrize("threads", [None, 1, 2, 3, 100])
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("row", [0, 15, 16, 2000, ROWS - 1])
def test_the_first_bad_number_is_named(threads, bad, row):
    """By any number of threads, wherever it stands; where there is none, nothing is said."""
    X = np.ones((ROWS, COLUMNS), np.float32)
    how = Network((COLUMNS, 1)), X, np.ones(ROWS), None, None, all_finite_by(threads)
    assert Samples.check(*how).X is X
    X[row, 2] = bad
    X[-1, 3] = np.nan
    with pytest.raises(DataError, match=rf"^X holds {bad} at row {row}, column 2 \(and 1 more\)"):
        Samples.check(*how)


@pytest.mark.parametrize("name", ["X", "T"])
def test_nothing_is_trained_on_it(name):
    """A training by several threads is refused before its first step, for inputs and targets alike."""
    data = {"X": np.ones((ROWS, COLUMNS)), "T": np.ones((ROWS, 2))}
    data[name][ROWS // 2, 1] = np.nan
    ticks = []
    with pytest.raises(DataError, match=rf"^{name} holds nan at row {ROWS // 2}, column 1"):
        train(Network((COLUMNS, 2)), **data, epochs=1, threads=2, progress=ticks.append)
    assert ticks == []


@pytest.mark.parametrize(("threads", "most"), [(1, 1), (2, 2), (3, 3), (100, finite.MOST_THREADS)])
def test_no_more_threads_search_than_may(searchers, threads, most):
    """At most as many as are allowed; each part is searched once, and all threads are gone at the end."""
    before = threading.active_count()
    assert all_finite_by(threads)(np.ones((ROWS, COLUMNS)))
    assert len(searchers) == (ROWS // 16 if threads > 1 else 1)
    assert len(set(searchers)) <= most
    assert (set(searchers) == {threading.get_ident()}) == (most == 1)
    assert threading.active_count() == before


@pytest.mark.parametrize("threads", [0, -1, 1.5, "2", True])
def test_a_number_of_threads_is_asked_for(threads):
    """Anything else is refused, however small the data."""
    with pytest.raises(SettingError, match="threads must be an integer of at least 1"):
        all_finite_by(threads)


def test_small_arrays_start_no_thread(searchers):
    """One part is searched by the thread that asks."""
    assert all_finite_by(2)(np.ones((16, COLUMNS)))
    assert searchers == [threading.get_ident()]


def test_a_mapped_file_is_searched_by_one(searchers, tmp_path):
    """A file is read in one stream, from its beginning to its end; the same in memory is searched by two."""
    np.save(tmp_path / "X.npy", np.ones((ROWS, COLUMNS)))
    assert all_finite_by(2)(np.asarray(np.load(tmp_path / "X.npy", mmap_mode="r")))
    assert searchers == [threading.get_ident()]
    assert all_finite_by(2)(np.load(tmp_path / "X.npy"))
    assert len(searchers) == 1 + ROWS // 16


@pytest.mark.parametrize("error", [MemoryError, KeyboardInterrupt])
def test_an_error_ends_the_search(monkeypatch, error):
    """What is raised in one thread is never taken for an answer, and the others soon stop."""
    failed, searched = threading.Event(), []

    def search(values):
        if np.isnan(values).any():
            failed.set()
            raise error
        failed.wait(10)
        time.sleep(0.005)
        searched.append(len(values))
        return True

    monkeypatch.setattr(finite, "all_finite", search)
    values = np.ones((ROWS, COLUMNS))
    values[0] = np.nan
    with pytest.raises(error):
        all_finite_by(2)(values)
    assert len(searched) < ROWS // 16 - 1
