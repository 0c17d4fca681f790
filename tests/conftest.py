"""What every test stands on: the engines of this machine, fixed seeds, and no silently missing kernel."""

import os
import random
import signal
import zlib
from pathlib import Path

import hypothesis
import numpy as np
import pytest

import engines
from schuss.adapters import recipe, tuning_problem
from schuss.engine import native

# Derandomized: a run of the suite is a function of the code. No deadline: the machine may be shared.
hypothesis.settings.register_profile(
    "schuss",
    derandomize=True,
    deadline=None,
    max_examples=60,
    suppress_health_check=[hypothesis.HealthCheck.function_scoped_fixture],
)
hypothesis.settings.load_profile("schuss")


def pytest_configure() -> None:
    """Refuse to run without the compiled kernel, unless that is what is being tested."""
    # Where these are set, pytest draws failed comparisons of bytes line by line: half a minute a broken twin.
    for name in ("CI", "BUILD_NUMBER"):
        os.environ.pop(name, None)
    if not native.available() and os.environ.get("SCHUSS_ALLOW_NO_KERNEL") != "1":
        raise pytest.UsageError(
            f"the compiled kernel is missing ({native.MISSING}), so its tests would be skipped. "
            "Build it, or set SCHUSS_ALLOW_NO_KERNEL=1 to test the package without it."
        )


@pytest.fixture(autouse=True, scope="session")
def _ctrl_c_is_heard() -> None:
    """Hear Ctrl-C where the shell has turned it off, as it does for what it runs in the background."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True, scope="session")
def _runs_elsewhere(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Let the command line record in a folder of the test session's own."""
    os.environ["SCHUSS_RUNS"] = str(tmp_path_factory.mktemp("runs"))


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Return a folder of this test's own, where the command line records."""
    monkeypatch.setenv("SCHUSS_RUNS", str(tmp_path / "runs"))
    return tmp_path / "runs"


@pytest.fixture
def quick_tuning(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the search for settings use fewer folds, and starts with fewer steps."""
    monkeypatch.setattr(tuning_problem, "FOLDS", {1000: (3, 2)})
    monkeypatch.setattr(recipe, "STEPS", 60)
    monkeypatch.setattr(recipe, "LEAST_EPOCHS", 2)


@pytest.fixture(autouse=True)
def _fixed_seeds() -> None:
    """Seed the global generators, which other people's code draws from."""
    random.seed(0)
    np.random.seed(0)  # noqa: NPY002  # scikit-learn draws from this one


@pytest.fixture
def rng(request: pytest.FixtureRequest) -> np.random.Generator:
    """Return a generator whose seed is the test's own name, so that tests do not depend on their order."""
    return np.random.default_rng(zlib.crc32(request.node.name.encode()))


@pytest.fixture(params=engines.ALL)
def engine(request: pytest.FixtureRequest) -> engines.Engine:
    """Return each engine that can run here, one after the other, on one thread."""
    return engines.make_engine(request.param)


@pytest.fixture(params=engines.NATIVE)
def native_engine(request: pytest.FixtureRequest) -> engines.Engine:
    """Return each instruction set of the compiled engine."""
    return engines.make_engine(request.param)


@pytest.fixture(params=engines.NATIVE)
def isa(request: pytest.FixtureRequest) -> str:
    """Return the name of each instruction set, as the kernel knows it."""
    return request.param.removeprefix("native-")
