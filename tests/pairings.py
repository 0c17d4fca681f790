"""Every rule with the settings of a contract, without every pair of them. Holds no test."""

from collections.abc import Iterable
from itertools import product
from typing import Any

from schuss.method.rules import ELEMENT_WISE

__all__ = ["with_every_rule"]

# What the kernel has a way of its own for: no memory, in registers, looking ahead, two rows through memory.
OWN_WAYS = 4


def with_every_rule(*axes: Iterable[Any]) -> list[tuple[Any, ...]]:
    """Return (rule, …) for `pytest.mark.parametrize`: a choice of each axis behind the name of a rule.

    The first rules of the kernel meet all choices. The others share one way with Adam, and differ in a few
    lines that know nothing of a plan; so each choice is met by one of them, and each of them meets several.
    """
    choices, names = list(product(*axes)), [rule.name for rule in ELEMENT_WISE]
    rest = names[OWN_WAYS:]
    count = max(len(rest), len(choices))
    in_turn = [(rest[i % len(rest)], *choices[i % len(choices)]) for i in range(count)]
    return [(name, *choice) for name in names[:OWN_WAYS] for choice in choices] + in_turn
