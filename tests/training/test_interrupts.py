"""Ctrl-C during training: soon, wherever it lands, and with a run that is whole."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from typing import Any

import numpy as np
import pytest

from comparisons import assert_same_bits
from problems import BATCH, NETWORK, RULE, STEPS_PER_EPOCH, draw_data
from schuss import Momentum, Network, Plan, Run, State, Tick, TrainingInterrupted, train
from schuss.engine.choice import engine_named
from schuss.engine.engine import INTERRUPTED, Advance
from schuss.method.samples import Samples

LATENCY = 0.5  # seconds on a busy machine; alone it is about a hundredth

PROCESS = """
import json, sys, time
import numpy as np
import schuss
from schuss.engine.choice import engine_named
from schuss.method.samples import Samples

network = schuss.Network([20, 32, 3], "tanh", output="identity")
rng = np.random.default_rng(0)
X, T = rng.standard_normal((500, 20)), rng.standard_normal((500, 3))
plan = schuss.Plan(epochs=10**7, batch_size=32, seed=1)
told = False

def tell(tick):
    global told
    if not told:
        print("training", flush=True)
    told = True

try:
    schuss.train(network, X, T, plan, engine=sys.argv[1], progress=tell)
except schuss.TrainingInterrupted as error:
    caught = time.monotonic()
    run = error.run
