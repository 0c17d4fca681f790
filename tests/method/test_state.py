"""State: a value. Nobody writes to it, and its digest tells any two apart."""

import numpy as np
import pytest

from schuss.method.state import State


def state(**changes) -> State:
    theta, memory = np.array([1.0, 2.0, 3.0]), np.array([[0.1, 0.2, 0.3]])
    return State(**{"theta": theta, "memory": memory, "step": 4, **changes})


def test_the_start_is_a_copy_with_an_empty_memory():
    """Start copies theta, so that the caller's array stays the caller's, and the memory is zero."""
    given = np.array([1.0, 2.0], np.float32)
    first = State.start(given, slots=2)
    given[0] = 9.0
    assert first.theta.tolist() == [1.0, 2.0]
    assert (first.memory.shape, first.memory.dtype, first.step) == ((2, 2), np.float32, 0)
    assert not first.memory.any()


@pytest.mark.parametrize("array", ["theta", "memory"])
def test_a_state_cannot_be_written_to(array):
    """Theta and memory are read-only."""
    with pytest.raises(ValueError, match="read-only"):
        getattr(state(), array)[...] = 0.0
    with pytest.raises(AttributeError):
        state().step = 5


def test_the_velocity():
    """Velocity is the first row of the memory; a rule without memory has zeros."""
    assert state().velocity.tolist() == [0.1, 0.2, 0.3]
    assert state(memory=np.empty((0, 3))).velocity.tolist() == [0.0, 0.0, 0.0]


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_finite_sees_every_number(bad):
    """One bad number anywhere, memory included, makes a state non-finite."""
    assert state().finite
    assert not state(theta=np.array([1.0, bad, 3.0])).finite
    assert not state(memory=np.array([[0.1, 0.2, bad]])).finite


def test_equal_states_have_equal_digests():
    """The digest depends on the numbers, not on where they lie."""
    other = np.array([[1.0, 0.0], [2.0, 0.0], [3.0, 0.0]])[:, 0]  # not contiguous
    assert state().digest() == state(theta=other).digest()


@pytest.mark.parametrize(
    "changes",
    [
        {"theta": np.array([1.0, np.nextafter(2.0, 3.0), 3.0])},  # one unit in the last place
        {"memory": np.array([[0.1, 0.2, -0.3]])},
        {"memory": np.empty((0, 3))},
        {"step": 5},
        {"theta": np.array([1, 2, 3], np.float32)},
        {"theta": np.array([2.0, 1.0, 3.0])},
    ],
)
def test_any_difference_changes_the_digest(changes):
    """One unit in the last place, a sign, the step or the dtype: each gives another digest."""
    assert state().digest() != state(**changes).digest()


def test_minus_zero_is_another_bit_pattern():
    """The digest speaks of bits: −0 is not 0."""
    zero, minus = np.zeros(3), np.array([0.0, -0.0, 0.0])
    assert state(theta=zero).digest() != state(theta=minus).digest()


def test_the_repr_prints_the_numbers_that_matter():
    """Step and the two norms."""
    assert repr(state()) == "State(step 4, |theta| 3.74166, |velocity| 0.374166)"
    far = np.array([1e30, np.nan, 1e30], np.float32)
    assert repr(state(theta=far[:1], memory=far[None])) == "State(step 4, |theta| inf, |velocity| nan)"
