"""Independent oracles: what the engines are judged by. Nothing here calls a formula of schuss.

Three ways to a derivative, from the least to the most dependent on somebody's algebra:

* `complex_step`: the loss written out once more, from the textbook formulas, in complex numbers. For an
  analytic f,  f(θ + i·h) = f(θ) + i·h·f′(θ) − h²/2·f″(θ) − …,  so Im f(θ + i·h)/h is f′(θ) with an
  error of h²: no difference is taken, nothing cancels, and with h = 1e−30 the result is as good as
  the evaluation of f itself.
* `central_differences`: the schuss loss itself, moved by ±h. It shares no derivative with anybody.
* mpmath, fifty digits, for the elementary functions, and the distance to it in units in the last place.

Functions with kinks (relu, absolute error …) are differentiated on the side on which the real part
lies; `kink_margin` says how far the nearest kink is, so that a test can keep away from it.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import mpmath
import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
TINY_STEP = 1e-30


# --- the forward pass, once more, for complex numbers ---


def _where_positive(x: Array, yes: Array, no: Array) -> Array:
    return np.where(x.real > 0, yes, no)


def _sigma(x: Array) -> Array:
    return 1.0 / (1.0 + np.exp(-x))


def _softmax(x: Array) -> Array:
    e = np.exp(x - x.real.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def _gelu(x: Array) -> Array:
    # x/2·(1 + tanh u), whose sum would lose all digits far below 0
    u = np.sqrt(2.0 / np.pi) * (x + 0.044715 * x**3)
    e = np.exp(-2.0 * np.where(u.real > 0, u, -u))
    return x * np.where(u.real > 0, 1.0, e) / (1.0 + e)


ACTIVATION = {
    "identity": lambda x: x,
    "logistic": _sigma,
    "tanh": np.tanh,
    "relu": lambda x: _where_positive(x, x, 0.0 * x),
    "leaky_relu": lambda x: _where_positive(x, x, 0.01 * x),
    "elu": lambda x: _where_positive(x, x, np.exp(x) - 1.0),
    "softplus": lambda x: np.log(1.0 + np.exp(x)),
    "silu": lambda x: x * _sigma(x),
    "gelu": _gelu,
    "softmax": _softmax,
    "exp": np.exp,
}


def _absolute(e: Array) -> Array:
    return _where_positive(e, e, -e)


def _huber(e: Array, d: float) -> Array:
    size = _absolute(e)
    return np.where(size.real <= d, 0.5 * e * e, d * size - 0.5 * d * d)


def _quantile(e: Array, q: Array) -> Array:
    return _where_positive(e, q * e, (q - 1.0) * e)


def _cross_entropy(y: Array, t: Array) -> Array:
    return -t * np.log(y)


def _binary_cross_entropy(y: Array, t: Array) -> Array:
    return -(t * np.log(y) + (1.0 - t) * np.log(1.0 - y))


def _poisson(y: Array, t: Array) -> Array:
    """Half the Poisson deviance, y − t + t·log(t/y), of which the last term is 0 for t = 0."""
    safe = np.where(t > 0, t, 1.0)
    return y - t + np.where(t > 0, t * np.log(safe / y), 0.0)


# One term per output; a loss of a sample is their sum. q is the loss's parameter, one number or one per
# output; m the number of outputs.
LOSS_TERM: dict[str, Callable[[Array, Array, Any, int], Array]] = {
    "squared_error": lambda y, t, _q, _m: 0.5 * (t - y) ** 2,
    "mean_squared_error": lambda y, t, _q, m: (t - y) ** 2 / m,
    "cross_entropy": lambda y, t, _q, _m: _cross_entropy(y, t),
    "binary_cross_entropy": lambda y, t, _q, _m: _binary_cross_entropy(y, t),
    "poisson": lambda y, t, _q, _m: _poisson(y, t),
    "absolute": lambda y, t, _q, _m: _absolute(t - y),
    "huber": lambda y, t, q, _m: _huber(t - y, q),
    "quantile": lambda y, t, q, _m: _quantile(t - y, np.asarray(q)),
    "focal": lambda y, t, q, _m: -t * (1.0 - y) ** q * np.log(y),
}


@dataclass(frozen=True)
class Problem:
    """A network and how its errors add up, in plain words; no class of schuss.

    ``activation`` names one function per layer after the input. Each of ``groups`` has a softmax of its
    own. ``masks`` are what the outputs of each hidden layer are multiplied by, shapes (samples, units).
    """

    layers: tuple[int, ...]
    activation: tuple[str, ...]
    loss: str
    parameter: float | tuple[float, ...] = 0.0
    biases: bool = True
    reduction: str = "mean"
    l2: float = 0.0
    l1: float = 0.0
    groups: tuple[int, ...] | None = None
    masks: tuple[Array | None, ...] = ()

    def split(self, thetas: Array) -> list[tuple[Array, Array | None]]:
        """Cut stacked vectors (s, n) into matrices (s, fan_in, fan_out) and biases (s, 1, fan_out)."""
        parts, at = [], 0
        for fan_in, fan_out in zip(self.layers[:-1], self.layers[1:], strict=True):
            w = thetas[:, at : at + fan_in * fan_out].reshape(-1, fan_in, fan_out)
            at += fan_in * fan_out
            b = thetas[:, None, at : at + fan_out] if self.biases else None
            at += fan_out if self.biases else 0
            parts.append((w, b))
        return parts

    def net_inputs(self, thetas: Array, X: Array) -> list[Array]:
        """Return x of each layer after the input, shapes (s, samples, units)."""
        found, y = [], X[None].astype(thetas.dtype)
        for i, ((w, b), name) in enumerate(zip(self.split(thetas), self.activation, strict=True)):
            x = y @ w if b is None else y @ w + b
            found.append(x)
            y = ACTIVATION[name](x)
            if i < len(self.masks) and self.masks[i] is not None:
                y = y * self.masks[i]
        return found

    def outputs(self, x: Array) -> Array:
        """Return the outputs for net inputs x of the output layer, shapes (s, samples, units)."""
        f, ends = ACTIVATION[self.activation[-1]], np.cumsum(self.groups or self.layers[-1:])
        return np.concatenate([f(part) for part in np.split(x, ends[:-1], axis=-1)], axis=-1)

    def totals(self, thetas: Array, X: Array, T: Array) -> Array:
        """Return the batch's loss for each of the stacked parameter vectors `thetas` (s, n), shape (s,)."""
        y = self.outputs(self.net_inputs(thetas, X)[-1])
        total = LOSS_TERM[self.loss](y, T, self.parameter, self.layers[-1]).sum(axis=(1, 2))
        for w, _ in self.split(thetas):
            total = total + 0.5 * self.l2 * (w * w).sum(axis=(1, 2))
            total = total + self.l1 * _absolute(w).sum(axis=(1, 2))
        return total / len(X) if self.reduction == "mean" else total


