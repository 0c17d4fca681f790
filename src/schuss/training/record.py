"""The only place that touches the disk, by past_cache.py too. Files are written whole or not at all."""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Collection
from pathlib import Path
from typing import IO, NamedTuple

from schuss.errors import OutputError
from schuss.training.content import Content
from schuss.training.past_cache import write_past_cache

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]  # as it is there

__all__ = ["NextFree", "append", "check_place", "claim", "make_folder", "remove", "write_whole"]

NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)


def write_whole(
    path: str | os.PathLike[str],
    content: bytes | memoryview | Content,
    *,
    flush: bool = True,
    cached: bool = True,
) -> Path:
    """Write `content` to `path` so that the file is there whole or not at all, and return the path.

    The bytes go to a temporary file beside it, are flushed to the disk, and the name is changed last.
    Without `flush` that holds for a kill, but not for a power failure, which a checksum must notice.
    What is not to be `cached` goes to the disk at once where that can be: see past_cache.py.

    Raises
    ------
    OutputError
        A directory stands there, the folder is missing, or the disk is full or may not be written.
    """
    path, content = check_place(path), content if isinstance(content, Content) else Content.of(content)
    place = os.path.realpath(path)  # a link stays a link
    temporary = None
    try:
        name = f"{os.path.dirname(place)}/.{path.name}.{secrets.token_hex(4)}"  # noqa: PTH120  # all are strings
        handle = os.open(name, NEW_FILE, 0o666)  # what the umask leaves of that
        temporary = name
        with os.fdopen(handle, "wb") as file:
            if cached or not write_past_cache(handle, content):
                file.writelines(content)
                file.flush()
            if flush:
                os.fsync(file.fileno())
        _take_mode(temporary, place)
        os.replace(temporary, place)  # noqa: PTH105  # as above
    except BaseException as error:  # Ctrl-C too must leave nothing behind
        if temporary is not None:
            with contextlib.suppress(OSError):
                os.unlink(temporary)  # noqa: PTH108  # as above
        if isinstance(error, OSError):
            raise OutputError(f"cannot write {path}: {error.strerror or error}.") from error
        raise
    return path


def append(path: Path, content: bytes | memoryview) -> None:
    """Add `content` to the end of a file; a kill may leave a part of it there.

    Raises
    ------
    OutputError
    """
    try:
        with path.open("ab", buffering=0) as file:
            whole = file.write(content) == len(content)
    except OSError as error:
        raise OutputError(f"cannot write {path}: {error.strerror or error}.") from error
    if not whole:
        raise OutputError(f"cannot write {path}: the disk is full.")


def remove(path: Path) -> None:
    """Remove a file, if it is there; OutputError where that may not be."""
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise OutputError(f"cannot remove {path}: {error.strerror or error}.") from error


def make_folder(path: Path, left: Collection[str] = ()) -> Path:
    """Make a new folder, and those above it, and return its path.

    Entries called as in `left`, and temporary files, may stand there: a kill has left them.

    Raises
    ------
    OutputError
        Something stands there that is no such folder, or none may be made.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
        if any(entry.name not in left and not entry.name.startswith(".") for entry in path.iterdir()):
            raise OutputError(f"{path} is not empty; name a new folder for the run.")
    except OSError as error:
        raise _cannot_make(path, error) from error
    return path


def _cannot_make(path: Path, error: OSError) -> OutputError:
    if isinstance(error, OutputError):
        return error
    return OutputError(f"cannot make the folder {path}: {error.strerror or error}.")


class NextFree(NamedTuple):
    """A place that is given out but once: `path`, or the first of path-2, path-3, … that is free."""

    path: Path

    @classmethod
    def beside(cls, place: str | os.PathLike[str] | NextFree | None) -> NextFree | None:
        """Return where another attempt is recorded than the one that was to be at `place`; None for none."""
        return place if place is None or isinstance(place, NextFree) else cls(Path(place))

    def made(self) -> Path:
        """Make the folder and return it; no other process is given the same."""
        number, place = 1, self.path
        while True:
            try:
                place.parent.mkdir(parents=True, exist_ok=True)
                place.mkdir()
            except FileExistsError:
                number += 1
                place = self.path.with_name(f"{self.path.name}-{number}")
            except OSError as error:
                raise _cannot_make(place, error) from error
            else:
                return place


def claim(path: Path) -> IO[bytes] | None:
    """Open the file `path` for this process alone until it is closed; None if another process has it.

    A kill gives it back. Where the system knows no such locks, it is given to everyone.
    """
    try:
        file = path.open("ab")
    except OSError as error:
        raise OutputError(f"cannot write {path}: {error.strerror or error}.") from error
    if fcntl is not None:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            file.close()
            return None
    return file


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


def _take_mode(temporary: str, place: str) -> None:
    """Give a file the mode of the one that it is to replace, if that is there."""
    with contextlib.suppress(FileNotFoundError):
        os.chmod(temporary, os.stat(place).st_mode & 0o777)  # noqa: PTH101, PTH116  # both are strings
