"""The threads of this process as Linux lists them, the kernel's among them. Holds no test."""

from pathlib import Path

__all__ = ["TASKS", "tasks", "ticks"]

TASKS = Path("/proc/self/task")


def tasks() -> set[str]:
    """Return the numbers of the threads that there are now."""
    return {each.name for each in TASKS.iterdir()}


def ticks() -> dict[str, int]:
    """Return the hundredths of a second that each has been at work."""
    fields = {each.name: (each / "stat").read_text().rpartition(")")[2].split() for each in TASKS.iterdir()}
    return {name: int(field[11]) + int(field[12]) for name, field in fields.items()}
