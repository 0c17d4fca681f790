"""The progress bars of a training and of a search. On stderr; a bar only on a terminal."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from schuss.interface.cli.output import console, say
from schuss.training.telling import Tick

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress

    from schuss.insight.tuning.search import Reached

__all__ = ["SearchProgress", "progress_bar"]


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


class SearchProgress:
    """What `tune` wants as its ``progress``: a bar on a terminal, else a line for each new best."""

    def __init__(self) -> None:
        self._screen = console(stderr=True)
        self._best: Any = None
        self._bar = _search_bar(self._screen) if self._screen.is_terminal else None

    def __call__(self, now: Reached) -> None:
        """Show where the search stands."""
        if self._bar is not None:
            self._bar.start()
            self._bar.update(self._bar.task_ids[0], refresh=True, **_search_fields(now))
        elif math.isfinite(now.score) and now.best != self._best:
            self._best = now.best
            say(f"{now.tried} settings in {now.spent:.1f} s: best {now.score:.4g}, start {now.start:.4g}")

    def end(self) -> None:
        """Take the bar away, so that what follows stands on lines of its own."""
        if self._bar is not None:
            self._bar.stop()


def _search_bar(screen: Console) -> Progress:
    from rich.progress import BarColumn, Progress, TextColumn

    columns = ("{task.fields[tried]} settings", "best {task.fields[best]} (start {task.fields[first]})")
    left = TextColumn("{task.fields[left]}")
    bar = Progress(
        *(TextColumn(columns[0]), BarColumn(), TextColumn(columns[1]), left),
        console=screen,
        transient=True,
        auto_refresh=False,
    )
    bar.add_task("", total=None, tried=0, best="…", first="…", left="")
    return bar


def _search_fields(now: Reached) -> dict[str, Any]:
    limited = math.isfinite(now.left)
    return {
        "total": now.spent + now.left if limited else None,
        "completed": now.spent,
        "tried": now.tried,
        "best": f"{now.score:.4g}",
        "first": f"{now.start:.4g}",  # `start` is a word of rich's own
        "left": f"{max(0.0, now.left):.0f} s left" if limited else f"{now.spent:.0f} s",
    }
