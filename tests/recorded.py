"""Small recorded trainings, and what makes two runs the same. Holds no test."""

from pathlib import Path
from typing import Any

from problems import NETWORK, RULE, draw_data
from schuss import Adam, Cosine, GradientDescent, Keep, Lookahead, Nesterov, ScheduleFree, train
from schuss.training.run import Run

__all__ = ["OFTEN", "SETTINGS", "leave_some", "recorded", "same_runs"]

OFTEN = Keep(seconds=0)  # a checkpoint at every step
SETTINGS: dict[str, dict[str, Any]] = {
    "momentum": {"rule": RULE},
    "nesterov, cosine, clip": {"rule": Nesterov(Cosine(0.05, warm_up=0.2), 0.8), "clip": 0.3},
    "adam, decay, dropout": {"rule": Adam(0.01), "weight_decay": 0.01, "dropout": 0.2},
    "descent, average, penalties": {"rule": GradientDescent(0.05), "average": 0.5, "l2": 0.01, "l1": 0.001},
    "lookahead": {"rule": Lookahead(0.05, 0.8, every=7)},
    "schedule-free, warm-up": {"rule": ScheduleFree(Cosine(0.3, 0.3, warm_up=0.2))},
}


def recorded(folder: Path, epochs: int = 60, keep: Keep = OFTEN, **how: Any) -> Run:
    """Train on the small problem and record it."""
    X, T = draw_data()
    return train(
        NETWORK, X, T, epochs=epochs, batch_size=5, record=folder, keep=keep, **{"rule": RULE, **how}
    )


def leave_some(folder: Path, every: int) -> None:
    """Remove checkpoints but the last at steps that `every` does not divide: there is something to replay."""
    for path in sorted((folder / "checkpoints").iterdir())[:-1]:
        if int(path.stem) % every:
            path.unlink()


def same_runs(a: Run, b: Run) -> bool:
    """Whether two runs ended in the same bits, losses and judgements included."""
    states = a.state.digest() == b.state.digest() and a.theta.tobytes() == b.theta.tobytes()
    losses = a.step_loss.tobytes() == b.step_loss.tobytes() and a.loss.tobytes() == b.loss.tobytes()
    judged = a.validation_loss.tobytes() == b.validation_loss.tobytes()
    return states and losses and judged and (a.stopped, a.reached) == (b.stopped, b.reached)
