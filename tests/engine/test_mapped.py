"""Data in a memory-mapped file train as those in memory do, and are asked for before they are needed."""

import mmap

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schuss.engine import mapped, native
from schuss.engine.mapped import ReadAhead, file_under
from schuss.method.network import Network
from schuss.method.orders import Blocks
from schuss.method.plan import Plan
from schuss.training.train import train

N, WIDTH = 1000, 6
FILE = mmap.mmap(-1, N * WIDTH * 4)
ORDERS = ["sequential", Blocks(90), "philox"]


@pytest.fixture
def on_disk(tmp_path):
    X = np.random.default_rng(1).normal(size=(N, WIDTH)).astype("float32")
    np.save(tmp_path / "X.npy", X)
    return np.load(tmp_path / "X.npy", mmap_mode="r")


@pytest.mark.parametrize("order", ORDERS, ids=str)
def test_the_bits_of_data_in_memory(on_disk, order, monkeypatch):
    """Asking for rows in time changes no bit, and is done where neighbours are visited together."""
    if not native.available():
        pytest.skip("built without the kernel on purpose")
    monkeypatch.setattr(mapped, "MAPPED", 0)
    monkeypatch.setattr(mapped, "BYTES_AT_ONCE", 4000)
    asked = []
    ask = ReadAhead.ask
    monkeypatch.setattr(ReadAhead, "ask", lambda self, a, b: (asked.append((a, b)), ask(self, a, b)))
    network, targets = Network([WIDTH, 5, 1], "tanh"), np.linspace(0, 1, N)
    found = train(network, on_disk, targets, order=order, epochs=2)
    expected = train(network, np.array(on_disk), targets, order=order, epochs=2)
    assert found.theta.tobytes() == expected.theta.tobytes()
    assert found.step_loss.tobytes() == expected.step_loss.tobytes()
    assert bool(asked) == (order != "philox")
    other = train(network, np.array(on_disk), targets, order=order, epochs=2, seed=1)
    assert found.theta.tobytes() != other.theta.tobytes()


class Told:
    """Stands for the bytes of a mapping, and notes the pages that are looked at."""

    def __init__(self, size: int) -> None:
        self.pages = np.zeros(-(-size // mmap.PAGESIZE), bool)

    def __getitem__(self, asked: slice) -> np.ndarray:
        assert asked.step == mmap.PAGESIZE
        assert asked.start % mmap.PAGESIZE == 0
        assert asked.stop <= len(FILE)
        self.pages[asked.start // mmap.PAGESIZE : -(-asked.stop // mmap.PAGESIZE)] = True
        return np.zeros(1)


@given(st.integers(0, 60), st.integers(1, 20), st.integers(1, 300), st.sampled_from(ORDERS[:2]))
def test_all_rows_are_asked_for(start, steps, batch, order):
    """Every page under the rows of some steps is looked at, across epochs too."""
    X = np.frombuffer(FILE, np.float32).reshape(N, WIDTH)
    plan = Plan(batch_size=batch, order=order, epochs=1000)
    ahead = ReadAhead(X, FILE, plan)
    told = ahead._bytes = Told(len(FILE))
    ahead.ask(start, start + steps)
    ahead._thread.join()
    row = X.strides[0]
    for step in range(start, start + steps):
        for sample in plan.batch(step, N):
            first, last = sample * row, (sample + 1) * row
            assert told.pages[first // mmap.PAGESIZE : -(-last // mmap.PAGESIZE)].all()


def test_rows_that_no_step_sees_are_not_asked_for():
    """Asking for the first step alone leaves the last page alone, so the test above could fail."""
    X = np.frombuffer(FILE, np.float32).reshape(N, WIDTH)
    ahead = ReadAhead(X, FILE, Plan(batch_size=100, order="sequential"))
    told = ahead._bytes = Told(len(FILE))
    ahead.ask(0, 1)
    ahead._thread.join()
    assert told.pages.tolist() == [True] + [False] * (len(told.pages) - 1)


def test_only_mappings_are_found(on_disk):
    """Views of a mapped array lie in its file; other arrays lie in none."""
    assert isinstance(file_under(np.asarray(on_disk)[10:, :3]), mmap.mmap)
    assert file_under(np.array(on_disk)) is None


def test_a_block_that_two_requests_share_is_looked_at_once():
    """Steps that go on in the blocks that were asked for last ask for nothing; asked for alone, they do."""
    X = np.frombuffer(FILE, np.float32).reshape(N, WIDTH)
    looked = []
    for starts in [(0, 1), (1,)]:
        ahead = ReadAhead(X, FILE, Plan(batch_size=10, order=Blocks(90)))
        for start in starts:
            told = ahead._bytes = Told(len(FILE))
            ahead.ask(start, start + 1)
            ahead._thread.join()
        looked.append(told.pages.any())
    assert looked == [False, True]
