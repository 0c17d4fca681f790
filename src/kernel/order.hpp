// The order of an epoch: Fisher-Yates on the raw bits of Philox 4x64-10 keyed by (seed, epoch).
#pragma once
#include <cstdint>

namespace schuss {

// Write the order of samples 0 … n−1 in `epoch`; the same as philox_order in method/plan.py.
void philox_order(uint64_t seed, uint64_t epoch, int32_t n, int32_t *order);

}  // namespace schuss
