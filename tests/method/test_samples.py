"""Samples: what can be trained on comes in whole; everything else is refused with a sentence."""

import numpy as np
import pytest

from schuss.errors import DataError
from schuss.method.network import Network
from schuss.method.samples import Samples, as_inputs

REGRESSION = Network([2, 3, 1])
CLASSES = Network([2, 3, 3], loss="cross_entropy")
X = np.array([[0.0, 1.0], [2.0, 3.0], [4.0, 5.0], [6.0, 7.0]])


def check(X=X, T=(0.0, 1.0, 2.0, 3.0), network=REGRESSION, dtype=None) -> Samples:
    return Samples.check(network, X, T, dtype)


def test_a_flat_target_serves_one_output():
    """T of shape (n,) becomes (n, 1)."""
    assert check().T.tolist() == [[0.0], [1.0], [2.0], [3.0]]
    assert len(check()) == 4


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("float64", "float64"), ("float32", "float32"), ("float16", "float64"),
        ("int8", "float64"), ("uint64", "float64"), ("bool", "float64"), ("object", "float64"),
    ],
)  # fmt: skip
def test_the_dtype_of_the_data_decides(given, kept):
    """float32 stays, everything else becomes float64, and T follows X."""
    samples = check(X.astype(given))
    assert (samples.X.dtype, samples.T.dtype) == (kept, kept)
    assert check(X, dtype=np.float32).X.dtype == np.float32


def test_lists_and_other_layouts():
    """Lists, Fortran order and slices all become contiguous matrices with the same numbers."""
    for given in (X.tolist(), np.asfortranarray(X), np.repeat(X, 2, axis=1)[:, ::2]):
        samples = check(given)
        assert samples.X.flags.c_contiguous
        np.testing.assert_array_equal(samples.X, X)


def test_class_indices():
    """Integers of any kind become int32 classes, and targets() spells them out."""
    samples = check(T=np.array([2, 0, 1, 2], np.uint8), network=CLASSES)
    assert samples.T is None
    assert samples.classes.dtype == np.int32
    assert samples.targets(3).tolist() == [[0, 0, 1], [1, 0, 0], [0, 1, 0], [0, 0, 1]]


def test_take_keeps_the_order_asked_for():
    """Take picks rows of inputs and targets alike."""
    taken = check().take(np.array([3, 1]))
    assert (taken.X.tolist(), taken.T.tolist()) == ([[6.0, 7.0], [2.0, 3.0]], [[3.0], [1.0]])
    assert check(T=[2, 0, 1, 2], network=CLASSES).take(np.array([1])).classes.tolist() == [0]


def test_the_fingerprint_tells_data_apart():
    """Equal data, equal fingerprint; any number, dtype or shape changed, another."""
    changed = X.copy()
    changed[3, 1] = np.nextafter(7.0, 8.0)
    variants = [check(), check(changed), check(X, dtype=np.float32), check(T=[0.0, 1.0, 2.0, -3.0])]
    variants += [check(X[:3], T=[0.0, 1.0, 2.0]), check(T=[2, 0, 1, 2], network=CLASSES)]
    assert check().fingerprint() == check(X.copy()).fingerprint()
    assert len({s.fingerprint() for s in variants}) == len(variants)


def with_bad(bad: float) -> np.ndarray:
    return np.where(X == 3.0, bad, X)


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (with_bad(np.nan), r"X holds nan at row 1, column 1 \(and 0 more\)"),
        (with_bad(np.inf), "X holds inf at row 1, column 1"),
        (with_bad(-np.inf), "X holds -inf at row 1, column 1"),
        (X[:, :1], r"shape \(n, 2\).*got \(4, 1\)"),
        (X[0], r"got \(2,\)"),
        (X[None], r"got \(1, 4, 2\)"),
        (5.0, "shape"),
        (None, "shape"),
        ([["a", "b"]] * 4, "matrix of numbers"),
        ([[1.0, 2.0], [3.0]] * 2, "rows of one length"),
        (X + 1j, "complex"),
        (np.ma.masked_equal(X, 3.0), "masked"),
        (np.empty((0, 2)), "holds no samples"),
    ],
)
def test_bad_inputs(bad, message):
    """NaN, infinity, text, gaps and wrong shapes are a DataError that says where or what."""
    with pytest.raises(DataError, match=message):
        check(bad)


