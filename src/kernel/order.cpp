// Philox: Salmon, Moraes, Dror & Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011.
// MT19937: Matsumoto & Nishimura, "Mersenne twister", ACM TOMACS 8 (1998).
#include "order.hpp"

#include <algorithm>
#include <numeric>
#include <utility>

namespace schuss {
namespace {

__extension__ typedef unsigned __int128 Wide;

struct Words {
  uint64_t word[4];
};

Words philox(uint64_t counter, uint64_t key0, uint64_t key1) {
  uint64_t a = counter, b = 0, c = 0, d = 0;
  for (int round = 0; round < 10; round++) {
    const Wide left = Wide(0xD2E7470EE14C6C93u) * a, right = Wide(0xCA5A826395121157u) * c;
    a = uint64_t(right >> 64) ^ b ^ key0;
    b = uint64_t(right);
    c = uint64_t(left >> 64) ^ d ^ key1;
    d = uint64_t(left);
    key0 += 0x9E3779B97F4A7C15u;  // the golden ratio
    key1 += 0xBB67AE8584CAA73Bu;  // √3 − 1
  }
  return {{a, b, c, d}};
}

}  // namespace

void philox_order(uint64_t seed, uint64_t epoch, int32_t n, int32_t *order) {
  for (int32_t i = 0; i < n; i++) order[i] = i;
  Words raw{};
  uint64_t drawn = 0;
  for (int32_t i = n - 1; i > 0; i--, drawn++) {
    if (drawn % 4 == 0) raw = philox(drawn / 4 + 1, seed, epoch);  // NumPy counts blocks from 1
    const int32_t j = int32_t(Wide(raw.word[drawn % 4]) * Wide(uint64_t(i) + 1) >> 64);
    std::swap(order[i], order[j]);
  }
}

ShuffledOrders::ShuffledOrders(const uint32_t *words, int position, int32_t n)
    : first_position_(position), order_(size_t(n)) {
  std::copy(words, words + twister_words, first_words_);
  restart();
}

void ShuffledOrders::restart() {
  std::copy(first_words_, first_words_ + twister_words, words_);
  temper();
  position_ = first_position_;
  epochs_ = 0;
  std::iota(order_.begin(), order_.end(), 0);
}

void ShuffledOrders::twist() {
  constexpr int n = twister_words, m = 397;
  const auto next = [&](int i, int after, int far) {
    const uint32_t y = (words_[i] & 0x80000000u) | (words_[after] & 0x7fffffffu);
    words_[i] = words_[far] ^ (y >> 1) ^ (y & 1 ? 0x9908b0dfu : 0u);
  };
  for (int i = 0; i < n - m; i++) next(i, i + 1, i + m);
  for (int i = n - m; i < n - 1; i++) next(i, i + 1, i + m - n);
  next(n - 1, 0, m - 1);
}

void ShuffledOrders::temper() {
  for (int i = 0; i < twister_words; i++) {
    uint32_t y = words_[i];
    y ^= y >> 11;
    y ^= (y << 7) & 0x9d2c5680u;
    y ^= (y << 15) & 0xefc60000u;
    draws_[i] = y ^ (y >> 18);
  }
  position_ = 0;
}

// Fisher-Yates from the last place i down, with a place up to i as NumPy draws it: under the least mask that i
// fits, and again if it is above i. Without a branch on the draw, which no processor could foretell: a place
// that is refused swaps i with itself. (scikit-learn shuffles the places 0 … n−1 and takes the order at them,
// which is to shuffle the order.)
void ShuffledOrders::next() {
  int32_t *order = order_.data();
  int32_t i = int32_t(order_.size()) - 1;
  while (i > 0) {
    if (position_ == twister_words) twist(), temper();
    int at = position_;
    for (; at < twister_words && i > 0; at++) {
      const int32_t drawn = int32_t(draws_[at] & ~uint32_t(0) >> __builtin_clz(uint32_t(i)));
      const int32_t fits = drawn <= i, j = i + (drawn - i) * fits;
      std::swap(order[i], order[j]);
      i -= fits;
    }
    position_ = at;
  }
  epochs_++;
}

}  // namespace schuss
