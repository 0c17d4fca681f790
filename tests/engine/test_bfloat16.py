"""Products of bfloat16: exactly what they are said to be, the same bits however they are asked for."""

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from schuss import Adam, EngineError, Momentum, Nesterov, Network, Plan, Run, load_run, train
from schuss.engine import native
from schuss.engine.bfloat16 import Bfloat16Engine
from schuss.engine.choice import engine_named
from schuss.engine.native import NativeEngine
from schuss.method.backprop import Objective
from schuss.method.plans import Plans
from schuss.method.samples import Samples
from schuss.method.state import State, States

needed = pytest.mark.skipif(not native.bfloat16_set(), reason="this processor has no products of bfloat16")

Floats = NDArray[np.float32]
RAGGED = [(5, 3), (4, 10, 3), (33, 17, 9, 5), (64, 128, 10), (90, 300, 201, 7)]


def problem(layers: tuple[int, ...], n: int, **how: Any) -> tuple[Network, Floats, Samples]:
    """Return a network of relu units and squared error, weights and samples."""
    network = Network(layers, "relu", "squared_error", output="identity", **how)
    rng = np.random.default_rng(n)
    X, T = (rng.standard_normal((n, size)).astype(np.float32) for size in (layers[0], layers[-1]))
    return network, network.initial(7, "float32"), Samples.check(network, X, T)


# --- the products, in NumPy ---


def rounded(x: Floats) -> Floats:
    """Return the nearest bfloat16 of each number, ties to even."""
    bits = x.view(np.uint32).copy()
    bits += np.uint32(0x7FFF) + (bits >> np.uint32(16) & np.uint32(1))
    return (bits & np.uint32(0xFFFF0000)).view(np.float32)


def product(a: Floats, b: Floats, start: Floats, order: tuple[int, int] = (1, 0)) -> Floats:
    """Return start + a·b, the terms of each pair in this order; float32 rounds after each of them."""
    if a.shape[1] % 2:
        a, b = np.pad(a, ((0, 0), (0, 1))), np.pad(b, ((0, 1), (0, 0)))
    a, b, total = rounded(np.ascontiguousarray(a)), rounded(np.ascontiguousarray(b)), start.copy()
    for i in range(0, a.shape[1], 2):
        for k in (i + order[0], i + order[1]):
            total = total + a[:, k : k + 1] * b[k : k + 1]  # the product of two bfloat16 is exact
    return total


def gradient_by_hand(network: Network, theta: Floats, samples: Samples, **how: Any) -> Floats:
    """Return the gradient of a batch, its reduction the sum."""
    y, views = [np.asarray(samples.X)], network.views(theta)
    for i, layer in enumerate(views):
        x = product(y[-1], layer.w, np.tile(layer.b, (len(samples), 1)), **how)
        y.append(np.maximum(x, np.float32(0)) if i < len(views) - 1 else x)
    delta, parts = samples.targets(network.layers[-1]) - y[-1], list[Floats]()
    for i in reversed(range(len(views))):
        w, b = views[i].w, np.zeros(views[i].w.shape[1], np.float32)
        for row in delta:
            b = b + row
        g = product(np.ascontiguousarray(y[i].T), delta, np.zeros_like(w), **how)
        parts = [-g.ravel(), -b, *parts]
        back = product(delta, np.ascontiguousarray(w.T), np.zeros_like(y[i]), **how)
        delta = np.where(y[i] > 0, back, np.float32(0)) if i else delta
    return np.concatenate(parts)


@needed
@pytest.mark.parametrize("layers", RAGGED, ids=str)
@pytest.mark.parametrize("n", [1, 16, 31])
def test_each_product_is_rounded_and_added_up_as_it_is_said(layers: tuple[int, ...], n: int) -> None:
    """Bit for bit; products in full give other bits."""
    network, theta, samples = problem(layers, n)
    engine, objective = Bfloat16Engine(1), Objective("sum")
    found = engine.gradient(network, theta, samples, objective).gradient

    assert engine.info.engine == "bfloat16"
    assert (found == gradient_by_hand(network, theta, samples)).all()
    full = NativeEngine(1).gradient(network, theta, samples, objective).gradient
    assert not (found == full).all()


