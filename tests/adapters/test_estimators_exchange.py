"""The same network elsewhere: scikit-learn's estimators, PyTorch, skops files, and HTML to look at."""

import re
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import sklearn.linear_model
import sklearn.neural_network
from by_hand import QUICK, classes, labels, numbers, real, same_weights, theta_of
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from comparisons import assert_near
from schuss import Cosine, MLPClassifier, MLPRegressor, SettingError
from schuss.adapters.estimators.html import summary

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

X, Y = classes()
WORDS = np.array(["low", "mid", "top"])[Y]

# Every kind of target that scikit-learn knows, and settings that leave traces in attributes
TARGETS: dict[str, tuple[str, Any, dict[str, Any]]] = {
    "two classes": ("MLPClassifier", Y > 0, {}),
    "three classes": ("MLPClassifier", Y, {"hidden_layer_sizes": ()}),
    "words": ("MLPClassifier", WORDS, {"early_stopping": True}),
    "one class": ("MLPClassifier", np.full(90, "only"), {}),
    "labels": ("MLPClassifier", labels()[1], {"activation": "logistic"}),
    "a number": ("MLPRegressor", X[:, 0], {"solver": "sgd", "learning_rate": "adaptive"}),
    "numbers": ("MLPRegressor", X[:, :2], {"solver": "lbfgs", "activation": "tanh"}),
    "counts": ("MLPRegressor", Y, {"loss": "poisson", "hidden_layer_sizes": (5, 4)}),
}
# Up to the rounding of one forward pass in another library
SAME = {"float64": 1e-12, "float32": 1e-5}


def fitted(source: Any, target: str, dtype: str = "float64", **more: Any) -> Any:
    name, y, how = TARGETS[target]
    if "poisson" in how.values() and "loss" not in sklearn.neural_network.MLPRegressor().get_params():
        pytest.skip("before 1.7 scikit-learn's MLPRegressor has one loss")
    kind = getattr(source, name) if source is sklearn.neural_network else KINDS[name]
    return kind(**{**QUICK, **how, **more}).fit(X.astype(dtype), y)


KINDS = {"MLPClassifier": MLPClassifier, "MLPRegressor": MLPRegressor}


def assert_predicts_the_same(a: Any, b: Any, dtype: str = "float64") -> None:
    """Fail unless two estimators predict the same, probabilities included."""
    inputs = X.astype(dtype)
    if hasattr(a, "predict_proba"):
        assert_near(a.predict_proba(inputs), b.predict_proba(inputs), SAME[dtype], "probabilities")
        np.testing.assert_array_equal(a.predict(inputs), b.predict(inputs))
        assert a.classes_.tolist() == b.classes_.tolist()
    else:
        assert_near(a.predict(inputs), b.predict(inputs), SAME[dtype], "predictions")


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_to_scikit_learn_and_back(target: str, dtype: str) -> None:
    """Its estimator predicts what ours does, and ours made from it; they share no weights."""
    ours = fitted(None, target, dtype)
    theirs = ours.to_sklearn()
    assert type(theirs) is getattr(sklearn.neural_network, type(ours).__name__)
    back = type(ours).from_sklearn(theirs)

    assert_predicts_the_same(theirs, ours, dtype)
    assert same_weights(back, ours)
    assert_predicts_the_same(back, ours, dtype)
    theirs.coefs_[0][...] = 0
    assert same_weights(back, ours)
    theirs.intercepts_[-1][...] += 0.01
    with pytest.raises(AssertionError, match="differ"):
        assert_predicts_the_same(theirs, ours, dtype)
    shared = theirs.get_params()
    assert {name: ours.get_params()[name] for name in shared} == shared


@pytest.mark.parametrize("target", TARGETS)
def test_from_scikit_learn(target: str) -> None:
    """Ours made from its fitted estimator predicts the same, with its parameters and its history."""
    theirs = fitted(sklearn.neural_network, target)
    ours = KINDS[type(theirs).__name__].from_sklearn(theirs)

    assert_predicts_the_same(ours, theirs)
    for name in ("n_iter_", "t_", "loss_", "n_features_in_", "n_outputs_", "out_activation_"):
        assert getattr(ours, name) == getattr(theirs, name), name
    assert getattr(ours, "loss_curve_", None) == getattr(theirs, "loss_curve_", None)


