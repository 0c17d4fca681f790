from collections.abc import Callable, Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

version: str
compiler: str

_Floats: TypeAlias = NDArray[np.float32] | NDArray[np.float64]

class Problem:
    def __init__(
        self,
        layers: Sequence[int],
        activations: Sequence[int],
        loss: int,
        parameter: float,
        biases: bool,
    ) -> None: ...

class Shuffled:
    def __init__(self, words: NDArray[np.uint32], position: int, n: int) -> None: ...
    @property
    def epochs(self) -> int: ...
    def orders(self, first_epoch: int, out: NDArray[np.int32]) -> None: ...

def instruction_sets() -> list[tuple[str, bool]]: ...
def orders(seed: int, first_epoch: int, out: NDArray[np.int32]) -> None: ...
def apply(isa: str, function: int, x: _Floats, out: _Floats) -> None: ...
def outputs(problem: Problem, isa: str, theta: _Floats, x: _Floats, out: _Floats, threads: int) -> None: ...
def predictor(problem: Problem, isa: str, theta: _Floats, threads: int) -> Callable[[_Floats], _Floats]: ...
def gradient(
    problem: Problem,
    isa: str,
    theta: _Floats,
    x: _Floats,
    t: _Floats | None,
    classes: NDArray[np.int32] | None,
    weights: _Floats | None,
    objective: tuple[bool, float, float, float, bool],
    out: _Floats,
    threads: int,
) -> float: ...
def advance(
    problem: Problem,
    isa: str,
    theta: _Floats,
    memory: _Floats,
    new_theta: _Floats,
    new_memory: _Floats,
    x: _Floats,
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
    losses: NDArray[np.float64],
    threads: int,
    check_each_step: bool,
    poll: Callable[[int, float], bool] | None,
) -> tuple[int, int, BaseException | None]: ...