state = schuss.State.start(network.initial(1), 1)
samples = Samples.check(network, X, T)
again = engine_named(sys.argv[1]).advance(network, state, samples, plan, run.state.step).state
print(json.dumps({
    "caught": caught, "step": run.state.step, "epochs": run.epochs, "finite": run.state.finite,
    "losses": len(run.step_loss), "stopped": run.stopped, "digest": run.state.digest(),
    "again": again.digest(),
}))
"""


@pytest.mark.parametrize("engine", ["native", "reference"])
def test_a_process_that_is_sent_sigint_keeps_a_whole_run(engine: str) -> None:
    """It stops soon, at a whole step, with the bits of an undisturbed run of as many steps."""
    command = [sys.executable, "-c", PROCESS, engine]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603  # our own command
        assert process.stdout is not None
        assert process.stdout.readline() == "training\n"
        time.sleep(0.1)
        sent = time.monotonic()
        process.send_signal(signal.SIGINT)
        told = json.loads(process.stdout.readline())

    assert process.returncode == 0
    assert 0 <= told["caught"] - sent < LATENCY
    assert told["stopped"] == "interrupted"
    assert told["finite"]
    assert told["losses"] == told["step"] > 16
    assert told["epochs"] == told["step"] // 16
    assert told["digest"] == told["again"]


class SigintLater:
    """A progress display that sends this process a SIGINT so long after its first tick."""

    def __init__(self, seconds: float) -> None:
        self.timer = threading.Timer(seconds, self.send)
        self.sent = 0.0

    def __call__(self, _: Tick) -> None:
        if not self.timer.ident:
            self.timer.start()

    def send(self) -> None:
        self.sent = time.perf_counter()
        os.kill(os.getpid(), signal.SIGINT)


def interrupted_run(after: float, network: Network, X: Any, T: Any, **how: Any) -> tuple[Run, float]:
    """Train until a SIGINT after so many seconds; return the run and the latency."""
    later = SigintLater(after)
    with pytest.raises(TrainingInterrupted) as caught:
        train(network, X, T, **{"epochs": 10**7, "progress": later, **how})
    latency = time.perf_counter() - later.sent
    later.timer.join()
    return caught.value.run, latency


@pytest.mark.parametrize(
    ("layers", "n", "batch", "threads"),
    [([3, 4, 1], 50, 8, 1), ([64, 128, 10], 1000, 32, 2), ([1000, 1000, 10], 600, 600, 2)],
    ids=["steps of a microsecond", "steps of ten microseconds", "steps of a hundred milliseconds"],
)
@pytest.mark.parametrize("after", [0.01, 0.13])
def test_it_stops_soon_whatever_the_size(
    layers: list[int], n: int, batch: int, threads: int, after: float, record_property: Any
) -> None:
    """Also in the middle of a step that takes long."""
    rng = np.random.default_rng(0)
    X, T = rng.standard_normal((n, layers[0])), rng.standard_normal((n, layers[-1]))
    network = Network(layers, "tanh", output="identity")
    how = {"batch_size": batch, "rule": Momentum(1e-4, 0.5), "threads": threads, "engine": "native"}
    run, latency = interrupted_run(after, network, X, T, **how)
    record_property("latency", latency)

    assert latency < LATENCY
    assert run.state.finite
    assert len(run.step_loss) == run.state.step
    assert run.epochs == run.state.step // -(-n // batch)


@pytest.mark.parametrize("engine", ["native", "reference"])
@pytest.mark.parametrize("listener", ["callback", "validation"])
def test_an_interrupt_outside_the_engine_loses_nothing(engine: str, listener: str) -> None:
    """With a callback, most of the time passes in Python; the run is whole there as well."""
    how: dict[str, Any] = {"rule": RULE, "batch_size": BATCH, "engine": engine, "seed": 2}
    if listener == "callback":
        how["callbacks"] = [lambda _: time.sleep(0.002)]
    else:
        how["validation"] = draw_data(9)
    for round_ in range(5):
        run, latency = interrupted_run(0.01 + 0.011 * round_, NETWORK, *draw_data(), **how)

        assert latency < LATENCY
        assert run.stopped == "interrupted"
        assert run.epochs == len(run.loss) == run.state.step // STEPS_PER_EPOCH > 0
        assert len(run.validation_loss) in ((0,) if listener == "callback" else (run.epochs,))
        assert np.isfinite(run.validation_loss[:-1]).all(), "only the last may be unjudged"
        assert run.best is None or run.best.step <= run.state.step
        again = train(NETWORK, *draw_data(), **how | {"epochs": run.epochs})
        if run.state.step == again.state.step:
            assert_same_bits(run.state, again.state)


def test_an_epoch_whose_callback_is_interrupted_is_kept() -> None:
    """What a callback has heard of is in the run."""

    def interrupt(epoch: Any) -> None:
        if epoch.number == 3:
            raise KeyboardInterrupt

    with pytest.raises(TrainingInterrupted, match="interrupted after step 15") as caught:
        train(NETWORK, *draw_data(), rule=RULE, batch_size=BATCH, epochs=9, callbacks=[interrupt])

    plain = train(NETWORK, *draw_data(), rule=RULE, batch_size=BATCH, epochs=3)
    assert_same_bits(caught.value.run.state, plain.state)
    np.testing.assert_array_equal(caught.value.run.loss, plain.loss)
    assert isinstance(caught.value, KeyboardInterrupt)


class StopsInReplay:
    """An engine that is interrupted whenever it is asked to run the same steps a second time."""

    def __init__(self) -> None:
        self.engine = engine_named("native")
        self.info, self.gradient, self.outputs = (
            self.engine.info, self.engine.gradient, self.engine.outputs,
        )  # fmt: skip
        self.furthest = 0

    def advance(self, network: Any, state: Any, samples: Any, plan: Any, stop: int, **how: Any) -> Advance:
        if stop < self.furthest:
            made = self.engine.advance(network, state, samples, plan, state.step + 2, **how)
            return made._replace(outcome=INTERRUPTED, error=KeyboardInterrupt())
        self.furthest = stop
        return self.engine.advance(network, state, samples, plan, stop, **how)


def test_an_interrupt_while_a_stride_is_run_again_leaves_a_whole_run() -> None:
    """Losses and epochs are those of the steps that the state has."""
    how: dict[str, Any] = {"rule": RULE, "batch_size": BATCH, "epochs": 200}
    goal = train(NETWORK, *draw_data(), **how).loss[30]
    with pytest.raises(TrainingInterrupted) as caught:
        train(NETWORK, *draw_data(), **how, loss_goal=goal, engine=StopsInReplay())  # type: ignore[arg-type]  # a stand-in

    run = caught.value.run
    assert len(run.step_loss) == run.state.step
    assert run.epochs == run.state.step // STEPS_PER_EPOCH < 31
    samples = Samples.check(NETWORK, *draw_data())
    start = State.start(NETWORK.initial(0), 1)
    made = engine_named("native").advance(NETWORK, start, samples, Plan(**how), run.state.step)
    assert_same_bits(run.state, made.state)
