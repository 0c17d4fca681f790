"""``schuss map``: which learning rates and momenta train a network on a table, and which do not."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.text import Text

from schuss.errors import SettingError
from schuss.interface.cli.exits import INTERRUPTED
from schuss.interface.cli.options import (
    L2,
    Activation,
    BatchSize,
    Data,
    Dtype,
    EngineName,
    Hidden,
    Seed,
    Targets,
    Task,
    TestSize,
    Threads,
)
from schuss.interface.cli.output import console, print_json, print_line, say
from schuss.interface.cli.rows import DropMissingTarget, with_targets
from schuss.interface.cli.rule import NesterovToo, RuleName, RuleSettings, parse_settings
from schuss.interface.cli.train import check_outputs, parse_hidden, targets_of

if TYPE_CHECKING:
    from schuss.adapters.recipe import Recipe
    from schuss.insight.stability_map.value import StabilityMap

__all__ = ["map"]

GRID, RULE, RUN = "Grid", "Rule", "Run"
STEPS = 500  # of each training, at least, where no epochs are given
STYLES = {"●": "green", "·": "dim", "~": "yellow", "×": "red", "★": "bold"}


def map(  # noqa: A001  # commands are named by their functions
    data: Data,
    target: Targets = None,
    task: Task = None,
    learning_rates: Annotated[
        str | None,
        typer.Option(help="The range, as 0.001,1; by default around 2/λmax.", rich_help_panel=GRID),
    ] = None,
    momenta: Annotated[
        str,
        typer.Option(
            help="The range of η, or of what the rule has for it, evenly in log(1−η).", rich_help_panel=GRID
        ),
    ] = "0,0.99",
    levels: Annotated[
        int, typer.Option(help="How fine: 5 × 5 cells, then 9 × 9, 17 × 17, 33 × 33, …", rich_help_panel=GRID)
    ] = 4,
    goal: Annotated[
        float | None,
        typer.Option(
            help="Loss to come to; by default nine tenths of the way of the best coarse cell.",
            rich_help_panel=GRID,
        ),
    ] = None,
    hidden: Hidden = None,
    activation: Activation = None,
    nesterov: NesterovToo = False,
    rule: RuleName = None,
    settings_of_rule: RuleSettings = None,
    epochs: Annotated[
        int | None,
        typer.Option(help="Passes over the data; by default 500 steps or more.", rich_help_panel=RULE),
    ] = None,
    batch_size: BatchSize = None,
    l2: L2 = None,
    seed: Seed = 0,
    test_size: TestSize = None,
    drop_missing_target: DropMissingTarget = False,
    threads: Threads = None,
    dtype: Dtype = "float32",
    engine: EngineName = "auto",
    plot: Annotated[
        Path | None, typer.Option(help="Draw the map to this PNG or SVG.", rich_help_panel=RUN)
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the map as JSON.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No picture on the way, no messages.")] = False,
) -> None:
    """Train at every learning rate and momentum of a grid, coarse first, and show which of them work."""
    from schuss.adapters.fitting import prepare
    from schuss.adapters.recipe import Recipe
    from schuss.adapters.tables import read_table
    from schuss.insight.stability_map.mapping import stability_map
    from schuss.insight.stability_map.setup import LEAST_EPOCHS
    from schuss.method.checks import check_choice

    check_choice("dtype", dtype, ("float32", "float64"))
    check_outputs(None, plot)
    rates = None if learning_rates is None else parse_range("--learning-rates", learning_rates)
    recipe = Recipe(
        hidden=parse_hidden(hidden),
        activation=activation,
        learning_rate=0.01,  # each cell has its own
        nesterov=nesterov,
        rule_name=rule,
        rule_settings=parse_settings(settings_of_rule),
        epochs=epochs,
        batch_size=batch_size,
        l2=l2,
        seed=seed,
    )
    refuse_axes(recipe)
    table = read_table(data)
    targets = targets_of(table, target)
    table = with_targets(table, targets, drop=drop_missing_target)
    ready = prepare(table, targets, task, test_size, seed, dtype)
    plan = recipe.plan(len(ready.X))
    if epochs is None:
        plan = plan.replace(epochs=max(LEAST_EPOCHS, -(-STEPS // plan.steps_per_epoch(len(ready.X)))))
    with growing_picture(wanted=not quiet) as watch:
        found = stability_map(
            recipe.network(ready.X.shape[1], ready.targets),
            ready.X,
            ready.T,
            plan,
            watch=watch,
            learning_rates=rates,
            momenta=parse_range("--momenta", momenta),
            levels=levels,
            goal=goal,
            engine=engine,
            threads=threads,
        )
    same = {
        "task": task,
        "hidden": hidden,
        "activation": activation,
        "nesterov": nesterov,
        "rule": rule,
        "set": settings_of_rule or [],
        "batch_size": batch_size,
        "l2": l2,
        "seed": seed or None,
        "test_size": test_size,
        "drop_missing_target": drop_missing_target,
        "dtype": None if dtype == "float32" else dtype,
        "engine": None if engine == "auto" else engine,
    }
    command = confirming(found, data, target or [], same)
    report(found, table.name, command, as_json=as_json)
    if plot is not None:
        from schuss.interface.map_picture import save_stability_map

        save_stability_map(found, plot)
        if not quiet:
            say(f"picture written to {plot}")
    if found.stopped == "interrupted":
        say("interrupted; this is the finest map that was complete")
        raise typer.Exit(INTERRUPTED)


def parse_range(name: str, text: str) -> tuple[float, float]:
    """Return the two ends that ``0.001,1`` names."""
    try:
        low, high = (float(part) for part in text.split(","))
    except ValueError:
        raise SettingError(
            f"{name} takes the lowest and the highest value, as 0.001,1; got {text!r}."
        ) from None
    return low, high


def refuse_axes(recipe: Recipe) -> None:
    """Refuse a rule that no map can be made of, and settings of it that the grid replaces."""
    from schuss.insight.stability_map.setup import momentum_of

    rule = replace(recipe, learning_rate=None).rule()  # or one without a rate would be refused for that
    ranges = {"learning_rate": "--learning-rates", momentum_of(rule): "--momenta"}
    for name, _ in recipe.rule_settings:
        if name in ranges:
            raise SettingError(f"a map has every {name} of a range; give {ranges[name]} instead of --set.")


def confirming(found: StabilityMap, data: str, targets: list[str], same: dict[str, Any]) -> str | None:
    """Return the command that trains as the best cell was trained, to the same losses; None without one."""
    from schuss.adapters.train_command import train_command

    if found.best is None:
        return None
    rule: Any = found.plan_of(*found.best).rule
    axes: dict[str, Any] = {"learning_rate": rule.learning_rate, "epochs": found.plan.epochs}
    momentum = getattr(rule, found.keeps_by)
    if found.keeps_by == "momentum":
        return train_command(data, targets, same | axes | {"momentum": momentum})
    return train_command(data, targets, same | axes | {"set": [*same["set"], f"{found.keeps_by}={momentum}"]})


def report(found: StabilityMap, data: str, command: str | None, *, as_json: bool) -> None:
    """Print a map, and the command that confirms its best cell."""
    if as_json:
        print_json({"data": data} | found.to_dict() | {"command": command})
        return
    print_line(f"{data}: {found.network!r}")
    for line in found.text().splitlines():
        console().print(coloured(line))
    if command is not None:
        print_line()
        print_line("train with the best, to the same losses:", style="bold")
        print_line(command)


def coloured(line: str) -> Text:
    """Return a line of a map with its classes in colour."""
    text = Text(line)
    for place, sign in enumerate(line):
        if sign in STYLES:
            text.stylize(STYLES[sign], place, place + 1)
    return text


@contextmanager
def growing_picture(*, wanted: bool) -> Iterator[Callable[[StabilityMap], None] | None]:
    """Give what `stability_map` wants as its ``watch``, or None where no picture can be seen."""
    screen = console(stderr=True)
    if not (wanted and screen.is_terminal):
        yield None
        return
    from rich.live import Live

    from schuss.insight.stability_map.told import picture

    with Live(console=screen, transient=True, auto_refresh=False) as live:

        def show(found: StabilityMap) -> None:
            first, *rows, last = picture(found)
            while len(rows) + 3 >= screen.height and len(rows) > 2:
                rows = rows[::2]  # the whole of it follows when all is done
            share = f"level {found.level + 1} of {found.levels}, {found.trained.mean():.0%}"
            lines = [first, *rows, last, f"{share}; Ctrl-C keeps the finest that is complete"]
            live.update(Text("\n").join(coloured(line) for line in lines), refresh=True)

        yield show
