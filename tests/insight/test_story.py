"""`story`: every sum is what a slow computation gives that forms each sample's gradient by itself."""

from dataclasses import replace

import numpy as np
import pytest
import scipy.sparse

from cases import draw_targets
from comparisons import assert_near
from schuss import Adam, Momentum, Network, Plan, SettingError, train
from schuss.errors import ReplayError
from schuss.insight.story.batch_terms import BatchTerms
from schuss.insight.story.story import story
from schuss.insight.story.told import Story
from schuss.method.backprop import Objective
from schuss.method.orders import Blocks, Shuffled
from schuss.method.rules import (
    Adagrad,
    AggMo,
    AveragedMomentum,
    GradientDescent,
    Lion,
    Lookahead,
    Nesterov,
    OuterMomentum,
    QuasiHyperbolic,
    RMSprop,
    ScheduleFree,
)
from schuss.method.samples import Samples
from schuss.training.run import Run

NETWORK = Network([6, 5, 4, 3], "tanh", "cross_entropy")
UNIT = "hidden2[1]"
START, STOP = 5, 17
# The story computes in float64 from the recorded weights; the slow way in the run's own dtype.
TOLERANCE = {"float64": 1e-11, "float32": 2e-4}
RULES = [GradientDescent(0.3), Momentum(0.1, 0.9), Nesterov(0.1, 0.8), Adam(0.05, 0.8)]
MORE_RULES = [
    *[OuterMomentum(0.1, 0.8, 0.3), OuterMomentum(0.1, 0.8, nesterov=True), AveragedMomentum(0.3, 0.8)],
    *[QuasiHyperbolic(0.3, 0.8), RMSprop(0.02), Adagrad(0.1), AggMo(0.05), Lion(0.02)],
    *[Lookahead(0.1, 0.8), ScheduleFree(0.3)],
]


@pytest.fixture(params=["native", "reference"])
def engine(request: pytest.FixtureRequest) -> str:
    """Return each engine by the name by which a run finds it again."""
    return request.param


def draw(
    engine: str,
    rule: object = RULES[1],
    *,
    dtype: str = "float64",
    sparse: bool = False,
    weighted: bool = False,
    network: Network = NETWORK,
    **settings: object,
) -> Run:
    """Train a small network on drawn data, batches of 7 in 23."""
    rng = np.random.default_rng(3)
    X = rng.standard_normal((23, network.layers[0])).astype(dtype)
    if sparse:
        X = scipy.sparse.csr_matrix(np.where(rng.random(X.shape) < 0.4, X, 0))
    T = draw_targets(rng, 23, network).astype(dtype)
    weights = rng.choice([0.0, 0.5, 1.0, 3.0], 23) if weighted else None
    plan = Plan(rule, **{"epochs": 5, "batch_size": 7, "seed": 2, **settings})
    return train(network, X, T, plan, engine=engine, weights=weights)


def slow(run: Run, start: int = START, stop: int = STOP) -> dict[str, np.ndarray]:
    """Return a story's sums: a sample's gradient is that of its batch with the others' weights at 0."""
    network, plan, samples = run.network, run.plan, run.origin
    n, engine = len(samples), run.replay.engine
    sums = {name: np.zeros(n) for name in ("push", "against", "on_unit", "met")}
    sums["path"] = np.zeros(network.n_parameters)
    into_unit = np.array([network.weight_name(i).startswith(UNIT) for i in range(network.n_parameters)])
    assert into_unit.sum() == network.layers[1] + network.biases
    for step in range(start, stop):
        before, rows = run.at(step), plan.batch(step, n)
        rate = plan.rates(step, step + 1, n)[0, 0]
        batch, own = samples.take(rows), []
        omega = np.ones(len(rows)) if batch.weights is None else batch.weights
        scale = plan.objective.scale(float(omega.sum()))
        for p in range(len(rows)):
            alone = np.zeros(len(rows), samples.X.dtype)
            alone[p] = omega[p]
            only = Samples(batch.X, batch.T, batch.classes, alone)
            silent = plan.dropout_at(step, network.depth - 1)
            got = engine.gradient(network, before.theta, only, Objective("sum"), silent).gradient
            own.append(scale * got.astype(np.float64))
        for row, g in zip(rows, own, strict=True):
            sums["met"][row] += 1
            sums["push"][row] += rate * np.linalg.norm(g)
            sums["on_unit"][row] += rate * np.linalg.norm(g[into_unit])
            sums["against"][row] -= rate * (g @ (np.sum(own, axis=0) - g))
        sums["path"] += np.abs(run.at(step + 1).theta.astype(np.float64) - before.theta)
    sums["net"] = np.abs(run.at(stop).theta.astype(np.float64) - run.at(start).theta)
    return sums


