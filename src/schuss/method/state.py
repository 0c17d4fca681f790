"""The state of a training, or of many: parameters, the rule's memory, the step. Values, never changed."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from schuss.method.functions import Array

__all__ = ["State", "States"]


@dataclass(frozen=True, eq=False)
class State:
    """Everything that training changes.

    Attributes
    ----------
    theta : ndarray, shape (n_parameters,)
        All weights and biases in the network's canonical order; float32 or float64; read-only.
    memory : ndarray, shape (n_slots, n_parameters)
        What the rule remembers, a row each; momentum has one row, the velocity; read-only.
    step : int
        Number of updates made so far.
    """

    theta: Array
    memory: Array
    step: int = 0

    def __post_init__(self) -> None:
        self.theta.setflags(write=False)
        self.memory.setflags(write=False)

    @classmethod
    def start(cls, theta: Array, slots: int) -> State:
        """Return the state before the first step: `theta` with an empty memory."""
        theta = np.array(theta)
        return cls(theta, np.zeros((slots, theta.size), theta.dtype))

    @classmethod
    def of(cls, theta: Array, memory: Array, step: int) -> State:
        """Return a state whose arrays are read-only views, so that the caller's own stay as they are."""
        return cls(theta.view(), memory.view(), step)

    @property
    def velocity(self) -> Array:
        """The first row of the memory: Δw of momentum; zeros for a rule without memory."""
        return self.memory[0] if len(self.memory) else np.zeros_like(self.theta)

    @property
    def nbytes(self) -> int:
        """Bytes of its arrays."""
        return self.theta.nbytes + self.memory.nbytes

    @property
    def finite(self) -> bool:
        """Whether every number in it is finite."""
        return bool(np.isfinite(self.theta).all() and np.isfinite(self.memory).all())

    def digest(self) -> str:
        """Return the SHA-256 of dtype, theta, memory and step: equal digests mean equal bits."""
        sha = hashlib.sha256(f"{self.theta.dtype.str}:{self.memory.shape}:{self.step}:".encode())
        sha.update(np.ascontiguousarray(self.theta).data)
        sha.update(np.ascontiguousarray(self.memory).data)
        return sha.hexdigest()

    def __repr__(self) -> str:
        with np.errstate(over="ignore"):  # of a state that diverged
            norm, speed = np.linalg.norm(self.theta), np.linalg.norm(self.velocity)
        return f"State(step {self.step}, |theta| {norm:.6g}, |velocity| {speed:.6g})"


@dataclass(frozen=True, eq=False)
class States:
    """The states of many trainings of one shape, all at the same step.

    Attributes
    ----------
    theta : ndarray, shape (n, n_parameters)
        Read-only, as all of them.
    memory : ndarray, shape (n, n_slots, n_parameters)
    step : int
    """

    theta: Array
    memory: Array
    step: int = 0

    def __post_init__(self) -> None:
        self.theta.setflags(write=False)
        self.memory.setflags(write=False)

    def __len__(self) -> int:
        return len(self.theta)

    def __getitem__(self, i: int) -> State:
        return State(self.theta[i], self.memory[i], self.step)

    def take(self, rows: NDArray[np.intp]) -> States:
        """Return the states at `rows`, in that order."""
        return States(self.theta[rows], self.memory[rows], self.step)
