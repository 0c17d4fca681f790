"""Arrays and JSON as the content of one file with a checksum: safetensors, no pickle, no code.

What is damaged, truncated, foreign or newer is refused by name; nothing of it is used.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from schuss.errors import SchussError
from schuss.method.functions import Array
from schuss.training.content import Content
from schuss.training.past_cache import LARGE
from schuss.training.safetensors_form import header, in_order

__all__ = ["Seal", "package_version", "soon"]

T = TypeVar("T")

DIGITS = 64  # of a checksum
LARGEST_HEADER = 100_000_000  # bytes; safetensors refuses more


@dataclass(frozen=True)
class Seal:
    """One kind of file.

    Attributes
    ----------
    noun : str
        What the file holds: ``"model"``; its metadata name it ``"schuss model"``.
    format : int
        Raised whenever an older schuss could not read the file.
    error : type of SchussError
        Raised where a file cannot be used.
    """

    noun: str
    format: int
    error: type[SchussError]

    def close(self, value: Mapping[str, Any], arrays: Mapping[str, Array]) -> Content:
        """Return the content of a file with JSON `value` and `arrays`, which must not change till then."""
        text, arrays = json.dumps(value, allow_nan=False), in_order(arrays)
        metadata = {"kind": f"schuss {self.noun}", "format": str(self.format), self.noun: text}
        digest = soon(partial(_digest, text, arrays), sum(array.nbytes for array in arrays.values()))

        def head(digest: Callable[[], str]) -> bytes:
            return header({**metadata, "digest": digest()}, arrays)

        size = len(head(lambda: "0" * DIGITS))
        return Content(partial(head, digest), size, [_bytes(array) for array in arrays.values()])

    def open(self, path: Path) -> tuple[Any, dict[str, Array]]:
        """Return value and arrays of the file at `path`.

        Raises
        ------
        SchussError
            Of the kind that `error` names: no such file, not one of these, newer, truncated, damaged.
        """
        arrays, metadata = self._read(path)
        text = metadata.get(self.noun, "")
        if _digest(text, arrays) != metadata.get("digest"):
            raise self.error(f"{path} is damaged: its content does not match its checksum.")
        try:
            return json.loads(text), arrays
        except ValueError as error:
            raise self.error(f"{path} is damaged: {error}.") from error

    def _read(self, path: Path) -> tuple[dict[str, Array], Mapping[str, str]]:
        from safetensors import SafetensorError, safe_open

        if path.is_dir():
            raise self.error(f"{path} is a directory; give the {self.noun} file in it.")
        try:
            with path.open("rb") as file:
                start = file.read(9)
        except OSError as error:
            raise self.error(f"cannot read {path}: {error.strerror}.") from error
        try:
            with safe_open(path, framework="np") as file:
                metadata = file.metadata() or {}
                self._check_kind(path, metadata)  # before the arrays: another's may be of any size and type
                return {name: file.get_tensor(name) for name in file.keys()}, metadata  # noqa: SIM118  # not a dict
        except self.error:
            raise
        except (SafetensorError, OSError, ValueError, TypeError, AttributeError) as error:
            raise self.error(self._damage(path, start, error)) from error

    def _check_kind(self, path: Path, metadata: Mapping[str, str]) -> None:
        if metadata.get("kind") != f"schuss {self.noun}":
            raise self.error(f"{path} is a safetensors file of another program, not a schuss {self.noun}.")
        found = metadata.get("format")
        if found == str(self.format):
            return
        if found is not None and found.isdecimal() and int(found) > self.format:
            raise self.error(
                f"{path} has format {found}, written by a newer schuss; this one reads up to {self.format}. "
                "Update schuss."
            )
        raise self.error(f"{path} is damaged: its format is {found!r}, where {self.format} was expected.")

    def _damage(self, path: Path, start: bytes, error: Exception) -> str:
        """Return what is wrong with a file that safetensors cannot read, whose first bytes are `start`."""
        # a safetensors file opens with the length of its JSON header, then the header
        size, header = path.stat().st_size, int.from_bytes(start[:8], "little")
        if size == 0:
            return f"{path} is empty."
        if size <= 8:
            return f"{path} is truncated: {size} bytes are too few."
        if start[8:] != b"{" or header > LARGEST_HEADER:
            return f"{path} is not a schuss {self.noun}: its first bytes are of another format."
        if size < _whole_size(path, header):
            return f"{path} is truncated: {size} bytes are too few."
        return f"{path} is damaged: {error}."


def _whole_size(path: Path, header: int) -> int:
    """Return how many bytes a safetensors file should have by its header, as far as that can be read."""
    with contextlib.suppress(ValueError, LookupError, TypeError, AttributeError), path.open("rb") as file:
        told = json.loads(file.read(8 + header)[8:])
        return 8 + header + max(told[name]["data_offsets"][1] for name in told if name[:2] != "__")
    return 8 + header


def _digest(text: str, arrays: Mapping[str, Array]) -> str:
    sha = hashlib.sha256(text.encode())
    for name in sorted(arrays):
        sha.update(f"{name}{arrays[name].shape}{arrays[name].dtype.str}".encode())
        sha.update(_bytes(arrays[name]))
    return sha.hexdigest()


def _bytes(array: Array) -> memoryview:
    return np.ascontiguousarray(array).reshape(-1).view(np.uint8).data


def soon(compute: Callable[[], T], size: int) -> Callable[[], T]:
    """Return what waits for `compute`; where it has many bytes to read, another thread begins at once."""
    if size < LARGE:
        return compute
    from concurrent.futures import ThreadPoolExecutor

    pool = ThreadPoolExecutor(1)
    try:
        return pool.submit(compute).result
    except RuntimeError:  # the system gives no more threads
        return compute
    finally:
        pool.shutdown(wait=False)


def package_version(package: str) -> str:
    """Return the version of an installed package."""
    from importlib.metadata import PackageNotFoundError, version  # loads as long as half of schuss does

    try:
        return version(package)
    except PackageNotFoundError:  # a source tree on the path, not installed
        return "unknown"
