"""L-BFGS: SciPy decides the steps, an engine gives loss and gradient. Full batches only.

The parameters are handed over as scikit-learn hands them, all weights and then all biases, because the
rounding of SciPy's sums depends on their order.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from schuss.engine.engine import Engine
from schuss.method.backprop import Objective
from schuss.method.functions import Array
from schuss.method.network import Network
from schuss.method.samples import Samples

__all__ = ["Minimum", "minimise"]


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
    """Return the minimum that L-BFGS reaches from `theta` in at most so many iterations and evaluations.

    `tolerance` is the largest component of the gradient at which it ends. The arithmetic of loss and
    gradient is that of theta's dtype, SciPy's own is float64. `callback` is called after each iteration
    with theta and loss; True ends it.
    """
    from scipy.optimize import minimize

    places = _weights_first(network)

    def loss_and_gradient(x: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        at = np.empty_like(theta)
        at[places] = x
        loss, gradient = engine.gradient(network, at, samples, objective)
        return loss, gradient[places].astype(np.float64)

    def tell(intermediate_result: Any) -> None:
        at = np.empty_like(theta)
        at[places] = intermediate_result.x
        if callback is not None and callback(at, float(intermediate_result.fun)):
            raise StopIteration

    options: dict[str, Any] = {"maxfun": evaluations, "maxiter": iterations, "gtol": tolerance}
    found = minimize(
        loss_and_gradient,
        theta[places].astype(np.float64),
        method="L-BFGS-B",
        jac=True,
        options=options,
        callback=tell,
    )
    last = np.empty_like(theta)
    last[places] = found.x
    return Minimum(
        theta=last,
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
