"""A search: never worse than its start, the same for the same seed, stopped and gone on with at any line."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import log_loss, root_mean_squared_error
from tuning_problems import START, make, quick_problem, quick_search

from schuss import train
from schuss.insight.tuning.clock import Clock
from schuss.insight.tuning.effects import effects
from schuss.insight.tuning.folds import Fold, Unit, shared
from schuss.insight.tuning.found import Found, standings
from schuss.insight.tuning.journal import Journal, Measured
from schuss.insight.tuning.search import Reached
from schuss.insight.tuning.setting import Setting

ABOUT: dict[str, Any] = {}


def rng_of(seed: int) -> np.random.Generator:
    return np.random.default_rng(seed)


def test_scores_are_scikit_learns() -> None:
    """Log loss of many classes and of two, root mean squared error in the target's unit."""
    rng = rng_of(0)
    y = rng.dirichlet(np.ones(3), 20)
    classes = rng.integers(0, 3, 20)
    none = np.empty((0, 1))
    told = Fold(none, none, none, classes, np.ones(3)).score(y, "cross_entropy")
    assert told == pytest.approx(log_loss(classes, y, labels=[0, 1, 2]), rel=1e-12)

    p, t = rng.uniform(0, 1, (20, 2)), rng.integers(0, 2, (20, 2))
    told = Fold(none, none, none, t, np.ones(2)).score(p, "binary_cross_entropy")
    assert told == pytest.approx(log_loss(t[:, 0], p[:, 0]) + log_loss(t[:, 1], p[:, 1]), rel=1e-12)

    T, out, scale = rng.normal(size=(20, 2)), rng.normal(size=(20, 2)), np.array([3.0, 0.5])
    told = Fold(none, none, none, T, scale).score(out, "squared_error")
    assert told == pytest.approx(root_mean_squared_error(T * scale, out * scale), rel=1e-12)
    assert told != pytest.approx(root_mean_squared_error(T, out))


def test_outputs_that_are_not_finite_are_the_worst() -> None:
    """And not the best, as NaN is in some orders."""
    none = np.empty((0, 1))
    y = np.array([[np.nan], [1.0]])
    assert Fold(none, none, none, np.zeros((2, 1)), np.ones(1)).score(y, "squared_error") == math.inf


def test_a_measurement_is_a_training() -> None:
    """The score of a setting on a fold is that of `train` with its plan, to the last bit."""
    found, problem = quick_search(8), quick_problem()
    assert len(found.measured) > 20
    for each in (found.measured[0], found.measured[-1]):
        fold = problem.fold(each.unit.repeat, each.unit.fold)
        network, plan = make(each.setting.shortened(each.unit.share), each.unit.repeat, 3, len(fold.X))
        run = train(network, fold.X, fold.T, plan)
        assert fold.score(run.predict(fold.X_unseen), "squared_error") == each.score


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_best_is_at_least_as_good_as_the_start(seed: int) -> None:
    """On the folds that both have been measured on."""
    found = quick_search(30, seed=seed)
    both = [unit for unit in found.best.scores if unit in found.start.scores]

    assert len(both) >= 3
    best, start = (np.mean([each.scores[unit] for unit in both]) for each in (found.best, found.start))
    assert best <= start
    assert found.tried == 30
    assert found.stopped == "trials"


def test_the_same_seed_gives_the_same_search() -> None:
    """And another seed another one."""
    first, again, other = quick_search(20), quick_search(20), quick_search(20, seed=1)

    assert first.measured == again.measured
    assert first.best == again.best
    assert first.measured != other.measured


@pytest.mark.parametrize("threads", [2, 3])
def test_threads_do_not_change_a_search(threads: int) -> None:
    """Nor the order of what it measured."""
    assert quick_search(20, threads=threads).measured == quick_search(20, threads=1).measured


def test_a_search_that_was_killed_goes_on_to_the_same_end(tmp_path: Path) -> None:
    """Wherever the file was cut; and nothing that is in it is trained again."""
    journal = Journal(ABOUT, tmp_path / "study")
    whole = quick_search(20, journal)
    journal.close()
    path = tmp_path / "study" / "trials.jsonl"
    content = path.read_bytes()
    for share in (0.0, 0.3, 0.77, 1.0):
        path.write_bytes(content[: content.find(b"\n") + 1 + int(share * len(content))])
        again = Journal(ABOUT, tmp_path / "study")
        there = len(again.found)
        found = quick_search(20, again)
        again.close()
        assert found.measured == whole.measured
        assert (found.best, found.start, found.effects) == (whole.best, whole.start, whole.effects)
        assert path.read_bytes() == content
        assert there < len(whole.measured) or share == 1.0


def test_ctrl_c_leaves_the_best_so_far() -> None:
    """At any sweep, the first included."""
    for after in (1, 5, 20):
        count = 0

        def press(_: Reached, after: int = after) -> None:
            nonlocal count
            count += 1
            if count == after:
                raise KeyboardInterrupt

        found = quick_search(60, progress=press)
        assert found.stopped == "interrupted"
        assert len(found.measured) >= after
        assert math.isfinite(found.best.score)


class OneMore(Clock):
    """A clock by which there is time for so many sweeps."""

    def __init__(self, count: int) -> None:
        super().__init__(None)
        self.count = count

    def has(self, work: float, kind: Any, before: float = 0.0) -> bool:  # noqa: ARG002  # as a clock's
        self.count -= 1
        return self.count >= 0


