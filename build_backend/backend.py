"""The build backend: scikit-build-core, and what to do where no C++ compiler is found.

With a compiler on the PATH this is scikit-build-core and nothing else. Without one, the build asks for
the ``ziglang`` wheel, which brings a compiler. Where even that fails, a wheel without the kernel is
built, with a loud message: schuss then runs on its readable engine and says so.
"""

from __future__ import annotations

import os
import shutil
import stat
import sys
import tempfile
from pathlib import Path
from typing import Any

from scikit_build_core import build as _build
from scikit_build_core.build import (
    build_sdist,
    get_requires_for_build_sdist,
    prepare_metadata_for_build_editable,
    prepare_metadata_for_build_wheel,
)

__all__ = [
    "build_editable",
    "build_sdist",
    "build_wheel",
    "get_requires_for_build_editable",
    "get_requires_for_build_sdist",
    "get_requires_for_build_wheel",
    "prepare_metadata_for_build_editable",
    "prepare_metadata_for_build_wheel",
]

Settings = dict[str, Any] | None

COMPILERS = ("c++", "g++", "clang++")
WITHOUT_KERNEL = {"wheel.cmake": "false"}
RULER = "=" * 78


def has_compiler() -> bool:
    """Whether CXX names a compiler or one of the usual names is on the PATH."""
    return bool(os.environ.get("CXX")) or any(shutil.which(name) for name in COMPILERS)


def get_requires_for_build_wheel(config_settings: Settings = None) -> list[str]:
    """Return what the build needs, ziglang among it where no compiler is found."""
    needed = list(_build.get_requires_for_build_wheel(config_settings))
    return needed if has_compiler() else [*needed, "ziglang"]


def get_requires_for_build_editable(config_settings: Settings = None) -> list[str]:
    """Return what an editable build needs."""
    needed = list(_build.get_requires_for_build_editable(config_settings))
    return needed if has_compiler() else [*needed, "ziglang"]


def build_wheel(
    wheel_directory: str, config_settings: Settings = None, metadata_directory: str | None = None
) -> str:
    """Build a wheel, with the kernel if at all possible."""
    return _build_somehow(_build.build_wheel, wheel_directory, config_settings, metadata_directory)


def build_editable(
    wheel_directory: str, config_settings: Settings = None, metadata_directory: str | None = None
) -> str:
    """Build an editable wheel, with the kernel if at all possible."""
    return _build_somehow(_build.build_editable, wheel_directory, config_settings, metadata_directory)


def _build_somehow(build: Any, directory: str, settings: Settings, metadata_directory: str | None) -> str:
    with tempfile.TemporaryDirectory() as folder:
        if not has_compiler():
            _use_zig(Path(folder))
        try:
            return str(build(directory, settings, metadata_directory))
        except (Exception, SystemExit) as error:  # whatever went wrong, a slow package beats none
            if os.environ.get("SCHUSS_REQUIRE_KERNEL", "") not in ("", "0"):
                raise
            _say_loudly(error)
            # None: the metadata prepared before promised a platform, this wheel has none
            return str(build(directory, {**(settings or {}), **WITHOUT_KERNEL}, None))


def _use_zig(folder: Path) -> None:
    """Make CMake take zig for its compiler and archiver."""
    # baseline: zig would otherwise compile for the processor at hand, and the wheel may travel
    os.environ["CXX"] = _script(folder / "zig-c++", "c++ -mcpu=baseline")
    tools = {"AR": "ar", "RANLIB": "ranlib"}
    places = {name: _script(folder / f"zig-{tool}", tool) for name, tool in tools.items()}
    asked = [f"-DCMAKE_{name}={place}" for name, place in places.items()]
    os.environ["CMAKE_ARGS"] = " ".join([os.environ.get("CMAKE_ARGS", ""), *asked])


def _script(path: Path, tool: str) -> str:
    """Write a script that runs one of zig's tools, and return its path."""
    path.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m ziglang {tool} "$@"\n')
    path.chmod(path.stat().st_mode | stat.S_IEXEC)
    return str(path)


def _say_loudly(error: BaseException) -> None:
    text = (
        f"\n{RULER}\nschuss: the compiled kernel could not be built:\n  {error}\n"
        "schuss is installed WITHOUT it and will run on its readable engine, many times slower.\n"
        "Install a C++ compiler and reinstall; `schuss doctor` tells which engine runs.\n"
        f"{RULER}\n"
    )
    print(text, file=sys.stderr, flush=True)
