"""``schuss derive``: every line of back-propagation, with one's own numbers in it."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from schuss.errors import DataError, SettingError
from schuss.interface.cli.given import refuse_these
from schuss.interface.cli.output import print_json, print_line, say

if TYPE_CHECKING:
    from schuss.insight.derivation.value import Derivation
    from schuss.method.functions import Array
    from schuss.method.network import Network
    from schuss.method.rules import Rule

__all__ = ["derive"]

NETWORK, RULE, RECORDED, OUTPUT = "Network", "Rule", "A recorded run", "Output"
OF_NETWORK = (  # what a recorded run says itself
    *("layers", "sample", "target", "activation", "output", "loss", "seed", "weights"),
    *("rule", "learning_rate", "momentum"),
)
FORMATS = ("text", "latex", "markdown", "html", "json")
SUFFIXES = {".tex": "latex", ".md": "markdown", ".html": "html", ".htm": "html", ".json": "json"}
STYLES = {
    "title": "bold",
    "fact": "dim",
    "section": "bold cyan",
    "line": "bold",
    "where": "dim",
    "result": "green",
    "check": "dim green",
    "wrong": "bold red",
}


def derive(
    context: typer.Context,
    layers: Annotated[
        str | None, typer.Option(help="Units per layer, as 2-2-1.", rich_help_panel=NETWORK)
    ] = None,
    sample: Annotated[
        str | None, typer.Option("--input", help="A number per input unit, as 1,0.", rich_help_panel=NETWORK)
    ] = None,
    target: Annotated[
        str | None, typer.Option(help="A number per output unit.", rich_help_panel=NETWORK)
    ] = None,
    activation: Annotated[
        str, typer.Option(help="Of the hidden layers.", rich_help_panel=NETWORK)
    ] = "logistic",
    output: Annotated[
        str | None,
        typer.Option(help="Activation of the output; by default what fits.", rich_help_panel=NETWORK),
    ] = None,
    loss: Annotated[str, typer.Option(help="The error E.", rich_help_panel=NETWORK)] = "squared_error",
    seed: Annotated[
        int | None, typer.Option(help="Of the first weights; by default 0.", rich_help_panel=NETWORK)
    ] = None,
    weights: Annotated[
        Path | None,
        typer.Option(help="First weights from this JSON file, not drawn.", rich_help_panel=NETWORK),
    ] = None,
    rule: Annotated[
        str,
        typer.Option(help="As momentum or adam; all are in docs/rules.md.", rich_help_panel=RULE),
    ] = "momentum",
    learning_rate: Annotated[float | None, typer.Option(help="α.", rich_help_panel=RULE)] = None,
    momentum: Annotated[float | None, typer.Option(help="η in [0, 1].", rich_help_panel=RULE)] = None,
    weight: Annotated[
        str | None,
        typer.Option(help="Which, as 'hidden1[0] <- input[1]'; else the first.", rich_help_panel=RULE),
    ] = None,
    steps: Annotated[
        int, typer.Option(help="Steps on this sample; 2 or more unroll the memory.", rich_help_panel=RULE)
    ] = 1,
    run: Annotated[
        str | None,
        typer.Option(help="A recorded run, whose step --step is derived instead.", rich_help_panel=RECORDED),
    ] = None,
    step: Annotated[
        int | None,
        typer.Option(help="Which step of the run; by default the first.", rich_help_panel=RECORDED),
    ] = None,
    form: Annotated[
        str | None,
        typer.Option(
            "--format",
            help="text, latex, markdown, html or json; else as --out ends.",
            rich_help_panel=OUTPUT,
        ),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="The same as --format json.", rich_help_panel=OUTPUT)
    ] = False,
    digits: Annotated[int, typer.Option(help="Of each number.", rich_help_panel=OUTPUT)] = 6,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Write it to this file.", rich_help_panel=OUTPUT)
    ] = None,
) -> None:
    """Derive the change of one weight line by line: formula, numbers, result, and a numerical check."""
    from schuss.insight.derivation.derive import derive as derivation_of
    from schuss.method.checks import check_choice, check_integer
    from schuss.method.network import Network

    check_integer("digits", digits, low=2, high=17)
    chosen = check_choice("format", chosen_form("json" if as_json else form, out), FORMATS)
    if as_json and form not in (None, "json"):
        raise SettingError(f"give --json or --format, not both; got --format {form}.")
    if out is not None:
        from schuss.training.record import check_place

        check_place(out)
    if run is not None:
        refuse_these(context, "a recorded run has its own network, data and rule", OF_NETWORK)
        show(of_run(run, step or 0, weight, steps), chosen, digits, out)
        return
    if step is not None:
        raise SettingError("--step is for --run: a step of a recorded run.")
    if seed is not None and weights is not None:
        raise SettingError("give --seed, to draw the weights, or --weights, to read them; not both.")
    wanted = rule_of(rule, learning_rate, momentum)
    if layers is None or sample is None or target is None:
        raise SettingError("give --layers, --input and --target, as 2-2-1, 1,0 and 1; or --run and --step.")
    network = Network(parse_layers(layers), activation, loss, output=output)
    found = derivation_of(
        network,
        numbers("--input", sample, network.layers[0]),
        numbers("--target", target, network.layers[-1]),
        rule=wanted,
        theta=None if weights is None else read_theta(network, weights),
        weight=weight,
        steps=steps,
        seed=seed,
    )
    show(found, chosen, digits, out)


def of_run(name: str, step: int, weight: str | None, steps: int) -> Derivation:
    """Return the derivation of a step of a recorded run, on the samples of that step."""
    from schuss.adapters.recorded import open_run
    from schuss.insight.derivation.of_run import derive_run
    from schuss.interface.cli.places import place_of

    return derive_run(open_run(place_of(name)), step, weight=weight, steps=steps)


def chosen_form(given: str | None, out: Path | None) -> str:
    """Return the form that was asked for, or that the end of a file's name says."""
    if given is not None or out is None:
        return "text" if given is None else given
    return SUFFIXES.get(out.suffix.lower(), "text")


