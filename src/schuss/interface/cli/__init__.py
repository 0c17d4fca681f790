"""The command line: ``schuss COMMAND``. A file per command; this one lists them and keeps the exit codes.

Results go to stdout; progress and messages to stderr. Exit codes: 0 fine, 1 failed, 2 usage, 3 diverged,
130 interrupted.
"""

from __future__ import annotations

import io
import sys

__all__ = ["main"]


def main() -> None:
    """Run the command line; the entry point of ``schuss``."""
    try:
        _speak_utf8()
        from schuss.interface.cli.app import app

        app()
    except KeyboardInterrupt:  # while something was still being imported
        sys.exit(130)


def _speak_utf8() -> None:
    """Let pipes and files have UTF-8, as input has, and let a terminal without it show a ? instead."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper) and stream.encoding.lower() not in (
            "utf-8",
            "utf8",
        ):
            stream.reconfigure(encoding=None if stream.isatty() else "utf-8", errors="replace")
