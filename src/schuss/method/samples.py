"""What a network is trained on: inputs and targets, checked once against the network."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from schuss.errors import DataError
from schuss.method.functions import Array
from schuss.method.network import Network

__all__ = ["Samples", "as_inputs"]


@dataclass(frozen=True, eq=False)
class Samples:
    """Inputs with their targets. Arrays that fit already are shared: do not change them.

    Attributes
    ----------
    X : ndarray, shape (n, n_in)
        float32 or float64, C-contiguous, finite.
    T : ndarray of the same dtype, shape (n, n_out), or None
    classes : int32 ndarray, shape (n,), or None
        Instead of T: which output's target is 1 where all others are 0.
    """

    X: Array
    T: Array | None
    classes: NDArray[np.int32] | None

    @classmethod
    def check(cls, network: Network, X: Any, T: Any, dtype: Any = None) -> Samples:
        """Return `X`, `T` as samples that `network` can be trained on.

        Parameters
        ----------
        X : array_like, shape (n, n_in)
        T : array_like, shape (n, n_out)
            Also (n,) for one output; or (n,) integers, the class of each sample, for cross-entropy.
        dtype : numpy dtype, optional
            float32 or float64. By default float32 if X is float32, else float64.

        Raises
        ------
        DataError
            Wrong shapes, NaN or infinity, or targets that the output can never reach.
        """
        X = as_inputs(X, network.layers[0], dtype)
        if len(X) == 0:
            raise DataError("X holds no samples: shape (0, …). At least one is needed.")
        if len(X) >= 2**31:
            raise DataError(f"at most 2³¹−1 samples can be trained on; got {len(X)}.")
        T = _as_array("T", T)
        if _is_classes(T, network):
            return cls(X, None, _as_classes(T, network, len(X)))
        return cls(X, _as_targets(T, network, len(X), X.dtype), None)

    def __len__(self) -> int:
        return len(self.X)

    def take(self, rows: NDArray[Any]) -> Samples:
        """Return the samples at `rows`, in that order."""
        T = None if self.T is None else self.T[rows]
        return Samples(self.X[rows], T, None if self.classes is None else self.classes[rows])

    def targets(self, n_out: int) -> Array:
        """Return the targets as a matrix, shape (n, n_out)."""
        if self.T is not None:
            return self.T
        T = np.zeros((len(self), n_out), self.X.dtype)
        T[np.arange(len(self)), self.classes] = 1
        return T

    def fingerprint(self) -> str:
        """Return the SHA-256 of shapes, dtypes and content."""
        sha = hashlib.sha256()
        for array in (self.X, self.T, self.classes):
            if array is not None:
                sha.update(f"{array.shape}{array.dtype.str}".encode())
                sha.update(np.ascontiguousarray(array).data)
        return sha.hexdigest()


def as_inputs(X: Any, n_in: int, dtype: Any = None) -> Array:
    """Return `X` as a contiguous finite float matrix of `n_in` columns, or raise DataError."""
    X = _as_array("X", X)
    try:
        dtype = np.dtype(dtype or (np.float32 if X.dtype == np.float32 else np.float64))
        with np.errstate(over="ignore"):  # what overflows is infinite, and refused below
            X = np.ascontiguousarray(X, dtype=dtype)
    except (TypeError, ValueError) as error:
        raise DataError(f"X must be a matrix of numbers, shape (n, {n_in}): {error}.") from error
    if dtype not in (np.float32, np.float64):
        raise DataError(f"dtype must be float32 or float64; got {dtype}.")
    if X.ndim != 2 or X.shape[1] != n_in:
        raise DataError(f"X must have shape (n, {n_in}), the network's inputs; got {X.shape}.")
    _check_finite("X", X)
    return X


def _as_array(name: str, values: Any) -> Array:
    try:
        array = np.asarray(values)
    except ValueError as error:
        raise DataError(f"{name} must be an array of numbers, rows of one length: {error}.") from error
    if array.dtype.kind == "c" or np.ma.is_masked(values):
        kind = "complex" if array.dtype.kind == "c" else "masked"
        raise DataError(f"{name} holds {kind} values; give real numbers, all of them present.")
    return array


def _check_finite(name: str, values: Array) -> None:
    finite = np.isfinite(values)
    if not finite.all():
        row, column = (int(i) for i in np.argwhere(~finite)[0])
        raise DataError(
            f"{name} holds {values[row, column]} at row {row}, column {column} (and "
            f"{int((~finite).sum()) - 1} more). Fill or drop missing values before training."
        )


def _is_classes(T: Array, network: Network) -> bool:
    return T.ndim == 1 and network.loss.name == "cross_entropy" and network.layers[-1] > 1


def _as_classes(labels: Array, network: Network, n: int) -> NDArray[np.int32]:
    last = network.layers[-1] - 1
    if labels.shape != (n,) or not np.issubdtype(labels.dtype, np.integer):
        raise DataError(
            f"a flat T must hold {n} class indices as integers; got {labels.dtype}, shape {labels.shape}."
        )
    outside = (labels < 0) | (labels > last)
    if outside.any():
        raise DataError(f"class indices must lie in [0, {last}], one per output; got {labels[outside][0]}.")
    return np.ascontiguousarray(labels, dtype=np.int32)


def _as_targets(T: Array, network: Network, n: int, dtype: Any) -> Array:
    n_out = network.layers[-1]
    try:
        with np.errstate(over="ignore"):
            T = np.ascontiguousarray(T.reshape(-1, 1) if T.ndim == 1 else T, dtype=dtype)
    except (TypeError, ValueError) as error:
        raise DataError(f"T must be numbers, shape (n, {n_out}): {error}.") from error
    if T.shape != (n, n_out):
        raise DataError(f"T must have shape ({n}, {n_out}) for this X and network; got {T.shape}.")
    _check_finite("T", T)
    low, high = network.activations()[-1].range
    if T.min() < low or T.max() > high:
        raise DataError(
            f"targets lie in [{T.min():g}, {T.max():g}] but output activation "
            f"{network.activation[-1]!r} reaches only [{low:g}, {high:g}]. Scale the targets, or "
            "give the network another output, such as output='identity'."
        )
    if network.loss.name == "cross_entropy" and not np.allclose(T.sum(axis=1), 1, atol=1e-5):
        raise DataError("each row of T must add up to 1 for loss 'cross_entropy' (one-hot or shares).")
    return T
