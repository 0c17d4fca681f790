"""The kernel's door: arrays that do not fit are refused with TypeError or ValueError, and never crash.

native.py never passes such arrays; this is for the day on which it has a bug.
"""

from typing import Any

import numpy as np
import pytest
from door_arguments import (
    ADAM,
    CROSS_ENTROPY,
    EXP,
    IDENTITY,
    ISA,
    MEAN,
    PARAMETERS,
    SOFTMAX,
    SQUARED_ERROR,
    TANH,
    N,
    arguments,
    csr,
    seen,
)

from schuss.engine import native

if native.available():
    from schuss.engine import _kernel

pytestmark = pytest.mark.skipif(not native.available(), reason="built without the kernel on purpose")


def read_only(array: np.ndarray) -> np.ndarray:
    array.setflags(write=False)
    return array


def test_sound_arguments_pass():
    """The arguments that the other tests change are let through."""
    assert _kernel.advance(**arguments()) == (3, 0, None, 0)
    assert _kernel.advance(**arguments(**csr())) == (3, 0, None, 0)
    assert _kernel.advance(**arguments(**seen())) == (3, 0, None, 0)
    assert _kernel.advance(**arguments(norms=(2, 0, np.empty((2, 3))))) == (3, 0, None, 0)
    assert _kernel.advance(**arguments(norms=(9, 8, np.empty((0, 3))))) == (3, 0, None, 0)


