// Which hidden units are silent in a step, as method/dropout.py defines it: masks from the counter-based
// generator Philox 4x32-10 (Salmon et al., SC 2011). A unit's number follows from its place alone, so no width
// of vectors and no sharing among threads changes it.
#pragma once
#include "activations.hpp"

namespace schuss {
namespace SCHUSS_ISA {

// Sets of four words in the lower halves of 64-bit lanes; what stands above them is never read. Several sets at
// once, so that the latency of one's products hides behind the other's.
template <int sets> SCHUSS_INLINE void philox(VecW (&c)[sets][4], uint64_t key) {
  uint32_t k0 = uint32_t(key), k1 = uint32_t(key >> 32);
#pragma GCC unroll 10
  for (int round = 0; round < 10; round++) {
#pragma GCC unroll 2
    for (int i = 0; i < sets; i++) {
      const VecW left = multiply_lower(c[i][0], VecW{} + uint64_t(0xD2511F53));
      const VecW right = multiply_lower(c[i][2], VecW{} + uint64_t(0xCD9E8D57));
      c[i][0] = (right >> 32) ^ c[i][1] ^ uint64_t(k0);
      c[i][2] = (left >> 32) ^ c[i][3] ^ uint64_t(k1);
      c[i][1] = right;
      c[i][3] = left;
    }
    k0 += 0x9E3779B9;  // the golden ratio
    k1 += 0xBB67AE85;  // √3 − 1
  }
}

constexpr int blocks_at_once = lanes<float>;
alignas(64) constexpr uint64_t ordinals[8] = {0, 1, 2, 3, 4, 5, 6, 7};

// Counters of blocks [block, block + blocks_at_once) for one row of the batch. A lane of float is half as wide as
// a counter's, so there one set counts the even blocks and the other the odd ones.
template <class T>
SCHUSS_INLINE void counters(VecW (&c)[2][4], int block, uint32_t row, uint32_t step, uint32_t layer) {
  constexpr bool wide = sizeof(T) == 8;
  const VecW ordinal = *reinterpret_cast<const VecW *>(ordinals) << (wide ? 0 : 1);
  c[0][0] = ordinal + uint64_t(block);
  c[1][0] = c[0][0] + uint64_t(wide ? lanes<double> : 1);
  for (int i = 0; i < 2; i++) {
    c[i][1] = VecW{} + uint64_t(row);
    c[i][2] = VecW{} + uint64_t(step);
    c[i][3] = VecW{} + uint64_t(layer);
  }
}

// Word w of as many blocks as a vector has lanes; of float all at once, of double in two parts.
template <class T> SCHUSS_INLINE Bits<T> words(const VecW (&c)[2][4], int w, int part) {
  const VecW low = VecW{} + uint64_t(0xFFFFFFFF);
  if constexpr (sizeof(T) == 8) return c[part][w] & low;
  else return (Bits<T>)((c[0][w] & low) | (c[1][w] << 32));
}

// y ← y·m, and the slope of the backward pass is f′·m.
template <class T> SCHUSS_INLINE void silence(const Layer<T> &layer, long i, Bits<T> drawn) {
  const Bits<T> limit = Bits<T>{} + layer.keep_below;
  const Vec<T> mask = pick<T>((Ints<T>)(drawn < limit), all<T>(layer.keep_scale), Vec<T>{});
  const Vec<T> y = load<T>(layer.y + i);
  store<T>(layer.slope + i, slope_at<T>(layer.activation, y, layer.slope, i) * mask);
  store<T>(layer.y + i, y * mask);
}

// Silence units in rows [first, last) of the chunk at work: unit j hangs on word ⌊j/16⌋ mod 4 of block
// 16·⌊j/64⌋ + j mod 16.
template <class T> __attribute__((noinline)) void drop(const Work<T> &work, int l, int first, int last) {
  const Layer<T> &layer = work.layers[l];
  for (int row = first; row < last; row++)
    for (int unit = 0; unit < layer.n_out; unit += 64)
      for (int block = 0; block < 16 && unit + block < layer.n_out; block += blocks_at_once) {
        VecW c[2][4];
        counters<T>(c, unit / 4 + block, uint32_t(work.begin + row), work.dropout_step, uint32_t(l));
        philox(c, work.dropout_seed);
#pragma GCC unroll 4
        for (int w = 0; w < 4; w++)
#pragma GCC unroll 2
          for (int part = 0; part < int(sizeof(T)) / 4; part++) {
            const int j = unit + 16 * w + block + part * lanes<T>;
            if (j < layer.n_out) silence<T>(layer, row * layer.stride + j, words<T>(c, w, part));
          }
      }
}

// The words of one counter, as the generator's published test vectors have them.
inline void philox_words(const uint32_t *counter, uint64_t key, uint32_t *out) {
  VecW c[1][4];
  for (int w = 0; w < 4; w++) c[0][w] = VecW{} + uint64_t(counter[w]);
  philox(c, key);
  for (int w = 0; w < 4; w++) out[w] = uint32_t(c[0][w][0]);
}

}  // namespace SCHUSS_ISA
}  // namespace schuss
