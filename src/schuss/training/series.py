"""Rows of numbers that a file gathers bit by bit: blocks that each carry a checksum. Pure; it moves bytes.

    block = "SCHU", rows (4 bytes), first row (8), columns (1), kind (1), halvings (2), checksum (12),
            then the numbers: of kind 0 as float64, of kind 1 as float32

Halvings: how often every second row had been given up before.

A block that was cut off by a kill, or damaged, ends what is known; what stands before it is whole.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["as_block", "as_blocks", "whole_rows"]

HEAD = struct.Struct("<4sIQBBH")
MAGIC = b"SCHU"
CHECKSUM_BYTES = 12
BEGIN = HEAD.size + CHECKSUM_BYTES  # of the numbers
MOST = 2**14  # rows of one of several blocks

KINDS = "<f8", "<f4"

Rows = NDArray[np.floating[Any]]


def as_block(first: int, rows: Rows, halvings: int = 0) -> memoryview:
    """Return a block with `rows`, shape (rows, columns), the first of which has number `first`."""
    block = np.empty(BEGIN + rows.nbytes, np.uint8).data
    kind = _kind(rows.dtype)
    block[: HEAD.size] = HEAD.pack(MAGIC, len(rows), first, rows.shape[1], kind, halvings)
    np.frombuffer(block, KINDS[kind], rows.size, BEGIN).reshape(rows.shape)[:] = rows
    block[HEAD.size : BEGIN] = _checksum(block)
    return block


def as_blocks(first: int, parts: Iterable[Rows], halvings: int = 0) -> Iterator[memoryview]:
    """Return blocks with the rows of all `parts`, each part of shape (rows, columns).

    They are made in one small room, which stays near: a view is good until the next one is asked for.
    """
    for rows in _joined(parts):
        yield as_block(first, rows, halvings)
        first += len(rows)


def _joined(parts: Iterable[Rows]) -> Iterator[Rows]:
    """Yield the rows of `parts`, joined and cut to pieces of at most MOST rows: all in one room."""
    room, filled = None, 0
    for part in parts:
        room = np.empty((MOST, part.shape[1]), part.dtype) if room is None else room
        while len(part):
            fits = min(len(part), MOST - filled)
            room[filled : filled + fits] = part[:fits]
            part, filled = part[fits:], filled + fits  # noqa: PLW2901  # what is left of it
            if filled == MOST:
                yield room
                filled = 0
    if room is not None and filled:
        yield room[:filled]


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
