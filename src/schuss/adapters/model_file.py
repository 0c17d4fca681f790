"""A model as one file: numbers in safetensors, everything else as JSON in its metadata. No pickle, no code.

Written whole or not at all. A file that is damaged, truncated, foreign or newer is refused by name.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import math
import os
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np

from schuss.adapters.model import Model
from schuss.adapters.preprocessing import Preprocessor
from schuss.adapters.targets import Target
from schuss.engine.engine import EngineInfo
from schuss.errors import ModelFileError, SchussError
from schuss.method.checks import check_integer
from schuss.method.functions import Array
from schuss.method.network import Network
from schuss.method.plan import Plan
from schuss.method.state import State
from schuss.training.record import write_whole
from schuss.training.run import Run
from schuss.training.stopping import Progress

__all__ = ["FORMAT", "load_model", "save_model"]

FORMAT = 2  # raised whenever an older schuss could not read the file
KIND = "schuss model"
LARGEST_HEADER = 100_000_000  # bytes; safetensors refuses more


def save_model(model: Model | Run, path: str | os.PathLike[str]) -> Path:
    """Write a model, or a run trained on arrays, to one file, and return its path.

    Raises
    ------
    OutputError
        The file cannot be written; nothing was left behind.
    """
    from safetensors.numpy import save

    model = Model(model) if isinstance(model, Run) else model
    arrays = _arrays(model.run)
    text = json.dumps(_description(model), allow_nan=False)
    metadata = {"kind": KIND, "format": str(FORMAT), "model": text, "digest": _digest(text, arrays)}
    return write_whole(path, save(arrays, metadata=metadata))


def load_model(path: str | os.PathLike[str]) -> Model:
    """Read the model that `save_model` wrote.

    Raises
    ------
    ModelFileError
        No such file, not a schuss model, written by a newer schuss, truncated, or damaged.
    """
    path = Path(path)
    arrays, metadata = _read(path)
    text = metadata.get("model", "")
    if _digest(text, arrays) != metadata.get("digest"):
        raise ModelFileError(f"{path} is damaged: its content does not match its checksum.")
    try:
        return _model(json.loads(text), arrays)
    except (SchussError, KeyError, TypeError, ValueError) as error:
        raise ModelFileError(f"{path} is damaged: {error}.") from error


def _check_kind(path: Path, metadata: Mapping[str, str]) -> None:
    if metadata.get("kind") != KIND:
        raise ModelFileError(f"{path} is a safetensors file of another program, not a schuss model.")
    if metadata.get("format") != str(FORMAT):
        raise ModelFileError(_other_format(path, metadata.get("format")))


def _other_format(path: Path, found: str | None) -> str:
    if found is not None and found.isdecimal() and int(found) > FORMAT:
        return (
            f"{path} has format {found}, written by a newer schuss; this one reads up to {FORMAT}. "
            "Update schuss."
        )
    return f"{path} is damaged: its format is {found!r}, where {FORMAT} was expected."


def _read(path: Path) -> tuple[dict[str, Array], Mapping[str, str]]:
    from safetensors import SafetensorError, safe_open

    if path.is_dir():
        raise ModelFileError(f"{path} is a directory; give the model file in it.")
    try:
        with path.open("rb") as file:
            start = file.read(9)
    except OSError as error:
        raise ModelFileError(f"cannot read {path}: {error.strerror}.") from error
    try:
        with safe_open(path, framework="np") as file:
            metadata = file.metadata() or {}
            _check_kind(path, metadata)  # before the arrays: another program's may be of any size and type
            return {name: file.get_tensor(name) for name in file.keys()}, metadata  # noqa: SIM118  # not a dict
    except ModelFileError:
        raise
    except (SafetensorError, OSError, ValueError, TypeError, AttributeError) as error:
        size, header = path.stat().st_size, int.from_bytes(start[:8], "little")
        # a safetensors file opens with the length of its JSON header, then the header
        if size == 0:
            raise ModelFileError(f"{path} is empty.") from error
        if size > 8 and (start[8:] != b"{" or header > LARGEST_HEADER):
            raise ModelFileError(
                f"{path} is not a schuss model: its first bytes are of another format."
            ) from error
        if size < _whole_size(path, header):
            raise ModelFileError(f"{path} is truncated: {size} bytes are too few.") from error
        raise ModelFileError(f"{path} is damaged: {error}.") from error


def _whole_size(path: Path, header: int) -> int:
    """Return how many bytes a safetensors file should have by its header, as far as that can be read."""
    with contextlib.suppress(ValueError, LookupError, TypeError, AttributeError), path.open("rb") as file:
        told = json.loads(file.read(8 + header)[8:])
        return 8 + header + max(told[name]["data_offsets"][1] for name in told if name[:2] != "__")
    return 8 + header


def _arrays(run: Run) -> dict[str, Array]:
    arrays = {
        "theta": run.state.theta,
        "memory": run.state.memory,
        "loss": run.loss,
        "validation_loss": run.validation_loss,
    }
    if run.best is not None:
        arrays |= {"best.theta": run.best.theta, "best.memory": run.best.memory}
    if run.average is not None:
        arrays["average"] = run.average
    return {name: np.ascontiguousarray(array) for name, array in arrays.items()}


def _description(model: Model) -> dict[str, Any]:
    run = model.run
    return {
        "versions": {"schuss": _version("schuss"), "numpy": np.__version__},
        "network": run.network.to_dict(),
        "plan": run.plan.to_dict(),
        "step": run.state.step,
        "best_step": None if run.best is None else run.best.step,
        "reached": [run.reached.best if run.epochs else None, run.reached.waited],
        "stopped": run.stopped,
        "seconds": run.seconds,
        "n_samples": run.n_samples,
        "data": run.data,
        "engine": run.engine.to_dict(),
        "preprocessor": model.preprocessor and model.preprocessor.to_dict(),
        "targets": [target.to_dict() for target in model.targets],
        "scores": model.scores,
        "n_test": model.n_test,
    }


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:  # a source tree on the path, not installed
        return "unknown"


def _digest(text: str, arrays: Mapping[str, Array]) -> str:
    sha = hashlib.sha256(text.encode())
    for name in sorted(arrays):
        sha.update(f"{name}{arrays[name].shape}{arrays[name].dtype.str}".encode())
        sha.update(arrays[name].tobytes())
    return sha.hexdigest()


def _state(network: Network, plan: Plan, arrays: dict[str, Array], name: str, step: Any) -> State:
    theta, memory = arrays[f"{name}theta"], arrays[f"{name}memory"]
    network.check_theta(theta)
    slots = len(plan.rule.memory)
    if memory.shape != (slots, theta.size) or memory.dtype != theta.dtype:
        raise ModelFileError(f"its memory has shape {memory.shape}, which fits neither rule nor weights")
    return State(theta, memory, check_integer("step", step, low=0))


def _reached(best: float | None, waited: int) -> Progress:
    return Progress(math.inf if best is None else float(best), check_integer("waited", waited, low=0))


def _model(told: dict[str, Any], arrays: dict[str, Array]) -> Model:
    network = Network.from_dict(told["network"])
    plan = Plan.from_dict(told["plan"])
    best = None
    if told["best_step"] is not None:
        best = _state(network, plan, arrays, "best.", told["best_step"])
    run = Run(
        network=network,
        plan=plan,
        state=_state(network, plan, arrays, "", told["step"]),
        loss=arrays["loss"],
        step_loss=np.empty(0),
        validation_loss=arrays["validation_loss"],
        best=best,
        average=arrays.get("average"),
        reached=_reached(*told["reached"]),
        stopped=told["stopped"],
        engine=EngineInfo(**told["engine"]),
        seconds=told["seconds"],
        n_samples=told["n_samples"],
        origin=told["data"],
    )
    described = told["preprocessor"]
    return Model(
        run,
        None if described is None else Preprocessor.from_dict(described),
        tuple(Target.from_dict(target) for target in told["targets"]),
        told["scores"],
        told["n_test"],
    )
