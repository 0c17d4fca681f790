"""A run: what was trained, how, and what came of it; and the questions that can be asked of it."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from schuss.engine.choice import engine_like, engine_named, same_kind
from schuss.engine.engine import Engine, EngineInfo
from schuss.errors import ReplayError
from schuss.method.checks import check_integer
from schuss.method.functions import Array
from schuss.method.network import Network
from schuss.method.plan import Plan
from schuss.method.samples import Samples, as_inputs
from schuss.method.state import State
from schuss.training.norms import NO_NORMS, Norms
from schuss.training.replay import Kept, Replay, check_same_engine
from schuss.training.run_folder import RunFolder
from schuss.training.stopping import Progress

__all__ = ["Run"]


@dataclass(frozen=True, eq=False)
class Run:
    """The result of a training.

    Attributes
    ----------
    network : Network
    plan : Plan
    state : State
        After the last step: weights, the rule's memory, the step.
    loss : float64 ndarray, shape (epochs,)
        Mean over each epoch's steps of the batch loss before the update, weighted by batch size; the
        plain mean of the batches' sums where the reduction is ``"sum"``.
    step_loss : float64 ndarray, shape (steps,)
        The loss of every step.
    validation_loss : float64 ndarray, shape (epochs,), or empty
        After each epoch, on the data given as `validation`; NaN for a last one that was interrupted
        before it was judged.
    best : State or None
        Where validation data was given: the state after the first epoch of the lowest validation loss.
    average : ndarray, shape (n_parameters,), or None
        The mean of the weights after each of the last epochs, where the plan asks for it.
    reached : Progress
        The lowest loss judged by, and how long nothing was gained.
    stopped : str
        Why it ended: ``"epochs"``, ``"loss goal reached"``, ``"no improvement"``, ``"callback"``,
        ``"interrupted"`` or ``"diverged"``.
    engine : EngineInfo
        Which engine ran.
    seconds : float
        Time spent in training.
    n_samples : int
    origin : Samples or str
        What it was trained on; of a run read from a file, the fingerprint alone.
    kept : Kept or None
        The states that were kept on the way; None where the run cannot be made again.
    """

    network: Network
    plan: Plan
    state: State
    loss: NDArray[np.float64]
    step_loss: NDArray[np.float64]
    validation_loss: NDArray[np.float64]
    best: State | None
    average: Array | None
    reached: Progress
    stopped: str
    engine: EngineInfo
    seconds: float
    n_samples: int
    origin: Samples | str
    kept: Kept | None = None

    @cached_property
    def data(self) -> str:
        """SHA-256 of the samples."""
        return self.origin if isinstance(self.origin, str) else self.origin.fingerprint()

    @property
    def folder(self) -> Path | None:
        """Where the run is recorded, if it is."""
        return self.kept.path if isinstance(self.kept, RunFolder) else None

    @cached_property
    def _norms(self) -> Norms:
        if not isinstance(self.kept, RunFolder):
            return NO_NORMS
        return self.kept.norms().before(self.state.step)

    @property
    def norms(self) -> Array:
        """Of a recorded run, of every `norms_every` steps from step 0, the lengths of three vectors.

        They are those of the batch's gradient, of the rule's first memory after the step, and of the change.
        Of momentum without weight decay the change is the memory: what is added, before the weights round it;
        else it is the difference of the weights.

        Read from the disk when first asked for: shape (rows, 3), in the dtype of the training. NaN where they
        were not taken; `norms_of` makes those of all steps. The native engine squares in the dtype: in
        float32 a length is right to about 1e-6 of itself, numbers beyond 1.8e19 make it infinite, and those
        below 1e-19 lose digits, or count as 0. In float64 the same holds beyond 1e154 and below 1e-154.
        """
        return self._norms.rows

    @property
    def norms_every(self) -> int:
        """How many steps lie between two rows of `norms`, as `Keep` says; 0 where there are none."""
        return self._norms.every

    @property
    def about(self) -> dict[str, Any]:
        """What was given as ``about=`` when the recording began."""
        return self.kept.told["about"] if isinstance(self.kept, RunFolder) else {}

    @cached_property
    def replay(self) -> Replay:
        """The training, ready to be made again.

        Raises
        ------
        ReplayError
            Its states or its data are not at hand, or no engine here has its arithmetic.
        """
        if self.kept is None:
            raise ReplayError(
                "no state of this run was kept; train with record=FOLDER to ask about its steps."
            )
        if isinstance(self.origin, str):
            raise ReplayError("this run does not hold its data; give them: schuss.load_run(FOLDER, X, T).")
        engine = engine_like(self.engine)
        check_same_engine(self.engine, engine.info)
        return Replay(self.network, self.plan, self.origin, engine, self.kept, self.step_loss)

    def at(self, step: int) -> State:
        """Return the state before step `step`, 0 to ``run.state.step``, made again to the last bit.

        Raises
        ------
        ReplayError
            It cannot be made again here, or gives other bits.
        """
        return self.replay.at(step)

    def norms_of(self, start: int, stop: int) -> Array:
        """Return the lengths that `norms` has, of every step in [start, stop), made again: shape (steps, 3).

        Raises
        ------
        SettingError
            The training did not make these steps.
        ReplayError
            They cannot be made again here, or give other bits.
        """
        check_integer("stop", stop, low=0, high=self.replay.stop)
        check_integer("start", start, low=0, high=stop)
        return self.replay.run(self.at(start), stop, norms_every=1).norms

    def fork(self, step: int, **changes: Any) -> Run:
        """Train on from the state before step `step`, memory included, with some things changed.

        Parameters
        ----------
        step : int
        learning_rate, momentum, … : float or schedule
            Rates of the rule from there on; or any field of the plan but its batch size, as ``epochs=200``.
        without : sequence of int
            Samples to leave out. They keep their places and weigh nothing, so all other batches stay what
            they were.
        weights : array_like, shape (n,)
            How often each sample counts from there on.
        correct_velocity : bool, default False
            Multiply the velocity by new rate / old rate, as PyTorch does at a change of rate; see
            `schuss.velocity_correction`.
        validation, callbacks, progress, record, keep, about
            As in `schuss.train`.

        Returns
        -------
        Run
            Its losses begin with those of this run up to `step`.

        Raises
        ------
        SettingError, DataError
            What cannot be changed, or no such step or sample.
        ReplayError
            The state cannot be made again here.
        """
        return _room("training.forking").fork(self, step, **changes)

    def account(
        self, weight: int | str, start: int, stop: int | None = None, *, back: int | None = None
    ) -> Any:
        """Take the change of a weight apart: by past steps, by samples, exactly.

        Parameters
        ----------
        weight : int or str
            Its place in theta, or its name, as ``"hidden1[3] <- input[7]"``.
        start, stop : int
            From before step `start` to before step `stop`; without `stop`, the change that step `start` made.
        back : int, optional
            How many steps before `start` to unfold; older ones are a single line. By default until they have
            faded to a millionth.

        Returns
        -------
        schuss.insight.account.Account
            Its lines add up to the change to the last bit.

        Raises
        ------
        SettingError
            No such weight or step.
        ReplayError
            The steps cannot be made again here.
        """
        return _room("insight.ledger").account(self, weight, start, stop, back=back)

    def story(self, start: int = 0, stop: int | None = None, *, unit: str | None = None) -> Any:
        """Tell what happened in steps [start, stop): what moved most, which samples pushed, memory's share.

        Parameters
        ----------
        start, stop : int
            By default all steps.
        unit : str, optional
            A unit, as ``"hidden1[3]"``, to ask which samples pushed most on it.

        Returns
        -------
        schuss.insight.story.told.Story
        """
        return _room("insight.story.story").story(self, start, stop, unit=unit)

    def spikes(self, count: int = 3) -> Any:
        """Return the worst jumps of the loss with their causes, the worst first, at most `count`.

        Returns
        -------
        list of schuss.insight.spikes.spike.Spike
            Each names a cause, its evidence, and the fork that would be without it.
        """
        return _room("insight.spikes.spikes").spikes(self, count)

    def confirm(self, spike: Any) -> Any:
        """Make the fork that a spike asks for, up to the jump, and say whether it is gone.

        Returns
        -------
        schuss.insight.spikes.spike.Confirmed
        """
        return _room("insight.spikes.spikes").confirm(self, spike)

    def derive(self, step: int, *, weight: int | str | None = None, steps: int = 1) -> Any:
        """Return the derivation of back-propagation for a weight with the numbers of step `step`.

        Parameters
        ----------
        step : int
        weight : int or str, optional
            By default the first of the first layer.
        steps : int, default 1
            Steps to follow on the same samples; more than one unroll the memory.

        Returns
        -------
        schuss.Derivation
        """
        return _room("insight.derivation.of_run").derive_run(self, step, weight=weight, steps=steps)

    def curvature(self, step: int | None = None, **how: Any) -> Any:
        """Measure how the loss bends around the weights, after the last step or before `step`.

        Parameters
        ----------
        step : int, optional
        samples, products, seed, engine
            As in `schuss.curvature`.

        Returns
        -------
        schuss.insight.curvature.value.Curvature
            Eigenvalues with their errors, largest stable rates, damping, noise.
        """
        return _room("insight.curvature.curvature").curvature(self, step=step, **how)

    @property
    def epochs(self) -> int:
        """Whole epochs trained."""
        return len(self.loss)

    @property
    def theta(self) -> Array:
        """The weights to use: the average where one was taken, else the best by validation, else the last.

        Of a state it is what the rule returns: `ScheduleFree` trains at another point than that.
        """
        return self.plan.result(self.best or self.state) if self.average is None else self.average

    @property
    def weights(self) -> list[Array]:
        """The layers' matrices, shapes (fan_in, fan_out)."""
        return [layer.w for layer in self.network.views(self.theta)]

    @property
    def biases(self) -> list[Array | None]:
        """The layers' biases, shapes (fan_out,), or None where the network has none."""
        return [layer.b for layer in self.network.views(self.theta)]

    @property
    def samples_per_second(self) -> float:
        """Samples trained on per second, over all epochs; of a fork, over those that it trained itself."""
        first = min(self.kept.steps, default=0) if self.kept else 0
        before = first // self.plan.steps_per_epoch(self.n_samples)
        return (self.epochs - before) * self.n_samples / max(self.seconds, 1e-9)

    def predict(self, X: Any, *, engine: str | Engine | None = None) -> Array:
        """Return the network's outputs (n, n_out) for inputs `X` (n, n_in).

        By default on the kind of engine that trained; on the reference engine, with a warning, where
        the compiled one is missing.

        Raises
        ------
        DataError
            A wrong number of columns, NaN or infinity.
        """
        X = as_inputs(X, self.network.layers[0], self.theta.dtype)
        return engine_named(engine or same_kind(self.engine)).outputs(self.network, self.theta, X)

    def __repr__(self) -> str:
        last = f"{self.loss[-1]:.6g}" if len(self.loss) else "none"
        return (
            f"Run({self.network!r}, {self.epochs} epochs, {self.state.step:,} steps, loss {last}, "
            f"stopped: {self.stopped}, {self.engine.engine} engine, {self.seconds:.3g} s)"
        )


def _room(name: str) -> Any:
    """Return a module that knows `Run` already, looked up when its answer is needed."""
    return importlib.import_module(f"schuss.{name}")
