"""`spikes`: jumps are found, what calculus says of them is right, and they can be read and undone."""

import math
from dataclasses import replace

import numpy as np
import pytest
import scipy.sparse
from planted import planted

from schuss import Adam, Momentum, Network, Plan, SettingError, load_run, train
from schuss.errors import ReplayError
from schuss.insight.spikes import change as spike_change
from schuss.insight.spikes.causes import named_rows
from schuss.insight.spikes.change import Change, change_at
from schuss.insight.spikes.jumps import find_jumps
from schuss.insight.spikes.scene import Scene, chance, scene_of
from schuss.insight.spikes.spike import Spike
from schuss.insight.spikes.spikes import confirm, spikes
from schuss.insight.story.story import story
from schuss.method.backprop import gradient
from schuss.method.rules import (
    AggMo,
    GradientDescent,
    Lookahead,
    Nesterov,
    ScheduleFree,
)
from schuss.training.forking import changed_samples
from schuss.training.run import Run

NETWORK = Network([5, 7, 3], "tanh", "cross_entropy")


def jumpy(rule: object, **settings: object) -> Run:
    """Train on drawn data with rows 40 to 49 labelled at random: they come together, and late."""
    rng = np.random.default_rng(8)
    X = rng.standard_normal((120, 5))
    y = (X @ rng.standard_normal((5, 3))).argmax(axis=1)
    y[40:50] = (y[40:50] + 1) % 3
    X[40:50] += 0.5
    weights = settings.pop("weights", None)
    X = scipy.sparse.csr_matrix(X) if settings.pop("sparse", False) else X
    engine = settings.pop("engine", "native")
    plan = Plan(rule, **{"epochs": 12, "batch_size": 10, "order": "sequential", **settings})
    return train(NETWORK, X, y, plan, weights=weights, engine=engine)


@pytest.mark.parametrize("noise", [0.0, 0.02, 0.1])
def test_a_loss_that_falls_has_no_jump(noise):
    """Smoothly, or with noise of one size throughout."""
    rng = np.random.default_rng(0)
    steps = np.arange(2000)
    losses = 2 * np.exp(-steps / 300) + 0.5 + noise * rng.standard_normal(2000).clip(-3, 3)
    assert find_jumps(losses) == []
    losses[900:904] += [1.0, 2.0, 1.5, 1.2]
    (jump,) = find_jumps(losses)
    assert (jump.onset, jump.peak) == (900, 901)
    assert jump.before == pytest.approx(2 * math.exp(-3) + 0.5, abs=0.05 + noise)
    assert jump.rise == jump.loss - jump.before


def test_the_worst_jump_comes_first():
    """By how many times the loss rose; few steps, or none, are no trouble, nor is an end in mid-jump."""
    losses = np.full(400, 1.0) + 0.01 * np.sin(np.arange(400))
    losses[100], losses[200], losses[399] = 3.0, 9.0, 5.0
    assert [jump.peak for jump in find_jumps(losses)] == [200, 399, 100]
    assert find_jumps(losses[:1]) == find_jumps(losses[:0]) == []
    assert [jump.peak for jump in find_jumps(np.array([1.0, 4.0]))] == [1]


def test_the_chance_of_a_hard_batch_is_bounded():
    """Chernoff's bound lies above the exact probability of a count, and not far above."""
    errors, n = np.repeat([0.0, 1.0], [90, 10]), 20
    for ones in (6, 10, 15, 20):
        exact = sum(math.comb(n, k) * 0.1**k * 0.9 ** (n - k) for k in range(ones, n + 1))
        bound = chance(errors, n, ones / n)
        assert math.log(exact) <= bound + 1e-9 <= math.log(exact) + 2.5
        assert not bound - 3 >= math.log(exact)
    assert chance(errors, n, 0.1) == chance(np.zeros(5), 3, 0.0) == 0.0


RULES = [GradientDescent(0.3), Momentum(0.1, 0.8), Nesterov(0.1, 0.8), Adam(0.05, 0.8)]


def change_of(run: Run, *, worse: bool = False) -> tuple[Change, Scene]:
    """Return the change that belongs to the worst jump of a run of its kind, and its scene."""
    scenes = [scene_of(run.replay, jump) for jump in find_jumps(run.replay.losses)]
    scene = next(scene for scene in scenes if scene.weights_are_worse == worse)
    return change_at(scene), scene


