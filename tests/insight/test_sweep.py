"""`sweep`: what may vary and how, what comes back, and that each network is the one that `train` makes."""

import os
import signal
import threading
import time

import numpy as np
import pytest

from comparisons import assert_same_bits
from schuss import (
    Adam,
    Cosine,
    DataError,
    DivergenceError,
    Momentum,
    Network,
    Plan,
    Plateau,
    SettingError,
    Sweep,
    TrainingInterrupted,
    sweep,
    train,
)
from schuss.errors import SchussWarning
from schuss.training import many

NETWORK = Network([3, 5, 1], "tanh")
PATIENCE = 0.5  # seconds on a busy machine; alone it is about a hundredth


def draw_data(n: int = 22, dtype: str = "float64") -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    X = rng.standard_normal((n, 3)).astype(dtype)
    return X, np.tanh(X[:, :1] - X[:, 1:2] * X[:, 2:])


def assert_as_trained(found: Sweep, X: np.ndarray, T: np.ndarray, **how: object) -> None:
    """Fail unless every network of a sweep, and its losses, are those of `train` with its plan."""
    for i in range(len(found)):
        run = train(found.network, X, T, found[i].plan, **how)
        assert_same_bits(found[i].state, run.state)
        assert found[i].loss.tobytes() == run.loss.tobytes(), i


