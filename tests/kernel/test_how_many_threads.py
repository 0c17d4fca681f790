"""How many threads make the steps of a training: its decisions, on a machine that is made up."""

from __future__ import annotations

from pathlib import Path

import pytest

from programs import compiled, told_by

# Phases of: seconds of a step by two threads and by one, the part of them in which the first of two is at
# work, how many decisions, how many threads are allowed. Said for each: the steps by two, those by one, and
# how many threads make the next.
DRIVER = """
#include "pace.hpp"
#include <cstdio>
int main() {
  schuss::Pace pace(2);
  double two, one, at_work;
  int decisions, allowed;
  while (std::scanf("%lf %lf %lf %d %d", &two, &one, &at_work, &decisions, &allowed) == 5) {
    long by_two = 0, by_one = 0;
    pace.allow(allowed);
    for (int i = 0; i < decisions; i++) {
      const bool both = pace.threads() == 2;
      const long steps = pace.steps();
      const double each = both ? two : one;
      (both ? by_two : by_one) += steps;
      pace.note(each, each * double(steps), both ? at_work : 1.0);
    }
    std::printf("%ld %ld %d\\n", by_two, by_one, pace.threads());
  }
}
"""
Phase = tuple[float, float, float, int, int]


@pytest.fixture(scope="module")
def driver(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a program that asks pace.hpp."""
    return compiled(DRIVER, tmp_path_factory.mktemp("pace"))


def decided(driver: Path, *phases: Phase) -> list[list[int]]:
    """Return for each phase the steps by two threads, those by one, and how many make the next."""
    return told_by(driver, "\n".join(" ".join(str(value) for value in phase) for phase in phases))


def test_long_steps_at_which_all_are_at_work_are_never_made_by_fewer(driver: Path) -> None:
    [(by_two, by_one, last)] = decided(driver, (0.020, 0.040, 0.97, 500, 2))
    assert by_two >= 500
    assert (by_one, last) == (0, 2)


def test_long_steps_that_wait_are_tried_by_one_who_goes_on_where_that_is_faster(driver: Path) -> None:
    [(by_two, by_one, last)] = decided(driver, (0.060, 0.040, 0.5, 500, 2))
    assert last == 1
    assert by_two < by_one / 10
    [(by_two, by_one, last)] = decided(driver, (0.030, 0.040, 0.5, 500, 2))  # and not where it is slower
    assert last == 2
    assert 0 < by_one < by_two / 10


@pytest.mark.parametrize(("two", "one", "best"), [(1e-5, 1.8e-5, 2), (1e-5, 0.8e-5, 1)])
def test_short_steps_are_tried_by_fewer(driver: Path, two: float, one: float, best: int) -> None:
    [(by_two, by_one, _)] = decided(driver, (two, one, 1.0, 500, 2))
    fast, slow = (by_two, by_one) if best == 2 else (by_one, by_two)
    assert 0 < slow < fast / 5


def test_a_processor_that_is_taken_and_given_back_is_noticed(driver: Path) -> None:
    calm, busy = (0.020, 0.040, 0.98, 100, 2), (0.120, 0.040, 0.4, 100, 2)
    phases = decided(driver, calm, busy, calm, calm)
    assert [last for _, _, last in phases] == [2, 1, 2, 2]
    assert phases[0][1] == phases[3][1] == 0


def test_others_take_a_processor_and_what_was_known_waits(driver: Path) -> None:
    """Not one step by two while another call is under way; long stretches by one; then two again, at once."""
    alone, beside = (0.001, 0.0019, 0.98, 400, 2), (0.004, 0.0019, 0.4, 50, 1)
    before, meanwhile, after = decided(driver, alone, beside, (*alone[:3], 1, 2))
    assert before[2] == after[2] == 2
    assert meanwhile == [0, 1 + 49 * 10, 1]  # after the first, as many as take some 20 ms
    assert after[1] == 0
