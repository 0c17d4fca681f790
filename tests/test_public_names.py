"""What the package offers by name: the list is complete, sorted, and every name is there."""

import importlib
import pkgutil
import types
from pathlib import Path

import pytest

import schuss
from schuss import errors

MODULES = sorted(
    m.name
    for m in pkgutil.walk_packages(schuss.__path__, "schuss.")
    if not m.name.endswith(("._kernel", ".__main__"))
)


def test_the_public_names_are_sorted_and_importable() -> None:
    """Without doubles, in the order of the alphabet, capitals first."""
    assert sorted(set(schuss.__all__)) == schuss.__all__
    for name in schuss.__all__:
        assert getattr(schuss, name) is not None
    assert set(schuss.__all__) <= set(dir(schuss))


def test_nothing_public_is_missing_from_the_list() -> None:
    """What `schuss` shows without an underscore is listed, or is one of its modules."""
    shown = {
        name
        for name, value in vars(schuss).items()
        if not name.startswith("_") and not isinstance(value, types.ModuleType)
    }
    assert shown - {"annotations", "TYPE_CHECKING", "Any"} <= set(schuss.__all__)
    assert "train" in shown


def test_the_list_is_the_agreed_one() -> None:
    """Adding or taking away a name is a decision; this is the record of it."""
    assert schuss.__all__ == [
        *["Adagrad", "Adam", "AggMo", "AveragedMomentum", "Blocks", "ConjugateGradients"],
        *["Conversion", "Cosine", "Custom", "DataError", "Demon", "Derivation", "DivergenceError"],
        *["EngineError", "Epoch", "Exponential", "GradientDescent", "IRpropMinus", "IRpropPlus"],
        *["Init", "Inverse", "InverseScaling", "Keep", "KernelMissingWarning", "Lbfgs"],
        *["LineSearch", "Lion", "Listed", "Lookahead", "Loss", "MLPClassifier", "MLPRegressor"],
        *["MissingExtraError", "ModelFileError", "Momentum", "Muon", "Nesterov", "Nesterov1983"],
        *["NesterovLookAhead", "Network", "Newton", "OneCycle", "OuterMomentum", "OutputError"],
        *["Plan", "Plateau", "QuasiHyperbolic", "Quickprop", "RMSprop", "Race", "RangeTest"],
        *["RecordError", "ReplayError", "Restart", "Rprop", "Run", "ScheduleFree", "SchussError"],
        *["SchussWarning", "SettingError", "SharpnessTracker", "StabilityMap", "State", "Step"],
        *["Study", "Sutskever", "Sweep", "Tick", "TrainingInterrupted", "Tuned", "WarmUp"],
        *["change_batch_size", "compare", "convert", "curvature", "derive", "load_model"],
        *["load_run", "load_study", "race", "range_test", "read_table", "save_model"],
        *["stability_map", "sweep", "train", "tune", "velocity_correction"],
    ]


def test_every_error_of_the_tree_is_public() -> None:
    """What can be raised can be caught by name."""
    kinds = {name for name in errors.__all__ if isinstance(getattr(errors, name), type)}

    assert kinds <= set(schuss.__all__)
    for name in kinds:
        assert name in (errors.__doc__ or "")


def test_an_unknown_name_is_an_attribute_error() -> None:
    """As for every module."""
    with pytest.raises(AttributeError, match="module 'schuss' has no attribute 'trane'"):
        schuss.trane  # noqa: B018  # asking is the test


@pytest.mark.parametrize("name", MODULES)
def test_every_module_lists_names_that_it_has(name: str) -> None:
    """`__all__` holds no name that is not there, none twice; packages that only hold others have none."""
    module = importlib.import_module(name)
    listed = getattr(module, "__all__", None)
    if listed is None:
        assert Path(str(module.__file__)).name == "__init__.py"
        return
    assert [n for n in listed if not hasattr(module, n)] == []
    assert len(set(listed)) == len(listed)


def test_the_package_is_typed() -> None:
    """Type checkers look for the marker."""
    assert (Path(schuss.__file__).parent / "py.typed").exists()
