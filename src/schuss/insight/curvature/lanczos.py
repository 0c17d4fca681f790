"""Eigenvalues of a symmetric matrix of which only products are known, each with a bound of its error.

Lanczos: H·Q = Q·T + β·q·eᵀ with orthonormal columns Q and a tridiagonal T. An eigenvalue θ of T with the
eigenvector s has |H·(Q·s) − θ·(Q·s)| = β·|s_k|, so H has an eigenvalue within that of θ. Every new column is
made orthogonal to all before, twice; without that, copies of found eigenvalues come back.
The start is random, so an end of the spectrum is missed with probability 0, and slowly found only where its
eigenvector hardly shows in the start.
Source: Parlett, The Symmetric Eigenvalue Problem (1980), ch. 13.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from schuss.errors import DataError

__all__ = ["Eigenvalue", "Spectrum", "lanczos"]

Numbers = NDArray[np.float64]

LOOK_AFTER, LOOK_SHARE = 4, 4  # so many products more, or a fourth of them, between two looks at the bounds
EXHAUSTED = 1e-12  # of the largest eigenvalue: a rest below this is rounding


@dataclass(frozen=True)
class Eigenvalue:
    """A number within `bound` of which an eigenvalue lies."""

    value: float
    bound: float


@dataclass(frozen=True, eq=False)
class Spectrum:
    """What Lanczos found.

    Attributes
    ----------
    values, bounds : float64 ndarray, shape (k,)
        In ascending order: within ``bounds[i]`` of ``values[i]`` lies an eigenvalue.
    complete : bool
        Whether nothing is left: each distinct eigenvalue that the start can see is there.
    top : float64 ndarray, shape (n,)
        The eigenvector of the last value, of length 1.
    """

    values: Numbers
    bounds: Numbers
    complete: bool
    top: Numbers

    def __getitem__(self, i: int) -> Eigenvalue:
        return Eigenvalue(float(self.values[i]), float(self.bounds[i]))

    @property
    def products(self) -> int:
        """How many products it took."""
        return len(self.values)

    @property
    def least_positive(self) -> Eigenvalue | None:
        """The lowest value that is above 0 beyond doubt, None if there is none."""
        doubt = np.maximum(self.bounds, EXHAUSTED * np.abs(self.values).max())
        above = np.flatnonzero(self.values > 2.0 * doubt)
        return self[int(above[0])] if len(above) else None


def lanczos(
    product: Callable[[Numbers], Numbers],
    n: int,
    *,
    seed: int = 0,
    start: Numbers | None = None,
    most: int = 100,
    tolerance: float = 1e-7,
    both_ends: bool = True,
) -> Spectrum:
    """Return eigenvalues of the matrix (n, n) whose `product` with a vector is given.

    Parameters
    ----------
    start : ndarray, shape (n,), optional
        A vector near the eigenvector of the highest eigenvalue; by default drawn with `seed`.
    most : int, default 100
        Products, at most.
    tolerance : float, default 1e-7
        Of the largest |eigenvalue|: where the bounds of both ends come below it, that is enough.
    both_ends : bool, default True
        Whether the lowest eigenvalue is waited for too.

    Raises
    ------
    DataError
        A product is not finite.
    """
    q = np.random.default_rng(seed).standard_normal(n) if start is None else np.array(start)
    q /= np.linalg.norm(q)
    basis = np.empty((0, n))
    diagonal, beside, next_look = list[float](), list[float](), LOOK_AFTER
    while True:
        basis = _with_row(basis, len(diagonal), q)
        Q = basis[: len(diagonal) + 1]
        w = product(q)
        diagonal.append(float(q @ w))
        if not math.isfinite(diagonal[-1]):
            raise DataError("the loss bends beyond all numbers at these weights; ask before an earlier step.")
        for _ in range(2):
            w = w - Q.T @ (Q @ w)
        beside.append(float(np.linalg.norm(w)))
        k = len(diagonal)
        complete = k == n or beside[-1] <= EXHAUSTED * _size(diagonal, beside)
        if complete or k in (most, next_look):
            next_look = k + max(LOOK_AFTER, k // LOOK_SHARE)
            found = _found(diagonal, beside, Q, complete)
            enough = tolerance * np.abs(found.values).max()
            ends = found.bounds[-1], found.bounds[0] if both_ends else 0.0
            if complete or k == most or max(ends) <= enough:
                return found
        q = w / beside[-1]


def _size(diagonal: list[float], beside: list[float]) -> float:
    """Return about the largest |eigenvalue| so far."""
    return max(map(abs, diagonal)) + max([0.0, *beside[:-1]])


def _with_row(basis: Numbers, k: int, q: Numbers) -> Numbers:
    """Return the basis with q in row k, in twice the room where there was none left."""
    if k == len(basis):
        basis = np.concatenate([basis, np.empty((min(max(8, k), max(1, len(q) - k)), len(q)))])
    basis[k] = q
    return basis


def _found(diagonal: list[float], beside: list[float], Q: Numbers, complete: bool) -> Spectrum:
    T = np.diag(diagonal) + np.diag(beside[:-1], 1) + np.diag(beside[:-1], -1)
    values, vectors = np.linalg.eigh(T)
    rounding = 4.0 * np.finfo(np.float64).eps * math.sqrt(Q.shape[1]) * float(np.abs(values).max())
    bounds = beside[-1] * np.abs(vectors[-1]) + rounding
    return Spectrum(values, bounds, complete, Q.T @ vectors[:, -1])
