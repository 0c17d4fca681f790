"""The conventions of momentum against the systems themselves: how far 300 steps on a quadratic part.

    python -m benchmarks.conventions

Each system that is installed runs in float64 with settings converted from ours, plain and Nesterov, at a
constant rate and with the rate changed twice; ours has its velocity corrected where `schuss.convert` says so.
A difference is the largest of any weight, relative to where they began. At most 1e-12 is asked for.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

import schuss
from schuss.method.convert import Conversion

LIMIT = 1e-12
HESSIAN = np.array([[0.9, 0.2, 0.0], [0.2, 0.3, 0.1], [0.0, 0.1, 0.05]])
START = np.array([3.0, -1.0, 0.5])
STEPS = 300
RATE, MOMENTUM = 0.25, 0.75  # Keras rounds both to float32, which leaves these as they are
DROPS = (1.0, 0.125, 0.5)

Step = Callable[[Any, float], Any]


def torch_steps(settings: dict[str, Any]) -> Step:
    """Return a step of PyTorch's SGD."""
    import torch

    weights = torch.tensor(START, requires_grad=True)
    optimizer = torch.optim.SGD([weights], **settings)

    def step(gradient: Any, rate: float) -> Any:
        optimizer.param_groups[0]["lr"] = rate
        weights.grad = torch.tensor(gradient)
        optimizer.step()
        return weights.detach().numpy().copy()

    return step


def keras_steps(settings: dict[str, Any]) -> Step:
    """Return a step of Keras's SGD."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    import keras

    weights = keras.Variable(START, dtype="float64")
    optimizer = keras.optimizers.SGD(**settings)
    optimizer.build([weights])

    def step(gradient: Any, rate: float) -> Any:
        optimizer.update_step(keras.ops.convert_to_tensor(gradient), weights, np.float64(rate))
        return keras.ops.convert_to_numpy(weights).copy()

    return step


def tensorflow1_steps(settings: dict[str, Any]) -> Step:
    """Return a step of TensorFlow 1's kernel, which MomentumOptimizer calls."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    import tensorflow as tf

    weights, accumulated = tf.Variable(START), tf.Variable(np.zeros(3))
    momentum, nesterov = np.float64(settings["momentum"]), settings["use_nesterov"]

    def step(gradient: Any, rate: float) -> Any:
        tf.raw_ops.ResourceApplyMomentum(
            var=weights.handle,
            accum=accumulated.handle,
            lr=np.float64(rate),
            grad=gradient,
            momentum=momentum,
            use_nesterov=nesterov,
        )
        return weights.numpy().copy()

    return step


def scikit_learn_steps(settings: dict[str, Any]) -> Step:
    """Return a step of the optimiser within scikit-learn's MLP."""
    from sklearn.neural_network._stochastic_optimizers import SGDOptimizer

    weights = [START.copy()]
    optimizer = SGDOptimizer(
        weights,
        learning_rate_init=settings["learning_rate_init"],
        momentum=settings["momentum"],
        nesterov=settings["nesterovs_momentum"],
    )

    def step(gradient: Any, rate: float) -> Any:
        optimizer.learning_rate = rate
        optimizer.update_params(weights, [gradient])
        return weights[0].copy()

    return step


def optax_steps(settings: dict[str, Any]) -> Step:
    """Return a step of Optax's sgd."""
    import optax

    others = {name: value for name, value in settings.items() if name != "learning_rate"}
    return _transformed(lambda rate: optax.sgd(rate, **others))


def moving_average_steps(settings: dict[str, Any]) -> Step:
    """Return a step of Optax's ema."""
    import optax

    memory = optax.ema(settings["beta"], debias=False)
    return _transformed(lambda rate: optax.chain(memory, optax.scale_by_learning_rate(rate)))


def _transformed(optimizer: Callable[[float], Any]) -> Step:
    import jax

    jax.config.update("jax_enable_x64", True)
    weights = jax.numpy.array(START)
    state = optimizer(RATE).init(weights)

    def step(gradient: Any, rate: float) -> Any:
        nonlocal weights, state
        change, state = optimizer(rate).update(jax.numpy.array(gradient), state, weights)
        weights = weights + change
        return np.array(weights)

    return step


SYSTEMS: dict[str, Callable[[dict[str, Any]], Step]] = {
    "pytorch": torch_steps,
    "keras": keras_steps,
    "tensorflow1": tensorflow1_steps,
    "scikit-learn": scikit_learn_steps,
    "optax": optax_steps,
    "moving-average": moving_average_steps,
}


def difference(found: Conversion, begin: Callable[[dict[str, Any]], Step], drops: tuple[float, ...]) -> float:
    """Return how far the system, from converted settings, parts from our rule."""
    rule, step = found.classical.rule, begin(dict(found.given))
    rate_there = float(found.given[found.source.rate_name])
    there, ours, memory, worst, before = START, START, np.zeros((1, 3)), 0.0, 1.0
    for k in range(STEPS):
        factor = drops[k * len(drops) // STEPS]
        there = step(HESSIAN @ there, rate_there * factor)
        memory = memory * found.velocity_correction(before, factor)
        alpha = found.classical.learning_rate * factor * (found.classical.first if k == 0 else 1.0)
        ours, memory = rule.update(ours, memory, HESSIAN @ ours, (alpha, found.classical.momentum))
        worst, before = max(worst, float(np.abs(there - ours).max())), factor
    return worst / float(np.abs(START).max())


def cases(name: str) -> Iterator[tuple[str, Conversion]]:
    """Yield what is compared: plain, Nesterov where there is one, and PyTorch's dampening."""
    ours = {"learning_rate": RATE, "momentum": MOMENTUM}
    has_nesterov = schuss.convert("schuss", name, **ours).target.setting("nesterov") is not None
    for nesterov in (False, True) if has_nesterov else (False,):
        settings = schuss.convert("schuss", name, **ours, nesterov=nesterov).settings
        yield "nesterov" if nesterov else "plain", schuss.convert(name, "schuss", **settings)
    if name == "pytorch":
        yield "dampening 0.6", schuss.convert(name, "schuss", lr=RATE, momentum=MOMENTUM, dampening=0.6)
        yield "momentum 0", schuss.convert(name, "schuss", lr=RATE, momentum=0.0, dampening=0.6)


def main() -> int:
    """Print the table; return 1 if any difference is too large."""
    missed = 0
    print(f"{'system':<16}{'case':<16}{'constant rate':>14}{'changing rate':>15}")
    for name, begin in SYSTEMS.items():
        try:
            for case, found in cases(name):
                constant, changing = difference(found, begin, (1.0,)), difference(found, begin, DROPS)
                missed += max(constant, changing) > LIMIT
                print(f"{name:<16}{case:<16}{constant:>14.1e}{changing:>15.1e}")
        except ImportError as error:
            print(f"{name:<16}not installed: {error}")
    print(f"{missed} above {LIMIT:g}")
    return int(missed > 0)


if __name__ == "__main__":
    sys.exit(main())
