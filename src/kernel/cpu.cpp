// Asks the processor, so that one build serves all of a family. The question is put in CPUID itself:
// the compilers' own __builtin_cpu_supports answers no to everything where their run-time part is missing.
#include "cpu.hpp"

#if defined(__x86_64__)
#include <cpuid.h>
#endif

namespace schuss {

#if defined(SCHUSS_BASELINE)
namespace baseline { extern const InstructionSet instruction_set; }
#endif
#if defined(__x86_64__)
#if defined(SCHUSS_AVX2)
namespace avx2 { extern const InstructionSet instruction_set; }
#endif
#if defined(SCHUSS_AVX512)
namespace avx512 { extern const InstructionSet instruction_set; }
#endif
#if defined(SCHUSS_BF16)
namespace avx512_bf16 { extern const InstructionSet instruction_set; }
#endif

namespace {

bool has(unsigned bits, unsigned wanted) { return (bits & wanted) == wanted; }

// Which vector registers the operating system saves: bits of the register XCR0.
unsigned saved_registers() {
  unsigned low, high;
  asm volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return low;
}

struct Processor {
  bool avx2 = false, avx512 = false, bf16 = false;
  Processor() {
    unsigned a, b, c, d;
    if (!__get_cpuid(1, &a, &b, &c, &d) || !has(c, bit_OSXSAVE | bit_AVX | bit_FMA)) return;
    const unsigned saved = saved_registers();
    if (!has(saved, 0x06) || !__get_cpuid_count(7, 0, &a, &b, &c, &d)) return;  // SSE and AVX halves
    avx2 = has(b, bit_AVX2);
    avx512 = avx2 && has(saved, 0xe6) && has(b, bit_AVX512F | bit_AVX512DQ | bit_AVX512VL | bit_AVX512BW);
#if defined(SCHUSS_BF16)  // older compilers do not know the bit either
    bf16 = avx512 && __get_cpuid_count(7, 1, &a, &b, &c, &d) && has(a, bit_AVX512BF16);
#endif
#if defined(SCHUSS_EMULATE)
    avx512 = bf16 = avx2;
#endif
  }
};

}  // namespace
#endif

std::vector<const InstructionSet *> instruction_sets() {
  std::vector<const InstructionSet *> found;
#if defined(__x86_64__)
  static const Processor processor;
#if defined(SCHUSS_AVX512)
  if (processor.avx512) found.push_back(&avx512::instruction_set);
#endif
#if defined(SCHUSS_AVX2)
  if (processor.avx2) found.push_back(&avx2::instruction_set);
#endif
#endif
#if defined(SCHUSS_BASELINE)
  found.push_back(&baseline::instruction_set);
#endif
#if defined(SCHUSS_BF16)
  if (processor.bf16) found.push_back(&avx512_bf16::instruction_set);
#endif
  return found;
}

}  // namespace schuss
