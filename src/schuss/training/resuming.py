"""A recorded training that was stopped or killed, taken up again as if it had never stopped."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from schuss.engine.choice import engine_like, engine_named
from schuss.engine.engine import DONE, INTERRUPTED, Advance, Engine, EngineInfo
from schuss.errors import RecordError, ReplayError, SettingError
from schuss.method.network import Network
from schuss.method.samples import Samples
from schuss.training.checkpoint import Checkpoint
from schuss.training.keep import Keep
from schuss.training.loop import Loop
from schuss.training.opening import latest, load_run, samples_for
from schuss.training.record import claim
from schuss.training.recorder import Recorder
from schuss.training.replay import check_same_engine
from schuss.training.run import Run
from schuss.training.run_folder import RunFolder
from schuss.training.setup import Judge, judge_of, judged_by
from schuss.training.telling import Callback, Tick

__all__ = ["resumed"]

UNDER_WAY = (None, "interrupted", "diverged")  # all other reasons to stop are an end


def resumed(
    path: Path,
    network: Network | None,
    given: tuple[Any, Any, Any] | None,
    validation: tuple[Any, Any] | Judge | None,
    engine: str | Engine,
    threads: int | None,
    callbacks: Sequence[Callback],
    progress: Callable[[Tick], None] | None,
) -> Loop | Run:
    """Return the training at its last whole checkpoint, ready to go on, or the run if it has ended."""
    folder = RunFolder(path)
    if network is not None and network != folder.network:
        raise SettingError(f"the run is of {folder.network}; got {network}. Leave the network out.")
    size = max(folder.sizes().values(), default=0)
    lock = claim(path / "lock")  # from here on no other process changes it
    if lock is None:
        raise RecordError(f"{path} is being trained by another process; wait for it, or stop it.")
    recorder = Recorder(folder, Keep(**folder.told["keep"]), lock, size, folder.norms())
    try:
        found, samples = latest(folder), samples_for(folder, given)
        if found.stopped not in UNDER_WAY:
            recorder.close()
            return load_run(path, *(given or ()))
        made_by = EngineInfo(**folder.told["engine"])
        chosen = engine_like(made_by, threads) if engine == "auto" else engine_named(engine, threads)
        check_same_engine(made_by, chosen.info)
        judge = judge_of(folder.network, found.plan, chosen, _judged_by(folder, validation))
        loop = Loop(folder.network, samples, found.plan, chosen, judge, callbacks, progress, found.state)
        _take_up(loop, found, recorder)
    except BaseException:
        recorder.close()
        raise
    return loop


def _take_up(loop: Loop, found: Checkpoint, recorder: Recorder) -> None:
    """Put a training where the checkpoint `found` says that it stood, and its recording too."""
    step, folder = found.state.step, recorder.folder
    losses = _losses(folder, loop.samples, loop.engine, found)
    recorder.go_back(losses, folder.norms().up_to(step), step)
    loop.made = [Advance(found.state, losses, DONE)]
    loop.best, loop.reached, loop.judged = found.best, found.reached, found.judged.tolist()
    loop.averaged, loop.average, loop.seconds = found.averaged, found.average, found.seconds
    loop.recorder, loop.kept, loop.own = recorder, folder, found.state


def _judged_by(folder: RunFolder, given: Any) -> Samples | Judge | None:
    """Return what judged the epochs: kept with the run, or given again."""
    was, dtype = folder.told["validation"], folder.told["dtype"]
    if was is None and given is not None:
        raise SettingError("the run was not judged by validation data; it goes on without.")
    by = folder.samples("validation") if given is None else judged_by(folder.network, given, dtype)
    if was == "function" and not callable(by):
        raise SettingError("the run was judged by a function, which is not recorded; give it: validation=….")
    if was is not None and was != "function" and not isinstance(by, Samples):
        raise ReplayError("the validation data were too large to be kept; give them: validation=(X, T).")
    if isinstance(by, Samples) and by.fingerprint() != was:
        raise ReplayError("these are not the validation data of the run: their numbers differ (SHA-256).")
    return by


def _losses(folder: RunFolder, samples: Samples, engine: Engine, found: Checkpoint) -> NDArray[np.float64]:
    """Return the losses of all steps before `found`; those that the file has lost are computed again."""
    step = found.state.step
    known = folder.losses()[:step]
    if len(known) == step:
        return known
    start = folder.before(len(known))
    made = engine.advance(folder.network, start, samples, found.plan, step)
    if made.outcome == INTERRUPTED:
        raise made.error or KeyboardInterrupt
    return np.concatenate([known[: start.step], made.losses])
