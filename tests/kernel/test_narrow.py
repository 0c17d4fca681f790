"""Networks whose layers fit into a panel and a line go a way of their own (src/kernel/narrow.hpp): bits stay.

The oracle is `step_by_step`: the gradient of the engine's other door, which does not go that way, and the
rule's update in NumPy. Sizes are drawn up to just beyond the widest vector, so that both ways are met in each
instruction set.
"""

import platform
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, event, given
from hypothesis import strategies as st

import engines
from cases import HIDDEN, PARAMETERS
from comparisons import assert_same_bits, assert_states_near
from kinds_of_rules import KERNEL_RULES
from programs import compiled, told_by
from runs import draw_run, one_call, step_by_step
from schuss.engine import native
from schuss.engine.engine import Advance, Engine
from schuss.engine.native import _kernel, _problem
from schuss.method.functions import LOSSES, Loss
from schuss.method.network import Network
from schuss.method.plan import Plan
from schuss.method.rules import Momentum
from schuss.method.samples import Samples

HAS_NEON = platform.machine() in ("aarch64", "arm64")  # and so twice as many registers
WIDEST = {"avx512": 16, "avx2": 16, "baseline": 16 if HAS_NEON else 8}  # of float32; half as many of float64
DTYPES = ["float32", "float64"]
SETS = [name for name in native.instruction_sets() if name in WIDEST]
STEPS = 7


def is_narrow(network: Network, instruction_set: str, dtype: Any) -> bool:
    """Return whether steps of the network go by narrow.hpp, where samples are dense and nothing drops out."""
    return _kernel.is_narrow(_problem(network), instruction_set, network.initial(0, dtype))


# Samples of a step, and whether weights are watched in it; said: whether samples stand side by side.
DRIVER = """
#include "step.hpp"
#include <cstdio>
using namespace schuss;
using namespace schuss::SCHUSS_ISA;
int main() {
  int samples, watched;
  while (std::scanf("%d %d", &samples, &watched) == 2) {
    Work<float> work;
    if (watched) work.observation = reinterpret_cast<const Observation<float> *>(&work);  // never read
    std::printf("%d\\n", stand_beside(work, samples));
  }
}
"""


@st.composite
def networks(draw: st.DrawFn) -> Network:
    """Any small network, with groups of outputs now and then."""
    sizes = draw(st.lists(st.integers(1, 17), min_size=2, max_size=4))
    name = draw(st.sampled_from(list(LOSSES)))
    last = LOSSES[name].partner or draw(st.sampled_from([*HIDDEN, "softmax"]))
    hidden = [draw(st.sampled_from(HIDDEN)) for _ in sizes[2:]]
    loss = Loss(name, PARAMETERS.get(name))
    groups = [1, sizes[-1] - 1] if last == "softmax" == LOSSES[name].partner and sizes[-1] > 2 else None
    biases, has_groups = draw(st.booleans()), draw(st.booleans())
    return Network(sizes, [*hidden, last], loss, biases=biases, groups=groups if has_groups else None)


some = st.sampled_from([0.0, 0.0, 0.01])
plans = st.builds(
    lambda rule, **settings: Plan(KERNEL_RULES[rule](learning_rate=0.002), **settings),
    rule=st.sampled_from(list(KERNEL_RULES)),
    batch_size=st.integers(1, 40) | st.none(),
    seed=st.integers(0, 100),
    reduction=st.sampled_from(["mean", "sum"]),
    l2=some,
    l1=some,
    weight_decay=some,
    clip=st.sampled_from([None, None, 0.05]),
    dropout=st.sampled_from([0.0, 0.0, 0.4]),
    as_scikit_learn=st.booleans(),
)
samples_drawn = st.integers(1, 45)


@given(networks(), plans, samples_drawn, st.booleans(), st.sampled_from(DTYPES))
def test_a_step_is_gradient_and_update(native_engine, network, plan, n, weighted, dtype):
    """Whatever is trained and how, bits are those of the gradient and the rule, on either way."""
    samples, start = draw_run(network, plan, n, dtype=dtype, weighted=weighted)
    stop = min(STEPS, plan.steps(n))
    found = native_engine.advance(network, start, samples, plan, stop)
    assume(found.outcome == "done")  # an output of exp may diverge
    expected = step_by_step(native_engine, network, start, samples, plan, stop)
    event("narrow" if is_narrow(network, native_engine.info.instruction_set, dtype) else "not narrow")
    assert_same_bits(found.state, expected.state)
    assert found.losses.tobytes() == expected.losses.tobytes()
    with pytest.raises(AssertionError):
        assert_same_bits(found.state, start)


@given(networks(), plans, samples_drawn, st.sampled_from(DTYPES))
def test_every_fused_set_gives_the_same_bits(network, plan, n, dtype):
    """What is narrow on one set is not on another, and nobody can tell."""
    samples, start = draw_run(network, plan, n, dtype=dtype)
    made = [
        one_call(
            engines.make_engine(name), network, start, samples, plan, min(STEPS, plan.steps(n)), norms_every=2
        )
        for name in engines.FUSED
    ]
    for other in made[1:]:
        assert_same_bits(other.state, made[0].state)
        assert other.losses.tobytes() == made[0].losses.tobytes()
        assert other.norms.tobytes() == made[0].norms.tobytes()


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", SETS)
def test_layers_of_one_panel_are_narrow(name, dtype):
    """Up to as many units as a panel or a cache line holds, inputs and outputs included; not one more."""
    most = WIDEST[name] * 4 // np.dtype(dtype).itemsize
    assert is_narrow(Network([most, most, most], "tanh"), name, dtype)
    for wider in ([most + 1, 1, 1], [1, most + 1, 1], [1, 1, most + 1]):
        assert not is_narrow(Network(wider, "tanh"), name, dtype)


