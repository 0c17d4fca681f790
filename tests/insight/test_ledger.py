"""The account of a weight's change: its lines are the change to the last bit, and are what they say."""

import itertools
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engines import ALL, make_engine
from kinds_of_rules import KERNEL_RULES as RULES
from problems import NETWORK, RULE, STEPS_PER_EPOCH, draw_data
from schuss import Cosine, Keep, Momentum, Network, Plateau, SettingError, load_run, train
from schuss.insight import ledger
from schuss.insight.account import Account, Pushes
from schuss.training.run import Run

STEPS = 12 * STEPS_PER_EPOCH
PLANS: dict[str, dict[str, Any]] = {
    "plain": {},
    "penalties": {"l2": 0.3, "l1": 0.05},
    "decay, clip": {"weight_decay": 0.1, "clip": 0.4},
    "dropout, sum": {"dropout": 0.3, "reduction": "sum"},
}
KINDS = list(itertools.product(RULES, PLANS, ("float32", "float64")))


def rule_for(name: str) -> Any:
    """Return a rule whose rates change from step to step, so that coefficients are numbers, not powers."""
    rates: dict[str, Any] = {"learning_rate": Cosine(0.01, warm_up=0.3)}
    for keeps in {"momentum", "beta"} & set(RULES[name].rates):
        rates[keeps] = Cosine(0.5, 0.95)
    return RULES[name](**rates)


def run_of(rule: str, plan: str, dtype: str, engine: Any = "auto", **how: Any) -> Run:
    """Train the small problem with sample weights, one of them zero."""
    X, T = draw_data()
    weights = np.where(np.arange(len(X)) == 3, 0.0, 1.0 + np.arange(len(X)) % 3)
    how = {"epochs": 12, "batch_size": 5, "weights": weights, "dtype": dtype, **PLANS[plan], **how}
    return train(NETWORK, X, T, rule=rule_for(rule), engine=engine, **how)


def exact(account: Account, split: Pushes) -> Fraction:
    """Return the sum of a split's lines in rational numbers."""
    return sum(map(Fraction, account.lines(split)), Fraction(0))


RUNS = {kind: run_of(*kind) for kind in KINDS}


@settings(max_examples=150, deadline=None)
@given(
    kind=st.sampled_from(KINDS),
    weight=st.integers(0, NETWORK.n_parameters - 1),
    ends=st.tuples(st.integers(0, STEPS), st.integers(0, STEPS)).filter(lambda e: e[0] != e[1]),
    back=st.one_of(st.none(), st.integers(0, STEPS)),
)
def test_the_lines_are_the_change_to_the_last_bit(
    kind: Any, weight: int, ends: tuple[int, int], back: int | None
) -> None:
    """For any weight, range, rule, dtype and plan: in rational numbers, split by steps and by samples."""
    run, (start, stop) = RUNS[kind], sorted(ends)
    account = run.account(weight, start, stop, back=back)
    change = Fraction(float(run.at(stop).theta[weight])) - Fraction(float(run.at(start).theta[weight]))

    assert exact(account, account.steps) == exact(account, account.samples) == change == account.change
    assert account.balances


