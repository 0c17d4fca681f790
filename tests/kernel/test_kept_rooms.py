"""A workspace that is kept from call to call is used only for the very state that stands in it.

Each comparison is with a new engine outside of a training, which keeps nothing.
"""

import contextvars
import os
import threading

import numpy as np
import pytest

import engines
from comparisons import assert_same_bits
from kinds_of_rules import KERNEL_RULES as RULES
from programs import told_by_python
from runs import draw_run, in_pieces, one_call, step_by_step
from schuss.engine import keeping
from schuss.engine.native import NativeEngine
from schuss.errors import DivergenceError
from schuss.method.network import Network
from schuss.method.plan import Plan
from schuss.method.rules import Momentum
from schuss.method.state import State
from schuss.training.train import train

WIDE = Network([500, 520, 400, 7], "tanh", "cross_entropy")  # its workspaces are large enough to be kept
PLAN = Plan(Momentum(0.01), batch_size=40)


def new(threads: int = 1) -> NativeEngine:
    engine = engines.make_engine(engines.NATIVE[0], threads)
    assert engine.info.engine == "native"
    return engine


def is_kept(state: State) -> bool:
    kept = keeping.keeping()
    return kept is not None and kept.ticket_of(state.theta, state.memory) > 0


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("rule", RULES)
def test_a_training_in_many_calls_is_one_call(isa, rule, threads):
    """Every rule, calls of all lengths, another batch's rest at the end of an epoch: the bits of one call."""
    plan = Plan(RULES[rule](), batch_size=40)
    samples, start = draw_run(WIDE, plan, 90, dtype="float32")
    engine = engines.make_engine(f"native-{isa}", threads)
    expected = one_call(engine, WIDE, start, samples, plan, 9)
    with keeping.under_way():
        state, losses = start, []
        for stop in (1, 2, 5, 6, 9):
            made = one_call(engine, WIDE, state, samples, plan, stop)
            state = made.state
            losses.extend(made.losses)
            assert is_kept(state)
    assert_same_bits(state, expected.state)
    assert np.array_equal(losses, expected.losses)


@pytest.mark.parametrize(
    "how", [{"clip": 0.05}, {"l2": 0.1}, {"weight_decay": 0.01}, {"dropout": 0.3}], ids=str
)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_plans_of_every_kind(how, dtype):
    """Clipped, penalised, decayed, with units dropped, in batches of several chunks."""
    plan = Plan(Momentum(0.01), batch_size=300, **how)
    samples, start = draw_run(WIDE, plan, 600, dtype=dtype)
    with keeping.under_way():
        kept = in_pieces(new(), WIDE, start, samples, plan, range(1, 7)).state
        assert is_kept(kept)
    assert_same_bits(kept, one_call(new(), WIDE, start, samples, plan, 6).state)


@pytest.mark.parametrize("threads", [1, 2])
def test_a_huge_network_is_emptied_as_its_call_ends(isa, threads):
    """Where a workspace makes way for the state piece by piece, it is that of steps made by hand."""
    huge, plan = Network([1450, 1450, 1450, 10], "relu", "cross_entropy"), Plan(Momentum(0.01), batch_size=8)
    samples, start = draw_run(huge, plan, 16)
    engine = engines.make_engine(f"native-{isa}", threads)
    with keeping.under_way():
        state = in_pieces(engine, huge, start, samples, plan, [2, 3]).state
        assert not is_kept(state)
    by_hand = step_by_step(engine, huge, start, samples, plan, 3)
    assert_same_bits(state, by_hand.state)


@pytest.mark.parametrize("rule", ["momentum", "adam"])
def test_a_huge_state_is_written_over(isa, rule):
    """Where it is spare, the state after it stands in its arrays, call after call, bit for bit."""
    huge, plan = Network([1450, 1450, 1450, 10], "relu", "cross_entropy"), Plan(RULES[rule](), batch_size=8)
    samples, start = draw_run(huge, plan, 16)
    engine = engines.make_engine(f"native-{isa}", threads=2)
    expected = step_by_step(engine, huge, start, samples, plan, 3).state
    with keeping.under_way() as kept:
        state = start
        for stop in (2, 3):
            kept.spare = state
            state = one_call(engine, huge, state, samples, plan, stop).state
            assert kept.spare is state
            assert np.shares_memory(state.theta, start.theta)
            assert not state.theta.flags.writeable
    assert_same_bits(state, expected)


def test_a_state_in_arrays_of_others_is_not_written_over():
    """A view, or numbers in another order, may belong to somebody: they stay, spare or not."""
    samples, start = draw_run(WIDE, PLAN, 90)
    expected = one_call(new(), WIDE, start, samples, PLAN, 3).state
    with keeping.under_way() as kept:
        for state in (State.of(start.theta, start.memory, 0), State(start.theta, start.memory[:, ::1], 0)):
            kept.spare = state
            digest = state.digest()
            assert_same_bits(one_call(new(), WIDE, state, samples, PLAN, 3).state, expected)
            assert kept.spare is state
            assert state.digest() == digest


