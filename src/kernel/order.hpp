// The orders of epochs: Fisher-Yates on the raw bits of Philox 4x64-10 keyed by (seed, epoch), and on those of
// MT19937 as NumPy's RandomState.shuffle does it.
#pragma once
#include <cstddef>
#include <cstdint>

namespace schuss {

// Write the order of samples 0 … n−1 in `epoch`, in blocks of neighbours; the same as philox_order in
// method/orders.py, whose single block is one of n.
void philox_order(uint64_t seed, uint64_t epoch, int32_t n, int32_t block, int32_t *order);

// Write the orders of `epochs` epochs that follow one in which the samples stood in `order`, and leave there
// the last; the same as Shuffled in method/orders.py. `words` (624) and `position` are the generator's state.
void shuffled_orders(uint32_t *words, int &position, int32_t n, int32_t *order, long epochs, int32_t *orders);

}  // namespace schuss
