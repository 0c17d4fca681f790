"""Arguments that the kernel's door lets through, to be changed by tests. Holds no test."""

from typing import Any

import numpy as np

from schuss.engine import native

if native.available():
    from schuss.engine import _kernel

ISA = next(iter(native.instruction_sets()), "")
N, PARAMETERS = 4, 13  # four samples for a network 2-3-1
TANH, IDENTITY, SOFTMAX, EXP = 2, 0, 9, 10
SQUARED_ERROR, CROSS_ENTROPY, MOMENTUM, ADAM = 0, 2, 1, 3
MEAN = (True, 0.0, 0.0, np.inf, False)


def arguments(**changes: Any) -> dict[str, Any]:
    """Return arguments that the door lets through, with some changed."""
    sound = {
        "problem": _kernel.Problem([2, 3, 1], [TANH, IDENTITY], SQUARED_ERROR, [0.0], True, [1]),
        "isa": ISA,
        "theta": np.zeros(PARAMETERS),
        "memory": np.zeros((1, PARAMETERS)),
        "new_theta": np.zeros(PARAMETERS),
        "new_memory": np.zeros((1, PARAMETERS)),
        "x": np.ones((N, 2)),
        "t": np.ones((N, 1)),
        "classes": None,
        "weights": None,
        "order": None,
        "batch_size": 2,
        "first_place": 0,
        "rates": np.full((3, 2), 0.1),
        "keeps": None,
        "rule": MOMENTUM,
        "objective": MEAN,
        "dropout": None,
        "losses": np.empty(3),
        "threads": 1,
        "check_each_step": False,
        "poll": None,
    }
    return {**sound, **changes}


def csr(**changes: Any) -> dict[str, Any]:
    """Return sparse rows for `arguments`: 1 0 / 0 0 / 2 3 / 0 4, with some of their arrays changed."""
    sound = {
        "starts": np.array([0, 1, 1, 3, 4]),
        "columns": np.array([0, 0, 1, 1], np.int32),
        "values": np.arange(1.0, 5.0),
    }
    return {"x": tuple({**sound, **changes}.values())}


def seen(**changes: Any) -> dict[str, Any]:
    """Return room for what two watched weights see in `arguments`' three steps, with some of it changed."""
    sound = {
        "weights": np.array([0, PARAMETERS - 1]),
        "theta": np.empty((3, 2)),
        "memory": np.empty((3, 1, 2)),
        "sums": np.empty((3, 2)),
        "factor": np.empty(3),
        "rows": np.empty((3, 2), np.int32),
        "y": np.empty((3, 2, 2)),
        "delta": np.empty((3, 2, 2)),
    }
    return {"observation": tuple({**sound, **changes}.values())}
