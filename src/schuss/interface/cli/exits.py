"""From errors to sentences on stderr and exit codes."""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable
from typing import Any

import typer

from schuss.errors import DivergenceError, SchussError, SettingError
from schuss.interface.cli.output import say

__all__ = ["FAILED", "USAGE", "DIVERGED", "INTERRUPTED", "guarded"]

FAILED, USAGE, DIVERGED, INTERRUPTED = 1, 2, 3, 130


def guarded(command: Callable[..., None]) -> Callable[..., None]:
    """Return `command` with its errors told in a sentence and turned into exit codes."""

    @functools.wraps(command)
    def run(*args: Any, **kwargs: Any) -> None:
        warnings.showwarning = _tell_warning
        try:
            command(*args, **kwargs)
            print(end="", flush=True)  # a full disk or a closed pipe shows here, not at exit
        except SchussError as error:
            say(f"error: {error}", style="bold red")
            raise typer.Exit(_code(error)) from None
        except BrokenPipeError:  # the reader of a pipe has gone; that is its good right
            raise  # typer turns it into a quiet exit
        except OSError as error:  # a full disk behind stdout, for one
            say(f"error: {error.strerror or error}.", style="bold red")
            raise typer.Exit(FAILED) from None
        except KeyboardInterrupt:
            say("interrupted")
            raise typer.Exit(INTERRUPTED) from None

    return run


def _code(error: SchussError) -> int:
    if isinstance(error, DivergenceError):
        return DIVERGED
    return USAGE if isinstance(error, SettingError) else FAILED


def _tell_warning(message: Warning | str, *_: Any, **__: Any) -> None:
    say(f"warning: {message}", style="yellow")
