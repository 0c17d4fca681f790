"""Update rules once more, as their sources write them: with slow weights, means and first steps spelt out.

Nothing here calls a rule of schuss. Each is a function that makes a step: from the weights at which the
gradient is taken, the gradient, the number of the step and its rates, to the next such weights; what it
remembers lives in a dictionary that begins empty. Holds no test.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["PUBLISHED", "Rates", "Step"]

Array = NDArray[Any]
Rates = dict[str, float]
Step = Callable[[Array, Array, int, Rates, dict[str, Any]], Array]


def gradient_descent(w: Array, g: Array, _n: int, r: Rates, _m: dict[str, Any]) -> Array:
    return w - r["learning_rate"] * g


def momentum(w: Array, g: Array, _n: int, r: Rates, m: dict[str, Any]) -> Array:
    m["v"] = r["momentum"] * m.get("v", 0.0) - r["learning_rate"] * g
    return w + m["v"]


def nesterov(w: Array, g: Array, _n: int, r: Rates, m: dict[str, Any]) -> Array:
    """Look ahead from φ, where w = φ + η·v; for a constant momentum."""
    phi = w - r["momentum"] * m.get("v", 0.0)
    m["v"] = r["momentum"] * m.get("v", 0.0) - r["learning_rate"] * g
    return phi + m["v"] + r["momentum"] * m["v"]


def adam(w: Array, g: Array, n: int, r: Rates, m: dict[str, Any]) -> Array:
    """With ε outside the correction, as the paper's section 2 has it."""
    m["m"] = r["beta_1"] * m.get("m", 0.0) + (1 - r["beta_1"]) * g
    m["s"] = r["beta_2"] * m.get("s", 0.0) + (1 - r["beta_2"]) * g**2
    correction = np.sqrt(1 - r["beta_2"] ** (n + 1)) / (1 - r["beta_1"] ** (n + 1))
    return w - r["learning_rate"] * correction * m["m"] / (np.sqrt(m["s"]) + r["epsilon"])


def outer_momentum(w: Array, g: Array, _n: int, r: Rates, m: dict[str, Any]) -> Array:
    """Begin the buffer with the first gradient, undampened."""
    if "b" in m:
        m["b"] = r["momentum"] * m["b"] + (1 - r["dampening"]) * g
    else:
        m["b"] = g
    return w - r["learning_rate"] * m["b"]


def outer_nesterov(w: Array, g: Array, _n: int, r: Rates, m: dict[str, Any]) -> Array:
    m["b"] = r["momentum"] * m["b"] + g if "b" in m else g
    return w - r["learning_rate"] * (g + r["momentum"] * m["b"])


def averaged_momentum(w: Array, g: Array, _n: int, r: Rates, m: dict[str, Any]) -> Array:
    m["m"] = r["beta"] * m.get("m", 0.0) + (1 - r["beta"]) * g
    return w - r["learning_rate"] * m["m"]


def quasi_hyperbolic(w: Array, g: Array, _n: int, r: Rates, m: dict[str, Any]) -> Array:
    m["g"] = r["beta"] * m.get("g", 0.0) + (1 - r["beta"]) * g
    return w - r["learning_rate"] * ((1 - r["nu"]) * g + r["nu"] * m["g"])


def rmsprop(w: Array, g: Array, _n: int, r: Rates, m: dict[str, Any]) -> Array:
    m["s"] = r["beta"] * m.get("s", 0.0) + (1 - r["beta"]) * g**2
    return w - r["learning_rate"] * (g / (np.sqrt(m["s"]) + r["epsilon"]))


def adagrad(w: Array, g: Array, _n: int, r: Rates, m: dict[str, Any]) -> Array:
    m["s"] = m.get("s", 0.0) + g**2
    return w - r["learning_rate"] * (g / (np.sqrt(m["s"]) + r["epsilon"]))


def aggmo(w: Array, g: Array, _n: int, r: Rates, m: dict[str, Any]) -> Array:
    for i in (1, 2, 3):
        m[f"v{i}"] = r[f"beta_{i}"] * m.get(f"v{i}", 0.0) - g
        w = w + r["learning_rate"] / 3 * m[f"v{i}"]
    return w


def lion(w: Array, g: Array, _n: int, r: Rates, m: dict[str, Any]) -> Array:
    before = m.get("m", np.zeros_like(g))
    m["m"] = r["beta_2"] * before + (1 - r["beta_2"]) * g
    return w - r["learning_rate"] * np.sign(r["beta_1"] * before + (1 - r["beta_1"]) * g)


def lookahead(w: Array, g: Array, n: int, r: Rates, m: dict[str, Any], every: int = 5) -> Array:
    """Slow weights of their own, which begin where the fast ones do."""
    m.setdefault("slow", w)
    m["v"] = r["momentum"] * m.get("v", 0.0) - r["learning_rate"] * g
    w = w + m["v"]
    if (n + 1) % every == 0:
        m["slow"] = m["slow"] + r["share"] * (w - m["slow"])
        w = m["slow"]
    return w


def schedule_free(w: Array, g: Array, _n: int, r: Rates, m: dict[str, Any], beta: float = 0.9) -> Array:
    """Three sequences: z descends, x is its mean, and the gradient is taken at y, which is w."""
    z, x = m.get("z", w), m.get("x", w)
    z = z - r["learning_rate"] * g
    m["largest"] = max(m.get("largest", 0.0), r["learning_rate"])
    m["sum"] = m.get("sum", 0.0) + m["largest"] ** 2
    c = m["largest"] ** 2 / m["sum"]
    x = (1 - c) * x + c * z
    m["z"], m["x"] = z, x
    return (1 - beta) * z + beta * x


PUBLISHED: dict[str, Step] = {
    rule.__name__: rule
    for rule in (
        gradient_descent,
        momentum,
        nesterov,
        adam,
        outer_momentum,
        averaged_momentum,
        quasi_hyperbolic,
        rmsprop,
        adagrad,
        aggmo,
        lion,
        lookahead,
        schedule_free,
    )
}
