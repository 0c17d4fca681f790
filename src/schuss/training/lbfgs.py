"""L-BFGS: SciPy decides the steps, and asks for loss and gradient. Full batches only."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from schuss.engine.engine import Engine
from schuss.method.backprop import Objective
from schuss.method.functions import Array
from schuss.method.network import Network
from schuss.method.samples import Samples

__all__ = ["Minimum", "minimise", "minimise_function"]

SMALLEST_FALL = 2.220446049250313e-09  # SciPy's and scikit-learn's: of the loss, or of 1 where it is less


class Minimum(NamedTuple):
    """Where L-BFGS ended.

    Attributes
    ----------
    theta : ndarray, shape (n_parameters,)
    loss : float
    iterations, evaluations : int
    converged : bool
    status : int
        SciPy's number for why it ended.
    message : str
        SciPy's words for it.
    """

    theta: Array
    loss: float
    iterations: int
    evaluations: int
    converged: bool
    status: int
    message: str


def minimise(
    engine: Engine,
    network: Network,
    samples: Samples,
    objective: Objective,
    theta: Array,
    *,
    iterations: int,
    evaluations: int,
    tolerance: float,
    callback: Callable[[Array, float], bool] | None = None,
) -> Minimum:
    """Return the minimum of a network's loss that L-BFGS reaches from `theta`.

    The parameters are handed over as scikit-learn hands them, all weights and then all biases, because the
    rounding of SciPy's sums depends on their order. All else as for `minimise_function`.
    """
    places = _weights_first(network)

    def in_order(x: Array) -> Array:
        at = np.empty_like(theta)
        at[places] = x
        return at

    def loss_and_gradient(x: Array) -> tuple[float, Array]:
        loss, gradient = engine.gradient(network, in_order(x), samples, objective)
        return loss, gradient[places]

    found = minimise_function(
        loss_and_gradient,
        theta[places],
        iterations=iterations,
        evaluations=evaluations,
        tolerance=tolerance,
        smallest_fall=SMALLEST_FALL,
        callback=None if callback is None else lambda x, loss: callback(in_order(x), loss),
    )
    return found._replace(theta=in_order(found.theta))


def minimise_function(
    loss_and_gradient: Callable[[Array], tuple[float, Array]],
    start: Array,
    *,
    iterations: int,
    evaluations: float = math.inf,
    tolerance: float = 0.0,
    smallest_fall: float = 0.0,
    pairs: int = 10,
    callback: Callable[[Array, float], bool] | None = None,
) -> Minimum:
    """Return the minimum that L-BFGS reaches from `start` in at most so many iterations and evaluations.

    The arithmetic of loss and gradient is that of start's dtype, SciPy's own is float64.

    Parameters
    ----------
    loss_and_gradient : callable ``theta -> (E, ∂E/∂θ)``
    start : ndarray, shape (n,)
    iterations : int
    evaluations : float
        SciPy looks at it after each iteration.
    tolerance : float
        The largest component of the gradient at which it ends.
    smallest_fall : float
        It ends where an iteration lowers the loss by less, relative to the loss or to 1.
    pairs : int
        Steps with their changes of the gradient that it remembers.
    callback : callable ``(theta, E) -> bool``, optional
        Called after each iteration; True ends it.
    """
    from scipy.optimize import minimize
    from threadpoolctl import threadpool_limits

    def ask(x: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        loss, gradient = loss_and_gradient(x.astype(start.dtype))
        return loss, gradient.astype(np.float64)

    def tell(intermediate_result: Any) -> None:
        at = intermediate_result.x.astype(start.dtype)
        if callback is not None and callback(at, float(intermediate_result.fun)):
            raise StopIteration

    limits: dict[str, Any] = {"maxfun": evaluations, "maxiter": iterations, "gtol": tolerance}
    with threadpool_limits(1, "blas"):  # its vectors are short; threads that wait beside ours cost far more
        found = minimize(
            ask,
            start.astype(np.float64),
            method="L-BFGS-B",
            jac=True,
            options={**limits, "ftol": smallest_fall, "maxcor": pairs},
            callback=tell,
        )
    return Minimum(
        theta=found.x.astype(start.dtype),
        loss=float(found.fun),
        iterations=min(int(found.nit), iterations),
        evaluations=int(found.nfev),
        converged=found.status == 0,
        status=int(found.status),
        message=str(found.message),
    )


def _weights_first(network: Network) -> NDArray[np.intp]:
    """Return the places in theta of all weights and then of all biases, shape (n_parameters,)."""
    layers = network.views(np.arange(network.n_parameters))
    biases = [layer.b for layer in layers if layer.b is not None]
    return np.concatenate([layer.w.ravel() for layer in layers] + biases)
