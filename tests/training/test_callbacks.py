"""What callbacks and progress displays are told, and that telling them changes nothing."""

import time
from typing import Any

import numpy as np
import pytest

from comparisons import assert_same_bits
from engines import Engine
from problems import BATCH, NETWORK, ROWS, RULE, STEPS_PER_EPOCH, draw_data
from schuss import Epoch, Run, Tick, train


def run_of(engine: Engine | str, **settings: Any) -> Run:
    how = {"rule": RULE, "batch_size": BATCH, "epochs": 40, **settings}
    return train(NETWORK, *draw_data(), engine=engine, **how)


def test_an_epoch_says_which_what_and_where(engine: Engine) -> None:
    """Number, loss, state, network and plan are those of the run at that epoch."""
    heard: list[Epoch] = []

    def note(epoch: Epoch) -> None:
        heard.append(epoch)

    run = run_of(engine, callbacks=[note])

    assert [epoch.number for epoch in heard] == list(range(1, 41))
    assert [epoch.loss for epoch in heard] == run.loss.tolist()
    assert [epoch.state.step for epoch in heard] == [k * STEPS_PER_EPOCH for k in range(1, 41)]
    assert {epoch.validation_loss for epoch in heard} == {None}
    assert all(epoch.network is run.network and epoch.plan is run.plan for epoch in heard)
    assert_same_bits(heard[-1].state, run.state)


def test_a_callback_cannot_change_the_weights(engine: Engine) -> None:
    """The state that it is given is read-only."""

    def meddle(epoch: Epoch) -> None:
        epoch.state.theta[0] = 7.0

    with pytest.raises(ValueError, match="read-only"):
        run_of(engine, callbacks=[meddle])


def test_listeners_do_not_change_a_bit(engine: Engine) -> None:
    """With callbacks and progress, with either, with neither: the same run."""
    plain = run_of(engine)
    for listeners in (
        {"callbacks": [lambda _: None]},
        {"progress": lambda _: None},
        {"callbacks": [lambda _: False], "progress": lambda _: None},
    ):
        heard = run_of(engine, **listeners)
        assert_same_bits(plain.state, heard.state)
        np.testing.assert_array_equal(plain.loss, heard.loss)
        np.testing.assert_array_equal(plain.step_loss, heard.step_loss)


@pytest.mark.parametrize("engine", ["native", "reference"])
def test_ticks_tell_how_far_the_training_is(engine: str) -> None:
    """Steps rise, the total stays, the epoch fits the step, and about twenty come in a second."""
    ticks: list[Tick] = []
    epochs = {"native": 1_000_000, "reference": 1_000}[engine]

    run = run_of(engine, epochs=epochs, progress=ticks.append)

    steps = [tick.step for tick in ticks]
    assert len(ticks) >= 2
    assert len(ticks) <= run.seconds / 0.05 + 1
    assert steps == sorted(set(steps))
    assert steps[-1] <= run.state.step
    assert {tick.steps for tick in ticks} == {epochs * STEPS_PER_EPOCH}
    assert all(tick.epoch == tick.step // STEPS_PER_EPOCH for tick in ticks)
    assert all(tick.loss in run.step_loss[max(0, tick.step - 2) : tick.step + 1] for tick in ticks)
    speed = ticks[-1].samples_per_second * ROWS / (STEPS_PER_EPOCH * BATCH)
    assert speed == pytest.approx(run.samples_per_second, rel=0.6)


def test_ticks_come_also_where_a_callback_makes_strides_short() -> None:
    """Epochs of some microseconds with a callback after each still move the display."""
    ticks: list[Tick] = []
    run = run_of("native", epochs=4_000, progress=ticks.append, callbacks=[lambda _: time.sleep(5e-5)])

    assert len(ticks) >= run.seconds / 0.05 / 3


@pytest.mark.parametrize("engine", ["native", "reference"])
def test_an_error_in_a_listener_is_the_callers(engine: str) -> None:
    """What a callback or a progress display raises comes out as it is."""

    def fail(_: Any) -> None:
        raise LookupError("mine")

    with pytest.raises(LookupError, match="mine"):
        run_of(engine, callbacks=[fail])
    with pytest.raises(LookupError, match="mine"):
        run_of(engine, progress=fail, epochs=1_000_000)