def others(state: State, start: State) -> dict[str, State]:
    """States that are not the one that was given out last, though some are equal to it."""
    theta, memory = state.theta.copy(), state.memory.copy()
    theta[5] += 1
    return {
        "changed": State(theta, state.memory, state.step),
        "memory changed": State(state.theta, memory + 1, state.step),
        "equal": State(state.theta.copy(), state.memory.copy(), state.step),
        "views": State.of(state.theta, state.memory, state.step),
        "the first": State(start.theta, start.memory, state.step),
        "mixed": State(start.theta, state.memory, state.step),
    }


@pytest.mark.parametrize("which", others(*[PLAN.start(np.zeros(6))] * 2))
def test_a_state_that_was_not_given_out_last_is_read(which):
    """After a call, another state is given: the bits are those that it leads to, not those of the last."""
    samples, start = draw_run(WIDE, PLAN, 90)
    engine = new()
    with keeping.under_way():
        last = one_call(engine, WIDE, start, samples, PLAN, 3).state
        given = others(last, start)[which]
        assert is_kept(last)
        assert not is_kept(given)
        found = one_call(engine, WIDE, given, samples, PLAN, 5).state
    assert_same_bits(found, one_call(new(), WIDE, given, samples, PLAN, 5).state)


def test_an_earlier_state_is_read():
    """A stride that is run again begins where it began, though the workspace has gone on."""
    samples, start = draw_run(WIDE, PLAN, 90)
    engine = new()
    with keeping.under_way():
        first = one_call(engine, WIDE, start, samples, PLAN, 3).state
        one_call(engine, WIDE, first, samples, PLAN, 8)
        again = one_call(engine, WIDE, first, samples, PLAN, 5).state
        on = one_call(engine, WIDE, again, samples, PLAN, 6).state
    assert_same_bits(on, one_call(new(), WIDE, start, samples, PLAN, 6).state)


def test_the_comparison_sees_a_stale_workspace(monkeypatch):
    """A twin that takes every state for the last one goes on from the wrong weights."""
    samples, start = draw_run(WIDE, PLAN, 90)
    monkeypatch.setattr(keeping.Keeping, "ticket_of", lambda self, *_: self.last[2] if self.last else 0)
    with keeping.under_way():
        last = one_call(new(), WIDE, start, samples, PLAN, 3).state
        engine = new()
        given = others(last, start)["changed"]
        found = one_call(engine, WIDE, given, samples, PLAN, 5).state
    with pytest.raises(AssertionError):
        assert_same_bits(found, one_call(new(), WIDE, given, samples, PLAN, 5).state)


def test_nobody_can_write_to_what_was_given_out():
    """Arrays by which a workspace is known cannot be made writeable; those that are only marked can."""
    samples, start = draw_run(WIDE, PLAN, 90)
    with keeping.under_way():
        state = one_call(new(), WIDE, start, samples, PLAN, 1).state
        assert is_kept(state)
    for array in (state.theta, state.memory, state.theta[:3], state.velocity):
        assert not array.flags.writeable
        with pytest.raises(ValueError, match="WRITEABLE"):
            array.setflags(write=True)
    twin = state.theta.copy()
    twin.setflags(write=False)
    twin.setflags(write=True)


def test_engines_and_networks_in_turn():
    """Two engines, two networks of equal size and two dtypes take turns within one training."""
    other = Network(WIDE.layers, "relu", "cross_entropy")
    used = new(), new(2)
    jobs = [(network, dtype) for network in (WIDE, other) for dtype in ("float64", "float32")]
    runs = [(network, *draw_run(network, PLAN, 90, dtype=dtype)) for network, dtype in jobs]
    with keeping.under_way():
        states = [start for *_, start in runs]
        for step in range(1, 5):
            for i, (network, samples, _) in enumerate(runs):
                states[i] = one_call(used[(i + step) % 2], network, states[i], samples, PLAN, step).state
    for (network, samples, start), state in zip(runs, states, strict=True):
        assert_same_bits(state, one_call(new(), network, start, samples, PLAN, 4).state)


