"""The engines of this build and processor, by test id. Holds no test."""

from collections.abc import Callable
from functools import partial

from schuss.engine import native
from schuss.engine.engine import Engine
from schuss.engine.native import NativeEngine
from schuss.engine.reference import ReferenceEngine

__all__ = ["ALL", "FUSED", "NATIVE", "make_engine"]

INSTRUCTION_SETS = native.instruction_sets()
NATIVE = [f"native-{name}" for name in INSTRUCTION_SETS]
FUSED = [f"native-{name}" for name, fused in INSTRUCTION_SETS.items() if fused]
ALL = ["reference", *NATIVE]

_MAKERS: dict[str, Callable[..., Engine]] = {
    f"native-{name}": partial(NativeEngine, instruction_set=name) for name in INSTRUCTION_SETS
}


def make_engine(name: str, threads: int = 1) -> Engine:
    """Return the engine with test id `name`; the reference engine knows no threads."""
    return ReferenceEngine() if name == "reference" else _MAKERS[name](threads)
