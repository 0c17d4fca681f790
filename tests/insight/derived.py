"""Lines of a derivation, found by their titles and checked by their numbers. Holds no test."""

from schuss import Derivation
from schuss.insight.derivation.value import Line
from schuss.insight.formulas.expressions import evaluate

__all__ = ["assert_filled", "lines_of", "results_of"]


def lines_of(found: Derivation, title: str) -> list[Line]:
    return [line for line in found.lines if line.title.startswith(title)]


def results_of(found: Derivation, title: str) -> list[float]:
    return [line.result for line in lines_of(found, title)]


def assert_filled(found: Derivation) -> None:
    """Fail unless the numbers of every line come to its result, and every check agrees."""
    assert found.agrees
    for line in found.lines:
        size = max(1.0, abs(line.result))
        assert abs(evaluate(line.filled) - line.result) <= 1e-12 * size, (
            line.title,
            line.filled,
            line.result,
        )
