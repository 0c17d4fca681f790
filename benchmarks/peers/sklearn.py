"""scikit-learn: the whole call of `fit`, with our first weights and our orders in place of its own draws.

Classes come as one-hot rows and the output is told to be softmax, since for two classes scikit-learn would
take a single output.
"""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Callable
from typing import Any

from numpy.typing import NDArray

from benchmarks.peers import Task

VARIANTS = ("fit",)


def setup(threads: int) -> None:
    """Fix the threads of BLAS."""
    import sklearn.neural_network  # noqa: F401  # so that its BLAS is there to be limited
    from threadpoolctl import threadpool_limits

    threadpool_limits(threads)


def prepare(task: Task, variant: str) -> Callable[[int], list[NDArray[Any]]]:  # noqa: ARG001  # one signature
    """Return a function that trains."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.neural_network import MLPClassifier, MLPRegressor
    from sklearn.neural_network import _multilayer_perceptron as module

    warnings.simplefilter("ignore", ConvergenceWarning)

    class Told(MLPRegressor if task.regression else MLPClassifier):  # type: ignore[misc]  # decided above
        def _initialize(self, y: Any, layer_units: Any, dtype: Any) -> None:
            super()._initialize(y, layer_units, dtype)
            self.coefs_ = [w.copy() for w in task.weights[::2]]
            self.intercepts_ = [b.copy() for b in task.weights[1::2]]
            self.out_activation_ = "identity" if task.regression else "softmax"

    settings = {
        "hidden_layer_sizes": task.layers[1:-1],
        "activation": "tanh" if task.regression else "relu",
        "solver": "sgd",
        "nesterovs_momentum": False,
        "momentum": task.momentum,
        "learning_rate_init": task.rate,
        "batch_size": task.batch,
        "alpha": 0.0,
        "tol": 0.0,
        "n_iter_no_change": 10**9,
    }
    T = task.T if task.regression else task.one_hot.astype(int)

    def run(epochs: int) -> list[NDArray[Any]]:
        orders = itertools.cycle(task.orders)
        module.shuffle = lambda *arrays, random_state: next(orders)  # noqa: ARG005  # instead of its own draws
        model = Told(**settings, max_iter=epochs).fit(task.X, T)
        return [array for pair in zip(model.coefs_, model.intercepts_, strict=True) for array in pair]

    return run
