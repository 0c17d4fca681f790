"""scikit-learn's own tests of its MLP pass with our two classes in the place of its own.

Nothing is copied: the module is read from the installed scikit-learn, its import of the two classes is
pointed at us, and what it then defines is collected here, with its parameters and its fixtures. Left out is
only what reads a private attribute, and a test below holds the list to exactly that.
"""

import ast
import importlib.util
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sklearn

import schuss

MODULE = "sklearn.neural_network.tests.test_mlp"
MINOR = "1.9"  # whose behaviour ours is; we run with older ones too, where its tests say other things
CLASSES = {"MLPClassifier", "MLPRegressor"}

LEFT_OUT = {
    "test_gradient": "calls _loss_grad_lbfgs; tests/method and tests/engine judge our gradients",
    "test_learning_rate_warmstart": "reads _optimizer.learning_rate; test_scikit_learn_agreement.py has it",
    "test_adaptive_learning_rate": "reads _optimizer.learning_rate; test_scikit_learn_agreement.py has it",
    "test_n_iter_no_change": "reads _no_improvement_count; test_scikit_learn_agreement.py compares n_iter_",
    "test_n_iter_no_change_inf": "reads _no_improvement_count; test_scikit_learn_agreement.py has it",
}


def source_of(module: str) -> Path:
    """Return the installed file of scikit-learn's tests, or skip all of ours with the reason."""
    if not sklearn.__version__.startswith(MINOR + "."):
        reason = f"scikit-learn {sklearn.__version__} is installed; its suite is run for {MINOR}"
        pytest.skip(reason, allow_module_level=True)
    package = module.rpartition(".")[0]
    if importlib.util.find_spec(package) is None or not (spec := importlib.util.find_spec(module)):
        pytest.skip("this scikit-learn was installed without its tests", allow_module_level=True)
    return Path(str(spec.origin))


def with_our_classes(tree: ast.Module) -> ast.Module:
    """Let the module import the two classes from schuss; there must be one such import, and no other."""
    places = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and CLASSES & {alias.name for alias in node.names}
    ]
    assert [node.module for node in places] == ["sklearn.neural_network"], "found elsewhere, or not at all"
    places[0].module = "schuss"
    return tree


def run_module(path: Path) -> dict[str, Any]:
    """Execute scikit-learn's tests with our classes and return what they define."""
    tree = with_our_classes(ast.parse(path.read_text("utf-8")))
    module = types.ModuleType(f"{__name__}.theirs")
    exec(compile(tree, path, "exec"), vars(module))  # noqa: S102  # scikit-learn's own file
    return vars(module)


def private_reads(function: ast.FunctionDef) -> Iterator[str]:
    """Yield the private attributes that a test reads; what it merely writes is harmless."""
    for node in ast.walk(function):
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load) and node.attr[0] == "_":
            yield node.attr


PATH = source_of(MODULE)
THEIRS = run_module(PATH)
TESTS = {name: value for name, value in THEIRS.items() if name.startswith("test_")}
globals().update({name: value for name, value in TESTS.items() if name not in LEFT_OUT})


@pytest.fixture
def global_random_seed() -> int:
    """Return the seed that scikit-learn's conftest gives where nobody asks for others."""
    return 42


def test_the_classes_tested_are_ours() -> None:
    """Every name under which the module knows an MLP is one of ours."""
    for name in CLASSES:
        assert THEIRS[name] is getattr(schuss, name)
    assert len(TESTS) > 40


def test_only_what_reads_a_private_attribute_is_left_out() -> None:
    """The list is what its heading says: no test is left out that could be run, nor kept against it."""
    functions = (
        node for node in ast.parse(PATH.read_text("utf-8")).body if isinstance(node, ast.FunctionDef)
    )
    assert {f.name for f in functions if f.name in TESTS and any(private_reads(f))} == set(LEFT_OUT)


@pytest.mark.parametrize(
    "source",
    [
        "from sklearn.linear_model import Ridge",
        "from sklearn.neural_network import MLPClassifier\nfrom sklearn.neural_network import MLPRegressor",
        "from sklearn.neural_network._multilayer_perceptron import MLPClassifier",
    ],
)
def test_a_module_that_has_the_classes_from_elsewhere_is_refused(source: str) -> None:
    """Else a part of the suite would run against scikit-learn's own, and pass."""
    with pytest.raises(AssertionError, match="found elsewhere"):
        with_our_classes(ast.parse(source))
