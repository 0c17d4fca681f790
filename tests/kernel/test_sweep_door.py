"""The door to sweeps: arrays that do not fit are refused with TypeError or ValueError, and never crash."""

from typing import Any

import numpy as np
import pytest

from schuss.engine import native
from schuss.method.rules import ELEMENT_WISE

if native.available():
    from schuss.engine import _kernel

pytestmark = pytest.mark.skipif(not native.available(), reason="built without the kernel on purpose")
ISA = next(iter(native.instruction_sets()), "")
NETWORKS, N, PARAMETERS, STEPS = 3, 4, 13, 5  # four samples for networks 2-3-1, two steps an epoch
EPOCHS = {"steps": 6, "first_place": 0, "shares": np.full(2, 0.5), "losses": np.empty((NETWORKS, 3))}
MEAN = (True, 0.0, 0.0, np.inf, False)
VARIED = (np.full((NETWORKS, 1, 2), 0.1), None, *np.zeros((2, NETWORKS)), np.zeros(NETWORKS, np.uint64))


def varied(place: int, value: Any) -> tuple[Any, ...]:
    return (*VARIED[:place], value, *VARIED[place + 1 :])


def call(**changes: Any) -> Any:
    """Call the door with arguments that it lets through, some of them changed."""
    sound = {
        "problem": _kernel.Problem([2, 3, 1], [2, 0], 0, [0.0], True, [1]),
        "isa": ISA,
        "theta": np.zeros((NETWORKS, PARAMETERS)),
        "memory": np.zeros((NETWORKS, 1, PARAMETERS)),
        "new_theta": np.zeros((NETWORKS, PARAMETERS)),
        "new_memory": np.zeros((NETWORKS, 1, PARAMETERS)),
        "x": np.ones((N, 2)),
        "t": np.ones((N, 1)),
        "classes": None,
        "weights": None,
        "orders": np.tile(np.arange(N, dtype=np.int32), (2, 3, 1)),
        "order_of": np.array([0, 1, 1], np.int32),
        "batch_size": 2,
        "first_place": 1,
        "rule": 1,
        "varied": VARIED,
        "objective": MEAN,
        "dropout": None,
        "steps": STEPS,
        "shares": None,
        "losses": np.empty((NETWORKS, STEPS)),
        "finite": np.empty(NETWORKS, np.bool_),
        "layout": 0,
        "threads": 2,
    }
    return _kernel.sweep(**{**sound, **changes})


def test_sound_arguments_pass():
    """The arguments that the tests below spoil are let through, with rates for each step or for all."""
    assert call() == (True, None)
    assert call(orders=None) == (True, None)
    assert call(varied=varied(0, np.full((1, STEPS, 2), 0.1))) == (True, None)
    assert call(varied=varied(1, np.ones((NETWORKS, STEPS, 1)))) == (True, None)
    assert call(**EPOCHS) == (True, None)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"theta": np.zeros((NETWORKS, PARAMETERS + 1))}, "theta has a wrong length"),
        ({"theta": np.zeros((NETWORKS + 1, PARAMETERS))}, "one per network"),
        ({"memory": np.zeros((NETWORKS, 2, PARAMETERS))}, "memory does not fit"),
        ({"memory": np.zeros((NETWORKS - 1, 1, PARAMETERS))}, "memory does not fit"),
        ({"new_theta": np.zeros((NETWORKS - 1, PARAMETERS))}, "another shape"),
        ({"new_memory": np.zeros((NETWORKS, 1, PARAMETERS - 1))}, "another shape"),
        ({"orders": np.zeros((2, 2, N), np.int32)}, "orders are too short"),
        ({"orders": np.full((2, 3, N), N, np.int32)}, "a sample that is not there"),
        ({"orders": np.full((2, 3, N), -1, np.int32)}, "a sample that is not there"),
        ({"order_of": np.array([0, 1, 2], np.int32)}, "an order that is not there"),
        ({"order_of": np.array([0, 1], np.int32)}, "not one per network"),
        ({"batch_size": 0}, "batch_size"),
        ({"first_place": 2}, "outside the epoch"),
        ({"rule": len(ELEMENT_WISE)}, "no such rule"),
        ({"rule": 3}, "do not fit rule"),
        ({"varied": varied(0, np.zeros((2, 1, 2)))}, "one per network"),
        ({"varied": varied(0, np.zeros((NETWORKS, 2, 2)))}, "one per step"),
        ({"varied": varied(1, np.zeros((NETWORKS, 1, 2)))}, "do not fit rule"),
        ({"varied": varied(2, np.zeros(2))}, "penalties are not one per network"),
        ({"varied": varied(4, np.zeros(2, np.uint64))}, "not one per network"),
        ({"losses": np.empty((NETWORKS - 1, STEPS))}, "losses"),
        ({"losses": np.empty((NETWORKS, STEPS - 1))}, "one per step"),
        ({"losses": np.empty((NETWORKS, 0)), "steps": 0}, "nothing to do"),
        ({**EPOCHS, "shares": np.full(3, 0.5)}, "do not fit whole epochs"),
        ({**EPOCHS, "first_place": 1}, "do not fit whole epochs"),
        ({**EPOCHS, "steps": 5}, "do not fit whole epochs"),
        ({**EPOCHS, "losses": np.empty((NETWORKS, 6))}, "one per step or epoch"),
        ({"layout": 3}, "no such layout"),
        ({"threads": 0}, "no such layout"),
        ({"dropout": ([0.5], 0, 0), "layout": 1}, "lanes do not know"),
        ({"objective": (True, 0.0, 0.0, 1.0, False), "layout": 1}, "lanes do not know"),
        ({"isa": "mmx"}, "no instruction set mmx"),
    ],
)
def test_what_does_not_fit_is_refused(changes, words):
    """With a message that says which."""
    with pytest.raises(ValueError, match=words):
        call(**changes)


@pytest.mark.parametrize("name", ["theta", "memory", "x", "t", "losses", "order_of", "shares"])
def test_other_dtypes_are_refused(name):
    """An array of another dtype, or one that is not contiguous, is not converted behind one's back."""
    for spoilt in (np.zeros((NETWORKS, 1, 4), np.int64), np.zeros((4, NETWORKS)).T):
        with pytest.raises(TypeError):
            call(**{name: spoilt})
