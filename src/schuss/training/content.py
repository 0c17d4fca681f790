"""The bytes of a file in parts that lie in memory already: gathered where they are written, not before."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

__all__ = ["Content"]


@dataclass(frozen=True)
class Content:
    """What a file is to hold.

    Attributes
    ----------
    head : callable
        Returns what the file begins with. It may have to be waited for: ask as late as can be.
    head_size : int
        How many bytes that is.
    rest : sequence of memoryview of bytes
        What follows, in order.
    """

    head: Callable[[], bytes | memoryview]
    head_size: int
    rest: Sequence[memoryview] = ()

    @classmethod
    def of(cls, whole: bytes | memoryview) -> Content:
        """Return content that is in one piece."""
        return cls(lambda: whole, len(whole))

    def __len__(self) -> int:
        return self.head_size + sum(map(len, self.rest))

    def __iter__(self) -> Iterator[bytes | memoryview]:
        yield self.head()
        yield from self.rest

    def fill(self, room: memoryview, first: int) -> int:
        """Copy what stands from byte `first` on to `room`, as much as fits; return how many bytes that is."""
        begin = self.head_size
        if first < begin:
            _overlap(room, first, self.head(), 0)
        for part in self.rest:
            _overlap(room, first, part, begin)
            begin += len(part)
        return min(len(room), begin - first)


def _overlap(room: memoryview, first: int, part: bytes | memoryview, begin: int) -> None:
    """Copy those bytes of `part`, numbered from `begin`, that `room` has, numbered from `first`."""
    low, high = max(first, begin), min(first + len(room), begin + len(part))
    if low < high:
        room[low - first : high - first] = part[low - begin : high - begin]
