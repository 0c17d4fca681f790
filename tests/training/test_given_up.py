"""A training whose states are written over while steps are made is that of one which keeps them.

Whatever goes wrong: the same bits, losses, errors and files. Small networks are treated as large ones here.
"""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from comparisons import assert_same_bits
from engines import Engine
from kinds_of_rules import KERNEL_RULES
from problems import BATCH, NETWORK, RULE, STEPS_PER_EPOCH, draw_data
from schuss import (
    DivergenceError,
    Keep,
    Momentum,
    Plateau,
    Restart,
    Run,
    TrainingInterrupted,
    load_run,
    train,
)
from schuss.engine.engine import INTERRUPTED, Advance
from schuss.engine.keeping import keeping
from schuss.errors import ReplayError
from schuss.training import loop, strides
from schuss.training.stopping import Progress

X, T = draw_data()
WILD = Momentum(2.5, 0.9)  # diverges after some epochs


class Engines:
    """An engine that does something wrong in its `number`-th call, and counts the states written over."""

    def __init__(self, engine: Engine, number: int = -1, wrong: Any = None) -> None:
        self.engine, self.number, self.wrong = engine, number, wrong
        self.calls = self.written_over = 0
        self.steps: list[tuple[int, int]] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self.engine, name)

    def advance(self, network: Any, state: Any, samples: Any, plan: Any, stop: int, **how: Any) -> Advance:
        call, self.calls = self.calls, self.calls + 1
        wrong = self.wrong if call == self.number else None
        before = state.digest()
        self.steps.append((state.step, stop))
        try:
            return (wrong or type(self).plain)(self, network, state, samples, plan, stop, **how)
        finally:
            self.written_over += state.digest() != before

    def plain(self, *given: Any, **how: Any) -> Advance:
        return self.engine.advance(*given, **how)

    def heard_late(self, *given: Any, **how: Any) -> Advance:
        """Ctrl-C in the moment after the steps, before anybody knows of them."""
        self.plain(*given, **how)
        raise KeyboardInterrupt

    def heard_early(self, *_: Any, **how: Any) -> Advance:  # noqa: ARG002  # as `advance` has it
        """Ctrl-C before the first step."""
        raise KeyboardInterrupt

    def stopped(self, network: Any, state: Any, samples: Any, plan: Any, stop: int, **how: Any) -> Advance:
        """Ctrl-C in the middle of the steps."""
        middle = state.step + (stop - state.step) // 2
        return self.plain(network, state, samples, plan, middle, **how)._replace(outcome=INTERRUPTED)


