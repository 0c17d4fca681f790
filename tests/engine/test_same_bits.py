"""Same bits: AVX2 and AVX-512, one thread or three, one call or many, watched or not.

The kernel gives a thread to each four million operations of a step (src/kernel/advance.cpp), so a network
must be large before a second thread joins. 200-300-150-20 with 128 samples a step is 68 million: three
threads run where three are allowed. A tiny network runs on one, whatever is allowed.
"""

import itertools
import threading

import numpy as np
import pytest

import engines
from cases import FREE_LOSSES, HIDDEN, PARAMETERS
from comparisons import assert_same_bits
from kinds_of_rules import KERNEL_RULES as RULES
from pairings import with_every_rule
from runs import draw_run, draw_sparse_run, in_pieces, one_call, step_by_step
from schuss.engine.engine import Advance
from schuss.method.functions import LOSSES, OUTPUT_ONLY, Loss
from schuss.method.network import Network
from schuss.method.orders import Blocks, Shuffled
from schuss.method.plan import Plan
from schuss.method.rules import Momentum
from schuss.method.samples import Samples
from schuss.method.state import State
from tasks import TASKS, tasks

LARGE, SMALL = (200, 300, 150, 20), (7, 13, 9, 5)
WAYS = [(name, threads) for name in engines.FUSED for threads in (1, 2, 3)]
STEPS = 4
PLAN = Plan(Momentum(0.01, 0.9), batch_size=128, seed=3, l2=0.01, l1=0.001)

# Every activation in hidden layers and at the output, and every loss, at least once.
COMBINATIONS = [(a, a, "squared_error") for a in HIDDEN]
COMBINATIONS += [("tanh", out, "huber") for out in OUTPUT_ONLY]
COMBINATIONS += [("gelu", LOSSES[n].partner or "identity", n) for n in LOSSES if n != "squared_error"]
COMBINATIONS += [("silu", "softmax", n) for n in FREE_LOSSES]

pytestmark = pytest.mark.skipif(len(engines.FUSED) < 1, reason="no fused instruction set here")


def network_of(layers: tuple[int, ...], hidden: str, output: str, loss: str) -> Network:
    names = [*[hidden] * (len(layers) - 2), output]
    return Network(layers, names, Loss(loss, PARAMETERS.get(loss)))


def assert_one_result(results: dict[tuple[str, int], Advance]) -> None:
    """Fail unless all runs ended in the same state and saw the same losses, to the last bit."""
    (first, expected), *others = results.items()
    for way, result in others:
        try:
            assert_same_bits(result.state, expected.state)
        except AssertionError as error:
            raise AssertionError(f"{way} against {first}: {error}") from error
        assert result.losses.tobytes() == expected.losses.tobytes(), f"losses of {way} and {first}"


def run_all_ways(
    network: Network, plan: Plan, n: int, dtype: str, steps: int = STEPS, *, weighted: bool = False
) -> dict:
    samples, start = draw_run(network, plan, n, dtype=dtype, weighted=weighted)
    results = {way: one_call(engines.make_engine(*way), network, start, samples, plan, steps) for way in WAYS}
    assert results[WAYS[0]].state.digest() != start.digest()
    return results


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("hidden", "output", "loss"), COMBINATIONS)
def test_large(hidden, output, loss, dtype):
    """With two and three threads at work, on both widths, four steps end in the same bits."""
    network = network_of(LARGE, hidden, output, loss)
    assert_one_result(run_all_ways(network, PLAN, 300, dtype))  # the third step's batch is short


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("hidden", "output", "loss"), COMBINATIONS)
def test_small(hidden, output, loss, dtype):
    """Ragged little networks on both widths end in the same bits after 41 steps."""
    network = network_of(SMALL, hidden, output, loss)
    plan = PLAN.replace(batch_size=11)
    assert_one_result(run_all_ways(network, plan, 60, dtype, steps=41))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("loss", ["cross_entropy", "focal", "quantile"])
