"""The door to training: data, network and plan are checked, a recording is begun, the loop runs."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from schuss.engine.choice import engine_named
from schuss.engine.engine import Advance, Engine
from schuss.engine.finite import all_finite_by
from schuss.errors import SettingError
from schuss.method.functions import Array
from schuss.method.network import Network
from schuss.method.plan import Plan
from schuss.method.samples import Samples
from schuss.method.state import State
from schuss.training.keep import Keep
from schuss.training.loop import Loop
from schuss.training.record import NextFree
from schuss.training.recording import begin
from schuss.training.replay import Held, InMemory
from schuss.training.restarting import check_restarts
from schuss.training.resuming import resumed
from schuss.training.run import Run
from schuss.training.setup import (
    Judge,
    check_callbacks,
    check_weighs,
    first_state,
    fitting_plan,
    judge_of,
    judged_by,
)
from schuss.training.stopping import Progress
from schuss.training.telling import Callback, Tick

__all__ = ["one_pass", "train"]


def train(
    network: Network | None = None,
    X: Any = None,
    T: Any = None,
    plan: Plan | None = None,
    *,
    engine: str | Engine = "auto",
    threads: int | None = None,
    dtype: Any = None,
    theta: Array | None = None,
    memory: Array | None = None,
    weights: Any = None,
    validation: tuple[Any, Any] | Judge | None = None,
    reached: Progress | None = None,
    callbacks: Sequence[Callback] = (),
    progress: Callable[[Tick], None] | None = None,
    record: str | os.PathLike[str] | NextFree | None = None,
    keep: Keep | None = None,
    about: Mapping[str, Any] | None = None,
    resume: str | os.PathLike[str] | None = None,
    **settings: Any,
) -> Run:
    """Train a network and return the run.

    Parameters
    ----------
    network : Network
    X : array_like, shape (n, n_in)
        Inputs. float32 trains in float32, everything else in float64, unless `dtype` says otherwise.
    T : array_like, shape (n, n_out)
        Targets; also (n,) for one output, or (n,) class indices for cross-entropy.
    plan : Plan, optional
        How to train; or give its fields as keywords: ``rule=Momentum(0.5, 0.9), epochs=1000, seed=0``.
    engine : {"auto", "native", "reference", "bfloat16"} or Engine, default "auto"
    threads : int, optional
        At most so many; by default as many as the process may use.
    dtype : {"float32", "float64"}, optional
    theta : ndarray, shape (n_parameters,), optional
        First weights, as from `Network.pack`, instead of those that the network's init draws.
    memory : ndarray, shape (n_slots, n_parameters), optional
        What the rule remembers from an earlier training, such as ``run.state.memory``.
    weights : array_like, shape (n,), optional
        How often each sample counts.
    validation : (X, T) or callable, optional
        Judged after each epoch, instead of the training loss; the best state is kept as ``run.best``. A
        callable is given the state and returns a number, lower for better.
    reached : Progress, optional
        What an earlier training had reached, for the stopping rules: its ``run.reached``.
    callbacks : sequence of callables
        Called with an `Epoch` after each epoch; True stops.
    progress : callable, optional
        Called with a `Tick` some twenty times a second.
    record : path or NextFree, optional
        A new folder in which to record the run, so that any step of it can be made again.
    keep : Keep, optional
        What the recording keeps: how often, how much.
    about : dict, optional
        Plain JSON values to keep with the recording: where the data came from, which command it was.
    resume : path, optional
        Go on with the run recorded there, as if it had never stopped: network and plan are those of the run,
        the data too where they were kept, else give `X`, `T`, `weights` as then. A validation function and
        callbacks must be given again.

    Returns
    -------
    Run

    Raises
    ------
    DataError, SettingError
        Bad data or settings; nothing was trained.
    DivergenceError
        Weights or loss became non-finite; carries the last finite state.
    TrainingInterrupted
        Ctrl-C; a KeyboardInterrupt that carries the run up to the last whole step.
    OutputError, RecordError, ReplayError
        The run cannot be recorded there, or not be resumed.
    """
    check_callbacks(callbacks)
    if resume is not None:
        others = {"plan": plan, "theta": theta, "memory": memory, "reached": reached, "dtype": dtype}
        _refuse(**others, record=record, keep=keep, about=about, **settings)
        if weights is not None and X is None:
            raise SettingError("give weights with X and T, or leave them out: they are kept with the run.")
        given = None if X is None else (X, T, weights)
        taken = resumed(Path(resume), network, given, validation, engine, threads, callbacks, progress)
        return taken if isinstance(taken, Run) else taken.run()
    if network is None or X is None or T is None:
        raise SettingError(
            "train needs a network, inputs X and targets T, or resume=FOLDER of a recorded run."
        )
    samples = Samples.check(network, X, T, dtype, weights, all_finite_by(threads))
    check_weighs(samples)
    plan = fitting_plan(plan, settings, len(samples))
    plan.dropout_rates(network.depth - 1)
    check_restarts(plan, len(samples))
    chosen = engine_named(engine, threads)
    held_out = judged_by(network, validation, samples.X.dtype)
    # no name for the first state here: the loop lets it go when it has another
    loop = Loop(
        *(network, samples, plan, chosen, judge_of(network, plan, chosen, held_out), callbacks, progress),
        first=first_state(network, plan, samples.X.dtype, theta, memory),
    )
    loop.reached = reached or loop.reached
    if theta is None and memory is None:
        loop.kept, loop.own = InMemory(network, plan, samples.X.dtype, loop.reached), loop.first
    elif memory is None:  # else it would take as much room as what is given up for it
        loop.given = Held(loop.first)
    if record is not None:
        begin(loop, record, keep or Keep(), about or {}, held_out)
    return loop.run()


def one_pass(engine: Engine, network: Network, state: State, samples: Samples, plan: Plan) -> Advance:
    """Go on from `state` once through `samples`, with no run around it: for online learning.

    `state.step` must begin an epoch of the plan, whose number of epochs does not matter.
    """
    return engine.advance(network, state, samples, plan, state.step + plan.steps_per_epoch(len(samples)))


def _refuse(**given: Any) -> None:
    names = [name for name, value in given.items() if value is not None]
    if names:
        raise SettingError(
            f"a resumed run goes on as it began; {', '.join(names)} cannot be given. To go on with other "
            "settings, fork it: load_run(FOLDER).fork(step, …)."
        )
