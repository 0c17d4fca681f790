"""The progress bars of a training and of a search. On stderr; a bar only on a terminal."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from schuss.interface.cli.output import console, say
from schuss.training.loop import Tick

if TYPE_CHECKING:
    from schuss.insight.tuning.search import Reached

__all__ = ["progress_bar", "search_progress"]


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


@contextmanager
def search_progress(*, wanted: bool) -> Iterator[Callable[[Reached], None] | None]:
    """Give what `tune` wants as its ``progress``: a bar on a terminal, else lines; None if unwanted."""
    screen = console(stderr=True)
    if not wanted or not screen.is_terminal:
        yield _said_of_bests() if wanted else None
        return
    from rich.progress import BarColumn, Progress, TextColumn

    bar = Progress(
        TextColumn("{task.fields[tried]} settings"),
        BarColumn(),
        TextColumn("best {task.fields[best]} (start {task.fields[start]})"),
        TextColumn("{task.fields[left]}"),
        console=screen,
        transient=True,
        auto_refresh=False,
    )
    task = bar.add_task("", total=None)

    def reached(now: Reached) -> None:
        bar.start()
        total = now.spent + now.left if math.isfinite(now.left) else None
        left = f"{max(0.0, now.left):.0f} s left" if total else f"{now.spent:.0f} s"
        fields: dict[str, Any] = {"tried": now.tried, "best": f"{now.score:.4g}", "left": left}
        fields["start"] = f"{now.start:.4g}"
        bar.update(task, total=total, completed=now.spent, refresh=True, **fields)
        if total and now.left <= 0:
            bar.stop()

    try:
        yield reached
    finally:
        bar.stop()


def _said_of_bests() -> Callable[[Reached], None]:
    said: list[Any] = [None]

    def reached(now: Reached) -> None:
        if math.isfinite(now.score) and now.best != said[0]:
            said[0] = now.best
            say(f"{now.tried} settings in {now.spent:.1f} s: best {now.score:.4g}, start {now.start:.4g}")

    return reached
