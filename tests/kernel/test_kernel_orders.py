"""The kernel's orders are the plan's: the same Philox, the same shuffle, in C++ and in NumPy."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import philox
from schuss.engine import native
from schuss.method.orders import philox_order

if native.available():
    from schuss.engine import _kernel

pytestmark = pytest.mark.skipif(not native.available(), reason="built without the kernel on purpose")
keys = st.integers(0, 2**64 - 1)


def kernel_orders(seed: int, first: int, epochs: int, n: int, block: int | None = None) -> np.ndarray:
    out = np.full((epochs, n), -1, np.int32)
    _kernel.orders(seed, first, out, block or max(n, 1))
    return out


@given(keys, st.integers(0, 2**64 - 10), st.integers(0, 300))
def test_kernel_and_numpy_agree(seed, first, n):
    """Three epochs in one call are the plan's orders of those epochs."""
    expected = [philox_order(seed, first + i, n) for i in range(3)]
    np.testing.assert_array_equal(kernel_orders(seed, first, 3, n), np.array(expected).reshape(3, n))


@given(keys, keys, st.integers(1, 300), st.integers(1, 310))
def test_blocks_agree_too(seed, epoch, n, block):
    """Blocks of any size are those of the plan."""
    np.testing.assert_array_equal(
        kernel_orders(seed, epoch, 1, n, block)[0], philox_order(seed, epoch, n, block)
    )


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
