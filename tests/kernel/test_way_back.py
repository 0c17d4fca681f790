"""The way back: panels of transposed weights, by threads that share columns or rows.

Oracles are NumPy's transposition of the same numbers, the reference engine, and one thread.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import engines
from comparisons import assert_same_bits
from programs import compiled, told_by
from runs import draw_run, one_call
from schuss.engine.reference import ReferenceEngine
from schuss.method.network import Network
from schuss.method.plan import Plan
from schuss.method.rules import Momentum

# Bytes of a vector, and what the compiler is told.
SETS = {
    "baseline": ("16",),
    "avx2": ("32", "-mavx2", "-mfma"),
    "avx512": ("64", "-mavx512f", "-mavx512dq", "-mavx512bw", "-mfma"),
}
EMULATED = ("64", "-mavx2", "-mfma", "-Wno-psabi")
CUT = 1024  # terms of a sum between two visits to memory

# A panel of a layer's transposed weights, row by row; weight (i, j) is 4096·i + j + 1.
DRIVER = """
#include "backward.hpp"
#include <cstdio>
#include <cstdlib>
using namespace schuss;
using namespace schuss::SCHUSS_ISA;
typedef NUMBER T;
T *room_for(size_t n) { return static_cast<T *>(std::aligned_alloc(64, (n * sizeof(T) + 63) / 64 * 64)); }
int main() {
  int n_in, n_out, p, k;
  while (std::scanf("%d %d %d %d", &n_in, &n_out, &p, &k) == 4) {
    Layer<T> layer{};
    layer.n_in = n_in, layer.n_out = n_out, layer.panel = panel<T>;
    const size_t size = size_t(n_in) * vectors_of<T>(n_out) * lanes<T>;
    T *w = layer.w = room_for(size), *room = room_for(size_t(k_block) * panel<T>);
    for (size_t i = 0; i < size; i++) w[i] = 0;
    for (int i = 0; i < n_in; i++)
      for (int j = 0; j < n_out; j++) {
        const Panel<T> at = weight_panel<T>(layer, w, j / panel<T>, i);
        w[at.b - w + j - at.at] = T(4096 * i + j + 1);
      }
    const Panel<T> found = transposed_panel(layer, room, p, k);
    for (int j = k; j < n_out && j < k + k_block; j++, std::puts(""))
      for (long c = 0; c < found.stride; c++) std::printf("%ld ", long(found.b[(j - k) * found.stride + c]));
    std::printf("%d\\n", panel<T>);
    std::free(w), std::free(room);
  }
}
"""


@pytest.mark.parametrize("number", ["float", "double"])
@pytest.mark.parametrize("name", engines.INSTRUCTION_SETS)
def test_a_panel_is_the_transposed_of_the_weights(name: str, number: str, tmp_path: Path) -> None:
    """Panels that are full and not, sums that are cut and not; beyond the last unit there are zeros."""
    engine = engines.make_engine(f"native-{name}")
    is_emulated = name == "avx512" and "emulated" in str(engine.info.compiler)
    width, *options = EMULATED if is_emulated else SETS[name]
    defined = [f"-DSCHUSS_ISA={name}", f"-DSCHUSS_BYTES={width}", f"-DNUMBER={number}"]
    program = compiled(DRIVER, tmp_path, *options, *defined)
    panel = told_by(program, "1 1 0 0")[-1][0]
    for n_in, n_out in [(1, 1), (3, 10), (panel, panel), (2 * panel + 5, 19), (panel + 1, CUT + 13)]:
        w = 4096 * np.arange(n_in)[:, None] + np.arange(n_out) + 1
        for p in range(-(-n_in // panel)):
            for k in range(0, n_out, CUT):
                *rows, _ = told_by(program, f"{n_in} {n_out} {p} {k}")
                found = np.array(rows)
                units, terms = slice(p * panel, (p + 1) * panel), slice(k, k + CUT)
                expected = np.zeros_like(found)
                expected[:, : len(w[units])] = w[units, terms].T
                assert np.array_equal(found, expected), (n_in, n_out, p, k)
    square = np.array(told_by(program, f"{panel} {panel} 0 0")[:-1])
    assert not np.array_equal(square, w[:panel, :panel])  # the broken twin: weights as they are


# Hidden layers of more units than a sum goes without a cut; and narrow ones, of which no thread has columns,
# between wide ones, whose panels two, three and four threads share.
NETWORKS = {
    "cut": [40, 70, CUT + 76, 90, 7],
    "narrow between": [60, 260, 9, 270, 250, 5],
    "even": [30, 384, 384, 3],
}
KINDS: dict[str, dict[str, Any]] = {
    "plain": {},
    "clipped": {"clip": 0.01},
    "dropout": {"dropout": 0.3},
    "in chunks": {"batch_size": 600},
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("layers", NETWORKS.values(), ids=NETWORKS)
def test_the_bits_of_one_thread(layers: list[int], dtype: str, kind: str) -> None:
    """Whatever threads share on the way back, and wherever sums are cut."""
    network = Network(layers, "gelu" if kind == "plain" else "relu", "cross_entropy")
    plan = Plan(Momentum(0.05, 0.9), batch_size=250).replace(**KINDS[kind])
    samples, start = draw_run(network, plan, 620, dtype=dtype)
    made = {
        (name, threads): one_call(engines.make_engine(name, threads), network, start, samples, plan, 4).state
        for name in engines.FUSED
        for threads in (1, 2, 3, 4)
    }
    first, *others = made.values()
    for other in others:
        assert_same_bits(other, first)
    assert first.digest() != start.digest()


@pytest.mark.parametrize("layers", NETWORKS.values(), ids=NETWORKS)
@pytest.mark.parametrize("name", engines.NATIVE)
def test_gradients_of_the_reference_engine(name: str, layers: list[int]) -> None:
    """As they are with NumPy's product by the transposed weights."""
    network, plan = Network(layers, "tanh", "cross_entropy"), Plan(batch_size=300)
    samples, start = draw_run(network, plan, 300)
    exact = ReferenceEngine().gradient(network, start.theta, samples, plan.objective).gradient
    for threads in (1, 2):
        engine = engines.make_engine(name, threads)
        assert engine.info.engine == "native"
        found = engine.gradient(network, start.theta, samples, plan.objective).gradient
        np.testing.assert_allclose(found, exact, rtol=1e-9, atol=1e-13 * np.abs(exact).max())
    other = engine.gradient(network, 1.0001 * start.theta, samples, plan.objective).gradient
    assert not np.allclose(other, exact, rtol=1e-9, atol=1e-13 * np.abs(exact).max())
