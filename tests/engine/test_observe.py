"""What `observe` writes down is what the training did: each step follows from it, bit for bit."""

from fractions import Fraction
from functools import cache

import numpy as np
import pytest

import engines
from comparisons import TOLERANCE, assert_near, assert_same_bits
from kinds_of_rules import KERNEL_RULES as RULES
from pairings import with_every_rule
from runs import draw_run, draw_sparse_run, one_call
from schuss.engine.engine import Engine, Observed
from schuss.errors import SettingError
from schuss.method.network import Network
from schuss.method.orders import Shuffled
from schuss.method.plan import Plan
from schuss.method.rules import Momentum
from schuss.method.samples import Samples, is_sparse
from schuss.method.schedules import Cosine
from schuss.method.state import State

DTYPES = ["float64", "float32"]
ROUNDING = {"float64": Fraction(1, 2**53), "float32": Fraction(1, 2**24)}
NETWORK, LARGE = Network([5, 9, 6, 3], "tanh"), Network([200, 300, 150, 20], "relu")
FIELDS = Observed._fields[1:]

SETTINGS = {
    "plain": {},
    "penalties": {"l2": 0.1, "l1": 0.01, "reduction": "sum"},
    "decay": {"weight_decay": 0.5, "l2": 0.1},
    "clipped": {"clip": 0.02, "weight_decay": 0.5, "l1": 0.01},
    "dropout": {"dropout": (0.5, 0.2)},
    "chunks": {"batch_size": 600},
    "chunks, clipped, dropout": {"batch_size": 600, "clip": 0.02, "dropout": 0.5},
    "sequential": {"order": "sequential"},
    "shuffled": {"order": Shuffled.of(np.random.RandomState(3))},
}
KINDS = ["dense", "weighted", "sparse, weighted"]


def plan_of(rule: str, name: str) -> Plan:
    return Plan(RULES[rule](learning_rate=Cosine(0.01)), epochs=3, **{"batch_size": 8, **SETTINGS[name]})


