"""The kernel's Philox 4x32-10 is the published one, and NumPy's, on every instruction set."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import engines
import philox
from schuss.engine import native
from schuss.method.dropout import philox_words

if native.available():
    from schuss.engine import _kernel

words = st.integers(0, 2**32 - 1)


def kernel_words(isa: str, counters: np.ndarray, key: int) -> np.ndarray:
    out = np.zeros_like(counters)
    _kernel.philox(isa, counters, key, out)
    return out


@pytest.mark.parametrize(("given", "expected"), philox.KNOWN.items())
def test_the_published_numbers(isa, given, expected):
    """Counter and key of all zeros and of all ones give the numbers that the authors publish."""
    counter, key = given
    assert kernel_words(isa, np.array([counter], np.uint32), key)[0].tolist() == list(expected)


@given(st.lists(st.tuples(words, words, words, words), min_size=1, max_size=5), st.integers(0, 2**64 - 1))
def test_kernel_and_numpy_agree(counters, key):
    """Any counters under any key give the same numbers in C++ and in NumPy."""
    table = np.array(counters, np.uint32)
    expected = np.stack(philox_words(*table.T, key), axis=1)
    for name in engines.NATIVE:
        np.testing.assert_array_equal(kernel_words(name.removeprefix("native-"), table, key), expected)


def test_another_counter_is_noticed(isa):
    """A counter with two words exchanged, or a key with its halves exchanged, gives other numbers."""
    counter, key = np.array([[1, 2, 3, 4]], np.uint32), (6 << 32) + 5
    true = kernel_words(isa, counter, key)
    assert (kernel_words(isa, counter[:, [1, 0, 2, 3]], key) != true).all()
    assert (kernel_words(isa, counter, (5 << 32) + 6) != true).all()
