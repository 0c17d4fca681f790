"""Whole calls of our estimators beside scikit-learn's on the same data, dtype and settings.

    python -m benchmarks.estimators [--runs 5] [--threads 1] [--rows 100000]

After a warm-up the peers are timed in turn, run by run, so that a drift of the machine meets both; times
are medians, and a ratio is the median of the runs' own ratios. Before a ratio is printed both must have
trained the same epochs to the same loss, and must predict the same; where they do not, this ends in an
error. All run on `--threads` threads: BLAS, PyTorch, and ours. PyTorch is one more peer for many rows where
it is installed: pip install "schuss[bench]".
"""

from __future__ import annotations

import argparse
import time
import warnings
from collections.abc import Callable, Iterator
from functools import partial
from importlib.metadata import version
from typing import Any

import numpy as np
import sklearn.neural_network
from numpy.typing import NDArray
from sklearn.datasets import load_digits, load_iris
from sklearn.exceptions import ConvergenceWarning
from sklearn.preprocessing import scale
from threadpoolctl import threadpool_limits

import schuss

# name, loader, hidden units, batch, epochs, settings, and how often faster in each dtype
FITS: tuple[tuple[str, Callable[..., Any], int, int, int, dict[str, Any], dict[str, float]], ...] = (
    ("digits 64-128-10, sgd", load_digits, 128, 32, 50, {"solver": "sgd"}, {"float32": 12, "float64": 8}),
    ("iris 4-10-3, sgd", load_iris, 10, 16, 200, {"solver": "sgd"}, {"float32": 60, "float64": 60}),
    ("digits 64-128-10, adam", load_digits, 128, 32, 50, {"solver": "adam"}, {"float32": 8, "float64": 8}),
)
ONLINE, SINGLE, PREDICTOR_MICROSECONDS, MANY = 25, 5, 3.0, 1  # the other targets
CALLS = 300  # of one row, in each run
# Of losses, relative, and of probabilities. These trainings are not chaotic: with its inputs one rounding
# off scikit-learn differs from itself by 2e-6 and 1e-15; and its float32 from its float64 by 2e-5.
TOLERANCE = {"float32": 1e-3, "float64": 1e-6}


def require(truth: bool, message: str) -> None:
    """Raise unless what a ratio rests on is true."""
    if not truth:
        raise AssertionError(message)


def seconds(*actions: Callable[[], object], runs: int) -> NDArray[np.float64]:
    """Return the times, shape (runs, actions), of actions taken in turn after one of each to warm up."""
    for action in actions:
        action()
    times = np.empty((runs, len(actions)))
    for run, k in np.ndindex(times.shape):
        began = time.perf_counter()
        actions[k]()
        times[run, k] = time.perf_counter() - began
    return times


def report(what: str, times: NDArray[np.float64], target: float, peer: str = "sklearn") -> None:
    """Print one line from times whose columns are ours and a peer's."""
    ours, theirs = np.median(times, axis=0) * 1e6
    ratio = float(np.median(times[:, 1] / times[:, 0]))
    verdict = "met" if ratio >= target else "MISSED"
    print(f"{what:<44}{ours:>12.1f}{theirs:>12.1f} {peer:<8}{ratio:>7.1f}{target:>9g}  {verdict}", flush=True)


def both(threads: int, **settings: Any) -> tuple[Any, Any]:
    """Return our classifier and scikit-learn's; both are to run all epochs."""
    settings |= {"random_state": 0, "tol": 0.0, "n_iter_no_change": 10**6}
    ours, theirs = schuss.MLPClassifier(**settings), sklearn.neural_network.MLPClassifier(**settings)
    return ours.set_params(n_threads=threads) if "n_threads" in ours.get_params() else ours, theirs


def assert_agree(ours: Any, theirs: Any, X: NDArray[Any]) -> None:
    """Fail unless both trained as long to the same loss, and predict the same."""
    tolerance = TOLERANCE[X.dtype.name]
    require(ours.n_iter_ == theirs.n_iter_, f"{ours.n_iter_} epochs against {theirs.n_iter_}")
    np.testing.assert_allclose(ours.loss_, theirs.loss_, rtol=tolerance, err_msg="losses at the end")
    shares, expected = ours.predict_proba(X), theirs.predict_proba(X)
    require(shares.dtype == expected.dtype == X.dtype, f"{shares.dtype} against {expected.dtype}")
    np.testing.assert_allclose(shares, expected, atol=tolerance, err_msg="probabilities")
    np.testing.assert_array_equal(ours.predict(X), theirs.predict(X))


def fits(runs: int, threads: int) -> Iterator[tuple[str, Any, Any, NDArray[Any], NDArray[Any]]]:
    """Time the fits of the table and yield each pair fitted, with its data."""
    for name, load, hidden, batch, epochs, settings, targets in FITS:
        for dtype, target in targets.items():
            X, y = load(return_X_y=True)
            X = scale(X).astype(dtype)
            how = {"hidden_layer_sizes": (hidden,), "batch_size": batch, "max_iter": epochs, **settings}
            ours, theirs = both(threads, learning_rate_init=0.001, **how)
            times = seconds(partial(ours.fit, X, y), partial(theirs.fit, X, y), runs=runs)
            require(theirs.n_iter_ == epochs, f"scikit-learn stopped after {theirs.n_iter_} epochs")
            assert_agree(ours, theirs, X)
            report(f"fit {name}, {epochs} epochs, {dtype}", times, target)
            yield name, ours, theirs, X, y


