"""The compiled engine with products of bfloat16: about twice as fast on wide networks, and less exact.

Weights, memory, outputs and error signals stay float32, and so do all sums. What a product is made of is
rounded to the nearest bfloat16, 8 binary digits; products are added up two at a time, of numbers 2i and
2i+1 the latter first. Only where the processor has such products (AVX-512-BF16), only in float32, and only
where asked for: ``engine="bfloat16"``. Its bits hang neither on threads nor on pieces; they are not those
of the other engines.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from schuss.engine import native
from schuss.engine.engine import Advance, AdvanceMany, EngineInfo, Poll, Predictor
from schuss.errors import EngineError
from schuss.method.backprop import Gradient, Objective
from schuss.method.dropout import Dropout
from schuss.method.functions import Array
from schuss.method.network import Network
from schuss.method.plan import Plan
from schuss.method.plans import Plans
from schuss.method.samples import Samples, is_sparse
from schuss.method.state import State, States

__all__ = ["Bfloat16Engine"]


class Bfloat16Engine:
    """Hands dense float32 data to the kernel's set of pairwise products, and refuses all else.

    Parameters
    ----------
    threads : int, optional
        At most so many, as in `NativeEngine`.

    Raises
    ------
    EngineError
        The kernel is not installed, or this processor has no such products. Later: data of another dtype,
        or sparse ones.
    """

    def __init__(self, threads: int | None = None) -> None:
        found = native.bfloat16_set()
        if native.available() and not found:
            raise EngineError(
                "this processor or build has no products of bfloat16 (AVX-512-BF16); use engine='native'."
            )
        self._native = native.NativeEngine(threads, found or None)

    def __reduce__(self) -> tuple[type[Bfloat16Engine], tuple[int]]:
        """Leave behind what is only kept for speed: copies and pickles start without."""
        return Bfloat16Engine, (self.info.threads,)

    @property
    def info(self) -> EngineInfo:
        """Which arithmetic runs."""
        return replace(self._native.info, engine="bfloat16", arithmetic="bfloat16 products")

    def outputs(self, network: Network, theta: Array, X: Any) -> Array:
        """Return the outputs, shape (n, n_out)."""
        _check(theta, X)
        return self._native.outputs(network, theta, X)

    def predictor(self, network: Network, theta: Array) -> Predictor:
        """Return a function from inputs, (n_in,) or (n, n_in), to outputs, (n_out,) or (n, n_out)."""
        _check(theta)
        return self._native.predictor(network, theta)

    def gradient(
        self,
        network: Network,
        theta: Array,
        samples: Samples,
        objective: Objective,
        dropout: Dropout | None = None,
    ) -> Gradient:
        """Return loss and gradient of all samples as one batch."""
        _check(theta, samples.X)
        return self._native.gradient(network, theta, samples, objective, dropout)

    def loss(
        self,
        network: Network,
        theta: Array,
        samples: Samples,
        objective: Objective,
        dropout: Dropout | None = None,
    ) -> float:
        """Return the loss of all samples as one batch."""
        _check(theta, samples.X)
        return self._native.loss(network, theta, samples, objective, dropout)

    def advance(
        self,
        network: Network,
        state: State,
        samples: Samples,
        plan: Plan,
        stop: int,
        *,
        poll: Poll | None = None,
        check_each_step: bool = False,
        norms_every: int = 0,
    ) -> Advance:
        """Run steps [state.step, stop) of `plan`; see `schuss.engine.engine.Engine`."""
        _check(state.theta, samples.X)
        how: dict[str, Any] = {"check_each_step": check_each_step, "norms_every": norms_every}
        return self._native.advance(network, state, samples, plan, stop, poll=poll, **how)

    def rows_of(self, plan: Plan, step: int, n: int) -> NDArray[np.int32]:
        """Return the samples of a step."""
        return self._native.rows_of(plan, step, n)

    def observe(self, *_: Any) -> NoReturn:
        """Raise EngineError: what is watched are full products, which this engine does not make."""
        raise EngineError(
            "a change made of products of bfloat16 cannot be taken apart by samples; train with "
            "engine='native' to ask for accounts."
        )

    def curvature_product(self, *_: Any) -> NoReturn:
        """Raise EngineError: how a loss bends is asked of full products."""
        raise EngineError("curvature is measured in full products; use engine='native'.")

    def advance_many(
        self,
        network: Network,
        states: States,
        samples: Samples,
        plans: Plans,
        stop: int,
        *,
        epochs: bool = False,
    ) -> AdvanceMany:
        """Run steps [states.step, stop) of each of `plans`; see `schuss.engine.engine.Engine`."""
        _check(states.theta, samples.X)
        what = network, states, samples, plans, stop
        return self._native.advance_many(*what, epochs=epochs, layout="alone")


def _check(theta: Array, X: Any = None) -> None:
    if theta.dtype != "float32":
        raise EngineError(f"products of bfloat16 are for float32; got {theta.dtype}. Give X as float32.")
    if X is not None and is_sparse(X):
        raise EngineError("products of bfloat16 are for dense inputs; use engine='native' for sparse ones.")