BAD = {
    "theta of another dtype": {"theta": np.zeros(PARAMETERS, np.float32)},
    "theta too short": {"theta": np.zeros(PARAMETERS - 1)},
    "theta as matrix": {"theta": np.zeros((1, PARAMETERS))},
    "theta with gaps": {"theta": np.zeros(2 * PARAMETERS)[::2]},
    "theta backwards": {"theta": np.zeros(PARAMETERS)[::-1]},
    "new theta read-only": {"new_theta": read_only(np.zeros(PARAMETERS))},
    "new theta too short": {"new_theta": np.zeros(PARAMETERS - 1)},
    "new theta of another dtype": {"new_theta": np.zeros(PARAMETERS, np.float32)},
    "new theta missing": {"new_theta": None},
    "theta as list": {"theta": [0.0] * PARAMETERS},
    "theta of the other byte order": {"theta": np.zeros(PARAMETERS, ">f8")},
    "theta missing": {"theta": None},
    "new memory read-only": {"new_memory": read_only(np.zeros((1, PARAMETERS)))},
    "new memory with two rows": {"new_memory": np.zeros((2, PARAMETERS))},
    "new memory too short": {"new_memory": np.zeros((1, PARAMETERS - 1))},
    "memory without rows": {"memory": np.zeros((0, PARAMETERS))},
    "memory with two rows": {"memory": np.zeros((2, PARAMETERS))},
    "memory too short": {"memory": np.zeros((1, PARAMETERS - 1))},
    "x of integers": {"x": np.ones((N, 2), int)},
    "x in Fortran order": {"x": np.asfortranarray(np.ones((N, 2)))},
    "x with gaps": {"x": np.ones((N, 4))[:, ::2]},
    "x too narrow": {"x": np.ones((N, 1))},
    "x as vector": {"x": np.ones(N)},
    "x of float32": {"x": np.ones((N, 2), np.float32)},
    "x of complex": {"x": np.ones((N, 2), complex)},
    "starts of int32": csr(starts=np.array([0, 1, 1, 3, 4], np.int32)),
    "starts of too few rows": csr(starts=np.array([0, 1, 1, 3])),
    "columns of int64": csr(columns=np.array([0, 0, 1, 1])),
    "columns in disorder": csr(columns=np.array([0, 1, 0, 1], np.int32)),
    "columns twice": csr(columns=np.array([0, 1, 1, 1], np.int32)),
    "columns too few": csr(columns=np.zeros(3, np.int32)),
    "values of float32": csr(values=np.ones(4, np.float32)),
    "values too few": csr(values=np.ones(3)),
    "values with gaps": csr(values=np.ones(8)[::2]),
    "sparse rows of two arrays": {"x": csr()["x"][:2]},
    "t too short": {"t": np.ones((N - 1, 1))},
    "t too wide": {"t": np.ones((N, 2))},
    "neither t nor classes": {"t": None},
    "both t and classes": {"classes": np.zeros(N, np.int32)},
    "classes of int64": {"t": None, "classes": np.zeros(N, np.int64)},
    "classes too short": {"t": None, "classes": np.zeros(N - 1, np.int32)},
    "order of int64": {"order": np.zeros((2, N), np.int64)},
    "order of too few epochs": {"order": np.zeros((1, N), np.int32)},
    "order of other samples": {"order": np.zeros((2, N + 1), np.int32)},
    "weights too short": {"weights": np.ones(N - 1)},
    "weights of float32": {"weights": np.ones(N, np.float32)},
    "weights as matrix": {"weights": np.ones((N, 1))},
    "weights with gaps": {"weights": np.ones(2 * N)[::2]},
    "keeps too short": {"keeps": np.ones(2)},
    "keeps of float32": {"keeps": np.ones(3, np.float32)},
    "keeps as matrix": {"keeps": np.ones((3, 1))},
    "one row of memory for Adam": {"rule": ADAM, "rates": np.full((3, 4), 0.1)},
    "two rates for Adam": {
        "rule": ADAM,
        "memory": np.zeros((2, PARAMETERS)),
        "new_memory": np.zeros((2, PARAMETERS)),
    },
    "rates of float32": {"rates": np.full((3, 2), 0.1, np.float32)},
    "rates of one column": {"rates": np.full((3, 1), 0.1)},
    "losses too short": {"losses": np.empty(2)},
    "losses read-only": {"losses": read_only(np.empty(3))},
    "unknown instruction set": {"isa": "mmx"},
    "batch size of text": {"batch_size": "2"},
    "batch size of none": {"batch_size": 0},
    "batch size that sums overflow with": {"batch_size": 2**63 - 1},
    "objective of three": {"objective": (True, 0.0, 0.0)},
    "objective without a length": {"objective": (True, 0.0, 0.0, None, False)},
    "dropout of no layer": {"dropout": ([], 0, 0)},
    "dropout of two layers": {"dropout": ([0.5, 0.5], 0, 0)},
    "dropout of 1": {"dropout": ([1.0], 0, 0)},
    "dropout below 0": {"dropout": ([-0.1], 0, 0)},
    "dropout of NaN": {"dropout": ([float("nan")], 0, 0)},
    "dropout as number": {"dropout": 0.5},
    "dropout of another seed": {"dropout": ([0.5], 2**64, 0)},
    "dropout before the first step": {"dropout": ([0.5], 0, -1)},
    "problem missing": {"problem": None},
    "weights to watch of int32": seen(weights=np.zeros(2, np.int32)),
    "weights to watch as matrix": seen(weights=np.zeros((1, 2), int)),
    "three weights to watch": seen(weights=np.zeros(3, int)),
    "room for theta of two steps": seen(theta=np.empty((2, 2))),
    "room for theta of float32": seen(theta=np.empty((3, 2), np.float32)),
    "room for two rows of memory": seen(memory=np.empty((3, 2, 2))),
    "room for sums of one weight": seen(sums=np.empty((3, 1))),
    "room for two factors": seen(factor=np.empty(2)),
    "room for rows of three samples": seen(rows=np.empty((3, 3), np.int32)),
    "room for rows of int64": seen(rows=np.empty((3, 2), int)),
    "room for y of one sample": seen(y=np.empty((3, 1, 2))),
    "room for delta with gaps": seen(delta=np.empty((3, 2, 4))[:, :, ::2]),
    "room for delta read-only": seen(delta=read_only(np.empty((3, 2, 2)))),
    "room for one step's norms": {"norms": (2, 0, np.empty((1, 3)))},
    "room for two norms": {"norms": (2, 0, np.empty((2, 2)))},
    "norms of another dtype": {"norms": (2, 0, np.empty((2, 3), np.float32))},
    "norms as vector": {"norms": (2, 0, np.empty(6))},
    "norms read-only": {"norms": (2, 0, read_only(np.empty((2, 3))))},
    "norms without room": {"norms": (2, 0)},
    "no room for delta": {"observation": seen()["observation"][:-1]},
}


