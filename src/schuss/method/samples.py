"""What a network is trained on: inputs and targets, checked once against the network.

Inputs are a dense matrix or, never made dense, a sparse one of SciPy's in the CSR format.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from schuss.errors import DataError, SettingError
from schuss.method.functions import Array
from schuss.method.network import Network

__all__ = ["AllFinite", "Samples", "all_finite", "as_csr", "as_inputs", "as_weights", "is_sparse"]

CHECKED_AT_ONCE = 2**20
AllFinite = Callable[[Array], bool]


def all_finite(values: Array) -> bool:
    """Whether there is neither NaN nor infinity. A large array goes by pieces, which takes little memory."""
    if values.size <= CHECKED_AT_ONCE:
        return bool(np.isfinite(values).all())
    rows = max(1, CHECKED_AT_ONCE // max(1, values[:1].size))
    return all(np.isfinite(values[i : i + rows]).all() for i in range(0, len(values), rows))


@dataclass(frozen=True, eq=False)
class Samples:
    """Inputs with their targets. Arrays that fit already are shared: do not change them.

    Attributes
    ----------
    X : ndarray or CSR matrix, shape (n, n_in)
        float32 or float64, C-contiguous, finite; a CSR matrix has its indices sorted, each once.
    T : ndarray of the same dtype, shape (n, n_out), or None
    classes : int32 ndarray, shape (n,), or None
        Instead of T: which output's target is 1 where all others are 0.
    weights : ndarray of X's dtype, shape (n,), or None
        How often each sample counts, at least 0; None: once.
    """

    X: Any
    T: Array | None
    classes: NDArray[np.int32] | None
    weights: Array | None = None

    @classmethod
    def check(
        cls,
        network: Network,
        X: Any,
        T: Any,
        dtype: Any = None,
        weights: Any = None,
        finite: AllFinite = all_finite,
    ) -> Samples:
        """Return `X`, `T` as samples that `network` can be trained on.

        Parameters
        ----------
        X : array_like or sparse matrix, shape (n, n_in)
        T : array_like, shape (n, n_out)
            Also (n,) for one output; or (n,) integers, the class of each sample, for cross-entropy.
        dtype : numpy dtype, optional
            float32 or float64. By default float32 if X is float32, else float64.
        weights : array_like, shape (n,), optional
        finite : callable, optional
            Answers as `all_finite` whether inputs and targets are.

        Raises
        ------
        DataError
            Wrong shapes, NaN or infinity, or targets that the output can never reach.
        SettingError
            What is no network.
        """
        if not isinstance(network, Network):
            raise SettingError(f"network must be a Network, such as Network([2, 3, 1]); got {network!r:.80}.")
        X = as_inputs(X, network.layers[0], dtype, finite)
        n = X.shape[0]
        if n == 0:
            raise DataError("X holds no samples: shape (0, …). At least one is needed.")
        if n >= 2**31:
            raise DataError(f"at most 2³¹−1 samples can be trained on; got {n}.")
        weights = None if weights is None else as_weights(weights, n, X.dtype)
        T = _as_array("T", T)
        if _is_classes(T, network):
            return cls(X, None, _as_classes(T, network, n), weights)
        return cls(X, _as_targets(T, network, n, X.dtype, finite), None, weights)

    def __len__(self) -> int:
        return int(self.X.shape[0])

    def take(self, rows: NDArray[Any]) -> Samples:
        """Return the samples at `rows`, in that order."""
        others = [None if a is None else a[rows] for a in (self.T, self.classes, self.weights)]
        return Samples(self.X[rows], *others)

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
        X = (self.X.indptr, self.X.indices, self.X.data) if is_sparse(self.X) else (self.X,)
        sha.update(f"{self.X.shape}".encode())
        for array in (*X, self.T, self.classes, self.weights):
            if array is not None:
                sha.update(f"{array.shape}{array.dtype.str}".encode())
                sha.update(np.ascontiguousarray(array).data)
        return sha.hexdigest()


def is_sparse(X: Any) -> bool:
    """Whether `X` is one of SciPy's sparse matrices or arrays."""
    return hasattr(X, "tocsr")


