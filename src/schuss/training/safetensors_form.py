"""Arrays in the safetensors format, as its library would write them, without a copy of them.

    length of the header (8 bytes, little-endian), the header in JSON, spaces up to a multiple of 8,
    then the numbers of each array, little-endian

Files are read by the library.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

import numpy as np

from schuss.method.functions import Array

__all__ = ["TYPES", "header", "in_order"]

# in the order in which arrays stand in a file: the widest first, so that each lies at a multiple of its width
TYPES = {
    "uint64": "U64",
    "int64": "I64",
    "float64": "F64",
    "float32": "F32",
    "uint32": "U32",
    "int32": "I32",
    "float16": "F16",
    "uint16": "U16",
    "int16": "I16",
    "int8": "I8",
    "uint8": "U8",
    "bool": "BOOL",
}


def in_order(arrays: Mapping[str, Array]) -> dict[str, Array]:
    """Return `arrays` as a file holds them: in its order, contiguous and little-endian."""
    types = list(TYPES)
    names = sorted(arrays, key=lambda name: (types.index(arrays[name].dtype.name), name))
    return {name: np.asarray(arrays[name], arrays[name].dtype.newbyteorder("<"), "C") for name in names}


def header(metadata: Mapping[str, str], arrays: Mapping[str, Array]) -> bytes:
    """Return what a file with `arrays`, which are `in_order`, begins with."""
    told, at = dict[str, object](__metadata__=metadata), 0
    for name, array in arrays.items():
        place = [at, at + array.nbytes]
        told[name] = {"dtype": TYPES[array.dtype.name], "shape": array.shape, "data_offsets": place}
        at += array.nbytes
    text = json.dumps(told, ensure_ascii=False, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text