@pytest.fixture
def given_up(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return what sets from how many bytes on states are given up; strides do not go by the clock."""

    def set_both(large: int, longest: float = 1e9) -> None:
        monkeypatch.setattr(loop, "LARGE", large)
        monkeypatch.setattr(strides, "LONGEST", longest)

    return set_both


def outcome_of(engine: Any, **how: Any) -> tuple[Run, BaseException | None]:
    """Return the run, and what was raised."""
    how = {"rule": RULE, "epochs": 80, "batch_size": BATCH, **how}
    try:
        return train(NETWORK, X, T, engine=engine, **how), None
    except (DivergenceError, TrainingInterrupted) as error:
        return error.run, error


def assert_same_run(run: Run, other: Run) -> None:
    assert_same_bits(run.state, other.state)
    for name in ("loss", "step_loss", "validation_loss"):
        assert getattr(run, name).tobytes() == getattr(other, name).tobytes()
    assert (run.reached, run.stopped, run.plan) == (other.reached, other.stopped, other.plan)
    assert run.state.step == len(run.step_loss)


WRONG = {
    "nothing": (-1, None, RULE),
    "divergence": (-1, None, WILD),
    "Ctrl-C before the first stride": (0, Engines.heard_early, RULE),
    "Ctrl-C after the first stride": (0, Engines.heard_late, RULE),
    "Ctrl-C before a stride": (2, Engines.heard_early, RULE),
    "Ctrl-C after a stride": (2, Engines.heard_late, RULE),
    "Ctrl-C in a stride": (2, Engines.stopped, RULE),
}

JUDGED: dict[str, dict[str, Any]] = {
    "not judged": {},
    "goal": {"loss_goal": 0.15},
    "patience": {"patience": 3, "min_improvement": 0.002},
    "plateau": {"rule": Momentum(Plateau(0.05, lowest=0.001), 0.9), "patience": 2, "min_improvement": 0.01},
    "restart": {"rule": Momentum(0.02, Restart(0.99))},
    "given weights": {"theta": NETWORK.initial(3)},
}


@pytest.mark.parametrize(
    ("judged", "recorded"),
    [("not judged", False), ("given weights", False), *((judged, True) for judged in list(JUDGED)[:-1])],
)
@pytest.mark.parametrize("wrong", WRONG)
def test_whatever_goes_wrong(
    engine: Engine, wrong: str, judged: str, recorded: bool, given_up: Any, tmp_path: Path
) -> None:
    """Run and error are those of a training that keeps its states; so is one that goes on from it."""
    number, what, rule = WRONG[wrong]
    how = {"rule": rule, **JUDGED[judged]}
    found = []
    for large in (0, 2**60):
        given_up(
            large, 1e9 if judged in ("not judged", "given weights") else 0.0
        )  # else epochs go one by one
        spy, folder = Engines(engine, number, what), tmp_path / str(large)
        record = {"record": folder, "keep": Keep(seconds=1e9)} if recorded else {}
        run, error = outcome_of(spy, **how, **record)
        steps_made = spy.calls > 1 or (what is Engines.heard_late and "theta" not in how)
        assert (spy.written_over > 0) == (large == 0 and engine.info.engine == "native" and steps_made)
        if recorded:
            assert_same_run(load_run(folder), run)
        if recorded and run.stopped == "interrupted":
            run = train(resume=folder, engine=engine)
        found.append((run, error))
    (run, error), (plain, plainly) = found
    assert_same_run(run, plain)
    middle = min(7, run.state.step)
    if "theta" in how:
        with pytest.raises(ReplayError, match="no state of this run was kept"):
            run.at(middle)
    else:
        assert_same_bits(run.at(middle), plain.at(middle))
    assert type(error) is type(plainly)
    if isinstance(error, DivergenceError):
        assert error.step > STEPS_PER_EPOCH
        assert str(error) == str(plainly)
        assert_same_bits(error.state, plainly.state)


@pytest.mark.parametrize("judged", ["not judged", "plateau"])
def test_ctrl_c_while_epochs_are_judged(
    native_engine: Engine, judged: str, given_up: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A run goes on from its recording as if there had been none, wherever its losses were when it came."""
    given_up(0)
    how = {"rule": RULE, **JUDGED[judged]}
    plain, _ = outcome_of(native_engine, **how)
    counting = Progress.after if judged == "plateau" else Progress.after_all
    asked = iter(range(10))

    def interrupted(reached: Progress, seen: Any, plan: Any) -> Progress:
        if next(asked) == 2:
            raise KeyboardInterrupt
        return counting(reached, seen, plan)

    with monkeypatch.context() as patched:
        patched.setattr(Progress, counting.__name__, interrupted)
        run, error = outcome_of(native_engine, record=tmp_path / "run", keep=Keep(seconds=1e9), **how)
    assert isinstance(error, TrainingInterrupted)
    assert_same_bits(run.state, plain.at(run.state.step))
    assert_same_run(load_run(tmp_path / "run"), run)
    assert_same_run(train(resume=tmp_path / "run", engine=native_engine), plain)


@pytest.mark.parametrize("how", [{"patience": 50}, JUDGED["plateau"]], ids=["patience", "plateau"])
def test_judged_epochs_go_one_by_one(how: dict[str, Any], native_engine: Engine, given_up: Any) -> None:
    """Where one may be the last, for there is nothing to go back to; of a small state they go together."""
    given_up(0)
    spies = Engines(native_engine), Engines(native_engine)
    outcome_of(spies[0], **how)
    given_up(2**60)
    outcome_of(spies[1], **how)
    longest = [max(stop - first for first, stop in spy.steps) for spy in spies]
    assert longest[0] == STEPS_PER_EPOCH < longest[1]
    assert spies[0].written_over == len(spies[0].steps)
    assert not spies[1].written_over


@pytest.mark.parametrize("rule", KERNEL_RULES)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_every_rule(native_engine: Engine, rule: str, dtype: str, given_up: Any) -> None:
    """Also from the first state, which is drawn again."""
    found = []
    for large in (0, 2**60):
        given_up(large)
        found.append(outcome_of(native_engine, rule=KERNEL_RULES[rule](), dtype=dtype)[0])
    assert_same_run(*found)
    assert_same_bits(found[0].at(0), found[1].at(0))


def test_an_interrupted_way_back(native_engine: Engine, given_up: Any) -> None:
    """Ctrl-C while a diverged training is made again leaves a whole run, as far as that came."""
    given_up(0)
    spy = Engines(native_engine)
    run, error = outcome_of(spy, rule=WILD)
    assert isinstance(error, DivergenceError)
    way_back = next(i for i, (first, _) in enumerate(spy.steps) if i > 0 and first == 0)

    again = Engines(native_engine, way_back, Engines.stopped)
    stopped, error = outcome_of(again, rule=WILD)
    assert isinstance(error, TrainingInterrupted)
    assert 0 < stopped.state.step < run.state.step
    assert_same_bits(stopped.state, run.at(stopped.state.step))
    plain, _ = outcome_of(native_engine, epochs=stopped.epochs, rule=WILD)
    assert stopped.step_loss.tobytes() == run.step_loss[: stopped.state.step].tobytes()
    assert stopped.reached == plain.reached


def test_what_others_hold_is_left_alone(native_engine: Engine, given_up: Any) -> None:
    """A given first state, the state that a fork begins with, and those that callbacks are shown, stay."""
    given_up(0)
    run = outcome_of(native_engine, epochs=3)[0]
    theta, memory, held = run.state.theta, run.state.memory, run.at(5)
    before = [a.copy() for a in (theta, memory, held.theta, held.memory)]
    outcome_of(native_engine, theta=theta, memory=memory)
    run.fork(5, epochs=20)
    shown = []
    outcome_of(native_engine, callbacks=[lambda epoch: shown.append((epoch.state, epoch.state.digest()))])
    for a, b in zip((theta, memory, held.theta, held.memory), before, strict=True):
        assert np.array_equal(a, b)
        assert not a.flags.writeable
    assert shown
    assert all(state.digest() == digest for state, digest in shown)


def test_the_broken_twin(native_engine: Engine, given_up: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A training that takes a state that is gone for what it was is found out."""
    monkeypatch.setattr(loop.Loop, "_is_gone", lambda *_: False)
    found = []
    for large in (0, 2**60):
        given_up(large)
        found.append(outcome_of(Engines(native_engine, 2, Engines.heard_late)))
    assert keeping() is None
    with pytest.raises(AssertionError):
        assert_same_run(found[0][0], found[1][0])
