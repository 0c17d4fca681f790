"""Checkpoints lie as far apart as was asked, on machines whose speed changes; the clock is set by hand."""

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise
from types import SimpleNamespace

import pytest

from schuss.training import pace
from schuss.training.pace import FAR, LOOKS, MOST_SHARE, NEAR, SHARE, Pace

SECONDS = 0.5


@dataclass
class Machine:
    """A training that is recorded, on a machine of a given speed.

    `step_at` returns the seconds of a step that begins at a time, `write_at` those of the n-th write;
    `writes` are steps at which there was one, its begin and its end.
    """

    step_at: Callable[[float], float]
    write_at: Callable[[int], float] = lambda _: 0.01
    now: float = 0.0
    looks: int = 0
    writes: list[tuple[int, float, float]] = field(
        default_factory=lambda: [(0, 0.0, 0.0)]
    )  # step, begun, ended

    def train(self, seconds: float, until: float, guess: float = 0.01) -> None:
        """Train up to a time."""
        clock, step = Pace(seconds, guess), 0
        while self.now < until:
            stop, self.looks = clock.until(step), self.looks + 1
            while step < stop:
                self.now, step = self.now + self.step_at(self.now), step + 1
            if clock.is_due(step):
                began = self.now
                self.now += self.write_at(len(self.writes))
                clock.wrote(self.now - began)
                self.writes.append((step, began, self.now))

    @property
    def gaps(self) -> list[float]:
        """Seconds of work between two checkpoints."""
        return [later[1] - earlier[2] for earlier, later in pairwise(self.writes)]

    @property
    def share(self) -> float:
        """Of the time, what writing took."""
        return sum(ended - begun for _, begun, ended in self.writes) / self.now


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Machine]:
    """Return what makes machines whose clock is the only one."""

    def made(*how: Callable[..., float]) -> Machine:
        new = Machine(*how)
        monkeypatch.setattr(pace, "time", SimpleNamespace(perf_counter=lambda: new.now))
        return new

    return made


@pytest.mark.parametrize("took", [1e-5, 3e-4, 0.017, 0.13, 0.3])
def test_gaps_are_as_asked(machine: Callable[..., Machine], took: float) -> None:
    """However long a step takes: not much shorter, and never a step longer; and it is seldom looked."""
    made = machine(lambda _: took)
    made.train(SECONDS, 10.0)

    assert min(made.gaps) >= NEAR * SECONDS - 1e-9
    assert max(made.gaps) <= SECONDS + took
    assert made.looks <= (LOOKS + 1) * len(made.writes) + 8


@pytest.mark.parametrize("took", [3e-4, 0.017, 0.05])
def test_a_speed_that_swings_leaves_no_gap_of_a_second(machine: Callable[..., Machine], took: float) -> None:
    """By half from one moment to the next, at one part in twenty of the time."""
    made = machine(lambda now: took * (1.5 if int(now / 0.7) % 2 else 1.0), lambda _: 0.015)
    made.train(SECONDS, 30.0)

    assert max(made.gaps) <= 1.25 * FAR + 1.5 * took
    assert made.share <= 0.03


@pytest.mark.parametrize("took", [3e-4, 0.017])
@pytest.mark.parametrize("looks", [LOOKS, 1])
def test_a_machine_that_slows_down_to_a_third_leaves_none_either(
    machine: Callable[..., Machine], monkeypatch: pytest.MonkeyPatch, took: float, looks: int
) -> None:
    """Whenever it does; to look once between two checkpoints would be too seldom."""
    monkeypatch.setattr(pace, "LOOKS", looks)
    widest = 0.0
    for moment in (0.001, 0.02, 0.1, 0.3, 0.7, 0.74, 0.8, 1.01):
        made = machine(lambda now, moment=moment: took / 3 if now < moment else took)
        made.train(SECONDS, 10.0)
        widest = max(widest, *made.gaps)
    assert (widest <= 2 * SECONDS + took) == (looks == LOOKS)


def test_what_is_slow_to_write_is_written_more_seldom(machine: Callable[..., Machine]) -> None:
    """So that it takes its share; one slow moment among quick ones changes nothing."""
    slow = machine(lambda _: 0.001, lambda _: 0.2)
    slow.train(SECONDS, 100.0, guess=0.2)
    assert 0.9 / MOST_SHARE < slow.share < 1.3 / MOST_SHARE

    less = machine(lambda _: 0.001, lambda _: 0.013)
    less.train(SECONDS, 30.0)
    assert SECONDS < max(less.gaps) < FAR
    assert 0.9 / SHARE < less.share < 1.3 / SHARE

    once = machine(lambda _: 0.001, lambda number: 0.3 if number == 3 else 0.01)
    once.train(SECONDS, 20.0)
    assert max(once.gaps) <= SECONDS + 0.001

    guessed = machine(lambda _: 0.001, lambda _: 0.01)
    guessed.train(SECONDS, 20.0, guess=0.1)
    assert guessed.gaps[0] >= NEAR * MOST_SHARE * 0.1
    assert max(guessed.gaps[1:]) <= SECONDS + 0.001


def test_every_step_is_due_where_that_was_asked(machine: Callable[..., Machine]) -> None:
    """However slow the disk is."""
    made = machine(lambda _: 0.001, lambda _: 0.2)
    made.train(0.0, 4.0)
    assert [step for step, *_ in made.writes] == list(range(len(made.writes)))