def test_numbers_too_large_for_float32():
    """What would become infinite in float32 is refused, without a warning on the way."""
    with pytest.raises(DataError, match="X holds inf"):
        check(with_bad(1e300), dtype=np.float32)
    with pytest.raises(DataError, match="T holds inf"):
        check(X, [0.0, 1e300, 2.0, 3.0], dtype=np.float32)


@pytest.mark.parametrize("dtype", ["int32", "float16", "complex128", "longdouble", "no such"])
def test_other_dtypes_are_refused(dtype):
    """Only float32 and float64 can be asked for."""
    with pytest.raises(DataError, match=r"float32 or float64|not understood"):
        check(dtype=dtype)


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        ([0.0, np.nan, 2.0, 3.0], "T holds nan at row 1, column 0"),
        ([0.0, np.inf, 2.0, 3.0], "T holds inf at row 1"),
        ([0.0, 1.0, 2.0], r"T must have shape \(4, 1\).*got \(3, 1\)"),
        (np.zeros((4, 2)), r"T must have shape \(4, 1\).*got \(4, 2\)"),
        (np.zeros((4, 1, 1)), "T must have shape"),
        (3.0, "T must have shape"),
        (["a", "b", "c", "d"], "T must be numbers"),
        ([[0.0], [1.0, 2.0], [3.0], [4.0]], "rows of one length"),
        ([0.0, 1j, 2.0, 3.0], "complex"),
        ([], r"got \(0, 1\)"),
        (None, "T must have shape"),
    ],
)
def test_bad_targets(bad, message):
    """The same for targets."""
    with pytest.raises(DataError, match=message):
        check(T=bad)


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        ([0.0, 1.0, 2.0, 0.0], "class indices as integers; got float64"),
        ([True, False, True, True], "class indices as integers; got bool"),
        ([0, 1, 3, 0], r"must lie in \[0, 2\].*got 3"),
        ([0, 1, -1, 0], r"must lie in \[0, 2\].*got -1"),
        (np.array([0, 1, 2**63, 0], np.uint64), r"must lie in \[0, 2\]"),
        ([0, 1, 2], "must hold 4 class indices"),
        (["a", "b", "c", "a"], "class indices as integers"),
    ],
)
def test_bad_classes(bad, message):
    """Classes are integers from 0 to one less than the outputs, one per sample."""
    with pytest.raises(DataError, match=message):
        check(T=bad, network=CLASSES)


@pytest.mark.parametrize(
    "rows",
    [[[0.5, 0.2, 0.2]] * 4, [[1.0, 1.0, 0.0]] * 4, [[0.0, 0.0, 0.0]] * 4, [[1.5, -0.5, 0.0]] * 4],
)
def test_shares_must_add_up_to_one(rows):
    """For cross-entropy each row of T is one-hot or shares of 1, none negative."""
    with pytest.raises(DataError, match=r"add up to 1|reaches only"):
        check(T=rows, network=CLASSES)


@pytest.mark.parametrize(
    ("output", "target"),
    [("logistic", 1.1), ("logistic", -0.1), ("tanh", -1.5), ("relu", -1.0), ("softplus", -1.0)],
)
def test_targets_that_the_output_cannot_reach(output, target):
    """A target outside the output activation's range is refused, with a way out."""
    network = Network([2, 1], output=output)
    with pytest.raises(DataError, match="Scale the targets"):
        check(T=[0.0, target, 0.0, 0.0], network=network)
    low, high = network.activations()[-1].range
    edges = [max(low, -9.0), min(high, 9.0), 0.0, 0.0]
    assert len(check(T=edges, network=network)) == 4  # the edges themselves are allowed


def test_counts_cannot_be_negative():
    """Poisson's targets are at least 0."""
    with pytest.raises(DataError, match="reaches only"):
        check(T=[0.0, -1.0, 2.0, 3.0], network=Network([2, 1], loss="poisson"))


def test_inputs_alone():
    """as_inputs, which prediction uses, allows no sample at all but checks everything else."""
    assert as_inputs(np.empty((0, 2)), 2).shape == (0, 2)
    with pytest.raises(DataError, match="X holds nan"):
        as_inputs([[np.nan, 1.0]], 2)


@pytest.mark.parametrize(("loss", "words"), [("binary_cross_entropy", "0 or 1"), ("poisson", "counts")])
def test_targets_out_of_reach_are_told_what_they_are(loss: str, words: str) -> None:
    """Another output is no advice where the loss allows none."""
    with pytest.raises(DataError, match=words) as caught:
        Samples.check(Network([2, 1], loss=loss), np.ones((2, 2)), np.array([-1.0, 2.0]))
    assert "identity" not in str(caught.value)
