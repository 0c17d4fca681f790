"""``schuss race``: update rules down one surface or one network, as a table and a picture."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from schuss.errors import SettingError, did_you_mean
from schuss.interface.cli.given import refuse_these
from schuss.interface.cli.output import console, print_json, print_line, say
from schuss.interface.cli.rows import DropMissingTarget
from schuss.method.surfaces import SURFACES

if TYPE_CHECKING:
    from schuss.insight.race.value import Race
    from schuss.method.racers import OnCourse

__all__ = ["race"]

NETWORK = "A network instead of a surface"
OF_NETWORK = (  # what a surface has not
    *("target", "hidden", "activation", "batch_size", "seed", "weight", "model"),
    *("drop_missing_target", "threads", "engine"),
)


def race(
    context: typer.Context,
    ground: Annotated[
        str,
        typer.Argument(
            metavar="SURFACE|DATA",
            help=f"A surface: {', '.join(SURFACES)}, also as quadratic:condition=100,rotation=20; or a file "
            "or embedded set, to train a network on.",
        ),
    ] = "six-points",
    rules: Annotated[
        list[str] | None,
        typer.Option(
            "--rules",
            help="Who races, as momentum:learning_rate=0.3,momentum=0.9; repeat it for more, or list names "
            "with commas. By default those that suit the surface.",
            show_default=False,
        ),
    ] = None,
    sweep: Annotated[
        str | None, typer.Option(help="Let one setting of the rules vary, as momentum=0,0.5,0.9.")
    ] = None,
    start: Annotated[str | None, typer.Option(help="Where it begins, as -4,-4.")] = None,
    goal: Annotated[float | None, typer.Option(help="The loss at which a rule has arrived.")] = None,
    clock: Annotated[str, typer.Option(help="Rank and draw by steps, evaluations or time.")] = "steps",
    steps: Annotated[
        int | None, typer.Option(help="At most so many; by default 5000, and 500 for a network.")
    ] = None,
    dtype: Annotated[
        str | None, typer.Option(help="float32 or float64; by default float64, float32 for a network.")
    ] = None,
    target: Annotated[
        list[str] | None,
        typer.Option(
            "--target",
            "-t",
            help="Column to predict; may be repeated.",
            show_default=False,
            rich_help_panel=NETWORK,
        ),
    ] = None,
    hidden: Annotated[
        str | None,
        typer.Option(help="Units of the hidden layers, as 16,8; 0 for none.", rich_help_panel=NETWORK),
    ] = None,
    activation: Annotated[
        str | None, typer.Option(help="Of the hidden layers.", rich_help_panel=NETWORK)
    ] = None,
    batch_size: Annotated[
        int | None, typer.Option(help="Samples per step; by default all.", rich_help_panel=NETWORK)
    ] = None,
    seed: Annotated[int, typer.Option(help="Of first weights and order.", rich_help_panel=NETWORK)] = 0,
    weight: Annotated[
        list[str] | None,
        typer.Option(
            help="Given twice: only these two weights vary, as 'hidden1[3] <- input[7]'.",
            show_default=False,
            rich_help_panel=NETWORK,
        ),
    ] = None,
    model: Annotated[
        Path | None,
        typer.Option(
            help="Start from the network and weights of this model or run.", rich_help_panel=NETWORK
        ),
    ] = None,
    drop_missing_target: DropMissingTarget = False,
    threads: Annotated[int | None, typer.Option(help="At most so many.", rich_help_panel=NETWORK)] = None,
    engine: Annotated[str, typer.Option(help="auto, native or reference.", rich_help_panel=NETWORK)] = "auto",
    plot: Annotated[Path | None, typer.Option(help="Draw the race to this PNG or SVG.")] = None,
    still: Annotated[bool, typer.Option("--still/--no-still", help="Draw it in the terminal.")] = True,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print all of it as JSON, trails included.")
    ] = False,
) -> None:
    """Race update rules down one surface or one network: steps, evaluations, time, and a picture."""
    from schuss.insight.race.race import race as race_of

    if plot is not None:
        from schuss.interface.plots import check_picture

        check_picture(plot)
    common: dict[str, Any] = {"goal": goal, "clock": clock, "steps": steps, "start": parse_start(start)}
    made: Race
    if is_surface(ground):
        from schuss.interface.cli.named_settings import parse_surface

        refuse_these(context, "a surface has no network and no data", OF_NETWORK)
        surface = parse_surface(ground)
        made = race_of(surface, rules=racing(rules, sweep, surface.racers), dtype=dtype, **common)
    else:
        from schuss.insight.race.race import NETWORK_RACERS
        from schuss.interface.cli.race_network import prepared_for, slice_named
        from schuss.method.plan import Plan

        network, X, T, theta = prepared_for(
            *(ground, target, hidden, activation, seed, model, dtype or "float32"), drop=drop_missing_target
        )
        made = race_of(
            *(network, X, T),
            rules=racing(rules, sweep, NETWORK_RACERS),
            theta=theta,
            slice_of=slice_named(weight),
            plan=Plan(batch_size=batch_size, seed=seed),
            dtype=dtype or "float32",
            engine=engine,
            threads=threads,
            **common,
        )
        made = dataclasses.replace(made, name=Path(ground).name)
    report(made, still=still, as_json=as_json)
    if plot is not None:
        from schuss.interface.race_picture import save_race

        say(f"picture written to {save_race(made, plot)}")


def is_surface(name: str) -> bool:
    """Whether a name is a surface's; SettingError where it is neither that nor any data.

    A file is meant by its path, an embedded set by its name.
    """
    from schuss.adapters.datasets import DATASETS

    word = name.partition(":")[0]
    if word in SURFACES:
        return True
    if name == "-" or name in DATASETS or Path(name).exists():
        return False
    hint = did_you_mean(word, [*SURFACES, *DATASETS])
    raise SettingError(
        f"there is no surface, data set or file {name!r}{hint}. Surfaces: {', '.join(SURFACES)}. "
        f"Data sets: {', '.join(DATASETS)}."
    )


def racing(
    rules: list[str] | None, sweep: str | None, usual: tuple[OnCourse, ...]
) -> tuple[OnCourse, ...] | None:
    """Return the rules that were asked for; None where none were."""
    from schuss.interface.cli.named_settings import parse_rules, swept

    named = parse_rules(rules, usual) if rules else None
    return named if sweep is None else swept(named or usual, sweep)


def parse_start(text: str | None) -> list[float] | None:
    """Return the numbers of ``-4,-4``; how many there must be is the race's to say."""
    if text is None:
        return None
    try:
        return [float(part) for part in text.split(",")]
    except ValueError:
        raise SettingError(f"--start takes two numbers, as -4,-4; got {text!r}.") from None


def report(made: Race, *, still: bool, as_json: bool) -> None:
    """Print the table, and the race as a still picture."""
    if as_json:
        print_json(made.to_dict())
        return
    print_line(made.text())
    if still:
        from schuss.interface.race_still import still_of

        print_line()
        console().print(still_of(made, console().width))
