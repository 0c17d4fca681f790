"""Any state of a training, made again from the nearest one that was kept, and proved by the next.

Causes are recorded, effects are computed anew: the same network, plan, data and arithmetic give the same
bits. Where the bits differ all the same, nothing is returned.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from schuss.engine.engine import INTERRUPTED, Advance, Engine, EngineInfo
from schuss.errors import ReplayError, SettingError
from schuss.method.checks import check_integer
from schuss.method.functions import Array
from schuss.method.network import Network
from schuss.method.plan import Plan
from schuss.method.samples import Samples
from schuss.method.state import State
from schuss.training.stopping import Progress

__all__ = ["Began", "Held", "InMemory", "Kept", "Replay", "check_same_engine"]


class Began(NamedTuple):
    """What a training had reached before its first step: of a fork, what it took over from its parent."""

    step: int = 0
    reached: Progress = Progress()
    best: State | None = None
    averaged: int = 0
    average: Array | None = None


class Kept(Protocol):
    """States that were kept of a training."""

    @property
    def steps(self) -> list[int]:
        """The steps at which they stand, in order."""
        ...

    def before(self, step: int) -> State:
        """Return the nearest one at or before `step`."""
        ...

    def after(self, step: int) -> State | None:
        """Return the nearest one after `step`, or None."""
        ...

    def began(self) -> Began:
        """Return what the training had reached before its first step."""
        ...


@dataclass(frozen=True, eq=False)
class InMemory:
    """The first state alone: that of a training that was not recorded, drawn again when it is asked for."""

    network: Network
    plan: Plan
    dtype: Any
    reached: Progress = field(default_factory=Progress)

    @property
    def steps(self) -> list[int]:
        """The first step."""
        return [0]

    def before(self, step: int) -> State:  # noqa: ARG002  # as `Kept` has it
        """Return the first state."""
        return self.plan.start(self.network.initial(self.plan.seed, self.dtype))

    def after(self, step: int) -> State | None:  # noqa: ARG002  # as `Kept` has it
        """Return None."""
        return None

    def began(self) -> Began:
        """Return what was given as reached."""
        return Began(reached=self.reached)


@dataclass(frozen=True, eq=False)
class Held:
    """One state that is held: where a fork that was not recorded began, or a training from given weights."""

    state: State
    taken_over: Began = field(default_factory=Began)

    @property
    def steps(self) -> list[int]:
        """Its step."""
        return [self.state.step]

    def before(self, step: int) -> State:
        """Return it, or raise SettingError for a step before it."""
        if step < self.state.step:
            raise SettingError(f"this run was forked at step {self.state.step}; ask its parent about {step}.")
        return self.state

    def after(self, step: int) -> State | None:  # noqa: ARG002  # as `Kept` has it
        """Return None."""
        return None

    def began(self) -> Began:
        """Return what the fork took over."""
        return self.taken_over


@dataclass(frozen=True, eq=False)
class Replay:
    """A training that can be made again.

    Attributes
    ----------
    network : Network
    plan : Plan
        As the training ended with it.
    samples : Samples
    engine : Engine
        Whose arithmetic is that of the training.
    kept : Kept
    losses : float64 ndarray, shape (stop,)
        Of the steps, as they were recorded.
    """

    network: Network
    plan: Plan
    samples: Samples
    engine: Engine
    kept: Kept
    losses: NDArray[np.float64]
    _proved: list[tuple[int, int]] = field(default_factory=list, init=False, repr=False)
    _last: list[State] = field(default_factory=list, init=False, repr=False)

    @property
    def stop(self) -> int:
        """The step after the last one."""
        return len(self.losses)

    @property
    def first(self) -> int:
        """The first step whose state can be made again; a fork begins late."""
        return self.kept.steps[0]

    def at(self, step: int) -> State:
        """Return the state before step `step`, with the bits that it had.

        Raises
        ------
        SettingError
            The training did not come that far.
        ReplayError
            The steps around it give other bits here than they gave then.
        """
        check_integer("step", step, low=0, high=self.stop)
        state = self._nearest(step)
        if state.step < step:
            state = self.run(state, step).state
            self._prove(state)
        self.remember(state)
        return state

    def remember(self, state: State) -> None:
        """Keep a state of this training at hand, for questions about the steps after it."""
        self._last[:] = [state]

    def towards(self, step: int) -> Advance:
        """Return what leads from the nearest state kept to that before `step`, or to an interruption."""
        before = self.kept.before(step)
        made = self.engine.advance(self.network, before, self.samples, self.plan, step)
        self.check(before.step, made.losses)
        return made

    def run(self, state: State, stop: int, norms_every: int = 0) -> Advance:
        """Return what steps [state.step, stop) make of `state`; their losses must be the recorded ones."""
        made = self.engine.advance(
            self.network, state, self.samples, self.plan, stop, norms_every=norms_every
        )
        if made.outcome == INTERRUPTED:
            raise made.error or KeyboardInterrupt
        self.check(state.step, made.losses)
        return made

    def check(self, first: int, losses: NDArray[np.float64]) -> None:
        """Raise ReplayError where the losses of steps from `first` on are not the recorded ones."""
        recorded = self.losses[first : first + len(losses)]
        unlike = recorded.view(np.int64) != losses.view(np.int64)
        other = np.flatnonzero(unlike & ~np.isnan(recorded))  # NaN: not kept, or damaged
        if len(other):
            i = int(other[0])
            here, then = float(losses[i]), float(recorded[i])
            raise ReplayError(
                f"step {first + i} gives the loss {here!r} here and gave {then!r} when it was recorded; the "
                "same data, plan and arithmetic would give the same bits."
            )

    def _nearest(self, step: int) -> State:
        """Return the nearest state at hand at or before `step`."""
        nearest = max((kept for kept in self.kept.steps if kept <= step), default=0)
        if self._last and nearest <= self._last[0].step <= step:
            return self._last[0]
        return self.kept.before(step)

    def _prove(self, state: State) -> None:
        """Go on to the next state that was kept, once for each stretch, and compare."""
        if any(first <= state.step <= last for first, last in self._proved):
            return
        known = self.kept.after(state.step)
        if known is None:
            return
        made = self.run(state, known.step).state
        if made.digest() != known.digest():
            raise ReplayError(
                f"the steps from {state.step} lead to other bits at step {known.step} than were recorded "
                "there; data, plan or arithmetic differ from those of the training."
            )
        self._proved.append((self.kept.before(state.step).step, known.step))


def check_same_engine(recorded: EngineInfo, here: EngineInfo) -> None:
    """Raise ReplayError, naming the first difference, if the engines do not promise the same bits."""
    for name in ("engine", "arithmetic"):
        then, now = getattr(recorded, name), getattr(here, name)
        if then != now:
            raise ReplayError(
                f"the run was made with {name} {then!r} ({_words(recorded)}); here it would be {now!r} "
                f"({_words(here)}), which gives other bits."
            )


def _words(info: EngineInfo) -> str:
    return f"{info.engine}, {info.instruction_set}, version {info.version}"
