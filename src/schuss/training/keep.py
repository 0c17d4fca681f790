"""What a recording keeps: how often, how much. A value; it keeps nothing itself."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from schuss.method.checks import check_integer, check_number
from schuss.method.network import Network

__all__ = ["Keep"]

SHARE = 0.04  # of a step's time, what norms may take
OFTEN, SELDOM = 8, 64
# Nanoseconds, about: of a step on one thread as such, of its norms, and of a way that the processor does not
# foresee since most steps take another;
STEP, NOTE, SURPRISE = 200, 60, 150
# of one multiply-add, and how many of them a weight takes beside those of the samples, and for its norms;
MULTIPLY_ADD, OF_STEP, OF_NOTE = 0.01, 10, 2.5
# and where no layer has more units than that, so that the kernel takes a way of its own: of a step, of each
# sample in it, and of its norms;
NARROW, NARROW_STEP, NARROW_SAMPLE, NARROW_NOTE = 16, 100, 8, 9
# and of the way of norms to the disk, where no other processor sees to that.
WRITE = 8


@dataclass(frozen=True)
class Keep:
    """What to keep of a recorded training.

    Parameters
    ----------
    seconds : float, default 0.5
        Seconds of training between two checkpoints, so that any step is at most about so much work away.
        Where writing takes long, they lie further apart: up to 0.75 s, so that it gets a fiftieth of the
        time; still further if it would get more than a twenty-fifth. 0: every step.
    size : float, default 500e6
        Most bytes of checkpoints, losses and norms. Checkpoints in between are given up to stay below, but
        never the first and the last two; losses may take half of it, and later ones are computed again when
        needed; norms a quarter: where there are more, every second is given up, from the beginning on.
    data_size : float, default 100e6
        Data of at most so many bytes are kept with the run; larger ones must be given again to replay it.
    norms : int, optional
        Every so many steps, lengths of gradient, velocity and change are noted; 0: never. None: at every step
        where that takes at most about a twenty-fifth of the time, as it does where batches have 16 samples
        and no layer more than 16 units, or 32 samples and the network some thousand weights; else every 8, or
        every 64, as on sparse inputs.

    Raises
    ------
    SettingError
        A number outside what is allowed.
    """

    seconds: float = 0.5
    size: float = 500e6
    data_size: float = 100e6
    norms: int | None = None

    def __post_init__(self) -> None:
        for name in ("seconds", "size", "data_size"):
            object.__setattr__(self, name, check_number(name, getattr(self, name), low=0.0))
        if self.norms is not None:
            object.__setattr__(self, "norms", check_integer("norms", self.norms, low=0))

    def norms_every(
        self, network: Network, batch: int, *, is_sparse: bool = False, is_alone: bool = False
    ) -> int:
        """Return what `norms` comes to for a network, batches of so many samples, and one processor."""
        if self.norms is not None:
            return self.norms
        if is_sparse:
            return SELDOM  # they are of all weights, and steps of a few
        step, note = _time_of(network, batch)
        note += WRITE * is_alone
        if note <= SHARE * step:
            return 1
        return OFTEN if (note + SURPRISE) / OFTEN <= SHARE * step else SELDOM

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as plain JSON values."""
        return asdict(self)


def _time_of(network: Network, batch: int) -> tuple[float, float]:
    """Return about how many nanoseconds a step takes, and what its norms add to it."""
    if max(network.layers) <= NARROW:
        return NARROW_STEP + NARROW_SAMPLE * batch, NARROW_NOTE
    weights = MULTIPLY_ADD * network.n_parameters
    return STEP + weights * (3 * batch + OF_STEP), NOTE + weights * OF_NOTE
