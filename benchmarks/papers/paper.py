"""What a reproduction is: where numbers were published, how they are made again, what came of it. Values."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from benchmarks.clock import Clock
from benchmarks.papers.claim import Claim

__all__ = ["Paper", "Reproduced"]


@dataclass(frozen=True)
class Paper:
    """A published table, and the function that makes it again.

    Attributes
    ----------
    name : str
        For ``--only``.
    title : str
    source : str
        Where it was published.
    setting : str
        What is trained, and what is counted.
    trials : int
        Seeds 0 to trials − 1; 0 where nothing is drawn.
    run : callable ``trials -> claims``
    against : str, default "published"
        What stands in the first column.
    """

    name: str
    title: str
    source: str
    setting: str
    trials: int
    run: Callable[[int], list[Claim]]
    against: str = "published"

    def reproduce(self, trials: int | None = None) -> Reproduced:
        """Run it, with other than its own number of trials where one is given."""
        count = self.trials if trials is None or not self.trials else trials
        with Clock() as clock:
            claims = tuple(self.run(count))
        return Reproduced(self, count, claims, clock.seconds, clock.seconds * clock.cores)


@dataclass(frozen=True)
class Reproduced:
    """What came of it, and the seconds that it took by the clock and on all processors together."""

    paper: Paper
    trials: int
    claims: tuple[Claim, ...]
    seconds: float
    worked: float

    @property
    def command(self) -> str:
        """The command that makes it again."""
        more = "" if self.trials == self.paper.trials else f" --trials {self.trials}"
        return f"python -m benchmarks.papers --only {self.paper.name}{more}"

    @property
    def time(self) -> str:
        """How long it took."""
        return f"{self.seconds:.1f} s, {self.worked:.1f} s of processor time"

    @property
    def seeds(self) -> str:
        """Which seeds were used."""
        if not self.trials:
            return "nothing is drawn"
        return "seed 0" if self.trials == 1 else f"seeds 0 to {self.trials - 1}"

    @property
    def unexplained(self) -> list[Claim]:
        """The lines that do not match and say no reason."""
        return [claim for claim in self.claims if claim.unexplained]
