"""The options that several commands share: what to read, what network to train, and how to answer."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = [
    "Activation",
    "AsJson",
    "BatchSize",
    "Data",
    "Dtype",
    "EngineName",
    "Hidden",
    "L2",
    "ModelOut",
    "Quiet",
    "Seed",
    "Targets",
    "Task",
    "TestSize",
    "Threads",
]

NETWORK, RULE, RUN = "Network", "Rule", "Run"

Data = Annotated[str, typer.Argument(help="A file, - for stdin, or an embedded set (schuss data).")]
Targets = Annotated[
    list[str] | None,
    typer.Option("--target", "-t", help="Column to predict; may be repeated.", show_default=False),
]
Task = Annotated[
    str | None,
    typer.Option(help="classification or regression; by default the target decides."),
]
Hidden = Annotated[
    str | None,
    typer.Option(help="Units of the hidden layers, as 128,64; 0 for none.", rich_help_panel=NETWORK),
]
Activation = Annotated[str | None, typer.Option(help="Of the hidden layers.", rich_help_panel=NETWORK)]
BatchSize = Annotated[int | None, typer.Option(help="Samples per step.", rich_help_panel=RULE)]
L2 = Annotated[float | None, typer.Option(help="Penalty on the weights.", rich_help_panel=RULE)]
Seed = Annotated[int, typer.Option(help="Of weights, order and test rows.", rich_help_panel=RUN)]
TestSize = Annotated[float | None, typer.Option(help="Share of rows kept for testing.", rich_help_panel=RUN)]
Threads = Annotated[int | None, typer.Option(help="At most so many.", rich_help_panel=RUN)]
Dtype = Annotated[str, typer.Option(help="float32 or float64.", rich_help_panel=RUN)]
EngineName = Annotated[str, typer.Option(help="auto, native, reference or bfloat16.", rich_help_panel=RUN)]
ModelOut = Annotated[
    Path | None,
    typer.Option("--out", "-o", help="Write the model to this file.", rich_help_panel=RUN),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress, no messages.")]
