"""Which engine runs: the one that was asked for, and never another in silence."""

import os
import subprocess
import sys

import pytest

import engines
from cases import case_of
from schuss.engine import choice, native
from schuss.engine.choice import engine_named
from schuss.engine.native import NativeEngine
from schuss.engine.reference import ReferenceEngine
from schuss.errors import EngineError, KernelMissingWarning, SettingError
from schuss.method import backprop

needs_kernel = pytest.mark.skipif(not native.available(), reason="built without the kernel on purpose")


@pytest.mark.parametrize("name", engines.ALL)
def test_the_fixture_gives_the_engine_that_it_names(name):
    """The info of each test id's engine says that name and instruction set."""
    info = engines.make_engine(name, threads=1).info
    expected = name if name == "reference" else f"native-{info.instruction_set}"
    assert name == expected
    assert info.engine == name.split("-")[0]


def test_the_native_engine_does_not_run_the_reference(native_engine, monkeypatch):
    """A native gradient uses neither the readable mathematics nor its activations."""

    def refuse(*_args, **_settings):
        raise AssertionError("the native engine called the readable one")

    case = case_of("tanh", "cross_entropy", 2)
    for name in ("forward", "gradient", "error_signals"):
        monkeypatch.setattr(backprop, name, refuse)
    native_engine.gradient(case.network, case.theta, case.samples, case.objective)
    with pytest.raises(AssertionError, match="called the readable one"):
        ReferenceEngine().gradient(case.network, case.theta, case.samples, case.objective)


@needs_kernel
def test_automatic_is_native():
    """With the kernel, "auto" and "native" are the compiled engine on the best instruction set."""
    best = next(iter(native.instruction_sets()))
    for name in ("auto", "native"):
        info = engine_named(name).info
        assert (info.engine, info.instruction_set) == ("native", best)


def test_a_reference_that_is_asked_for():
    """engine="reference" is the readable engine, without a warning."""
    assert engine_named("reference").info.engine == "reference"


def test_an_engine_is_returned_as_it_is():
    """An engine of one's own is taken as it is."""
    mine = ReferenceEngine()
    assert engine_named(mine) is mine


def test_an_unknown_name():
    """A misspelt engine is refused with the nearest name."""
    with pytest.raises(SettingError, match="did you mean 'native'"):
        engine_named("natvie")


def test_without_the_kernel(monkeypatch):
    """Without the kernel, "auto" warns once and runs the reference; "native" is refused."""
    monkeypatch.setattr(native, "_kernel", None)
    monkeypatch.setattr(native, "MISSING", ImportError("no compiler was found"))
    monkeypatch.setattr(choice, "_warned", False)
    with pytest.warns(KernelMissingWarning, match="no compiler was found"):
        assert engine_named("auto").info.engine == "reference"
    assert engine_named("auto").info.engine == "reference"  # a second warning would be an error here
    with pytest.raises(EngineError, match=r"not installed \(no compiler was found\)"):
        engine_named("native")
    assert native.instruction_sets() == {}


@needs_kernel
def test_the_environment_forces_an_instruction_set(monkeypatch):
    """SCHUSS_ISA names the instruction set, in any case; one that is not offered is an EngineError."""
    for name in native.instruction_sets():
        monkeypatch.setenv("SCHUSS_ISA", f" {name.upper()} ")
        assert NativeEngine().info.instruction_set == name
    monkeypatch.setenv("SCHUSS_ISA", "mmx")
    with pytest.raises(EngineError, match=rf"SCHUSS_ISA='mmx'.*{name}"):
        NativeEngine()


@needs_kernel
def test_a_bad_native_engine():
    """Threads are a positive number, and the instruction set must exist here."""
    for threads in (0, -1, 1.5, "2"):
        with pytest.raises(SettingError, match="threads"):
            NativeEngine(threads)
    with pytest.raises(EngineError, match="instruction set must be one of"):
        NativeEngine(1, "mmx")


def test_what_the_info_promises():
    """Fused sets share one arithmetic, the baseline has another, and all say how they were built."""
    for name, fused in native.instruction_sets().items():
        info = NativeEngine(2, name).info
        assert info.arithmetic == ("fused" if fused else "baseline")
        assert info.threads == 2
        assert info.compiler
        assert info.to_dict()["instruction_set"] == name


def run_suite(where: str, **environment: str) -> subprocess.CompletedProcess:
    """Collect the tests in a process whose kernel cannot be imported."""
    hide = "import sys; sys.modules['schuss.engine._kernel'] = None; import pytest; "
    command = hide + f"sys.exit(pytest.main(['-q', '--collect-only', '-p', 'no:cacheprovider', {where!r}]))"
    return subprocess.run(  # noqa: S603  # this interpreter, on this file
        [sys.executable, "-c", command],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_missing_kernel_is_never_skipped_in_silence():
    """Without the kernel the suite refuses to start, unless SCHUSS_ALLOW_NO_KERNEL=1 says so."""
    refused = run_suite(__file__, SCHUSS_ALLOW_NO_KERNEL="")
    assert refused.returncode == pytest.ExitCode.USAGE_ERROR
    assert "the compiled kernel is missing" in refused.stderr + refused.stdout
    assert run_suite(__file__, SCHUSS_ALLOW_NO_KERNEL="1").returncode == pytest.ExitCode.OK
