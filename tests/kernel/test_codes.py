"""Python and C++ call the same thing by the same number: kernel.hpp, read as text, against native.py."""

import re
from pathlib import Path

import pytest

from schuss.engine import native
from schuss.engine.engine import DONE, INTERRUPTED, NOT_FINITE
from schuss.method.rules import ELEMENT_WISE, RULES

SOURCES = Path(__file__).parents[2] / "src" / "kernel"
pytestmark = pytest.mark.skipif(not SOURCES.exists(), reason="the sources are not here")


def enumeration(header: str, name: str) -> list[str]:
    """Return the names of ``enum class name`` in a header, in order; none may have a number of its own."""
    found = re.search(rf"enum class {name}\b[^{{]*{{([^}}]*)}}", (SOURCES / header).read_text())
    assert found, f"no enum class {name} in {header}"
    names = [entry.strip() for entry in found[1].split(",") if entry.strip()]
    assert all(re.fullmatch(r"\w+", entry) for entry in names), names
    return names


@pytest.mark.parametrize(
    ("name", "codes"),
    [
        ("Activation", native.ACTIVATION_CODES),
        ("Loss", native.LOSS_CODES),
        ("Rule", native.RULE_CODES),
        ("Function", native.FUNCTIONS),
    ],
)
def test_codes(name, codes):
    """The place of each name in the C++ enumeration is its code in Python, and neither has one more."""
    assert {entry: place for place, entry in enumerate(enumeration("kernel.hpp", name))} == codes


def test_layouts():
    """How many networks are trained has the same order on both sides."""
    assert list(native.LAYOUTS) == enumeration("sweep.hpp", "Layout")


def test_outcomes():
    """How a call may end has the same order on both sides."""
    assert enumeration("advance.hpp", "Outcome") == [DONE, INTERRUPTED, NOT_FINITE]
    assert native.OUTCOMES == (DONE, INTERRUPTED, NOT_FINITE)


def test_what_a_rule_needs():
    """Rows of memory and numbers per step of each rule, by its place, are those of its Python class."""
    text = (SOURCES / "kernel.hpp").read_text()
    for name, kind in (("memory_rows", "memory"), ("rate_counts", "numbers")):
        found = re.search(rf"{name}\[\] = {{([^}}]*)}}", text)
        assert found, name
        assert [int(n) for n in found[1].split(",")] == [len(getattr(rule, kind)) for rule in ELEMENT_WISE]
    most = re.search(r"most_memory = (\d+), most_rates = (\d+);", text)
    assert most
    assert int(most[1]) == max(len(rule.memory) for rule in ELEMENT_WISE)
    assert int(most[2]) == max(len(rule.numbers) for rule in ELEMENT_WISE)


def test_the_rules_of_the_kernel_come_first():
    """They lead the table of rules, in its order; rules without a code may follow."""
    assert list(RULES)[: len(ELEMENT_WISE)] == [rule.name for rule in ELEMENT_WISE]
