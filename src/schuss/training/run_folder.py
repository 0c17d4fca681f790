"""A recorded run as a folder: what lies where, read and written.

    run.json          network, plan, data and engine by fingerprint, versions, how it was called
    data.safetensors  the samples themselves, where they are small
    losses.bin        the loss of every step
    norms.bin         lengths of gradient, velocity and change, every so many steps
    checkpoints/      N.safetensors: everything that the training needs to go on from step N
    lock              held by the process that trains

Every file carries a checksum. Files are written whole or not at all, but for the two that grow, whose last
block may be cut off.
"""

from __future__ import annotations

import hashlib
import json
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from schuss.errors import OutputError, RecordError, SchussError, SchussWarning, SettingError
from schuss.method.functions import Array
from schuss.method.network import Network
from schuss.method.plan import Plan
from schuss.method.samples import Samples
from schuss.method.state import State
from schuss.training.checkpoint import CHECKPOINT, Checkpoint, progress_from
from schuss.training.content import Content
from schuss.training.norms import Norms
from schuss.training.past_cache import LARGE
from schuss.training.record import append, make_folder, remove, write_whole
from schuss.training.replay import Began
from schuss.training.series import as_block, whole_rows
from schuss.training.stored_samples import DATA, samples_of

__all__ = ["LEFT", "RunFolder"]

FORMAT = 1
FLUSHED = 5.0  # seconds of training after which the last checkpoint is written through to the disk
LEFT = {"lock", "checkpoints", *(f"{n}.safetensors" for n in ("data", "validation", "weights"))}
LEFT |= {"losses.bin", "norms.bin"}  # what a kill may leave of a run that was about to begin
LOSSES, NORMS = ("losses.bin", 1), ("norms.bin", 3)  # file, columns


