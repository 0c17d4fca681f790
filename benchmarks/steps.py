"""Microseconds per training step of the native engine, beside scikit-learn's MLP on the same task.

    python -m benchmarks.steps

float32, relu, softmax cross-entropy, momentum 0.9, shuffled batches. schuss: median of five trainings
after one to warm up, whole `train` calls. scikit-learn: median of three `fit` calls of the same number
of epochs, its time divided by its steps. One thread each, since these networks are small.
"""

from __future__ import annotations

import statistics
import time
import warnings
from collections.abc import Callable

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier
from threadpoolctl import threadpool_limits

from schuss import Momentum, Network, train
from schuss.engine.native import NativeEngine

# layers, batch size, samples, epochs of schuss, epochs of scikit-learn
CASES = (
    ((4, 10, 3), 16, 150, 2000, 100),
    ((30, 64, 32, 2), 32, 569, 300, 20),
    ((64, 128, 10), 32, 1797, 60, 10),
    ((784, 128, 10), 32, 6000, 4, 2),
)


def seconds_of(action: Callable[[], object], times: int) -> float:
    """Return the median time of an action."""
    taken = []
    for _ in range(times):
        began = time.perf_counter()
        action()
        taken.append(time.perf_counter() - began)
    return statistics.median(taken)


def main() -> None:
    """Print the table."""
    warnings.simplefilter("ignore", ConvergenceWarning)
    info = NativeEngine(threads=1).info
    print(f"native engine, {info.instruction_set}, {info.compiler}")
    print(f"{'network':<16}{'batch':>6}{'schuss µs':>12}{'sklearn µs':>12}{'ratio':>8}")
    for layers, batch, n, epochs, peer_epochs in CASES:
        source = np.random.default_rng(0)
        X = source.normal(size=(n, layers[0])).astype(np.float32)
        y = source.integers(0, layers[-1], n)
        network = Network(layers, "relu", "cross_entropy")
        settings = {"rule": Momentum(1e-3, 0.9), "epochs": epochs, "batch_size": batch, "threads": 1}
        train(network, X, y, **settings)
        ours = seconds_of(lambda: train(network, X, y, **settings), 5)  # noqa: B023  # called at once
        peer = MLPClassifier(
            layers[1:-1],
            solver="sgd",
            batch_size=batch,
            max_iter=peer_epochs,
            tol=0.0,
            n_iter_no_change=10**6,
        )
        with threadpool_limits(1):
            theirs = seconds_of(lambda: peer.fit(X, y), 3)  # noqa: B023  # called at once
        steps = -(-n // batch)
        ours, theirs = ours / (steps * epochs) * 1e6, theirs / (steps * peer_epochs) * 1e6
        print(f"{'-'.join(map(str, layers)):<16}{batch:>6}{ours:>12.2f}{theirs:>12.1f}{theirs / ours:>8.0f}")


if __name__ == "__main__":
    main()
