"""Every convention's optimiser, plainly, in its own letters: what the table of conventions is held to.

Each returns the weights after every step, shape (steps + 1, n). `g(k, w)` is the gradient of step k at w, and
`rates` holds a rate for each step. Holds no test.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

__all__ = ["START", "STEPS", "TWINS", "far", "quadratic"]

Array = Any
Gradient = Callable[[int, Array], Array]
Rates = Sequence[float]

STEPS = 300
START = np.array([3.0, -1.0, 0.5])
# Eigenvalues .02, .3 and 1.1, turned.
_TURN = np.linalg.qr(np.array([[1.0, 2.0, -1.0], [0.5, -1.0, 2.0], [2.0, 0.3, 1.0]]))[0]
_HESSIAN = _TURN @ np.diag([0.02, 0.3, 1.1]) @ _TURN.T


def quadratic(k: int, w: Array) -> Array:  # noqa: ARG001  # the surface is the same at every step
    return _HESSIAN @ w


def far(a: Array, b: Array) -> float:
    """Return how far two series of weights part, relative to where they began."""
    return float(np.abs(a - b).max() / np.abs(a[0]).max())


def classical(g: Gradient, rates: Rates, momentum: float, nesterov: bool = False) -> Array:
    w, v, made = START, np.zeros(3), [START]
    for k, rate in enumerate(rates):
        push = rate * g(k, w)
        v = momentum * v - push
        w = w + (momentum * v - push if nesterov else v)
        made.append(w)
    return np.array(made)


def scikit_learn(g: Gradient, rates: Rates, momentum: float, nesterovs_momentum: bool = True) -> Array:
    return classical(g, rates, momentum, nesterovs_momentum)


def caffe(g: Gradient, rates: Rates, momentum: float, nesterov: bool = False) -> Array:
    w, history, made = START, np.zeros(3), [START]
    for k, local_rate in enumerate(rates):
        before = history
        history = momentum * history + local_rate * g(k, w)
        diff = (1 + momentum) * history - momentum * before if nesterov else history
        w = w - diff
        made.append(w)
    return np.array(made)


def weka(g: Gradient, rates: Rates, M: float) -> Array:
    w, c, made = START, np.zeros(3), [START]
    for k, L in enumerate(rates):
        c = L * -g(k, w) + M * c
        w = w + c
        made.append(w)
    return np.array(made)


def fann(g: Gradient, rates: Rates, learning_momentum: float) -> Array:
    return weka(g, rates, learning_momentum)


def pdp(g: Gradient, rates: Rates, alpha: float) -> Array:
    w, delta_w, made = START, np.zeros(3), [START]
    for k, eta in enumerate(rates):
        delta_w = eta * -g(k, w) + alpha * delta_w
        w = w + delta_w
        made.append(w)
    return np.array(made)


def pytorch(
    g: Gradient, rates: Rates, momentum: float, dampening: float = 0.0, nesterov: bool = False
) -> Array:
    w, b, made = START, None, [START]
    for k, lr in enumerate(rates):
        grad = g(k, w)
        if momentum != 0:
            b = grad if b is None else momentum * b + (1 - dampening) * grad
            grad = grad + momentum * b if nesterov else b
        w = w - lr * grad
        made.append(w)
    return np.array(made)


def tensorflow1(g: Gradient, rates: Rates, momentum: float, use_nesterov: bool = False) -> Array:
    w, accum, made = START, np.zeros(3), [START]
    for k, lr in enumerate(rates):
        grad = g(k, w)
        accum = momentum * accum + grad
        w = w - (lr * grad + lr * momentum * accum if use_nesterov else lr * accum)
        made.append(w)
    return np.array(made)


def optax(g: Gradient, rates: Rates, momentum: float, nesterov: bool = False) -> Array:
    w, trace, made = START, np.zeros(3), [START]
    for k, lr in enumerate(rates):
        grad = g(k, w)
        trace = grad + momentum * trace
        w = w + -lr * (grad + momentum * trace if nesterov else trace)
        made.append(w)
    return np.array(made)


def darknet(g: Gradient, rates: Rates, momentum: float, batch: int = 4) -> Array:
    w, updates, made = START, np.zeros(3), [START]
    for k, lr in enumerate(rates):
        updates = updates + -batch * g(k, w)  # the sum over a batch
        w = w + lr / batch * updates
        updates = momentum * updates
        made.append(w)
    return np.array(made)


def moving_average(g: Gradient, rates: Rates, beta: float) -> Array:
    w, m, made = START, np.zeros(3), [START]
    for k, lr in enumerate(rates):
        m = beta * m + (1 - beta) * g(k, w)
        w = w - lr * m
        made.append(w)
    return np.array(made)


def matlab(g: Gradient, rates: Rates, mc: float) -> Array:
    x, made = START, [START]
    dx = rates[0] * -g(0, x)
    for k, lr in enumerate(rates):
        dx = mc * dx + (1 - mc) * lr * -g(k, x)
        x = x + dx
        made.append(x)
    return np.array(made)


TWINS: dict[str, Callable[..., Array]] = {
    "schuss": classical,
    "scikit-learn": scikit_learn,
    "keras": classical,
    "caffe": caffe,
    "weka": weka,
    "fann": fann,
    "pdp": pdp,
    "pytorch": pytorch,
    "tensorflow1": tensorflow1,
    "optax": optax,
    "darknet": darknet,
    "moving-average": moving_average,
    "matlab": matlab,
}
