"""Philox 4x64-10 and 4x32-10 and the shuffle on the first, from the paper alone. Holds no test.

Salmon, Moraes, Dror & Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011, section 4.
"""

from collections.abc import Iterator

MULTIPLIERS = {64: (0xD2E7470EE14C6C93, 0xCA5A826395121157), 32: (0xD2511F53, 0xCD9E8D57)}
WEYL = {64: (0x9E3779B97F4A7C15, 0xBB67AE8584CAA73B), 32: (0x9E3779B9, 0xBB67AE85)}  # golden ratio, √3 − 1

# The generator's authors publish these for 4x32-10: (counter, key) -> words.
KNOWN = {
    ((0,) * 4, 0): (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8),
    ((2**32 - 1,) * 4, 2**64 - 1): (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD),
}


def block(counter: int, key: tuple[int, int], bits: int = 64) -> list[int]:
    """Return the four numbers, of so many bits each, of one counter value after ten rounds."""
    mask = 2**bits - 1
    words = [(counter >> (bits * i)) & mask for i in range(4)]
    k0, k1 = key
    for _ in range(10):
        left, right = MULTIPLIERS[bits][0] * words[0], MULTIPLIERS[bits][1] * words[2]
        words = [
            (right >> bits) ^ words[1] ^ k0,
            right & mask,
            (left >> bits) ^ words[3] ^ k1,
            left & mask,
        ]
        k0, k1 = (k0 + WEYL[bits][0]) & mask, (k1 + WEYL[bits][1]) & mask
    return words


def words_32(counter: tuple[int, ...], key: int) -> tuple[int, ...]:
    """Return the four 32-bit numbers of a counter of four words and a key of two."""
    return tuple(block(sum(c << (32 * i) for i, c in enumerate(counter)), (key % 2**32, key >> 32), 32))


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
