"""``schuss explain``: why a weight of a recorded run moved, what happened in it, why its loss jumped."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Annotated, Any

import typer

from schuss.errors import SettingError
from schuss.interface.cli.output import print_json, print_line, say
from schuss.interface.cli.places import place_of

if TYPE_CHECKING:
    from schuss.insight.spikes.spike import Spike
    from schuss.training.run import Run

__all__ = ["explain"]

ACCOUNT, STORY, SPIKE = "A weight", "A story", "A jump of the loss"


def explain(
    run: Annotated[str, typer.Argument(help="A recorded run: its folder, or its name in the folder runs.")],
    weight: Annotated[
        str | None,
        typer.Option(
            help="Which weight, as 'hidden1[3] <- input[7]' or 'output[0] <- bias'; by default the one that "
            "moved most.",
            rich_help_panel=ACCOUNT,
        ),
    ] = None,
    step: Annotated[
        int | None,
        typer.Option(
            help="The step whose change is explained; by default the last.", rich_help_panel=ACCOUNT
        ),
    ] = None,
    stop: Annotated[
        int | None,
        typer.Option(help="Explain all changes from --step to before this one.", rich_help_panel=ACCOUNT),
    ] = None,
    back: Annotated[
        int | None,
        typer.Option(help="How many earlier steps to unfold; the rest is one line.", rich_help_panel=ACCOUNT),
    ] = None,
    lines: Annotated[int, typer.Option(help="Steps and samples to show by themselves.")] = 10,
    plot: Annotated[
        Path | None, typer.Option(help="Draw the waterfall to this PNG or SVG.", rich_help_panel=ACCOUNT)
    ] = None,
    story: Annotated[
        bool,
        typer.Option(
            "--story",
            help="Tell what moved most from --step to --stop, which samples pushed, what was memory.",
            rich_help_panel=STORY,
        ),
    ] = False,
    unit: Annotated[
        str | None,
        typer.Option(help="Which samples pushed on this one, as 'hidden1[3]'.", rich_help_panel=STORY),
    ] = None,
    spike: Annotated[
        bool,
        typer.Option("--spike", help="Find the worst jumps and name their causes.", rich_help_panel=SPIKE),
    ] = False,
    confirm: Annotated[
        bool,
        typer.Option("--confirm", help="Make the fork without the cause, and look.", rich_help_panel=SPIKE),
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print all of it as JSON.")] = False,
) -> None:
    """Say why a weight moved: what the gradient of now gave, what memory gave, and which samples pushed."""
    from schuss.adapters.recorded import open_run

    refuse_mixtures(account=weight or back is not None or plot, story=story or unit, spike=spike or confirm)
    if story or unit is not None:
        tell(open_run(place_of(run)), step or 0, stop, unit, lines, as_json=as_json)
        return
    if spike or confirm:
        if not (step is stop is None):
            raise SettingError("--spike looks at the whole run; leave out --step and --stop.")
        show_spikes(open_run(place_of(run)), place_of(run), confirm=confirm, as_json=as_json)
        return
    if plot is not None:
        from schuss.interface.plots import check_picture

        check_picture(plot)
    opened = open_run(place_of(run))
    if not opened.state.step:
        raise SettingError(
            f"{opened.folder} made no whole step ({opened.stopped}); there is nothing to explain."
        )
    at = opened.state.step - 1 if step is None else step
    account = opened.account(weight or moved_most(opened, at, stop), at, stop, back=back)
    if as_json:
        print_json(account.to_dict())
    else:
        print_line(account.text(lines, labels_of(opened)))
    if plot is not None:
        from schuss.interface.plots import save_waterfall

        say(f"picture written to {save_waterfall(account, plot)}")


def refuse_mixtures(**asked: Any) -> None:
    """Raise SettingError where more than one kind of question was asked."""
    names = [name for name, is_asked in asked.items() if is_asked]
    if len(names) > 1:
        raise SettingError(
            "ask one question at a time: a weight (--weight, --back, --plot), --story (--unit), or --spike "
            f"(--confirm); got {' and '.join(names)}."
        )


def tell(run: Run, start: int, stop: int | None, unit: str | None, lines: int, *, as_json: bool) -> None:
    """Print the story of some steps."""
    told = run.story(start, stop, unit=unit)
    if as_json:
        print_json(told.to_dict(lines))
    else:
        print_line(told.text(lines, labels_of(run)))


def show_spikes(run: Run, place: Path, *, confirm: bool, as_json: bool) -> None:
    """Print the worst jumps of the loss, and what the forks without their causes make of them."""
    found = run.spikes()
    if run.stopped == "diverged":
        say(f"the run diverged at step {run.state.step:,}: a loss or weights became infinite")
    tried = [run.confirm(spike) if confirm and spike.changes else None for spike in found]
    if as_json:
        pairs = zip(found, tried, strict=True)
        print_json([{**s.to_dict(), "confirmed": None if c is None else c.to_dict()} for s, c in pairs])
        return
    if not found:
        print_line("the loss has no jump beyond what its batches make by chance")
    for spike, confirmed in zip(found, tried, strict=True):
        print_line(spike.text(labels_of(run)))
        if spike.changes:
            print_line(f"  {fork_command(place, spike)}")
        if confirmed is not None:
            print_line(confirmed.text(), style="bold")
        print_line()


def fork_command(place: Path, spike: Spike) -> str:
    """Return the command that makes the fork without a spike's cause."""
    from schuss.insight.spikes.causes import named_rows

    ((name, value),) = spike.changes.items()
    told = named_rows(value, ",", "-") if name == "without" else repr(float(value))
    return f"schuss fork {quote(str(place))} --step {spike.fork_from} --{name.replace('_', '-')} {told}"


def moved_most(run: Run, start: int, stop: int | None) -> str:
    """Return the name of the weight that moved most."""
    import numpy as np

    from schuss.method.checks import check_integer

    check_integer("--step", start, low=0, high=run.state.step - 1)
    last = start + 1 if stop is None else check_integer("--stop", stop, low=start + 1, high=run.state.step)
    moved = np.abs(run.at(last).theta - run.at(start).theta)
    return run.network.weight_name(int(moved.argmax()))


def labels_of(run: Run) -> Callable[[int], str]:
    """Return how to call a sample: by its row of the table, counted from 1, where that can be read again."""
    from schuss.adapters.recorded import prepared_again
    from schuss.insight.shown import sample_name

    found = prepared_again(run)
    if found is None:
        return sample_name
    return lambda sample: f"sample {sample} (row {found.rows[sample] + 1})"