@pytest.mark.parametrize("name", BAD)
def test_bad_arguments_are_refused(name):
    """Each array that does not fit is a TypeError or ValueError."""
    with pytest.raises((TypeError, ValueError)):
        _kernel.advance(**arguments(**BAD[name]))


@pytest.mark.parametrize("function", [-1, 6, 2**31 - 1])
def test_a_function_that_is_not_there_is_refused(function):
    """The door that tests of exp and tanh go through has no other."""
    with pytest.raises(ValueError, match="no such function"):
        _kernel.apply(ISA, function, np.ones(3), np.ones(3))


@pytest.mark.parametrize(
    ("layers", "activations"),
    [
        ([2], []),
        ([2, 3, 1], [TANH]),
        ([2, 1], [TANH, TANH]),
        (["2", 1], [TANH]),
        ([2, 3, 1], [EXP, IDENTITY]),
        ([2, 3, 1], [SOFTMAX, IDENTITY]),
    ],
)
def test_bad_problems_are_refused(layers, activations):
    """A network needs two layers or more, and an activation that each after the input may have."""
    with pytest.raises((TypeError, ValueError)):
        _kernel.Problem(layers, activations, SQUARED_ERROR, [0.0], True, [1])


@pytest.mark.parametrize(
    ("loss", "parameters", "groups"),
    [
        (SQUARED_ERROR, [0.0] * 2, [3]),
        (SQUARED_ERROR, [0.0] * 4, [3]),
        (SQUARED_ERROR, 0.0, [3]),
        (SQUARED_ERROR, [0.0] * 3, [1, 2]),  # knows no groups
        (CROSS_ENTROPY, [0.0] * 3, []),
        (CROSS_ENTROPY, [0.0] * 3, [1, 1]),
        (CROSS_ENTROPY, [0.0] * 3, [2, 2]),
        (CROSS_ENTROPY, [0.0] * 3, [3, 0]),
        (CROSS_ENTROPY, [0.0] * 3, [4, -1]),
        (CROSS_ENTROPY, [0.0] * 3, [2**31 - 1, 2**31 - 1, 5]),
        (CROSS_ENTROPY, [0.0] * 3, 3),
    ],
)
def test_parameters_and_groups_that_do_not_fit(loss, parameters, groups):
    """There is one parameter for each output, and groups of at least one output add up to all."""
    with pytest.raises((TypeError, ValueError)):
        _kernel.Problem([2, 3], [SOFTMAX], loss, parameters, True, groups)
    _kernel.Problem([2, 3], [SOFTMAX], CROSS_ENTROPY, [0.0] * 3, True, [1, 2])


def test_the_door_to_hessian_products():
    """Vector and result fit theta, samples fit the network, as for a gradient."""
    problem = arguments()["problem"]
    theta, x, t, out = np.zeros(PARAMETERS), np.ones((N, 2)), np.ones((N, 1)), np.empty(PARAMETERS)

    def ask(
        vector: Any = theta, into: Any = out, x: Any = x, weights: Any = None, theta: Any = theta
    ) -> None:
        _kernel.curvature_product(problem, ISA, theta, x, t, None, weights, MEAN, vector, into, 1)

    ask()
    assert not out.any()
    for wrong in (theta[:-1], theta.astype("f4"), theta[None], np.empty(26)[::2]):
        for place in ("vector", "theta"):
            with pytest.raises((TypeError, ValueError)):
                ask(**{place: wrong})
    for wrong in (out[:-1], read_only(out.copy()), np.empty(26)[::2]):
        with pytest.raises((TypeError, ValueError)):
            ask(into=wrong)
    for wrong in (np.ones((N, 3)), csr(columns=np.array([0, 0, 1, 2], np.int32))["x"]):
        with pytest.raises((TypeError, ValueError)):
            ask(x=wrong)
    with pytest.raises((TypeError, ValueError)):
        ask(weights=np.ones(N - 1))


