"""Content in parts comes out as if it were in one piece, wherever and however much of it is asked for."""

from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st

from schuss.training import content
from schuss.training.content import Content

PARTS = st.lists(st.integers(0, 40), min_size=1, max_size=5)


def of_parts(sizes: list[int], asked: Callable[[], None] = lambda: None) -> tuple[bytes, Content]:
    """Return bytes, and the content that has them in parts of some sizes."""
    whole, parts, at = bytes(range(sum(sizes))), list[memoryview](), 0
    for size in sizes:
        parts.append(memoryview(whole)[at : at + size])
        at += size

    def head() -> memoryview:
        asked()
        return parts[0]

    return whole, Content(head, sizes[0], parts[1:])


@given(PARTS, st.integers(1, 50))
def test_any_room_is_filled(sizes: list[int], room_size: int) -> None:
    """Room by room they make the whole; the parts joined do too."""
    whole, made = of_parts(sizes)
    assert b"".join(made) == whole
    assert len(made) == len(whole)
    assert rooms(made, room_size) == whole


def rooms(made: Content, size: int) -> bytes:
    """Return what is in room after room."""
    room, found = memoryview(bytearray(size)), b""
    for first in range(0, len(made), size):
        found += bytes(room[: made.fill(room, first)])
    return found


def test_parts_that_lie_a_byte_too_far_are_noticed(monkeypatch) -> None:
    """By the comparison above."""
    whole, made = of_parts([3, 9, 5])
    right = content._overlap
    assert rooms(made, 4) == whole
    monkeypatch.setattr(
        content, "_overlap", lambda room, first, part, begin: right(room, first, part, begin + (begin > 3))
    )
    assert rooms(made, 4) != whole


@given(PARTS, st.integers(0, 200), st.integers(1, 50))
def test_the_head_is_asked_for_only_where_it_is_needed(sizes: list[int], first: int, room_size: int) -> None:
    """What lies behind it can be written before it is known."""
    asked: list[int] = []
    _, made = of_parts(sizes, lambda: asked.append(1))
    if first < len(made):
        made.fill(memoryview(bytearray(room_size)), first)
        assert bool(asked) == (first < sizes[0])