@needed
def test_the_other_order_within_a_pair_gives_other_bits() -> None:
    """Seldom, since a product of two numbers of 8 digits leaves much of a float32 free; so of many."""
    network, theta, samples = problem((64, 128, 10), 31)
    found = Bfloat16Engine(1).gradient(network, theta, samples, Objective("sum")).gradient

    assert (found == gradient_by_hand(network, theta, samples)).all()
    assert not (found == gradient_by_hand(network, theta, samples, order=(0, 1))).all()


# --- the same bits ---

PLANS = {
    "momentum": Plan(Momentum(0.01, 0.9), batch_size=30),
    "nesterov, clip": Plan(Nesterov(0.01, 0.9), batch_size=7, clip=0.5),
    "adam, decay": Plan(Adam(0.001), batch_size=64, weight_decay=0.01),
    "dropout, l2": Plan(Momentum(0.01, 0.9), batch_size=33, dropout=0.3, l2=0.01),
    "chunks": Plan(Momentum(0.01, 0.9), batch_size=601),
}


@needed
@pytest.mark.parametrize("plan", PLANS.values(), ids=PLANS)
def test_threads_and_pieces_change_no_bit(plan: Plan) -> None:
    """As few steps at once as may be, and as many threads; it is `gradient` and the rule, step by step."""
    network, theta, samples = problem((90, 400, 201, 7), 701)
    start, stop = State.start(theta, len(plan.rule.memory)), 2 * plan.steps_per_epoch(701)
    ends = {
        t: Bfloat16Engine(t).advance(network, start, samples, plan, stop, norms_every=t - 1)
        for t in (1, 2, 3)
    }
    state = start
    for step in range(stop):
        state = Bfloat16Engine(2).advance(network, state, samples, plan, step + 1).state

    assert len({end.state.digest() for end in ends.values()} | {state.digest()}) == 1
    assert len({end.losses.tobytes() for end in ends.values()}) == 1
    full = NativeEngine(1).advance(network, start, samples, plan, stop).state
    assert full.digest() != state.digest()
    np.testing.assert_allclose(full.theta, state.theta, atol=0.05)


@needed
@pytest.mark.parametrize("n", [253, 255, 256])
def test_rows_that_threads_share(n: int) -> None:
    """Rows go in pairs: no share of one thread, nor the middle between two, may begin amid one."""
    network, theta, samples = problem((32, 192, 400, 3), n)  # the first layer stays with threads by columns
    alone = Bfloat16Engine(1).gradient(network, theta, samples, Objective("sum"))
    other = problem((32, 192, 400, 3), n - 1)[2]
    for threads in (2, 3, 4, 5, 7):
        found = Bfloat16Engine(threads).gradient(network, theta, samples, Objective("sum"))
        assert (found.loss, found.gradient.tobytes()) == (alone.loss, alone.gradient.tobytes()), threads
    assert alone.loss != Bfloat16Engine(3).gradient(network, theta, other, Objective("sum")).loss


@needed
def test_a_step_is_the_gradient_and_the_rule() -> None:
    """In float32, with the rule's own update; and many networks end as each would alone."""
    network, theta, samples = problem((33, 17, 9, 5), 60)
    plan, engine = Plan(Momentum(0.01, 0.9), epochs=3, batch_size=60, order="sequential"), Bfloat16Engine(1)
    start = State.start(theta, 1)
    g = engine.gradient(network, theta, samples, plan.objective).gradient
    rates = [np.float32(rate) for rate in plan.rates(0, 1, 60)[0]]
    expected = plan.rule.update(start.theta, start.memory, g, rates)  # type: ignore[arg-type]  # float32 ones
    after = engine.advance(network, start, samples, plan, 1).state

    assert (after.theta == expected[0]).all()
    assert (after.memory == expected[1]).all()
    plans = Plans.of([plan, plan.replace(rule=Momentum(0.02, 0.5))])
    states = States(np.stack([theta, theta]), np.zeros((2, 1, theta.size), np.float32))
    many = engine.advance_many(network, states, samples, plans, 3).states
    for i in range(2):
        assert many[i].digest() == engine.advance(network, start, samples, plans[i], 3).state.digest()


