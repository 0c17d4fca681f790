"""Files are written whole or not at all, whatever fails and whenever."""

import errno
import os
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from schuss import OutputError
from schuss.training import record
from schuss.training.record import check_place, write_whole

OLD, NEW = b"the old content", b"the new content" * 1000


def failing(code: int) -> Callable[..., Any]:
    def fail(*_: Any, **__: Any) -> None:
        raise OSError(code, os.strerror(code))

    return fail


def test_content_is_written_and_replaces_what_was_there(tmp_path: Path) -> None:
    """The path is returned, the content is exact, and nothing else is left beside it."""
    path = tmp_path / "file"
    for content in (OLD, NEW, b""):
        assert write_whole(str(path), content) == path
        assert path.read_bytes() == content
    assert list(tmp_path.iterdir()) == [path]


def test_the_mode_is_that_of_an_ordinary_new_file(tmp_path: Path) -> None:
    """What the umask leaves of 0666, not the 0600 of a temporary file."""
    old = os.umask(0o027)
    try:
        path = write_whole(tmp_path / "file", NEW)
    finally:
        os.umask(old)

    assert stat.S_IMODE(path.stat().st_mode) == 0o640


def test_an_existing_files_mode_stays(tmp_path: Path) -> None:
    """What was private is not opened to others by being written again."""
    path = tmp_path / "file"
    path.write_bytes(OLD)
    path.chmod(0o600)
    write_whole(path, NEW)

    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    """The file that it leads to is replaced, in its own folder."""
    (tmp_path / "far").mkdir()
    real, link = tmp_path / "far" / "real", tmp_path / "link"
    link.symlink_to(real)
    for content in (OLD, NEW):
        write_whole(link, content)

        assert link.is_symlink()
        assert real.read_bytes() == content
    assert list((tmp_path / "far").iterdir()) == [real]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="has no named pipes")
def test_a_pipe_or_a_device_is_not_replaced(tmp_path: Path) -> None:
    """A pipe stays a pipe; a superuser's -o to a device would destroy it."""
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OutputError, match="is a device or a pipe"):
        write_whole(tmp_path / "pipe", NEW)
    with pytest.raises(OutputError, match="is a device or a pipe"):
        check_place(os.devnull)

    assert stat.S_ISFIFO((tmp_path / "pipe").stat().st_mode)


@pytest.mark.parametrize("call", ["fsync", "replace", "chmod", "fdopen"])
@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EACCES, errno.EROFS, errno.EIO])
def test_whatever_call_fails_the_old_file_stands_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str, code: int
) -> None:
    """The error says why; no temporary file is left; the old content is untouched."""
    path = tmp_path / "file"
    path.write_bytes(OLD)
    monkeypatch.setattr(record.os, call, failing(code))
    with pytest.raises(OutputError, match=os.strerror(code)):
        write_whole(path, NEW)
    monkeypatch.undo()

    assert path.read_bytes() == OLD
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_that_may_not_be_written_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before any work, and once more where only the attempt shows it."""
    monkeypatch.setattr(record.os, "open", failing(errno.EROFS))
    with pytest.raises(OutputError, match="Read-only file system"):
        write_whole(tmp_path / "file", NEW)
    monkeypatch.setattr(record.os, "access", lambda *_: False)
    with pytest.raises(OutputError, match="no permission to write"):
        check_place(tmp_path / "file")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write anywhere")
def test_permissions_bind(tmp_path: Path) -> None:
    """A folder without the right to write is refused."""
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(OutputError, match="permission"):
            write_whole(tmp_path / "file", NEW)
    finally:
        tmp_path.chmod(0o700)


@pytest.mark.parametrize("check", [lambda path: write_whole(path, NEW), check_place])
def test_a_directory_or_a_missing_folder_is_refused(tmp_path: Path, check: Any) -> None:
    """The sentence says which, and the file system is as before."""
    (tmp_path / "plain").write_bytes(OLD)
    with pytest.raises(OutputError, match="is a directory; give the name of a file"):
        check(tmp_path)
    with pytest.raises(OutputError, match=r"folder .*nope does not exist; make it first"):
        check(tmp_path / "nope" / "file")
    with pytest.raises(OutputError, match="does not exist"):
        check(tmp_path / "plain" / "file")
    assert [p.name for p in tmp_path.iterdir()] == ["plain"]


FULL = """
import resource, signal, sys
from schuss.training.record import write_whole
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000))
write_whole(sys.argv[1], b"x" * 20_000)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="has no file size limits")
def test_a_disk_that_is_full_half_way_leaves_the_old_file(tmp_path: Path) -> None:
    """A real write that stops in the middle: half of the content is nowhere to be found."""
    path = tmp_path / "file"
    path.write_bytes(OLD)
    done = subprocess.run(  # noqa: S603  # our own command
        [sys.executable, "-c", FULL, str(path)], capture_output=True, text=True, check=False
    )

    assert "OutputError" in done.stderr
    assert "File too large" in done.stderr
    assert path.read_bytes() == OLD
    assert list(tmp_path.iterdir()) == [path]


def test_an_interrupt_while_writing_leaves_no_temporary_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-C during the write is passed on, and the folder is as before."""

    def interrupt(_: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(record.os, "fsync", interrupt)
    with pytest.raises(KeyboardInterrupt):
        write_whole(tmp_path / "file", NEW)

    assert list(tmp_path.iterdir()) == []
