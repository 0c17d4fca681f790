"""The kernel's orders are the plan's: the same generators, the same shuffles, in C++ and in NumPy."""

import os
import signal
import threading
import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import philox
from schuss.engine import native
from schuss.method.orders import Shuffled, philox_order

if native.available():
    from schuss.engine import _kernel

pytestmark = pytest.mark.skipif(not native.available(), reason="built without the kernel on purpose")
keys = st.integers(0, 2**64 - 1)


def kernel_orders(seed: int, first: int, epochs: int, n: int) -> np.ndarray:
    out = np.full((epochs, n), -1, np.int32)
    _kernel.orders(seed, first, out)
    return out


@given(keys, st.integers(0, 2**64 - 10), st.integers(0, 300))
def test_kernel_and_numpy_agree(seed, first, n):
    """Three epochs in one call are the plan's orders of those epochs."""
    expected = [philox_order(seed, first + i, n) for i in range(3)]
    np.testing.assert_array_equal(kernel_orders(seed, first, 3, n), np.array(expected).reshape(3, n))


def test_kernel_and_paper_agree():
    """The kernel equals the Philox and the shuffle written from the paper, on a long order too."""
    assert kernel_orders(7, 11, 1, 3000)[0].tolist() == philox.shuffled(7, 11, 3000)


def test_another_key_is_noticed():
    """Seed and epoch are not interchangeable, so a swapped key cannot pass."""
    assert kernel_orders(7, 11, 1, 50)[0].tolist() != philox.shuffled(11, 7, 50)


@pytest.mark.parametrize(("seed", "first"), [(-1, 0), (2**64, 0), (0, -1), (1.5, 0), (None, 0)])
def test_keys_beyond_64_bits(seed, first):
    """Keys that are not unsigned 64-bit integers are a TypeError."""
    with pytest.raises(TypeError):
        kernel_orders(seed, first, 1, 5)


def shuffled(seed: int, drawn: int = 0) -> Shuffled:
    """Return the orders of a generator that has drawn so many numbers already."""
    generator = np.random.RandomState(seed)
    generator.randint(0, 2**32, drawn, np.uint32)
    return Shuffled.of(generator)


def source_of(order: Shuffled, n: int):
    return _kernel.Shuffled(order.words, order.position, n)


def next_orders(source, first: int, epochs: int, n: int) -> np.ndarray:
    out = np.full((epochs, n), -1, np.int32)
    source.orders(first, out)
    return out


@given(st.integers(0, 2**32 - 1), st.integers(0, 1300), st.integers(0, 700), st.integers(0, 5))
def test_kernel_and_numpy_shuffle_alike(seed, drawn, n, first):
    """From any place of the generator, for any number of samples: NumPy's own shuffles, epoch after epoch."""
    order = shuffled(seed, drawn)
    found = next_orders(source_of(order, n), first, 3, n)
    np.testing.assert_array_equal(found, order.orders(n, first, first + 3))


@pytest.mark.parametrize("n", [2, 3, 4, 5, 255, 256, 257, 4096, 4097, 70_000])
def test_around_powers_of_two(n):
    """Where the mask under which a place is drawn changes its width, and far beyond one filling of words."""
    order = shuffled(11)
    np.testing.assert_array_equal(next_orders(source_of(order, n), 0, 2, n), order.orders(n, 0, 2))


def test_drawing_on_and_going_back():
    """In whatever order epochs are asked for, each is what it is; one more costs one more shuffle."""
    order, n = shuffled(5, 17), 40
    source, expected = source_of(order, n), order.orders(n, 0, 12)
    for first, epochs, drawn in [
        (0, 1, 1),
        (0, 2, 2),
        (1, 1, 2),
        (2, 4, 6),
        (9, 3, 12),
        (11, 1, 12),
        (3, 2, 5),
    ]:
        np.testing.assert_array_equal(next_orders(source, first, epochs, n), expected[first : first + epochs])
        assert source.epochs == drawn
    assert next_orders(source, 7, 0, n).shape == (0, n)


def test_broken_shuffles_are_noticed():
    """One number more, orders that do not build on each other, or a draw without rejection: all differ."""
    order, n = shuffled(5), 40
    found = next_orders(source_of(order, n), 0, 2, n)
    assert found.tolist() != shuffled(5, 1).orders(n, 0, 2).tolist()
    generator = order.generator()
    apart = [generator.permutation(n), generator.permutation(n)]
    assert found[0].tolist() == apart[0].tolist()
    assert found[1].tolist() != apart[1].tolist()
    words = shuffled(5).generator().randint(0, 2**32, n - 1, np.uint32).tolist()
    places = list(range(n))
    for i, word in zip(range(n - 1, 0, -1), words, strict=True):
        j = word * (i + 1) >> 32
        places[i], places[j] = places[j], places[i]
    assert found[0].tolist() != places


def test_two_threads_ask_one_generator():
    """Two threads that ask for epochs in turn and go back and forth each get their own."""
    order, n = shuffled(9), 300
    source, expected, wrong = source_of(order, n), order.orders(n, 0, 60), []

    def ask(first: int) -> None:
        for epoch in range(first, first + 20):
            found = next_orders(source, epoch, 2, n)
            wrong.extend([epoch] * bool((found != expected[epoch : epoch + 2]).any()))

    threads = [threading.Thread(target=ask, args=(first,)) for first in (0, 35)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_ctrl_c_on_the_way_to_a_late_epoch():
    """Minutes of shuffles are given up within a moment, and what is drawn afterwards is right."""
    order, n = shuffled(3), 100_000
    source = source_of(order, n)
    timer = threading.Timer(0.05, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    began = time.perf_counter()
    with pytest.raises(KeyboardInterrupt):
        next_orders(source, 10**7, 1, n)
    assert time.perf_counter() - began < 1
    timer.join()
    np.testing.assert_array_equal(next_orders(source, 1, 1, n), order.orders(n, 1, 2))


@pytest.mark.parametrize(
    ("words", "position", "n"),
    [
        (np.zeros(623, np.uint32), 0, 5),
        (np.zeros(624, np.int32), 0, 5),
        (np.zeros(624, np.uint32), 625, 5),
        (np.zeros(624, np.uint32), -1, 5),
        (np.zeros(624, np.uint32), 0, -1),
        (None, 0, 5),
    ],
)
def test_bad_generators_are_refused(words, position, n):
    """624 words of 32 bits, a place among them or at their end, and a number of samples."""
    with pytest.raises((TypeError, ValueError)):
        _kernel.Shuffled(words, position, n)


@pytest.mark.parametrize(
    ("first", "shape"), [(0, (1, 4)), (0, (1, 6)), (-1, (1, 5)), (2**62, (1, 5)), (2**64, (1, 5))]
)
def test_bad_questions_are_refused(first, shape):
    """Another number of samples, or an epoch that no generator reaches."""
    with pytest.raises((TypeError, ValueError)):
        next_orders(source_of(shuffled(1), 5), first, *shape)
