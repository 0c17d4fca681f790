"""How often the benchmark of whole processes asks whom."""

import pytest
from benchmarks.parts import whole
from benchmarks.processes import Whole


def runs_of(monkeypatch: pytest.MonkeyPatch, seconds: dict[str, list[float]], least: int) -> dict[str, int]:
    """Return how many runs each has, where each takes so many seconds the first, second and third time."""

    def run(arguments: list[str]) -> Whole:
        who, time = arguments
        taken = seconds[who][int(time)]
        return Whole(int(taken == 0), taken, 1.0, "")

    monkeypatch.setattr(whole, "run_python", run)
    ends = whole.in_turn({who: lambda time, who=who: [who, str(time)] for who in seconds}, least)
    assert all([end.seconds for end in ends[who]] == seconds[who][: len(ends[who])] for who in seconds)
    return {who: len(each) for who, each in ends.items()}


@pytest.mark.parametrize(
    ("peer", "other", "least", "runs"),
    [
        ([3.0, 3.0, 3.0], [9.0, 9.0, 9.0], 1, 1),
        ([3.0, 3.0, 3.0], [9.0, 9.0, 9.0], 2, 2),
        ([1.9, 3.0, 3.0], [9.0, 9.0, 9.0], 1, 3),  # near once
        ([9.0, 9.0, 9.0], [3.0, 1.9, 3.0], 2, 3),
        ([0.0, 0.0, 0.0], [3.0, 3.0, 3.0], 1, 1),  # failed: no further run would tell more
    ],
)
def test_all_are_asked_as_often(monkeypatch, peer, other, least, runs):
    """Three times where a peer is near, and else as often as is wanted at least."""
    found = runs_of(monkeypatch, {"schuss": [1.0, 1.0, 1.0], "peer": peer, "other": other}, least)
    assert found == dict.fromkeys(found, runs)


def test_without_peers(monkeypatch):
    """Ours alone is asked as often as is wanted at least."""
    assert runs_of(monkeypatch, {"schuss": [1.0, 1.0, 1.0]}, 2) == {"schuss": 2}