def test_the_other_doors():
    """gradient, outputs, predictor, apply and orders check their arrays as well."""
    problem = arguments()["problem"]
    theta, x, t, out = np.zeros(PARAMETERS), np.ones((N, 2)), np.ones((N, 1)), np.empty(PARAMETERS)
    assert _kernel.gradient(problem, ISA, theta, x, t, None, None, MEAN, None, out, 1) == 0.5
    for wrong in (out[:-1], out.astype("f4"), read_only(out.copy()), np.empty(26)[::2]):
        with pytest.raises((TypeError, ValueError)):
            _kernel.gradient(problem, ISA, theta, x, t, None, None, MEAN, None, wrong, 1)
    for wrong in (np.ones(N - 1), np.ones(N, "f4"), np.ones((N, 1))):
        with pytest.raises((TypeError, ValueError)):
            _kernel.gradient(problem, ISA, theta, x, t, None, wrong, MEAN, None, out, 1)
    for wrong in (np.empty((N, 2)), np.empty((N - 1, 1)), np.empty(N), read_only(np.empty((N, 1)))):
        with pytest.raises((TypeError, ValueError)):
            _kernel.outputs(problem, ISA, theta, x, wrong, 1)
    for wrong in (theta[:-1], theta[None], [0.0] * PARAMETERS, theta.astype("f2")):
        with pytest.raises((TypeError, ValueError)):
            _kernel.predictor(problem, ISA, wrong, 1)
    with pytest.raises((TypeError, ValueError)):
        _kernel.predictor(problem, ISA, theta, 0)
    with pytest.raises((TypeError, ValueError)):
        _kernel.predictor(problem, "mmx", theta, 1)
    for wrong in (csr(columns=np.array([0, 0, 1, 2], np.int32)), csr(starts=np.array([0, 1, 1, 3, 5]))):
        with pytest.raises((TypeError, ValueError)):
            _kernel.outputs(problem, ISA, theta, wrong["x"], np.empty((N, 1)), 1)
        with pytest.raises((TypeError, ValueError)):
            _kernel.gradient(problem, ISA, theta, wrong["x"], t, None, None, MEAN, None, out, 1)
    with pytest.raises((TypeError, ValueError)):
        _kernel.gradient(problem, ISA, theta, x, t, None, None, MEAN, ([1.0], 0, 0), out, 1)
    with pytest.raises((TypeError, ValueError)):
        _kernel.philox(ISA, np.zeros((2, 4), np.uint32), 0, np.zeros((1, 4), np.uint32))
    with pytest.raises((TypeError, ValueError)):
        _kernel.apply(ISA, 0, np.ones(3), np.empty(2))
    with pytest.raises((TypeError, ValueError)):
        _kernel.orders(0, 0, np.empty((1, 3), np.int64), 3)
    with pytest.raises(ValueError, match="block"):
        _kernel.orders(0, 0, np.empty((1, 3), np.int32), 0)


def test_what_is_refused_is_not_written_to():
    """A call that is refused leaves every array as it was."""
    given = arguments(new_theta=np.ones(PARAMETERS), losses=np.ones(2))
    with pytest.raises(ValueError, match="losses"):
        _kernel.advance(**given)
    assert given["new_theta"].tolist() == [1.0] * PARAMETERS
    assert given["losses"].tolist() == [1.0, 1.0]


def test_a_state_may_be_written_over():
    """The new state may stand in the arrays of the old one, and ends in the same bits."""
    apart, start = arguments(), np.linspace(-1, 1, PARAMETERS)
    over = arguments(theta=start.copy(), memory=start[None] / 9)
    apart.update(theta=read_only(start.copy()), memory=read_only(start[None] / 9))
    over.update(new_theta=over["theta"], new_memory=over["memory"])
    _kernel.advance(**apart)
    _kernel.advance(**over)
    for name in ("new_theta", "new_memory"):
        assert over[name].tobytes() == apart[name].tobytes()
    assert apart["theta"].tobytes() == start.tobytes() != apart["new_theta"].tobytes()


@pytest.mark.parametrize("first_place", [0, 1])
def test_the_places_of_an_order_that_are_used_are_checked(first_place):
    """Each place that one of the steps uses must name a sample; places before and after them need not."""
    refused = []
    for place in range(2 * N):
        order = np.tile(np.arange(N, dtype=np.int32), (2, 1))
        order.flat[place] = N
        try:
            _kernel.advance(**arguments(order=order, first_place=first_place))
        except ValueError:
            refused.append(place)
    assert refused == list(range(2 * first_place, 2 * first_place + 3 * 2))