def test_questions_at_once(loss, dtype):
    """Groups of outputs, and a quantile for each output, in the large network and a little one."""
    for layers, groups in ((LARGE, (7, 1, 12)), (SMALL, (2, 3))):
        if loss == "quantile":
            network = Network(layers, "tanh", Loss(loss, np.linspace(0.1, 0.9, layers[-1]).tolist()))
        else:
            network = Network(layers, "tanh", loss, groups=groups)
        assert_one_result(run_all_ways(network, PLAN, 300, dtype))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("layers", "batch_size"), [(LARGE, 128), (SMALL, 11), ((4, 10, 3), 16)])
def test_classes(layers, batch_size, dtype):
    """Targets that are numbers of classes end in the bits of rows of targets, and not with another class."""
    network, plan = Network(layers, "relu", "cross_entropy"), PLAN.replace(batch_size=batch_size)
    drawn, start = draw_run(network, plan, 300, dtype=dtype)
    classes = np.argmax(drawn.T, axis=1)

    def ended(kind: str, targets: np.ndarray) -> dict:
        samples = Samples.check(network, drawn.X, targets)
        assert (samples.classes is None) == (kind == "rows")
        ran = [one_call(engines.make_engine(*way), network, start, samples, plan, STEPS) for way in WAYS]
        return {(kind, *way): result for way, result in zip(WAYS, ran, strict=True)}

    results = ended("rows", np.eye(layers[-1])[classes]) | ended("numbers", classes)
    assert_one_result(results)
    sample = plan.batch(0, 300)[0]
    classes[sample] = (classes[sample] + 1) % layers[-1]
    with pytest.raises(AssertionError):
        assert_one_result(results | ended("other numbers", classes))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("hidden", ["identity", "relu", "elu", "gelu"])
