"""Philox 4x64-10 and the shuffle on it, written from the paper alone. Holds no test.

Salmon, Moraes, Dror & Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011, section 4.
"""

from collections.abc import Iterator

MASK = 2**64 - 1
MULTIPLIERS = (0xD2E7470EE14C6C93, 0xCA5A826395121157)
WEYL = (0x9E3779B97F4A7C15, 0xBB67AE8584CAA73B)  # golden ratio and √3 − 1


def block(counter: int, key: tuple[int, int]) -> list[int]:
    """Return the four numbers of one counter value after ten rounds."""
    words = [(counter >> (64 * i)) & MASK for i in range(4)]
    k0, k1 = key
    for _ in range(10):
        left, right = MULTIPLIERS[0] * words[0], MULTIPLIERS[1] * words[2]
        words = [
            (right >> 64) ^ words[1] ^ k0,
            right & MASK,
            (left >> 64) ^ words[3] ^ k1,
            left & MASK,
        ]
        k0, k1 = (k0 + WEYL[0]) & MASK, (k1 + WEYL[1]) & MASK
    return words


def raw_numbers(seed: int, stream: int) -> Iterator[int]:
    """Yield the stream with key (seed, stream); the first block is that of counter 1, as in NumPy."""
    counter = 1
    while True:
        yield from block(counter, (seed, stream))
        counter += 1


def shuffled(seed: int, epoch: int, n: int) -> list[int]:
    """Return 0 … n−1 after Fisher and Yates: from the last place down, swap with one at or before it."""
    order = list(range(n))
    numbers = raw_numbers(seed, epoch)
    for last in reversed(range(1, n)):
        partner = next(numbers) * (last + 1) // 2**64
        order[last], order[partner] = order[partner], order[last]
    return order
