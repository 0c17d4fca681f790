"""Rows of numbers that a file gathers bit by bit: blocks that each carry a checksum. Pure; it moves bytes.

    block = "SCHU", rows (4 bytes), first row (8), columns (2), halvings (2), checksum (12),
            then the numbers as float64

Halvings: how often every second row had been given up before.

A block that was cut off by a kill, or damaged, ends what is known; what stands before it is whole.
"""

from __future__ import annotations

import hashlib
import struct

import numpy as np
from numpy.typing import NDArray

__all__ = ["as_block", "whole_rows"]

HEAD = struct.Struct("<4sIQHH")
MAGIC = b"SCHU"
CHECKSUM_BYTES = 12

Rows = NDArray[np.float64]


def as_block(first: int, rows: Rows, halvings: int = 0) -> bytes:
    """Return a block with `rows`, shape (rows, columns), the first of which has number `first`."""
    head = HEAD.pack(MAGIC, len(rows), first, rows.shape[1], halvings)
    numbers = np.ascontiguousarray(rows, "<f8").tobytes()
    return head + _checksum(head, numbers) + numbers


def whole_rows(content: bytes, columns: int) -> tuple[Rows, int]:
    """Return the rows of the blocks that are whole and follow each other, and their halvings."""
    found = list[Rows]()
    at = rows = halvings = 0
    while (block := _block_at(content, at)) is not None:
        first, numbers, halved, at = block
        if first != rows or numbers.shape[1] != columns or (found and halved != halvings):
            break
        found.append(numbers)
        rows, halvings = rows + len(numbers), halved
    return np.concatenate([np.empty((0, columns)), *found]), halvings


def _block_at(content: bytes, at: int) -> tuple[int, Rows, int, int] | None:
    """Return first row, rows, halvings and end of the block at `at`, or None where no whole one stands."""
    begin = at + HEAD.size + CHECKSUM_BYTES
    if len(content) < begin:
        return None
    head = content[at : at + HEAD.size]
    magic, rows, first, columns, halvings = HEAD.unpack(head)
    end = begin + 8 * rows * columns
    if magic != MAGIC or len(content) < end:
        return None
    if _checksum(head, content[begin:end]) != content[at + HEAD.size : begin]:
        return None
    numbers = np.frombuffer(content, "<f8", rows * columns, begin).reshape(rows, columns)
    return first, numbers, halvings, end


def _checksum(head: bytes, numbers: bytes) -> bytes:
    return hashlib.sha256(head + numbers).digest()[:CHECKSUM_BYTES]
