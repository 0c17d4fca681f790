"""What we write of the safetensors format is what its library writes, and it reads it."""

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from safetensors.numpy import load, save

from schuss import RecordError
from schuss.training import sealed
from schuss.training.safetensors_form import TYPES, header, in_order
from schuss.training.sealed import Seal

NAMES = ["theta", "best.theta", "a", "Z", 'quo"te\\', "Δw", "line\nbreak\x01", ""]


def ours(arrays: Mapping[str, Any], metadata: Mapping[str, str]) -> bytes:
    """Return a file's content."""
    ordered = in_order(arrays)
    return header(metadata, ordered) + b"".join(array.tobytes() for array in ordered.values())


@st.composite
def some_arrays(draw: st.DrawFn) -> dict[str, Any]:
    """Return arrays of any type, shape and layout."""
    names = draw(st.lists(st.sampled_from(NAMES), unique=True, max_size=6))
    rng, arrays = np.random.default_rng(draw(st.integers(0, 99))), {}
    for name in names:
        shape = draw(st.lists(st.integers(0, 4), max_size=3))
        array = np.asarray(rng.integers(0, 2, shape), draw(st.sampled_from(list(TYPES))))
        arrays[name] = draw(st.sampled_from([array, array.T, array[..., None][..., 0]]))
    return arrays


@given(some_arrays(), st.sampled_from(NAMES), st.sampled_from(NAMES))
def test_it_is_what_the_library_writes(arrays: dict[str, Any], key: str, text: str) -> None:
    """To the last byte, where there is one line about it: the library has no order for several."""
    written = ours(arrays, {key: text})
    whole = {name: np.ascontiguousarray(array).reshape(array.shape) for name, array in arrays.items()}

    assert written == save(whole, metadata={key: text})
    found = load(written)
    assert found.keys() == arrays.keys()
    assert all(np.array_equal(found[name], arrays[name]) for name in arrays)
    assert all(found[name].dtype == arrays[name].dtype for name in arrays)


def test_a_wrong_order_or_length_is_noticed() -> None:
    """The comparison above rejects arrays by name alone, and a header that is not filled up."""
    arrays = {"a": np.ones(3, np.float32), "b": np.ones(2)}
    theirs = save(arrays, metadata={"k": "v"})
    by_name = header({"k": "v"}, arrays) + b"".join(array.tobytes() for array in arrays.values())
    assert by_name != theirs == ours(arrays, {"k": "v"})
    start = header({"k": "v"}, in_order(arrays))
    text = start[8:].rstrip(b" ")
    unfilled = len(text).to_bytes(8, "little") + text + theirs[len(start) :]
    assert unfilled != theirs == start + theirs[len(start) :]


def test_numbers_of_another_byte_order_are_written_as_all() -> None:
    """Files are little-endian wherever they are made."""
    array = np.arange(5, dtype=">f4")
    assert ours({"a": array}, {"k": "v"}) == ours({"a": array.astype("<f4")}, {"k": "v"})
    assert load(ours({"a": array}, {"k": "v"}))["a"].tolist() == array.tolist()


@pytest.mark.parametrize("large", [0, 2**40])
def test_a_sealed_file_is_that_of_the_library(tmp_path: Any, monkeypatch: Any, large: int) -> None:
    """Whether another thread makes the checksum or not, and where the system gives no thread."""
    from concurrent.futures import ThreadPoolExecutor

    seal, value = Seal("thing", 3, RecordError), {"step": 4, "text": "η"}
    arrays = {"theta": np.arange(7.0), "memory": np.ones((1, 7), np.float32), "none": np.empty((0, 3))}
    monkeypatch.setattr(sealed, "LARGE", large)
    content = seal.close(value, arrays)
    whole = b"".join(content)
    length = int.from_bytes(whole[:8], "little")
    metadata = json.loads(whole[8 : 8 + length])["__metadata__"]
    theirs = save(arrays, metadata=metadata)

    assert len(content) == len(whole) == len(theirs)
    assert json.loads(whole[8 : 8 + length]) == json.loads(theirs[8 : 8 + length])
    assert whole[8 + length :] == theirs[8 + length :]
    (tmp_path / "file").write_bytes(whole)
    told, found = seal.open(tmp_path / "file")
    assert told == value
    assert found["memory"].tobytes() == arrays["memory"].tobytes()

    def refuse(*_: Any) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(ThreadPoolExecutor, "submit", refuse)
    assert b"".join(seal.close(value, arrays)) == whole


def test_a_large_file_with_any_byte_flipped_is_refused(tmp_path: Any) -> None:
    """In its header, in each array, and where the pieces in which it is written meet."""
    from schuss.training.past_cache import AT_ONCE, BLOCK
    from schuss.training.record import write_whole

    seal = Seal("thing", 1, RecordError)
    arrays = {"theta": np.random.default_rng(0).standard_normal(150_001), "memory": np.ones((1, 150_001))}
    path = write_whole(tmp_path / "file", seal.close({"step": 1}, arrays), cached=False)
    whole = path.read_bytes()
    assert len(whole) > 2 * AT_ONCE
    assert seal.open(path)[1]["theta"].tobytes() == arrays["theta"].tobytes()
    borders = [b + d for b in (BLOCK, AT_ONCE, 2 * AT_ONCE) for d in (-1, 0)]
    for at in [0, 9, 60, 130, 400, *borders, len(whole) // 2, len(whole) - 1]:
        with path.open("r+b") as file:
            file.seek(at)
            file.write(bytes([whole[at] ^ 0x20]))
        with pytest.raises(RecordError, match="file is"):
            seal.open(path)
        with path.open("r+b") as file:
            file.seek(at)
            file.write(whole[at : at + 1])
    assert seal.open(path)[0] == {"step": 1}
