"""The order of an epoch: a permutation, a pure function of (seed, epoch), the same on every machine."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import philox
from schuss.method.orders import philox_order

keys = st.integers(0, 2**64 - 1)


@given(keys, keys, st.integers(1, 200))
def test_an_order_is_a_permutation(seed, epoch, n):
    """Each sample comes exactly once per epoch."""
    order = philox_order(seed, epoch, n)
    assert order.dtype == np.int32
    assert sorted(order.tolist()) == list(range(n))


@given(keys, keys, st.integers(1, 40))
def test_an_order_is_philox_and_fisher_yates(seed, epoch, n):
    """The order equals one made by an independent Philox and an independent shuffle."""
    assert philox_order(seed, epoch, n).tolist() == philox.shuffled(seed, epoch, n)


def test_the_independent_philox_is_the_published_one():
    """The first block of counter 0, key 0, is the known answer that ships with Random123."""
    assert philox.block(0, (0, 0)) == [
        0x16554D9ECA36314C, 0xDB20FE9D672D0FDC, 0xD7E772CEE186176B, 0x7E68B68AEC7BA23B,
    ]  # fmt: skip


def test_pinned_orders():
    """These orders hold for ever: stored runs replay only under them."""
    assert philox_order(0, 0, 10).tolist() == [4, 7, 8, 5, 1, 6, 3, 9, 2, 0]
    assert philox_order(42, 7, 10).tolist() == [1, 8, 3, 0, 5, 2, 9, 4, 7, 6]


def test_seed_and_epoch_both_matter():
    """Another seed or another epoch gives another order, and swapping the two is another key."""
    orders = {tuple(philox_order(s, e, 50)) for s, e in [(0, 0), (0, 1), (1, 0), (1, 2), (2, 1)]}
    assert len(orders) == 5


def test_every_place_is_equally_likely():
    """Over 4000 epochs each of 6 samples comes first 4000/6 times, within five standard deviations."""
    first = [philox_order(3, epoch, 6)[0] for epoch in range(4000)]
    counts = np.bincount(first, minlength=6)
    assert np.abs(counts - 4000 / 6).max() < 5 * np.sqrt(4000 * (1 / 6) * (5 / 6))


@pytest.mark.parametrize("n", [0, 1])
def test_nothing_to_shuffle(n):
    """No sample or one sample has one order."""
    assert philox_order(5, 5, n).tolist() == list(range(n))