@needed
def test_a_run_is_recorded_and_made_again(tmp_path: Path) -> None:
    """By its own arithmetic, named in the run; its weights are good ones; an account is refused."""
    rng = np.random.default_rng(3)
    X = rng.standard_normal((300, 20)).astype(np.float32)
    T = (X[:, :4] ** 2).sum(axis=1) > 3
    network, rule = Network([20, 64, 2], "relu", "cross_entropy"), Momentum(0.05, 0.9)

    def trained(epochs: int = 40, **how: Any) -> Run:
        return train(network, X, T.astype(int), rule=rule, epochs=epochs, **how)

    run = trained(engine="bfloat16", record=tmp_path / "run")
    opened = load_run(tmp_path / "run")
    assert (opened.engine.engine, opened.engine.arithmetic) == ("bfloat16", "bfloat16 products")
    assert opened.at(200).digest() == run.at(200).digest()
    assert abs(run.loss[-1] - trained().loss[-1]) < 0.02 < trained(epochs=1).loss[-1]
    assert (run.predict(X).argmax(axis=1) == T).mean() > 0.98
    with pytest.raises(EngineError, match="taken apart"):
        run.account(0, 100)


@needed
@pytest.mark.parametrize("layers", RAGGED)
def test_a_loss_alone_is_that_of_the_gradient(layers: tuple[int, ...]) -> None:
    """To the bit, for a batch in two chunks; at other weights it is another."""
    network, theta, samples = problem(layers, 300)
    engine = Bfloat16Engine(2)
    alone = engine.loss(network, theta, samples, Objective())
    assert alone == engine.gradient(network, theta, samples, Objective()).loss
    assert alone != engine.loss(network, theta * np.float32(1.1), samples, Objective())


# --- what it refuses ---


@needed
def test_other_data_are_refused() -> None:
    """float64 and sparse rows, by name."""
    network, theta, samples = problem((4, 10, 3), 16)
    engine, wide = Bfloat16Engine(1), theta.astype(np.float64)
    sparse = Samples.check(network, csr_matrix(samples.X), samples.T)

    with pytest.raises(EngineError, match=r"for float32; got float64\. Give X as float32"):
        engine.outputs(network, wide, np.zeros((1, 4)))
    with pytest.raises(EngineError, match="for float32"):
        engine.predictor(network, wide)
    with pytest.raises(EngineError, match="for dense inputs"):
        engine.gradient(network, theta, sparse, Objective())
    with pytest.raises(ValueError, match="dense rows"):  # at the kernel's door too
        NativeEngine(1, native.bfloat16_set()).gradient(network, theta, sparse, Objective())
    kernel = NativeEngine(1, native.bfloat16_set())
    with pytest.raises(ValueError, match="whole products"):
        kernel.curvature_product(network, theta, samples, Objective(), theta)
    plan = Plan(Momentum(0.01), batch_size=8)
    with pytest.raises(ValueError, match="cannot be watched"):
        kernel.observe(network, plan.start(theta), samples, plan, 2, [0])
    states = States(np.stack([theta] * 16), np.zeros((16, 1, theta.size), np.float32))
    many = kernel.advance_many(
        network, states, samples, Plans(plan, {}, 16), 3
    )  # not in lanes, which know no pairs
    alone = Bfloat16Engine(1).advance(network, plan.start(theta), samples, plan, 3).state
    assert many.states.theta[7].tobytes() == alone.theta.tobytes()
    copy = pickle.loads(pickle.dumps(Bfloat16Engine(2)))  # noqa: S301  # our own bytes
    assert copy.info == Bfloat16Engine(2).info


def test_a_processor_without_them_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """There is no fallback: whoever asks for bfloat16 gets it, or an error."""
    monkeypatch.setattr(native, "bfloat16_set", lambda: "")
    with pytest.raises(EngineError, match=r"AVX-512-BF16.*engine='native'"):
        engine_named("bfloat16")
