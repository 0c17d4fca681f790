"""Samples as arrays for a file, and back."""

from __future__ import annotations

from typing import Any

from schuss.errors import RecordError
from schuss.method.functions import Array
from schuss.method.samples import Samples, is_sparse
from schuss.training.sealed import Seal

__all__ = ["DATA", "arrays_of", "samples_of"]

DATA = Seal("data", 1, RecordError)


def arrays_of(samples: Samples) -> dict[str, Array]:
    """Return the arrays of some samples by name; a CSR matrix is three of them."""
    X = samples.X
    inputs = {"X": X}
    if is_sparse(X):
        inputs = {"X.data": X.data, "X.indices": X.indices, "X.indptr": X.indptr}
    others = {"T": samples.T, "classes": samples.classes, "weights": samples.weights}
    return inputs | {name: array for name, array in others.items() if array is not None}


def samples_of(arrays: dict[str, Any], n_in: int) -> Samples:
    """Return the samples that `arrays_of` took apart."""
    X = arrays.get("X")
    if X is None:
        from scipy.sparse import csr_matrix

        indptr = arrays["X.indptr"]
        X = csr_matrix((arrays["X.data"], arrays["X.indices"], indptr), shape=(len(indptr) - 1, n_in))
    return Samples(X, arrays.get("T"), arrays.get("classes"), arrays.get("weights"))
