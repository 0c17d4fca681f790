from collections.abc import Callable, Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

version: str
compiler: str

_Floats: TypeAlias = NDArray[np.float32] | NDArray[np.float64]

_Csr: TypeAlias = tuple[NDArray[np.int64], NDArray[np.int32], _Floats]  # starts, columns, values
_Dropout: TypeAlias = tuple[Sequence[float], int, int]  # rates of the hidden layers, seed, step

_Observation: TypeAlias = tuple[
    NDArray[np.int64],  # the weights; then what is seen of them, as `Observed` has it
    _Floats,
    _Floats,
    _Floats,
    _Floats,
    NDArray[np.int32],
    _Floats,
    _Floats,
]

class Problem:
    def __init__(
        self,
        layers: Sequence[int],
        activations: Sequence[int],
        loss: int,
        parameters: Sequence[float],
        biases: bool,
        groups: Sequence[int],
    ) -> None: ...

class Rooms:
    def __init__(self) -> None: ...

def bfloat16_set() -> str: ...
def instruction_sets() -> list[tuple[str, bool]]: ...
def shuffled_orders(
    words: NDArray[np.uint32], position: int, order: NDArray[np.int32], out: NDArray[np.int32]
) -> int: ...
def orders(seed: int, first_epoch: int, out: NDArray[np.int32], block: int) -> None: ...
def philox(isa: str, counters: NDArray[np.uint32], key: int, out: NDArray[np.uint32]) -> None: ...
def peak(isa: str, itemsize: int, threads: int, seconds: float) -> float: ...
def is_narrow(problem: Problem, isa: str, theta: _Floats) -> bool: ...
def apply(isa: str, function: int, x: _Floats, out: _Floats) -> None: ...
def outputs(
    problem: Problem, isa: str, theta: _Floats, x: _Floats | _Csr, out: _Floats, threads: int
) -> None: ...
def predictor(problem: Problem, isa: str, theta: _Floats, threads: int) -> Callable[[_Floats], _Floats]: ...
def gradient(
    problem: Problem,
    isa: str,
    theta: _Floats,
    x: _Floats | _Csr,
    t: _Floats | None,
    classes: NDArray[np.int32] | None,
    weights: _Floats | None,
    objective: tuple[bool, float, float, float, bool],
    dropout: _Dropout | None,
    out: _Floats | None,
    threads: int,
) -> float: ...
def curvature_product(
    problem: Problem,
    isa: str,
    theta: _Floats,
    x: _Floats | _Csr,
    t: _Floats | None,
    classes: NDArray[np.int32] | None,
    weights: _Floats | None,
    objective: tuple[bool, float, float, float, bool],
    vector: _Floats,
    out: _Floats,
    threads: int,
) -> None: ...
def advance(
    problem: Problem,
    isa: str,
    theta: _Floats,
    memory: _Floats,
    new_theta: _Floats,
    new_memory: _Floats,
    x: _Floats | _Csr,
    t: _Floats | None,
    classes: NDArray[np.int32] | None,
    weights: _Floats | None,
    order: NDArray[np.int32] | None,
    batch_size: int,
    first_place: int,
    rates: NDArray[np.float64],
    keeps: NDArray[np.float64] | None,
    rule: int,
    objective: tuple[bool, float, float, float, bool],
    dropout: _Dropout | None,
    losses: NDArray[np.float64],
    threads: int,
    check_each_step: bool,
    poll: Callable[[int, float], bool] | None,
    observation: _Observation | None = None,
    norms: tuple[int, int, _Floats] | None = None,
    kept: tuple[Rooms, int] | None = None,
) -> tuple[int, int, BaseException | None, int]: ...  # steps, outcome, what interrupted them, ticket
def sweep(
    problem: Problem,
    isa: str,
    theta: _Floats,
    memory: _Floats,
    new_theta: _Floats,
    new_memory: _Floats,
    x: _Floats | _Csr,
    t: _Floats | None,
    classes: NDArray[np.int32] | None,
    weights: _Floats | None,
    orders: NDArray[np.int32] | None,
    order_of: NDArray[np.int32],
    batch_size: int,
    first_place: int,
    rule: int,
    varied: tuple[
        NDArray[np.float64],
        NDArray[np.float64] | None,
        NDArray[np.float64],
        NDArray[np.float64],
        NDArray[np.uint64],
    ],
    objective: tuple[bool, float, float, float, bool],
    dropout: _Dropout | None,
    steps: int,
    shares: NDArray[np.float64] | None,
    losses: NDArray[np.float64],
    finite: NDArray[np.bool_],
    layout: int,
    threads: int,
) -> tuple[bool, BaseException | None]: ...
