"""An update rule as the solver of an estimator."""

import pickle
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV

from kinds_of_rules import KERNEL_RULES as RULES
from schuss import Adam, AggMo, Lion, MLPClassifier, MLPRegressor, Nesterov, ScheduleFree, SettingError

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
RNG = np.random.default_rng(0)
X = RNG.standard_normal((60, 4))
Y = (X[:, 0] + X[:, 1] ** 2 > 0.7).astype(int)
HOW: dict[str, Any] = {"hidden_layer_sizes": (6,), "random_state": 0, "max_iter": 15}


def weights(model: Any) -> Any:
    return np.concatenate([w.ravel() for w in (*model.coefs_, *model.intercepts_)])


@pytest.mark.parametrize("name", RULES)
def test_every_rule_trains_an_estimator(name: str) -> None:
    """It is cloned, pickled and recorded in the plan as it was given, and predicts what its weights say."""
    rule = RULES[name](learning_rate=0.02)
    model = clone(MLPClassifier(**HOW, solver=rule))
    assert model.get_params()["solver"] == rule
    model.fit(X, Y)

    assert model._memory.plan.rule == rule
    again = pickle.loads(pickle.dumps(model))  # noqa: S301  # our own bytes
    np.testing.assert_array_equal(again.predict_proba(X), model.predict_proba(X))
    other = MLPClassifier(**HOW, solver=replace(rule, learning_rate=0.021)).fit(X, Y)
    assert np.abs(weights(other) - weights(model)).max() > 1e-9


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        (Adam(0.01), {"solver": "adam", "learning_rate_init": 0.01}),
        (Nesterov(0.05, 0.8), {"solver": "sgd", "learning_rate_init": 0.05, "momentum": 0.8}),
    ],
)
def test_a_rule_is_the_solver_that_has_a_name(rule: Any, words: dict[str, Any]) -> None:
    """To the last bit, also when the training goes on from where it was; another rate is another."""
    ours, named = MLPRegressor(**HOW, solver=rule), MLPRegressor(**HOW, **words)
    for _ in range(3):
        for model in (ours, named):
            model.partial_fit(X, X[:, 0])
        np.testing.assert_array_equal(weights(ours), weights(named))
    named = MLPRegressor(**HOW, **words | {"learning_rate_init": 0.03}).fit(X, X[:, 0])
    assert (weights(named) != weights(ours)).any()


def test_a_search_goes_over_rules() -> None:
    """Names and rules side by side."""
    solvers = ["sgd", Lion(0.01), AggMo(0.05)]
    found = GridSearchCV(MLPClassifier(**HOW), {"solver": solvers}, cv=3).fit(X, Y)
    assert found.best_params_["solver"] in solvers
    assert len(set(found.cv_results_["mean_test_score"])) > 1


def test_schedule_free_judges_its_mean_and_does_not_go_on() -> None:
    """The best score is that of the weights it ends with; where it would have to go on it refuses."""
    judged = MLPClassifier(**HOW, solver=ScheduleFree(0.5), early_stopping=True, validation_fraction=0.5)
    judged.fit(X, Y, X_val=X, y_val=Y)
    assert judged.score(X, Y) == judged.best_validation_score_ == max(judged.validation_scores_)

    model = MLPClassifier(**HOW, solver=ScheduleFree(0.5)).fit(X, Y)
    with pytest.raises(SettingError, match="schedule_free trains at another point"):
        model.partial_fit(X, Y)
    with pytest.raises(SettingError, match="without warm_start"):
        model.set_params(warm_start=True).fit(X, Y)


def test_what_is_no_solver_is_refused() -> None:
    """A class instead of a rule, or another name."""
    for wrong in (AggMo, "lion", None):
        with pytest.raises(ValueError, match="The 'solver' parameter of MLPClassifier"):
            MLPClassifier(solver=wrong).fit(X, Y)
