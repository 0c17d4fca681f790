"""The loop of multiply-adds that measures a processor's peak runs, and refuses what makes no sense."""

import pytest

from schuss.engine import native

if native.available():
    from schuss.engine import _kernel

pytestmark = pytest.mark.skipif(not native.available(), reason="built without the kernel on purpose")
ISA = next(iter(native.instruction_sets()), "")
SECONDS = 0.001
IMPOSSIBLE = 1e13  # operations a second that no core does: vectors of 16, twice two a cycle, at 150 GHz


@pytest.mark.parametrize("itemsize", [4, 8])
@pytest.mark.parametrize("threads", [1, 2])
def test_it_runs(isa, itemsize, threads):
    """Every set does some operations a second, and not more than any core could: none is left out."""
    assert 0 < _kernel.peak(isa, itemsize, threads, SECONDS) < threads * IMPOSSIBLE


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"isa": "none"}, "instruction set none"),
        ({"itemsize": 2}, "itemsize"),
        ({"threads": 0}, "threads"),
        ({"threads": 1025}, "threads"),
        ({"seconds": 0.0}, "seconds"),
        ({"seconds": float("nan")}, "seconds"),
        ({"seconds": float("inf")}, "seconds"),
    ],
)
def test_nonsense_is_refused(wrong, message):
    """An unknown set, an itemsize, a number of threads or a time that makes no sense is a ValueError."""
    sound = {"isa": ISA, "itemsize": 4, "threads": 1, "seconds": SECONDS}
    with pytest.raises(ValueError, match=message):
        _kernel.peak(**sound | wrong)
