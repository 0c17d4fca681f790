"""Long updates: gradients of the last layers are summed apart, before any weight is changed.

Until then a step can be given up. The oracles are the gradient of the same engine with the rule applied to
it by NumPy, which takes another way, and for what is decided a program that asks src/kernel/watch.hpp.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import engines
from comparisons import assert_same_bits
from programs import compiled, told_by
from runs import draw_run, one_call, step_by_step
from schuss.method.network import Network
from schuss.method.plan import Plan
from schuss.method.rules import Adam, Momentum

# An update of 3.5 GFLOP takes 15 ms and more on any processor, that of the first layer a tenth of it.
NETWORK, SMALL = Network([300, 2100, 3000], "tanh"), Network([60, 240, 150], "tanh")
SAMPLES, STEPS = 256, 2
PLAN = Plan(Momentum(1e-3, 0.9), batch_size=SAMPLES, l2=0.01)

# How long a step takes, of which half is the update, and its layers' sizes: from which on they are apart,
# where 1 is the longest update.
DRIVER = """
#include "watch.hpp"
#include <cstdio>
#include <vector>
int main() {
  int depth;
  double seconds;
  const schuss::Poll poll;
  const schuss::Watch watch(poll, 1.0, 0.5);
  while (std::scanf("%lf %d", &seconds, &depth) == 2) {
    std::vector<schuss::Layer<float>> layers(depth);
    for (int l = 0; l < depth; l++) std::scanf("%d %d", &layers[l].n_in, &layers[l].n_out);
    schuss::Work<float> work;
    work.depth = depth, work.layers = layers.data();
    std::printf("%d\\n", watch.apart_from(work, seconds, 1.0));
  }
}
"""


@pytest.fixture(scope="module")
def driver(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a program that asks watch.hpp."""
    return compiled(DRIVER, tmp_path_factory.mktemp("watch"))


@pytest.mark.parametrize(
    ("seconds", "layers", "first"),
    [
        (2.0, [(9, 9)], 1),  # not long: nothing is apart
        (2.1, [(9, 9)], 0),
        (2.2, [(90, 10), (10, 10)], 1),  # the first takes 0.99
        (2.2, [(92, 10), (8, 10)], 0),  # and here 1.01
        (2.5, [(10, 10), (30, 10), (30, 10), (30, 10)], 3),
        (100.0, [(1, 99), (9999, 1)], 1),
    ],
)
def test_what_is_apart(driver: Path, seconds: float, layers: list[tuple[int, int]], first: int) -> None:
    """What is updated at once takes no longer than an update may; a layer more would be longer."""
    asked = " ".join(str(number) for number in (seconds, len(layers), *np.ravel(layers)))
    assert told_by(driver, asked) == [[first]]


@pytest.mark.skipif(not engines.FUSED, reason="no fused instruction set here")
@pytest.mark.parametrize("rule", [PLAN.rule, Adam(1e-3)], ids=["momentum", "adam"])
@pytest.mark.parametrize(
    ("network", "clip"),
    [
        pytest.param(NETWORK, None, marks=pytest.mark.slow, id="long"),
        pytest.param(SMALL, 1e-3, id="clipped"),
        pytest.param(SMALL, 1e9, id="not clipped"),
    ],
)
def test_the_bits_of_gradients_and_rule(network: Network, clip: float | None, rule: Momentum | Adam) -> None:
    """On one thread or more, observed or not. Gradients that may be clipped are apart in all layers."""
    plan = PLAN.replace(rule=rule, clip=clip)
    samples, start = draw_run(network, plan, SAMPLES, dtype="float32")
    ways = [engines.make_engine(name, threads) for name in engines.FUSED for threads in (1, 2, 3)]
    expected = step_by_step(ways[0], network, start, samples, plan, STEPS)
    norms = set()
    for i, engine in enumerate(ways):
        made = one_call(engine, network, start, samples, plan, STEPS, norms_every=i % 2)
        assert_same_bits(made.state, expected.state)
        norms |= {made.norms.tobytes()} if i % 2 else set()
    assert len(norms) == 1
    other = step_by_step(ways[0], network, start, samples, plan.replace(l2=0.02), STEPS)
    assert other.state.digest() != expected.state.digest()


@pytest.mark.slow
@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("name", engines.FUSED)
def test_given_up_at_any_moment(name: str, threads: int) -> None:
    """A step that is given up leaves the state before it, from which the run goes on to the same bits."""
    samples, start = draw_run(NETWORK, PLAN, SAMPLES, dtype="float32")
    engine = engines.make_engine(name, threads)
    plain = one_call(engine, NETWORK, start, samples, PLAN, STEPS)
    stops = set()
    for last in (1, 4, 9, 16):
        asked: list[int] = []
        stopped = engine.advance(
            NETWORK,
            start,
            samples,
            PLAN,
            STEPS,
            poll=lambda *_, of=asked, n=last: of.append(1) or len(of) == n,
        )
        stops.add(stopped.state.step)
        assert_same_bits(one_call(engine, NETWORK, stopped.state, samples, PLAN, STEPS).state, plain.state)
    assert stops & {0, 1}