def draw(kind: str, network: Network, plan: Plan, dtype: str, n: int = 37) -> tuple[Samples, State]:
    """Draw samples, so many that the second batch is short, and the state before the first step."""
    n = max(n, plan.batch_of(10**6) * 3 // 2)
    samples, start = draw_run(network, plan, n, dtype=dtype, weighted="weighted" in kind)
    if "sparse" in kind:
        sparse, _, start = draw_sparse_run(network, plan, n, density=0.3, dtype=dtype)
        samples = Samples(sparse.X, sparse.T, None, samples.weights)
    return samples, start


@cache
def biases(network: Network) -> np.ndarray:
    places = map(network.place_of, range(network.n_parameters))
    return np.array([k == network.layers[layer] for layer, k, _ in places])


def is_bias(network: Network, weights: np.ndarray) -> np.ndarray:
    return biases(network)[weights]


def gradient_of(
    seen: Observed, i: int, network: Network, plan: Plan, samples: Samples, weights: np.ndarray
) -> np.ndarray:
    """Return the gradient of the watched weights in step i as `Observed` says that it follows."""
    T, w, weighted = seen.theta.dtype.type, seen.theta[i], ~is_bias(network, weights)
    rows = seen.rows[i][seen.rows[i] >= 0]
    total = float(len(rows) if samples.weights is None else samples.weights[rows].sum(dtype=np.float64))
    pull = np.zeros_like(w)
    if plan.l2:
        pull += weighted * (T(plan.l2) * w)
    if plan.l1:
        pull += weighted * (T(plan.l1) * np.sign(w))
    gradient = T(plan.objective.scale(total)) * (pull - seen.sums[i])
    return gradient if seen.factor[i] == 1 else seen.factor[i] * gradient


def assert_follows(
    seen: Observed, start: State, network: Network, plan: Plan, samples: Samples, weights: np.ndarray
) -> None:
    """Fail unless the rule's update of what was seen is what was seen a step later, bit for bit."""
    n, at, steps = len(samples), start.step, len(seen.losses)
    rates, keeps = plan.rates(at, at + steps, n).tolist(), plan.keeps(at, at + steps, n).tolist()
    theta = np.concatenate([seen.theta, seen.state.theta[None, weights]])
    memory = np.concatenate([seen.memory, seen.state.memory[None, :, weights]])
    assert theta[0].tobytes() == start.theta[weights].tobytes()
    assert memory[0].tobytes() == start.memory[:, weights].tobytes()
    for i in range(steps):
        gradient = gradient_of(seen, i, network, plan, samples, weights)
        decays = (keeps[i] != 1.0) & ~is_bias(network, weights)
        decayed = np.where(decays, theta.dtype.type(keeps[i]) * theta[i], theta[i])
        new_theta, new_memory = plan.rule.update(decayed, memory[i], gradient, rates[i])
        assert new_theta.tobytes() == theta[i + 1].tobytes(), f"weights after step {i}"
        assert new_memory.tobytes() == memory[i + 1].tobytes(), f"memory after step {i}"


ONE = 1 << 1074


def whole(number: float) -> int:
    """Return a float64 as a multiple of 2⁻¹⁰⁷⁴, which each of them is."""
    numerator, denominator = number.as_integer_ratio()
    return numerator * (ONE // denominator)


def assert_sums(seen: Observed, some: slice) -> None:
    """Fail unless y·δ, added up exactly, is what the engine added up, but for its roundings."""
    batch, unit = seen.rows.shape[1], ROUNDING[seen.sums.dtype.name]
    for i in range(len(seen.losses)):
        for m in range(seen.sums.shape[1])[some]:
            pairs = zip(seen.y[i, :, m].tolist(), seen.delta[i, :, m].tolist(), strict=True)
            terms = [whole(y) * whole(delta) for y, delta in pairs]
            error = abs(sum(terms) - whole(float(seen.sums[i, m])) * ONE)
            assert error <= batch * unit * sum(map(abs, terms)), f"sum of weight {m} in step {i}"


def assert_rows(seen: Observed, start: State, network: Network, plan: Plan, samples: Samples) -> None:
    """Fail unless rows are the plan's batches, and y of inputs and biases what it must be; all watched."""
    X = samples.X.toarray() if is_sparse(samples.X) else samples.X
    n_in, n_out = network.layers[:2]
    for i, rows in enumerate(seen.rows):
        batch = plan.batch(start.step + i, len(X))
        expected = np.full(seen.rows.shape[1], -1, np.int32)
        expected[: len(batch)] = batch
        assert rows.tolist() == expected.tolist()
        inputs = seen.y[i, :, : n_in * n_out].reshape(len(rows), n_in, n_out)
        assert (inputs[: len(batch)] == X[batch][:, :, None]).all()
        assert (seen.y[i, : len(batch), is_bias(network, np.arange(network.n_parameters))] == 1).all()
        assert not seen.y[i, len(batch) :].any()
        assert not seen.delta[i, len(batch) :].any()


def assert_same_run(
    seen: Observed, engine: Engine, network: Network, start: State, samples: Samples, plan: Plan
) -> None:
    """Fail unless `advance` to the same step ends in the same state and sees the same losses."""
    plain = one_call(engine, network, start, samples, plan, seen.state.step)
    assert_same_bits(seen.state, plain.state)
    assert seen.losses.tobytes() == plain.losses.tobytes()


def assert_same_seen(a: Observed, b: Observed) -> None:
    """Fail unless two observations are the same, to the last bit."""
    assert_same_bits(a.state, b.state)
    for name in FIELDS:
        mine, other = getattr(a, name), getattr(b, name)
        assert (mine.dtype, mine.shape) == (other.dtype, other.shape), name
        assert mine.tobytes() == other.tobytes(), name


@pytest.mark.parametrize(("rule", "name", "kind", "dtype"), with_every_rule(SETTINGS, KINDS, DTYPES))
def test_every_weight_in_every_plan(engine, rule, name, kind, dtype):
    """Of all weights at once: the run is advance's, each step follows from what was seen, terms add up."""
    plan, everything = plan_of(rule, name), np.arange(NETWORK.n_parameters)
    samples, start = draw(kind, NETWORK, plan, dtype)
    stop = plan.steps_per_epoch(len(samples)) + 1
    seen = engine.observe(NETWORK, start, samples, plan, stop, everything)
    assert (seen.state.step, len(seen.losses)) == (stop, stop)
    assert_same_run(seen, engine, NETWORK, start, samples, plan)
    assert_follows(seen, start, NETWORK, plan, samples, everything)
    assert_rows(seen, start, NETWORK, plan, samples)
    assert_sums(seen, slice(7, None, 61))
    assert (seen.factor < 1).any() == (plan.clip is not None)


@pytest.mark.parametrize(("rule", "name"), with_every_rule(["plain", "decay", "dropout"]))
def test_inputs_that_few_samples_meet(engine, rule, name):
    """Weights from inputs that a sparse batch does not meet are seen in every step as they would be then."""
    network, plan = Network([70, 9, 6, 3], "tanh"), plan_of(rule, name).replace(batch_size=3)
    samples, _, start = draw_sparse_run(network, plan, 40, density=0.01)
    everything = np.arange(network.n_parameters)
    seen = engine.observe(network, start, samples, plan, 20, everything)
    assert_same_run(seen, engine, network, start, samples, plan)
    assert_follows(seen, start, network, plan, samples, everything)
    stale = seen.theta.copy()
    stale[-1] = stale[-2]  # as if they had waited for a step
    with pytest.raises(AssertionError):
        assert_follows(seen._replace(theta=stale), start, network, plan, samples, everything)


def test_shapes_and_types(engine):
    """They are those of `Observed`, for a rule without memory and for none or a weight named twice."""
    plan = Plan(RULES["gradient_descent"](), batch_size=8)
    samples, start = draw("dense", NETWORK, plan, "float32")
    for weights in ([], [3], (3, 3), np.array([0, 5], np.uint8)):
        seen, m = engine.observe(NETWORK, start, samples, plan, 6, weights), len(weights)
        shapes = [(6,), (6, m), (6, 0, m), (6, m), (6,), (6, 8), (6, 8, m), (6, 8, m)]
        assert [getattr(seen, name).shape for name in FIELDS] == shapes
        types = [getattr(seen, name).dtype.name for name in FIELDS]
        assert types == ["float64", *["float32"] * 4, "int32", "float32", "float32"]
        assert seen.theta.tolist() == seen.theta[:, ::-1].tolist() or m == len(set(weights))


def test_no_step(engine):
    """A stop at the state's step returns the state and room for no step."""
    plan = Plan(batch_size=8)
    samples, start = draw("dense", NETWORK, plan, "float64")
    seen = engine.observe(NETWORK, start, samples, plan, 0, [1])
    assert_same_bits(seen.state, start)
    assert [len(getattr(seen, name)) for name in FIELDS] == [0] * len(FIELDS)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("stops", [[1, 2, 3, 11], [3, 7, 11], [5, 11]])
def test_one_call_or_many(engine, stops, kind):
    """Calls that follow each other give what one call gives; from another state they do not."""
    plan, weights = plan_of("momentum", "clipped"), [0, 50, 70, 134]
    samples, start = draw(kind, NETWORK, plan, "float32")
    whole = engine.observe(NETWORK, start, samples, plan, 11, weights)
    state, parts = start, []
    for stop in stops:
        parts.append(engine.observe(NETWORK, state, samples, plan, stop, weights))
        state = parts[-1].state
    joined = [np.concatenate([getattr(part, name) for part in parts]) for name in FIELDS]
    assert_same_seen(Observed(state, *joined), whole)
    wrong = engine.observe(NETWORK, State(start.theta, start.memory, stops[-2]), samples, plan, 11, weights)
    with pytest.raises(AssertionError):
        assert_same_seen(wrong, parts[-1])


@pytest.mark.parametrize("name", ["plain", "clipped", "dropout", "chunks", "chunks, clipped, dropout"])
@pytest.mark.parametrize("kind", ["dense", "sparse, weighted"])
@pytest.mark.skipif(not engines.FUSED, reason="no fused instruction set here")
def test_on_several_threads(name, kind):
    """One to three threads, on every fused instruction set, write down the same, all of it following."""
    plan = plan_of("momentum", name)
    plan = plan.replace(batch_size=max(128, plan.batch_size))
    samples, start = draw(kind, LARGE, plan, "float32")
    weights = np.arange(0, LARGE.n_parameters, 2011)
    seen = [
        engines.make_engine(engine, threads).observe(LARGE, start, samples, plan, 4, weights)
        for engine in engines.FUSED
        for threads in (1, 2, 3)
    ]
    for other in seen[1:]:
        assert_same_seen(seen[0], other)
    assert_same_run(seen[0], engines.make_engine(engines.FUSED[0], 3), LARGE, start, samples, plan)
    assert_follows(seen[0], start, LARGE, plan, samples, weights)
    other = engines.make_engine(engines.FUSED[0]).observe(LARGE, start, samples, plan, 4, weights + 1)
    with pytest.raises(AssertionError):
        assert_same_seen(seen[0], other)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ["penalties", "dropout", "chunks"])
def test_what_the_readable_engine_saw(native_engine, name, kind):
    """Terms and sums of the first steps are those of the readable engine, near enough; a shift is seen."""
    plan, everything = plan_of("momentum", name), np.arange(NETWORK.n_parameters)
    samples, start = draw(kind, NETWORK, plan, "float64")
    engines_here = native_engine, engines.make_engine("reference")
    found, expected = (e.observe(NETWORK, start, samples, plan, 2, everything) for e in engines_here)
    assert found.rows.tolist() == expected.rows.tolist()
    for field in ("theta", "memory", "sums", "y", "delta"):
        mine, judge = getattr(found, field), getattr(expected, field)
        assert_near(mine, judge, TOLERANCE["float64"], field)
        if judge.any():
            with pytest.raises(AssertionError):
                assert_near(np.roll(mine, 1, axis=-1), judge, TOLERANCE["float64"], field)


def test_the_engines_own_orders(engine):
    """Also over epochs of many steps, and from the middle of one, the rows are those of the plan."""
    network, plan = Network([3, 2]), Plan(Momentum(0.01), epochs=9, batch_size=4, seed=8)
    samples, start = draw_run(network, plan, 90)
    middle = one_call(engine, network, start, samples, plan, 30).state
    seen = engine.observe(network, middle, samples, plan, 120, np.arange(network.n_parameters))
    assert_rows(seen, middle, network, plan, samples)
    with pytest.raises(AssertionError):
        assert_rows(seen, start, network, plan, samples)


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_run_that_diverges(engine, dtype):
    """Nothing is raised: what was made stands, as long as advance's."""
    network, plan = Network([5, 9, 3], "relu"), Plan(Momentum(1e3, 0.9), epochs=100, batch_size=8)
    samples, start = draw_run(network, plan, 37, dtype=dtype)
    made = engine.advance(network, start, samples, plan, 400)
    seen = engine.observe(network, start, samples, plan, 400, [0, 9])
    assert made.outcome == "not_finite"
    assert len(made.losses) < 400
    assert_same_bits(seen.state, made.state)
    assert [len(getattr(seen, name)) for name in FIELDS] == [len(made.losses)] * len(FIELDS)
    assert seen.losses.tobytes() == made.losses.tobytes()


@pytest.mark.parametrize("weights", [[-1], [135], [2**40], [0.5], [True], [[0]], 3, "x", None], ids=repr)
def test_weights_that_are_not_there(engine, weights):
    """What is no list of places in theta is a SettingError that says what is allowed."""
    plan = Plan(batch_size=8)
    samples, start = draw("dense", NETWORK, plan, "float64")
    with pytest.raises(SettingError, match="places in theta"):
        engine.observe(NETWORK, start, samples, plan, 3, weights)


@pytest.mark.parametrize("stop", [4, -1, 7.5, None])
def test_a_stop_that_is_none(engine, stop):
    """A stop before the state's step, or none, is a SettingError."""
    plan = Plan(batch_size=8)
    samples, start = draw("dense", NETWORK, plan, "float64")
    with pytest.raises(SettingError, match="stop must be an integer of at least 5"):
        engine.observe(NETWORK, State(start.theta, start.memory, 5), samples, plan, stop, [0])


def wrong_sum(seen: Observed) -> Observed:
    seen.sums[2, 5] *= 1.001
    return seen


def wrong_factor(seen: Observed) -> Observed:
    return seen._replace(factor=np.ones_like(seen.factor))


def wrong_memory(seen: Observed) -> Observed:
    seen.memory[1, 0, 5] = np.nextafter(seen.memory[1, 0, 5], 1)
    return seen


def wrong_weight(seen: Observed) -> Observed:
    seen.theta[3, 5] = np.nextafter(seen.theta[3, 5], 1)
    return seen


def wrong_row(seen: Observed) -> Observed:
    seen.rows[4, -1] = 3  # the short batch, one sample longer
    return seen


@pytest.mark.parametrize("spoil", [wrong_sum, wrong_factor, wrong_memory, wrong_weight, wrong_row])
def test_a_step_that_does_not_follow_is_rejected(engine, spoil):
    """One number changed, by one rounding for weights and memory, is found."""
    plan, everything = plan_of("momentum", "clipped"), np.arange(NETWORK.n_parameters)
    samples, start = draw("dense", NETWORK, plan, "float32")
    seen = engine.observe(NETWORK, start, samples, plan, 6, everything)
    assert_follows(seen, start, NETWORK, plan, samples, everything)
    with pytest.raises(AssertionError):
        assert_follows(spoil(seen), start, NETWORK, plan, samples, everything)


@pytest.mark.parametrize("other", [{"weight_decay": 0.4}, {"l1": 0.02}, {"l2": 0.01}, {"reduction": "sum"}])
def test_a_step_of_another_plan_is_rejected(engine, other):
    """What was seen does not follow from a plan with another decay, penalty or reduction."""
    plan, everything = plan_of("momentum", "clipped"), np.arange(NETWORK.n_parameters)
    samples, start = draw("dense", NETWORK, plan, "float32")
    seen = engine.observe(NETWORK, start, samples, plan, 3, everything)
    with pytest.raises(AssertionError):
        assert_follows(seen, start, NETWORK, plan.replace(**other), samples, everything)


@pytest.mark.parametrize("dtype", DTYPES)
def test_terms_that_do_not_add_up_are_rejected(engine, dtype):
    """Two samples that have changed places in one weight's δ are found, and a sum that misses a term."""
    plan = plan_of("momentum", "plain")
    samples, start = draw("dense", NETWORK, plan, dtype)
    seen = engine.observe(NETWORK, start, samples, plan, 2, [7])
    assert_sums(seen, slice(None))
    swapped, short = seen.delta.copy(), seen.sums - seen.y[:, 0] * seen.delta[:, 0]
    swapped[1, [0, 1]] = swapped[1, [1, 0]]
    for wrong in (seen._replace(delta=swapped), seen._replace(sums=short)):
        with pytest.raises(AssertionError):
            assert_sums(wrong, slice(None))


@pytest.mark.parametrize("wrong", ["another seed", "another state"])
def test_another_run_is_rejected(engine, wrong):
    """The comparison with advance rejects a run of another order, and one from other weights."""
    plan = plan_of("momentum", "plain")
    samples, start = draw("dense", NETWORK, plan, "float64")
    seen = engine.observe(NETWORK, start, samples, plan, 6, [7])
    if wrong == "another seed":
        plan = plan.replace(seed=1)
    else:
        start = State(np.nextafter(start.theta, 1), start.memory)
    with pytest.raises(AssertionError):
        assert_same_run(seen, engine, NETWORK, start, samples, plan)
