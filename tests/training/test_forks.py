"""A fork goes on from a step as its run did, but for what was changed."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from problems import NETWORK, RULE, STEPS_PER_EPOCH, draw_data
from recorded import OFTEN, recorded, same_runs
from schuss import Adam, DataError, Keep, Listed, Nesterov, Plateau, SettingError, load_run, train
from schuss.method.rules import Momentum
from schuss.training.stopping import Progress

TAKEN_OVER: dict[str, dict[str, Any]] = {
    "average": {"average": 0.6},
    "plateau": {"rule": Momentum(Plateau(0.05, 2.0, 1e-4)), "patience": 2, "min_improvement": 0.01},
    "validation": {"validation": draw_data(seed=1), "patience": 12, "min_improvement": 0.0},
    "patience": {"rule": Momentum(1e-3, 0.5), "patience": 55, "min_improvement": 1.0},
    "reached": {"patience": 3, "min_improvement": 0.0, "reached": Progress(0.05, 1)},
}


@pytest.mark.parametrize("step", [0, 7, 100, 151])
@pytest.mark.parametrize("how", TAKEN_OVER.values(), ids=TAKEN_OVER)
def test_a_fork_without_changes_takes_over_all_that_was_reached(
    how: dict[str, Any], step: int, tmp_path: Path
) -> None:
    """Average, patience, drops, validation losses and the best state: of a recorded run by itself."""
    run = recorded(tmp_path / "run", **how)
    if step >= run.state.step:
        return
    fork = load_run(tmp_path / "run").fork(step)

    assert same_runs(fork, run)
    assert (fork.best is None) == (run.best is None)
    assert fork.best is None or fork.best.digest() == run.best.digest()  # type: ignore[union-attr]  # both are
    if run.epochs > 30:
        assert not same_runs(load_run(tmp_path / "run").fork(step, learning_rate=0.002), run)


@pytest.mark.parametrize("keeps", ["recorded", "not recorded"])
@pytest.mark.parametrize(("first", "second"), [(7, 9), (100, 151), (250, 290)])
@pytest.mark.parametrize("how", TAKEN_OVER.values(), ids=TAKEN_OVER)
def test_a_fork_of_a_fork_takes_over_what_that_took_over(
    how: dict[str, Any], first: int, second: int, keeps: str, tmp_path: Path
) -> None:
    """Whose own steps begin late: what was reached before them is counted once."""
    run = recorded(tmp_path / "run", **how)
    if second >= run.state.step:
        return
    fork = load_run(tmp_path / "run").fork(first, record=tmp_path / "fork" if keeps == "recorded" else None)
    judged = {"validation": how["validation"]} if "validation" in how and keeps != "recorded" else {}
    again = fork.fork(second, **judged)

    assert same_runs(again, run)
    assert (again.best is None) == (run.best is None)
    assert again.best is None or again.best.digest() == run.best.digest()  # type: ignore[union-attr]  # both are
    assert not same_runs(fork.fork(second, learning_rate=0.002, **judged), run)


def test_a_fork_that_is_judged_for_the_first_time_can_be_forked(tmp_path: Path) -> None:
    """The epochs before it have no validation loss, and none of them is the best."""
    run, held_out = recorded(tmp_path / "run"), draw_data(seed=1)
    fork = run.fork(4 * STEPS_PER_EPOCH, validation=held_out)
    again = fork.fork(7 * STEPS_PER_EPOCH, validation=held_out)

    assert np.isnan(fork.validation_loss[:4]).all()
    assert same_runs(again, fork)
    assert again.best.digest() == fork.best.digest()  # type: ignore[union-attr]  # both are
    assert fork.best.step > 4 * STEPS_PER_EPOCH  # type: ignore[union-attr]  # as above


def test_the_speed_of_a_fork_is_of_its_own_epochs(tmp_path: Path) -> None:
    """Its seconds are its own too."""
    run = recorded(tmp_path / "run")
    fork = run.fork(50 * STEPS_PER_EPOCH)

    assert fork.samples_per_second == pytest.approx(10 * run.n_samples / fork.seconds)


def test_a_run_that_a_function_judged_asks_for_it_again(tmp_path: Path) -> None:
    """Rather than judging by something else in silence."""
    run = recorded(tmp_path / "run", validation=lambda state: -float(abs(state.theta).sum()))
    with pytest.raises(SettingError, match="give them: validation="):
        load_run(tmp_path / "run").fork(7)
    again = load_run(tmp_path / "run").fork(7, validation=lambda state: -float(abs(state.theta).sum()))
    assert same_runs(again, run)


def test_a_fork_whose_data_are_too_large_keeps_its_weights(tmp_path: Path) -> None:
    """Given the data again, it opens and goes on without the samples that were left out."""
    X, T = draw_data()
    keep = Keep(seconds=0, data_size=0)
    run = recorded(tmp_path / "run")
    fork = run.fork(50, without=[3], record=tmp_path / "fork", keep=keep)
    opened = load_run(tmp_path / "fork", X, T)

    assert opened.at(77).digest() == fork.at(77).digest() != run.at(77).digest()


def test_a_fork_without_changes_is_the_same_run(tmp_path: Path) -> None:
    """From any step, recorded or not; with a change it parts there, and not before."""
    run = recorded(tmp_path / "run")
    for step in (0, 1, 137, 299):
        assert same_runs(run.fork(step), run)
    other = run.fork(137, momentum=0.5, record=tmp_path / "fork", keep=OFTEN)
    opened = load_run(tmp_path / "fork")

    assert same_runs(other, opened)
    assert (other.step_loss[:138] == run.step_loss[:138]).all()
    assert other.step_loss[139] != run.step_loss[139]
    assert opened.at(200).digest() == other.at(200).digest() != run.at(200).digest()
    with pytest.raises(SettingError, match="forked at step 137; ask its parent"):
        opened.at(136)


def test_a_fork_without_samples_leaves_all_other_batches_as_they_were(tmp_path: Path) -> None:
    """A sample left out keeps its place and weighs nothing: the batches that lack it do not change."""
    run = recorded(tmp_path / "run")
    n = run.n_samples
    step = 2 * STEPS_PER_EPOCH
    row = int(run.plan.batch(step + 2, n)[0])
    other = run.fork(step, without=[row])
    by_weights = run.fork(step, weights=np.where(np.arange(n) == row, 0.0, 1.0))

    assert (other.step_loss[: step + 2] == run.step_loss[: step + 2]).all()
    assert other.step_loss[step + 2] != run.step_loss[step + 2]
    assert same_runs(other, by_weights)


@pytest.mark.parametrize(
    ("step", "changes", "error", "words"),
    [
        (301, {}, SettingError, "at most 300"),
        (3, {"momentun": 0.3}, SettingError, "did you mean 'momentum'"),
        (3, {"batch_size": 4}, SettingError, "batch_size"),
        (3, {"momentum": 2.0}, SettingError, "momentum"),
        (3, {"without": [22]}, DataError, "0 to 21"),
        (3, {"without": [0.5]}, DataError, "integers"),
        (3, {"without": range(22)}, DataError, "no sample that counts"),
        (3, {"weights": [1.0]}, DataError, "one per sample"),
        (300, {}, SettingError, "more epochs"),
    ],
)
def test_what_a_fork_cannot_change_says_why(
    step: int, changes: dict[str, Any], error: type[Exception], words: str
) -> None:
    """Before anything is trained."""
    X, T = draw_data()
    run = train(NETWORK, X, T, rule=RULE, epochs=60, batch_size=5)
    with pytest.raises(error, match=words):
        run.fork(step, **changes)


@pytest.mark.parametrize("rule", [Momentum, Nesterov])
def test_a_corrected_velocity_is_pytorchs(rule: type[Any], tmp_path: Path) -> None:
    """A fork with a new rate and a corrected velocity makes the first change that the outside form makes."""
    run = recorded(tmp_path / "run", rule=rule(0.05, 0.9))
    plain = run.fork(7, learning_rate=0.005, record=tmp_path / "plain")
    forked = run.fork(7, learning_rate=0.005, correct_velocity=True, record=tmp_path / "corrected")
    before = run.at(7)

    np.testing.assert_array_equal(plain.at(7).velocity, before.velocity)
    np.testing.assert_allclose(forked.at(7).velocity, before.velocity / 10, rtol=1e-6)
    np.testing.assert_array_equal(forked.at(7).theta, before.theta)
    assert not same_runs(plain, forked)
    assert same_runs(load_run(tmp_path / "corrected"), forked)
    assert same_runs(run.fork(0, correct_velocity=True), run)  # no velocity yet


def test_a_velocity_that_cannot_be_corrected(tmp_path: Path) -> None:
    """Adam has none; one made with a rate of 0 has no proportion."""
    adam = recorded(tmp_path / "adam", rule=Adam(0.01))
    with pytest.raises(SettingError, match="the run's is adam"):
        adam.fork(7, learning_rate=0.002, correct_velocity=True)
    still = recorded(tmp_path / "still", rule=Momentum(Listed((0.1, 0.0))))
    with pytest.raises(SettingError, match="the rate before must lie in"):
        still.fork(7, learning_rate=0.002, correct_velocity=True)


def test_a_fork_that_cannot_be_made_leaves_nothing(tmp_path: Path) -> None:
    """What is wrong is said before its folder is made."""
    run = recorded(tmp_path / "run")
    for slip in ({"dropout": (0.1, 0.2, 0.3)}, {"callbacks": print}, {"keep": 5}):
        with pytest.raises(SettingError):
            run.fork(5, record=tmp_path / "fork", **slip)
    assert not (tmp_path / "fork").exists()
