"""The only place that touches the disk. Files are written whole or not at all."""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path

from schuss.errors import OutputError

__all__ = ["write_whole"]


def write_whole(path: str | os.PathLike[str], content: bytes) -> Path:
    """Write `content` to `path` so that the file is there whole or not at all, and return the path.

    The bytes go to a temporary file beside it, are flushed to the disk, and the name is changed last.

    Raises
    ------
    OutputError
        A directory stands there, the folder is missing, or the disk is full or may not be written.
    """
    path = Path(path)
    if path.is_dir():
        raise OutputError(f"{path} is a directory; give the name of a file.")
    if not path.parent.is_dir():
        raise OutputError(f"the folder {path.parent} does not exist; make it first.")
    temporary = None
    try:
        handle, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, 0o666 & ~_umask())  # noqa: PTH101  # mkstemp's 0600 would hide the result
        os.replace(temporary, path)  # noqa: PTH105  # both names are plain strings here
    except OSError as error:
        if temporary is not None:
            with contextlib.suppress(OSError):
                os.unlink(temporary)  # noqa: PTH108  # as above
        raise OutputError(f"cannot write {path}: {error.strerror or error}.") from error
    return path


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
