"""The only place that touches the disk. Files are written whole or not at all."""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path

from schuss.errors import OutputError

__all__ = ["check_place", "write_whole"]


def write_whole(path: str | os.PathLike[str], content: bytes) -> Path:
    """Write `content` to `path` so that the file is there whole or not at all, and return the path.

    The bytes go to a temporary file beside it, are flushed to the disk, and the name is changed last.

    Raises
    ------
    OutputError
        A directory stands there, the folder is missing, or the disk is full or may not be written.
    """
    path = check_place(path)
    place = os.path.realpath(path)  # a link stays a link
    temporary = None
    try:
        handle, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=os.path.dirname(place))  # noqa: PTH120  # all are strings here
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, _mode(place))  # noqa: PTH101  # as above
        os.replace(temporary, place)  # noqa: PTH105  # as above
    except BaseException as error:  # Ctrl-C too must leave nothing behind
        if temporary is not None:
            with contextlib.suppress(OSError):
                os.unlink(temporary)  # noqa: PTH108  # as above
        if isinstance(error, OSError):
            raise OutputError(f"cannot write {path}: {error.strerror or error}.") from error
        raise
    return path


def check_place(path: str | os.PathLike[str]) -> Path:
    """Return `path` if a file can stand there; asked before long work whose result goes there.

    Raises
    ------
    OutputError
        A directory or a device stands there, or the folder is missing or may not be written.
    """
    path = Path(path)
    if path.is_dir():
        raise OutputError(f"{path} is a directory; give the name of a file.")
    if path.exists() and not path.is_file():
        raise OutputError(f"{path} is a device or a pipe, which cannot be replaced; name a file.")
    folder = path.resolve().parent
    if not folder.is_dir():
        raise OutputError(f"the folder {folder} does not exist; make it first.")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise OutputError(f"cannot write {path}: no permission to write in {folder}.")
    return path


def _mode(place: str) -> int:
    """Return the mode of the file there, else an ordinary new file's: mkstemp's 0600 would hide it."""
    with contextlib.suppress(FileNotFoundError):
        return os.stat(place).st_mode & 0o777  # noqa: PTH116  # a string
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask
