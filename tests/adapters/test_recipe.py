"""What is chosen where the user says nothing, and that what the user says holds."""

import pytest
from models import draw_table

from kinds_of_rules import KERNEL_RULES as RULES
from schuss import Cosine, DataError, Momentum, Nesterov, SettingError
from schuss.adapters.recipe import OUTPUTS, PEAK_RATES, Recipe, outputs_of
from schuss.adapters.targets import Target
from schuss.method.functions import LOSSES

TABLE = draw_table()
SIZE, GRADE, SCORE = (Target.fit(TABLE.column(name)) for name in ("size", "grade", "score"))


@pytest.mark.parametrize(
    ("targets", "kind", "n_out"),
    [
        ([SIZE], "one of many", 3),
        ([GRADE], "one of two", 1),
        ([SCORE], "numbers", 1),
        ([SCORE, SCORE], "numbers", 2),
        ([GRADE, GRADE], "several yes or no", 2),
    ],
)
def test_the_targets_decide_the_output_layer(targets: list[Target], kind: str, n_out: int) -> None:
    """Its size, its activation and the loss."""
    network = Recipe().network(5, targets)

    assert outputs_of(targets) == kind
    assert (network.layers[0], network.layers[-1]) == (5, n_out)
    assert (network.loss.name, network.activation[-1]) == OUTPUTS[kind]
    assert network.loss.kind is LOSSES[network.loss.name]


@pytest.mark.parametrize("targets", [[SIZE, GRADE], [SCORE, GRADE], [SIZE, SIZE]])
def test_targets_that_cannot_share_a_network_are_refused(targets: list[Target]) -> None:
    """The sentence names them."""
    with pytest.raises(DataError, match=f"'{targets[0].name}'.*Train one model per target"):
        outputs_of(targets)


def test_what_is_given_holds() -> None:
    """Every field reaches the network or the plan."""
    recipe = Recipe((9, 4), "tanh", 0.3, 0.5, True, 7, 11, 0.25, 13)
    network, plan = recipe.network(5, [SIZE]), recipe.plan(100)

    assert network.layers == (5, 9, 4, 3)
    assert network.activation == ("tanh", "tanh", "softmax")
    assert plan.rule == Nesterov(0.3, 0.5)
    assert (plan.epochs, plan.batch_size, plan.l2, plan.seed) == (7, 11, 0.25, 13)
    assert Recipe(learning_rate=0.3).rule() == Momentum(0.3, 0.9)
    assert Recipe(hidden=()).network(5, [SIZE]).layers == (5, 3)


@pytest.mark.parametrize("name", RULES)
def test_every_rule_by_its_name(name: str) -> None:
    """With the momentum given where it has one, its own settings, and a rate that rises and falls."""
    kind = RULES[name]
    rule = Recipe(rule_name=name, **({"momentum": 0.7} if "momentum" in kind.rates else {})).rule()
    peak = PEAK_RATES.get(name, kind().learning_rate)

    assert type(rule) is kind
    assert rule.learning_rate.bounds[1] == peak  # type: ignore[union-attr]  # a Cosine
    assert getattr(rule, "momentum", 0.7) == 0.7
    assert Recipe(rule_name=name, learning_rate=0.3).rule().learning_rate == 0.3
    gentler = Recipe(rule_name=name).gentler(2).rule().learning_rate
    assert gentler.bounds[1] == pytest.approx(peak / 9)  # type: ignore[union-attr]  # the same
    assert (
        Recipe(rule_name="lookahead", rule_settings=(("every", 3),)).rule()
        != Recipe(rule_name="lookahead").rule()
    )


@pytest.mark.parametrize("n", [1, 4, 31, 33, 1000, 20_001, 10**6])
def test_defaults_fit_any_number_of_rows(n: int) -> None:
    """No batch is larger than the data, and no training is a handful of steps or endless."""
    plan = Recipe().plan(n)

    assert plan.batch_size is not None
    assert 1 <= plan.batch_size <= n
    assert 20 <= plan.epochs <= 1000
    assert isinstance(plan.rule.learning_rate, Cosine)
    assert plan.patience is plan.loss_goal is None


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"batch_size": 0}, "batch_size must be an integer of at least 1; got 0"),
        ({"batch_size": -4}, "batch_size must be an integer of at least 1; got -4"),
        ({"epochs": 0}, "epochs must be an integer of at least 1"),
        ({"momentum": 1.01}, r"momentum must lie in \[0, 1\]; got 1.01"),
        ({"learning_rate": 0.0}, r"learning_rate must lie in \(0, inf\); got 0.0"),
        ({"learning_rate": float("nan")}, "learning_rate must lie in"),
        ({"l2": -1.0}, "l2 must lie in"),
        ({"seed": -1}, "seed must be an integer of at least 0"),
        ({"rule_name": "lionn"}, r"rule must be one of .*did you mean 'lion'"),
        ({"rule_name": "adam", "momentum": 0.3}, "rule 'adam' has no momentum"),
        ({"rule_name": "rprop", "learning_rate": 0.3}, "has no learning rate: it finds the lengths"),
        ({"momentum": 0.3, "rule_settings": (("momentum", 0.2),)}, "the momentum is given twice"),
        ({"rule_name": "lion", "nesterov": True}, "nesterov is a rule itself; got the rule 'lion'"),
        (
            {"rule_name": "lion", "rule_settings": (("beta", 0.9),)},
            r"'lion' has learning_rate, beta_1, beta_2; got",
        ),
        (
            {"learning_rate": 0.1, "rule_settings": (("learning_rate", 0.2),)},
            "given twice: by itself, and as a setting of the rule",
        ),
        ({"rule_name": "lion", "rule_settings": (("beta_1", 1.0),)}, r"beta_1 must lie in \[0, 1\); got 1.0"),
    ],
)
def test_settings_that_are_not_allowed_are_refused(settings: dict, sentence: str) -> None:
    """Also those that arithmetic would trip over first."""
    with pytest.raises(SettingError, match=sentence):
        Recipe(**settings).plan(100)


def test_a_rate_among_the_settings_of_the_rule_is_given() -> None:
    """It is not the recipe's, which would try smaller ones that change nothing."""
    given = Recipe(rule_settings=(("learning_rate", 1e30),))
    assert not given.chooses_rate
    assert given.gentler(2) is given
    assert given.plan(100).rule.learning_rate == 1e30
    assert Recipe().chooses_rate
