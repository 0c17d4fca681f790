"""TensorFlow: a tf.function over all epochs and steps, as its graph or compiled by XLA; the faster counts.

Keras' ``fit`` is left out: 1300 µs a step of 64-128-10, where this takes 20.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from numpy.typing import NDArray

from benchmarks.peers import Task

VARIANTS = ("graph", "xla")


def setup(threads: int) -> None:
    """Fix the threads."""
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:threads])
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(1)


def prepare(task: Task, variant: str) -> Callable[[int], list[NDArray[Any]]]:
    """Return a function that trains; it compiles at its first call."""
    import tensorflow as tf

    X, T, batches = tf.constant(task.X), tf.constant(task.one_hot), tf.constant(task.batches)
    theta = [tf.Variable(array) for array in task.weights]
    velocity = [tf.Variable(tf.zeros_like(array)) for array in theta]
    hidden = tf.tanh if task.regression else tf.nn.relu

    def loss(x: Any, t: Any) -> Any:
        for i in range(0, len(theta) - 2, 2):
            x = hidden(x @ theta[i] + theta[i + 1])
        x = x @ theta[-2] + theta[-1]
        if task.regression:
            return 0.5 * tf.reduce_mean(tf.reduce_sum((x - t) ** 2, axis=1))
        return tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits(t, x))

    @tf.function(jit_compile=variant == "xla")
    def train(epochs: Any) -> None:
        for epoch in tf.range(epochs):
            for step in tf.range(task.steps):
                rows = batches[epoch % len(task.batches), step]
                with tf.GradientTape() as tape:
                    value = loss(tf.gather(X, rows), tf.gather(T, rows))
                gradients = tape.gradient(value, theta)
                for w, v, gradient in zip(theta, velocity, gradients, strict=True):
                    v.assign(task.momentum * v - task.rate * gradient)
                    w.assign_add(v)

    def run(epochs: int) -> list[NDArray[Any]]:
        for w, v, array in zip(theta, velocity, task.weights, strict=True):
            w.assign(array)
            v.assign(tf.zeros_like(v))
        train(tf.constant(epochs))
        return [array.numpy() for array in theta]

    return run