@pytest.mark.parametrize("extra", [0, 1])
@pytest.mark.parametrize("dtype", DTYPES)
def test_both_ways_agree_with_the_reference(native_engine, dtype, extra):
    """The widest narrow network, and one a unit wider, end where the readable engine does."""
    width = WIDEST[native_engine.info.instruction_set] * 4 // np.dtype(dtype).itemsize
    network = Network([width, width + extra, width], ["tanh", "softmax"], "cross_entropy")
    plan = Plan(Momentum(0.05, 0.9), batch_size=11, l2=0.01)
    samples, start = draw_run(network, plan, 30, dtype=dtype)
    reference = engines.make_engine("reference")
    expected = one_call(reference, network, start, samples, plan, 12)
    found = one_call(native_engine, network, start, samples, plan, 12)
    tolerance = {"float32": 1e-4, "float64": 1e-12}[dtype]
    assert (native_engine.info.engine, reference.info.engine) == ("native", "reference")
    assert_states_near(found.state, expected.state, tolerance)
    other = one_call(native_engine, network, start, samples, plan.replace(l2=0.02), 12)
    with pytest.raises(AssertionError):
        assert_states_near(other.state, expected.state, tolerance)


# Around the fewest that stand side by side (src/kernel/beside.hpp), a vector and a group of either dtype.
BATCHES = [1, 4, 5, 7, 8, 9, 15, 16, 17, 20, 32, 33]
# By what is given as targets; with stored slopes, wide and short layers.
SHAPES = {
    "classes": Network([5, 16, 3, 7], ["gelu", "relu", "softmax"], "cross_entropy"),
    "groups": Network([4, 6, 5], ["elu", "softmax"], "cross_entropy", groups=(2, 3)),
    "rows": Network([16, 3, 9, 2], ["tanh", "softplus", "identity"], "squared_error"),
    "classes, no hidden layer": Network([3, 10], ["softmax"], "cross_entropy", biases=False),
    "classes, half as wide": Network([5, 8, 3, 7], ["gelu", "relu", "softmax"], "cross_entropy"),
    "classes, a quarter as wide": Network([3, 4, 4], ["silu", "softmax"], "cross_entropy", biases=False),
}


def both_ways(
    engine: Engine, shape: str, batch: int, dtype: str, order: str = "philox", *, weighted: bool = False
) -> tuple[Advance, Advance]:
    """Return a training by calls of the kernel, and by gradients and the rule in NumPy."""
    network, plan = SHAPES[shape], Plan(Momentum(0.05, 0.9), batch_size=batch, order=order, l2=0.01)
    samples, start = draw_run(network, plan, 3 * batch + 2, dtype=dtype, weighted=weighted)
    if shape.startswith("classes"):
        classes = np.argmax(samples.T, axis=1)
        samples = Samples.check(network, samples.X, classes, weights=samples.weights)
        assert samples.classes is not None
    return (
        one_call(engine, network, start, samples, plan, STEPS),
        step_by_step(engine, network, start, samples, plan, STEPS),
    )


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("instruction_set", SETS)
def test_one_of_these_shapes_is_narrow_whatever_the_set(instruction_set, dtype):
    """So samples of either dtype stand side by side on all of them."""
    assert is_narrow(SHAPES["classes, a quarter as wide"], instruction_set, dtype)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("batch", BATCHES)
@pytest.mark.parametrize("weighted", [False, True])
def test_groups_of_samples_side_by_side(native_engine, weighted, batch, shape, dtype):
    """Batches and last batches of any size around a vector and a group end where gradient and rule do."""
    found, expected = both_ways(native_engine, shape, batch, dtype, weighted=weighted)
    assert_same_bits(found.state, expected.state)
    assert found.losses.tobytes() == expected.losses.tobytes()


def test_samples_in_order_stand_side_by_side(native_engine):
    """Without an order too; another order ends elsewhere."""
    found, expected = both_ways(native_engine, "classes", 17, "float32", order="sequential")
    assert_same_bits(found.state, expected.state)
    shuffled, _ = both_ways(native_engine, "classes", 17, "float32")
    with pytest.raises(AssertionError):
        assert_same_bits(shuffled.state, expected.state)


def test_which_samples_stand_side_by_side(tmp_path):
    """From five on, but where weights are watched. Were it never so, no test of bits would tell."""
    options = ("-DSCHUSS_ISA=here", "-DSCHUSS_BYTES=16", "-ffp-contract=off")
    program = compiled(DRIVER, tmp_path, *options)
    counts = [1, 4, 5, 16, 17, 256]
    asked = "".join(f"{n} {watched}\n" for watched in (0, 1) for n in counts)
    found = [side for [side] in told_by(program, asked)]
    assert found == [0, 0, 1, 1, 1, 1] + [0] * len(counts)