@pytest.mark.parametrize("count", [0, 1, 4, 15, 40])
def test_time_may_end_at_any_sweep(count: int) -> None:
    """What is best then is returned; without time for a single one, the start without a score."""
    found = quick_search(None, clock=OneMore(count))

    assert found.stopped == "budget"
    assert bool(found.measured) == (count > 0)
    assert found.best.setting == START or found.best.scores
    assert math.isfinite(found.best.score) == (count > 0)


def test_the_clock_keeps_its_budget() -> None:
    """It allows what fits, by the speed of what was done before, and keeps what is reserved."""
    clock = Clock(100.0)
    assert clock.has(1e9, "a")
    assert not clock.has(1e15, "a")  # no machine is that fast
    clock.learn(10.0, "a", 1.0)
    assert clock.has(900.0, "a")
    assert not clock.has(1100.0, "a")
    clock.reserved = 50.0
    assert not clock.has(900.0, "a")
    clock.learn(1000.0, "b", 1.0)
    assert clock.has(900.0, "b")
    assert clock.seconds(100.0, "of no kind before") == pytest.approx(1.0)
    assert Clock(None).has(1e300, "a")


def test_trainings_that_diverge_are_data() -> None:
    """They are marked with their step, stand behind all others, and a start that diverges is left behind."""
    wild = Setting((4,), "relu", 1e6, 0.9, 8, 6, 0.0, 0.0)
    found = quick_search(12, seed=3)
    journal = Journal(ABOUT)
    from schuss.insight.tuning.search import search

    from_wild = search(
        quick_problem(), (wild, START), journal=journal, clock=Clock(None), trials=12, progress=None
    )
    assert math.isfinite(found.best.score)
    assert math.isinf(from_wild.start.score)
    assert from_wild.diverged >= 1
    assert from_wild.best.setting != wild
    assert math.isfinite(from_wild.best.score)
    assert all(each.score == math.inf for each in from_wild.measured if each.diverged_at is not None)


def planted(seed: int, of: Any) -> list[Measured]:
    """Return first looks at settings whose score is `of` a setting and noise."""
    rng = rng_of(seed)
    looks = []
    for i in range(120):
        setting = Setting(
            *((2 ** int(rng.integers(4, 9)),), "tanh", float(10 ** rng.uniform(-3, 0))),
            *(float(rng.uniform(0, 0.99)), 32, int(rng.integers(5, 50)), 0.01, 0.0),
        )
        looks.append(Measured(setting, Unit(0, i % 2, 1 / 3), of(setting, rng)))
    return looks


def test_what_mattered_is_found() -> None:
    """A planted dependence on the rate alone, with divergences; and none where there is none."""

    def by_rate(setting: Setting, rng: np.random.Generator) -> float:
        worse = abs(math.log10(setting.learning_rate) + 1.5) + 0.2 * rng.standard_normal()
        return math.inf if setting.learning_rate > 0.6 else worse

    found = effects(planted(0, by_rate), 100)
    chance = effects(planted(1, lambda _, rng: rng.standard_normal()), 100)

    assert found["learning_rate"] > 0.6
    assert max(share for name, share in found.items() if name != "learning_rate") < 0.15
    assert max(chance.values()) < 0.15
    assert effects(planted(0, by_rate)[:10], 100) == {}


def test_standings_are_paired_with_the_start() -> None:
    """The gap is over common folds alone: here 1 lower on both, though the means say otherwise."""
    other = START.shortened(0.5)
    measured = [
        *(Measured(START, Unit(0, i), score) for i, score in enumerate([1.0, 5.0, 6.0])),
        *(Measured(other, Unit(0, i), score) for i, score in enumerate([4.0, 5.0], start=1)),
        Measured(other, Unit(0, 0, 1 / 3), 99.0),
    ]
    found = standings(measured, START)

    assert (found[other].gap, found[other].error) == (-1.0, 0.0)
    assert found[other].score == 4.5 > found[START].score == 4.0


def test_what_folds_share_makes_a_difference_less_sure() -> None:
    """By the share of rows to train on that two folds have in common; independent ones would have none."""
    other = START.shortened(0.5)
    scores = {START: [1.0, 5.0, 6.0, 2.0, 4.0, 5.0], other: [0.0, 5.0, 4.0, 2.0, 1.0, 5.0]}
    units = [Unit(repeat, fold) for repeat in (0, 1) for fold in (0, 1, 2)]
    measured = [Measured(s, u, v) for s, own in scores.items() for u, v in zip(units, own, strict=True)]
    found, gaps = standings(measured, START)[other], np.subtract(*scores.values())

    assert found.gap == -gaps.mean()
    # Nadeau & Bengio: variance times 1/J + rows to judge by / rows to train on
    assert found.error == pytest.approx(gaps.std(ddof=1) * math.sqrt(1 / 6 + 1 / 2), rel=1e-12)
    assert shared(20, 5) == pytest.approx(math.sqrt(20 * (1 / 20 + 1 / 4)), rel=1e-12)


def test_standings_stand_in_order() -> None:
    """Most folds first, then the lowest score."""
    other = START.shortened(0.5)
    measured = [*(Measured(START, Unit(0, i), 9.0) for i in range(3)), Measured(other, Unit(0, 0), 1.0)]
    found = standings(measured, START)
    assert list(found) == [START, other]


def test_a_result_counts_what_was_tried() -> None:
    """Whole repeats are apart from first looks."""
    found: Found = quick_search(25)
    assert found.tried == len({each.setting for each in found.measured}) == 25
    assert all(len(each.scores) >= 3 for each in found.whole)
    assert {each.setting for each in found.whole} < {each.setting for each in found.measured}
    assert all(each.unit.share < 1 for each in found.looks)