@pytest.mark.parametrize("engine", ["native", "reference"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_each_is_what_train_makes(engine, dtype):
    """Weights, memory and epoch losses are those of `train` with ``sweep[i].plan``, to the last bit."""
    X, T = draw_data(dtype=dtype)
    settings = {"learning_rate": [0.01, 0.1], "momentum": np.array([0, 0.5, 0.9]), "seed": range(2)}
    found = sweep(NETWORK, X, T, **settings, epochs=5, batch_size=5, l2=0.01, engine=engine)
    assert (len(found), found.shape, found.state.step) == (12, (2, 3, 2), 25)
    assert found.loss.shape == (12, 5)
    assert found.theta.dtype == dtype
    assert_as_trained(found, X, T, engine=engine)
    swapped = found[0].plan.replace(seed=1)
    assert train(NETWORK, X, T, swapped, engine=engine).state.digest() != found[0].state.digest()


def test_strides_do_not_matter(monkeypatch):
    """Cut into strides of one, three or seven steps, in mid-epoch, a sweep ends in the same bits."""
    X, T = draw_data()
    settings = {"learning_rate": [0.01, 0.1, 1e200], "epochs": 6, "batch_size": 5}
    whole = sweep(NETWORK, X, T, **settings)
    for stride in (1, 3, 7):
        monkeypatch.setattr(many, "MOST_LOSSES", stride * 3)
        cut = sweep(NETWORK, X, T, **settings)
        assert cut.theta.tobytes() == whole.theta.tobytes()
        assert cut.loss.tobytes() == whole.loss.tobytes()
        assert cut.diverged_at.tolist() == whole.diverged_at.tolist()
    monkeypatch.setattr(many, "MOST_PLACES", 1)
    assert sweep(NETWORK, X, T, **settings).loss.tobytes() == whole.loss.tobytes()


def test_a_grid_and_side_by_side():
    """All combinations, the last setting fastest; or the first of each, the second of each, and so on."""
    X, T = draw_data()
    grid = sweep(NETWORK, X, T, seed=[5, 7], momentum=(0.1, 0.2, 0.3), epochs=1)
    assert grid.settings == {"seed": (5, 5, 5, 7, 7, 7), "momentum": (0.1, 0.2, 0.3) * 2}
    assert grid[-1].settings == {"seed": 7, "momentum": 0.3}
    beside = sweep(NETWORK, X, T, seed=[5, 7], momentum=[0.1, 0.3], epochs=1, product=False)
    assert (beside.shape, beside[1].settings) == ((2,), {"seed": 7, "momentum": 0.3})
    assert_same_bits(beside[1].state, grid[5].state)
    with pytest.raises(SettingError, match="one length; got 2 of seed, 1 of momentum"):
        sweep(NETWORK, X, T, seed=[5, 7], momentum=[0.1], product=False)


def test_rates_by_name_and_shared_settings():
    """A number by a rate's name is the rule's, for all; schedules, orders and other rules vary as well."""
    X, T = draw_data()
    found = sweep(
        NETWORK,
        X,
        T,
        rule=Adam(),
        learning_rate=0.02,
        beta_1=[0.5, 0.9],
        order=["philox", "sequential"],
        weight_decay=[0.0, 0.1],
        l1=0.01,
        epochs=3,
    )
    assert found[5].plan.rule == Adam(0.02, 0.9)
    assert (found[5].plan.l1, found[5].plan.order, found[5].plan.weight_decay) == (0.01, "philox", 0.1)
    assert_as_trained(found, X, T)
    schedules = sweep(NETWORK, X, T, learning_rate=[0.1, Cosine(0.1)], epochs=3)
    assert_as_trained(schedules, X, T)
    assert len(sweep(NETWORK, X, T, Plan(Momentum(0.1), epochs=2), momentum=[0.5, 0.6])) == 2
    assert len(sweep(NETWORK, X, T, epochs=2)) == 1


def test_plans_given():
    """Plans may be given one by one, where they differ in what may vary."""
    X, T = draw_data()
    plans = [Plan(Momentum(0.1, 0.5), epochs=2, seed=s, l2=0.1 * s) for s in (1, 2, 3)]
    found = sweep(NETWORK, X, T, plans=plans)
    assert [found[i].plan for i in range(3)] == [plan.replace(batch_size=22) for plan in plans]
    assert_as_trained(found, X, T)
    for other in (Plan(Adam(0.1), epochs=2), Plan(Momentum(0.1), epochs=3)):
        with pytest.raises(SettingError, match="may differ in learning_rate, momentum, seed"):
            sweep(NETWORK, X, T, plans=[plans[0], other])
    with pytest.raises(SettingError, match="not both"):
        sweep(NETWORK, X, T, plans=plans, epochs=3)
    with pytest.raises(SettingError, match="one or more Plan"):
        sweep(NETWORK, X, T, plans=[])


def test_first_weights_given():
    """For all networks, so that seeds vary the order alone, or for each; and of the right shape."""
    X, T = draw_data()
    theta = NETWORK.initial(9)
    found = sweep(NETWORK, X, T, seed=range(3), theta=theta, epochs=2, batch_size=5)
    assert_as_trained(found, X, T, theta=theta)
    rows = np.stack([NETWORK.initial(i) for i in range(3)])
    each = sweep(NETWORK, X, T, seed=range(3), theta=rows, epochs=2, batch_size=5)
    assert_as_trained(each, X, T)
    for bad, words in (
        (theta[1:], "must have shape"),
        (rows[:2], "must have shape"),
        (theta * np.nan, "NaN"),
    ):
        with pytest.raises(DataError, match=words):
            sweep(NETWORK, X, T, seed=range(3), theta=bad)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"learning_rate": [0.1, -1.0, 0.2]}, "learning_rate must lie in"),
        ({"learning_rate": [0.1, np.nan]}, "learning_rate must lie in"),
        ({"learning_rate": [0.1, "fast"]}, "learning_rate must be a number"),
        ({"momentum": [0.1, True]}, "momentum must be a number"),
        ({"momentum": [0.1, 1.5, 0.2]}, "momentum must lie in"),
        ({"beta_1": [0.1]}, "no setting 'beta_1'"),
        ({"momentun": [0.1]}, "did you mean"),
        ({"momentum": [[0.1]]}, "a single value for each plan"),
        ({"seed": [1, -1]}, "seed must be"),
        ({"seed": [1, 2.5]}, "seed must be"),
        ({"order": ["philox", "random"]}, "order must be one of"),
        ({"learning_rate": []}, "at least one plan"),
        ({"weight_decay": [0.0, 20.0], "learning_rate": [0.01, 0.1]}, "would turn the weights round"),
        ({"epochs": [1, 2]}, "epochs must be an integer"),
        ({"rule": "adam"}, "rule must be a rule"),
        ({"patience": 3}, "patience is for `train`"),
        ({"loss_goal": 0.1}, "loss_goal is for `train`"),
        ({"average": 0.5}, "average is for `train`"),
        ({"learning_rate": [Plateau(0.1)]}, "Plateau is for `train`"),
        ({"dropout": (0.5, 0.5)}, "one for each of 1 hidden"),
    ],
)
def test_bad_settings(settings, words):
    """Are refused before anything is trained, wherever in a column they stand."""
    with pytest.raises(SettingError, match=words):
        sweep(NETWORK, *draw_data(), **settings)


def test_bad_data_and_large_batches():
    """As with `train`: data are checked, and a batch larger than the data is noticed."""
    X, T = draw_data()
    with pytest.raises(DataError, match="X must have shape"):
        sweep(NETWORK, X[:, :2], T)
    with pytest.warns(SchussWarning, match="22 samples make one batch"):
        found = sweep(NETWORK, X, T, batch_size=100, momentum=[0.1, 0.2], epochs=1)
    assert found[0].plan.batch_size == 22


