"""What a small step spends beside its products: activations, softmax, and gathering the samples.

64-128-10, batch 32, float32, one thread, whole calls in turn. A share is what a step loses where the work is
left out: ``activations`` against relu; ``softmax``, with cross-entropy, against squared error of the plain
net input, whose own work counts as none; ``gathering``, of a shuffled order of many rows and drawing it,
against the order as they stand.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from benchmarks.cases import drawn
from benchmarks.clock import Clock, disturbed
from benchmarks.lines import Line
from schuss import Momentum, Network, train

PART = "tail"
LAYERS, BATCH = (64, 128, 10), 32
FEW, MANY = 4096, 10**5  # rows: what stays near the processor, and what does not
RUN_SECONDS = 0.2
RUNS = 7
SHARE, GATHERING = 0.15, 0.10

Training = Callable[[int], object]  # epochs -> a run


def training(
    hidden: str = "relu",
    loss: str = "cross_entropy",
    order: str = "philox",
    rows: int = FEW,
    *,
    one_hot: bool = False,
) -> Training:
    """Return a training of any number of epochs, on classes, or on the matrix that says the same."""
    X, classes = drawn(LAYERS[0], LAYERS[-1], rows)
    T = np.eye(LAYERS[-1], dtype=np.float32)[classes] if one_hot else classes
    output = "softmax" if loss == "cross_entropy" else "identity"
    network = Network(LAYERS, hidden, loss, output=output)
    rule = Momentum(0.001, 0.9)
    return lambda epochs: train(
        network, X, T, rule=rule, epochs=epochs, batch_size=BATCH, order=order, threads=1
    )


def timed(run: Training, epochs: int) -> tuple[float, float]:
    """Return seconds and busy cores."""
    with Clock() as clock:
        run(epochs)
    return clock.seconds, clock.cores


def step_times(trainings: dict[str, Training], rows: int) -> tuple[dict[str, NDArray[np.float64]], float]:
    """Return the seconds per step of each run, taken in turn, and the cores that were busy."""
    warm = {who: min(timed(run, 1)[0] for _ in range(3)) for who, run in trainings.items()}
    epochs = max(1, round(RUN_SECONDS / max(warm.values())))
    steps = epochs * -(-rows // BATCH)
    taken = [[timed(run, epochs) for run in trainings.values()] for _ in range(RUNS)]
    times = np.array(taken)  # (runs, trainings, 2)
    by_name = {who: times[:, i, 0] / steps for i, who in enumerate(trainings)}
    return by_name, float(np.median(times[:, :, 1]))


def lines_of(
    case: str, whole: dict[str, Training], without: Training, rows: int, target: float
) -> Iterator[Line]:
    """Compare whole steps with those that leave something out."""
    times, cores = step_times({"": without, **whole}, rows)
    plain = times.pop("")
    for who, seconds in times.items():
        share = float(np.median(1 - plain / seconds))
        note = f"without {np.median(plain) * 1e6:.2f} µs/step {disturbed(cores)}"
        value = float(np.median(seconds)) * 1e6
        yield Line(PART, case, who, value, "µs/step", share, target, at_most=True, note=note)


def activations() -> Iterator[Line]:
    """Compare hidden layers of tanh and gelu with relu."""
    whole = {hidden: training(hidden) for hidden in ("tanh", "gelu")}
    return lines_of("activations", whole, training(), FEW, SHARE)


def softmax() -> Iterator[Line]:
    """Compare softmax and cross-entropy with the plain net input and squared error."""
    whole, without = training(one_hot=True), training(loss="squared_error", one_hot=True)
    return lines_of("softmax", {"softmax, cross-entropy": whole}, without, FEW, SHARE)


def gathering() -> Iterator[Line]:
    """Compare a shuffled order with the order as the rows stand, with classes and with rows of targets."""
    for what, one_hot in (("classes", False), ("target rows", True)):
        whole, without = (training(order=o, rows=MANY, one_hot=one_hot) for o in ("philox", "sequential"))
        yield from lines_of("gathering", {f"{MANY:,} rows, {what}": whole}, without, MANY, GATHERING)


CASES = {"activations": activations, "softmax": softmax, "gathering": gathering}


def run(names: list[str], runs: int) -> Iterator[Line]:  # noqa: ARG001  # shares need their own number
    """Measure the named cases."""
    for name in names:
        yield from CASES[name]()
