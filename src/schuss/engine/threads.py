"""How many threads a process may use."""

from __future__ import annotations

import os

__all__ = ["usual_threads"]


def usual_threads() -> int:
    """Return as many threads as the process may use; OMP_NUM_THREADS, which joblib sets, may say fewer."""
    most = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    told = os.environ.get("OMP_NUM_THREADS", "")
    return min(most, int(told)) if told.isdecimal() and int(told) > 0 else most