class RunFolder:
    """A recorded run on the disk.

    Parameters
    ----------
    path : Path
        Must hold a run; see `create`.

    Raises
    ------
    RecordError
        There is no run, or its description is damaged, foreign or newer.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.told = _read_description(path / "run.json")
        try:
            self.network = Network.from_dict(self.told["network"])
            self.plan = Plan.from_dict(self.told["plan"])
        except (SchussError, KeyError, TypeError, ValueError) as error:
            raise RecordError(f"{path / 'run.json'} is damaged: {error}.") from error

    @classmethod
    def create(
        cls,
        path: Path,
        told: dict[str, Any],
        prints: Callable[[], dict[str, str]],
        kept: dict[str, Content],
        first: Checkpoint,
        losses: Array,
        norms: Norms,
    ) -> RunFolder:
        """Fill an empty folder with a run that `told` describes, data by name and its start, and open it.

        Checksums of the data are asked for when these are written. Where `told` says that the start was
        ``"drawn"``, it is drawn again when it is needed.

        Raises
        ------
        OutputError
            There is something already, or nothing can be written.
        """
        if (path / "run.json").exists():
            raise OutputError(f"{path} holds a run already; name a new folder.")
        make_folder(path / "checkpoints", left={f"{first.state.step:012d}.safetensors"})
        for name, content in kept.items():
            write_whole(path / f"{name}.safetensors", content, flush=False, cached=len(content) < LARGE)
        for name, block in _blocks(losses, norms).items():
            if block:
                write_whole(path / name, block, flush=False)
        if not told["drawn"]:
            place = path / "checkpoints" / f"{first.state.step:012d}.safetensors"
            write_whole(place, first.content(), flush=False)
        told = told | prints()
        text = json.dumps(told, allow_nan=False)
        whole = {"kind": "schuss run", "format": FORMAT, "digest": _digest(text), "run": told}
        write_whole(path / "run.json", json.dumps(whole, indent=1).encode())  # the last: now it is a run
        return cls(path)

    def samples(self, name: str = "data") -> Samples | None:
        """Return the samples kept by that name, or None."""
        path = self.path / f"{name}.safetensors"
        if not path.exists():
            return None
        return samples_of(DATA.open(path)[1], self.network.layers[0])

    def weights(self) -> Array | None:
        """Return the sample weights, which are kept even where the samples are too large."""
        path = self.path / "weights.safetensors"
        return DATA.open(path)[1]["weights"] if path.exists() else None

    @property
    def steps(self) -> list[int]:
        """The steps at which there are checkpoints, in order."""
        names = (path.stem for path in (self.path / "checkpoints").glob("*.safetensors"))
        return sorted(
            {int(name) for name in names if name.isdecimal()} | ({0} if self.told["drawn"] else set())
        )

    def sizes(self) -> dict[int, int]:
        """Return the bytes of each checkpoint; a start that is drawn takes none."""
        places = {step: self.place(step) for step in self.steps}
        return {step: place.stat().st_size if place.exists() else 0 for step, place in places.items()}

    def place(self, step: int) -> Path:
        """Return the file of the checkpoint at `step`."""
        return self.path / "checkpoints" / f"{step:012d}.safetensors"

    def checkpoint(self, step: int) -> Checkpoint:
        """Return the checkpoint at `step`, or raise RecordError."""
        path = self.place(step)
        if step == 0 and self.told["drawn"] and not path.exists():
            return self._drawn()
        value, arrays = CHECKPOINT.open(path)
        try:
            found = Checkpoint.of(self.network, value, arrays)
        except (SchussError, KeyError, TypeError, ValueError) as error:
            raise RecordError(f"{path} is damaged: {error}.") from error
        if found.state.step != step:
            raise RecordError(f"{path} is damaged: it holds step {found.state.step}.")
        return found

    def _drawn(self) -> Checkpoint:
        """Return the start of a training whose first weights follow from the seed."""
        theta = self.network.initial(self.plan.seed, self.told["dtype"])
        return Checkpoint(
            self.plan.start(theta),
            self.plan,
            progress_from(self.told["reached"]),
            np.empty(0),
            None,
            0,
            None,
            None,
            0.0,
        )

    def good(self, most: int | None = None) -> Iterator[Checkpoint]:
        """Return the whole checkpoints up to step `most`, the latest first; others are named in a warning."""
        steps = (step for step in reversed(self.steps) if most is None or step <= most)
        return self._whole(steps, "An earlier checkpoint is used.")

    def _whole(self, steps: Iterable[int], instead: str) -> Iterator[Checkpoint]:
        """Yield the whole checkpoints at `steps`; warn of others by name, and say what is used instead."""
        for step in steps:
            try:
                yield self.checkpoint(step)
            except RecordError as error:
                warnings.warn(f"{error} {instead}", SchussWarning, stacklevel=5)

    def before(self, step: int) -> State:
        """Return the kept state nearest to `step`, at it or before it."""
        for found in self.good(step):
            return found.state
        parent = self.told["parent"]
        if parent and step < parent["step"]:
            raise SettingError(f"this run was forked at step {parent['step']}; ask its parent about {step}.")
        raise RecordError(f"{self.path} has no whole checkpoint at or before step {step}.")

    def after(self, step: int) -> State | None:
        """Return the next kept state after `step`, or None."""
        later = (found for found in self.steps if found > step)
        for checkpoint in self._whole(later, "Steps before it are proved by a later one, if there is one."):
            return checkpoint.state
        return None

    def began(self) -> Began:
        """Return what the training had reached before its first step."""
        if not self.told["parent"]:
            return Began(reached=progress_from(self.told["reached"]))
        first = self.checkpoint(self.told["parent"]["step"])
        return Began(first.state.step, first.reached, first.best, first.averaged, first.average)

    def losses(self) -> Array:
        """Return the losses of the steps as far as they are whole, shape (steps,)."""
        return self._rows(LOSSES, "float64")[0][:, 0]

    def norms(self) -> Norms:
        """Return what `Keep.norms` asked for, as far as it is whole."""
        rows, halvings = self._rows(NORMS, self.told["dtype"])
        return Norms(self.told["keep"]["norms"], halvings, rows)

    def add_losses(self, first: int, parts: Sequence[Array]) -> None:
        """Keep losses in parts that follow each other, the first of which is that of step `first`."""
        if any(map(len, parts)):
            append(self.path / LOSSES[0], as_block(first, [part.reshape(-1, 1) for part in parts]))

    def add_norms(self, first: int, parts: Sequence[Array], halvings: int) -> None:
        """Keep rows of norms in parts that follow each other, the first of which has number `first`."""
        if any(map(len, parts)):
            append(self.path / NORMS[0], as_block(first, parts, halvings))

    def thin_norms(self, times: int) -> None:
        """Give up every second row of the norms, so many times."""
        try:
            thinned = self.norms().thinned(times)
        except OSError as error:
            raise OutputError(f"cannot thin {self.path / NORMS[0]}: {error.strerror or error}.") from error
        write_whole(self.path / NORMS[0], as_block(0, [thinned.rows], thinned.halvings), flush=False)

    def write(self, checkpoint: Checkpoint, *, cached: bool) -> int:
        """Keep a checkpoint; return how many bytes it takes. `cached` as for `write_whole`."""
        content = checkpoint.content()
        # a training of seconds is sooner made again than a disk is waited for
        lasts = checkpoint.stopped is not None and checkpoint.seconds > FLUSHED
        write_whole(self.place(checkpoint.state.step), content, flush=lasts, cached=cached)
        return len(content)

    def go_back(self, losses: Array, norms: Norms, step: int) -> None:
        """Leave what was made up to `step`, all of it whole, for a training to go on from there."""
        for late in (s for s in self.steps if s > step):
            remove(self.place(late))
        for left in (*self.path.glob(".*"), *(self.path / "checkpoints").glob(".*")):  # by a kill
            remove(left)
        for name, block in _blocks(losses, norms).items():
            write_whole(self.path / name, block)

    def give_up(self, step: int) -> None:
        """Remove the checkpoint at `step`."""
        remove(self.place(step))

    def _rows(self, series: tuple[str, int], dtype: str) -> tuple[Array, int]:
        path = self.path / series[0]
        content = path.read_bytes() if path.exists() else b""
        return whole_rows(content, series[1], dtype)


def _blocks(losses: Array, norms: Norms) -> dict[str, bytes | memoryview]:
    """Return the content of both series' files."""
    series = (LOSSES[0], losses.reshape(-1, 1), 0), (NORMS[0], norms.rows, norms.halvings)
    return {name: as_block(0, [rows], halvings) if len(rows) else b"" for name, rows, halvings in series}


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _read_description(path: Path) -> dict[str, Any]:
    if not path.parent.is_dir():
        found = f"{path.parent} is a file" if path.parent.exists() else f"there is no folder {path.parent}"
        raise RecordError(f"{found}; name the folder of a recorded run.")
    if not path.is_file():
        raise RecordError(f"{path.parent} is not a recorded run: it holds no run.json.")
    try:
        whole = json.loads(path.read_bytes())
        kind, found, told = whole["kind"], whole["format"], whole["run"]
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise RecordError(f"{path} is damaged: {error}.") from error
    if kind != "schuss run":
        raise RecordError(f"{path} is of another program, not a schuss run.")
    if isinstance(found, int) and found > FORMAT:
        raise RecordError(
            f"{path} has format {found}, written by a newer schuss; this one reads up to {FORMAT}. "
            "Update schuss."
        )
    if found != FORMAT or _digest(json.dumps(told, allow_nan=False)) != whole.get("digest"):
        raise RecordError(f"{path} is damaged: its content does not match its checksum.")
    described: dict[str, Any] = told
    return described