@pytest.mark.parametrize("kind", ["MLPClassifier", "MLPRegressor"])
def test_training_goes_on_after_an_exchange(kind: str) -> None:
    """An estimator made from scikit-learn's learns on, judged too, and leaves the other's history alone."""
    X, y = real("iris")
    theirs = getattr(sklearn.neural_network, kind)(**QUICK, solver="sgd").fit(X, y)
    ours = KINDS[kind].from_sklearn(theirs)
    for _ in range(20):
        ours.partial_fit(X, y, X_val=X, y_val=y)
    assert (len(theirs.loss_curve_), len(ours.loss_curve_), len(ours.validation_loss_curve_)) == (15, 35, 20)
    assert ours.loss_ < theirs.loss_
    again = ours.to_sklearn()
    again.partial_fit(X, y)
    assert (len(again.loss_curve_), len(ours.loss_curve_)) == (36, 35)


def test_a_list_of_one_activation_is_scikit_learns_one() -> None:
    """An estimator with an activation per layer, all of them the same, can be exchanged."""
    ours = MLPClassifier(**QUICK | {"hidden_layer_sizes": (5, 5)}, activation=["tanh", "tanh"]).fit(X, Y)
    theirs = ours.to_sklearn()
    assert theirs.activation == "tanh"
    assert_predicts_the_same(theirs, ours)


LACKING: list[tuple[Any, dict[str, Any], str]] = [
    (MLPRegressor, {"activation": "silu"}, "scikit-learn has one of identity, logistic, tanh, relu"),
    (MLPRegressor, {"hidden_layer_sizes": (4, 4), "activation": ("relu", "tanh")}, "for all hidden layers"),
    (MLPRegressor, {"loss": "huber"}, "scikit-learn has no such network"),
    (MLPRegressor, {"loss": "quantile"}, "scikit-learn has no such network"),
    (MLPRegressor, {"allow_nan": True}, "no filled gaps"),
    (MLPClassifier, {"loss": "focal"}, "only its own losses"),
]


@pytest.mark.parametrize(
    ("kind", "how", "sentence"), LACKING, ids=lambda v: str(v) if isinstance(v, dict) else None
)
def test_what_scikit_learn_lacks_does_not_become_its_estimator(kind: Any, how: Any, sentence: str) -> None:
    """A conversion that would predict otherwise is an error; so is one from an estimator of another kind."""
    with pytest.raises(SettingError, match=sentence):
        kind(**{**QUICK, **how}).fit(X, Y > 0).to_sklearn()
    with pytest.raises(NotFittedError):
        kind().to_sklearn()
    tree = sklearn.linear_model.LogisticRegression().fit(X, Y > 0)
    with pytest.raises(SettingError, match=f"{kind.__name__} is made from scikit-learn's {kind.__name__}"):
        kind.from_sklearn(tree)


def test_several_columns_of_classes_do_not_become_scikit_learns() -> None:
    """It has no such classifier."""
    model = MLPClassifier(**QUICK).fit(X, np.column_stack([Y, Y > 0]))
    with pytest.raises(SettingError, match="one group of outputs"):
        model.to_sklearn()


TORCH: dict[str, tuple[Any, Any, dict[str, Any]]] = {
    **{f: (MLPRegressor, X[:, :2], {"activation": f, "hidden_layer_sizes": (5, 4)}) for f in
       ("identity", "logistic", "tanh", "relu", "leaky_relu", "elu", "softplus", "silu", "gelu")},
    "softmax": (MLPClassifier, Y, {}),
    "focal": (MLPClassifier, Y, {"loss": "focal"}),
    "two classes": (MLPClassifier, Y > 0, {}),
    "exp": (MLPRegressor, Y, {"loss": "poisson"}),
    "no hidden layer": (MLPRegressor, Y, {"hidden_layer_sizes": ()}),
}  # fmt: skip