def assert_told(told: Story, expected: dict[str, np.ndarray], tolerance: float) -> None:
    """Fail unless each sum of a story is the expected one."""
    for name, values in expected.items():
        assert_near(np.asarray(getattr(told, name), float), values, tolerance, name)


SETTINGS = [
    {},
    {"weighted": True},
    {"sparse": True},
    {"sparse": True, "weighted": True, "dropout": 0.4},
    {"dropout": (0.5, 0.2), "order": "sequential"},
    {"l2": 0.1, "l1": 0.01, "weight_decay": 0.1, "clip": 0.5, "order": Blocks(10)},
    {"reduction": "sum", "rule": Momentum(0.02, 0.5)},
    {"network": Network([6, 5, 4, 3], "relu", biases=False), "rule": Momentum(0.02, 0.5)},
    {"order": Shuffled.of(np.random.RandomState(4))},
    *({"rule": rule} for rule in RULES),
]


@pytest.mark.parametrize("settings", SETTINGS, ids=str)
def test_sums_are_those_of_single_gradients(engine, settings):
    """For every rule, order, penalty, weights, dropout, dense and sparse rows, on both engines."""
    run = draw(engine, **settings)
    told = story(run, START, STOP, unit=UNIT)
    assert_told(told, slow(run), TOLERANCE["float64"])
    with pytest.raises(AssertionError, match="differ by"):
        assert_told(told, slow(run, START, STOP - 1), TOLERANCE["float64"])


def test_also_in_float32(engine):
    """As far as float32 goes."""
    run = draw(engine, dtype="float32")
    assert_told(story(run, START, STOP, unit=UNIT), slow(run), TOLERANCE["float32"])


TWINS = {
    "no bias": ("fed", lambda terms: [np.einsum("ij,ij->i", y, y) for y in terms.y]),
    "no scale": ("squares", lambda terms: TRUE["squares"](terms) / terms.scale),
    "wrong sign": ("inner", lambda terms, v: -TRUE["inner"](terms, v)),
    "other unit": ("squares_on", lambda terms, layer, unit: TRUE["squares_on"](terms, layer, unit - 1)),
    "last layer only": ("gradient", lambda terms: np.r_[np.zeros(59), TRUE["gradient"](terms)[59:]]),
}
TRUE = {name: getattr(BatchTerms, name) for name, _ in TWINS.values()}


@pytest.mark.parametrize("twin", TWINS)
def test_a_wrong_formula_is_found(monkeypatch, twin):
    """Each piece of the fast computation, falsified, makes the comparison fail."""
    run = draw("native")
    monkeypatch.setattr(BatchTerms, *TWINS[twin])
    with pytest.raises(AssertionError, match="differ by"):
        assert_told(story(run, START, STOP, unit=UNIT), slow(run), TOLERANCE["float64"])


@pytest.mark.parametrize("rule", [*RULES, *MORE_RULES], ids=lambda rule: rule.name)
def test_shares_are_the_rule_with_one_part_taken_away(engine, rule):
    """With the gradient at 0 the rule's update gives the memory's part, with the memory at 0 the fresh."""
    run = draw(engine, rule)
    told = story(run, START, STOP)
    expected = _shares(run)
    timeline = np.array([told.timeline.memory_share, told.timeline.fresh_share])
    assert_near(timeline, expected, 1e-9, "shares")
    assert_near(timeline.sum(axis=0), np.ones(STOP - START), 1e-9, "sums of shares")
    with pytest.raises(AssertionError, match="differ by"):
        assert_near(timeline, expected[::-1], 1e-9, "shares, swapped")


def _shares(run: Run) -> np.ndarray:
    """Return the shares of memory and fresh gradient by the rule's own update, shape (2, steps)."""
    shares = []
    for step in range(START, STOP):
        state, after, rule = run.at(step), run.at(step + 1), run.plan.rule
        rates = run.plan.rates(step, step + 1, run.n_samples)[0].tolist()
        batch = run.origin.take(run.plan.batch(step, run.n_samples))
        g = run.replay.engine.gradient(run.network, state.theta, batch, run.plan.objective).gradient
        none, change = np.zeros_like(state.memory), after.theta - state.theta
        if rule.name == "adam":  # the squares divide both parts: only the mean is taken away
            roots = np.sqrt(after.memory[1]) + rates[3]
            memory, fresh = (
                -rates[0] * part / roots for part in (rates[1] * state.memory[0], (1 - rates[1]) * g)
            )
        elif rule.name in ("rmsprop", "adagrad"):  # what they remember only divides
            memory, fresh = np.zeros_like(change), change
        elif rule.name == "lion":  # the sign of a sum is the sum over its size
            parts = rates[1] * state.memory[0], (1 - rates[1]) * g
            memory, fresh = (-rates[0] * part / np.abs(sum(parts)) for part in parts)
        else:
            memory = rule.update(state.theta, state.memory, 0 * g, rates)[0] - state.theta
            fresh = rule.update(state.theta, none, g, rates)[0] - state.theta
        shares.append([memory @ change / (change @ change), fresh @ change / (change @ change)])
    return np.array(shares).T


