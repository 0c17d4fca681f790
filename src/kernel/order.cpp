// Philox: Salmon, Moraes, Dror & Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011.
#include "order.hpp"

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

}  // namespace schuss