def test_threads_that_share_what_is_kept():
    """Trainings on two threads that keep in one place still go their own ways."""
    engine, found, together = new(), {}, threading.Barrier(2)
    runs = {seed: draw_run(WIDE, PLAN, 90, seed) for seed in (1, 2)}

    def go(seed: int) -> None:
        samples, start = runs[seed]
        together.wait()
        found[seed] = in_pieces(engine, WIDE, start, samples, PLAN, range(1, 31)).state

    with keeping.under_way():
        threads = [threading.Thread(target=contextvars.copy_context().run, args=(go, seed)) for seed in runs]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    for seed, (samples, start) in runs.items():
        assert_same_bits(found[seed], one_call(new(), WIDE, start, samples, PLAN, 30).state)


def test_what_was_stopped_goes_on():
    """After a poll that stops or raises, the state goes on to the bits of a run that was never stopped."""
    plan = PLAN.replace(epochs=10**6)
    samples, start = draw_run(WIDE, plan, 90)
    engine, state = new(), start

    def fail(*_: object) -> bool:
        raise RuntimeError

    with keeping.under_way():
        for poll in (lambda *_: True, fail, lambda *_: True):
            made = engine.advance(WIDE, state, samples, plan, 10**6, poll=poll)
            assert made.outcome == "interrupted"
            assert not is_kept(made.state)
            state = made.state
        state = one_call(engine, WIDE, state, samples, plan, state.step + 2).state
    assert_same_bits(state, one_call(new(), WIDE, start, samples, plan, state.step).state)


def test_what_diverged_is_not_gone_on_with():
    """After a state that is not finite the next call reads what it is given."""
    samples, start = draw_run(WIDE, PLAN, 90)
    poisoned = State(np.full_like(start.theta, np.nan), start.memory, 0)
    engine = new()
    with keeping.under_way():
        made = engine.advance(WIDE, poisoned, samples, PLAN, 3)
        assert made.outcome == "not_finite"
        assert not is_kept(made.state)
        found = one_call(engine, WIDE, start, samples, PLAN, 3).state
    assert_same_bits(found, one_call(new(), WIDE, start, samples, PLAN, 3).state)


def test_trainings_within_a_training():
    """A callback that trains the same network on the same engine changes nothing, nor is it changed."""
    samples, start = draw_run(WIDE, PLAN, 90)
    engine, inner = new(), []
    how = {"rule": PLAN.rule, "batch_size": 40, "theta": start.theta, "engine": engine}

    def aside(_: object) -> None:
        inner.append(train(WIDE, samples.X, samples.T, epochs=2, **how).state)

    run = train(WIDE, samples.X, samples.T, epochs=4, callbacks=[aside], **how)
    expected = train(WIDE, samples.X, samples.T, epochs=4, **{**how, "engine": new()})
    assert_same_bits(run.state, expected.state)
    assert len(inner) == 4
    for state in inner:
        assert_same_bits(state, inner[0])
    assert keeping.keeping() is None


@pytest.mark.parametrize("ends", ["raised", "diverged"])
def test_nothing_is_kept_beyond_a_training(ends):
    """However a training ends, nothing is under way after it."""
    samples, start = draw_run(WIDE, PLAN, 90)

    def fail(_: object) -> None:
        assert keeping.keeping() is not None
        raise RuntimeError

    how = {"epochs": 3, "batch_size": 40, "theta": start.theta, "engine": new()}
    if ends == "raised":
        with pytest.raises(RuntimeError):
            train(WIDE, samples.X, samples.T, rule=PLAN.rule, callbacks=[fail], **how)
    else:
        with pytest.raises(DivergenceError), np.errstate(all="ignore"):
            train(
                Network(WIDE.layers, "relu", "squared_error"), samples.X, samples.T, rule=Momentum(1e6), **how
            )
    assert keeping.keeping() is None


FORKED = """
    import os, warnings
    import numpy as np
    from schuss import Momentum, Network, Plan
    from schuss.engine.keeping import under_way
    from schuss.engine.native import NativeEngine
    from schuss.method.samples import Samples

    warnings.simplefilter("ignore", DeprecationWarning)  # of a fork with threads, which is what is tested
    network, plan = Network([260, 310, 300, 7], "tanh", "cross_entropy"), Plan(Momentum(0.01), batch_size=128)
    X = np.random.default_rng(0).standard_normal((512, 260), np.float32)
    samples = Samples.check(network, X, np.arange(512) % 7)
    engine, first = NativeEngine(2), plan.start(network.initial(0, "float32"))
    with under_way():
        state = engine.advance(network, first, samples, plan, 20).state
        child = os.fork()
        print(engine.advance(network, state, samples, plan, 40).state.digest() + "\\n", end="", flush=True)
    if child == 0:
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    print(engine.advance(network, first, samples, plan, 40).state.digest())
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system knows no fork")
def test_a_forked_process_has_threads_of_its_own():
    """A child that goes on with a training whose threads stayed with its parent comes to the same bits."""
    digests = told_by_python(FORKED)
    assert len(digests) == 3
    assert len(set(digests)) == 1