def test_a_wrong_share_is_found(monkeypatch):
    """Nesterov's memory taken for that of momentum fails the comparison above."""
    monkeypatch.setattr(Nesterov, "expansion", Momentum.expansion)
    with pytest.raises(AssertionError, match="differ by"):
        test_shares_are_the_rule_with_one_part_taken_away("native", RULES[2])


def test_lengths_loss_and_cosine_over_time():
    """A timeline is the mean over its spans; its cosine is NaN before there is a memory."""
    run = draw("native")
    told = story(run).timeline
    assert told.first.tolist() == list(range(20))
    assert_near(told.loss, run.step_loss, 0.0, "losses")
    assert np.isnan(told.cosine[0])
    state = run.at(9)
    batch = run.origin.take(run.plan.batch(9, 23))
    g = run.replay.engine.gradient(run.network, state.theta, batch, run.plan.objective).gradient
    v = state.velocity
    lengths = [np.linalg.norm(a) for a in (g, 0.9 * v, run.at(10).theta - state.theta)]
    found = np.array([told.gradient[9], told.memory[9], told.change[9], told.cosine[9]])
    assert_near(found, np.array([*lengths, v @ g / np.linalg.norm(v) / lengths[0]]), 1e-9)


def test_long_ranges_are_told_in_spans():
    """A thousand steps give at most two hundred points, and the same sums."""
    run = draw("native", epochs=250)
    told = story(run)
    assert len(told.timeline.first) == 200
    assert told.timeline.first[1] == 5
    assert_near(told.timeline.loss, run.step_loss.reshape(200, 5).mean(axis=1), 1e-12)
    assert told.met.sum() == 250 * 23


def test_lists_are_in_order():
    """Layers, units, weights and samples come with names and sums, the largest first."""
    told = story(draw("native"), START, STOP, unit=UNIT)
    assert [m.name for m in told.layers()] == ["hidden1", "hidden2", "output"]
    units, every = told.units(99), told.weights(999)
    assert len(units) == 12
    assert [m.net for m in every] == sorted(told.net, reverse=True)
    assert sum(m.path for m in units) == pytest.approx(told.path.sum())
    assert sum(m.net for m in told.layers()) == pytest.approx(told.net.sum())
    assert [m.path for m in told.units(3, by="path")] == sorted((m.path for m in units), reverse=True)[:3]
    into = [m for m in every if m.name.startswith(UNIT)]
    assert next(m.net for m in units if m.name == UNIT) == pytest.approx(sum(m.net for m in into))
    for by in ("push", "on_unit", "against"):
        values = [getattr(p, by) for p in told.samples(99, by)]
        assert values == sorted(getattr(told, by), reverse=True)
    assert told.samples(1)[0].row == told.push.argmax()


def test_it_can_be_read():
    """As text, as escaped HTML, as JSON, and in one line."""
    told = story(draw("native"), START, STOP, unit=UNIT)
    text = told.text()
    for what in ("Steps 5 to 17", "hidden1", f"most on {UNIT}", "against the rest", "memory's share"):
        assert what in text
    assert "&lt;-" in told._repr_html_()
    assert "<-" in text
    assert repr(told).startswith("Story(steps 5 to 17")
    plain = told.to_dict(3)
    assert len(plain["against"]) == len(plain["units"]) == 3
    assert story(draw("native", GradientDescent(0.1))).to_dict()["timeline"]["cosine"][0] is None


@pytest.mark.parametrize(
    "asked",
    [{"start": -1}, {"stop": 21}, {"start": 4, "stop": 4}, {"unit": "hidden3[0]"}, {"unit": "hidden1[5]"}],
    ids=str,
)
def test_what_is_not_there_is_refused(asked):
    """Steps outside the run, none at all, a layer or a unit that the network has not."""
    with pytest.raises(SettingError):
        story(draw("native"), **asked)


def test_a_run_without_states_is_refused():
    """It says what to do instead."""
    with pytest.raises(ReplayError, match="record=FOLDER"):
        story(replace(draw("native"), kept=None))
