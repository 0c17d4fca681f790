"""What a recording keeps: how often, how much. A value; it keeps nothing itself."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

from schuss.method.checks import check_integer, check_number

__all__ = ["Keep"]

ENOUGH = 128  # samples of a batch beside which the norms of a step take no time to speak of
SELDOM = 64


@dataclass(frozen=True)
class Keep:
    """What to keep of a recorded training.

    Parameters
    ----------
    seconds : float, default 0.5
        Seconds of training between two checkpoints, so that any step is at most about so much work away.
        Where writing takes long, they lie further apart: it gets a thirtieth of the time. 0: every step.
    size : float, default 500e6
        Most bytes of checkpoints, losses and norms. Checkpoints in between are given up to stay below, but
        never the first and the last two; losses may take half of it, and later ones are computed again when
        needed; norms a quarter: where there are more, every second is given up, from the beginning on.
    data_size : float, default 100e6
        Data of at most so many bytes are kept with the run; larger ones must be given again to replay it.
    norms : int, optional
        Every so many steps, lengths of gradient, velocity and change are noted; 0: never. None: at every step
        where batches have 128 samples or more, every 4 from 64 on, every 16 from 32 on, else every 64: that
        takes about a hundredth of the time.

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

    def norms_every(self, batch: int) -> int:
        """Return what `norms` comes to for batches of so many samples."""
        if self.norms is not None:
            return self.norms
        # beside half as many samples squaring is twice as dear, and twice as many steps are to be noted
        return min(4 ** max(0, math.ceil(math.log2(ENOUGH / batch))), SELDOM)

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as plain JSON values."""
        return asdict(self)
