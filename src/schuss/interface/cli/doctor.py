"""``schuss doctor``: which engine runs here, and whether it is right."""

from __future__ import annotations

import platform
import time
from typing import Annotated, Any

import typer

from schuss.interface.cli.exits import FAILED
from schuss.interface.cli.output import print_json, print_table

__all__ = ["doctor", "self_test"]

PACKAGES = ("schuss", "numpy", "scikit-learn", "safetensors", "typer", "rich")
EXTRAS = ("pyarrow", "matplotlib", "optuna", "torch")


def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="Print the findings as JSON.")] = False,
) -> None:
    """Say which engine, instruction set, threads and versions are here, and test them in a second."""
    findings = {**engine_findings(), "python": platform.python_version(), **versions()}
    passed, test = self_test()
    findings["self-test"] = test
    if as_json:
        print_json(findings | {"passed": passed})
    else:
        print_table(("", ""), findings.items(), header=False)
    if not passed:
        raise typer.Exit(FAILED)


def engine_findings() -> dict[str, str]:
    """Return which engine runs by default and what it runs on."""
    from schuss.engine import native

    if not native.available():
        return {"engine": "reference, many times slower: the compiled kernel is not installed"}
    info = native.NativeEngine().info
    return {
        "engine": f"native, {info.arithmetic} arithmetic, built by {info.compiler}",
        "instruction set": f"{info.instruction_set} (here: {', '.join(native.instruction_sets())})",
        "threads": str(info.threads),
    }


def versions() -> dict[str, str]:
    """Return the versions of what schuss stands on."""
    from importlib.metadata import PackageNotFoundError, version

    found = {}
    for name in (*PACKAGES, *EXTRAS):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "not installed"
    return found


def self_test() -> tuple[bool, str]:
    """Train a small network on each engine and instruction set; compare weights and bits."""
    import numpy as np

    from schuss.engine import native
    from schuss.engine.reference import ReferenceEngine
    from schuss.method.network import Network
    from schuss.method.plan import Plan
    from schuss.method.samples import Samples
    from schuss.method.state import State

    began = time.perf_counter()
    network = Network([17, 33, 5], "tanh", "cross_entropy")
    X = Network([96, 17]).initial(3)[: 96 * 17].reshape(96, 17)
    samples = Samples.check(network, X, np.arange(96) % 5)
    plan = Plan(epochs=5, batch_size=20, l2=0.1)
    start = State.start(network.initial(1), 1)
    sets = native.instruction_sets()
    engines: list[Any] = [
        ReferenceEngine(),
        *(native.NativeEngine(instruction_set=s) for s in sets),
    ]
    ends = [e.advance(network, start, samples, plan, plan.steps(96)).state for e in engines]
    apart = max((float(np.abs(end.theta - ends[0].theta).max()) for end in ends), default=0.0)
    fused = {end.digest() for end, ok in zip(ends[1:], sets.values(), strict=True) if ok}
    seconds = time.perf_counter() - began
    if apart > 1e-10:
        return False, f"FAILED: engines differ by {apart:.2g}"
    if len(fused) > 1:
        return False, "FAILED: instruction sets give different bits"
    if len(ends) == 1:
        return (
            True,
            f"passed: the reference engine runs; there is no other to compare, {seconds:.2f} s",
        )
    equal = f"equal bits on {sum(sets.values())} instruction sets"
    return True, f"passed: {len(ends)} engines agree to {apart:.1g}, {equal}, {seconds:.2f} s"