def slow_change(run: Run, change: Change, scene: Scene) -> dict[str, float]:
    """Return what a change should say, by a dense Hessian of the readable gradient."""
    state, after = run.at(change.step), run.at(change.step + 1)
    rows = scene.probe if scene.weights_are_worse else scene.peak_rows
    samples, network, objective = run.origin.take(rows), run.network, run.plan.objective
    X = samples.X.toarray() if scipy.sparse.issparse(samples.X) else samples.X

    def g(theta: np.ndarray) -> np.ndarray:
        return gradient(network, theta, X, samples.targets(3), objective, weights=samples.weights).gradient

    e = 1e-5
    H = np.array(
        [(g(state.theta + e * d) - g(state.theta - e * d)) / (2 * e) for d in np.eye(state.theta.size)]
    )
    delta = after.theta - state.theta
    losses = [
        gradient(network, theta, X, samples.targets(3), objective, weights=samples.weights).loss
        for theta in (after.theta, state.theta)
    ]
    return {
        "first": g(state.theta) @ delta,
        "second": 0.5 * delta @ H @ delta,
        "actual": losses[0] - losses[1],
    }


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"sparse": True},
        {"weights": np.linspace(0.5, 2, 120)},
        {"l2": 0.05, "l1": 0.001},
        {"reduction": "sum"},
    ],
    ids=str,
)
@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_first_and_second_order_are_those_of_a_dense_hessian(rule, settings):
    """And together they come near the actual change; another second order would not be accepted."""
    if settings.get("reduction"):
        rule = replace(rule, learning_rate=rule.learning_rate / 10)
    run = jumpy(rule, **settings)
    change, scene = change_of(run)
    expected = slow_change(run, change, scene)
    for name, value in expected.items():
        assert getattr(change, name) == pytest.approx(value, rel=2e-3, abs=1e-7), name
    assert change.second != pytest.approx(2 * expected["second"], rel=2e-3, abs=1e-9)
    assert change.first + change.second == pytest.approx(change.actual, rel=0.3, abs=0.01)


def test_it_is_the_step_that_raised_the_probe_most():
    """Where the weights got worse, the change is that of the probe's loss in its steepest step."""
    run = jumpy(Momentum(0.4, 0.98), epochs=30)
    change, scene = change_of(run, worse=True)
    assert change.data == "120 samples drawn of all"
    for name, value in slow_change(run, change, scene).items():
        assert getattr(change, name) == pytest.approx(value, rel=2e-3, abs=1e-7), name
    curve = [
        scene.loss_of(run.at(n).theta, scene.probe) for n in range(scene.lowest.step, scene.jump.peak + 1)
    ]
    assert change.actual == pytest.approx(np.diff(curve).max(), rel=0.2)
    assert change.step == scene.lowest.step + np.diff(curve).argmax()


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_the_memory_unfolds_into_past_steps(rule):
    """The past steps' parts add up to the memory's, and memory and fresh gradient to the whole."""
    change, _ = change_of(jumpy(rule))
    told = sum(past.first for past in change.past) + change.older
    assert told == pytest.approx(change.memory_first, rel=1e-9, abs=1e-15)
    assert change.memory_first + change.fresh_first == pytest.approx(change.first, rel=1e-9, abs=1e-15)
    if rule.name == "gradient_descent":
        assert change.past == ()
        return
    lefts = [past.left for past in change.past]
    assert lefts[:3] == pytest.approx([1.0, 0.8, 0.64])
    assert [past.step for past in change.past[:2]] == [change.step - 1, change.step - 2]
    if len(change.past) > 1:
        assert sum(past.first for past in change.past[1:]) != pytest.approx(change.memory_first, rel=1e-6)


@pytest.mark.parametrize("rule", [AggMo(0.1), Lookahead(0.1, 0.8), ScheduleFree(1.0)], ids=lambda r: r.name)
def test_several_rows_and_changing_numbers_unfold_too(rule):
    """The same where rows of the memory feed each other, or numbers belong to the step."""
    change, _ = change_of(jumpy(rule))
    told = sum(past.first for past in change.past) + change.older
    assert len(change.past) > 3
    assert told == pytest.approx(change.memory_first, rel=1e-9, abs=1e-15)
    assert change.memory_first + change.fresh_first == pytest.approx(change.first, rel=1e-9, abs=1e-15)
    assert told - change.past[0].first != pytest.approx(change.memory_first, rel=1e-6)


def test_a_past_step_is_its_gradient_faded():
    """Of momentum: the rate times the past gradient along today's, as often faded as steps have gone."""
    run = jumpy(Momentum(0.1, 0.8))
    change, scene = change_of(run)
    rows = scene.probe if scene.weights_are_worse else scene.peak_rows
    today = run.replay.engine.gradient(
        NETWORK, run.at(change.step).theta, run.origin.take(rows), run.plan.objective
    ).gradient
    for past in (change.past[0], change.past[4]):
        batch = run.origin.take(run.plan.batch(past.step, 120))
        g = run.replay.engine.gradient(NETWORK, run.at(past.step).theta, batch, run.plan.objective).gradient
        expected = -0.1 * 0.8 ** (change.step - past.step) * (g @ today)
        assert past.first == pytest.approx(expected, rel=1e-6)
        assert past.first != pytest.approx(expected / 0.8, rel=1e-6)


