"""Bits do not hang on how a library has told the processor to round, as `torch.set_flush_denormal` does."""

import ctypes
import ctypes.util
import platform
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pytest

from comparisons import assert_same_bits
from engines import NATIVE, Engine, make_engine
from runs import draw_run, one_call
from schuss.method.network import Network
from schuss.method.plan import Plan
from schuss.method.plans import Plans
from schuss.method.rules import Momentum
from schuss.method.samples import Samples
from schuss.method.state import State, States

NETWORK, PLAN = Network([64, 256, 10], "relu"), Plan(Momentum(0.01, 0.9), epochs=20, batch_size=256)
CONTROL = 28  # bytes before MXCSR in glibc's fenv_t
FLUSH = 0x8040  # results and operands too small for normal numbers count as 0
TOWARDS_ZERO = 0x6000
has_control = platform.machine() == "x86_64" and platform.libc_ver()[0] == "glibc"
pytestmark = pytest.mark.skipif(not has_control, reason="the control word is reached by glibc on x86-64")


@contextmanager
def rounding(bits: int) -> Iterator[None]:
    """Round otherwise in this thread, and in those that it starts."""
    libm = ctypes.CDLL(ctypes.util.find_library("m"))
    before = ctypes.create_string_buffer(64)
    libm.fegetenv(before)
    other = ctypes.create_string_buffer(before.raw, 64)
    ctypes.c_uint32.from_buffer(other, CONTROL).value |= bits
    libm.fesetenv(other)
    try:
        yield
    finally:
        libm.fesetenv(before)


def tiny_run() -> tuple[Samples, State]:
    """Draw a run whose inputs are so small that first gradients and velocities are no normal numbers."""
    samples, start = draw_run(NETWORK, PLAN, 300, dtype="float32")
    return Samples.check(NETWORK, samples.X * np.float32(1e-37), samples.T), start


def three_of(start: State) -> States:
    """Return the same state three times."""
    return States(np.stack([start.theta] * 3), np.stack([start.memory] * 3))


def asked(engine: Engine, samples: Samples, start: State) -> list[bytes]:
    """Return the bytes of all kinds of answers."""
    made = one_call(engine, NETWORK, start, samples, PLAN, 40)
    found = [
        *(made.state.theta, made.state.memory, made.losses),
        engine.advance_many(NETWORK, three_of(start), samples, Plans(PLAN, {}, 3), 10).states.memory,
        engine.gradient(NETWORK, start.theta, samples, PLAN.objective).gradient,
        engine.curvature_product(NETWORK, start.theta, samples, PLAN.objective, start.theta),
        engine.outputs(NETWORK, start.theta, samples.X),
        engine.predictor(NETWORK, start.theta)(samples.X),
    ]
    return [array.tobytes() for array in found]


@pytest.mark.parametrize("bits", [FLUSH, TOWARDS_ZERO])
@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("name", NATIVE)
def test_the_bits_are_the_same(name: str, threads: int, bits: int) -> None:
    """In new engines and in one whose threads were started before."""
    run, usual = tiny_run(), make_engine(name, threads)
    expected = asked(usual, *run)
    with rounding(bits):
        found = asked(make_engine(name, threads), *run), asked(usual, *run)
        small = np.float32(1e-37) * np.float32(1e-3), np.float32(1) / np.float32(3)

    assert list(found) == [expected] * 2
    assert small != (np.float32(1e-37) * np.float32(1e-3), np.float32(1) / np.float32(3))


def test_they_would_hang_on_it() -> None:
    """The comparison rejects the readable engine's answer, which NumPy rounds as it is told."""
    samples, start = tiny_run()
    engine = make_engine("reference")
    expected = one_call(engine, NETWORK, start, samples, PLAN, 5).state
    with rounding(FLUSH):
        found = one_call(engine, NETWORK, start, samples, PLAN, 5).state

    with pytest.raises(AssertionError):
        assert_same_bits(found, expected)
