"""Rules that see all samples, as tables and estimators choose them."""

from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_iris
from sklearn.preprocessing import scale

from kinds_of_rules import WHOLE_RULES
from schuss import MLPClassifier, SettingError
from schuss.adapters.recipe import Recipe
from schuss.method.rules import LineSearch, Muon, Quickprop, Rprop
from schuss.method.schedules import Cosine


@pytest.mark.parametrize("name", WHOLE_RULES)
def test_a_recipe_makes_a_plan_for_every_rule(name: str) -> None:
    """All samples where the rule must see them; a rate that rises and falls where batches are small."""
    plan = Recipe(rule_name=name, hidden=(3,)).plan(200)
    assert type(plan.rule) is WHOLE_RULES[name]
    assert plan.batch_size == (None if plan.rule.full_batch else 32)
    if not plan.rule.full_batch:
        assert isinstance(plan.rule.learning_rate, Cosine)
    else:
        assert plan.rule == WHOLE_RULES[name]()
        assert plan.epochs == 1000


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"rule_name": "rprop", "batch_size": 16}, "must see all samples; leave the batch size out"),
        ({"rule_name": "rprop", "learning_rate": 0.1}, "has no learning rate"),
        ({"rule_name": "rprop", "rule_settings": (("increse", 1.3),)}, "did you mean 'increase'"),
        ({"rule_name": "line_search", "rule_settings": (("method", "armijo"),)}, "golden, brent"),
    ],
)
def test_what_a_recipe_cannot_do(settings: dict[str, Any], words: str) -> None:
    """In a sentence, before anything is trained."""
    with pytest.raises(SettingError, match=words):
        Recipe(**settings).plan(200)


def test_a_recipe_takes_what_is_given() -> None:
    """Rates, words and momentum reach the rule."""
    assert Recipe(rule_name="quickprop", learning_rate=0.1).rule() == Quickprop(0.1)
    words = (("method", "brent"), ("along", "momentum"))
    expected = LineSearch(0.5, "momentum", "brent")
    assert Recipe(rule_name="line_search", momentum=0.5, rule_settings=words).rule() == expected


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("rule", [Rprop(), LineSearch(), Muon(0.05)], ids=lambda rule: rule.name)
def test_estimators_take_them(rule: Any) -> None:
    """With the batches that they must have; where these are asked otherwise, they say so."""
    X, y = load_iris(return_X_y=True)
    model = MLPClassifier((8,), solver=rule, max_iter=100, random_state=0).fit(scale(X), y)
    assert model.score(scale(X), y) > 0.9
    if rule.full_batch:
        for refused in ({"batch_size": 16}, {"weight_decay": 0.1}, {"clip_norm": 1.0}):
            with pytest.raises(SettingError, match=rule.name):
                MLPClassifier((8,), solver=rule, **refused).fit(X, y)
        with pytest.raises(SettingError, match="partial_fit"):
            MLPClassifier((8,), solver=rule).partial_fit(X, y, classes=np.arange(3))
