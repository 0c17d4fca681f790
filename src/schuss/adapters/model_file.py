"""A model as one file: numbers in safetensors, everything else as JSON in its metadata. No pickle, no code.

Written whole or not at all. A file that is damaged, truncated, foreign or newer is refused by name.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np

from schuss.adapters.model import Model
from schuss.adapters.preprocessing import Preprocessor
from schuss.adapters.recorded import is_run, model_of
from schuss.adapters.targets import Target
from schuss.engine.engine import EngineInfo
from schuss.errors import ModelFileError, SchussError
from schuss.method.functions import Array
from schuss.method.network import Network
from schuss.method.plan import Plan
from schuss.training.checkpoint import progress_from, progress_to, stored_state
from schuss.training.opening import load_run
from schuss.training.record import write_whole
from schuss.training.run import Run
from schuss.training.sealed import Seal, package_version

__all__ = ["FORMAT", "load_model", "save_model"]

FORMAT = 2
SEAL = Seal("model", FORMAT, ModelFileError)


def save_model(model: Model | Run, path: str | os.PathLike[str]) -> Path:
    """Write a model, or a run trained on arrays, to one file, and return its path.

    Raises
    ------
    OutputError
        The file cannot be written; nothing was left behind.
    """
    model = Model(model) if isinstance(model, Run) else model
    return write_whole(path, SEAL.close(_description(model), _arrays(model.run)))


def load_model(path: str | os.PathLike[str]) -> Model:
    """Read the model that `save_model` wrote, or that a recorded run ended with.

    Raises
    ------
    ModelFileError
        No such file, not a schuss model, written by a newer schuss, truncated, or damaged.
    RecordError
        The same of a recorded run.
    """
    path = Path(path)
    if is_run(path):
        return model_of(load_run(path))
    told, arrays = SEAL.open(path)
    try:
        return _model(told, arrays)
    except (SchussError, KeyError, TypeError, ValueError) as error:
        raise ModelFileError(f"{path} is damaged: {error}.") from error


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
    return arrays


def _description(model: Model) -> dict[str, Any]:
    run = model.run
    return {
        "versions": {"schuss": package_version("schuss"), "numpy": np.__version__},
        "network": run.network.to_dict(),
        "plan": run.plan.to_dict(),
        "step": run.state.step,
        "best_step": None if run.best is None else run.best.step,
        "reached": progress_to(run.reached),
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


def _model(told: dict[str, Any], arrays: dict[str, Array]) -> Model:
    network = Network.from_dict(told["network"])
    plan = Plan.from_dict(told["plan"])
    best = None
    if told["best_step"] is not None:
        best = stored_state(network, plan, arrays, "best.", told["best_step"])
    run = Run(
        network=network,
        plan=plan,
        state=stored_state(network, plan, arrays, "", told["step"]),
        loss=arrays["loss"],
        step_loss=np.empty(0),
        validation_loss=arrays["validation_loss"],
        best=best,
        average=arrays.get("average"),
        reached=progress_from(told["reached"]),
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
