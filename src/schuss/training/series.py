"""Rows of numbers that a file gathers bit by bit: blocks that each carry a checksum. Pure; it moves bytes.

    block = "SCHU", rows (4 bytes), first row (8), columns (1), kind (1), halvings (2), checksum (12),
            then the numbers: of kind 0 as float64, of kind 1 as float32

Halvings: how often every second row had been given up before.

A block that was cut off by a kill, or damaged, ends what is known; what stands before it is whole.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["as_block", "whole_rows"]

HEAD = struct.Struct("<4sIQBBH")
MAGIC = b"SCHU"
CHECKSUM_BYTES = 12
BEGIN = HEAD.size + CHECKSUM_BYTES  # of the numbers

KINDS = "<f8", "<f4"

Rows = NDArray[np.floating[Any]]


def as_block(first: int, parts: Sequence[Rows], halvings: int = 0) -> memoryview:
    """Return a block with the rows of all `parts`, shape (rows, columns) each, from number `first` on."""
    rows, columns, dtype = sum(map(len, parts)), parts[0].shape[1], parts[0].dtype
    block = np.empty(BEGIN + rows * columns * dtype.itemsize, np.uint8).data
    kind = _kind(dtype)
    block[: HEAD.size] = HEAD.pack(MAGIC, rows, first, columns, kind, halvings)
    np.concatenate(parts, out=np.frombuffer(block, KINDS[kind], offset=BEGIN).reshape(rows, columns))
    block[HEAD.size : BEGIN] = _checksum(block)
    return block


def whole_rows(content: bytes | memoryview, columns: int, dtype: str = "float64") -> tuple[Rows, int]:
    """Return the rows of the blocks that are whole and follow each other, and their halvings."""
    found, view = [np.empty((0, columns), dtype)], memoryview(content)
    at = rows = halvings = 0
    while (block := _block_at(view[at:])) is not None:
        first, numbers, halved, size = block
        if first != rows or numbers.shape[1] != columns or numbers.dtype != dtype:
            break
        if at and halved != halvings:
            break
        found.append(numbers)
        at, rows, halvings = at + size, rows + len(numbers), halved
    return np.concatenate(found), halvings


def _block_at(content: memoryview) -> tuple[int, Rows, int, int] | None:
    """Return first row, rows, halvings and size of the first block of `content`; None if it is not whole."""
    if len(content) < BEGIN:
        return None
    magic, rows, first, columns, kind, halvings = HEAD.unpack(content[: HEAD.size])
    if magic != MAGIC or kind >= len(KINDS):
        return None
    dtype = np.dtype(KINDS[kind])
    size = BEGIN + dtype.itemsize * rows * columns
    if len(content) < size:
        return None
    block = content[:size]
    if _checksum(block) != block[HEAD.size : BEGIN]:
        return None
    return first, np.frombuffer(block, dtype, offset=BEGIN).reshape(rows, columns), halvings, size


def _kind(dtype: np.dtype[Any]) -> int:
    return KINDS.index(dtype.newbyteorder("<").str)


def _checksum(block: memoryview) -> bytes:
    sha = hashlib.sha256(block[: HEAD.size])
    sha.update(block[BEGIN:])
    return sha.digest()[:CHECKSUM_BYTES]
