"""``schuss resume``: go on with a recorded training that was interrupted or killed."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from schuss.errors import TrainingInterrupted
from schuss.interface.cli.output import say
from schuss.interface.cli.places import place_of, tell_recorded
from schuss.interface.cli.progress import progress_bar

__all__ = ["resume"]


def resume(
    run: Annotated[str, typer.Argument(help="A recorded run: its folder, or its name in the folder runs.")],
    threads: Annotated[int | None, typer.Option(help="At most so many.")] = None,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Write the model to this file.")] = None,
    plot: Annotated[Path | None, typer.Option(help="Draw the loss curve to this PNG or SVG.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress, no messages.")] = False,
) -> None:
    """Train on from the last whole checkpoint, to the same bits as if it had never stopped."""
    from schuss.adapters.recorded import model_of, prepared_again
    from schuss.interface.cli.train import check_outputs, keep_interrupted, report, write
    from schuss.training.opening import load_run
    from schuss.training.train import train

    check_outputs(out, plot)
    opened = load_run(place_of(run))
    again = prepared_again(opened)
    given: dict[str, Any] = {"X": again.X, "T": again.T} if again and isinstance(opened.origin, str) else {}
    if not quiet:
        ended = (
            "" if opened.stopped in ("unfinished", "interrupted", "diverged") else "; nothing is left to do"
        )
        say(f"{opened.folder}: {opened.stopped} at step {opened.state.step:,}{ended}")
    try:
        with progress_bar(wanted=not quiet) as bar:
            done = train(resume=opened.folder, **given, threads=threads, progress=bar)
    except TrainingInterrupted as interrupted:
        keep_interrupted(model_of(interrupted.run), out)
        raise
    model = model_of(done).tested(again.test) if again else model_of(done)
    report(model, done.about.get("table", "arrays"), None, as_json=as_json)
    if not quiet:
        tell_recorded(done)
    write(model, out, plot, quiet=quiet)
