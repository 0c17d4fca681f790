"""The two kinds of rules by name: those that every engine's kernel knows, and whole-step ones. No test."""

from typing import Any

from schuss.method.rules import ELEMENT_WISE, WHOLE_STEPS

__all__ = ["KERNEL_RULES", "SEARCHED", "WHOLE_RULES", "batch_for"]

KERNEL_RULES: dict[str, type[Any]] = {rule.name: rule for rule in ELEMENT_WISE}
WHOLE_RULES: dict[str, type[Any]] = {rule.name: rule for rule in WHOLE_STEPS}
# Whose steps hang on how losses compare; tests/engine/test_searched_steps.py holds them on a network.
SEARCHED = ("line_search", "conjugate_gradients", "newton")


def batch_for(rule: Any, size: int | None) -> int | None:
    """Return the batch size for a rule: `size`, or None where it must see all samples."""
    return None if getattr(rule, "full_batch", False) else size