@pytest.mark.parametrize("case", TORCH)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_network_as_a_torch_module(case: str, dtype: str) -> None:
    """Its outputs are the predictions; the weights are copies, and ready for gradients."""
    torch = pytest.importorskip("torch")
    kind, y, how = TORCH[case]
    inputs = X.astype(dtype)
    model = kind(**{**QUICK, **how}).fit(inputs, y)
    before, module = theta_of(model), model.to_torch()
    expected = model.predict_proba(inputs) if kind is MLPClassifier else model.predict(inputs).reshape(90, -1)

    with torch.no_grad():
        found = module(torch.from_numpy(inputs)).numpy()
        assert found.dtype == dtype
        assert_near(found, expected[:, -found.shape[1] :], SAME[dtype])
        module[-2].bias[0] += 0.5
        with pytest.raises(AssertionError, match="differ"):
            assert_near(module(torch.from_numpy(inputs)).numpy(), expected[:, -found.shape[1] :], SAME[dtype])
    assert sum(p.numel() for p in module.parameters() if p.requires_grad) == model.network_.n_parameters
    np.testing.assert_array_equal(theta_of(model), before)


SAVED: dict[str, Any] = {
    "classes": MLPClassifier(**QUICK),
    "stopped early": MLPClassifier(**QUICK, early_stopping=True, class_weight={0: 2.0}, dropout=0.2),
    "sgd": MLPClassifier(**QUICK, solver="sgd", learning_rate="adaptive"),
    "lbfgs": MLPClassifier(**QUICK, solver="lbfgs"),
    "numbers": MLPRegressor("quantile", quantile=(0.1, 0.9), **QUICK, allow_nan=True),
}


@pytest.mark.parametrize("case", SAVED)
def test_a_skops_file_asks_for_no_trust_but_in_our_class(case: str) -> None:
    """All else in it is plain: it loads to the same predictions, and training goes on to the same bits."""
    io = pytest.importorskip("skops.io")
    y = Y if isinstance(SAVED[case], MLPClassifier) else X[:, 0]
    model = clone(SAVED[case]).fit(X, y)
    if case != "lbfgs":
        model.partial_fit(X[:1], y[:1], **({"X_val": X, "y_val": y} if model.early_stopping else {}))
    data = io.dumps(model)
    kind = type(model)

    assert io.get_untrusted_types(data=data) == [f"{kind.__module__}.{kind.__name__}"]
    loaded = io.loads(data, trusted=io.get_untrusted_types(data=data))
    np.testing.assert_array_equal(loaded.predict(X), model.predict(X))
    if case not in ("lbfgs", "stopped early"):
        assert same_weights(loaded.partial_fit(X, y), model.partial_fit(X, y))
    scheduled = kind(**QUICK, learning_rate_init=Cosine(0.1)).fit(X, y)
    assert len(io.get_untrusted_types(data=io.dumps(scheduled))) > 1  # a schedule is a class


def test_html_tells_of_the_network_and_its_training() -> None:
    """Sizes, activations, loss, epochs, and a curve with a point an epoch, after scikit-learn's view."""
    model = MLPClassifier(**QUICK | {"max_iter": 12}).fit(X, Y, X_val=X, y_val=Y)
    html = model._repr_html_()
    assert html.startswith(MLPClassifier()._repr_html_()[:7])
    for told in ("6-8-3", "relu, softmax", "83 (float64)", f"cross_entropy {model.loss_:.6g}", ">12<"):
        assert told in html, told

    curves = re.findall("<polyline points='([^']*)'", summary(model))
    points = [np.array([point.split(",") for point in curve.split()], float) for curve in curves]
    assert [len(curve) for curve in points] == [12, 12]
    for curve, losses in zip(points, (model.loss_curve_, model.validation_loss_curve_), strict=True):
        assert (np.diff(curve[:, 0]) > 0).all()
        # the axis points down, and is told to a tenth; a straight axis would not pass
        height = np.ptp(np.log(model.loss_curve_ + model.validation_loss_curve_)) / 56
        np.testing.assert_allclose(
            np.diff(curve[:, 1]) * height, -np.diff(np.log(losses)), atol=0.11 * height
        )
    assert "polyline" not in summary(MLPClassifier(**QUICK | {"max_iter": 0}).fit(X, Y))
    assert "schuss-summary" not in MLPClassifier()._repr_html_()


def test_html_holds_no_script_of_ours_and_escapes_what_it_tells() -> None:
    """Whatever a name may hold, it becomes text."""
    model = MLPRegressor(**QUICK).fit(*numbers())
    assert "<script" not in summary(model)
    evil = SimpleNamespace(info=SimpleNamespace(engine="<script>alert('&')</script>"))
    model._memory._engine = ((model.engine, model.n_threads), evil)
    assert "<script" not in summary(model)
    assert "&lt;script&gt;alert(&#x27;&amp;&#x27;)" in summary(model)
