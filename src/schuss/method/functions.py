"""Activations and losses, each value beside its derivative. Holds tables of functions and no network.

Letters: x is a net input, y = f(x) an output, t a target, E the error of one sample.
An activation gives y = f(x) and its slope dy/dx. A loss gives E and the error −∂E/∂y, so that the
error signal of an output unit is δ = −∂E/∂x = error · slope. Where the two together simplify (softmax
with cross-entropy and the like), the loss names its ``partner`` and δ = t − y is used directly.
Everything works element by element on float32 or float64 arrays and stays finite for |x| ≤ 1000,
save exp itself, which has no finite value there.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from schuss.errors import SettingError
from schuss.method.checks import check_choice, check_number

__all__ = ["ACTIVATIONS", "LOSSES", "Activation", "Array", "Loss", "LossKind"]

Array = NDArray[Any]  # float32 or float64; the functions keep the dtype they are given

GELU_SCALE = math.sqrt(2.0 / math.pi)
GELU_CUBIC = 0.044715
LEAK = 0.01


@dataclass(frozen=True)
class Activation:
    """A function of the net input and its slope.

    Attributes
    ----------
    name : str
    value : callable ``x -> y``
    slope : callable ``(x, y) -> dy/dx``
    formula : str
    slope_formula : str
        Empty for softmax, of which every output depends on every net input.
    range : (float, float)
        Closure of the outputs' range; targets outside it can never be met.
    """

    name: str
    value: Callable[[Array], Array] = field(repr=False, compare=False)
    slope: Callable[[Array, Array], Array] = field(repr=False, compare=False)
    formula: str
    slope_formula: str
    range: tuple[float, float] = (-math.inf, math.inf)

    @property
    def bounded(self) -> bool:
        """Whether the outputs lie between two finite numbers."""
        return all(math.isfinite(end) for end in self.range)


def logistic(x: Array) -> Array:
    """Return 1/(1+exp(−x)) without overflow at either end."""
    e = np.exp(-np.abs(x))
    return np.where(x < 0, e, 1) / (1 + e)


def softplus(x: Array) -> Array:
    """Return log(1+exp(x)) without overflow."""
    return np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))


def exponential(x: Array) -> Array:
    """Return exp(x); beyond the largest number it is infinite, which training notices as divergence."""
    with np.errstate(over="ignore"):
        return np.exp(x)


def softmax(x: Array) -> Array:
    """Return exp(x_j)/Σ_k exp(x_k) along the last axis, shape (n, n_out)."""
    e = np.exp(x - x.max(axis=-1, keepdims=True))
    return np.asarray(e / e.sum(axis=-1, keepdims=True))


def _expm1_of_negative(x: Array) -> Array:
    return np.expm1(np.minimum(x, 0))


def gelu_gate(x: Array) -> Array:
    """Return ½·(1+tanh u), u = √(2/π)·(x+0.044715·x³), as the logistic of 2u: no digits are lost below 0."""
    x = np.clip(x, -20, 20)  # the cube must not overflow; the gate is 0 or 1 long before
    return logistic(2 * GELU_SCALE * (x + GELU_CUBIC * x * x * x))


def _gelu_slope(x: Array, y: Array) -> Array:
    gate = gelu_gate(x)
    x = np.clip(x, -20, 20)
    return gate + x * gate * (1 - gate) * (2 * GELU_SCALE * (1 + 3 * GELU_CUBIC * x * x))


_activations = (
    Activation("identity", lambda x: x, lambda x, y: np.ones_like(x), "x", "1"),
    Activation("logistic", logistic, lambda x, y: y * (1 - y), "1/(1+exp(−x))", "y·(1−y)", (0.0, 1.0)),
    Activation("tanh", np.tanh, lambda x, y: 1 - y * y, "tanh(x)", "1−y²", (-1.0, 1.0)),
    Activation(
        "relu",
        lambda x: np.maximum(x, 0),
        lambda x, y: (x > 0).astype(x.dtype),
        "max(x, 0)",
        "1 if x > 0 else 0",
        (0.0, math.inf),
    ),
    Activation(
        "leaky_relu",
        lambda x: np.where(x > 0, x, x.dtype.type(LEAK) * x),
        lambda x, y: np.where(x > 0, x.dtype.type(1), x.dtype.type(LEAK)),
        "x if x > 0 else 0.01·x",
        "1 if x > 0 else 0.01",
    ),
    Activation(
        "elu",
        lambda x: np.where(x > 0, x, _expm1_of_negative(x)),
        lambda x, y: np.where(x > 0, x.dtype.type(1), np.exp(np.minimum(x, 0))),
        "x if x > 0 else exp(x)−1",
        "1 if x > 0 else exp(x)",
        (-1.0, math.inf),
    ),
    Activation(
        "softplus", softplus, lambda x, y: logistic(x), "log(1+exp(x))", "1/(1+exp(−x))", (0.0, math.inf)
    ),
    Activation(
        "silu",
        lambda x: x * logistic(x),
        lambda x, y: logistic(x) * (1 + x * (1 - logistic(x))),
        "x/(1+exp(−x))",
        "σ·(1+x·(1−σ)), σ = 1/(1+exp(−x))",
    ),
    Activation(
        "gelu",
        lambda x: x * gelu_gate(x),
        _gelu_slope,
        "x/2·(1+tanh(√(2/π)·(x+0.044715·x³)))",
        "½·(1+h)+x/2·(1−h²)·√(2/π)·(1+0.134145·x²), h = tanh(√(2/π)·(x+0.044715·x³))",
    ),
    # The last two serve the output layer only.
    Activation("softmax", softmax, lambda x, y: y, "exp(x_j)/Σ_k exp(x_k)", "", (0.0, 1.0)),
    Activation("exp", exponential, lambda x, y: y, "exp(x)", "y", (0.0, math.inf)),
)


ACTIVATIONS: dict[str, Activation] = {a.name: a for a in _activations}
OUTPUT_ONLY = ("softmax", "exp")


@dataclass(frozen=True)
class LossKind:
    """A family of losses: one row of the table `LOSSES`.

    Attributes
    ----------
    value : callable ``(x, y, t, parameter) -> E``, shapes (n, n_out) -> (n,)
    error : callable ``(y, t, parameter) -> −∂E/∂y``, shape (n, n_out)
    error_formula : str
        Of −∂E/∂y_j; of δ_j = −∂E/∂x_j where there is a partner.
    reported : callable or None
        What scikit-learn reports instead of `value`, where that differs.
    partner : str or None
        The output activation that the loss needs; then δ is what `delta` says, whatever `error` does.
    delta : callable ``(x, y, t, parameter) -> −∂E/∂x``, shape (n, n_out)
        For a loss with a partner; t − y for all but one.
    default : float or None
        Value of the parameter if none is given; None where there is no parameter.
    limits : (float, float)
        Open interval of the parameter.
    """

    name: str
    value: Callable[[Array, Array, Array, Any], Array] = field(repr=False, compare=False)
    error: Callable[[Array, Array, Any], Array] = field(repr=False, compare=False)
    formula: str
    error_formula: str
    reported: Callable[[Array, Array, Array, Any], Array] | None = field(
        default=None, repr=False, compare=False
    )
    partner: str | None = None
    delta: Callable[[Array, Array, Array, Any], Array] = field(
        default=lambda x, y, t, _: t - y, repr=False, compare=False
    )
    default: float | None = None
    limits: tuple[float, float] = (0.0, math.inf)


def log_softmax(x: Array) -> Array:
    """Return log y_j of softmax along the last axis, shape (n, n_out)."""
    shifted = x - x.max(axis=-1, keepdims=True)
    return np.asarray(shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True)))


def _cross_entropy(x: Array, y: Array, t: Array, _: Any) -> Array:
    return np.asarray(-(t * log_softmax(x)).sum(axis=-1))


def _held(y: Array) -> Array:
    """Return probabilities held away from 0 and 1 by ε."""
    epsilon = np.finfo(y.dtype).eps
    return np.clip(y, epsilon, 1 - epsilon)


def _held_cross_entropy(x: Array, y: Array, t: Array, _: Any) -> Array:
    return np.asarray(-(t * np.log(_held(y))).sum(axis=-1))


def _held_binary_cross_entropy(x: Array, y: Array, t: Array, _: Any) -> Array:
    return np.asarray(-(t * np.log(_held(y)) + (1 - t) * np.log(1 - _held(y))).sum(axis=-1))


def _focal(x: Array, y: Array, t: Array, gamma: float) -> Array:
    log_y = log_softmax(x)
    return np.asarray(-(t * (-np.expm1(log_y)) ** gamma * log_y).sum(axis=-1))


def _focal_delta(x: Array, y: Array, t: Array, gamma: float) -> Array:
    log_y = log_softmax(x)
    rest = -np.expm1(log_y)  # 1 − y without cancellation
    ratio = np.where(rest > 0, -log_y / np.where(rest > 0, rest, 1), 1)  # −log y/(1−y), 1 at y = 1
    push = t * rest**gamma * (1 + gamma * y * ratio)
    return push - y * push.sum(axis=-1, keepdims=True)


def _binary_cross_entropy(x: Array, y: Array, t: Array, _: Any) -> Array:
    return np.asarray((softplus(x) - t * x).sum(axis=-1))


def _poisson(x: Array, y: Array, t: Array, _: Any) -> Array:
    # t·log t − t makes it half the deviance: zero for a perfect fit; t = 0 contributes nothing.
    constant = t * np.log(np.where(t > 0, t, 1)) - t
    return np.asarray((y - t * x + constant).sum(axis=-1))


def _huber(x: Array, y: Array, t: Array, d: Any) -> Array:
    e = np.abs(t - y)
    return np.where(e <= d, 0.5 * e * e, d * (e - 0.5 * d)).sum(axis=-1)


def _quantile_error(y: Array, t: Array, q: Any) -> Array:
    q = np.asarray(q, y.dtype)
    return np.where(t > y, q, np.where(t < y, q - 1, np.zeros_like(q)))


def _quantile(x: Array, y: Array, t: Array, q: Any) -> Array:
    q = np.asarray(q, y.dtype)
    return np.asarray(np.maximum(q * (t - y), (q - 1) * (t - y)).sum(axis=-1))


def _difference(y: Array, t: Array, _: Any) -> Array:
    return t - y


_losses = (
    LossKind(
        "squared_error",
        lambda x, y, t, _: 0.5 * ((t - y) ** 2).sum(axis=-1),
        _difference,
        "½·Σ_j (t_j−y_j)²",
        "t_j−y_j",
        reported=lambda x, y, t, _: 0.5 * ((t - y) ** 2).mean(axis=-1),
    ),
    LossKind(
        "mean_squared_error",
        lambda x, y, t, _: ((t - y) ** 2).mean(axis=-1),
        lambda y, t, _: (t - y) * (2 / y.shape[-1]),
        "1/m·Σ_j (t_j−y_j)²",
        "2/m·(t_j−y_j)",
    ),
    LossKind(
        "cross_entropy",
        _cross_entropy,
        _difference,
        "−Σ_j t_j·log y_j",
        "t_j−y_j",
        reported=_held_cross_entropy,
        partner="softmax",
    ),
    LossKind(
        "binary_cross_entropy",
        _binary_cross_entropy,
        _difference,
        "−Σ_j (t_j·log y_j + (1−t_j)·log(1−y_j))",
        "t_j−y_j",
        reported=_held_binary_cross_entropy,
        partner="logistic",
    ),
    LossKind("poisson", _poisson, _difference, "Σ_j (y_j−t_j·x_j+t_j·log t_j−t_j)", "t_j−y_j", partner="exp"),
    LossKind(
        "absolute",
        lambda x, y, t, _: np.abs(t - y).sum(axis=-1),
        lambda y, t, _: np.sign(t - y),
        "Σ_j |t_j−y_j|",
        "sign(t_j−y_j)",
    ),
    LossKind(
        "huber",
        _huber,
        lambda y, t, d: np.clip(t - y, -d, d),
        "Σ_j (½·e² if |e| ≤ d else d·(|e|−½·d)), e = t_j−y_j",
        "e if |e| ≤ d else d·sign(e), e = t_j−y_j",
        default=1.0,
    ),
    LossKind(
        "quantile",
        _quantile,
        _quantile_error,
        "Σ_j max(q_j·e, (q_j−1)·e), e = t_j−y_j",
        "q_j if e > 0 else q_j−1 if e < 0 else 0, e = t_j−y_j",
        default=0.5,
        limits=(0.0, 1.0),
    ),
    LossKind(
        "focal",
        _focal,
        _difference,
        "−Σ_j t_j·(1−y_j)^γ·log y_j",
        "p_j−y_j·Σ_k p_k, p_j = t_j·(1−y_j)^γ·(1−γ·y_j·log y_j/(1−y_j))",
        partner="softmax",
        delta=_focal_delta,
        default=2.0,
    ),
)

LOSSES: dict[str, LossKind] = {kind.name: kind for kind in _losses}


@dataclass(frozen=True)
class Loss:
    """A loss with its parameter: ``Loss("huber", 1.5)``, ``Loss("quantile", (0.1, 0.5, 0.9))``.

    Parameters
    ----------
    name : str
        A key of `LOSSES`.
    parameter : float or sequence of float, optional
        d of Huber's loss (default 1), q of the quantile loss (default 0.5; a sequence holds that of each
        output), γ of the focal loss (default 2).

    Raises
    ------
    SettingError
        Unknown name, a parameter out of range, or one where the loss has none.
    """

    name: str
    parameter: float | tuple[float, ...] | None = None

    def __post_init__(self) -> None:
        kind = LOSSES[check_choice("loss", self.name, LOSSES)]
        if kind.default is None:
            if self.parameter is not None:
                raise SettingError(f"loss {self.name!r} has no parameter; got {self.parameter!r}.")
            return
        value = kind.default if self.parameter is None else self.parameter
        if self.name == "quantile" and isinstance(value, Sequence) and not isinstance(value, str):
            numbers: Any = tuple(_parameter(kind, q) for q in value)
        else:
            numbers = _parameter(kind, value)
        object.__setattr__(self, "parameter", numbers)

    @property
    def kind(self) -> LossKind:
        """The row of `LOSSES` that this loss belongs to."""
        return LOSSES[self.name]

    def value(self, x: Array, y: Array, t: Array) -> Array:
        """Return E of each sample: net inputs x, outputs y, targets t of shape (n, n_out) -> (n,)."""
        return self.kind.value(x, y, t, self.parameter)

    def reported(self, x: Array, y: Array, t: Array) -> Array:
        """Return what scikit-learn reports of E of each sample, shape (n,)."""
        return (self.kind.reported or self.kind.value)(x, y, t, self.parameter)

    def error(self, y: Array, t: Array) -> Array:
        """Return −∂E/∂y, shape (n, n_out)."""
        return self.kind.error(y, t, self.parameter)

    def delta(self, x: Array, y: Array, t: Array) -> Array:
        """Return −∂E/∂x of a loss that has a partner, shape (n, n_out)."""
        return self.kind.delta(x, y, t, self.parameter)


def _parameter(kind: LossKind, value: Any) -> float:
    low, high = kind.limits
    return check_number(
        f"parameter of {kind.name}", value, low=low, high=high, open_low=True, open_high=high < math.inf
    )
