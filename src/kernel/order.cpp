// Philox: Salmon, Moraes, Dror & Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011.
// MT19937: Matsumoto & Nishimura, ACM Transactions on Modeling and Computer Simulation 8, 1998.
#include "order.hpp"

#include <algorithm>
#include <numeric>
#include <utility>
#include <vector>

namespace schuss {
namespace {

__extension__ typedef unsigned __int128 Wide;

// A block of four numbers.
void philox(uint64_t counter, uint64_t key0, uint64_t key1, uint64_t *words) {
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
  words[0] = a, words[1] = b, words[2] = c, words[3] = d;
}

// The numbers of one key, one after the other.
class Raw {
 public:
  Raw(uint64_t seed, uint64_t epoch) : seed_(seed), epoch_(epoch) {}
  // Fisher-Yates from the last place down. Places are drawn some time before they are swapped, so that those of a
  // long order have come near.
  void shuffle(int32_t *order, int32_t n) {
    uint64_t numbers[at_once];
    int32_t places[at_once];
    for (int32_t i = n - 1; i > 0;) {
      const int count = std::min(at_once, i);
      draw(numbers, count);
      for (int k = 0; k < count; k++) {
        places[k] = int32_t(Wide(numbers[k]) * Wide(uint64_t(i - k) + 1) >> 64);
        __builtin_prefetch(order + places[k], 1);
      }
      for (int k = 0; k < count; k++, i--) std::swap(order[i], order[places[k]]);
    }
  }

 private:
  static constexpr int at_once = 64;

  uint64_t next() {
    if (drawn_ % 4 == 0) philox(drawn_ / 4 + 1, seed_, epoch_, words_);  // NumPy counts blocks from 1
    return words_[drawn_++ % 4];
  }

  // The next n numbers. Whole blocks follow each other without a question in between, so that the processor makes
  // several at a time.
  void draw(uint64_t *numbers, int n) {
    int k = 0;
    while (k < n && drawn_ % 4 != 0) numbers[k++] = next();
    for (; k + 4 <= n; k += 4, drawn_ += 4) philox(drawn_ / 4 + 1, seed_, epoch_, numbers + k);
    while (k < n) numbers[k++] = next();
  }

  uint64_t seed_, epoch_, drawn_ = 0;
  uint64_t words_[4];
};

// NumPy's legacy generator, its draws made a block at a time.
class Twister {
 public:
  Twister(uint32_t *words, int &position) : words_(words), position_(position) { temper(); }

  // Fisher-Yates from the last place i down, with a place up to i as NumPy draws it: under the least mask that i
  // fits, and again if it is above i. Without a branch on the draw, which no processor could foretell: a place
  // that is refused swaps i with itself.
  void shuffle(int32_t *order, int32_t n) {
    int32_t i = n - 1;
    while (i > 0) {
      if (position_ == size) twist(), temper(), position_ = 0;
      int at = position_;
      for (; at < size && i > 0; at++) {
        const int32_t drawn = int32_t(draws_[at] & ~uint32_t(0) >> __builtin_clz(uint32_t(i)));
        const int32_t fits = drawn <= i, j = i + (drawn - i) * fits;
        std::swap(order[i], order[j]);
        i -= fits;
      }
      position_ = at;
    }
  }

 private:
  static constexpr int size = 624, middle = 397;

  // Word i from its successor and the word `middle` places on, all places modulo `size`.
  void renew(int i, int successor, int other) {
    const uint32_t y = (words_[i] & 0x80000000u) | (words_[successor] & 0x7FFFFFFFu);
    words_[i] = words_[other] ^ (y >> 1) ^ (-(y & 1) & 0x9908B0DFu);
  }

  void twist() {
    for (int i = 0; i < size - middle; i++) renew(i, i + 1, i + middle);
    for (int i = size - middle; i < size - 1; i++) renew(i, i + 1, i + middle - size);
    renew(size - 1, 0, middle - 1);
  }

  void temper() {
    for (int i = 0; i < size; i++) {
      uint32_t y = words_[i];
      y ^= y >> 11;
      y ^= (y << 7) & 0x9D2C5680u;
      y ^= (y << 15) & 0xEFC60000u;
      draws_[i] = y ^ (y >> 18);
    }
  }

  uint32_t *words_, draws_[size];
  int &position_;
};

}  // namespace

// (scikit-learn shuffles the places 0 … n−1 and takes the order at them, which is to shuffle the order.)
void shuffled_orders(uint32_t *words, int &position, int32_t n, int32_t *order, long epochs, int32_t *orders) {
  Twister twister(words, position);
  for (long e = 0; e < epochs; e++, orders += n) {
    twister.shuffle(order, n);
    std::copy(order, order + n, orders);
  }
}

void philox_order(uint64_t seed, uint64_t epoch, int32_t n, int32_t block, int32_t *order) {
  Raw raw(seed, epoch);
  std::vector<int32_t> blocks(size_t((int64_t(n) + block - 1) / block));
  std::iota(blocks.begin(), blocks.end(), 0);
  raw.shuffle(blocks.data(), int32_t(blocks.size()));
  for (const int32_t which : blocks) {
    const int32_t first = which * block, size = std::min(block, n - first);
    std::iota(order, order + size, first);
    raw.shuffle(order, size);
    order += size;
  }
}

}  // namespace schuss
