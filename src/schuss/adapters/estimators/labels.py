"""Classes to targets and back, as scikit-learn's LabelBinarizer does it, and several questions at once.

``binary`` targets (two classes, or one) have one logistic output; ``multiclass`` ones a softmax;
``multilabel`` ones a logistic output for each label; ``multioutput`` ones, which scikit-learn refuses, a
softmax over the classes of each column.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.multiclass import check_classification_targets, type_of_target, unique_labels

from schuss.errors import DataError
from schuss.method.functions import Array

__all__ = ["classes_of", "decode", "encode", "is_same", "kind_of", "n_outputs_of", "one_hot", "probabilities"]

KINDS = {
    "binary": "binary",
    "multiclass": "multiclass",
    "multilabel-indicator": "multilabel",
    "multiclass-multioutput": "multioutput",
}


def kind_of(y: Any) -> str:
    """Return which kind of targets `y` holds."""
    check_classification_targets(y)
    kind = KINDS[type_of_target(y, input_name="y")]
    marks = y.data if hasattr(y, "tocsr") else np.asarray(y)
    if kind == "multilabel" and not np.isin(marks, (0, 1)).all():
        return "multioutput"  # two classes in each column, but no marks
    return kind


def classes_of(kind: str, y: Any) -> Any:
    """Return the classes in `y`, sorted; for several columns a list of those of each."""
    if kind == "multioutput":
        return [np.unique(column) for column in np.asarray(y).T]
    return np.unique(y) if kind in ("binary", "multiclass") else unique_labels(y)


def is_same(known: Any, given: Any) -> bool:
    """Return whether two sets of classes agree: one array each, or a list with an array for each target."""
    ours, theirs = (each if isinstance(each, list) else [each] for each in (known, given))
    return len(ours) == len(theirs) and all(map(np.array_equal, ours, theirs))


def n_outputs_of(kind: str, classes: Any) -> int:
    """Return how many outputs the network needs."""
    if kind == "binary":
        return 1
    return sum(map(len, classes)) if kind == "multioutput" else len(classes)


def encode(kind: str, classes: Any, y: Any, dtype: Any) -> NDArray[Any]:
    """Return the targets: int32 codes (n,) for multiclass, else a matrix (n, n_outputs) of 0 and 1."""
    if kind == "multilabel":
        return _indicator(y, dtype)
    if kind == "multioutput":
        columns = zip(classes, np.asarray(y).T, strict=True)
        return np.hstack([np.eye(len(c), dtype=dtype)[_codes(c, column)] for c, column in columns])
    codes = _codes(classes, y)
    if kind == "multiclass":
        return codes.astype(np.int32)
    positive = codes if len(classes) == 2 else np.zeros_like(codes)  # one class alone is the negative one
    return positive.astype(dtype)[:, None]


def one_hot(targets: NDArray[Any], n_outputs: int, dtype: Any) -> Array:
    """Return targets as a matrix (n, n_outputs), whichever of the two forms they have."""
    if targets.ndim == 2:
        return targets
    return np.eye(n_outputs, dtype=dtype)[targets]


def _indicator(y: Any, dtype: Any) -> Array:
    dense = y.toarray() if hasattr(y, "toarray") else np.asarray(y)
    return np.ascontiguousarray(dense > 0, dtype=dtype)


def _codes(classes: NDArray[Any], y: Any) -> NDArray[np.intp]:
    y = np.asarray(y)
    codes = np.searchsorted(classes, y)
    codes = np.minimum(codes, len(classes) - 1)
    if not (classes[codes] == y).all():
        raise DataError(
            f"`y` has classes not in `self.classes_`. `self.classes_` has {classes}. 'y' has {np.unique(y)}."
        )
    return codes


def _parts(classes: Any, y: Array) -> list[Array]:
    return np.split(y, np.cumsum([len(c) for c in classes])[:-1], axis=1)


def decode(kind: str, classes: Any, y: Array) -> NDArray[Any]:
    """Return the classes that outputs y (n, n_outputs) stand for, in the shape that fit was given."""
    if kind == "multilabel":
        return (y > 0.5).astype(int)
    if kind == "multioutput":
        columns = [c[p.argmax(axis=1)] for c, p in zip(classes, _parts(classes, y), strict=True)]
        return np.column_stack(columns)
    if kind == "multiclass":
        return np.asarray(classes[y.argmax(axis=1)])
    return np.asarray(classes[(y[:, 0] > 0.5).astype(int) if len(classes) == 2 else np.zeros(len(y), int)])


def probabilities(kind: str, classes: Any, y: Array) -> Any:
    """Return the probability of each class (n, n_classes); for several columns a list of such."""
    if kind == "multioutput":
        return _parts(classes, y)
    return np.column_stack([1 - y, y]) if y.shape[1] == 1 else y
