"""Rows of numbers that a file gathers bit by bit: blocks that each carry a checksum. Pure; it moves bytes.

    block = "SCHU", rows (4 bytes), first row (8), columns (4), checksum (12), then the numbers as float64

A block that was cut off by a kill, or damaged, ends what is known; what stands before it is whole.
"""

from __future__ import annotations

import hashlib
import struct

import numpy as np
from numpy.typing import NDArray

__all__ = ["as_block", "whole_rows"]

HEAD = struct.Struct("<4sIQI")
MAGIC = b"SCHU"
CHECKSUM_BYTES = 12

Rows = NDArray[np.float64]


def as_block(first: int, rows: Rows) -> bytes:
    """Return a block with `rows`, shape (rows, columns), the first of which has number `first`."""
    head = HEAD.pack(MAGIC, len(rows), first, rows.shape[1])
    numbers = np.ascontiguousarray(rows, "<f8").tobytes()
    return head + _checksum(head, numbers) + numbers


def whole_rows(content: bytes, columns: int) -> tuple[Rows, int]:
    """Return the rows of the blocks that are whole and follow each other, and how many bytes they take."""
    found, at, rows = [], 0, 0
    while (block := _block_at(content, at)) is not None:
        first, numbers, end = block
        if first != rows or numbers.shape[1] != columns:
            break
        found.append(numbers)
        at, rows = end, rows + len(numbers)
    return np.concatenate([np.empty((0, columns)), *found]), at


def _block_at(content: bytes, at: int) -> tuple[int, Rows, int] | None:
    """Return first row, rows and end of the block at `at`, or None where no whole one stands."""
    begin = at + HEAD.size + CHECKSUM_BYTES
    if len(content) < begin:
        return None
    head = content[at : at + HEAD.size]
    magic, rows, first, columns = HEAD.unpack(head)
    end = begin + 8 * rows * columns
    if magic != MAGIC or len(content) < end:
        return None
    if _checksum(head, content[begin:end]) != content[at + HEAD.size : begin]:
        return None
    return first, np.frombuffer(content, "<f8", rows * columns, begin).reshape(rows, columns), end


def _checksum(head: bytes, numbers: bytes) -> bytes:
    return hashlib.sha256(head + numbers).digest()[:CHECKSUM_BYTES]