def test_only_recent_steps_are_told(monkeypatch):
    """What is older is one number, and the sum stays."""
    run = jumpy(Momentum(0.1, 0.8))
    whole, _ = change_of(run)
    monkeypatch.setattr(spike_change, "FURTHEST", 3)
    short, _ = change_of(run)
    assert len(short.past) == 3
    assert short.past == whole.past[:3]
    assert short.older == pytest.approx(sum(p.first for p in whole.past[3:]) + whole.older, rel=1e-9)


@pytest.fixture(scope="module")
def spike() -> tuple[Run, Spike]:
    """Return a run with a spike that has rows, and the spike."""
    case = planted("mislabelled", 200)
    return case.run, spikes(case.run, 1)[0]


def test_a_spike_can_be_read(spike):
    """As text, as escaped HTML, as JSON, and in one line."""
    run, found = spike
    text = found.text()
    for what in (
        f"Step {found.step:,}",
        "Cause: samples",
        "Because",
        "first order",
        "memory of",
        "To see it gone",
    ):
        assert what in text
    assert found._repr_html_().startswith("<pre")
    assert repr(found).startswith("Spike(step")
    plain = found.to_dict()
    assert plain["changes"] == {"without": list(found.rows)}
    assert plain["change"]["past"][0]["left"] == 1.0
    assert sum(row.share for row in found.carried) == pytest.approx(1.0)
    confirmed = confirm(run, found)
    assert "the spike is gone" in confirmed.text()
    assert confirmed.to_dict()["gone"] is True
    assert confirmed._repr_html_().startswith("<pre")


def test_confirming_leaves_the_rest_as_it_was(spike):
    """The fork that is confirmed is the run with the weights of the rows at 0: places and batches stay."""
    run, found = spike
    samples = changed_samples(run.origin, found.rows, None)
    state = run.at(found.fork_from)
    again = run.replay.engine.advance(run.network, state, samples, run.plan, found.step + 1)
    assert confirm(run, found).loss == again.losses[-1]
    assert confirm(run, found).loss < run.step_loss[found.step]
    none = replace(found, changes={}, cause="no single cause")
    with pytest.raises(SettingError, match="no single cause"):
        confirm(run, none)
    useless = replace(found, changes={"without": [0]})
    assert not confirm(run, useless).gone


def test_a_recorded_run_gives_the_same(tmp_path, spike):
    """Read from its folder, the run has the same spikes."""
    run, _ = spike
    train(run.network, run.origin.X, run.origin.classes, run.plan, record=tmp_path / "run")
    again = load_run(tmp_path / "run")
    assert [s.to_dict() for s in spikes(again)] == [s.to_dict() for s in spikes(run)]


@pytest.mark.parametrize("engine", ["native", "reference"])
@pytest.mark.parametrize("settings", [{"sparse": True}, {"dropout": 0.1}, {"weights": np.ones(120)}], ids=str)
def test_it_works_for_other_runs(engine, settings):
    """Sparse rows, dropout, weights, either engine: the mislabelled rows are named."""
    run = jumpy(Momentum(0.05, 0.8), epochs=30, engine=engine, **settings)
    found = spikes(run)
    assert found
    assert found[0].cause == "samples"
    assert set(found[0].rows) <= set(range(40, 50))


def test_a_fork_is_asked_since_it_parted(spike):
    """A jump after that has its cause as in the run itself, and the story begins there."""
    run, found = spike
    parted = found.onset - 20
    same = run.fork(parted)
    again = next(s for s in spikes(same) if s.step == found.step)
    assert (again.cause, again.rows) == (found.cause, found.rows)
    assert all(s.onset >= parted for s in spikes(same))
    assert story(same).start == parted
    late = run.fork(found.step + 1)
    assert found.step not in [s.step for s in spikes(late)]


def test_losses_that_were_lost_are_computed_again(spike):
    """The spikes are the same."""
    run, _ = spike
    lost = run.step_loss.copy()
    lost[len(lost) // 3 :] = np.nan
    assert [s.to_dict() for s in spikes(replace(run, step_loss=lost))] == [s.to_dict() for s in spikes(run)]


def test_a_smooth_run_has_no_spikes():
    """Full batches at a modest rate."""
    assert spikes(jumpy(Momentum(0.1, 0.9), batch_size=None, epochs=150)) == []


def test_what_cannot_be_answered_is_refused(spike):
    """No spikes asked for, or a run whose states were not kept."""
    run, _ = spike
    with pytest.raises(SettingError, match="count"):
        spikes(run, 0)
    with pytest.raises(ReplayError, match="record=FOLDER"):
        spikes(replace(run, kept=None))


def test_rows_are_named_in_ranges():
    """Neighbours as a range."""
    assert named_rows((1, 2, 3, 7, 9, 10)) == "1–3, 7, 9–10"
    assert named_rows(()) == ""