def complex_step(problem: Problem, theta: Array, X: Array, T: Array) -> tuple[float, Array]:
    """Return the loss and its gradient, by one complex step per parameter."""
    theta, X, T = (np.asarray(a, np.float64) for a in (theta, X, T))
    moved = theta[None] + 1j * TINY_STEP * np.eye(theta.size)
    totals = problem.totals(moved, X, T)
    return float(totals[0].real), totals.imag / TINY_STEP


def kink_margin(problem: Problem, theta: Array, X: Array, T: Array) -> float:
    """Return how near any number comes to a place where its function has a corner."""
    theta, X, T = (np.asarray(a, np.float64) for a in (theta, X, T))
    x = problem.net_inputs(theta[None], X)
    near = [math.inf]
    near += [
        float(np.abs(v).min())
        for v, name in zip(x, problem.activation, strict=True)
        if name in ("relu", "leaky_relu", "elu")
    ]
    error = np.abs(T - problem.outputs(x[-1]))
    if problem.loss in ("absolute", "quantile"):
        near.append(float(error.min()))
    if problem.loss == "huber":
        near.append(float(np.abs(error - problem.parameter).min()))
    if problem.l1:
        near += [float(np.abs(w).min()) for w, _ in problem.split(theta[None])]
    return min(near)


def central_differences(loss_of: Callable[[Array], float], theta: Array) -> Array:
    """Return (E(θ+h) − E(θ−h))/2h for each parameter in turn.

    The error is h²/6·E‴ from cutting the series off and ε·E/h from rounding E. The forward difference,
    whose first error is h/2·E″, is best at h = √ε; here the two are equal at h ≈ ε^(1/3) = 6e−6, and
    both are then about ε^(2/3) = 4e−11 times the size of E and its third derivative.
    """
    slope = np.empty(theta.size)
    for i in range(theta.size):
        h = np.finfo(np.float64).eps ** (1 / 3) * max(1.0, abs(theta[i]))
        up, down = theta.copy(), theta.copy()
        up[i] += h
        down[i] -= h
        slope[i] = (loss_of(up) - loss_of(down)) / (up[i] - down[i])  # the step as it was rounded
    return slope


# --- elementary functions, fifty digits ---

mpmath.mp.dps = 50

EXACT: dict[str, Callable[[Any], Any]] = {
    "exp": mpmath.exp,
    "expm1": mpmath.expm1,
    "tanh": mpmath.tanh,
    "log": mpmath.log,
    "log1p": mpmath.log1p,
    "logistic": lambda x: 1 / (1 + mpmath.exp(-x)),
}


def exact(name: str, x: Array) -> list[Any]:
    """Return f(x) as mpmath numbers, correct to fifty digits."""
    return [EXACT[name](mpmath.mpf(float(v))) for v in x]


def ulp_errors(computed: Array, true: list[Any]) -> Array:
    """Return |computed − true| in units in the last place of the true value's binade.

    Below the normal numbers the unit stays that of the smallest of them. The correctly rounded
    result is at most ½ away.
    """
    limits = np.finfo(computed.dtype)
    lowest = int(limits.minexp) - int(limits.nmant)
    errors = np.empty(computed.size)
    for i, (got, want) in enumerate(zip(computed.tolist(), true, strict=True)):
        exponent = int(mpmath.frexp(want)[1]) - 1 - int(limits.nmant) if want else lowest
        errors[i] = float(abs(mpmath.mpf(got) - want) / mpmath.ldexp(1, max(exponent, lowest)))
    return errors


def ulp_distance(a: Array, b: Array) -> NDArray[np.uint64]:
    """Return how many representable numbers lie between `a` and `b`, element by element.

    Bits of a float, read as an integer, count the numbers from 0 upwards; negative ones count down.
    """
    kind = np.int32 if a.dtype == np.float32 else np.int64
    lowest = np.iinfo(kind).min

    def place(x: Array) -> Array:
        bits = np.ascontiguousarray(x).view(kind)
        return np.where(bits < 0, lowest - bits, bits).astype(object)

    return np.abs(place(a) - place(b)).astype(np.uint64)