@pytest.mark.parametrize("kind", KINDS, ids="-".join)
def test_a_falsified_line_is_noticed(kind: Any) -> None:
    """Any line, changed by its last bit, and the account no longer balances."""
    account = RUNS[kind].account(11, 20, 40)
    assert account.balances
    for split in ("steps", "samples"):
        pushes = getattr(account, split)
        for i in (0, len(pushes.contribution) // 2, -1):
            false = pushes.contribution.copy()
            false[i] = np.nextafter(false[i], np.inf)
            assert not replace(account, **{split: replace(pushes, contribution=false)}).balances
    assert not replace(account, older=np.nextafter(account.older, np.inf)).balances
    for name, value in account.others.items():
        others = account.others | {name: float(np.nextafter(value, np.inf))}
        assert not replace(account, others=others).balances


@pytest.mark.parametrize("kind", KINDS, ids="-".join)
def test_a_wrong_push_cannot_hide_in_the_rounding(kind: Any) -> None:
    """Rounding is no place for what is missing: beyond its bound the account does not balance."""
    account = RUNS[kind].account(11, 20, 40)
    most = float(np.abs(account.steps.contribution).max())
    for split in ("steps", "samples"):
        pushes = getattr(account, split)
        assert abs(sum(pushes.rounding)) <= pushes.bound < 1e-2 * most
        false = pushes.contribution.copy()
        i = int(np.abs(false).argmax())
        taken, false[i] = false[i], 0.0
        hidden = replace(pushes, contribution=false, rounding=(*pushes.rounding, float(taken)))
        assert exact(account, hidden) == account.change
        assert not replace(account, **{split: hidden}).balances


def slow_coefficients(run: Run, start: int, stop: int) -> dict[int, float]:
    """Return what became of each step's −α·g until `stop` under momentum, by pushing one unit through."""
    plan, n = run.plan, run.n_samples
    found = {}
    for step in range(stop):
        velocity, moved = 1.0, float(step >= start)
        for later in range(step + 1, stop):
            velocity *= plan.rates(later, later + 1, n)[0, 1]
            moved += velocity * (later >= start)
        found[step] = moved
    return found


def test_the_lines_are_what_they_say_for_momentum() -> None:
    """Coefficients, gradient terms, what each sample gave and the memory before, computed the slow way."""
    X, T = draw_data()
    rule = Momentum(Cosine(0.02), Cosine(0.5, 0.9))
    run = train(NETWORK, X, T, rule=rule, epochs=6, batch_size=5)
    weight, start, stop = NETWORK.weight_index("hidden1[3] <- input[1]"), 11, 17
    account = run.account(weight, start, stop, back=4)
    coefficients = slow_coefficients(run, start, stop)
    terms, by_sample = {}, np.zeros(run.n_samples)
    replay = run.replay
    for step in range(7, stop):
        rate = run.plan.rates(step, step + 1, run.n_samples)[0, 0]
        rows = run.plan.batch(step, run.n_samples)
        each = [one_gradient(run, step, row)[weight] / len(rows) for row in rows]
        terms[step] = -rate * sum(each)
        for row, g in zip(rows, each, strict=True):
            by_sample[row] += -coefficients[step] * rate * g
    fade = np.prod([run.plan.rates(s, s + 1, run.n_samples)[0, 1] for s in range(7, start)])
    ahead = sum(np.prod([run.plan.rates(s, s + 1, run.n_samples)[0, 1] for s in range(start, n + 1)])
                for n in range(start, stop))  # fmt: skip

    assert account.first == 7
    assert account.steps.keys.tolist() == list(range(stop - 1, 6, -1))
    for step, coefficient, term in zip(account.steps.keys, account.coefficient, account.term, strict=True):
        assert np.isclose(coefficient, coefficients[int(step)], rtol=1e-12)
        assert np.isclose(term, terms[int(step)], rtol=1e-9)
    dense = np.zeros(run.n_samples)
    dense[account.samples.keys] = account.samples.contribution
    np.testing.assert_allclose(dense, by_sample, rtol=1e-9, atol=1e-15)
    assert np.isclose(account.older, fade * ahead * replay.at(7).velocity[weight], rtol=1e-12)
    assert np.isclose(account.now + account.memory, float(account.change), rtol=1e-12)
    assert not np.isclose(account.coefficient[0], account.coefficient[-1])  # the twin: another step's


def one_gradient(run: Run, step: int, row: int) -> Any:
    """Return the gradient of one sample at one step, shape (n_parameters,)."""
    sample = run.replay.samples.take(np.array([row]))
    return run.replay.engine.gradient(NETWORK, run.at(step).theta, sample, run.plan.objective).gradient


def test_the_other_lines_are_what_they_say() -> None:
    """One step without memory: decay, both penalties and clipping, each from its own formula."""
    X, T = draw_data()
    how: dict[str, Any] = {"l2": 0.3, "l1": 0.05, "weight_decay": 0.1, "clip": 0.1}
    run = train(NETWORK, X, T, rule=rule_for("gradient_descent"), epochs=3, batch_size=5, **how)
    weight, step = 4, 7
    account = run.account(weight, step)
    rate = float(run.plan.rates(step, step + 1, run.n_samples)[0, 0])
    w, state = float(run.at(step).theta[weight]), run.at(step)
    batch = run.replay.samples.take(run.plan.batch(step, run.n_samples))
    loose = replace(run.plan.objective, clip=None)
    whole = run.replay.engine.gradient(NETWORK, state.theta, batch, loose).gradient
    factor = min(1.0, 0.1 / float(np.linalg.norm(whole)))

    assert factor < 1
    expected = {
        "weight decay": -0.1 * rate * w,
        "l2 penalty": -rate * 0.3 * w / 5,
        "l1 penalty": -rate * 0.05 * np.sign(w) / 5,
        "clipping": -rate * (factor - 1) * whole[weight],
    }
    assert account.others.keys() == expected.keys()
    for name, value in expected.items():
        assert np.isclose(account.others[name], value, rtol=1e-9), name
    assert len(set(expected.values())) == 4
    bias = run.account(NETWORK.weight_index("output[0] <- bias"), step)
    assert (bias.others["l2 penalty"], bias.others["l1 penalty"]) == (0.0, 0.0)
    assert "weight decay" not in bias.others


@pytest.mark.parametrize("engine", ALL)
def test_both_engines_keep_books(engine: str) -> None:
    """Each run is accounted for by the arithmetic that made it."""
    run = run_of("momentum", "penalties", "float32", make_engine(engine))
    for weight, start, stop in ((0, 0, STEPS), (11, 30, 31), (43, 17, 44)):
        account = run.account(weight, start, stop)
        assert run.replay.engine.info.arithmetic == make_engine(engine).info.arithmetic
        assert account.balances


def test_a_rate_that_was_lowered_at_a_plateau_is_in_the_coefficients(tmp_path: Any) -> None:
    """Also when the run comes from its folder."""
    X, T = draw_data()
    rule = Momentum(Plateau(0.05, 5.0, 1e-4), 0.9)
    run = train(NETWORK, X, T, rule=rule, epochs=90, batch_size=5, patience=2, min_improvement=0.01,
                record=tmp_path / "run", keep=Keep(seconds=0))  # fmt: skip
    drop = run.plan.rule.learning_rate.drops[0]  # type: ignore[union-attr]  # a Plateau
    account = load_run(tmp_path / "run").account(3, drop - 2, drop + 2)

    assert account.balances


def test_memory_that_never_fades_is_unfolded_to_the_beginning() -> None:
    """With a momentum of 1 every step counts alike; without memory none before the range does."""
    X, T = draw_data()
    forever = train(NETWORK, X, T, rule=Momentum(0.001, 1.0), epochs=6, batch_size=5).account(3, 29)
    never = train(NETWORK, X, T, rule=Momentum(0.001, 0.0), epochs=6, batch_size=5).account(3, 29)

    assert forever.first == 0
    assert set(forever.coefficient) == {1.0}
    assert never.first == 29
    assert never.memory == 0.0


def test_many_steps_are_watched_in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is at hand at once is bounded, and the account is the same."""
    run = run_of("adam", "plain", "float32")
    whole = run.account(7, 3, 57).to_dict()
    monkeypatch.setattr(ledger, "AT_ONCE", 35)
    assert run.account(7, 3, 57).to_dict() == whole
    assert run.account(8, 3, 57).to_dict() != whole


def test_sparse_inputs_have_their_accounts_too() -> None:
    """A zero that is not stored gives nothing."""
    import scipy.sparse

    rng = np.random.default_rng(0)
    X = scipy.sparse.random(60, 20, 0.1, "csr", rng=rng)
    network = Network([20, 6, 3], "relu", "cross_entropy")
    run = train(network, X, rng.integers(0, 3, 60), rule=RULE, epochs=10, batch_size=7)
    for weight in range(0, network.n_parameters, 5):
        assert run.account(weight, 20, 60).balances


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ((44, 3), "weight index"),
        (("hidden1[9] <- input[0]", 3), "no weight"),
        (("w", 3), "named like"),
        ((3, 60), "start"),
        ((3, 5, 5), "stop"),
        ((3, 5, 61), "stop"),
    ],
)
def test_what_has_no_account_says_why(given: Any, words: str) -> None:
    """In a sentence with what is allowed."""
    with pytest.raises(SettingError, match=words):
        RUNS["momentum", "plain", "float64"].account(*given)


def test_it_is_told_in_text_and_in_html() -> None:
    """Each line by name; the largest steps of a range, the newest of one step; escaped where it is HTML."""
    run = RUNS["momentum", "decay, clip", "float64"]
    name = NETWORK.weight_name(11)
    one, several = run.account(11, 40, back=12), run.account(11, 20, 40, back=3)
    told = one.text(4, "row {}".format)

    assert told.splitlines()[0] == f"{name}, step 40, rule momentum"
    assert [line.split()[1] for line in told.splitlines() if line.startswith("step ")] == [
        "40",
        "39",
        "38",
        "37",
    ]
    for word in ("9 other steps", "memory before step 28", "weight decay", "clipping", "rounding", "row "):
        assert word in told
    assert "to the last bit" in told
    assert "DO NOT ADD UP" in replace(one, older=one.older + 1).text()
    largest = int(several.steps.keys[np.abs(several.steps.contribution).argmax()])
    assert several.text(1).splitlines()[4].startswith(f"step {largest} ")
    assert "which has no memory" in RUNS["gradient_descent", "plain", "float64"].account(11, 40).text()
    assert "which has no memory" not in told
    assert "&lt;- " in one._repr_html_()
    assert "<- " not in one._repr_html_()


def test_what_is_left_of_a_long_memory_is_a_number_or_two() -> None:
    """Contributions that have faded for thousands of steps are not written down to their last digit."""
    X, T = draw_data()
    run = train(NETWORK, X, T, rule=Momentum(0.01, 0.5), epochs=600, batch_size=5, dtype="float32")
    account = run.account(11, 2999, back=2999)

    assert account.first == 0
    assert account.balances
    assert 1 <= len(account.steps.rounding) <= 4
    assert 1 <= len(account.samples.rounding) <= 4
    assert account.steps.contribution[-1] == 0
