"""NumPy with every buffer made beforehand: as fast as it goes without another library."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.peers import Task

VARIANTS = ("out=",)


def setup(threads: int) -> None:
    """Fix the threads of BLAS."""
    from threadpoolctl import threadpool_limits

    threadpool_limits(threads)


class Trainer:
    """Weights, velocities and all buffers of a batch."""

    def __init__(self, task: Task) -> None:
        self.task, dtype = task, task.X.dtype
        self.targets = task.one_hot
        self.x, self.t = (np.empty((task.batch, a.shape[1]), dtype) for a in (task.X, self.targets))
        self.y = [np.empty((task.batch, size), dtype) for size in task.layers[1:]]
        self.deltas = [np.empty_like(y) for y in self.y]
        self.row = np.empty((task.batch, 1), dtype)
        self.gradients = [np.empty_like(array) for array in task.weights]
        self.rate, self.momentum = dtype.type(-task.rate / task.batch), dtype.type(task.momentum)

    def train(self, epochs: int) -> list[NDArray[Any]]:
        """Return w0, b0, w1, b1, … after so many epochs."""
        self.theta = [array.copy() for array in self.task.weights]
        self.velocity = [np.zeros_like(array) for array in self.task.weights]
        for epoch in range(epochs):
            for rows in self.task.batches[epoch % len(self.task.batches)]:
                self.step(rows)
        return self.theta

    def step(self, rows: NDArray[np.int32]) -> None:
        """Train on one batch."""
        np.take(self.task.X, rows, axis=0, out=self.x, mode="clip")  # "raise" would buffer
        np.take(self.targets, rows, axis=0, out=self.t, mode="clip")
        self.forward()
        self.backward()
        for theta, velocity, gradient in zip(self.theta, self.velocity, self.gradients, strict=True):
            np.multiply(velocity, self.momentum, out=velocity)
            np.multiply(gradient, self.rate, out=gradient)
            np.add(velocity, gradient, out=velocity)
            np.add(theta, velocity, out=theta)

    def forward(self) -> None:
        """Fill y and, of the last layer, delta."""
        below = self.x
        for i, y in enumerate(self.y):
            np.matmul(below, self.theta[2 * i], out=y)
            np.add(y, self.theta[2 * i + 1], out=y)
            if i < len(self.y) - 1:
                np.tanh(y, out=y) if self.task.regression else np.maximum(y, 0, out=y)
            below = y
        if not self.task.regression:
            np.max(y, axis=1, keepdims=True, out=self.row)
            np.subtract(y, self.row, out=y)
            np.exp(y, out=y)
            np.sum(y, axis=1, keepdims=True, out=self.row)
            np.divide(y, self.row, out=y)
        np.subtract(y, self.t, out=self.deltas[-1])

    def backward(self) -> None:
        """Fill the gradients."""
        for i in reversed(range(len(self.y))):
            below = self.y[i - 1] if i else self.x
            np.matmul(below.T, self.deltas[i], out=self.gradients[2 * i])
            np.sum(self.deltas[i], axis=0, out=self.gradients[2 * i + 1])
            if not i:
                return
            np.matmul(self.deltas[i], self.theta[2 * i].T, out=self.deltas[i - 1])
            if self.task.regression:
                np.multiply(below, below, out=below)
                np.subtract(1, below, out=below)
            else:
                np.sign(below, out=below)
            np.multiply(self.deltas[i - 1], below, out=self.deltas[i - 1])


def prepare(task: Task, variant: str) -> Callable[[int], list[NDArray[Any]]]:  # noqa: ARG001  # one signature
    """Return a function that trains."""
    return Trainer(task).train
