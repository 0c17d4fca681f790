"""Large content reaches the disk past the page cache, to the last byte; where it cannot, as any other."""

import errno
import os
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from schuss import Keep, Network, OutputError, load_run, train
from schuss.training import past_cache, record, recorder
from schuss.training.content import Content
from schuss.training.past_cache import AT_ONCE, BLOCK, write_past_cache
from schuss.training.record import write_whole

SIZES = (1, BLOCK - 1, BLOCK, BLOCK + 1, AT_ONCE, AT_ONCE + 1, 2 * AT_ONCE + 5000)
SHARED_MEMORY = Path("/dev/shm")  # noqa: S108  # the only file system that is in memory wherever there is one
direct = pytest.mark.skipif(not past_cache.DIRECT, reason="the system has no such writes")


def content(size: int) -> bytes:
    return np.random.default_rng(size).bytes(size)


def cut(written: bytes) -> list[memoryview]:
    """Return it in parts of which none ends where a block does."""
    whole, borders = memoryview(written), [0, 1, 1, BLOCK + 2, AT_ONCE // 2 + 3, len(written)]
    return [whole[first:stop] for first, stop in pairwise(borders)]


@direct
@pytest.mark.parametrize("size", SIZES)
def test_content_is_whole(tmp_path: Path, size: int) -> None:
    """Whatever is left over of blocks and pieces; what would be cached comes out the same."""
    path, written = tmp_path / "file", content(size)
    with path.open("wb") as file:
        if not write_past_cache(file.fileno(), Content.of(written)):
            pytest.skip("this disk has no such writes")
    assert path.read_bytes() == written
    parts = Content(lambda: written[:37], len(written[:37]), cut(written[37:]))
    assert write_whole(path, written, cached=False).read_bytes() == written
    assert write_whole(path, parts, cached=False).read_bytes() == written
    assert write_whole(path, parts).read_bytes() == written
    assert write_whole(path, written[1:]).read_bytes() == written[1:]


@direct
@pytest.mark.skipif(not SHARED_MEMORY.is_dir(), reason="has no file system in memory")
def test_a_disk_without_such_writes_is_written_as_any(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that refuses at once, and one that refuses the first write; nothing is left of the attempt."""

    def refuse(*_: Any) -> None:
        raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))

    with monkeypatch.context() as patch:
        patch.setattr(past_cache.os, "pwrite", refuse)
        path = write_whole(tmp_path / "file", content(BLOCK + 1), cached=False)
    assert path.read_bytes() == content(BLOCK + 1)
    place = SHARED_MEMORY / f"schuss-test-{os.getpid()}"
    try:
        assert write_whole(place, content(5000), cached=False).read_bytes() == content(5000)
    finally:
        place.unlink(missing_ok=True)


@direct
@pytest.mark.parametrize("failure", [errno.ENOSPC, errno.EIO, "short"])
def test_a_disk_that_fails_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failure: int | str
) -> None:
    """Also where it writes a part only; the old file stands, alone."""
    path = tmp_path / "file"
    path.write_bytes(b"old")

    def fail(*_: Any) -> int:
        if failure == "short":
            return BLOCK
        raise OSError(failure, os.strerror(int(failure)))

    monkeypatch.setattr(past_cache.os, "pwrite", fail)
    with pytest.raises(OutputError, match=r"No space left|Input/output error"):
        write_whole(path, content(3 * BLOCK), cached=False)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_checksum_that_fails_leaves_nothing_behind(tmp_path: Path) -> None:
    """It is asked for last, when the rest is written; the old file stands."""
    path = write_whole(tmp_path / "file", b"old")

    def interrupted() -> bytes:
        raise KeyboardInterrupt

    for cached in (True, False):
        with pytest.raises(KeyboardInterrupt):
            write_whole(path, Content(interrupted, 9, [memoryview(content(2 * AT_ONCE))]), cached=cached)
        assert path.read_bytes() == b"old"
        assert list(tmp_path.iterdir()) == [path]


@direct
def test_trainings_on_several_threads_have_rooms_of_their_own(tmp_path: Path) -> None:
    """What one writes is not another's; and the rooms are used again."""
    contents = [content(3 * AT_ONCE + size) for size in range(8)]
    past_cache.ROOMS.clear()

    def write(i: int) -> bytes:
        return write_whole(tmp_path / str(i), contents[i], flush=False, cached=False).read_bytes()

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(write, range(8))) == contents
    assert 1 <= len(past_cache.ROOMS) <= 4


@direct
@pytest.mark.parametrize("slow", [False, True])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_large_checkpoints_pass_the_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, slow: bool, dtype: Any
) -> None:
    """As long as the disk is quick; small ones never do. The run is the same."""
    asked: list[int] = []

    def watched(handle: int, written: Content) -> bool:
        asked.append(len(written))
        return write_past_cache(handle, written)

    monkeypatch.setattr(record, "write_past_cache", watched)
    monkeypatch.setattr(recorder, "SLOWEST", 1e15 if slow else 0.0)
    X, T = np.ones((8, 30), dtype), np.ones((8, 1), dtype)
    how = {"epochs": 40, "batch_size": 4, "keep": Keep(seconds=0.0)}
    large = train(Network([30, 5000, 1], "relu"), X, T, **how, record=tmp_path / "large")
    assert (len(asked) == 1) if slow else (len(asked) > 1)
    assert min(asked) > recorder.LARGE
    assert load_run(tmp_path / "large").theta.tobytes() == large.theta.tobytes()
    asked.clear()
    train(Network([30, 50, 1], "relu"), X, T, **how, record=tmp_path / "small")
    assert not asked
