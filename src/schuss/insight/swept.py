"""What came of a sweep: many trained networks of one shape. A value in memory."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from schuss.engine.choice import engine_named, same_kind
from schuss.engine.engine import Engine, EngineInfo
from schuss.errors import SettingError
from schuss.method.functions import Array
from schuss.method.network import Network
from schuss.method.plan import Plan
from schuss.method.plans import Plans
from schuss.method.samples import Samples, as_inputs
from schuss.method.state import State, States
from schuss.training.many import NOT_DIVERGED

__all__ = ["Member", "Sweep"]


@dataclass(frozen=True, eq=False)
class Sweep:
    """The result of a sweep of N networks. ``sweep[i]`` is one of them.

    Attributes
    ----------
    network : Network
    plans : Plans
        ``plans[i]`` is what `train` would have been given for network i.
    shape : tuple of int
        How many values each varied setting has, so that ``loss[:, -1].reshape(shape)`` is a map; (N,) where
        the settings were given side by side.
    state : States
        After the last step: theta (N, n_parameters), memory (N, n_slots, n_parameters), step. Of a network
        that diverged, its last finite state.
    loss : float64 ndarray, shape (N, epochs)
        As in `Run.loss`; NaN from the epoch in which a network diverged.
    diverged_at : int64 ndarray, shape (N,)
        The step that gave the first number that was not finite, counted from 0; −1: it did not diverge.
    stopped : str
        ``"epochs"``, or ``"interrupted"``.
    engine : EngineInfo
    seconds : float
        Time spent in training.
    origin : Samples
        What they were trained on.
    """

    network: Network
    plans: Plans
    shape: tuple[int, ...]
    state: States
    loss: NDArray[np.float64]
    diverged_at: NDArray[np.int64]
    stopped: str
    engine: EngineInfo
    seconds: float
    origin: Samples

    @property
    def theta(self) -> Array:
        """The weights to use of all networks, shape (N, n_parameters)."""
        return self.plans.plan.result(self.state)

    @property
    def settings(self) -> dict[str, tuple[Any, ...]]:
        """What was varied: for each setting its value in each network."""
        return dict(self.plans.columns)

    def __len__(self) -> int:
        return len(self.plans)

    def __getitem__(self, i: int) -> Member:
        if not -len(self) <= i < len(self):
            raise IndexError(f"a sweep of {len(self)} networks has no network {i}")
        return Member(self, i % len(self))

    def best(self) -> Member:
        """Return the network with the lowest loss in the last epoch, of those that did not diverge.

        Raises
        ------
        SettingError
            All of them diverged, or there is no whole epoch.
        """
        going = np.flatnonzero(self.diverged_at == NOT_DIVERGED)
        if not len(going) or not self.loss.shape[1]:
            what = "diverged" if not len(going) else "were stopped in their first epoch"
            raise SettingError(f"there is no best network: all {len(self)} {what}.")
        return self[int(going[np.argmin(self.loss[going, -1])])]

    def __repr__(self) -> str:
        varied = " × ".join(self.plans.columns) or "nothing varied"
        diverged = int((self.diverged_at != NOT_DIVERGED).sum())
        trouble = f", {diverged:,} diverged" if diverged else ""
        best = ""
        if diverged < len(self) and self.loss.shape[1]:
            found = self.best()
            best = f", best loss {found.loss[-1]:.6g} with {_said(found.settings)}"
        epochs, engine = f"{self.loss.shape[1]} epochs", f"{self.engine.engine} engine"
        return (
            f"Sweep({self.network!r}, {len(self):,} networks ({varied}), {epochs}{best}{trouble}, "
            f"stopped: {self.stopped}, {engine}, {self.seconds:.3g} s)"
        )


@dataclass(frozen=True, eq=False)
class Member:
    """One network of a sweep."""

    sweep: Sweep
    index: int

    @property
    def plan(self) -> Plan:
        """The plan by which `train` makes the same network, bit for bit."""
        return self.sweep.plans[self.index]

    @property
    def settings(self) -> dict[str, Any]:
        """What was varied, as this network had it."""
        return self.sweep.plans.settings(self.index)

    @property
    def state(self) -> State:
        """After its last step, or its last finite state."""
        state, at = self.sweep.state[self.index], self.diverged_at
        return state if at is None else State(state.theta, state.memory, at)

    @property
    def theta(self) -> Array:
        """Its weights to use, shape (n_parameters,)."""
        return self.plan.result(self.state)

    @property
    def loss(self) -> NDArray[np.float64]:
        """Its loss in each epoch, shape (epochs,)."""
        return self.sweep.loss[self.index]

    @property
    def diverged_at(self) -> int | None:
        """The step at which it diverged, or None."""
        at = int(self.sweep.diverged_at[self.index])
        return None if at == NOT_DIVERGED else at

    def predict(self, X: Any, *, engine: str | Engine | None = None) -> Array:
        """Return its outputs (n, n_out) for inputs `X` (n, n_in); see `Run.predict`."""
        network, info = self.sweep.network, self.sweep.engine
        X = as_inputs(X, network.layers[0], self.theta.dtype)
        return engine_named(engine or same_kind(info)).outputs(network, self.theta, X)

    def __repr__(self) -> str:
        last = self.loss[-1] if len(self.loss) else math.nan
        end = f"loss {last:.6g}" if self.diverged_at is None else f"diverged at step {self.diverged_at:,}"
        return f"Member({self.index}, {_said(self.settings) or 'nothing varied'}, {end})"


def _said(settings: dict[str, Any]) -> str:
    return ", ".join(
        f"{name}={value:g}" if isinstance(value, float) else f"{name}={value}"
        for name, value in settings.items()
    )
