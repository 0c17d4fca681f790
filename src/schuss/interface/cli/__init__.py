"""The command line: ``schuss COMMAND``. A file per command; this one lists them and keeps the exit codes.

Results go to stdout; progress and messages to stderr. Exit codes: 0 fine, 1 failed, 2 usage, 3 diverged,
130 interrupted.
"""

from __future__ import annotations

import sys

__all__ = ["main"]


def main() -> None:
    """Run the command line; the entry point of ``schuss``."""
    try:
        from schuss.interface.cli.app import app

        app()
    except KeyboardInterrupt:  # while something was still being imported
        sys.exit(130)
