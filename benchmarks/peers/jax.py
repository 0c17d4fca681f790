"""JAX: one compiled call for all epochs, scan over the steps, batches gathered inside, buffers donated."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.peers import Task

VARIANTS = ("scan",)


def setup(threads: int) -> None:
    """Fix the threads; XLA asks how many processors the process may use when it starts."""
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:threads])
    if threads == 1:
        os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false"
    os.environ["JAX_PLATFORMS"] = "cpu"
    import jax

    jax.config.update("jax_enable_x64", True)  # for the cases in float64; others stay float32


def prepare(task: Task, variant: str) -> Callable[[int], list[NDArray[Any]]]:  # noqa: ARG001  # one signature
    """Return a function that trains; it compiles at its first call."""
    import jax
    import jax.numpy as jnp

    X, T, batches = jnp.asarray(task.X), jnp.asarray(task.one_hot), jnp.asarray(task.batches)
    hidden = jnp.tanh if task.regression else jax.nn.relu
    rate, momentum = (np.asarray(value, task.X.dtype) for value in (task.rate, task.momentum))

    def loss(theta: Any, x: Any, t: Any) -> Any:
        for w, b in theta[:-1]:
            x = hidden(x @ w + b)
        w, b = theta[-1]
        x = x @ w + b
        if task.regression:
            return 0.5 * jnp.mean(jnp.sum((x - t) ** 2, axis=1))
        return -jnp.mean(jnp.sum(t * jax.nn.log_softmax(x), axis=1))

    def step(state: Any, rows: Any) -> Any:
        theta, velocity = state
        value, gradient = jax.value_and_grad(loss)(theta, X[rows], T[rows])
        velocity = jax.tree.map(lambda v, g: momentum * v - rate * g, velocity, gradient)
        return (jax.tree.map(jnp.add, theta, velocity), velocity), value

    def epoch(e: Any, state: Any) -> Any:
        return jax.lax.scan(step, state, batches[e % len(batches)])[0]

    train = jax.jit(lambda state, epochs: jax.lax.fori_loop(0, epochs, epoch, state), donate_argnums=0)
    first = list(zip(task.weights[::2], task.weights[1::2], strict=True))

    def run(epochs: int) -> list[NDArray[Any]]:
        theta = jax.tree.map(jnp.array, first)
        theta, _ = train((theta, jax.tree.map(jnp.zeros_like, theta)), epochs)
        return [np.asarray(array) for layer in theta for array in layer]

    return run
