"""The order of an epoch: a permutation, a pure function of a key and the epoch, the same on every machine."""

import json

import numpy as np
import pytest
import sklearn.utils
from hypothesis import given
from hypothesis import strategies as st

import philox
from schuss.errors import SettingError
from schuss.method.orders import (
    Blocks,
    Shuffled,
    block_starts,
    check_order,
    order_from_json,
    order_to_json,
    philox_order,
)

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


@given(keys, keys, st.integers(1, 60), st.integers(1, 70))
def test_blocks_of_neighbours(seed, epoch, n, block):
    """Blocks come in the order that an independent shuffle gives, each whole, its samples shuffled."""
    order, starts = philox_order(seed, epoch, n, block).tolist(), block_starts(seed, epoch, n, block)
    assert [start // block for start in starts] == philox.shuffled(seed, epoch, -(-n // block))
    place = 0
    for start in starts:
        size = min(block, n - start)
        assert sorted(order[place : place + size]) == list(range(start, start + size))
        place += size
    assert place == n


def test_blocks_are_not_one_shuffle_over_and_over():
    """Every block is shuffled with numbers of its own, and one block of all is the plain order."""
    order = philox_order(3, 1, 400, 100).reshape(4, 100) % 100
    assert len({tuple(row) for row in order.tolist()}) == 4
    assert philox_order(3, 1, 400, 400).tolist() == philox_order(3, 1, 400).tolist()
    assert philox_order(3, 1, 400, 100).tolist() != philox_order(3, 1, 400).tolist()


def test_blocks_as_json():
    """Blocks go to JSON and back; a size that is none is refused."""
    assert order_from_json(json.loads(json.dumps(order_to_json(Blocks(7))))) == Blocks(7)
    for size in (0, -1, 1.5, 2**31, "7"):
        with pytest.raises(SettingError, match="size"):
            Blocks(size)


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


def generator(seed: int, drawn: int = 0) -> np.random.RandomState:
    """Return scikit-learn's kind of generator after so many draws."""
    source = np.random.RandomState(seed)
    source.uniform(size=drawn)
    return source


@given(st.integers(0, 2**32 - 1), st.integers(0, 700), st.integers(1, 60))
def test_shuffled_orders_are_scikit_learns(seed, drawn, n):
    """Epoch after epoch, what scikit-learn's MLP makes of its order with `sklearn.utils.shuffle`."""
    shuffle, source, expected = sklearn.utils.shuffle, generator(seed, drawn), []
    order = np.arange(n, dtype=int)
    for _ in range(4):
        order = shuffle(order, random_state=source)
        expected.append(order.tolist())
    found = Shuffled.of(generator(seed, drawn))
    assert found.orders(n, 0, 4).tolist() == expected
    assert found.orders(n, 2, 4).tolist() == expected[2:]
    assert found.orders(n, 3, 3).shape == (0, n)


def test_broken_twins_of_the_shuffle_are_rejected():
    """Orders that do not build on each other, or another place of the generator, are others."""
    n, source = 30, generator(4)
    apart = [source.permutation(n).tolist() for _ in range(2)]
    found = Shuffled.of(generator(4)).orders(n, 0, 2).tolist()
    assert found[0] == apart[0]
    assert found[1] != apart[1]
    assert found != Shuffled.of(generator(4, 1)).orders(n, 0, 2).tolist()


def test_the_generator_is_left_as_it_is():
    """Making the orders draws nothing from the generator that they were made of."""
    source = generator(8, 3)
    order = Shuffled.of(source)
    order.orders(10, 0, 3)
    assert source.uniform() == generator(8, 3).uniform()


def test_drawn_orders_go_on():
    """`drawn` gives the orders one after the other, and two of them do not disturb each other."""
    order = Shuffled.of(generator(8))
    a, b = order.drawn(20), order.drawn(20)
    expected = order.orders(20, 0, 3).tolist()
    assert [next(a).tolist(), next(b).tolist(), next(a).tolist()] == [expected[0], expected[0], expected[1]]
    assert next(b).dtype == np.int32


def test_a_shuffled_order_is_a_value():
    """Equal states are equal orders, with equal hashes; through JSON text they stay so, to the last word."""
    order = Shuffled.of(generator(8, 3))
    again = order_from_json(json.loads(json.dumps(order_to_json(order))))
    assert (again, hash(again)) == (order, hash(order))
    assert again.orders(9, 0, 2).tolist() == order.orders(9, 0, 2).tolist()
    assert order != Shuffled.of(generator(8, 4))
    assert len(repr(order)) < 40
    assert order_from_json(order_to_json("philox")) == "philox"


@pytest.mark.parametrize(
    ("key", "position", "message"),
    [
        ("0" * 4992, 625, "position"),
        ("0" * 4992, -1, "position"),
        ("0" * 4992, 1.0, "position"),
        ("0" * 4991, 0, "key"),
        (bytes(2496), 0, "key"),
        (None, 0, "key"),
    ],
)
def test_a_bad_generator_state(key, position, message):
    """624 words and a place among them or at their end."""
    with pytest.raises(SettingError, match=message):
        Shuffled(key, position)


@pytest.mark.parametrize("order", ["random", "Blocks", None, 3, np.random.RandomState(0)])
def test_what_is_no_order(order):
    """An order is one of the names, a Blocks or a Shuffled, and the error names them all."""
    with pytest.raises(SettingError, match=r"one of philox, sequential, Blocks\(size\) or a Shuffled; got"):
        check_order(order)
