"""From what a user hands over to the network's inputs, at fit and at every prediction.

The quick path takes a plain float array of the right shape, whose check is a few microseconds; everything
else goes through scikit-learn's own validation.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.utils.validation import check_is_fitted, validate_data

from schuss.adapters.estimators.memory import Memory
from schuss.adapters.estimators.preset import learn_scaling, scaled
from schuss.method.functions import Array
from schuss.method.samples import as_csr, is_sparse

__all__ = ["InputsMixin"]

FLOATS = (np.dtype(np.float64), np.dtype(np.float32))


class InputsMixin:
    """Checks inputs and brings them into the form that the network was trained on."""

    n_features_in_: int
    allow_nan: bool
    preset: str | None
    engine: str
    n_threads: int | None
    _memory: Memory

    def _quick(self, X: Any) -> bool:
        """Whether `X` is plainly a finite float matrix like the one that was fitted."""
        return (
            type(X) is np.ndarray
            and X.ndim == 2
            and X.dtype in FLOATS
            and X.shape[1] == self.n_features_in_
            and X.shape[0] > 0
            and "feature_names_in_" not in self.__dict__
            and bool(np.isfinite(X).all())
        )

    def _inputs(self, X: Any) -> Any:
        """Return `X` checked, as the network takes it."""
        if "_memory" not in self.__dict__:
            check_is_fitted(self)
        if not self._quick(X):
            X = validate_data(
                self,
                X,
                accept_sparse=["csr", "csc"],
                dtype=FLOATS,
                ensure_all_finite="allow-nan" if "_fill" in self.__dict__ else True,
                reset=False,
            )
        return self._prepared(X)

    def _outputs(self, X: Any) -> Array:
        """Return the network's outputs, shape (n, n_outputs), for inputs as the user gave them."""
        X = self._inputs(X)
        memory = self._memory
        theta = memory.theta
        engine = memory.engine(self.engine, self.n_threads)
        y = engine.outputs(memory.network, theta, as_rows(X, theta.dtype))
        return y if X.dtype.itemsize <= y.dtype.itemsize else y.astype(X.dtype)

    def _learn_inputs(self, X: Any, first: bool) -> None:
        """Learn what `_prepared` needs, from the inputs of a first fit."""
        if first:
            for name in ("_fill", "_gaps", "_centre", "_spread"):
                self.__dict__.pop(name, None)
        if first and self.allow_nan:
            if is_sparse(X):
                raise ValueError("allow_nan=True needs dense inputs; got a sparse matrix.")
            gaps = np.isnan(X)
            present = np.where(gaps, 0.0, X).sum(axis=0, dtype=np.float64)
            counts = np.maximum((~gaps).sum(axis=0), 1)
            self._fill = (present / counts).astype(X.dtype)
            self._gaps = np.flatnonzero(gaps.any(axis=0))
        if first and self.preset:
            if is_sparse(X):
                raise ValueError(f"preset={self.preset!r} needs dense inputs; got a sparse matrix.")
            self._centre, self._spread = learn_scaling(self._filled_by_median(X) if self.allow_nan else X)

    def _filled_by_median(self, X: Any) -> Any:
        """Return inputs without gaps, for a scaling that none shall move; a column of gaps is a constant."""
        known = ~np.isnan(X).all(axis=0)
        middle = self._fill.astype(X.dtype)
        middle[known] = np.nanmedian(X[:, known], axis=0)
        return np.where(np.isnan(X), middle, X)

    def _prepared(self, X: Any) -> Any:
        """Return the network's inputs: gaps filled by the mean and marked, then scaled by a preset."""
        fills, scales = "_fill" in self.__dict__, "_centre" in self.__dict__
        if not (fills or scales):
            return X
        if is_sparse(X):
            raise ValueError("allow_nan=True needs dense inputs, and so does a preset; got a sparse matrix.")
        gaps = np.isnan(X) if fills else None
        if gaps is not None:
            X = np.where(gaps, self._fill.astype(X.dtype), X)
        if scales:
            X = scaled(X, self._centre, self._spread)
        return X if gaps is None else np.hstack([X, gaps[:, self._gaps].astype(X.dtype)])

    @staticmethod
    def _n_inputs(X: Any) -> int:
        return int(X.shape[1])


def as_rows(X: Any, dtype: Any) -> Any:
    """Return `X` in the layout of the engines: contiguous rows, or CSR."""
    return as_csr(X, dtype) if is_sparse(X) else np.ascontiguousarray(X, dtype=dtype)