def parse_layers(text: str) -> list[int]:
    """Return the sizes that ``2-2-1`` names."""
    parts = text.split("-")
    if len(parts) < 2 or not all(part.strip().isdecimal() and int(part) > 0 for part in parts):
        raise SettingError(f"--layers takes at least 2 sizes, each at least 1, as 2-2-1; got {text!r}.")
    return [int(part) for part in parts]


def numbers(option: str, text: str, count: int) -> list[float]:
    """Return the `count` finite numbers of a list such as ``1,0``."""
    try:
        values = [float(part) for part in text.split(",")]
    except ValueError:
        values = [math.nan]
    if not all(map(math.isfinite, values)):
        raise SettingError(f"{option} takes finite numbers with commas between, as 1,0; got {text!r}.")
    if len(values) != count:
        units, wanted = option.strip("-").replace("target", "output"), f"{count} number{'s' * (count > 1)}"
        raise SettingError(
            f"{option} takes {wanted}, one per {units} unit of --layers; got {len(values)}: {text!r}."
        )
    return values


def rule_of(name: str, learning_rate: float | None, momentum: float | None) -> Rule:
    """Return the rule of that name, with the rates that were given."""
    from schuss.insight.derivation.derive import refuse_lbfgs
    from schuss.method.rules import rule_named

    refuse_lbfgs(name)
    kind = rule_named(name)
    given = {"learning_rate": learning_rate, "momentum": momentum}
    rates = {key: value for key, value in given.items() if value is not None}
    for key in rates:
        if key not in kind.rates:
            raise SettingError(f"rule {name!r} has no {key}; it has {', '.join(kind.rates)}.")
    rule: Rule = kind(**rates)
    return rule


def read_theta(network: Network, path: Path) -> Array:
    """Return the weights of a JSON file: one flat list, or an object with lists of matrices and biases."""
    import numpy as np

    try:
        value: Any = json.loads(path.read_text("utf-8"))
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror or error}.") from error
    except (ValueError, RecursionError) as error:  # no JSON, or no UTF-8
        raise DataError(f"{path} is not JSON: {error}.") from error
    try:
        if isinstance(value, dict):
            return network.pack(value["weights"], value.get("biases"))
        theta = np.array(value, np.float64)
    except DataError:
        raise
    except (TypeError, ValueError, KeyError, OverflowError):
        theta = np.zeros(0)
    if theta.shape != (network.n_parameters,) or not np.isfinite(theta).all():
        raise DataError(
            f"{path} must hold a list of {network.n_parameters} finite numbers, this network's weights, or "
            'an object {"weights": [a matrix (fan_in, fan_out) per layer], "biases": [a list per layer]}.'
        )
    return theta


def show(found: Derivation, form: str, digits: int, out: Path | None) -> None:
    """Print or write a derivation in one of `FORMATS`; a check that fails is told apart from it."""
    from schuss.insight.derivation import documents

    if out is not None:
        from schuss.training.record import write_whole

        say(f"derivation written to {write_whole(out, written(found, form, digits).encode())}")
    elif form == "text":
        for piece in documents.pieces(found, digits):
            print_line(piece.text, style=STYLES.get(piece.kind, ""))
    elif form == "json":
        print_json(found.to_dict())
    else:
        print(written(found, form, digits), end="")
    if not found.agrees:
        say(
            "warning: a numerical check does not agree. Near a corner, such as that of relu at 0, E has no "
            "one slope, and neither is wrong.",
            style="yellow",
        )


def written(found: Derivation, form: str, digits: int) -> str:
    """Return a derivation as the text of a file."""
    from schuss.insight.derivation import documents

    if form == "json":
        return json.dumps(found.to_dict(), ensure_ascii=False, allow_nan=False, indent=2) + "\n"
    write = {"latex": documents.latex, "markdown": documents.markdown, "html": documents.page}
    return write.get(form, documents.text)(found, digits)
