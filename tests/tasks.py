"""The threads of this process as Linux lists them, the kernel's among them. Holds no test."""

from pathlib import Path

__all__ = ["TASKS", "tasks"]

TASKS = Path("/proc/self/task")


def tasks() -> set[str]:
    """Return the numbers of the threads that there are now."""
    return {each.name for each in TASKS.iterdir()}
