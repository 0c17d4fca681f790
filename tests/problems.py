"""A small training problem and an engine that writes down what it is asked. Holds no test."""

from typing import Any

import numpy as np

from schuss.engine.engine import Advance, Engine
from schuss.method.network import Network
from schuss.method.rules import Momentum

__all__ = ["BATCH", "NETWORK", "ROWS", "RULE", "STEPS_PER_EPOCH", "Spy", "draw_data"]

NETWORK = Network([3, 7, 2], "tanh", output="identity")
RULE = Momentum(0.02, 0.9)
ROWS, BATCH = 22, 5  # the last batch of an epoch has two samples
STEPS_PER_EPOCH = 5


def draw_data(n: int = ROWS, seed: int = 0, dtype: Any = "float64") -> tuple[Any, Any]:
    """Draw inputs (n, 3) and targets (n, 2) that a small network can learn but not at once."""
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, 3))
    T = np.column_stack([np.sin(X[:, 0] + X[:, 1]), X[:, 2] * X[:, 0]])
    return X.astype(dtype), (T + 0.1 * rng.standard_normal(T.shape)).astype(dtype)


class Spy:
    """An engine that passes everything on to another and keeps what `advance` returned."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.calls: list[tuple[int, int, Advance]] = []  # (first step, asked stop, result)

    @property
    def info(self) -> Any:
        return self.engine.info

    def outputs(self, *args: Any) -> Any:
        return self.engine.outputs(*args)

    def gradient(self, *args: Any) -> Any:
        return self.engine.gradient(*args)

    def advance(self, network: Any, state: Any, samples: Any, plan: Any, stop: int, **how: Any) -> Advance:
        made = self.engine.advance(network, state, samples, plan, stop, **how)
        self.calls.append((state.step, stop, made))
        return made
