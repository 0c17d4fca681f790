"""``schuss fork``: continue a recorded run from one of its steps with something changed."""

from __future__ import annotations

from shlex import quote
from typing import Annotated, Any

import typer

from schuss.errors import SettingError
from schuss.interface.cli.output import print_json, print_line, say
from schuss.interface.cli.places import place_for, place_of
from schuss.interface.cli.progress import progress_bar

__all__ = ["fork", "parse_rows"]


def fork(
    run: Annotated[str, typer.Argument(help="A recorded run: its folder, or its name in the folder runs.")],
    step: Annotated[int, typer.Option(help="From the state before which step.", show_default=False)],
    learning_rate: Annotated[float | None, typer.Option(help="Held constant from there on.")] = None,
    momentum: Annotated[float | None, typer.Option(help="η from there on.")] = None,
    l2: Annotated[float | None, typer.Option(help="Penalty on the weights from there on.")] = None,
    epochs: Annotated[int | None, typer.Option(help="Passes over the data, those before included.")] = None,
    without: Annotated[
        str | None, typer.Option(help="Samples to leave out, as 3,17,40-59; all others keep their places.")
    ] = None,
    correct_velocity: Annotated[
        bool,
        typer.Option(
            "--correct-velocity", help="Rescale the velocity with the rate, as PyTorch does at its change."
        ),
    ] = False,
    record: Annotated[str | None, typer.Option(help="Name or folder of the new run.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress, no messages.")] = False,
) -> None:
    """Train on from a step, memory included, with other rates or without some samples, as a new run."""
    from schuss.adapters.recorded import open_run

    place = place_of(run)
    given = {"learning_rate": learning_rate, "momentum": momentum, "l2": l2, "epochs": epochs}
    changes: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
    opened = open_run(place)
    to = place_for(record, f"{place.name}-fork")
    with progress_bar(wanted=not quiet) as bar:
        made = opened.fork(
            step,
            **changes,
            without=parse_rows(without),
            correct_velocity=correct_velocity,
            record=to,
            about=opened.about,
            progress=bar,
        )
    before, after = (float(run.loss[-1]) if run.epochs else None for run in (opened, made))
    if as_json:
        told = {
            "run": None if made.folder is None else str(made.folder),
            "step": step,
            "steps": made.state.step,
        }
        print_json({**told, "loss": after, "parent_loss": before, "stopped": made.stopped})
        return
    print_line(repr(made))
    if before is not None and after is not None:
        print_line(f"loss {after:.6g}; the run that it was forked from ended at {before:.6g}", style="bold")
    if made.folder is not None and not quiet:
        folders = f"{quote(str(place))} {quote(str(made.folder))}"
        say(f"recorded in {made.folder}; try: schuss compare {folders}")


def parse_rows(text: str | None) -> list[int]:
    """Return the numbers that ``3,17,40-59`` lists."""
    rows = list[int]()
    for part in text.split(",") if text else ():
        first, dash, last = part.strip().partition("-")
        whole = first.isdecimal() and (not dash or (last.isdecimal() and int(last) >= int(first)))
        if not whole:
            raise SettingError(f"--without lists samples as 3,17,40-59; got {text!r}.")
        rows += range(int(first), int(last if dash else first) + 1)
    return rows