def test_dropout(hidden, dtype):
    """With dropout, in one call or cut in two, with batches of one chunk and of several, and by steps."""
    for layers, batch_size, n in ((LARGE, 128, 300), (LARGE, 700, 1500), (SMALL, 11, 60)):
        network, plan = Network(layers, hidden), PLAN.replace(batch_size=batch_size, dropout=(0.5, 0.2))
        results = run_all_ways(network, plan, n, dtype)
        samples, start = draw_run(network, plan, n, dtype=dtype)
        for i, way in enumerate(WAYS):
            engine, stops = engines.make_engine(*way), [1 + i % 3, STEPS]
            results[*way, "in pieces"] = in_pieces(engine, network, start, samples, plan, stops)
            results[*way, "by steps"] = step_by_step(engine, network, start, samples, plan, STEPS)
        assert_one_result(results)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    ("layers", "density", "batch_sizes"),
    [((3000, 200, 20), 0.05, (31, 600)), ((1000, 803), 0.4, (256,)), (SMALL, 0.3, (11, 600))],
)
def test_sparse_rows(layers, density, batch_sizes, dtype):
    """With sparse rows, in one call or cut in two, in one chunk or several, by steps; and for questions.

    The second network is large enough for its sums to be made apart, with one thread.
    """
    for batch_size in batch_sizes:
        network, plan = Network(layers, "tanh"), PLAN.replace(batch_size=batch_size)
        samples, _, start = draw_sparse_run(network, plan, 3 * batch_size // 2, density, dtype)
        results, answers = {}, set()
        for i, way in enumerate(WAYS):
            engine, stops = engines.make_engine(*way), [1 + i % 3, STEPS]
            results[way] = one_call(engine, network, start, samples, plan, STEPS)
            results[*way, "in pieces"] = in_pieces(engine, network, start, samples, plan, stops)
            results[*way, "by steps"] = step_by_step(engine, network, start, samples, plan, STEPS)
            loss, gradient = engine.gradient(network, start.theta, samples, plan.objective)
            outputs = engine.outputs(network, start.theta, samples.X)
            answers.add((loss, gradient.tobytes(), outputs.tobytes()))
        assert_one_result(results)
        assert len(answers) == 1


@pytest.mark.parametrize(("rule", "dtype"), with_every_rule(["float32", "float64"]))
def test_every_rule(rule, dtype):
    """The same for each rule, with a batch that comes in chunks of 256 rows."""
    network = Network(LARGE, "relu", "cross_entropy")
    plan = PLAN.replace(rule=RULES[rule](learning_rate=0.01), batch_size=700)
    assert_one_result(run_all_ways(network, plan, 1500, dtype, steps=4))


@pytest.mark.parametrize(("rule", "dtype"), with_every_rule(["float32", "float64"]))
def test_updates_summed_apart(rule, dtype):
    """A long update, whose sums go through memory so that it can be given up, ends in the same bits.

    By the constants of advance.cpp these 600 thousand weights with 256 samples take that way on AVX2
    with one thread (on AVX-512 too in float64), and with three threads update in registers.
    """
    network = Network((750, 803), "tanh")
    plan = PLAN.replace(rule=RULES[rule](learning_rate=0.01), batch_size=256)
    samples, start = draw_run(network, plan, 256, dtype=dtype)
    results = run_all_ways(network, plan, 256, dtype, steps=3)
    for name in engines.FUSED:
        results[name, "by steps"] = step_by_step(engines.make_engine(name), network, start, samples, plan, 3)
    assert_one_result(results)


# What changes a gradient or an update on its way, each alone and all together.
SETTINGS = {
    "weights": {},
    "decay": {"weight_decay": 0.5},
    "clip": {"clip": 0.01},
    "shuffled": {"order": Shuffled.of(np.random.RandomState(5))},
    "blocks": {"order": Blocks(17)},
    "all": {"weight_decay": 0.5, "clip": 0.01, "as_scikit_learn": True, "reduction": "sum"},
}


@pytest.mark.parametrize("rule", ["momentum", "adam"])
@pytest.mark.parametrize("name", SETTINGS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_every_setting(name, rule, dtype):
    """With weighted samples, decay, a bounded gradient and scikit-learn's orders: the same bits every way.

    The batch is one chunk of the large network, on three threads, and several chunks of the small one.
    """
    plan = PLAN.replace(rule=RULES[rule](learning_rate=0.01), **SETTINGS[name])
    weighted = name in ("weights", "all")
    results = run_all_ways(Network(LARGE, "tanh"), plan, 300, dtype, weighted=weighted)
    assert_one_result(results)
    small, plan = Network(SMALL, "gelu", "cross_entropy"), plan.replace(batch_size=400)
    results = run_all_ways(small, plan, 1000, dtype, weighted=weighted)
    samples, start = draw_run(small, plan, 1000, dtype=dtype, weighted=weighted)
    for engine in engines.FUSED:
        results[engine, "by steps"] = step_by_step(
            engines.make_engine(engine), small, start, samples, plan, STEPS
        )
    assert_one_result(results)


def test_the_settings_do_something():
    """Each of these settings ends in other bits than the plan without it, so the test above is not empty."""
    network, ends = Network(SMALL, "tanh"), set()
    engine = engines.make_engine(engines.FUSED[0])
    for name, changes in SETTINGS.items():
        plan = PLAN.replace(batch_size=11, **changes)
        samples, start = draw_run(network, plan, 60, weighted=name in ("weights", "all"))
        ends.add(one_call(engine, network, start, samples, plan, 9).state.digest())
    plain = PLAN.replace(batch_size=11)
    ends.add(one_call(engine, network, *reversed(draw_run(network, plain, 60)), plain, 9).state.digest())
    assert len(ends) == len(SETTINGS) + 1


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("layers", [(1, 1000, 3), (1000, 33, 1), (257, 511, 17), (48, 2000, 49)])
def test_ragged_with_threads(layers, dtype):
    """Ragged layers, whose rows do not divide among threads, end in the same bits."""
    plan = PLAN.replace(batch_size=301)
    assert_one_result(run_all_ways(Network(layers, "tanh"), plan, 602, dtype, steps=3))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("weighted", [False, True])
def test_gradients_and_outputs(dtype, weighted):
    """`gradient`, clipped or not, `outputs` and a predictor give the same bits too."""
    network = Network(LARGE, "gelu", "cross_entropy")
    samples, start = draw_run(network, PLAN, 700, dtype=dtype, weighted=weighted)
    found = set()
    for way in WAYS:
        engine = engines.make_engine(*way)
        answers = [engine.outputs(network, start.theta, samples.X).tobytes()]
        assert answers[0] == engine.predictor(network, start.theta)(samples.X).tobytes()
        for clip in (None, 1e-3):
            objective = PLAN.replace(clip=clip).objective
            loss, gradient = engine.gradient(network, start.theta, samples, objective)
            answers += [loss, gradient.tobytes()]
        found.add(tuple(answers))
    assert len(found) == 1
    assert found.pop()[2] != answers[4]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("layers", "batch_size"), [(SMALL, 11), (LARGE, 128)])
def test_one_call_or_many_or_watched(layers, batch_size, dtype):
    """Cut at odd steps in mid-epoch, polled, or checked at each step: the bits of one plain call."""
    network, plan = Network(layers, "tanh"), PLAN.replace(batch_size=batch_size)
    samples, start = draw_run(network, plan, 300, dtype=dtype)
    results, stop = {}, 17
    for i, way in enumerate(WAYS):
        engine = engines.make_engine(*way)
        stops = [[1, 2, 9, stop], [5, stop], [7, 8, stop]][i % 3]
        results[way] = one_call(engine, network, start, samples, plan, stop)
        results[*way, "in pieces"] = in_pieces(engine, network, start, samples, plan, stops)
        for name, how in {"polled": {"poll": never}, "checked": {"check_each_step": True}}.items():
            results[*way, name] = one_call(engine, network, start, samples, plan, stop, **how)
    assert_one_result(results)


def test_resumed_on_another_machine():
    """A run begun on AVX2 with one thread and ended on AVX-512 with three is the run made on either."""
    network = Network(LARGE, "relu")
    samples, start = draw_run(network, PLAN, 300)
    whole = one_call(engines.make_engine(*WAYS[0]), network, start, samples, PLAN, 9)
    state = start
    for stop, way in zip((2, 4, 5, 7, 8, 9), itertools.cycle(WAYS), strict=False):
        state = one_call(engines.make_engine(*way), network, state, samples, PLAN, stop).state
    assert_same_bits(whole.state, state)


def never(_step: int, _loss: float) -> bool:
    return False


def test_one_unit_in_the_last_place_is_rejected():
    """The comparison rejects a single weight, velocity or loss that is off by one unit in the last place."""
    network = Network(SMALL, "tanh")
    samples, start = draw_run(network, PLAN, 60)
    result = one_call(engines.make_engine("reference"), network, start, samples, PLAN, 2)
    for name in ("theta", "memory", "losses"):
        twin = nudged(result, name)
        with pytest.raises(AssertionError):
            assert_one_result({("a", 1): result, ("b", 1): twin})
    assert_one_result({("a", 1): result, ("b", 1): result})


def nudged(result: Advance, name: str) -> Advance:
    arrays = {"theta": result.state.theta, "memory": result.state.memory, "losses": result.losses}
    arrays[name] = arrays[name].copy()
    arrays[name].flat[-1] = np.nextafter(arrays[name].flat[-1], 9.0)
    return Advance(State(arrays["theta"], arrays["memory"], result.state.step), arrays["losses"], "done")


@pytest.mark.skipif(not TASKS.exists(), reason="counts threads as Linux lists them")
@pytest.mark.parametrize("threads", [1, 2, 3])
@pytest.mark.parametrize("name", engines.FUSED)
def test_the_threads_are_really_there(name, threads):
    """As many threads as were allowed run while the large network trains; so the tests above mean it.

    They may be fewer for a time, where that is faster; the first steps are made by all of them.
    """
    network = Network(LARGE, "tanh")
    samples, start = draw_run(network, PLAN, 300, dtype="float32")
    before, seen, over = threading.active_count(), [], threading.Event()

    def watch() -> None:
        while not over.is_set():
            seen.append(tasks())

    watcher = threading.Thread(target=watch)
    watcher.start()
    there = tasks()  # some of which, of earlier tests, may be about to go
    engines.make_engine(name, threads).advance(network, start, samples, PLAN, 200)
    over.set()
    watcher.join()
    assert max(len(each - there) for each in seen) == threads - 1
    assert threading.active_count() == before
