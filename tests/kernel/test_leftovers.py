"""What a workspace leaves for the next (src/kernel/leftovers.hpp): memory, nothing of what stood in it."""

from __future__ import annotations

from pathlib import Path

import pytest

from programs import compiled, told_by, told_by_python
from tasks import TASKS

# Leave pieces of so many MiB filled with ones, then take two of so many: whether the first and the second are
# among them, and the sum of some bytes of the first.
DRIVER = """
#include "leftovers.hpp"
#include <cstdio>
#include <set>
using namespace schuss;
int main() {
  int count, left, taken, zeroed;
  while (std::scanf("%d %d %d %d", &count, &left, &taken, &zeroed) == 4) {
    std::vector<Buffer> buffers;
    std::set<void *> known;
    for (int i = 0; i < count; i++) {
      buffers.emplace_back(size_t(left) << 20, false);
      std::memset(buffers.back().data(), 1, buffers.back().bytes());
      known.insert(buffers.back().data());
    }
    Leftovers::leave(std::move(buffers));
    Leftovers leftovers;
    const Buffer first = leftovers.take(size_t(taken) << 20, zeroed);
    const Buffer second = leftovers.take(size_t(taken) << 20, zeroed);
    int sum = 0;
    for (int i = 0; i < 64; i++) sum += static_cast<char *>(first.data())[i];
    std::printf("%d %d %d\\n", int(known.count(first.data())), int(known.count(second.data())), sum);
    leftovers = {};
    Leftovers().take(size_t(64) << 20, false);  // lets go of what is there
  }
}
"""

TRAININGS = """
    import numpy as np
    from schuss import DivergenceError, Momentum, Network, train

    source = np.random.default_rng(0)
    X, T = source.standard_normal((64, 1090), np.float32), source.standard_normal((64, 9), np.float32)

    def digest(activation, rate):
        network = Network([1090, 1050, 1090, 9], activation, output="identity")
        try:
            run = train(network, X, T, rule=Momentum(rate, 0.9), epochs=3, batch_size=32, dtype="float32")
        except DivergenceError as error:
            run = error.run
        return run.state.digest()

    def lazily_free():
        told = open("/proc/self/smaps_rollup").read().splitlines()
        return next(int(line.split()[1]) for line in told if line.startswith("LazyFree"))

    print(digest("tanh", 1e-3), digest("gelu", 1e-3))
    assert lazily_free() > 10_000, lazily_free()
    digest("relu", 1e30)  # leaves what is not finite
    print(digest("tanh", 1e-3), digest("gelu", 1e-3))
    small = Network([3, 4, 9], output="identity")
    train(small, X[:, :3], T, rule=Momentum(0.01, 0.9), epochs=3)
    assert lazily_free() > 10_000  # a small one needs no such piece, and leaves them where they are
    huge = Network([1090, 3200, 3200, 9], output="identity")
    train(huge, X, T, rule=Momentum(1e-3, 0.9), epochs=1, dtype="float32")
    assert lazily_free() == 0, lazily_free()
"""


@pytest.mark.skipif(not TASKS.exists(), reason="pieces come from the system on Linux only")
def test_a_piece_is_used_again_where_it_fits(tmp_path: Path) -> None:
    """Of the same size, and if it is to be zero it is; too much is let go at once."""
    program = compiled(DRIVER, tmp_path)
    asked = {
        (1, 8, 8, 1): [1, 0, 0],
        (2, 8, 8, 1): [1, 1, 0],
        (1, 8, 10, 1): [0, 0, 0],
        (8, 8, 8, 1): [1, 1, 0],
        (2, 3, 3, 1): [0, 0, 0],  # too small to come from the system
    }
    assert told_by(program, "\n".join(" ".join(map(str, case)) for case in asked)) == list(asked.values())
    as_it_was, too_much = told_by(program, "8 8 8 0\n9 8 8 0")  # 64 MiB and 72
    assert as_it_was[:2] == [1, 1]
    assert too_much[2] == 0  # new pages, which may lie where the others lay


@pytest.mark.skipif(not TASKS.exists(), reason="memory is read as Linux tells it")
def test_nothing_of_what_stood_there_is_seen() -> None:
    """Trainings come to the same bits beside what a diverged one left; huge ones leave nothing."""
    tanh, gelu, tanh_again, gelu_again = told_by_python(TRAININGS)
    assert (tanh, gelu) == (tanh_again, gelu_again)
    assert tanh != gelu
