"""The progress bar: epoch, loss, samples per second, time left. On stderr, and only on a terminal."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from schuss.interface.cli.output import console
from schuss.training.loop import Tick

__all__ = ["progress_bar"]


@contextmanager
def progress_bar(*, wanted: bool) -> Iterator[Callable[[Tick], None] | None]:
    """Give what `train` wants as its ``progress``, or None where no bar can be seen."""
    screen = console(stderr=True)
    if not (wanted and screen.is_terminal):
        yield None
        return
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    bar = Progress(
        TextColumn("epoch {task.fields[epoch]}"),
        BarColumn(),
        TextColumn("loss {task.fields[loss]}"),
        TextColumn("{task.fields[speed]} samples/s"),
        TimeRemainingColumn(),
        console=screen,
        transient=True,
        auto_refresh=False,  # a refreshing thread would compete with the training
    )
    task = bar.add_task("", total=None, epoch=0, loss="…", speed="…")

    def tick(now: Tick) -> None:
        bar.start()  # not before there is something to show: what is said until then would run into it
        fields: dict[str, Any] = {
            "epoch": now.epoch,
            "loss": f"{now.loss:.4g}",
            "speed": f"{now.samples_per_second:,.0f}",
        }
        bar.update(task, total=now.steps, completed=now.step, refresh=True, **fields)

    try:
        yield tick
    finally:
        bar.stop()