@pytest.mark.parametrize("engine", ["native", "reference"])
def test_divergence_is_told_and_spoils_no_other(engine):
    """A network that diverges is marked with the step that `train` names, and keeps the state before it."""
    X, T = draw_data()
    network = Network([3, 5, 1], "relu")
    rates = [0.01, 1e150, 0.02, 3.0]
    found = sweep(network, X, T, learning_rate=rates, epochs=40, batch_size=5, engine=engine)
    sound = sweep(network, X, T, learning_rate=[0.01, 0.02], epochs=40, batch_size=5, engine=engine)
    assert (found.diverged_at == many.NOT_DIVERGED).tolist() == [True, False, True, False]
    assert found.theta[[0, 2]].tobytes() == sound.theta.tobytes()
    assert found.loss[[0, 2]].tobytes() == sound.loss.tobytes()
    for i in (1, 3):
        with pytest.raises(DivergenceError) as told:
            train(network, X, T, found[i].plan, engine=engine)
        assert found[i].diverged_at == told.value.step
        assert_same_bits(found[i].state, told.value.state)
        whole = told.value.step // 5
        assert np.isfinite(found[i].loss[:whole]).all()
        assert np.isnan(found[i].loss[whole:]).all()
    assert found.best().index in (0, 2)
    assert "2 diverged" in repr(found)
    assert f"diverged at step {found[1].diverged_at}" in repr(found[1])


def test_when_all_diverge():
    """The sweep ends, says so, and has no best network."""
    X, T = draw_data()
    found = sweep(Network([3, 5, 1], "relu"), X, T, learning_rate=[1e150, 1e160], epochs=40, batch_size=5)
    assert (found.diverged_at >= 0).all()
    assert np.isfinite(found.theta).all()
    with pytest.raises(SettingError, match="all 2 diverged"):
        found.best()
    assert "2 diverged" in repr(found)


def test_best_predict_and_repr():
    """The best has the lowest last loss, predicts like its `train`, and a sweep shows itself in one line."""
    X, T = draw_data()
    found = sweep(NETWORK, X, T, learning_rate=[0.001, 0.1, 0.01], epochs=20)
    best = found.best()
    assert best.index == np.argmin(found.loss[:, -1]) == 1
    run = train(NETWORK, X, T, best.plan)
    assert best.predict(X).tobytes() == run.predict(X).tobytes()
    assert best.predict(X).tobytes() != found[0].predict(X).tobytes()
    assert repr(found).startswith(
        f"Sweep({NETWORK!r}, 3 networks (learning_rate), 20 epochs, best loss {best.loss[-1]:.6g} with "
        "learning_rate=0.1, stopped: epochs, native engine, "
    )
    assert repr(best) == f"Member(1, learning_rate=0.1, loss {best.loss[-1]:.6g})"
    with pytest.raises(IndexError, match="3 networks has no network 3"):
        found[3]


@pytest.mark.parametrize("layers", [(3, 5, 1), (3, 400, 1)])
def test_ctrl_c_keeps_whole_strides(layers):
    """Ctrl-C is heard at once, in lanes and alone, and carries what a sweep of as many steps gives."""
    network = Network(layers, "tanh")
    X, T = draw_data(2000)
    settings = {"learning_rate": np.linspace(0.001, 0.01, 20), "batch_size": 5, "order": "sequential"}
    sent = []

    def press() -> None:
        sent.append(time.monotonic())
        os.kill(os.getpid(), signal.SIGINT)

    timer = threading.Timer(0.6, press)
    timer.start()
    with pytest.raises(TrainingInterrupted) as told:
        sweep(network, X, T, **settings, epochs=10**5)
    late = time.monotonic() - sent[0]
    timer.join()
    found = told.value.run
    assert late < PATIENCE
    assert found.stopped == "interrupted"
    assert found.loss.shape == (20, found.state.step // 400)
    if found.state.step >= 400:
        again = sweep(network, X, T, **settings, epochs=found.state.step // 400)
        assert found.loss.tobytes() == again.loss.tobytes()


@pytest.mark.parametrize("hidden", [5, 300])
def test_progress_is_told(hidden: int) -> None:
    """The share that is done, up to 1; the bits are those of a sweep that tells nothing."""
    X, T = draw_data()
    network, shares = Network([3, hidden, 1], "tanh"), []
    settings = {"learning_rate": [0.01, 0.1], "epochs": 3000, "batch_size": 4}
    found = sweep(network, X, T, **settings, progress=shares.append)

    assert shares == sorted(shares)
    assert shares[-1] == 1.0
    assert len(shares) > 1 or hidden == 5  # which may be done in one stride
    assert found.loss.tobytes() == sweep(network, X, T, **settings).loss.tobytes()


def test_what_progress_raises_ends_a_sweep() -> None:
    """As it is."""
    X, T = draw_data()

    def enough(_: float) -> None:
        raise LookupError("enough")

    with pytest.raises(LookupError, match="enough"):
        sweep(NETWORK, X, T, epochs=10**9, learning_rate=[0.1, 0.2], progress=enough)
