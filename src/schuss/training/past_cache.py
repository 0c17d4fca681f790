"""Large content to a file past the system's page cache, for what is written often and seldom read.

Pages that the cache takes from the system for the first time can cost ten times what the writing costs, and
push out what others read.
"""

from __future__ import annotations

import errno
import mmap
import os

from schuss.training.content import Content

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]  # as it is there

__all__ = ["LARGE", "write_past_cache"]

LARGE = 2**20  # bytes that are better kept out of the cache

BLOCK = 4096  # bytes, of which such writes are whole multiples
AT_ONCE = 2**20
ROOMS: list[mmap.mmap] = []  # kept: what is new costs more than what is written from it
DIRECT = getattr(os, "O_DIRECT", 0)  # Linux alone has it


def write_past_cache(handle: int, content: Content) -> bool:
    """Write `content` to an open, empty file; False, and the file is empty, where system or disk cannot so.

    Raises
    ------
    OSError
        The disk is full or failed.
    """
    if fcntl is None or not DIRECT:
        return False
    flags = fcntl.fcntl(handle, fcntl.F_GETFL)
    try:
        fcntl.fcntl(handle, fcntl.F_SETFL, flags | DIRECT)
        _write(handle, content)
    except OSError as error:
        if error.errno != errno.EINVAL:
            raise
        os.ftruncate(handle, 0)
        return False
    finally:
        fcntl.fcntl(handle, fcntl.F_SETFL, flags)
    return True


def _write(handle: int, content: Content) -> None:
    room = ROOMS.pop() if ROOMS else mmap.mmap(-1, AT_ONCE, mmap.MAP_PRIVATE)  # which begins at a page
    try:
        for at in [*range(AT_ONCE, len(content), AT_ONCE), 0]:  # the head, which may not be known yet, last
            _write_piece(handle, content, at, memoryview(room))
    finally:
        ROOMS.append(room)
    os.ftruncate(handle, len(content))  # the last block was written whole


def _write_piece(handle: int, content: Content, at: int, room: memoryview) -> None:
    size = -(-content.fill(room, at) // BLOCK) * BLOCK
    if os.pwrite(handle, room[:size], at) < size:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
