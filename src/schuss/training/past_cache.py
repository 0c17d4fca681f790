"""Large content to a file past the system's page cache, for what is written often and seldom read.

Pages that the cache takes from the system for the first time can cost ten times what the writing costs, and
push out what others read.
"""

from __future__ import annotations

import errno
import mmap
import os

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]  # as it is there

__all__ = ["LARGE", "write_past_cache"]

LARGE = 2**20  # bytes that are better kept out of the cache

BLOCK = 4096  # bytes, of which such writes are whole multiples
AT_ONCE = 2**22
DIRECT = getattr(os, "O_DIRECT", 0)  # Linux alone has it


def write_past_cache(handle: int, content: bytes | memoryview) -> bool:
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
        _write(handle, memoryview(content))
    except OSError as error:
        if error.errno != errno.EINVAL:
            raise
        os.ftruncate(handle, 0)
        return False
    finally:
        fcntl.fcntl(handle, fcntl.F_SETFL, flags)
    return True


def _write(handle: int, content: memoryview) -> None:
    blocks = memoryview(mmap.mmap(-1, AT_ONCE))  # which begins at a page
    for at in range(0, len(content), AT_ONCE):
        part = content[at : at + AT_ONCE]
        blocks[: len(part)] = part
        size = -(-len(part) // BLOCK) * BLOCK
        if os.pwrite(handle, blocks[:size], at) < size:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    os.ftruncate(handle, len(content))  # the last block was written whole
