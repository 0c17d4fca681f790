// In which order an epoch visits the samples. The same orders as in method/orders.py.
#pragma once
#include <cstdint>
#include <vector>

namespace schuss {

// Write the order of samples 0 … n−1 in `epoch`: Fisher-Yates on the raw bits of Philox 4x64-10 keyed by (seed,
// epoch).
void philox_order(uint64_t seed, uint64_t epoch, int32_t n, int32_t *order);

constexpr int twister_words = 624;

// The orders of `Shuffled`, one after the other: each epoch shuffles the order of the one before, as NumPy's
// legacy generator (MT19937) shuffles.
class ShuffledOrders {
 public:
  ShuffledOrders(const uint32_t *words, int position, int32_t n);
  uint64_t epochs() const { return epochs_; }                   // drawn so far
  const std::vector<int32_t> &order() const { return order_; }  // of the last of them
  void next();
  void restart();

 private:
  void twist();   // the next words
  void temper();  // and what is drawn from them

  uint32_t first_words_[twister_words], words_[twister_words], draws_[twister_words];
  int first_position_, position_;
  uint64_t epochs_ = 0;
  std::vector<int32_t> order_;
};

}  // namespace schuss