def as_inputs(X: Any, n_in: int, dtype: Any = None, finite: AllFinite = all_finite) -> Any:
    """Return `X` as a contiguous or CSR finite float matrix of `n_in` columns, or raise DataError."""
    sparse = is_sparse(X)
    X = X if sparse else _as_array("X", X)
    try:
        dtype = np.dtype(dtype or (np.float32 if X.dtype == np.float32 else np.float64))
        with np.errstate(over="ignore"):  # what overflows is infinite, and refused below
            X = as_csr(X, dtype) if sparse else np.ascontiguousarray(X, dtype=dtype)
    except (TypeError, ValueError) as error:
        raise DataError(f"X must be a matrix of numbers, shape (n, {n_in}): {error}.") from error
    if dtype not in (np.float32, np.float64):
        raise DataError(f"dtype must be float32 or float64; got {dtype}.")
    if X.ndim != 2 or X.shape[1] != n_in:
        raise DataError(f"X must have shape (n, {n_in}), the network's inputs; got {X.shape}.")
    _check_finite("X", X.data if sparse else X, finite)
    return X


def as_csr(X: Any, dtype: Any) -> Any:
    """Return a CSR matrix with sorted indices, each once; the caller's own is left as it is."""
    csr = X.tocsr().astype(dtype, copy=False)
    if not csr.has_canonical_format:
        csr = csr.copy() if csr is X or csr.indices is getattr(X, "indices", None) else csr
        csr.sum_duplicates()
    return csr


def as_weights(weights: Any, n: int, dtype: Any) -> Array:
    """Return `weights` as a finite vector of `n` numbers that are at least 0, or raise DataError."""
    weights = _as_array("weights", weights)
    try:
        weights = np.ascontiguousarray(weights, dtype=dtype)
    except (TypeError, ValueError) as error:
        raise DataError(f"weights must be numbers, shape ({n},): {error}.") from error
    if weights.shape != (n,):
        raise DataError(f"weights must have shape ({n},), one per sample; got {weights.shape}.")
    _check_finite("weights", weights)
    if weights.min() < 0:
        raise DataError(f"weights must be at least 0; got {weights.min():g}.")
    return weights


def _as_array(name: str, values: Any) -> Array:
    try:
        array = np.asarray(values)
    except ValueError as error:
        raise DataError(f"{name} must be an array of numbers, rows of one length: {error}.") from error
    kinds = {"c": "complex values", "M": "dates", "m": "time spans"}
    kind = "masked values" if np.ma.is_masked(values) else kinds.get(array.dtype.kind)
    if kind:
        raise DataError(f"{name} holds {kind}; give real numbers, all of them present.")
    return array


def _check_finite(name: str, values: Array, finite: AllFinite = all_finite) -> None:
    if finite(values):
        return
    bad = ~np.isfinite(values)
    place = tuple(int(i) for i in np.argwhere(bad)[0])
    where = f"row {place[0]}, column {place[1]}" if len(place) == 2 else f"place {place[0]}"
    raise DataError(
        f"{name} holds {values[place]} at {where} (and {int(bad.sum()) - 1} more). Fill or "
        "drop missing values before training."
    )


def _is_classes(T: Array, network: Network) -> bool:
    one_of_many = network.loss.kind.partner == "softmax" and network.groups is None
    return T.ndim == 1 and one_of_many and network.layers[-1] > 1


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


def _as_targets(T: Array, network: Network, n: int, dtype: Any, finite: AllFinite) -> Array:
    n_out = network.layers[-1]
    try:
        with np.errstate(over="ignore"):
            T = np.ascontiguousarray(T.reshape(-1, 1) if T.ndim == 1 else T, dtype=dtype)
    except (TypeError, ValueError) as error:
        raise DataError(f"T must be numbers, shape (n, {n_out}): {error}.") from error
    if T.shape != (n, n_out):
        raise DataError(f"T must have shape ({n}, {n_out}) for this X and network; got {T.shape}.")
    _check_finite("T", T, finite)
    low, high = network.activations()[-1].range
    if T.min() < low or T.max() > high:
        bound = {"binary_cross_entropy": "They are 0 or 1, or shares between.", "poisson": "They are counts."}
        otherwise = "Scale the targets, or give the network another output, such as output='identity'."
        raise DataError(
            f"targets lie in [{T.min():g}, {T.max():g}] but output activation {network.activation[-1]!r} "
            f"reaches only [{low:g}, {high:g}]. {bound.get(network.loss.name, otherwise)}"
        )
    if network.loss.kind.partner == "softmax":
        for group in network.group_slices:
            if not np.allclose(T[:, group].sum(axis=1), 1, atol=1e-5):
                raise DataError(
                    f"each row of T must add up to 1, in each group of outputs, for loss "
                    f"{network.loss.name!r} (one-hot or shares)."
                )
    return T
