"""Where two runs part: the first step that leaves other bits, and the terms of the weight that parted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from schuss.errors import SettingError
from schuss.insight.account import Account
from schuss.method.state import State
from schuss.training.run import Run

__all__ = ["Comparison", "compare"]

AT_ONCE = 256  # steps between two looks at the states; inside, they are looked at one by one


@dataclass(frozen=True, eq=False)
class Comparison:
    """How two runs differ.

    Attributes
    ----------
    settings : dict of str to (value, value)
        What differs of plan, data, dtype and arithmetic.
    first : int
        The first step at which both could be compared.
    step : int or None
        The first step whose update left other bits; None if all common steps are equal, −1 if they differ
        already at `first`.
    stop : int
        Up to which step they were compared.
    parted : int64 ndarray
        The weights that differ after that step.
    weight : str or None
        The one that differs most.
    accounts : tuple of Account
        What that step did to it in each run.
    """

    settings: dict[str, tuple[Any, Any]]
    first: int
    step: int | None
    stop: int
    parted: NDArray[np.intp]
    weight: str | None
    accounts: tuple[Account, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain JSON values."""
        return {
            "settings": {name: list(map(str, pair)) for name, pair in self.settings.items()},
            "first": self.first,
            "step": self.step,
            "stop": self.stop,
            "weights_parted": len(self.parted),
            "weight": self.weight,
            "accounts": [account.to_dict() for account in self.accounts],
        }

    def __repr__(self) -> str:
        if self.step is None:
            return f"Comparison(equal to the last bit in steps {self.first} to {self.stop})"
        return (
            f"Comparison(parted by step {self.step} in {len(self.parted):,} weights, most in {self.weight})"
        )


def compare(a: Run, b: Run) -> Comparison:
    """Return the first step at which two runs of one network differ in any bit.

    States are compared every 256 steps and all losses besides; where either differs, each step in between is
    looked at by itself.

    Raises
    ------
    SettingError
        Their networks or dtypes differ.
    ReplayError
        One of them cannot be made again here.
    """
    if a.network != b.network or a.theta.dtype != b.theta.dtype:
        raise SettingError(
            "only runs of the same network and dtype can be compared; got "
            f"{a.network!r}, {a.theta.dtype} and {b.network!r}, {b.theta.dtype}."
        )
    settings = _differences(a, b)
    first, stop = max(a.replay.first, b.replay.first), min(a.state.step, b.state.step)
    if first > stop:
        raise SettingError(
            f"the runs have no step in common: one begins at {first}, the other ends at {stop}."
        )
    at = a.at(first), b.at(first)
    if not _same(*at):
        return _parted(a, b, settings, first, -1, stop, at)
    while at[0].step < stop:
        until = min(stop, at[0].step + AT_ONCE)
        losses = (a.step_loss[at[0].step : until], b.step_loss[at[0].step : until])
        after = _after(a, at[0], until), _after(b, at[1], until)
        if losses[0].tobytes() != losses[1].tobytes() or not _same(*after):
            step, after = _first_difference(a, b, at, until)
            if step is not None:
                return _parted(a, b, settings, first, step, stop, after)
        at = after
    return Comparison(settings, first, None, stop, np.empty(0, np.intp), None, ())


def _differences(a: Run, b: Run) -> dict[str, tuple[Any, Any]]:
    plans = a.plan.to_dict(), b.plan.to_dict()
    pairs = {name: (plans[0][name], plans[1][name]) for name in plans[0]}
    pairs |= {"data": (a.data, b.data), "arithmetic": (a.engine.arithmetic, b.engine.arithmetic)}
    return {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}


def _after(run: Run, state: State, stop: int) -> State:
    return run.replay.run(state, stop).state


def _same(a: State, b: State) -> bool:
    return a.theta.tobytes() == b.theta.tobytes() and a.memory.tobytes() == b.memory.tobytes()


def _first_difference(
    a: Run, b: Run, at: tuple[State, State], stop: int
) -> tuple[int | None, tuple[State, State]]:
    """Return the first step of [at, stop) that leaves other bits, and the states after it."""
    while at[0].step < stop:
        step = at[0].step
        at = _after(a, at[0], step + 1), _after(b, at[1], step + 1)
        if not _same(*at):
            return step, at
    return None, at  # their losses alone differ: samples of no weight, say


def _parted(
    a: Run,
    b: Run,
    settings: dict[str, tuple[Any, Any]],
    first: int,
    step: int,
    stop: int,
    after: tuple[State, State],
) -> Comparison:
    theta, other = after[0].theta, after[1].theta
    unlike = np.flatnonzero(theta.view(f"V{theta.itemsize}") != other.view(f"V{theta.itemsize}"))
    if not len(unlike):  # the memories alone
        unlike = np.flatnonzero((after[0].memory != after[1].memory).any(axis=0))
    place = int(unlike[np.abs(theta[unlike] - other[unlike]).argmax()])
    accounts = () if step < 0 else tuple(run.account(place, step) for run in (a, b))
    name = a.network.weight_name(place)
    return Comparison(settings, first, step, stop, unlike, name, accounts)
