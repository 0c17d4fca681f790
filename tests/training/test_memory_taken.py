"""How much memory the training of a large network takes, at its peak and after it."""

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

STATUS = Path("/proc/self/status")

BEGIN = """
    import gc
    import numpy as np
    from schuss import Momentum, Network, train
    from schuss.engine.native import NativeEngine

    def taken(what):
        lines = open("/proc/self/status").read().splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(what))

    def run_of(*layers):
        network, how = Network(layers, "relu", "cross_entropy"), {"epochs": 3, "batch_size": 16}
        return train(network, X[:, : layers[0]], y, rule=Momentum(1e-3, 0.9), engine=engine, **how)

    X, y = np.random.default_rng(0).standard_normal((128, 2048), np.float32), np.arange(128) % 10
    engine = NativeEngine(2)
    run_of(8, 4, 10)  # what is loaded late is there now
    before = taken("VmRSS")
"""


def of_parameters(script: str) -> float:
    """Return what a script prints."""
    # so that NumPy's arrays too go back to the system when they are let go, whatever their size
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "MALLOC_MMAP_THRESHOLD_": str(2**20)}
    command = [sys.executable, "-c", textwrap.dedent(BEGIN) + textwrap.dedent(script)]
    told = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)  # noqa: S603  # the test's own script
    return float(told.stdout)


PEAK = """
    run = run_of(2048, 2048, 2048, 10)
    print((taken("VmHWM") - before) / run.theta.nbytes)
"""


@pytest.mark.skipif(not STATUS.exists(), reason="memory is read from /proc")
def test_the_peak_of_a_huge_network():
    """Weights and velocity take two parameters' worth, a layer that is being packed half of one."""
    assert 2 < of_parameters(PEAK) < 2.8


@pytest.mark.skipif(not STATUS.exists(), reason="memory is read from /proc")
def test_where_the_state_before_is_kept():
    """The broken twin: a training that does not give up the state before a stride takes two more."""
    script = f"from schuss.training import loop\nloop.LARGE = 2**60\n{textwrap.dedent(PEAK)}"
    assert of_parameters(script) > 4


@pytest.mark.skipif(not STATUS.exists(), reason="memory is read from /proc")
def test_what_is_left_of_a_large_network():
    """There is its state alone, but for pages that the next training uses, or the system takes back."""
    script = """
        run = run_of(1024, 1024, 1024, 10)
        gc.collect()
        told = open("/proc/self/smaps_rollup").read().splitlines()
        lazily = next(int(line.split()[1]) * 1024 for line in told if line.startswith("LazyFree"))
        print((taken("VmRSS") - before - LEFT) / run.theta.nbytes)
        """
    assert 1.9 < of_parameters(script.replace("LEFT", "lazily")) < 3
    assert of_parameters(script.replace("LEFT", "0")) > 3.5  # the broken twin counts them
