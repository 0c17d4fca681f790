"""The rooms of the house: each imports only from rooms above it, and importing schuss stays cheap."""

import ast
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import schuss

SOURCE = Path(schuss.__file__).parent
ROOMS = ["errors", "method", "engine", "training", "insight", "adapters", "interface"]
FREE = {"__init__", "__main__"}  # the front doors may open on every room

HEAVY = (
    *["sklearn", "scipy", "rich", "typer", "click", "safetensors", "pyarrow", "matplotlib"],
    *["pandas", "polars", "starlette", "uvicorn", "dask", "onnx", "optuna"],
)


def imported(source: str) -> Iterator[str]:
    """Yield the full name of every module that some source imports, wherever it stands in it."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute here"
            yield str(node.module)
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def room_of(path: Path) -> str:
    """Return the room that a file of the package stands in."""
    return path.relative_to(SOURCE).with_suffix("").parts[0]


def violations(room: str, source: str) -> list[str]:
    """Return the imports by which a file in `room` reaches into a room below it."""
    below = ROOMS[ROOMS.index(room) + 1 :]
    names = [name.split(".") for name in imported(source)]
    return [".".join(n) for n in names if n[0] == "schuss" and len(n) > 1 and n[1] in below]


FILES = [path for path in sorted(SOURCE.rglob("*.py")) if room_of(path) not in FREE]


def test_every_file_stands_in_a_room() -> None:
    """A new folder must be given its place in the list."""
    assert {room_of(path) for path in FILES} <= set(ROOMS)
    assert len(FILES) > 40


@pytest.mark.parametrize(
    "path", [p for p in FILES if p.stem != "errors"], ids=lambda path: str(path.relative_to(SOURCE))
)
def test_a_file_imports_only_from_rooms_above(path: Path) -> None:
    """Also inside its functions, and also for types alone."""
    assert violations(room_of(path), path.read_text("utf-8")) == []


@pytest.mark.parametrize(
    ("room", "source"),
    [
        ("method", "from schuss.engine.native import NativeEngine"),
        ("engine", "import schuss.training.loop"),
        ("training", "def f():\n    from schuss.adapters import model"),
        ("training", "from schuss import adapters"),
        ("adapters", "if True:\n    import schuss.interface.plots as plots"),
        ("errors", "from schuss.method.state import State"),
    ],
)
def test_a_planted_violation_is_found(room: str, source: str) -> None:
    """The check above can fail; the same import from a lower room is allowed."""
    assert violations(room, source)
    assert not violations("interface", source)


def test_errors_know_others_as_types_only() -> None:
    """What the exceptions carry is named for the type checker and not imported."""
    tree = ast.parse((SOURCE / "errors.py").read_text("utf-8"))
    checked = [node for node in tree.body if isinstance(node, ast.If)]
    tree.body = [node for node in tree.body if node not in checked]

    assert violations("errors", ast.unparse(tree)) == []


def third_parties(source: str) -> set[str]:
    return {name.split(".")[0] for name in imported(source)} - set(sys.stdlib_module_names)


@pytest.mark.parametrize("path", sorted((SOURCE / "method").rglob("*.py")), ids=lambda path: path.name)
def test_the_mathematics_knows_numpy_only(path: Path) -> None:
    """No other package, no files, no threads, no clock."""
    source = path.read_text("utf-8")
    calls = {
        node.func.id
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    }

    assert third_parties(source) <= {"numpy", "schuss"}
    machine = {"os", "io", "pathlib", "threading", "time", "datetime", "socket", "subprocess"}
    assert not {name.split(".")[0] for name in imported(source)} & machine
    assert not calls & {"open", "print", "input", "exec", "eval"}
    assert third_parties("import torch, os") == {"torch"}


def modules_after(statement: str) -> set[str]:
    """Return the names of all modules that a fresh interpreter has after a statement."""
    code = f"import json, sys\n{statement}\nprint(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)  # noqa: S603  # our own command
    return set(json.loads(done.stdout))


def loaded_by(statement: str) -> set[str]:
    """Return their top names."""
    return {name.split(".")[0] for name in modules_after(statement)}


def called(*words: str) -> str:
    """Return the statement that runs a command."""
    return (
        f"import contextlib, io\nsys.argv = ['schuss', *{words!r}]\n"
        "from schuss.interface.cli import main\n"
        "with contextlib.suppress(SystemExit), contextlib.redirect_stdout(io.StringIO()) as told:\n"
        "    main()\nassert told.getvalue()"
    )


def test_importing_schuss_loads_numpy_and_no_more() -> None:
    """And training with it loads no more either; what is lazy comes when it is used."""
    statement = (
        "import schuss\n"
        "schuss.train(schuss.Network([2, 1]), [[1.0, 2.0]], [[1.0]], epochs=1).predict([[1.0, 2.0]])"
    )
    loaded = loaded_by(statement)

    assert "numpy" in loaded
    assert not loaded & set(HEAVY)
    known = loaded_by("import numpy.random") | set(sys.stdlib_module_names)
    assert {name for name in loaded - known if not name.startswith("_")} == {"schuss"}
    assert "sklearn" in loaded_by("import schuss\nschuss.MLPClassifier")


def test_versions_of_packages_are_looked_up_when_asked_for() -> None:
    """Python's own reader of them takes half as long to load as schuss."""
    asked = "from schuss.training.sealed import package_version"

    assert "importlib.metadata" not in modules_after(asked)
    assert "importlib.metadata" in modules_after(f"{asked}\npackage_version('numpy')")


def test_asking_for_help_is_cheap() -> None:
    """The command line's front page needs neither scikit-learn nor SciPy."""
    assert not loaded_by(called("--help")) & {"sklearn", "scipy", "pandas", "pyarrow", "matplotlib"}


def test_a_command_loads_what_it_needs(tmp_path: Path) -> None:
    """Training on a table of numbers, words and classes, and predicting from it, load none of the heavy ones.

    What does load them is noticed.
    """
    table, model = tmp_path / "table.csv", tmp_path / "model"
    table.write_text("x,town,y\n" + "".join(f"{i},{'ab'[i % 2]},{i % 3}\n" for i in range(60)), "utf-8")
    train = ("train", str(table), "--target", "y", "--epochs", "1", "--no-record", "--out", str(model))
    real = [("train", name, "--epochs", "1", "--no-record") for name in ("digits", "iris", "diabetes")]
    allowed = {"rich", "typer", "click", "safetensors"}

    for words in (train, ("predict", str(model), str(table)), ("evaluate", str(model), str(table)), *real):
        assert not loaded_by(called(*words)) & set(HEAVY) - allowed, words
    assert "sklearn" in loaded_by(f"import sklearn\n{called(*train)}")


def test_only_the_command_that_is_called_is_loaded() -> None:
    """Its help does not bring in the others; that of the program does."""
    train, race = "schuss.interface.cli.train", "schuss.interface.cli.race"
    alone, together = modules_after(called("train", "--help")), modules_after(called("--help"))

    assert train in alone
    assert race not in alone
    assert {train, race} <= together