def row_by_row(method: Callable[..., object], *columns: Any) -> Callable[[], None]:
    """Return an action that calls a method for CALLS samples, each alone, going on from time to time."""
    place = 0

    def action() -> None:
        nonlocal place
        for i in range(place, place + CALLS):
            method(*(column[i % len(column)] for column in columns))
        place += CALLS

    return action


def single_rows(ours: Any, theirs: Any, X: NDArray[Any], y: NDArray[Any], runs: int) -> None:
    """Time predictions of one row and, last, training on one row, with models fitted already."""
    rows, targets = list(X[:, None, :]), list(y[:, None])
    actions = [row_by_row(model.predict_proba, rows) for model in (ours, theirs)]
    report(f"predict_proba, one row, {X.dtype}", seconds(*actions, runs=runs) / CALLS, SINGLE)
    predictor(ours, X, runs)
    for model in (ours, theirs):
        model.set_params(batch_size="auto")  # with 32, a single row is warned of each time
    actions = [row_by_row(model.partial_fit, rows, targets) for model in (ours, theirs)]
    times = seconds(*actions, runs=runs) / CALLS
    assert_agree(ours, theirs, X)
    report(f"partial_fit, one row, {X.dtype}", times, ONLINE)


def predictor(ours: Any, X: NDArray[Any], runs: int) -> None:
    """Time the bare callable, whose target is a time."""
    what = f"predictor(), one row, {X.dtype}"
    if not hasattr(ours, "predictor"):
        print(f"{what:<44}{'not there':>12}")
        return
    predict, rows = ours.predictor(), list(X)
    np.testing.assert_allclose([predict(row) for row in rows], ours.predict_proba(X), atol=1e-6)
    spent = np.median(seconds(row_by_row(predict, rows), runs=runs)) / CALLS * 1e6
    verdict = "met" if spent <= PREDICTOR_MICROSECONDS else "MISSED"
    print(f"{what:<44}{spent:>12.2f}{'':>28}{f'{PREDICTOR_MICROSECONDS:g} µs':>9}  {verdict}", flush=True)


def torch_twin(model: Any, threads: int) -> Callable[[NDArray[Any]], NDArray[Any]] | None:
    """Return PyTorch's prediction with a model's weights, or None where it is not installed."""
    try:
        import torch
    except ImportError:
        return None
    torch.set_num_threads(threads)
    layers: list[Any] = []
    for W, b in zip(model.coefs_, model.intercepts_, strict=True):
        layer = torch.nn.Linear(*W.shape, dtype=torch.from_numpy(W).dtype)
        layer.load_state_dict({"weight": torch.from_numpy(W.T.copy()), "bias": torch.from_numpy(b.copy())})
        layers += [layer, torch.nn.ReLU()]
    network = torch.nn.Sequential(*layers[:-1])

    def predict(X: NDArray[Any]) -> NDArray[Any]:
        with torch.inference_mode():
            return np.asarray(model.classes_[network(torch.from_numpy(X)).argmax(1).numpy()])

    return predict


def many_rows(ours: Any, theirs: Any, X: NDArray[Any], runs: int, threads: int, rows: int) -> None:
    """Time the labels of many rows, which are the data over and over, against each peer."""
    X = np.ascontiguousarray(X[np.arange(rows) % len(X)])
    peers = {"sklearn": theirs.predict, "torch": torch_twin(theirs, threads)}
    peers = {name: predict for name, predict in peers.items() if predict}
    for name, predict in peers.items():
        require(np.array_equal(ours.predict(X), predict(X)), f"{name} predicts otherwise")
    times = seconds(*(partial(predict, X) for predict in (ours.predict, *peers.values())), runs=runs)
    for k, name in enumerate(peers, 1):
        report(f"predict, {rows} rows, {X.dtype}", times[:, [0, k]], MANY, name)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rows", type=int, default=100_000, help="of the prediction of many")
    args = parser.parse_args()
    warnings.simplefilter("ignore", ConvergenceWarning)
    print(f"schuss {version('schuss')}, scikit-learn {sklearn.__version__}, {args.threads} threads each")
    print(f"{'microseconds a call':<44}{'schuss':>12}{'peer':>12} {'':<8}{'ratio':>7}{'target':>9}")
    with threadpool_limits(args.threads):
        for name, ours, theirs, X, y in fits(args.runs, args.threads):
            if name == FITS[0][0]:
                many_rows(ours, theirs, X, args.runs, args.threads, args.rows)
                single_rows(ours, theirs, X, y, args.runs)


if __name__ == "__main__":
    main()
