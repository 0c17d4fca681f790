"""Which engine runs. Never a silent fallback: without the kernel, ``auto`` warns once and says why."""

from __future__ import annotations

import warnings

from schuss.engine import native
from schuss.engine.bfloat16 import Bfloat16Engine
from schuss.engine.engine import Engine, EngineInfo
from schuss.engine.reference import ReferenceEngine
from schuss.errors import KernelMissingWarning
from schuss.method.checks import check_choice

__all__ = ["ENGINES", "engine_like", "engine_named", "with_full_products"]

ENGINES = ("auto", "native", "reference", "bfloat16")

_warned = False


def engine_named(name: str | Engine = "auto", threads: int | None = None) -> Engine:
    """Return the engine called `name`; an engine is returned as it is.

    Parameters
    ----------
    name : {"auto", "native", "reference", "bfloat16"} or Engine
        ``"auto"`` is native where the kernel is installed.
    threads : int, optional
        For the native engine: at most so many.

    Raises
    ------
    SettingError
        An unknown name.
    EngineError
        ``"native"`` without the kernel, ``"bfloat16"`` on a processor without such products.
    """
    if not isinstance(name, str) and hasattr(name, "advance"):
        return name
    check_choice("engine", name, ENGINES)
    if name == "bfloat16":
        return Bfloat16Engine(threads)
    if name == "reference" or (name == "auto" and not native.available()):
        if name == "auto":
            _warn_once()
        return ReferenceEngine()
    return native.NativeEngine(threads)


def same_kind(info: EngineInfo) -> str:
    """Return the name of the kind of engine that `info` tells of, for a question that asks for no bits."""
    return "reference" if info.engine == "reference" else "auto"


def engine_like(info: EngineInfo, threads: int | None = None) -> Engine:
    """Return an engine with the arithmetic that `info` tells of, or the nearest that there is here."""
    if info.engine == "reference":
        return ReferenceEngine()
    if info.engine == "bfloat16":
        return Bfloat16Engine(threads)
    fused = info.arithmetic == "fused"
    alike = [name for name, fuses in native.instruction_sets().items() if fuses == fused]
    if not alike or native.NativeEngine(threads).info.arithmetic == info.arithmetic:
        return engine_named("auto", threads)
    return native.NativeEngine(threads, alike[0])


def with_full_products(engine: Engine) -> Engine:
    """Return an engine that can be asked in float64 how a loss bends: the same, or native for bfloat16."""
    return native.NativeEngine(engine.info.threads) if engine.info.engine == "bfloat16" else engine


def _warn_once() -> None:
    global _warned  # noqa: PLW0603  # once per process is once per process
    if not _warned:
        _warned = True
        warnings.warn(
            f"schuss runs WITHOUT its compiled kernel ({native.MISSING}): the readable engine is "
            "many times slower. Install a C++ compiler and reinstall; engine='reference' silences this.",
            KernelMissingWarning,
            stacklevel=3,
        )
